"""The units of TMX and XLIFF files: text with its inline markup, and where each part of it stands.

The parser is Expat, a part of Python. It gives the place of every tag in bytes, so that a file can
be changed at single places. Nothing is fetched, and a file that declares entities is refused: a few
nested ones stand for gigabytes of text.
"""

import html.entities
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BufferedIOBase
from typing import Any
from xml.parsers import expat

CREATION_TOOL, SUB_STATE = "nmt-translate", "nmt:unreviewed"
"""Values of ``creationtool`` in TMX and ``subState`` in XLIFF 2: made by machine, unreviewed."""

_READ_BYTES = 2**18

_SIDES = {
    *(("tuv", "seg"), ("trans-unit", "source"), ("trans-unit", "target")),
    *(("segment", "source"), ("segment", "target")),
}
"""(parent, element) that holds the text of one side."""

_UNITS = {"tu", "trans-unit", "segment"}
_ROOTS = {"tmx": "TMX", "xliff": "XLIFF"}

_CODES = {*("bpt", "ept", "it", "ph", "ut"), *("x", "bx", "ex"), *("sc", "ec", "cp", "sm", "em")}
"""Inline elements that hold code of the original document, or nothing."""

_BREAKS = {"lb", "x-lb", "br", "x-br", "x-html-br", "xlf:lb"}
_BREAK_CODE = re.compile(r"<br\b|\n|\\n", re.IGNORECASE)
_FOLDED = re.compile(r"[ \t]*[\r\n][ \t\r\n]*")


@dataclass(slots=True)
class Piece:
    """A part of a segment.

    kind: "text"; "open" and "close" of an element around text; "code" for an element that is none
        of the text.
    text: what it is for a reader: "" for most markup, a space for a line break.
    name: of the element, "" for text.
    start, end: the bytes of markup in the file.
    """

    kind: str
    text: str
    name: str
    start: int
    end: int = -1


@dataclass(slots=True)
class Segment:
    """The text of one side of a unit.

    role: the name of its element: "seg", "source" or "target".
    start, inside, closing, end: of the element in bytes: its start tag, the first byte behind that
        tag, its end tag, the first byte behind the element.
    outer_start, outer_inside, outer_end: likewise of the ``tuv`` around it, in TMX.
    preserve: whether line breaks are a part of the text; else they only fold it.
    """

    role: str
    language: str
    attributes: dict[str, str]
    preserve: bool
    start: int
    inside: int = -1
    closing: int = -1
    end: int = -1
    outer_start: int = -1
    outer_inside: int = -1
    outer_end: int = -1
    pieces: list[Piece] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text without its markup."""
        text = "".join(piece.text for piece in self.pieces)
        return text if self.preserve else unfolded(text)

    @property
    def has_markup(self) -> bool:
        """Whether there are inline elements."""
        return any(piece.kind != "text" for piece in self.pieces)


@dataclass(slots=True)
class Element:
    """An open element outside of the text. start, inside: bytes of its start tag."""

    name: str
    attributes: dict[str, str]
    start: int
    translate: bool
    preserve: bool
    language: str
    inside: int = -1
    end: int = -1


@dataclass(slots=True)
class Unit:
    """A text in one or several languages.

    line: where it begins, counted from 1. start, inside: bytes of its start tag.
    translate: False where the file says that it must not be translated.
    holder: the element that names the languages of an XLIFF unit.
    before_target: the byte at which a target can be inserted, in XLIFF.
    """

    line: int
    start: int
    attributes: dict[str, str]
    translate: bool
    holder: Element
    inside: int = -1
    before_target: int = -1
    segments: list[Segment] = field(default_factory=list)

    def side(self, role: str) -> Segment | None:
        """The first segment of a role."""
        return next((segment for segment in self.segments if segment.role == role), None)

    @property
    def languages(self) -> tuple[str, str]:
        """Of the source and the target of an XLIFF unit; "" where the file does not name it."""
        source, target = self.side("source"), self.side("target")
        return (
            source.language if source else _language(self.holder, "source"),
            target.language if target else _language(self.holder, "target"),
        )

    @property
    def state(self) -> str:
        """How far the translation is: "untranslated" where the file says so, "unreviewed" where
        somebody still has to look at it, else "done"."""
        target = self.side("target")
        state = (target.attributes if target else {}).get("state", self.attributes.get("state", ""))
        if state in ("new", "needs-translation", "initial"):
            return "untranslated"
        unreviewed = state.startswith("needs-") or self.attributes.get("subState") == SUB_STATE
        return "unreviewed" if unreviewed else "done"


def unfolded(text: str) -> str:
    """Text in which line breaks, with the indentation behind them, become a space."""
    return _FOLDED.sub(" ", text).strip() if "\n" in text or "\r" in text else text


def read_units(stream: BufferedIOBase | Any, name: str, kind: str) -> Iterator[Unit]:
    """The units of a file, one at a time: memory stays flat.

    kind: "tmx" or "xliff", the name of the root. name: of the file, for messages.

    Raises ValueError, naming the line, for a file that is no well-formed XML, has another root,
    declares entities, or uses one that it does not define.
    """
    reader = UnitReader(name, kind)
    while data := stream.read(_READ_BYTES):
        yield from reader.feed(data)
    yield from reader.feed(b"", last=True)


class UnitReader:
    """Gathers units from the bytes of a file.

    encoding: what the XML declaration names, None where it names none.
    """

    def __init__(self, name: str, kind: str) -> None:
        self.encoding: str | None = None
        self._name = name
        self._kind = kind
        self._path: list[Element] = []
        self._unit: Unit | None = None
        self._segment: Segment | None = None
        self._inline: list[tuple[Piece, list[str]]] = []  # open elements, and text in codes
        self._waiting: list[tuple[Any, str]] = []  # fields that take the place of the next event
        self._done: list[Unit] = []
        parser = expat.ParserCreate()
        parser.buffer_text = False  # text of several calls would come at the place of the last
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.SkippedEntityHandler = self._entity
        parser.EntityDeclHandler = self._declared
        parser.XmlDeclHandler = self._xml
        for other in ("Comment", "ProcessingInstruction", "StartCdataSection", "EndCdataSection"):
            setattr(parser, f"{other}Handler", self._other)
        self._parser = parser

    def feed(self, data: bytes, last: bool = False) -> list[Unit]:
        """The units that end in the next bytes."""
        try:
            self._parser.Parse(data, last)
        except expat.ExpatError as error:
            said = expat.ErrorString(error.code)
            raise ValueError(f"{self._name}:{error.lineno}: no well-formed XML: {said}") from None
        done, self._done = self._done, []
        return done

    def _here(self) -> int:
        """The byte of this event, which is also where the one before ends."""
        at = self._parser.CurrentByteIndex
        for thing, name in self._waiting:
            setattr(thing, name, at)
        self._waiting.clear()
        return at

    def _error(self, said: str) -> ValueError:
        return ValueError(f"{self._name}:{self._parser.CurrentLineNumber}: {said}")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        at, name = self._here(), tag.rpartition(":")[2]
        if self._segment is not None:
            self._start_inline(name, attributes, at)
            return
        above = self._path[-1] if self._path else Element("", {}, 0, True, False, "")
        language = attributes.get("xml:lang", attributes.get("lang", ""))
        translate = attributes.get("translate", "yes" if above.translate else "no") != "no"
        space = attributes.get("xml:space", "preserve" if above.preserve else "default")
        element = Element(name, attributes, at, translate, space == "preserve", language)
        if not self._path and name != self._kind:
            raise self._error(
                f"the root element is <{tag}>; {_ROOTS[self._kind]} has <{self._kind}>"
            )
        self._path.append(element)
        self._waiting.append((element, "inside"))
        if name in _UNITS and self._unit is None:
            holder = next((one for one in self._path if one.name == "file"), self._path[0])
            if "srcLang" in self._path[0].attributes:
                holder = self._path[0]
            line = self._parser.CurrentLineNumber
            self._unit = Unit(line, at, attributes, translate, holder)
            self._waiting.append((self._unit, "inside"))
        elif self._unit is not None and (above.name, name) in _SIDES:
            language = language or above.language or _language(self._unit.holder, name)
            self._segment = Segment(
                name, language, {**above.attributes, **attributes}, element.preserve, at
            )
            self._segment.outer_start, self._segment.outer_inside = above.start, above.inside
            self._waiting.append((self._segment, "inside"))

    def _start_inline(self, name: str, attributes: dict[str, str], at: int) -> None:
        assert self._segment is not None
        if self._inline and self._inline[-1][0].kind == "code":
            self._inline.append((Piece("code", "", name, at), self._inline[-1][1]))
            return
        fixed = attributes.get("translate") == "no"
        piece = Piece("code" if name in _CODES or fixed else "open", "", name, at)
        if _BREAKS & {attributes.get(key, "") for key in ("ctype", "type", "subType")}:
            piece.text = " "
        self._segment.pieces.append(piece)
        self._inline.append((piece, [] if name in _CODES else ["kept"]))
        if piece.kind == "open":
            self._waiting.append((piece, "end"))

    def _end(self, tag: str) -> None:
        at = self._here()
        if self._segment is None:
            element = self._path.pop()
            if self._unit is None:
                return
            if element.name == "tuv":
                for segment in self._unit.segments:
                    if segment.start > element.start:
                        self._waiting.append((segment, "outer_end"))
            elif element.name == "seg-source" and self._path[-1].name in _UNITS:
                self._waiting.append((self._unit, "before_target"))
            elif element.start == self._unit.start:
                self._done.append(self._unit)
                self._unit = None
        elif self._inline:
            self._end_inline(at)
        else:
            self._segment.closing = at
            self._waiting.append((self._segment, "end"))
            assert self._unit is not None
            self._unit.segments.append(self._segment)
            self._segment = None
            if self._path.pop().name == "source":
                self._waiting.append((self._unit, "before_target"))

    def _end_inline(self, at: int) -> None:
        assert self._segment is not None
        piece, said = self._inline.pop()
        if piece.kind == "open":
            close = Piece("close", "", piece.name, at)
            self._segment.pieces.append(close)
            self._waiting.append((close, "end"))
        elif not (self._inline and self._inline[-1][0].kind == "code"):
            self._waiting.append((piece, "end"))
            if said[:1] == ["kept"]:  # text that must not be translated is text
                piece.text = "".join(said[1:])
            elif _BREAK_CODE.search("".join(said)):
                piece.text = " "

    def _characters(self, text: str) -> None:
        at = self._here()
        if self._segment is None:
            return
        if self._inline and self._inline[-1][0].kind == "code":
            self._inline[-1][1].append(text)
            return
        pieces = self._segment.pieces
        if not pieces or pieces[-1].kind != "text":
            pieces.append(Piece("text", "", "", at))
        pieces[-1].text += text

    def _entity(self, name: str, is_parameter: bool) -> None:
        if is_parameter:
            return
        if (text := html.entities.html5.get(f"{name};")) is None:
            raise self._error(f"the entity &{name}; is not defined in the file")
        self._characters(text)

    def _declared(self, name: str, *_: object) -> None:
        raise self._error(f"declares the entity {name!r}: entities are not read, write them out")

    def _xml(self, version: str, encoding: str | None, standalone: int) -> None:
        self.encoding = encoding

    def _other(self, *_: object) -> None:
        self._here()


def _language(holder: Element, role: str) -> str:
    """The language of a side of an XLIFF unit, "" where it is not named."""
    names = ("source-language", "srcLang") if role == "source" else ("target-language", "trgLang")
    return next((holder.attributes[name] for name in names if name in holder.attributes), "")
