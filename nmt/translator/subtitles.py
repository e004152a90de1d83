"""Subtitles, SRT and WebVTT, with their text translated; times, numbers, positions, styles and all
else stay as they are.

The lines of a cue are one text, unless each has another speaker. So are cues over which a sentence
runs. A translation is broken into as many lines again, evenly, and gives each cue of a sentence the
share of the letters that it had.
"""

import html
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from nmt.languages import is_written_without_spaces
from nmt.translator.questions import Steps
from nmt.translator.tagged_text import (
    AFTER_LOSS,
    MOST_LEVELS,
    Slot,
    TaggedText,
    decoded,
    escaped,
    replaced,
    translated_parts,
    without_controls,
)

_END = r"(?>\r\n|\r|\n)"
_LINE_START = r"(?:\A|(?<=[\r\n]))"
_TIME = r"-?(?:\d{1,4}:)?\d{1,2}:\d{1,2}[.,:]\d{1,3}"
_TIMES = rf"{_TIME}[ \t]*-->[ \t]*{_TIME}"
_TIMING = re.compile(rf"{_LINE_START}[ \t\ufeff]*{_TIMES}[^\r\n]*(?:{_END}|\Z)")
_NUMBER = re.compile(rf"{_LINE_START}[ \t]*\d+[ \t]*{_END}\Z")
_BLANK_LINES = re.compile(rf"{_END}(?:[ \t]*{_END})+")
_BEGINS_BLANK = re.compile(rf"[ \t]*(?:{_END}|\Z)")
_SPEAKER = re.compile(
    rf"{_END}(?=[ \t]*(?:<v[ \t.]|(?:<\w[^<>]*>|\{{\\[^{{}}]*\}})*[-\u2010-\u2015]))"
)
# A style that ends with one line and begins anew with the next is a part of the break.
_SAME_STYLE = rf"</(?P<style>\w+)>[ \t]*{_END}[ \t]*<(?P=style)\b[^<>]*>"
_BREAK = re.compile(rf"{_SAME_STYLE}|(?<![ \t])[ \t]*+{_END}[ \t]*")
_MARKUP = {
    "srt": re.compile(
        rf"{_SAME_STYLE}|</?(?P<name>i|b|u|s|c|font)\b[^<>]*>|\{{\\[^{{}}]*\}}", re.IGNORECASE
    ),
    "vtt": re.compile(rf"{_SAME_STYLE}|</?(?P<name>\w*)[^<>]*>"),
}
_SPACES = re.compile(r"[ \t-\r\x1c-\x1f\x85\u2028\u2029]+")
_GOES_ON = re.compile(r"[\w,]\Z")
_MOST_JOINED = 6  # cues


@dataclass(frozen=True)
class _Stretch:
    """What is one text of a cue: its slots, and what stands between its lines."""

    slots: Sequence[Slot]
    breaks: Sequence[str]

    @property
    def letters(self) -> int:
        return sum(len(slot.text) for slot in self.slots)


class SubtitleFiller:
    """The texts of a subtitle file. sources: those of each cue, or of the cues of one sentence.

    kind: "srt" or "vtt".
    """

    what = "texts translated"
    after_loss = AFTER_LOSS

    def __init__(self, content: bytes, name: str, kind: str, src_lang: str, tgt_lang: str) -> None:
        self._kind = kind
        self._languages = src_lang, tgt_lang
        self._run_on = is_written_without_spaces(tgt_lang)
        self._text, self._codec = decoded(content, name)
        is_vtt = self._text.removeprefix("\ufeff").startswith("WEBVTT")
        if is_vtt != (kind == "vtt"):
            said = "is WebVTT: name it .vtt" if is_vtt else "does not begin with WEBVTT, as .vtt do"
            raise ValueError(f"{name} {said}")
        times = list(_TIMING.finditer(self._text))
        if not times and not is_vtt and self._text.strip("\ufeff \t\r\n"):
            raise ValueError(
                f"{name} has no times of subtitles, such as 00:00:01,000 --> 00:00:02,500: is its"
                " name right?"
            )
        self._groups = list(_joined(self._cues(times)))
        self._texts = [TaggedText(_slots(group)) for group in self._groups]
        self.sources = [one.text for one in self._texts]
        self.left: Counter[str] = Counter()

    def _cues(self, times: Sequence[re.Match[str]]) -> Iterator[list[_Stretch]]:
        ends = [one.start() for one in times[1:]]
        for time, end in zip(times, [*ends, len(self._text)], strict=False):
            start = time.end()
            if number := _NUMBER.search(self._text, start, end):
                end = number.start()
            blocks = _between(_BLANK_LINES, self._text, start, end)
            if self._kind == "vtt":  # a blank line ends the cue
                blocks = [] if _BEGINS_BLANK.match(self._text, start, end) else blocks[:1]
            yield [
                one
                for block in blocks
                for said in _between(_SPEAKER, self._text, *block)
                if (one := self._stretch(*said)).slots
            ]

    def _stretch(self, start: int, end: int) -> _Stretch:
        slots: list[Slot] = []
        around: list[str] = []
        at = start
        for found in _MARKUP[self._kind].finditer(self._text, start, end):
            if found["style"]:
                continue
            slots.append(Slot(at, found.start(), "", tuple(around)))
            at = found.end()
            if found[0].startswith("</"):
                around = around[:-1]
            elif found["name"] and not found["name"].isdigit() and len(around) < MOST_LEVELS:
                around = [*around, found["name"].lower()]
        slots.append(Slot(at, end, "", tuple(around)))
        for slot in slots:
            slot.start = min(slot.end, slot.start + self._blank(slot, str.lstrip))
            if self._raw(slot).strip():
                break
        for slot in reversed(slots):
            slot.end -= self._blank(slot, str.rstrip)
            if self._raw(slot).strip():
                break
        for slot in slots:
            text = _BREAK.sub(" ", self._raw(slot))
            slot.text = html.unescape(text) if self._kind == "vtt" else text
        slots = TaggedText(slots).slots
        breaks = [found[0] for slot in slots for found in _BREAK.finditer(self._raw(slot))]
        return _Stretch(slots, breaks)

    def _blank(self, slot: Slot, strip: Callable[[str], str]) -> int:
        """How much white space a slot begins or ends with."""
        return slot.end - slot.start - len(strip(self._raw(slot)))

    def _raw(self, slot: Slot) -> str:
        return self._text[slot.start : slot.end]

    def filling(self) -> Steps[tuple[bytes, int]]:
        made, lost = yield from translated_parts(self._texts, *self._languages)
        changes: list[tuple[int, int, str]] = []
        for group, one, (texts, *_) in zip(self._groups, self._texts, made, strict=True):
            if texts != [slot.text for slot in one.slots]:
                written = self._written(group, _single_spaced(texts))
                for stretch, text in zip(group, written, strict=True):
                    changes.append((stretch.slots[0].start, stretch.slots[-1].end, text))
        return replaced(self._text, changes).encode(self._codec), lost

    def _written(self, group: Sequence[_Stretch], texts: Sequence[str]) -> list[str]:
        """The text of each stretch, in its lines and with its markup."""
        text = "".join(texts)
        places = _places(text, self._run_on)
        if len(places) < len(group) - 1:  # too few words: no cue is left without any
            return [self._escaped(text)] * len(group)
        short = len(places) < sum(1 + len(one.breaks) for one in group) - 1
        all_breaks = [() if short and len(group) > 1 else one.breaks for one in group]
        shares: list[float] = []
        seams: list[str | None] = []  # None between cues
        for one, breaks in zip(group, all_breaks, strict=True):
            shares += [max(one.letters, 1) / (len(breaks) + 1)] * (len(breaks) + 1)
            seams += [*breaks, None]
        cuts = _cuts(places, [share * len(text) / sum(shares) for share in shares])
        slots = group[0].slots if len(group) == 1 else ()
        markup = [self._text[one.end : other.start] for one, other in pairwise(slots)]
        at = list(accumulate(map(len, texts)))
        edits: list[tuple[int, int, str | None]] = []
        edits += [(place, place, raw) for place, raw in zip(at, markup, strict=False)]
        edits += [(*cut, seam) for cut, seam in zip(cuts, seams, strict=False)]
        written, done = [""], 0
        for start, end, seam in sorted(edits, key=lambda edit: edit[:2]):
            written[-1] += self._escaped(text[done:start]) + (seam or "")
            if seam is None:
                written.append("")
            done = end
        written[-1] += self._escaped(text[done:])
        return [one.replace("-->", "->") if re.search(_TIMES, one) else one for one in written]

    def _escaped(self, text: str) -> str:
        return escaped(text) if self._kind == "vtt" else text


def _between(pattern: re.Pattern[str], text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The stretches from start to end between what a pattern finds."""
    found = [one.span() for one in pattern.finditer(text, start, end)]
    return list(zip([start, *(b for _, b in found)], [*(a for a, _ in found), end], strict=True))


def _joined(cues: Iterator[list[_Stretch]]) -> Iterator[list[_Stretch]]:
    """The stretches that are one text: of several cues, where a sentence plainly runs on."""
    group: list[_Stretch] = []
    for cue in cues:
        plain = len(cue) == 1 and len(cue[0].slots) == 1
        if group and not (
            plain
            and len(group) < _MOST_JOINED
            and _GOES_ON.search(group[-1].slots[0].text)
            and cue[0].slots[0].text[:1].islower()
        ):
            yield group
            group = []
        if plain:
            group.append(cue[0])
        else:
            yield from ([one] for one in cue)
    if group:
        yield group


def _slots(group: Sequence[_Stretch]) -> Sequence[Slot]:
    if len(group) == 1:
        return group[0].slots
    return [Slot(0, 0, " ".join(one.slots[0].text for one in group))]


def _single_spaced(texts: Sequence[str]) -> list[str]:
    """The texts without two spaces in a row, within one or at a seam, so that no line is empty."""
    made: list[str] = []
    spaced = True
    for text in texts:
        text = _SPACES.sub(" ", without_controls(text))
        made.append(text.removeprefix(" ") if spaced else text)
        spaced = made[-1].endswith(" ") or (spaced and not made[-1])
    return made


def _places(text: str, run_on: bool) -> list[tuple[int, int]]:
    """Where a text may be broken: what a line break replaces. run_on: written without spaces."""
    if run_on:
        return [(at, at) for at in range(1, len(text)) if text[at].isalnum()]
    stripped = len(text) - len(text.lstrip()), len(text.rstrip())
    return [found.span() for found in re.compile(" ").finditer(text, *stripped)]


def _cuts(places: Sequence[tuple[int, int]], lengths: Sequence[float]) -> list[tuple[int, int]]:
    """The places to break a text at, so that its lines come near to these lengths; as many lines
    as there can be."""
    cuts: list[tuple[int, int]] = []
    wanted = min(len(lengths) - 1, len(places))
    least = 0
    for number, target in enumerate(list(accumulate(lengths))[:wanted]):
        most = len(places) - (wanted - number)
        near = bisect_left(places, (target, 0), least, most)
        if near > least and target - places[near - 1][0] < places[near][0] - target:
            near -= 1
        cuts.append(places[near])
        least = near + 1
    return cuts
