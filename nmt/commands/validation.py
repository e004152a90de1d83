"""What training validates with: the loss of the validation pairs and BLEU of their translations."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from torch import Tensor
from tqdm import tqdm

from nmt import distributed
from nmt.commands.prepare import PreparedData
from nmt.data.batches import Batch, PairsInMemory, sorted_batches
from nmt.data.text_files import SentencePair
from nmt.evaluation.scorer import Scorer
from nmt.models.interface import Seq2SeqModel
from nmt.search.base import Hypothesis, Search
from nmt.search.constraints import Constraint
from nmt.tokenizer import Tokenizer
from nmt.training.loss import validation_loss, validation_sums
from nmt.training.trainer import Validate
from nmt.translator import Translator

log = logging.getLogger(__name__)

LEAST_LIMIT = 512  # tokens


def validation(
    ready: PreparedData, search: Search, scorer: Scorer, *, batch_tokens: int, precision: str
) -> tuple[Validate, Callable[[list[Any]], dict[str, float]]]:
    """model -> what this rank finds on its share of the validation pairs; and, given that of all
    ranks, loss and perplexity of all pairs, and BLEU of their translations.

    A pair with a side of over 512 tokens and over twice the longest training source is left out,
    with a warning: search takes a step for each token, and no model translates such lines. Raises
    ValueError if no pair is left.

    batch_tokens, precision: for the loss. Shows its progress if stderr is a terminal.
    """
    tokenizer = ready.tokenizer
    limit = max(LEAST_LIMIT, 2 * ready.ids.longest_source)
    pairs, encoded = _within(limit, ready.corpus.valid, tokenizer)
    tgt, rank, ranks = [pair.tgt for pair in pairs], distributed.rank(), distributed.size()
    src = [pair.src for pair in pairs[rank::ranks]]

    def validate(model: Seq2SeqModel) -> tuple[tuple[float, int], list[str]]:
        total = 2 * len(src)  # each for its loss and for its translation
        off = distributed.unseen()
        with tqdm(total=total, desc="validating", disable=off, leave=False) as bar:
            batches = sorted_batches(encoded, batch_tokens=batch_tokens, first=rank, every=ranks)
            sums = validation_sums(model, _counted(batches, bar), precision)
            translator = Translator(model, tokenizer, _CountingSearch(search, bar))
            # The lines are translated whole, and as they are: what counts is the model.
            found = translator.translate(src, sentences="line", protection=None)
        return sums, [translation.text for translation in found]

    def merged(found: list[tuple[tuple[float, int], list[str]]]) -> dict[str, float]:
        texts = [""] * len(tgt)
        for number, (_, share) in enumerate(found):
            texts[number :: len(found)] = share
        bleu = scorer.corpus_score(scorer.count(texts, tgt)).bleu
        return validation_loss(sums for sums, _ in found) | {"bleu": bleu}

    return validate, merged


def _within(
    limit: int, pairs: Sequence[SentencePair], tokenizer: Tokenizer
) -> tuple[list[SentencePair], PairsInMemory]:
    """The pairs whose sides have at most ``limit`` tokens, also as ids."""
    src = tokenizer.encode_src([pair.src for pair in pairs])
    tgt = tokenizer.encode_tgt([pair.tgt for pair in pairs])
    kept = [n for n in range(len(pairs)) if max(len(src[n]), len(tgt[n])) <= limit]
    if left_out := len(pairs) - len(kept):
        words = max(len(side.split()) for pair in pairs for side in pair)
        said = f"over {limit:,} tokens on a side; the longest has {words:,} words"
        if not kept:
            raise ValueError(f"data.valid: every pair has {said}: validate on single sentences")
        verb = "is" if left_out == 1 else "are"
        log.warning("valid: %d of %d pairs %s left out: %s", left_out, len(pairs), verb, said)
    return [pairs[n] for n in kept], PairsInMemory((src[n], tgt[n]) for n in kept)


def _counted(batches: Iterable[Batch], bar: "tqdm[Any]") -> Iterator[Batch]:
    for batch in batches:
        yield batch
        bar.update(len(batch.src))


class _CountingSearch(Search):
    """A search that moves a progress bar by the sentences that it has translated."""

    def __init__(self, search: Search, bar: "tqdm[Any]") -> None:
        self._search, self._bar = search, bar

    @property
    def most_hypotheses(self) -> int:
        return self._search.most_hypotheses

    def __call__(
        self, model: Seq2SeqModel, src: Tensor, constraints: Sequence[Constraint] | None = None
    ) -> list[list[Hypothesis]]:
        found = self._search(model, src, *([] if constraints is None else [constraints]))
        self._bar.update(len(src))
        return found
