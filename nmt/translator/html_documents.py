"""HTML with its text translated, and every other character as it was.

This reads only what HTML says of where markup ends, for any bytes and in time proportional to them:
parsers that build a tree write the whole page anew. Text of a block, such as a paragraph, is one
text; inline elements are tags in it. ``alt`` and ``title`` are translated too. What is code stays,
as does what says ``translate="no"`` or ``class="notranslate"``.
"""

import codecs
import html
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from nmt.translator.questions import Steps, has_words
from nmt.translator.tagged_text import (
    AFTER_LOSS,
    MOST_LEVELS,
    Slot,
    TaggedText,
    decoded,
    escaped,
    replaced,
    translated_parts,
)

_SPACE = " \t\n\r\f"
_VALUE = rf"""(?:"[^"]*"|'[^']*'|[^{_SPACE}>"'][^{_SPACE}>]*+)"""
_ATTRIBUTE = rf"[{_SPACE}/]*+[^{_SPACE}/>][^{_SPACE}/>=]*+(?:[{_SPACE}]*+=[{_SPACE}]*+{_VALUE}?+)?+"
_NAMED = re.compile(
    rf"[{_SPACE}/]*+(?P<name>[^{_SPACE}/>][^{_SPACE}/>=]*+)"
    rf"(?:[{_SPACE}]*+=[{_SPACE}]*+(?P<value>{_VALUE})?+)?+"
)
_MARKUP = re.compile(
    r"<!--(?:-?>|.*?(?:--!?>|\Z))"
    rf"|<(?P<end>/?)(?P<name>[A-Za-z][^{_SPACE}/>]*+)(?P<attributes>(?:{_ATTRIBUTE})*+)"
    rf"[{_SPACE}/]*+(?:>|\Z)"
    r"|<(?:[!?]|/(?=[^A-Za-z]))[^>]*+(?:>|\Z)",
    re.DOTALL,
)
_CHARSET = re.compile(rb"""<meta[^>]{1,200}?charset\s{0,9}=\s{0,9}["']?\s{0,9}([\w.:-]+)""", re.I)
_CHARSET_WITHIN = 4096


def _names(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_INLINE = _names(
    "a abbr acronym b bdi bdo big cite del dfn em font i img input ins label mark nobr picture"
    " q rb rp rt ruby s small source span strike strong sub sup time u wbr"
)
_CODE = _names("code kbd math samp tt var")
_HIDDEN = _names("audio canvas embed object script style svg video")
_KEPT_BLOCKS = _names("iframe noembed noframes pre textarea xmp")
_RAW = _names("iframe noembed noframes script style textarea title xmp")
_VOID = _names("area base br col embed hr img input link meta param source track wbr")
_ENDS_PARAGRAPH = _names(
    "address article aside blockquote center dd details dir div dl dt fieldset figcaption"
    " figure footer form h1 h2 h3 h4 h5 h6 header hr li main menu nav ol p pre section table ul"
)
_ENDED_BY = {
    "li": _names("li"),
    **dict.fromkeys(("dt", "dd"), _names("dt dd")),
    "option": _names("option optgroup"),
    **dict.fromkeys(("td", "th"), _names("td th tr tbody tfoot")),
    "tr": _names("tr tbody tfoot"),
    "p": _ENDS_PARAGRAPH,
}
"""Element without need of an end tag -> the start tags that end it."""

_ENCODINGS = re.compile(
    r"utf-8|cp(125\d|866|874|932|949)|iso8859-\d+|koi8-[ru]|gb(k|2312|18030)|big5|euc_(jp|kr)"
    r"|shift_jis|iso2022_jp|mac-(roman|cyrillic)"
)
_MOST_WALKED = 64  # inline elements, in search of the one that ends
_FOREIGN = ("math", "svg")
_TITLES = ("alt", "title")


@dataclass(slots=True)
class _Element:
    """An open element. fixed: whether its text stays. anchor: whether readers see what stays."""

    name: str
    number: int
    block: bool
    fixed: bool
    anchor: bool = False


class HtmlPage:
    """A page or a part of one, well-formed or not. texts: its blocks and titles that have words."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.texts = [
            TaggedText(slots)
            for slots in _Reader(text).segments
            if any(has_words(slot.text) for slot in slots)
        ]

    def filled(self, parts: Sequence[Sequence[str]]) -> str:
        """The page with a new text for each slot of each text."""
        changes = [
            (slot.start, slot.end, self._written(slot, text))
            for one, texts in zip(self.texts, parts, strict=True)
            for slot, text in zip(one.slots, texts, strict=True)
            if text != slot.text
        ]
        return replaced(self._text, changes)

    def _written(self, slot: Slot, text: str) -> str:
        raw = self._text[slot.start : slot.end]
        if slot.form == "value":
            return f'"{escaped(text, raw, quote=True)}"'
        before = len(raw) - len(raw.lstrip(_SPACE))
        after = max(before, len(raw.rstrip(_SPACE)))
        start = raw[:before] if text.startswith(" ") else ""
        end = raw[after:] if text.endswith(" ") else ""
        inner = text.removeprefix(" ") if start else text
        return start + escaped(inner.removesuffix(" ") if end else inner, raw) + end


class HtmlFiller:
    """The texts of an HTML file."""

    what = "texts translated"
    after_loss = AFTER_LOSS

    def __init__(self, content: bytes, name: str, src_lang: str, tgt_lang: str) -> None:
        text, self._codec = decoded(content, name, _codec(content[:_CHARSET_WITHIN], name))
        self._page = HtmlPage(text)
        self._languages = src_lang, tgt_lang
        self.sources = [one.text for one in self._page.texts]
        self.left: Counter[str] = Counter()

    def filling(self) -> Steps[tuple[bytes, int]]:
        made, lost = yield from translated_parts(self._page.texts, *self._languages)
        text = self._page.filled([one[0] for one in made])
        return text.encode(self._codec, "xmlcharrefreplace"), lost


def _codec(head: bytes, page: str) -> str:
    """The encoding that browsers take for what a page names."""
    found = _CHARSET.search(head)
    name = codec = found[1].decode("ascii", "replace") if found else "utf-8"
    with suppress(LookupError):
        codec = codecs.lookup(name).name
    if codec in ("iso8859-1", "ascii"):
        return "cp1252"
    if codec.startswith("utf-16"):  # it was read byte by byte
        return "utf-8"
    if not _ENCODINGS.fullmatch(codec):
        raise ValueError(f"{page}: its encoding, {name!r}, is not read: convert it to UTF-8")
    return codec


class _Reader:
    """Finds the slots of a page. segments: those of each text."""

    def __init__(self, text: str) -> None:
        self.segments: list[list[Slot]] = []
        self._text = text
        self._slots: list[Slot] = []
        self._open: list[_Element] = []
        self._names: Counter[str] = Counter()  # of open elements
        self._count = 0
        at = len(text) - len(text.removeprefix("\ufeff"))
        while found := _MARKUP.search(text, at):
            self._add(at, found.start())
            at = found.end()
            if found["name"] and found["end"]:
                self._close(found["name"].lower(), found.end())
            elif found["name"]:
                at = self._start(found)
        self._add(at, len(text))
        self._flush()

    def _flush(self) -> None:
        if self._slots:
            self.segments.append(self._slots)
            self._slots = []

    def _add(self, start: int, end: int, anchor: bool = False) -> None:
        if self._is_fixed():
            return
        text = self._said(start, end)
        last = self._slots[-1] if self._slots else None
        if last and last.end == start:
            last.end, last.text, last.anchor = end, last.text + text, last.anchor or anchor
        else:
            around = [one.number for one in self._open[-MOST_LEVELS:] if not one.block]
            self._slots.append(Slot(start, end, text, tuple(around), anchor))

    def _said(self, start: int, end: int) -> str:
        return re.sub(f"[{_SPACE}]+", " ", html.unescape(self._text[start:end]))

    def _is_fixed(self) -> bool:
        return bool(self._open) and self._open[-1].fixed

    def _start(self, found: re.Match[str]) -> int:
        """Opens an element -> where to read on."""
        name = found["name"].lower()
        block = name not in _INLINE | _CODE | _HIDDEN
        if block:
            self._flush()
            self._close_before(name)
        attributes: dict[str, re.Match[str]] = {}
        fixed = self._is_fixed()
        for one in _NAMED.finditer(found.string, *found.span("attributes")):
            attributes.setdefault(one["name"].lower(), one)
        values = {key: (one["value"] or "").strip("\"'") for key, one in attributes.items()}
        if "translate" in values:
            fixed = values["translate"].lower() == "no"
        fixed = fixed or name in _CODE | _HIDDEN | _KEPT_BLOCKS
        fixed = fixed or "notranslate" in values.get("class", "").split()
        if not fixed and name not in ("link", "style"):
            for key in _TITLES:
                if values.get(key):
                    self._add_value(*attributes[key].span("value"))
        at = found.end()
        self._count += 1
        if name in _VOID or (found[0].endswith("/>") and (self._is_fixed() or name in _FOREIGN)):
            return at
        anchor = fixed and not block and not self._is_fixed() and name not in _HIDDEN
        if anchor:
            self._add(found.start(), found.start(), anchor=True)
        self._open.append(_Element(name, self._count, block, fixed, anchor))
        self._names[name] += 1
        if name not in _RAW or self._names["svg"]:
            return at
        closing = re.compile(rf"</{name}(?=[{_SPACE}/>])", re.IGNORECASE)
        ends = closing.search(self._text, at)
        end = ends.start() if ends else len(self._text)
        self._add(at, end)
        return end

    def _add_value(self, start: int, end: int) -> None:
        quotes = 1 if self._text[start] in "\"'" else 0
        text = self._said(start + quotes, end - quotes)
        self.segments.append([Slot(start, end, text, form="value")])

    def _close_before(self, name: str) -> None:
        """Closes what a block ends without an end tag."""
        while self._open and name in _ENDED_BY.get(self._open[-1].name, ()):
            self._pop()

    def _close(self, name: str, end: int) -> None:
        block = name not in _INLINE | _CODE | _HIDDEN
        if block:
            self._flush()
        if not self._names[name]:
            return
        depth = len(self._open) - 1
        least = -1 if block else depth - _MOST_WALKED
        while self._open[depth].name != name:
            if depth == least or (self._open[depth].block and not block):
                return  # an inline element does not end around a block
            depth -= 1
        anchor = any(one.anchor for one in self._open[depth:])
        while len(self._open) > depth:
            self._pop()
        if anchor:
            self._add(end, end, anchor=True)

    def _pop(self) -> None:
        self._names[self._open.pop().name] -= 1
