"""What of a text is translated, and how the translations are put back: a plain text keeps its line
breaks and outer spaces, HTML its tags too.

The lines of HTML are runs of text and inline tags between the tags of blocks. In them <g1> and
</g1> stand for a pair of tags around text, <x2/> for any other tag, comment or element that is not
to be translated; & stands for itself, &lt; and &gt; for < and >. The translator copies such marks.
Where it loses one or changes their order, ``mark_placement.py`` puts them into a translation
without them; if it cannot, the pieces between them are translated one by one.
"""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Protocol

_BREAK = re.compile("(\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])")
_FOLDED = re.compile(r"\s*[\r\n]\s*")
MARK = re.compile(r"(</?g[0-9]+>|<x[0-9]+/>)")
_LIKE_ENTITY = re.compile(r"&(?=#?\w+;)")
_WRITTEN = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_INLINE = _words("""
a abbr acronym b bdi bdo big cite code data del dfn em font i img input ins kbd label mark nobr q
ruby s samp small span strike strong sub sup time tt u var wbr
""")
_VOID = _words("""
area base br col embed hr img input link meta param source track wbr
""")
_UNTRANSLATED = _words("""
code iframe kbd math noembed noframes object pre samp script style svg template textarea var xmp
""")
"""Elements whose content stays as it is."""


class Layout(Protocol):
    """A text to translate. lines: what of it is translated, each without outer white space."""

    lines: list[str]

    def filled(self, translations: Sequence[str]) -> str:
        """The text with a translation in the place of each line."""


class PlainText:
    """A text whose lines are translated one by one. All between them stays, blank lines too."""

    def __init__(self, text: str) -> None:
        self._pieces = [_outer(piece) for piece in _BREAK.split(text)]
        self.lines = [inner for _, inner, _ in self._pieces if inner]

    def filled(self, translations: Sequence[str]) -> str:
        found = iter(translations)
        return "".join(
            before + (next(found) if inner else "") + after for before, inner, after in self._pieces
        )


def _outer(text: str) -> tuple[str, str, str]:
    """A text without outer white space, and what of it stood before and behind."""
    inner = text.strip()
    start = text.index(inner) if inner else len(text)
    return text[:start], inner, text[start + len(inner) :]


@dataclass(frozen=True)
class _Token:
    """A piece of HTML as it was written. kind: text; open or close, a tag; alone, what stands
    within a line; block, what divides lines."""

    kind: str
    raw: str
    tag: str = ""
    hidden: bool = False


class HtmlText:
    """A text in HTML, whole or a fragment, well-formed or not."""

    def __init__(self, text: str) -> None:
        self._segments: list[_Segment] = []
        self._between = [""]
        run: list[_Token] = []
        for token in [*_without_untranslated(_tokens(text)), _Token("block", "")]:
            if token.kind != "block":
                run.append(token)
                continue
            segment = _Segment(run)
            if segment.has_words:
                self._segments.append(segment)
                self._between.append("")
            else:
                self._between[-1] += "".join(one.raw for one in run)
            self._between[-1] += token.raw
            run = []
        self.lines = [segment.text for segment in self._segments]

    def is_whole(self, place: int, translation: str) -> bool:
        """Whether a translation of this line has all its marks in their order, and no other."""
        return MARK.findall(translation) == self._segments[place].marks

    def pieces(self, place: int) -> list[str]:
        """What stands between the marks of a line: what has words, without outer white space."""
        return [inner for _, inner, _ in self._segments[place].pieces if _has_words(inner)]

    def with_pieces(self, place: int, translations: Sequence[str]) -> str:
        """A translation of this line made of those of its pieces."""
        found = iter(translations)
        segment = self._segments[place]
        texts = [
            before + (MARK.sub("", next(found)) if _has_words(inner) else inner) + after
            for before, inner, after in segment.pieces
        ]
        return "".join(
            one for pair in zip(texts, [*segment.marks, ""], strict=True) for one in pair
        )

    def filled(self, translations: Sequence[str]) -> str:
        found = zip(self._segments, translations, strict=True)
        written = [*(segment.written(one) for segment, one in found), ""]
        # The text before the first segment stands in the first place, and so on.
        first, *rest = self._between
        return first + "".join(
            one for pair in zip(written, [*rest, ""], strict=True) for one in pair
        )


class _Segment:
    """Text and inline tags between two blocks.

    text: with marks for tags. marks: in order. pieces: (white space, text, white space) before,
    between and behind the marks.
    """

    def __init__(self, tokens: Sequence[_Token]) -> None:
        partners = _partners(tokens)
        first, last = 0, len(tokens)
        while first < last:
            if _goes_around(tokens[first], first not in partners):
                first += 1
            elif _goes_around(tokens[last - 1], last - 1 not in partners):
                last -= 1
            elif partners.get(first) == last - 1:
                first, last = first + 1, last - 1
            else:
                break
        self._before = "".join(token.raw for token in tokens[:first])
        self._after = "".join(token.raw for token in tokens[last:])
        self._raw: dict[str, str] = {}
        self.marks: list[str] = []
        parts, names = [], dict[int, str]()
        for place in range(first, last):
            token = tokens[place]
            if token.kind == "text":
                parts.append(_FOLDED.sub(" ", _as_read(token.raw)))
                continue
            if place not in partners:
                mark = f"<x{len(self.marks) + 1}/>"
            elif token.kind == "open":
                mark = names[place] = f"<g{len(self.marks) + 1}>"
            else:
                mark = names[partners[place]].replace("<", "</", 1)
            self._raw[mark] = token.raw
            self.marks.append(mark)
            parts.append(mark)
        start, self.text, end = _outer("".join(parts))
        self._before += start
        self._after = end + self._after
        self.pieces = [_outer(piece) for piece in MARK.split(self.text)[::2]]
        self.has_words = any(_has_words(inner) for _, inner, _ in self.pieces)
        if not self.has_words:
            self._before = ""

    def written(self, translation: str) -> str:
        """HTML of a translation that has all marks."""
        parts = [
            self._raw[part] if place % 2 else _as_written(part)
            for place, part in enumerate(MARK.split(translation))
        ]
        return self._before + "".join(parts) + self._after


def _goes_around(token: _Token, alone: bool) -> bool:
    """Whether what stands first or last in a line can stay outside of what is translated."""
    return not token.raw.strip() if token.kind == "text" else alone


def _has_words(text: str) -> bool:
    return any(map(str.isalpha, re.sub("&(?:lt|gt|amp);", "", text)))


def _as_read(raw: str) -> str:
    """Text of HTML as a translator reads it: no entities but those that tell text from tags."""
    text = html.unescape(raw)
    text = _LIKE_ENTITY.sub("&amp;", text)
    return text.replace("<", "&lt;").replace(">", "&gt;")


def _as_written(text: str) -> str:
    plain = re.sub("&(?:lt|gt|amp);", lambda found: _WRITTEN[found[0]], text)
    return html.escape(plain, quote=False)


def _partners(tokens: Sequence[_Token]) -> dict[int, int]:
    """Place of each opening tag -> that of the tag that closes it, and back. Tags that overlap
    others have no partner."""
    found: dict[int, int] = {}
    open_at: list[int] = []
    for place, token in enumerate(tokens):
        if token.kind == "open":
            open_at.append(place)
        elif token.kind == "close" and open_at and tokens[open_at[-1]].tag == token.tag:
            start = open_at.pop()
            found |= {start: place, place: start}
    return found


def _without_untranslated(tokens: Sequence[_Token]) -> Iterator[_Token]:
    """The tokens, with one in place of each element that is not to be translated."""
    place = 0
    while place < len(tokens):
        token = tokens[place]
        end = place + 1
        if token.hidden:
            depth = 1
            while end < len(tokens) and depth:
                same = tokens[end].tag == token.tag
                depth += same * ((tokens[end].kind == "open") - (tokens[end].kind == "close"))
                end += 1
            raw = "".join(one.raw for one in tokens[place:end])
            yield _Token("alone" if token.tag in _INLINE else "block", raw)
        elif token.tag and token.tag not in _INLINE:
            yield _Token("block", token.raw)
        else:
            yield token
        place = end


def _tokens(text: str) -> list[_Token]:
    """The text, cut at tags, comments and entities. Joined they are the text again."""
    reader = _Reader(text)
    bounds = [*(start for start, *_ in reader.found), len(text)]
    tokens = [_Token("text", text[: bounds[0]])]
    for (start, kind, tag, hidden), end in zip(reader.found, bounds[1:], strict=True):
        raw = text[start:end]
        if kind == "text" and tokens[-1].kind == "text":  # an entity has its text around it
            tokens[-1] = _Token("text", tokens[-1].raw + raw)
        else:
            tokens.append(_Token(kind, raw, tag, hidden))
    return tokens


class _Reader(HTMLParser):
    """Where each piece of a text in HTML begins.

    found: (place, kind, tag, whether the element is not to be translated), by place.
    """

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=False)
        self.found: list[tuple[int, str, str, bool]] = []
        self._lines = [0, *(found.end() for found in re.finditer("\n", text))]
        self.feed(text)
        self.close()

    def _add(self, kind: str, tag: str = "", hidden: bool = False) -> None:
        line, column = self.getpos()
        place = self._lines[line - 1] + column
        if not self.found or place > self.found[-1][0]:
            self.found.append((place, kind, tag, hidden))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: (value or "").lower() for name, value in attrs}
        kept = given.get("translate") == "no" or "notranslate" in given.get("class", "").split()
        kind = "alone" if tag in _VOID else "open"
        self._add(kind, tag, kind == "open" and (kept or tag in _UNTRANSLATED))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._add("alone", tag)

    def handle_endtag(self, tag: str) -> None:
        self._add("close", tag)

    def handle_data(self, data: str) -> None:
        self._add("text")

    def handle_entityref(self, name: str) -> None:
        self._add("text")

    def handle_charref(self, name: str) -> None:
        self._add("text")

    def handle_comment(self, data: str) -> None:
        self._add("alone")

    def handle_decl(self, decl: str) -> None:
        self._add("block")

    def handle_pi(self, data: str) -> None:
        self._add("alone")

    def unknown_decl(self, data: str) -> None:
        self._add("alone")
