"""Files of translators: TMX, XLIFF and gettext PO, whose units know their languages and states."""

import logging
import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from nmt.data.sources import pair_source
from nmt.data.sources.pair_source import Columns, ColumnsSource
from nmt.data.sources.po_entries import read_po
from nmt.data.sources.xml_units import CREATION_TOOL, Unit, read_units
from nmt.data.text_files import opened
from nmt.languages import base_code

log = logging.getLogger(__name__)


def matching(wanted: str, present: Iterable[str]) -> str | None:
    """The first of the codes that names the wanted language: the same code, else one that is more
    or less exact. en, EN, eng and en-US match; en-GB and en-US do not."""
    codes = list(present)
    parts = _parts(wanted)
    same = (code for code in codes if _parts(code) == parts)
    near = (code for code in codes if code and _begin_alike(parts, _parts(code)))
    return next(same, None) or next(near, None)


def _parts(code: str) -> list[str]:
    first, *rest = re.split(r"[-_.@]", code.lower())
    return [_ALPHA_3.get(first, base_code(first)), *rest]


def _begin_alike(first: list[str], second: list[str]) -> bool:
    return all(one == other for one, other in zip(first, second, strict=False))


_ALPHA_3 = {
    "eng": "en", "fra": "fr", "fre": "fr", "deu": "de", "ger": "de", "spa": "es", "ita": "it",
    "por": "pt", "nld": "nl", "dut": "nl", "rus": "ru", "pol": "pl", "ara": "ar", "tur": "tr",
    "ces": "cs", "cze": "cs", "ron": "ro", "rum": "ro", "ukr": "uk", "swe": "sv", "fin": "fi",
    "dan": "da", "ell": "el", "gre": "el", "hun": "hu", "bul": "bg", "heb": "he", "hin": "hi",
    "vie": "vi", "ind": "id", "cat": "ca", "fas": "fa", "per": "fa", "chi": "zh",
}  # fmt: skip


class Row(NamedTuple):
    """A unit in two languages.

    line: where it begins. src, tgt: None where the unit lacks the side.
    left: why the unit is no pair to learn from; "" where it is one.
    markup: whether inline markup was taken out.
    """

    line: int
    src: str | None
    tgt: str | None
    left: str = ""
    markup: bool = False


class UnitsSource(ColumnsSource):
    """Files of units. The columns are languages.

    keep_missing: whether a unit that lacks a side is a row, which cleaning counts; else it is left
        out as units are whose translation is unfinished. What is left out is logged.
    """

    format: str

    def __init__(
        self, paths: Sequence[Path], columns: Columns, most: int | None, *, keep_missing: bool
    ) -> None:
        super().__init__(paths, columns, most)
        self._keep_missing = keep_missing
        self._reported: set[int] = set()

    @abstractmethod
    def _units(self, path: Path) -> Iterator[Row]:
        """Every unit of a file. Raises ValueError where the file lacks a language."""

    def _options(self) -> dict[str, Any]:
        return {"format": self.format, "keep_missing": self._keep_missing}

    def _file_rows(self, index: int, most: int | None) -> Iterator[tuple[object, object]]:
        counts: Counter[str] = Counter()
        rows = self._rows(self._paths[index], counts)
        yield from ((row.src, row.tgt) for row in islice(rows, most))
        if counts and index not in self._reported:
            self._reported.add(index)
            listed = ", ".join(f"{count:,} {what}" for what, count in sorted(counts.items()))
            log.warning("%s: %s", self._paths[index], listed)

    def _rows(self, path: Path, counts: Counter[str]) -> Iterator[Row]:
        for row in self._units(path):
            left = row.left
            if not left and not self._keep_missing and not (row.src and row.tgt):
                left = "without translation"
            if left:
                counts[f"units {left}: left out"] += 1
                continue
            if row.markup:
                counts["pairs with inline markup: only its text is kept"] += 1
            yield row

    def _place(self, index: int, row: int) -> str:
        found = next(islice(self._rows(self._paths[index], Counter()), row, None))
        return f"{self._paths[index]}:{found.line}"

    def size(self) -> int | None:
        return None

    def _missing(self, path: Path, column: str, present: Iterable[str]) -> ValueError:
        return pair_source.missing(str(path), self._columns, column, present, what="language")


class TmxSource(UnitsSource):
    """Translation memories (TMX 1.x), with two or more languages."""

    format = "tmx"

    def _units(self, path: Path) -> Iterator[Row]:
        languages: dict[str, None] = {}
        unseen = set(self._columns)
        with opened(path) as stream:
            for unit in read_units(stream, str(path), "tmx"):
                present = [segment.language for segment in unit.segments]
                languages.update(dict.fromkeys(present))
                codes = [matching(column, present) for column in self._columns]
                unseen -= {c for c, code in zip(self._columns, codes, strict=True) if code}
                if codes == [None, None]:
                    yield Row(unit.line, None, None, "in other languages")
                    continue
                sides = [None if c is None else unit.segments[present.index(c)] for c in codes]
                there = [side for side in sides if side]
                machine = any(s.attributes.get("creationtool") == CREATION_TOOL for s in there)
                left = "translated by machine" if machine else ""
                src, tgt = ((side.text or None) if side else None for side in sides)
                yield Row(unit.line, src, tgt, left, any(side.has_markup for side in there))
        for column in sorted(unseen):
            raise self._missing(path, column, languages)


class XliffSource(UnitsSource):
    """XLIFF 1.x and 2.x. The sides may also be read the other way round."""

    format = "xliff"

    def _units(self, path: Path) -> Iterator[Row]:
        languages: dict[str, None] = {}
        found = False
        with opened(path) as stream:
            for unit in read_units(stream, str(path), "xliff"):
                codes = unit.languages
                languages.update(dict.fromkeys(filter(None, codes)))
                turned = direction(codes, self._columns)
                if turned is None:
                    yield Row(unit.line, None, None, "in other languages")
                    continue
                found = True
                yield _xliff_row(unit, turned)
        if not found:
            absent = [c for c in self._columns if matching(c, languages) is None]
            raise self._missing(path, (absent or list(self._columns))[0], languages)


def _xliff_row(unit: Unit, turned: bool) -> Row:
    sides = [unit.side(role) for role in ("source", "target")]
    source, target = ((side.text or None) if side else None for side in sides)
    left = ""
    if not unit.translate:
        left = "not to be translated"
    elif target and unit.state != "done":
        left = "not translated yet" if unit.state == "untranslated" else "not reviewed yet"
    markup = any(side is not None and side.has_markup for side in sides)
    src, tgt = (target, source) if turned else (source, target)
    return Row(unit.line, src, tgt, left, markup)


def direction(codes: tuple[str, str], wanted: tuple[str, str]) -> bool | None:
    """Whether texts in two languages must be turned round to be in the wanted ones; None where they
    are in other languages. A code of "" may be any language."""

    def fits(wanted: tuple[str, ...]) -> bool:
        pairs = zip(codes, wanted, strict=True)
        return all(not code or matching(one, [code]) is not None for code, one in pairs)

    if fits(wanted):
        return False
    return True if fits(wanted[::-1]) else None


class PoSource(UnitsSource):
    """gettext PO. The header names the language of the translations; the messages are in the other
    one. Of a plural, the first form translates the singular, the last one the plural."""

    format = "po"

    def _units(self, path: Path) -> Iterator[Row]:
        with opened(path) as stream:
            po = read_po(stream.read(), str(path))
        turned = direction(("", po.language), self._columns)
        if turned is None:
            raise self._missing(path, self._columns.tgt, [po.language])
        if not po.language:
            log.warning(
                "%s names no language in its header: its translations are taken for %s",
                path,
                self._columns.tgt,
            )
        for entry in po.entries:
            if entry.is_header:
                continue
            left = "obsolete" if entry.obsolete else "fuzzy" if entry.fuzzy else ""
            forms = entry.targets or ("",)
            pairs = [(entry.source, forms[0])]
            if entry.plural is not None:
                pairs = [*(pairs if len(forms) > 1 else []), (entry.plural, forms[-1])]
            for source, target in pairs:
                src, tgt = (target, source) if turned else (source, target)
                yield Row(entry.line, src or None, tgt or None, left)
