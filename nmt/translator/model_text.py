"""What the model reads in place of a text, and how to get the text back from its output.

Spans that must be copied, such as ``{name}`` or a web address, are replaced by placeholders, which
the model has learnt to copy. A text in capitals, or with a capital at every word, is given in small
letters, as models see little of such text, and its translation gets the capitals back.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby

from nmt.languages import is_written_without_spaces
from nmt.text.sentences import Span
from nmt.text.spans import Protection, has_letters, without_spans
from nmt.text.variants import lower, title, upper
from nmt.translator.parts import units_before, units_up_to
from nmt.translator.translation import Alignment

_WORD = re.compile(r"[^\W\d_]{2,}")
_WORD_STARTS = re.compile(r"(?<!\S)[^\w\s]*([^\W\d_])")
_LEAST_RAISED = 2  # words in capitals: a single one may be an abbreviation, such as NATO
_LEAST_TITLED = 4  # words with a capital each: fewer may be a name
_OPENING = "([{\"'\N{LEFT DOUBLE QUOTATION MARK}\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}<"
_CLOSING = ')]}"\N{RIGHT DOUBLE QUOTATION MARK}\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK}>' + (
    ".,;:!?"
)
_BEFORE_SPACE = ".,;:!?)"
_BEHIND_NO_SPACE = ".,)"
_OPENING_TAG = re.compile(r"<[^/<>](?:[^<>]*[^/<>])?>\Z")


@dataclass(frozen=True)
class ModelText:
    """A source as the model reads it.

    text: normalised. masked: the same, with a placeholder for each of ``spans``, in order.
    tag: what stands before ``masked``, such as the token of a language.
    case: that of the text, which the translation must have: "upper", "title", or "" for any.
    is_spans: whether there is nothing but spans and signs, so nothing to translate.
    """

    text: str
    masked: str
    tag: str = ""
    spans: tuple[str, ...] = ()
    placeholders: tuple[str, ...] = ()
    case: str = ""
    is_spans: bool = False
    src_lang: str = ""
    tgt_lang: str = ""

    def restored(self, output: str) -> str:
        """The model's output with each span in the place of its placeholder. A placeholder of no
        span and one that came before are left out, with a space beside them. What no space, but a
        word, separates from a span has a space before or behind it as in the source."""
        if not self._has_placeholder(output):
            return self._in_case(output)
        characters = zip(output, self._pieces(output), strict=True)
        text = []
        for hidden, run in groupby(characters, lambda one: one[0] in self.placeholders):
            piece = "".join(piece for _, piece in run)
            text.append(piece if hidden else self._in_case(piece))
        return "".join(text)

    def _pieces(self, output: str) -> list[str]:
        """What stands for each character of the output in the restored one, but for case."""
        pieces, left = list(output), dict(zip(self.placeholders, self.spans, strict=False))
        places = [place for place, one in enumerate(output) if one in self.placeholders]
        for place in places:
            pieces[place] = left.pop(output[place], "")
        spaced = not is_written_without_spaces(self.tgt_lang)
        for place in places:
            if not pieces[place]:
                _close_gap(pieces, place)
            elif spaced:
                self._space(pieces, place, output)
        return pieces

    def _space(self, pieces: list[str], place: int, output: str) -> None:
        """Puts or takes away spaces beside a span, as the source has them."""
        at = self.masked.index(output[place])
        before, after = self.masked[:at][-1:], self.masked[at + 1 :][:1]
        previous, following = output[:place][-1:], output[place + 1 :][:1]
        span = pieces[place]
        if before.isspace() and (previous in self.placeholders or previous in _BEFORE_SPACE):
            spaced = not previous or "".join(pieces[:place])[-1:] in ("", " ")
            pieces[place] = span if spaced else " " + span
        elif previous.isalnum() and (before in _OPENING or before.isspace()):
            pieces[place] = " " + span
        elif previous == " " and span.startswith("</") and not following.isalnum():
            pieces[place - 1] = " " if before in _OPENING or before.isspace() else ""
        if following.isalnum() and (after in _CLOSING or after.isspace()):
            pieces[place] += " "
        elif following == " " and _OPENING_TAG.search(span) and after.isalnum():
            pieces[place + 1] = ""

    def _in_case(self, text: str) -> str:
        if self.case == "upper":
            return upper(text, self.tgt_lang)
        return title(text, self.tgt_lang) if self.case == "title" else text

    def holds_all(self, output: str) -> bool:
        """Whether the model's output has each span's placeholder once, and no other."""
        wanted = self.placeholders[: len(self.spans)]
        found = [character for character in output if character in self.placeholders]
        return sorted(found) == sorted(wanted)

    def _has_placeholder(self, output: str) -> bool:
        return any(character in self.placeholders for character in output)

    def links(self, links: Alignment, output: str) -> Alignment:
        """Links between the words of ``masked`` and of the output as links between the words of
        ``text`` and of the restored output: a span may have several words."""
        if not self.spans and not self.tag and not self._has_placeholder(output):
            return links
        by_character = is_written_without_spaces(self.src_lang)
        tagged = units_up_to(self.tag, len(self.tag), by_character)
        src = _units_of(self.masked, self._pieces(self.masked), by_character)
        by_character = is_written_without_spaces(self.tgt_lang)
        tgt = _units_of(output, self._pieces(output), by_character)
        pairs = {
            (one, other)
            for i, j in links
            if tagged <= i < tagged + len(src) and j < len(tgt)
            for one in src[i - tagged]
            for other in tgt[j]
        }
        return tuple(sorted(pairs))

    def confidence(self, values: Sequence[float], output: str) -> tuple[float, ...]:
        """The confidence of each word of the output as that of each word of the restored output:
        the smallest where several became one."""
        if not self._has_placeholder(output):
            return tuple(values)
        by_character = is_written_without_spaces(self.tgt_lang)
        text = self.restored(output)
        found = [1.0] * units_up_to(text, len(text), by_character)
        units = _units_of(output, self._pieces(output), by_character)
        for value, places in zip(values, units, strict=False):
            for place in places[: max(0, len(found) - places.start)]:
                found[place] = min(found[place], value)
        return tuple(found)


def model_text(
    text: str,
    *,
    tag: str,
    protection: Protection | None,
    placeholders: Sequence[str],
    lower_case: bool,
    src_lang: str,
    tgt_lang: str,
) -> ModelText:
    """Prepares a normalised text for the model.

    protection: what to replace by placeholders; as many spans as there are placeholders.
    lower_case: whether to give a text in capitals in small letters.
    """
    found = protection.find(text) if protection else []
    found = together(sorted([*found, *_literal(text, placeholders, found)]))
    case = case_of(text, found) if lower_case else ""
    hidden = found[: len(placeholders)]
    masked, end = [], 0
    for number, span in enumerate(found):
        between = text[end : span.start]
        kept = placeholders[number] if number < len(hidden) else text[span.start : span.end]
        masked += [lower(between, src_lang) if case else between, kept]
        end = span.end
    masked.append(lower(text[end:], src_lang) if case else text[end:])
    return ModelText(
        text=text,
        masked="".join(masked),
        tag=tag,
        spans=tuple(text[span.start : span.end] for span in hidden),
        placeholders=tuple(placeholders),
        case=case,
        is_spans=protection is not None and not has_letters("".join(masked[::2])),
        src_lang=src_lang,
        tgt_lang=tgt_lang,
    )


def together(spans: Sequence[Span]) -> list[Span]:
    """Spans with nothing between them as one, so that they stay together."""
    found: list[Span] = []
    for span in spans:
        if found and found[-1].end == span.start:
            found[-1] = Span(found[-1].start, span.end)
        else:
            found.append(span)
    return found


def case_of(text: str, protected: Sequence[Span] = ()) -> str:
    """ "upper" if all of a text's words are in capitals, two words or more; "title" if all begin
    with one and none is in capitals, four or more; else ""."""
    text = without_spans(text, protected)
    words = _WORD.findall(text)
    if text.isupper():
        return "upper" if len(words) >= _LEAST_RAISED else ""
    titled = len(words) >= _LEAST_TITLED and all(map(str.isupper, _WORD_STARTS.findall(text)))
    return "title" if titled and not any(map(str.isupper, words)) else ""


def _literal(text: str, placeholders: Sequence[str], found: Sequence[Span]) -> list[Span]:
    """Characters of the text that are placeholders by chance, outside of what was found."""
    inside = {place for span in found for place in range(span.start, span.end)}
    return [
        Span(place, place + 1)
        for place, character in enumerate(text)
        if character in placeholders and place not in inside
    ]


def _close_gap(pieces: list[str], place: int) -> None:
    """Takes away the spaces beside what was left out, but for one between words."""
    before = [at for at in range(place) if pieces[at]]
    behind = [at for at in range(place + 1, len(pieces)) if pieces[at]]
    spaced = [at for at in (*before[-1:], *behind[:1]) if pieces[at] == " "]
    rest = "".join(pieces[at] for at in behind).lstrip(" ")
    if before and rest and rest[0] not in _BEHIND_NO_SPACE:
        spaced = spaced[1:]
    for at in spaced:
        pieces[at] = ""


def _units_of(masked: str, pieces: Sequence[str], by_character: bool) -> list[range]:
    """For each word (or character) of a text, those of the text made of a piece for each character
    of it."""
    ends = [0, *accumulate(map(len, pieces))]
    text = "".join(pieces)
    return [
        range(
            units_before(text, ends[unit.start()], by_character),
            units_up_to(text, ends[unit.end()], by_character),
        )
        for unit in re.finditer(r"\S" if by_character else r"\S+", masked)
    ]
