"""Text with markup inside as one text with tags for a translator, and back.

Markup never moves: only the text between it changes, and everything else of a file stays as it is.
Where a translation lacks a tag, or has them in another order, the stretches of text between the
markup are translated one by one.
"""

import codecs
import html
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise, takewhile

Translate = Callable[[Sequence[str]], Sequence[str]]
"""Texts, each a single line, -> their translations, one for each."""

AFTER_LOSS = "their parts between it were translated one by one"
MOST_LEVELS = 32  # of nested inline elements that are told apart

_TAG = re.compile("<[^<>]*>")
_NO_TEXT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BOMS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@dataclass(slots=True)
class Slot:
    """A stretch of text without markup.

    start, end: the part of the file that a new text replaces. text: as a reader sees it.
    around: what is open around it, the outermost first; the same for two stretches of one style.
    anchor: whether beside it stands something that readers see and that is not translated.
    form: how a new text is written; each format has its own.
    others: further parts of the file with some of the text, which a new text leaves empty.
    """

    start: int
    end: int
    text: str
    around: tuple[object, ...] = ()
    anchor: bool = False
    form: str = ""
    others: list[tuple[int, int]] = field(default_factory=list)


class TaggedText:
    """Slots, and tags for the markup between them: <g1> and </g1> for a pair around text, <x2/> for
    any other. Blank slots at either end are left out.

    text: what to translate.
    """

    def __init__(self, slots: Sequence[Slot]) -> None:
        start = sum(1 for _ in takewhile(_is_outside, slots))
        end = len(slots) - sum(1 for _ in takewhile(_is_outside, reversed(slots)))
        self.slots = slots[start:end]
        letter = free_letter("".join(slot.text for slot in self.slots))
        self._tags = [name.format(letter) for name in _names(self.slots)]
        pieces = [slot.text for slot in self.slots]
        for place, tag in enumerate(self._tags):
            pieces[place] += tag
        self.text = "".join(pieces)

    def parts(self, translation: str) -> list[str] | None:
        """The text of each slot in a translation; None if tags were lost, came in another order or
        stand around nothing."""
        if not self._tags:
            return [_or_source(translation, self.slots[0])]
        found = re.split(f"({'|'.join(map(re.escape, self._tags))})", translation)
        texts = found[::2]
        if found[1::2] != self._tags or any(map(_is_emptied, texts, self.slots)):
            return None
        return texts


def _is_emptied(text: str, slot: Slot) -> bool:
    return has_words(slot.text) and not text.strip()


def _or_source(text: str, slot: Slot) -> str:
    """A translation of a slot, or its own text where the translation is blank."""
    return slot.text if _is_emptied(text, slot) else text


def _is_outside(slot: Slot) -> bool:
    return not slot.anchor and not slot.text.strip()


def _names(slots: Sequence[Slot]) -> Iterator[str]:
    """The tag between each slot and the next, with {} for a letter."""
    names: list[str] = []
    open_at: list[tuple[int, tuple[object, ...]]] = []  # number of a tag, what is around it
    for number, (one, other) in enumerate(pairwise(slots), 1):
        outer, inner = one.around, other.around
        names.append(f"<{{}}x{number}/>")
        if len(inner) > len(outer) and inner[: len(outer)] == outer:
            open_at.append((number, outer))
        elif open_at and inner == open_at[-1][1]:
            opening, _ = open_at.pop()
            names[opening - 1 :: number - opening] = [f"<{{}}g{opening}>", f"</{{}}g{opening}>"]
    return iter(names)


def free_letter(said: str) -> str:
    """What a text's own tags, such as <g1>, do not begin with: "", "n", "nn" ..."""
    marks = ("n" * times for times in count())
    return next(mark for mark in marks if not re.search(f"</?{mark}[gx][0-9]", said))


def has_words(text: str) -> bool:
    """Whether a text has a letter outside of tags."""
    return any(letter.isalpha() for letter in _TAG.sub("", text))


def translated_parts(
    texts: Sequence[TaggedText], translate: Translate
) -> tuple[list[list[str]], int]:
    """The new text of each slot of each text, and how many texts were translated slot by slot."""
    made = translate([one.text for one in texts])
    found = [one.parts(translation) for one, translation in zip(texts, made, strict=True)]
    lost = [one for one, parts in zip(texts, found, strict=True) if parts is None]
    again = iter(translate([slot.text for one in lost for slot in one.slots]) if lost else ())
    parts = [
        [_or_source(next(again), slot) for slot in one.slots] if parts is None else parts
        for one, parts in zip(texts, found, strict=True)
    ]
    return parts, len(lost)


def escaped(text: str, raw: str = "", *, quote: bool = False) -> str:
    """Text for HTML or XML. What the raw text spells as an entity is spelt so here too."""
    entities = {}
    for entity in re.findall(r"&(?:#\w{1,8}|\w{1,32});", raw):
        letter = html.unescape(entity)
        if len(letter) == 1 and (letter in "\"'" or not letter.isascii()):  # in no other entity
            entities[ord(letter)] = entity
    return html.escape(without_controls(text), quote=quote).translate(entities)


def without_controls(text: str) -> str:
    """Text without characters that XML cannot have."""
    return _NO_TEXT.sub("", text)


def replaced(content: str, changes: Sequence[tuple[int, int, str]]) -> str:
    """Content with other text from one place to another; nothing overlaps."""
    parts, at = [], 0
    for start, end, text in sorted(changes):
        parts += [content[at:start], text]
        at = end
    return "".join([*parts, content[at:]])


def decoded(content: bytes, name: str, declared: str = "utf-8") -> tuple[str, str]:
    """The text of a file and its encoding: as a byte order mark says, else as the file declares.
    The mark stays in the text. Raises ValueError for what is no text in it."""
    codec = next((codec for mark, codec in _BOMS.items() if content.startswith(mark)), declared)
    if content.startswith(codecs.BOM_UTF8):
        codec = "utf-8"
    try:
        text = content.decode(codec)
    except UnicodeDecodeError as error:
        byte = f"byte 0x{content[error.start]:02x} at offset {error.start:,}"
        raise ValueError(
            f"{name} is not valid {codec.upper()} ({byte}): convert it to UTF-8, for example with"
            " iconv"
        ) from None
    if text.encode(codec) != content:  # one text may be written in several ways
        raise ValueError(f"{name} is in {codec.upper()}, written unusually: convert it to UTF-8")
    if "\0" in text:
        raise ValueError(f"{name} is no text, it holds bytes of 0: is its name right?")
    return text, codec
