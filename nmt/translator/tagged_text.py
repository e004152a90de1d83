"""Text with markup inside as one text with tags for a translator, and back.

Markup never moves: only the text between it changes, and everything else of a file stays as it is.
Where a translation lacks a tag, or has them in another order, the text is translated once more
without tags, and these are put in by the alignment of words (``tag_placement.py``). Where that has
no place for one, the stretches of text between the markup are translated one by one.
"""

import codecs
import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, groupby, pairwise

from nmt.text.spans import has_letters
from nmt.translator.questions import Steps, asked, has_words
from nmt.translator.tag_placement import placed
from nmt.translator.translation import Translation

AFTER_LOSS = "their parts between it were translated one by one"
MOST_LEVELS = 32  # of nested inline elements that are told apart

_NO_TEXT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BOMS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@dataclass(slots=True)
class Slot:
    """A stretch of text without markup, or a place between markup where text may be put.

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

    @property
    def is_seen(self) -> bool:
        """Whether readers see something here."""
        return self.anchor or bool(self.text.strip())


class TaggedText:
    """Slots, and tags for the markup between them: <g1> and </g1> for a pair around text, <x2/> for
    any other. Blank slots at either end are left out, and empty ones anywhere, but for those where
    a translation may put words: beside a pair. So are signs of a style of their own that touch a
    word, such as the number of a note: they stay beside it.

    text: what to translate. plain: the same without tags.
    """

    def __init__(self, slots: Sequence[Slot]) -> None:
        slots = _without_notes(slots)
        groups = _numbered(slots)
        kept = _needed(slots, groups)
        self.slots = [slots[place] for place in kept]
        self._said = [slot.text for slot in self.slots]
        self.plain = "".join(self._said)
        letter = free_letter(self.plain)
        self._tags = [name.format(letter) for name in _names([groups[place] for place in kept])]
        self.text = "".join(map("".join, zip(self._said, [*self._tags, ""], strict=False)))
        extents: dict[int, list[int]] = {}
        for place, number in enumerate(kept):
            for group in groups[number]:
                extents.setdefault(group, []).append(place)
        spans = [slice(places[0], places[-1] + 1) for places in extents.values()]
        self._worded = [span for span in spans if has_words("".join(self._said[span]))]

    def parts(self, translation: str) -> list[str] | None:
        """The text of each slot in a translation; None if tags were lost, came in another order or
        stand around nothing."""
        if not self._tags:
            return [_or_source(translation, self.slots[0])]
        found = re.split(f"({'|'.join(map(re.escape, self._tags))})", translation)
        return self._whole(found[::2]) if found[1::2] == self._tags else None

    def placed(self, translation: Translation, src_lang: str, tgt_lang: str) -> list[str] | None:
        """The text of each slot in a translation of ``plain``, by the alignment of its words; None
        where that has no place for a tag."""
        links = translation.alignment or ()
        found = placed(self._said, self._tags, translation.text, links, src_lang, tgt_lang)
        return found and self._whole(found)

    def _whole(self, texts: list[str]) -> list[str] | None:
        emptied = any(not "".join(texts[span]).strip() for span in self._worded)
        return None if emptied else texts


def _or_source(text: str, slot: Slot) -> str:
    """A translation of a slot, or its own text where the translation is blank."""
    return slot.text if has_words(slot.text) and not text.strip() else text


Groups = tuple[int, ...]
"""Of a slot: the numbers of the groups that it is in, from the outermost, 0, which has all slots. A
group is slots in a row with the same markup around them."""


def _without_notes(slots: Sequence[Slot]) -> list[Slot]:
    """The slots without signs that touch a word: something that readers see, for the others."""
    made = list(slots)
    texts = [place for place, slot in enumerate(slots) if slot.text]
    notes = set[int]()
    for before, place, after in zip([None, *texts], texts, [*texts[1:], None], strict=False):
        slot, beside = slots[place], [one for one in (before, after) if one is not None]
        behind = "" if before is None else slots[before].text[-1:].strip()
        ahead = "" if after is None else slots[after].text[:1]
        touches = not ahead.isalnum() if behind else ahead.isalnum()
        alone = slot.around and all(slots[one].around != slot.around for one in beside)
        signs = slot.text.strip() and not slot.anchor and not has_letters(slot.text)
        if touches and alone and signs:
            notes.add(place)
            made[beside[0]] = replace(made[beside[0]], anchor=True)
    return [slot for place, slot in enumerate(made) if place not in notes]


def _numbered(slots: Sequence[Slot]) -> list[Groups]:
    found: list[Groups] = []
    outer: tuple[object, ...] = ()
    groups: Groups = (0,)
    numbers = count(1)
    for slot in slots:
        shared = 0
        while slot.around[shared : shared + 1] == outer[shared : shared + 1] != ():
            shared += 1
        new = (next(numbers) for _ in slot.around[shared:])
        outer, groups = slot.around, (*groups[: shared + 1], *new)
        found.append(groups)
    return found


def _needed(slots: Sequence[Slot], groups: Sequence[Groups]) -> list[int]:
    """The places of the slots of a text."""
    seen = [place for place, slot in enumerate(slots) if slot.is_seen]
    if not seen:
        return []
    extents: dict[int, tuple[int, int]] = {}  # of what is seen of each group
    for place in seen:
        for group in groups[place]:
            extents[group] = extents.get(group, (place, place))[0], place
    pairs = (pair for place in seen for pair in pairwise(groups[place]))
    doubled = {outer for outer, inner in pairs if extents[outer] == extents[inner]}
    first, last = seen[0], seen[-1]
    around_all = tuple(group for group in groups[first] if extents[group] == (first, last))
    outermost = [place for place, own in enumerate(groups) if own == around_all]
    start = max((place for place in outermost if place <= first), default=first)
    end = min((place for place in outermost if place >= last), default=last)

    def has_text(place: int) -> bool:
        return slots[place].is_seen or (first < place < last and bool(slots[place].text))

    single = extents.keys() - doubled
    possible = [
        place for place in range(start, end + 1) if has_text(place) or groups[place][-1] in single
    ]
    kept: list[int] = []
    for _, same in groupby(possible, key=lambda place: groups[place]):
        places = list(same)
        kept += [place for place in places if has_text(place)] or places[:1]
    return kept


def _names(groups: Sequence[Groups]) -> Iterator[str]:
    """The tag between each slot and the next, with {} for a letter."""
    names: list[str] = []
    open_at: list[tuple[int, Groups]] = []  # number of a tag, what is around it
    for number, (outer, inner) in enumerate(pairwise(groups), 1):
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


def translated_parts(
    texts: Sequence[TaggedText], src_lang: str, tgt_lang: str
) -> Steps[tuple[list[list[list[str]]], int]]:
    """Of each text its translations, the best first, each as the new text of each slot; and how
    many texts were translated slot by slot."""
    made = yield from asked([one.text for one in texts])
    kept: list[list[list[str]]] = []
    lost: list[int] = []
    for place, (one, translation) in enumerate(zip(texts, made, strict=True)):
        others = [other.text for other in translation.nbest]
        found = [one.parts(text) for text in dict.fromkeys([translation.text, *others])]
        kept.append([parts for parts in found if parts is not None])
        if found[0] is None:
            lost.append(place)
    plain = yield from asked([texts[place].plain for place in lost], lost, align=True)
    for place, translation in zip(lost, plain, strict=True):
        parts = texts[place].placed(translation, src_lang, tgt_lang)
        kept[place][:0] = [] if parts is None else [parts]
    lost = [place for place in lost if not kept[place]]
    slots = [(slot, place) for place in lost for slot in texts[place].slots]
    single = yield from asked(
        [slot.text for slot, _ in slots], [place for _, place in slots], parts=True
    )
    for (slot, place), translation in zip(slots, single, strict=True):
        kept[place] = kept[place] or [[]]
        kept[place][0].append(_or_source(translation.text, slot))
    return kept, len(lost)


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
