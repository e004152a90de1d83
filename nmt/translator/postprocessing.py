"""From what a search found to what a reader is given."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from nmt.models.interface import Seq2SeqModel
from nmt.search.hypothesis import Hypothesis
from nmt.tokenizer import Tokenizer
from nmt.translator.word_alignment import attention, word_links
from nmt.translator.copying import copied, needs_copying
from nmt.translator.repetition import repeats_itself
from nmt.translator.spelling import byte_runs
from nmt.translator.translation import (
    COPIED,
    HIT_LIMIT,
    REPEATS,
    Alternative,
    Translation,
    one_line,
)

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
            self._read(source, hypothesis, weights.get(rank))
            for rank, hypothesis in enumerate(hypotheses)
        ]
        best, alignment = read[0]
        different: dict[str, Alternative] = {}
        for one, _ in read:  # other tokens may spell the same text
            different.setdefault(one.text, one)
        return Translation(
            best.text,
            best.score,
            best.tokens,
            best.flags,
            alignment=alignment,
            nbest=tuple(different.values())[: self.nbest],
        )

    def _read(
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
            text=one_line(self.tokenizer.decode_tgt([ids])[0]),
            score=hypothesis.score,
            tokens=len(hypothesis.tokens),
            flags=tuple(flag for flag, raised in checks.items() if raised),
        ), links

    def _copies(self, source: Ids, ids: Ids) -> bool:
        return self.copy_unknown and needs_copying(ids) and bool(byte_runs(source))
