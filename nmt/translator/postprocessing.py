"""From the hypotheses that a search found to the translations that a reader is given.

Dims: T target tokens, S source tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from nmt.models.interface import Seq2SeqModel
from nmt.search.base import Hypothesis
from nmt.tokenizer import Tokenizer
from nmt.translator.translation import (
    COPIED,
    HIT_LIMIT,
    REPEATS,
    Alternative,
    Translation,
    without_line_breaks,
)
from nmt.translator.word_alignment import attention, byte_runs, is_text, word_links

LONGEST_BLOCK = 100  # tokens
LEAST_TIMES = 3
LEAST_TOKENS = 6


def repeats_itself(tokens: Sequence[int], source: Sequence[int]) -> bool:
    """Whether a block of tokens follows upon itself at least three times over six tokens or more,
    and over more than twice as many as any block of the source does."""
    return _longest_loop(tokens) > 2 * _longest_loop(source)


def _longest_loop(tokens: Sequence[int]) -> int:
    """Tokens in the longest stretch that is one block repeated; 0 below the least."""
    if len(tokens) - len(set(tokens)) < LEAST_TOKENS * (LEAST_TIMES - 1) // LEAST_TIMES:
        return 0  # most sentences: a loop says every token of its block three times
    longest = 0
    for size in range(1, min(LONGEST_BLOCK, len(tokens) // LEAST_TIMES) + 1):
        run = 0
        for earlier, later in zip(tokens, tokens[size:], strict=False):
            run = run + 1 if earlier == later else 0
            if run + size >= max(LEAST_TIMES * size, LEAST_TOKENS):
                longest = max(longest, run + size)
    return longest


def needs_copying(ids: Sequence[int]) -> bool:
    """Whether some run of bytes in these target ids is no text."""
    return any(not is_text(ids[run]) for run in byte_runs(ids))


def copied(
    ids: Sequence[int], source: Sequence[int], weights: Tensor | None
) -> tuple[list[int], list[int]]:
    """The target ids with each run of bytes that is no text replaced by one of the source's.

    weights: (T, S) attention, by which the source's run is the one most attended to. Without it,
        the first run of bytes in the target has the source's first, the second the second, and
        so on; a run that has no counterpart stays. Bytes have the same ids on both sides.

    Also gives, for each new token, the old token in whose place it stands.
    """
    new, places, done = [], [], 0
    candidates = byte_runs(source)
    for number, run in enumerate(byte_runs(ids)):
        chosen = _chosen(run, number, candidates, weights)
        if chosen is None or is_text(ids[run]):
            continue
        new += [*ids[done : run.start], *source[chosen]]
        places += [*range(done, run.start), *[run.start] * (chosen.stop - chosen.start)]
        done = run.stop
    return [*new, *ids[done:]], [*places, *range(done, len(ids))]


def _chosen(
    run: slice, number: int, candidates: Sequence[slice], weights: Tensor | None
) -> slice | None:
    if weights is None:
        return candidates[number] if number < len(candidates) else None
    return max(candidates, key=lambda span: float(weights[run, span].sum()), default=None)


Ids = Sequence[int]


@dataclass(frozen=True)
class Reader:
    """Reads hypotheses; looks at attention only for those that need it.

    nbest, align, copy_unknown: as ``Translator.translate`` has them.
    """

    model: Seq2SeqModel
    tokenizer: Tokenizer
    nbest: int
    align: bool
    copy_unknown: bool

    def __call__(
        self, sources: Sequence[Ids], hypotheses: Sequence[Sequence[Hypothesis]]
    ) -> list[Translation]:
        """One translation of each source, ids with EOS, from its hypotheses, best first."""
        return [
            self._translation(*found)
            for found in zip(sources, hypotheses, self._attention(sources, hypotheses), strict=True)
        ]

    def _attention(
        self, sources: Sequence[Ids], hypotheses: Sequence[Sequence[Hypothesis]]
    ) -> list[dict[int, Tensor]]:
        """Each source's (T, S) weights of those of its hypotheses that need them."""
        wanted = [
            (row, rank, (source, one.tokens))
            for row, (source, found) in enumerate(zip(sources, hypotheses, strict=True))
            for rank, one in enumerate(found)
            if (self.align and rank == 0) or self._copies(source, one.tokens)
        ]
        weights: list[dict[int, Tensor]] = [{} for _ in sources]
        looked = attention(self.model, [pair for *_, pair in wanted])
        for (row, rank, _), weight in zip(wanted, looked, strict=True):
            if weight is not None:
                weights[row][rank] = weight
        return weights

    def _translation(
        self, source: Ids, hypotheses: Sequence[Hypothesis], weights: dict[int, Tensor]
    ) -> Translation:
        read = [
            self._alternative(source, hypothesis, weights.get(rank))
            for rank, hypothesis in enumerate(hypotheses)
        ]
        best, alignment = read[0]
        different: dict[str, Alternative] = {}
        for one, _ in read:  # other tokens may spell the same text
            different.setdefault(one.text, one)
        return Translation(
            **vars(best),
            alignment=alignment,
            nbest=tuple(different.values())[: self.nbest],
        )

    def _alternative(
        self, source: Ids, hypothesis: Hypothesis, weights: Tensor | None
    ) -> tuple[Alternative, tuple[tuple[int, int], ...] | None]:
        ids, rows = list(hypothesis.tokens), list(range(len(hypothesis.tokens)))
        if self._copies(source, ids):
            ids, rows = copied(ids, source, weights)
        checks = {
            HIT_LIMIT: not hypothesis.finished,
            REPEATS: repeats_itself(hypothesis.tokens, source),
            COPIED: tuple(ids) != hypothesis.tokens,
        }
        links = None
        if self.align and weights is not None:
            pieces = self.tokenizer.src_pieces(source), self.tokenizer.tgt_pieces(ids)
            links = word_links(weights[rows], (source, pieces[0]), (ids, pieces[1]))
        return Alternative(
            text=without_line_breaks(self.tokenizer.decode_tgt([ids])[0]),
            score=hypothesis.score,
            tokens=len(hypothesis.tokens),
            flags=tuple(flag for flag, raised in checks.items() if raised),
        ), links

    def _copies(self, source: Ids, ids: Ids) -> bool:
        return self.copy_unknown and needs_copying(ids) and bool(byte_runs(source))
