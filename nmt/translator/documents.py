"""Documents of translators: the texts that wait for a translation are taken out and filled in.

Every other byte of the file stays as it was. A text that has a translation is left alone, and so is
what a person has not finished. What is filled in is marked as made by machine, so that tools show
it for review: ``fuzzy`` in PO, ``needs-review-translation`` in XLIFF 1, a ``subState`` of XLIFF 2,
``creationtool`` in TMX.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from nmt.checks import OptionError, field
from nmt.data.sources.po_entries import PoEntry, PoFile, quoted, read_po
from nmt.data.sources.unit_formats import matching
from nmt.data.text_files import opened
from nmt.files import replace_bytes
from nmt.translator.xml_documents import XmlFiller, is_code

_KINDS = {".po": "po", ".pot": "po", ".xlf": "xliff", ".xliff": "xliff", ".tmx": "tmx"}
_AROUND = re.compile(r"(^\s++|(?<!\s)[^\S\r\n]*+[\r\n]\s*+|(?<!\s)\s++$)")
_TAG = re.compile("<[^<>]*>")


class Filler(Protocol):
    """A file whose texts can be filled in.

    sources: the texts that wait for a translation. left: why -> how many others are left alone.
    """

    sources: list[str]
    left: Counter[str]

    def filled(self, translations: Sequence[str]) -> tuple[bytes, int]:
        """The file with a translation of each source, and in how many of them inline markup was
        lost or damaged: what is missing stands at the end of these."""


def kind_of(path: str | Path | None) -> str | None:
    """The kind of document that a file's name says, "po", "xliff" or "tmx"; None for others."""
    name = "" if path is None else str(path).removesuffix(".gz")
    return _KINDS.get(Path(name).suffix.lower())


def open_document(path: str | Path, src_lang: str, tgt_lang: str) -> "Document":
    """Reads a document: PO, XLIFF or TMX, by the ending of its name, also gzipped.

    src_lang, tgt_lang: of the translator. Names that are no language codes fit any XLIFF and PO.

    Raises OSError for a file that cannot be read, ValueError for one that is damaged, that is in
    other languages, or whose library is not installed.
    """
    path = Path(path).expanduser()
    kind = kind_of(path)
    assert kind is not None, path
    with opened(path) as stream:
        content = stream.read()
    if kind == "po":
        return Document(PoFiller(read_po(content, str(path)), tgt_lang))
    return Document(XmlFiller(content, str(path), kind, src_lang, tgt_lang))


class Document:
    """The texts of a document.

    texts: what to translate, each without line breaks or outer white space. A text of several lines
        gives several. What has no letter outside of tags is copied.
    """

    def __init__(self, filler: Filler) -> None:
        self._filler = filler
        self._cuts = [_AROUND.split(source) for source in filler.sources]
        self.texts = [text for cut in self._cuts for text in cut[::2] if _has_words(text)]

    def filled(self, translations: Sequence[str]) -> tuple[bytes, int]:
        """The file with the translations of ``texts``, and how many have damaged inline markup."""
        assert len(translations) == len(self.texts)
        found = iter(translations)
        return self._filler.filled([_joined(cut, found) for cut in self._cuts])

    def write(self, translations: Sequence[str], path: str | Path) -> int:
        """Writes the file with the translations of ``texts``, whole or not at all. Returns how many
        of them had damaged inline markup."""
        data, damaged = self.filled(translations)
        replace_bytes(Path(path).expanduser(), data)
        return damaged

    def described(self) -> str:
        """How many texts are filled and how many left alone, for people."""
        left = "".join(f"; {count:,} left: {why}" for why, count in self._filler.left.items())
        return f"{len(self._cuts):,} texts without translation filled{left}"


def _joined(cut: Sequence[str], translations: Iterator[str]) -> str:
    texts = (next(translations) if _has_words(text) else text for text in cut[::2])
    spaces = [*cut[1::2], ""]
    return "".join(part for pair in zip(texts, spaces, strict=True) for part in pair)


def _has_words(text: str) -> bool:
    return any(letter.isalpha() for letter in _TAG.sub("", text))


def check_output(source: str | Path, target: str | Path) -> None:
    """Raises ValueError where a document cannot be written to ``target``, OSError where ``source``
    cannot be read: before long work."""
    if kind_of(target) != kind_of(source) or str(target).endswith(".gz"):
        ending = Path(str(source).removesuffix(".gz")).suffix
        raise OptionError(
            f"{field('output')} must be a file in {ending}, as the input is, got {target}"
        )
    opened(Path(source).expanduser(), packed=True).close()
    if Path(target).exists() and Path(source).expanduser().samefile(target):
        raise OptionError(
            f"{target} would be read and written at once: give {field('output')} another name"
        )


class PoFiller:
    """The entries of a PO file without a translation. In a plural the first form takes the
    translation of the singular, the others that of the plural; a single form that of the plural."""

    def __init__(self, po: PoFile, tgt_lang: str) -> None:
        self._po = po
        self.left: Counter[str] = Counter()
        if po.language and is_code(tgt_lang) and not matching(tgt_lang, [po.language]):
            raise ValueError(
                f"{po.name} is for {po.language}, as its header says, and the run translates into"
                f" {tgt_lang}"
            )
        self._entries = [entry for entry in po.entries if self._waits(entry)]
        self.sources = []
        for entry in self._entries:
            self.sources += [entry.source, *([] if entry.plural is None else [entry.plural])]

    def _waits(self, entry: PoEntry) -> bool:
        if entry.is_header or not entry.source.strip():
            return False
        for why, is_so in (
            ("obsolete", entry.obsolete),
            ("translated already", any(entry.targets) and not entry.fuzzy),
            ("fuzzy", entry.fuzzy),
        ):
            if is_so:
                self.left[why] += 1
                return False
        return True

    def filled(self, translations: Sequence[str]) -> tuple[bytes, int]:
        lines = list(self._po.lines)
        end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
        found = iter(translations)
        changes: list[tuple[range, list[str]]] = []
        for entry in self._entries:
            texts = [next(found)] if entry.plural is None else self._forms(next(found), next(found))
            written = []
            for form, text in enumerate(texts):
                first, *others = quoted(text)
                name = "msgstr" if entry.plural is None else f"msgstr[{form}]"
                written += [f"{name} {first}", *others]
            changes.append((entry.targets_at, written))
            if entry.flags is None:
                changes.append((range(entry.first, entry.first), ["#, fuzzy"]))
            else:
                flags = lines[entry.flags].strip().removeprefix("#,").strip()
                changes.append((range(entry.flags, entry.flags + 1), [f"#, fuzzy, {flags}"]))
        for place, written in sorted(changes, key=lambda one: one[0].start, reverse=True):
            last = lines[place.stop - 1] if place else ""
            lines[place.start : place.stop] = [f"{line}{end}" for line in written]
            if place and not last.endswith("\n"):  # the last line of the file
                lines[place.start + len(written) - 1] = written[-1]
        text = "".join(lines)
        if self._po.is_template:
            text = text.replace("charset=CHARSET", "charset=UTF-8", 1)
        try:
            return text.encode(self._po.charset), 0
        except UnicodeEncodeError as error:
            letters = text[error.start : error.end]
            raise ValueError(
                f"{self._po.name}: its character set, {self._po.charset}, lacks {letters!r} of a"
                " translation: convert the file with msgconv --to-code=UTF-8"
            ) from None

    def _forms(self, one: str, many: str) -> list[str]:
        """The plural forms of an entry."""
        count = self._po.plural_forms or 2
        return [many] if count == 1 else [one, *[many] * (count - 1)]
