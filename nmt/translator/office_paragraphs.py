"""The texts of paragraphs in the XML of .docx and .odt, and where they stand, in bytes."""

import re
from collections import Counter
from dataclasses import dataclass
from xml.parsers import expat

from nmt.translator.tagged_text import MOST_LEVELS, Slot
from nmt.translator.xml_documents import codec_of

GAP = "\0"
"""Stands for the text in the form of a slot that is a gap."""
MAIN = {"docx": "w:document", "odt": "office:text"}
"""The element that a document has, by its kind."""

_PREFIXES = {
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main": "w",
    "http://purl.oclc.org/ooxml/wordprocessingml/main": "w",
    "urn:oasis:names:tc:opendocument:xmlns:text:1.0": "text",
    "urn:oasis:names:tc:opendocument:xmlns:office:1.0": "office",
    "urn:oasis:names:tc:opendocument:xmlns:style:1.0": "style",
}


def _names(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


@dataclass(slots=True)
class _Open:
    """An open element. at: the byte where it begins. hidden: 1 where its own text stays, 2 where
    that of paragraphs within it does so too. style: of the text in it."""

    name: str
    at: int
    hidden: int
    style: object = None


class _OtherRoot(Exception):
    """The file holds no text of a document."""


class _Reader:
    """Finds the slots of the paragraphs of an XML file.

    segments: those of each text. found: the names of its elements that tell what the document is.
    roots: of files with text. gone: elements whose text nobody is to see. seamless: elements that
    do not part text; what has one style on both of their sides is one slot. inline: elements beside
    which there may be text.
    """

    roots: frozenset[str]
    paragraphs: frozenset[str]
    gone: frozenset[str]
    seamless: frozenset[str]
    inline: frozenset[str]

    def __init__(self, content: bytes, place: str) -> None:
        self.segments: list[list[Slot]] = []
        self.found: set[str] = set()
        self.encoding: str | None = None
        self._content = content
        self._place = place
        self._path: list[_Open] = []
        self._texts: list[tuple[list[Slot], int]] = []  # of open paragraphs; styles outside of them
        self._styles: list[object] = []
        self._gaps: list[Slot] = []  # behind the last text of the innermost paragraph
        self._left_gap = False  # whether the next event stands where there is a gap
        self._parted = False
        self._said: list[str] = []
        self._said_at = -1
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = False
        parser.StartElementHandler = self._on_start
        parser.EndElementHandler = self._on_end
        parser.CharacterDataHandler = self._on_text
        parser.StartCdataSectionHandler = lambda: self._on_text("")
        parser.CommentHandler = lambda _: self._here()
        parser.ProcessingInstructionHandler = lambda *_: self._here()
        parser.StartDoctypeDeclHandler = self._on_doctype
        parser.XmlDeclHandler = self._on_declaration
        self._parser = parser
        try:
            parser.Parse(content, True)
        except _OtherRoot:
            return
        except expat.ExpatError as error:
            said = expat.ErrorString(error.code)
            raise ValueError(f"{place}:{error.lineno}: no well-formed XML: {said}") from None

    def _opened(self, element: _Open, attributes: dict[str, str]) -> None:
        """Notes an element, the last of the path."""

    def _closed(self, element: _Open, end: int) -> None:
        """Notes the end of an element, whose end tag begins at this byte."""

    def _spoken(self, start: int, end: int, text: str) -> None:
        """Notes text in the last element of the path, in a paragraph."""

    def _finished(self, slots: list[Slot]) -> list[Slot]:
        return slots

    def _hidden(self, name: str, above: int) -> int:
        if name in self.gone:
            return 2
        return above if above == 2 or name not in self.paragraphs else 0

    def _part(self) -> None:
        """Ends a text; what follows in the paragraph is another."""
        slots = self._texts[-1][0] if self._texts else []
        if slots:
            self.segments.append(self._finished([*slots, *self._gaps]))
            slots.clear()
        self._gaps = []

    def _gap(self, at: int) -> None:
        """Notes a place for text between two elements, at this byte. Whether a translation may need
        it is not known yet."""
        if self._texts and not self._path[-1].hidden:
            outside = self._texts[-1][1]
            around = tuple(self._styles[outside : outside + MOST_LEVELS])
            self._gaps.append(Slot(at, at, "", around))

    def _add(self, start: int, end: int, text: str, style: object = None, tag_at: int = -1) -> None:
        """Adds text. tag_at: the byte where its start tag begins, if that may change with it."""
        slots, outside = self._texts[-1]
        around = tuple(self._styles[outside : outside + MOST_LEVELS])
        if style is not None:
            around = (*around, style)
        if slots and not self._parted and slots[-1].around == around:
            slots[-1].text += text
            slots[-1].others.append((start, end))
        else:
            at = start if tag_at < 0 else tag_at
            slots += [*self._gaps, Slot(at, end, text, around, form=self._raw(at, start))]
        self._gaps = []
        self._parted = False

    def _add_sign(self, at: int, text: str, style: object = None) -> None:
        """Adds a sign that is an element of its own, beginning at this byte, to the text before."""
        slots = self._texts[-1][0] if self._texts and not self._path[-1].hidden else []
        if slots and (tag := re.compile(rb"<[^<>]*/>").match(self._content, at)):
            self._parted = False
            self._add(at, tag.end(), text, style)

    def _raw(self, start: int, end: int) -> str:
        return self._content[start:end].decode(codec_of(self._content, self.encoding))

    def _here(self) -> int:
        """The byte of this event, where text before it ends."""
        at = self._parser.CurrentByteIndex
        if self._left_gap and self._said_at < 0:
            self._gap(at)
        self._left_gap = False
        if self._said_at >= 0:
            start, self._said_at = self._said_at, -1
            text, self._said = "".join(self._said), []
            if self._texts and not self._path[-1].hidden:
                self._spoken(start, at, text)
        return at

    def _on_text(self, text: str) -> None:
        if self._said_at < 0:
            self._said_at = self._parser.CurrentByteIndex
        self._said.append(text)

    def _on_start(self, tag: str, attributes: dict[str, str]) -> None:
        at = self._here()
        uri, _, local = tag.rpartition(" ")
        name = f"{_PREFIXES.get(uri, '')}:{local}"
        if not self._path and name not in self.roots:
            raise _OtherRoot
        above = self._path[-1] if self._path else _Open("", 0, 0)
        element = _Open(name, at, self._hidden(name, above.hidden))
        self._path.append(element)
        if name in MAIN.values():
            self.found.add(name)
        if name in self.paragraphs:
            self._texts.append(([], len(self._styles)))
            self._gaps = []
        elif name in self.inline:
            self._gap(at)
        if name not in self.seamless and above.name != "w:rPr":
            self._parted = True
        self._opened(element, {key.rpartition(" ")[2]: one for key, one in attributes.items()})

    def _on_end(self, tag: str) -> None:
        at, element = self._here(), self._path[-1]
        self._closed(element, at)
        self._left_gap = element.name in self.inline
        if element.name in self.paragraphs:
            self._part()
            self._texts.pop()
            self._parted = True
        self._path.pop()

    def _on_doctype(self, *_: object) -> None:
        raise ValueError(f"{self._place} has a document type, as files of documents never have")

    def _on_declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        self.encoding = encoding


class _WordReader(_Reader):
    """Text is in w:t of runs, w:r; pieces of a text with one style are one slot."""

    roots = frozenset({"w:document", "w:hdr", "w:ftr", "w:footnotes", "w:endnotes"})
    paragraphs = frozenset({"w:p"})
    gone = frozenset({"w:del", "w:moveFrom", "w:rt"})
    seamless = _names(
        "w:r w:rPr w:t w:proofErr w:bookmarkStart w:bookmarkEnd w:lastRenderedPageBreak"
        " w:softHyphen"
    )
    inline = frozenset({"w:r", "w:hyperlink", "w:fldSimple"})
    containers = ("w:hyperlink", "w:fldSimple", "w:sdtContent", "w:ins", "w:moveTo")
    breaks = ("w:tab", "w:br", "w:cr", "w:ptab")
    translated_fields = ("HYPERLINK", "TOC")
    no_style = re.compile(r"<\w+:(?:lang|noProof)\b[^<>]*/>|\A<[^<>]*>|</[^<>]*>\Z")

    def __init__(self, content: bytes, place: str) -> None:
        self._fields: list[_Field] = []
        super().__init__(content, place)

    def _opened(self, element: _Open, attributes: dict[str, str]) -> None:
        if element.name in self.breaks and self._path[-2].name == "w:r":
            self._part()
        elif element.name in self.containers:
            self._styles.append(element.at)
            field = attributes.get("instr", "HYPERLINK").split()[:1]
            if element.name == "w:fldSimple" and field[0:1] != ["HYPERLINK"]:
                element.hidden = 2
        elif element.name == "w:noBreakHyphen" and not self._fields:
            self._add_sign(element.at, "\u2011", (None, self._path[-2].style or ""))
        elif element.name == "w:fldChar":
            self._at_field(attributes.get("fldCharType", ""), element.at)

    def _gap(self, at: int) -> None:
        if not self._fields:
            super()._gap(at)

    def _at_field(self, kind: str, at: int) -> None:
        if kind == "begin":
            self._fields.append(_Field(at, not self._fields or self._fields[-1].shown))
        elif self._fields and kind == "separate":
            field = self._fields[-1]
            name = field.code.split()[:1]
            field.shown = field.outer and bool(name) and name[0] in self.translated_fields
        elif self._fields and kind == "end":
            self._fields.pop()

    def _closed(self, element: _Open, end: int) -> None:
        if element.name in self.containers:
            self._styles.pop()
        elif element.name == "w:rPr" and self._path[-2].name == "w:r":
            self._path[-2].style = self.no_style.sub("", self._raw(element.at, end))

    def _spoken(self, start: int, end: int, text: str) -> None:
        element, run = self._path[-1], self._path[-2]
        field = self._fields[-1] if self._fields else None
        if element.name == "w:instrText" and field:
            field.code += text
        elif element.name == "w:t" and run.name == "w:r" and (not field or field.shown):
            link = field.at if field and field.code.split()[0] == "HYPERLINK" else None
            tag_at = -1 if element.style else element.at
            element.style = True  # its start tag is another slot's from now on
            text = re.sub("[\t\r\n]+", " ", text)
            self._add(start, end, text, (link, run.style or ""), tag_at)

    def _finished(self, slots: list[Slot]) -> list[Slot]:
        """The slots, but for the style of most letters; text at a gap makes a run in that."""
        letters: Counter[tuple[object, str]] = Counter()
        texts = [slot for slot in slots if slot.end > slot.start]
        for slot in texts:
            letters[slot.around[-1]] += len(slot.text)  # type: ignore[index]  # from _spoken
        usual = max(letters, key=lambda style: letters[style])
        named = re.match(r"<([^<>]*?)t[\s/>]", next(slot.form for slot in texts if slot.form))
        assert named is not None
        w = named[1]
        style = f"<{w}rPr>{usual[1]}</{w}rPr>" if usual[1] else ""
        run = f'<{w}r>{style}<{w}t xml:space="preserve">{GAP}</{w}t></{w}r>'
        for slot in slots:
            if slot.end == slot.start:
                slot.form = run
            elif slot.around[-1] == usual:
                slot.around = slot.around[:-1]
        return slots


@dataclass(slots=True)
class _Field:
    """A field of Word. code: what it computes. outer: whether the text around it is translated;
    shown: whether its own is."""

    at: int
    outer: bool
    code: str = ""
    shown: bool = False


class _OdtReader(_Reader):
    """Text is in paragraphs, and in spans and links within them."""

    roots = frozenset({"office:document-content", "office:document-styles"})
    paragraphs = frozenset({"text:p", "text:h"})
    gone = frozenset({"text:tracked-changes", "office:annotation"})
    seamless = _names(
        "text:span text:a text:bookmark text:bookmark-start text:bookmark-end text:soft-page-break"
    )
    inline = frozenset({"text:span", "text:a"})
    no_style = re.compile(r"rsid|paragraph-rsid|(?:language|country|script)(?:-asian|-complex)?")

    def __init__(self, content: bytes, place: str) -> None:
        self._plain: set[object] = set()  # styles that only say who typed, or in which language
        super().__init__(content, place)

    def _hidden(self, name: str, above: int) -> int:
        hidden = super()._hidden(name, above)
        inside = name in self.seamless or name in self.paragraphs or not self._texts
        return hidden if inside else max(hidden, 1)

    def _opened(self, element: _Open, attributes: dict[str, str]) -> None:
        style = attributes.get("style-name")
        if element.name in ("text:tab", "text:line-break"):
            self._part()
        elif element.name == "text:s":  # several are a tab
            element.hidden = self._path[-2].hidden
            if attributes.get("c", "1") == "1":
                self._add_sign(element.at, " ")
            else:
                self._part()
        elif element.name == "text:a" or (element.name == "text:span" and style not in self._plain):
            element.style = style if element.name == "text:span" else element.at
            self._styles.append(element.style)
        elif element.name == "style:style" and "parent-style-name" not in attributes:
            element.style = attributes.get("name")
        elif element.name == "style:text-properties" and all(
            map(self.no_style.fullmatch, attributes)
        ):
            self._plain.add(self._path[-2].style)

    def _closed(self, element: _Open, end: int) -> None:
        if element.style is not None and element.name in ("text:span", "text:a"):
            self._styles.pop()

    def _spoken(self, start: int, end: int, text: str) -> None:
        self._add(start, end, re.sub("[ \t\r\n]+", " ", text))


READERS: dict[str, type[_Reader]] = {"docx": _WordReader, "odt": _OdtReader}
