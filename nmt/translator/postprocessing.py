"""Turns the hypotheses of a search into translations: text, flags, alignment, n best.

Dims: T target tokens, S source tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from nmt.models.interface import Seq2SeqModel
from nmt.search.base import Hypothesis
from nmt.tokenizer import Tokenizer
from nmt.translator import translation
from nmt.translator.translation import Alignment, Alternative, Translation
from nmt.translator.word_alignment import attention, byte_runs, is_text, word_links

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
class Reader:
    """Turns hypotheses into translations. Computes attention only for those that need it.

    nbest, align, copy_unknown: see ``Translator.translate``.
    """

    model: Seq2SeqModel
    tokenizer: Tokenizer
    nbest: int
    align: bool
    copy_unknown: bool

    def __call__(
        self, sources: Sequence[Ids], hypotheses: Sequence[Sequence[Hypothesis]]
    ) -> list[Translation]:
        """One translation of each source (ids with EOS) from its hypotheses, best first."""
        places = [
            (row, rank)
            for row, (source, found) in enumerate(zip(sources, hypotheses, strict=True))
            for rank, one in enumerate(found)
            if (self.align and rank == 0) or self._copies(source, one.tokens)
        ]
        pairs = [(sources[row], hypotheses[row][rank].tokens) for row, rank in places]
        weights = dict(zip(places, attention(self.model, pairs), strict=True))
        translations = []
        for row, (source, found) in enumerate(zip(sources, hypotheses, strict=True)):
            read = [
                self._alternative(source, one, weights.get((row, rank)))
                for rank, one in enumerate(found)
            ]
            best, alignment = read[0]
            different: dict[str, Alternative] = {}
            for alternative, _ in read:  # other tokens may spell the same text
                different.setdefault(alternative.text, alternative)
            nbest = tuple(different.values())[: self.nbest]
            translations.append(Translation(**vars(best), alignment=alignment, nbest=nbest))
        return translations

    def _alternative(
        self, source: Ids, hypothesis: Hypothesis, weights: Tensor | None
    ) -> tuple[Alternative, Alignment | None]:
        ids, rows = list(hypothesis.tokens), list(range(len(hypothesis.tokens)))
        if self._copies(source, ids):
            ids, rows = copied(ids, source, weights)
        checks = {
            translation.HIT_LIMIT: not hypothesis.finished,
            translation.REPEATS: repeats_itself(hypothesis.tokens, source),
            translation.COPIED: tuple(ids) != hypothesis.tokens,
        }
        links = None
        if self.align and weights is not None:
            pieces = self.tokenizer.src_pieces(source), self.tokenizer.tgt_pieces(ids)
            links = word_links(weights[rows], (source, pieces[0]), (ids, pieces[1]))
        return Alternative(
            text=translation.without_line_breaks(self.tokenizer.decode_tgt([ids])[0]),
            score=hypothesis.score,
            tokens=len(hypothesis.tokens),
            flags=tuple(flag for flag, raised in checks.items() if raised),
        ), links

    def _copies(self, source: Ids, ids: Ids) -> bool:
        return self.copy_unknown and needs_copying(ids) and bool(byte_runs(source))
