"""The entries of gettext PO files, read by the Translate Toolkit, and where they stand."""

import re
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from typing import Any

from nmt.checks import OptionError

_CHARSET = re.compile(rb"charset=\s*([\w.:-]+)", re.IGNORECASE)
_KEYWORD = re.compile(r'(msgctxt|msgid_plural|msgid|msgstr)\s*(?:\[\d+\])?\s*"')
_LANGUAGE = re.compile(r"^Language:[ \t]*([\w@.-]+)", re.IGNORECASE | re.MULTILINE)
_FORMS = re.compile(r"nplurals\s*=\s*(\d+)")


@dataclass(frozen=True)
class PoEntry:
    """A text and its translations, one for each plural form.

    plural: the text for many; None where there is one text only.
    line: of ``msgid`` in the file, counted from 1; 0 of an obsolete entry.
    first, flags: lines, counted from 0, before which flags can be inserted and where they stand;
        flags is None where the entry has none.
    targets_at: the lines of ``msgstr``, counted from 0.
    """

    source: str
    plural: str | None
    targets: tuple[str, ...]
    fuzzy: bool
    obsolete: bool
    line: int = 0
    first: int = 0
    flags: int | None = None
    targets_at: range = range(0)

    @property
    def is_header(self) -> bool:
        """Whether the "translation" describes the file."""
        return not self.source and self.plural is None


@dataclass(frozen=True)
class PoFile:
    """A PO file. lines: with their ends. charset: in which they are written. is_template: whether
    the header leaves the character set open, for the translator to choose."""

    name: str
    lines: list[str]
    charset: str
    is_template: bool
    entries: list[PoEntry]

    @cached_property
    def header(self) -> str:
        """What the file says of itself, "" where it says nothing."""
        headers = (entry.targets for entry in self.entries if entry.is_header)
        return "".join(next(headers, ()))

    @property
    def language(self) -> str:
        """The code of the language of the translations, "" where the header names none."""
        found = _LANGUAGE.search(self.header)
        return found[1] if found else ""

    @property
    def plural_forms(self) -> int | None:
        """How many forms each plural has; None where the header does not say it."""
        found = _FORMS.search(self.header)
        return int(found[1]) if found else None


def read_po(content: bytes, name: str) -> PoFile:
    """The entries of a PO file or a template (POT).

    Raises ValueError for a file that is none, naming the line, and where the Translate Toolkit is
    not installed.
    """
    pypo, poparser = _toolkit()
    found = _CHARSET.search(content)
    named = found[1].decode() if found and found[1] != b"CHARSET" else "utf-8"
    text = _decoded(content, named, name)
    if found:  # the toolkit reads other character sets less well than we do
        text = re.sub(r"charset=\s*[\w.:-]+", "charset=utf-8", text, count=1, flags=re.IGNORECASE)
    try:
        units = pypo.pofile.parsestring(text.encode()).units
    except poparser.PoParseError as error:
        said = re.sub(r" on line (\d+)", "", str(error))
        line = getattr(error, "lineno", None) or re.search(r"line (\d+)", str(error))
        number = line if isinstance(line, int) else line[1] if line else 1
        raise ValueError(f"{name}:{number}: no PO: {said}") from None
    lines = list(StringIO(_decoded(content, named, name), newline="\n"))
    is_template = found is not None and found[1] == b"CHARSET"
    return PoFile(name, lines, named, is_template, _placed(units, lines, name))


def quoted(text: str) -> list[str]:
    """A text as the lines of a PO file write it, without line ends."""
    pypo, _ = _toolkit()
    written: list[str] = pypo.quoteforpo(text)
    return written or ['""']


def _toolkit() -> tuple[Any, Any]:
    try:
        from translate.storage import poparser, pypo
    except ImportError:
        raise OptionError(
            "PO files are read by the Translate Toolkit, which is not installed: in the directory"
            " of the sources, pip install '.[formats]'"
        ) from None
    return pypo, poparser


def _decoded(content: bytes, charset: str, name: str) -> str:
    try:
        return content.decode(charset)
    except LookupError:
        raise ValueError(f"{name}: unknown character set {charset!r} in the header") from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = f"byte 0x{content[error.start]:02x}"
        raise ValueError(f"{name}:{line}: not valid {charset} ({byte})") from None


def _placed(units: list[Any], lines: list[str], name: str) -> list[PoEntry]:
    """The entries of the toolkit's units, with their places."""
    places = _places(lines)
    standing = [unit for unit in units if unit.msgid and not unit.isobsolete()]
    if len(places) != len(standing):
        raise ValueError(f"{name}: not laid out as gettext writes it; run it through msgcat first")
    at = iter(places)
    entries = []
    for unit in units:
        if not unit.msgid:
            continue  # a comment at the end
        source, target = unit.source, unit.target
        plural = unit.hasplural()
        sources = list(map(str, source.strings)) if plural else [str(source)]
        targets = target.strings if hasattr(target, "strings") else [target]
        entry = PoEntry(
            sources[0],
            sources[-1] if plural else None,
            tuple(str(one or "") for one in targets),
            unit.isfuzzy(),
            unit.isobsolete(),
            *(() if unit.isobsolete() else next(at)),
        )
        entries.append(entry)
    return entries


def _places(lines: list[str]) -> list[tuple[int, int, int | None, range]]:
    """(line, first, flags, targets_at) of each entry that is not obsolete."""
    found: list[tuple[int, int, int | None, range]] = []
    first = flags = source = start = None
    keyword = ""
    for number, line in enumerate([*lines, "#"]):
        text = line.strip().removeprefix("\ufeff")
        match = _KEYWORD.match(text)
        begins = text.startswith("#") or (match and match[1] in ("msgctxt", "msgid"))
        if start is not None and source is not None and (begins or not text):
            found.append(
                (source + 1, source if first is None else first, flags, range(start, number))
            )
            first = flags = source = start = None
        if text.startswith("#~"):
            first = flags = source = start = None
        elif text.startswith("#,"):
            flags = number
        elif match:
            keyword = match[1]
            first = number if first is None else first
            if keyword == "msgid":
                source = number
            elif keyword == "msgstr" and start is None:
                start = number
    return found
