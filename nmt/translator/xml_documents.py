"""TMX and XLIFF with translations filled in. Tags like <g1> stand for inline markup in the text."""

import codecs
import html
import re
from collections import Counter
from collections.abc import Callable, Sequence

from nmt.data.sources.unit_formats import matching
from nmt.data.sources.xml_units import (
    CREATION_TOOL,
    SUB_STATE,
    Piece,
    Segment,
    Unit,
    UnitReader,
    unfolded,
)
from nmt.translator.questions import Steps, asked
from nmt.translator.tagged_text import free_letter, without_controls

_SPACE_BEFORE = re.compile(r"[ \t]*\r?\n\s*\Z")
_UNREVIEWED = {"state": "needs-review-translation", "state-qualifier": "mt-suggestion"}
_UNREVIEWED_2 = {"state": "translated", "subState": SUB_STATE}


def is_code(language: str) -> bool:
    """Whether the name of a language is a code, such as en or zh-TW."""
    return re.fullmatch(r"[A-Za-z]{2,3}([-_@.].*)?", language) is not None


class XmlFiller:
    """The units of a TMX or XLIFF file without a translation.

    A unit waits for one where the target is missing or empty, or repeats the source while its state
    says that it is not translated. Language names that are no codes fit every XLIFF.
    """

    what = "texts without translation filled"
    after_loss = (
        "what was missing stands at their ends, or at their beginnings if it led the source"
    )

    def __init__(self, content: bytes, name: str, kind: str, src_lang: str, tgt_lang: str) -> None:
        reader = UnitReader(name, kind)
        units = reader.feed(content, last=True)
        self._content = content
        self._codec = codec_of(content, reader.encoding)
        self._kind = kind
        self._tgt_lang = tgt_lang
        self.left: Counter[str] = Counter()
        self._jobs: list[tuple[Unit, Segment, Segment | None, Marked]] = []
        codes: dict[str, None] = {}
        for unit in units:
            present = [segment.language for segment in unit.segments]
            codes.update(dict.fromkeys(filter(None, present)))
            if kind == "tmx":
                sides = self._sides_of_tmx(unit, src_lang, tgt_lang)
            else:
                sides = self._sides_of_xliff(unit, src_lang, tgt_lang)
            if sides and self._waits(unit, *sides):
                self._jobs.append((unit, *sides, Marked(sides[0], self._text)))
        others = "in other languages"
        if units and self.left[others] == len(units):
            listed = ", ".join(codes) or "none"
            raise ValueError(
                f"{name} has texts in {listed}; the run translates {src_lang} into {tgt_lang}"
            )
        if kind == "tmx":  # spelt as the file does
            self._tgt_lang = matching(tgt_lang, codes) or tgt_lang
        self.sources = [marked.text for *_, marked in self._jobs]

    def _sides_of_tmx(
        self, unit: Unit, src_lang: str, tgt_lang: str
    ) -> tuple[Segment, Segment | None] | None:
        present = [segment.language for segment in unit.segments]
        src, tgt = matching(src_lang, present), matching(tgt_lang, present)
        if src is None:
            self.left["in other languages"] += 1
            return None
        target = None if tgt is None else unit.segments[present.index(tgt)]
        return unit.segments[present.index(src)], target

    def _sides_of_xliff(
        self, unit: Unit, src_lang: str, tgt_lang: str
    ) -> tuple[Segment, Segment | None] | None:
        pairs = zip(unit.languages, (src_lang, tgt_lang), strict=True)
        for code, language in pairs:
            if code and is_code(language) and matching(language, [code]) is None:
                self.left["in other languages"] += 1
                return None
        source = unit.side("source")
        return None if source is None else (source, unit.side("target"))

    def _waits(self, unit: Unit, source: Segment, target: Segment | None) -> bool:
        if not unit.translate:
            self.left["not to be translated"] += 1
            return False
        if not source.text.strip() and not source.has_markup:
            return False
        if target is None or not (target.text.strip() or target.has_markup):
            return True
        if unit.state == "untranslated" and target.text == source.text:
            return True
        self.left["translated already"] += 1
        return False

    def filling(self) -> Steps[tuple[bytes, int]]:
        translations = yield from asked(self.sources)
        changes: list[tuple[int, int, str]] = []
        damaged = 0
        for (unit, source, target, marked), made in zip(self._jobs, translations, strict=True):
            inner, whole = marked.restored(made.text)
            damaged += not whole
            if self._kind == "tmx":
                changes += self._tmx_changes(source, target, inner)
            else:
                changes += self._xliff_changes(unit, source, target, inner)
        parts, at = [], 0
        for start, end, text in sorted(set(changes)):
            parts += [self._content[at:start], text.encode(self._codec, "xmlcharrefreplace")]
            at = end
        return b"".join([*parts, self._content[at:]]), damaged

    def _tmx_changes(
        self, source: Segment, target: Segment | None, inner: str
    ) -> list[tuple[int, int, str]]:
        mark = {"creationtool": CREATION_TOOL}
        if target is not None:
            start, end = target.outer_start, target.outer_inside
            tuv = with_attributes(self._text(start, end), mark)
            return [(start, end, tuv), self._replaced(target, inner, {})]
        tuv = with_attributes(f'<tuv xml:lang="{html.escape(self._tgt_lang)}">', mark)
        space = self._space_before(source.outer_start)
        at = source.outer_end
        return [(at, at, f"{space}{tuv}<seg>{inner}</seg></tuv>")]

    def _xliff_changes(
        self, unit: Unit, source: Segment, target: Segment | None, inner: str
    ) -> list[tuple[int, int, str]]:
        is_second = "srcLang" in unit.holder.attributes
        mark = {} if is_second else _UNREVIEWED
        if target is not None:
            changes = [self._replaced(target, inner, mark)]
        else:
            name = self._text(source.start, source.inside)[1:].split()[0].rstrip("/>")
            name = f"{name.removesuffix('source')}target"
            tag = with_attributes(f"<{name}>", mark)
            space = self._space_before(source.start)
            at = unit.before_target
            changes = [(at, at, f"{space}{tag}{inner}</{name}>")]
        if is_second:
            changes.append(self._tag_change(unit.start, unit.inside, _UNREVIEWED_2))
        language = "trgLang" if is_second else "target-language"
        if language not in unit.holder.attributes and is_code(self._tgt_lang):
            start, end = unit.holder.start, unit.holder.inside
            changes.append(self._tag_change(start, end, {language: self._tgt_lang}))
        return changes

    def _tag_change(self, start: int, end: int, mark: dict[str, str]) -> tuple[int, int, str]:
        return start, end, with_attributes(self._text(start, end), mark)

    def _replaced(self, target: Segment, inner: str, mark: dict[str, str]) -> tuple[int, int, str]:
        """The change of a whole element, which may be empty, such as <target/>."""
        tag = re.sub(r"\s*/>\Z", ">", self._text(target.start, target.inside))
        name = tag[1:].split()[0].rstrip(">")
        return target.start, target.end, f"{with_attributes(tag, mark)}{inner}</{name}>"

    def _space_before(self, at: int) -> str:
        """The line break and indentation before an element, for the one that follows it."""
        width = 2 if self._codec.startswith("utf-16") else 1
        before = self._content[max(0, at - 200 * width) : at].decode(self._codec, "ignore")
        found = _SPACE_BEFORE.search(before)
        return found[0] if found else ""

    def _text(self, start: int, end: int) -> str:
        return self._content[start:end].decode(self._codec)


def codec_of(content: bytes, declared: str | None) -> str:
    """The encoding of an XML file, whose declaration names one or none."""
    if content.startswith(codecs.BOM_UTF16_LE) or content[:2] == b"<\0":
        return "utf-16-le"
    if content.startswith(codecs.BOM_UTF16_BE) or content[:2] == b"\0<":
        return "utf-16-be"
    return declared or "utf-8"


def with_attributes(tag: str, values: dict[str, str]) -> str:
    """A start tag with these attributes, the others unchanged."""
    for name, value in values.items():
        written = f'"{html.escape(value)}"'
        there = re.search(rf"""\s{re.escape(name)}\s*=\s*("[^"]*"|'[^']*')""", tag)
        if there:
            start, end = there.span(1)
        else:
            end_of_tag = re.search(r"\s*/?>\Z", tag)
            assert end_of_tag is not None, tag
            start = end = end_of_tag.start()
            written = f" {name}={written}"
        tag = f"{tag[:start]}{written}{tag[end:]}"
    return tag


class Marked:
    """The text of a segment with tags for its inline markup: <g1> and </g1> for a pair around text,
    <x2/> for any other element. Pairs around the whole text are taken off and put back.

    text: what to translate. raw: the file between two bytes.
    """

    def __init__(self, segment: Segment, raw: Callable[[int, int], str]) -> None:
        pieces = list(segment.pieces)
        partners = _partners(pieces)
        first, last = 0, len(pieces)
        while first < last and partners.get(first) == last - 1:
            first, last = first + 1, last - 1
        self._before = "".join(raw(piece.start, piece.end) for piece in pieces[:first])
        self._after = "".join(raw(piece.start, piece.end) for piece in pieces[last:])
        said = "".join(piece.text for piece in pieces if piece.kind == "text")
        letter = free_letter(said)
        self._raw: dict[str, str] = {}  # tag -> markup
        self._number: dict[str, int] = {}
        self._leading: set[int] = set()
        made, blank = [], True
        for number in range(first, last):
            piece = pieces[number]
            if piece.kind == "text":
                made.append(piece.text)
                blank = blank and not piece.text.strip()
                continue
            of = number if piece.kind != "close" else partners[number]
            name = {"open": "<{}g{}>", "close": "</{}g{}>", "code": "<{}x{}/>"}[piece.kind]
            tag = name.format(letter, len(self._raw) + 1)
            if piece.kind == "close":
                opening = next(tag for tag, one in self._number.items() if one == of)
                tag = opening.replace("<", "</", 1)
            self._raw[tag] = raw(piece.start, piece.end)
            self._number[tag] = of
            if blank and piece.kind == "code":
                self._leading.add(number)
            made.append(tag)
        text = "".join(made)
        self.text = text if segment.preserve else unfolded(text)

    def restored(self, translation: str) -> tuple[str, bool]:
        """The XML of a translation, and whether all its markup was there once and in order. What
        was not is put at the end, what led the text at its beginning."""
        pattern = "|".join(map(re.escape, self._raw)) or r"(?!)"
        parts = re.split(f"({pattern})", without_controls(translation))
        kept = self._in_order(parts[1::2])
        before, after = "", ""
        for tag, markup in self._raw.items():
            if tag not in kept.values():
                if self._number[tag] in self._leading:
                    before += markup
                else:
                    after += markup
        written = [
            html.escape(part, quote=False)
            if place % 2 == 0
            else self._raw[part]
            if place // 2 in kept
            else ""
            for place, part in enumerate(parts)
        ]
        whole = len(kept) == len(parts) // 2 == len(self._raw)
        return f"{self._before}{before}{''.join(written)}{after}{self._after}", whole

    def _in_order(self, tags: Sequence[str]) -> dict[int, str]:
        """Place -> tag, of those to keep: each once, and pairs within one another."""
        kept: dict[int, str] = {}
        open_at: list[int] = []
        for place, tag in enumerate(tags):
            if tag in kept.values():
                continue
            if not tag.startswith("</"):
                kept[place] = tag
                if not tag.endswith("/>"):
                    open_at.append(place)
                continue
            numbers = [self._number[tags[at]] for at in open_at]
            if self._number[tag] in numbers:
                while self._number[tags[at := open_at.pop()]] != self._number[tag]:
                    del kept[at]
                kept[place] = tag
        for at in open_at:
            del kept[at]
        return kept


def _partners(pieces: Sequence[Piece]) -> dict[int, int]:
    """Place of each opening piece -> that of its closing one, and back."""
    found: dict[int, int] = {}
    open_at: list[int] = []
    for place, piece in enumerate(pieces):
        if piece.kind == "open":
            open_at.append(place)
        elif piece.kind == "close":
            start = open_at.pop()
            found |= {start: place, place: start}
    return found
