"""Turns the hypotheses of a search into translations: text, flags, alignment,
confidence, n best.

Dims: T target tokens, S source tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from torch import Tensor

from nmt.languages import is_written_without_spaces
from nmt.models.interface import Seq2SeqModel
from nmt.search.base import Hypothesis
from nmt.tokenizer import Tokenizer
from nmt.translator import translation
from nmt.translator.inference import token_log_probs
from nmt.translator.translation import Alternative, Translation
from nmt.translator.word_alignment import (
    attention,
    byte_runs,
    is_text,
    word_confidence,
    word_links,
)

LONGEST_BLOCK = 100  # tokens
LEAST_TIMES = 3
LEAST_TOKENS = 6


def repeats_itself(tokens: Sequence[int], source: Sequence[int]) -> bool:
    """Whether the tokens hold a loop: a block that occurs three times or more in a row, on six
    tokens or more. A loop in the source allows one of twice its length."""
    return _longest_loop(tokens) > 2 * _longest_loop(source)


def _longest_loop(tokens: Sequence[int]) -> int:
    """Number of tokens in the longest loop; 0 if there is none."""
    if len(tokens) - len(set(tokens)) < LEAST_TOKENS * (LEAST_TIMES - 1) // LEAST_TIMES:
        return 0  # most sentences have too few repeated tokens for a loop
    longest = 0
    for size in range(1, min(LONGEST_BLOCK, len(tokens) // LEAST_TIMES) + 1):
        run = 0
        for earlier, later in zip(tokens, tokens[size:], strict=False):
            run = run + 1 if earlier == later else 0
            if run + size >= max(LEAST_TIMES * size, LEAST_TOKENS):
                longest = max(longest, run + size)
    return longest


def needs_copying(ids: Sequence[int]) -> bool:
    """Whether some run of byte tokens in these target ids is no text."""
    return any(not is_text(ids[run]) for run in byte_runs(ids))


def copied(
    ids: Sequence[int], source: Sequence[int], weights: Tensor | None
) -> tuple[list[int], list[int]]:
    """Replaces each run of byte tokens that is no text by a run of byte tokens of the source.

    Bytes have the same ids on both sides. weights: (T, S) attention; the source's run that gets
        most of it is taken. Without it, the target's n-th run gets the source's n-th run, if any.

    Returns the new ids, and for each the place of the old token that it stands for.
    """
    new, places, done = [], [], 0
    candidates = byte_runs(source)
    for number, run in enumerate(byte_runs(ids)):
        if weights is not None:
            chosen = max(candidates, key=lambda span: float(weights[run, span].sum()), default=None)
        else:
            chosen = candidates[number] if number < len(candidates) else None
        if chosen is None or is_text(ids[run]):
            continue
        new += [*ids[done : run.start], *source[chosen]]
        places += [*range(done, run.start), *[run.start] * (chosen.stop - chosen.start)]
        done = run.stop
    return [*new, *ids[done:]], [*places, *range(done, len(ids))]


Ids = Sequence[int]


@dataclass(frozen=True)
class _Reading:
    """A hypothesis of a source (ids with EOS) as text.

    ids: what the text spells: the hypothesis' tokens, or source bytes in the place of some. places:
    of each id among the tokens.
    """

    source: Ids
    tokens: Ids
    ids: Ids
    places: Sequence[int]
    alternative: Alternative


@dataclass(frozen=True)
class Reader:
    """Turns hypotheses into translations. Computes attention and probabilities only for those that
    need them.

    nbest, align, copy_unknown, confidence: see ``Translator.translate``. src_lang, tgt_lang: say
    whether alignments and confidence are of words or of characters.
    """

    model: Seq2SeqModel
    tokenizer: Tokenizer
    nbest: int
    align: bool
    copy_unknown: bool
    confidence: bool = False
    src_lang: str = ""
    tgt_lang: str = ""

    def __call__(
        self, sources: Sequence[Ids], hypotheses: Sequence[Sequence[Hypothesis]]
    ) -> list[Translation]:
        """One translation of each source (ids with EOS) from its hypotheses, best first."""
        rows = self._readings(sources, hypotheses)
        chosen = [self._different(row)[: max(1, self.nbest)] for row in rows]
        details = iter(self._with_details([reading for row in chosen for reading in row]))
        translations = []
        for row in chosen:
            given = list(islice(details, len(row)))
            nbest = tuple(given) if self.nbest else ()
            translations.append(Translation(**vars(given[0]), nbest=nbest))
        return translations

    def blank(self) -> Translation:
        """The translation of a blank line."""
        nothing = Alternative(
            text="",
            score=0.0,
            tokens=0,
            alignment=() if self.align else None,
            confidence=() if self.confidence else None,
        )
        return Translation(**vars(nothing))

    def _readings(
        self, sources: Sequence[Ids], hypotheses: Sequence[Sequence[Hypothesis]]
    ) -> list[list[_Reading]]:
        copying = [
            (row, rank)
            for row, (source, found) in enumerate(zip(sources, hypotheses, strict=True))
            for rank, one in enumerate(found)
            if self._copies(source, one.tokens)
        ]
        pairs = [(sources[row], hypotheses[row][rank].tokens) for row, rank in copying]
        weights = dict(zip(copying, attention(self.model, pairs), strict=True))
        return [
            [self._reading(source, one, weights.get((row, rank))) for rank, one in enumerate(found)]
            for row, (source, found) in enumerate(zip(sources, hypotheses, strict=True))
        ]

    def _reading(self, source: Ids, hypothesis: Hypothesis, weights: Tensor | None) -> _Reading:
        ids, places = list(hypothesis.tokens), list(range(len(hypothesis.tokens)))
        if self._copies(source, ids):
            ids, places = copied(ids, source, weights)
        checks = {
            translation.HIT_LIMIT: not hypothesis.finished,
            translation.REPEATS: repeats_itself(hypothesis.tokens, source),
            translation.COPIED: tuple(ids) != hypothesis.tokens,
        }
        alternative = Alternative(
            text=translation.without_line_breaks(self.tokenizer.decode_tgt([ids])[0]),
            score=hypothesis.score,
            tokens=len(hypothesis.tokens),
            flags=tuple(flag for flag, raised in checks.items() if raised),
        )
        return _Reading(source, hypothesis.tokens, ids, places, alternative)

    def _different(self, readings: Sequence[_Reading]) -> list[_Reading]:
        """Those of different texts: other tokens may spell the same one."""
        different: dict[str, _Reading] = {}
        for reading in readings:
            different.setdefault(reading.alternative.text, reading)
        return list(different.values())

    def _with_details(self, readings: Sequence[_Reading]) -> list[Alternative]:
        """The alternatives with alignment and confidence, where asked for."""
        given = [reading.alternative for reading in readings]
        pairs = [(reading.source, reading.tokens) for reading in readings]
        src_by_character = is_written_without_spaces(self.src_lang)
        tgt_by_character = is_written_without_spaces(self.tgt_lang)
        found = attention(self.model, pairs) if self.align else []
        for place, (one, weights) in enumerate(zip(readings, found, strict=False)):
            if weights is not None:
                links = word_links(
                    weights[one.places],
                    (one.source, self.tokenizer.src_pieces(one.source)),
                    (one.ids, self.tokenizer.tgt_pieces(one.ids)),
                    src_by_character=src_by_character,
                    tgt_by_character=tgt_by_character,
                )
                given[place] = replace(given[place], alignment=links)
        without_eos = [(source[:-1], tokens) for source, tokens in pairs]
        values = token_log_probs(self.model, without_eos) if self.confidence else []
        for place, (one, log_probs) in enumerate(zip(readings, values, strict=False)):
            own = [log_probs[token] for token in one.places]
            spelling = (one.ids, self.tokenizer.tgt_pieces(one.ids))
            confidence = word_confidence(own, spelling, tgt_by_character)
            given[place] = replace(given[place], confidence=confidence)
        return given

    def _copies(self, source: Ids, ids: Ids) -> bool:
        return self.copy_unknown and needs_copying(ids) and bool(byte_runs(source))
