"""A glossary: how terms of the source language have to be translated, wherever they stand."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from nmt.data.text_files import Lines, opened
from nmt.languages import base_code
from nmt.text.sentences import Span, split_sentences
from nmt.text.words import occurrences, plain

_KEY = 4  # characters by which entries are looked up


@dataclass(frozen=True)
class Requirement:
    """What a translation must have: one of these forms.

    term: the source term of a glossary that asks for it; "" where none does.
    ignore_case: whether upper and lower case are alike, as for a text all in capitals.
    """

    forms: tuple[str, ...]
    term: str = ""
    ignore_case: bool = False

    def met(self, text: str, language: str) -> bool:
        """Whether one of the forms stands in the text."""
        return any(occurrences(form, text, language, self.ignore_case) for form in self.forms)


@dataclass(frozen=True)
class Entry:
    """A source term and the target terms of which one has to stand in the translation."""

    term: str
    forms: tuple[str, ...]

    @property
    def is_lower(self) -> bool:
        """Whether the term is written without capitals."""
        return self.term == self.term.lower()


@dataclass(frozen=True)
class Glossary:
    """Entries, each with another source term.

    An entry asks for its translation where its source term stands in a text as a whole word. Longer
    terms come first, and what one of them covers asks for nothing else. A term without capitals
    also stands where a sentence begins with it in upper case, and its translation may begin in
    upper case wherever it stands. A term with capitals stands only as it is written.

    Raises ValueError for a term without text, and for a source term that comes twice.
    """

    entries: tuple[Entry, ...] = ()

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for entry in self.entries:
            _check(entry)
            if plain(entry.term.strip()) in seen:
                raise ValueError(f"{entry.term!r} has two entries; give its forms in one")
            seen.add(plain(entry.term.strip()))

    @classmethod
    def of(cls, terms: Mapping[str, str | Sequence[str]]) -> Self:
        """From source terms and the target term, or several allowed ones, of each."""
        return cls(
            tuple(
                Entry(term, (forms,) if isinstance(forms, str) else tuple(forms))
                for term, forms in terms.items()
            )
        )

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Reads a file with a source term, a tab and a target term in each line. ``|`` stands
        between several allowed target terms. Blank lines are skipped.

        Raises OSError for a file that cannot be opened, and ValueError, with the file and the line,
        for a line that is no entry and for a source term that comes twice with other translations.
        """
        lines: dict[str, int] = {}
        entries: dict[str, Entry] = {}

        def read(number: int, line: str) -> None:
            if not line.strip():
                return
            columns = line.split("\t")
            if len(columns) != 2:
                raise ValueError(
                    f"an entry is a source term, a tab and a target term, not {line[:40]!r} with"
                    f" {len(columns) - 1} tabs"
                )
            entry = Entry(columns[0].strip(), tuple(form.strip() for form in columns[1].split("|")))
            _check(entry)
            key = plain(entry.term)
            if entries.setdefault(key, entry) != entry:
                raise ValueError(
                    f"{entry.term!r} has another translation in line {lines[key]}; put the forms"
                    f" into one line, with | between them"
                )
            lines.setdefault(key, number)

        path = Path(path).expanduser()
        with opened(path) as stream:
            for _ in Lines(stream, str(path)).chunks(read):
                pass
        return cls(tuple(entries.values()))

    def requirements(
        self, text: str, language: str, *, ignore_case: bool = False
    ) -> tuple[Requirement, ...]:
        """What the translation of this text must have, in the order of the source terms in it.

        language: of the text, "" for unknown.
        ignore_case: for a text all in capitals.
        """
        if not self.entries:
            return ()
        plainly = plain(text).casefold()
        keys = {plainly[i : i + n] for i in range(len(plainly)) for n in range(1, _KEY + 1)}
        likely = [entry for key in keys & self._by_key.keys() for entry in self._by_key[key]]
        likely.sort(key=lambda entry: (-len(plain(entry.term)), entry.term))
        taken: list[Span] = []
        asked: dict[Entry, int] = {}  # -> where it stands first
        for entry in likely:
            for span in self._places(entry, text, language, ignore_case):
                if all(span.end <= other.start or other.end <= span.start for other in taken):
                    taken.append(span)
                    asked[entry] = min(span.start, asked.get(entry, span.start))
        return tuple(_requirement(entry) for entry in sorted(asked, key=asked.__getitem__))

    @cached_property
    def _by_key(self) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            found[plain(entry.term.strip()).casefold()[:_KEY]].append(entry)
        return found

    def _places(self, entry: Entry, text: str, language: str, ignore_case: bool) -> Iterator[Span]:
        yield from occurrences(entry.term, text, language, ignore_case)
        if ignore_case or not entry.is_lower:
            return
        if raised := occurrences(capitalised(entry.term, language), text, language):
            starts = list(split_sentences(text, language))
            yield from (span for span in raised if _begins(span, text, starts))


def capitalised(term: str, language: str) -> str:
    """The term with its first letter in upper case."""
    for place, character in enumerate(term):
        if character.isalpha():
            dotted = character == "i" and base_code(language) in ("tr", "az")
            upper = "\u0130" if dotted else character.upper()
            return term[:place] + (upper if len(upper) == 1 else character) + term[place + 1 :]
    return term


def _begins(span: Span, text: str, sentences: Iterable[Span]) -> bool:
    """Whether a sentence begins with what stands here."""
    start = max((one.start for one in sentences if one.start <= span.start), default=0)
    return not any(character.isalnum() for character in text[start : span.start])


def _requirement(entry: Entry) -> Requirement:
    forms = [*entry.forms]
    if entry.is_lower:
        forms += [capitalised(form, "") for form in entry.forms]
    return Requirement(tuple(dict.fromkeys(forms)), entry.term)


def _check(entry: Entry) -> None:
    if not entry.term.strip():
        raise ValueError(f"a source term has no text, with the translation {'|'.join(entry.forms)}")
    if not entry.forms or not all(form.strip() for form in entry.forms):
        raise ValueError(f"a translation of {entry.term!r} has no text")
