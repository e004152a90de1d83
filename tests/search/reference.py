"""Searches too slow and too simple to be wrong: one sentence, whole prefixes."""

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from nmt.models.interface import Seq2SeqModel
from nmt.search.base import Hypothesis
from nmt.search.constraints import Constraint
from nmt.tokenizer import BOS, EOS, PAD

Prefix = tuple[tuple[int, ...], float]
Keeps = Callable[[tuple[int, ...]], bool]


def rows_alone(src: Tensor) -> list[Tensor]:
    """(B, S) -> every source as a batch (1, S') without padding."""
    return [row[row != PAD][None] for row in src]


def assert_same(found: list[Hypothesis], expected: list[Hypothesis]) -> None:
    """The same tokens; processors round their probabilities by the size of the batch."""
    assert [(h.tokens, h.finished) for h in found] == [(h.tokens, h.finished) for h in expected]
    for mine, reference in zip(found, expected, strict=True):
        assert mine.log_prob == pytest.approx(reference.log_prob, abs=1e-4)
        assert mine.score == pytest.approx(reference.score, abs=1e-4)


def anything(tokens: tuple[int, ...]) -> bool:
    return True


def keeping(constraint: Constraint, no_repeat_ngram: int = 0) -> Keeps:
    """Whether tokens begin as the constraint says and go on without what may not come."""

    def keeps(tokens: tuple[int, ...]) -> bool:
        prefix = constraint.prefix
        if tokens[: len(prefix)] != prefix[: len(tokens)]:
            return False
        for end in range(len(prefix) + 1, len(tokens) + 1):
            before, seen = tokens[: end - 1], tokens[:end]
            if any(seen[-len(phrase) :] == phrase for phrase in constraint.forbid):
                return False
            if no_repeat_ngram and occurs(seen[-no_repeat_ngram:], before, no_repeat_ngram):
                return False
        return tokens[-1] != EOS or all(
            occurs(phrase, tokens, len(phrase)) for phrase in constraint.require
        )

    return keeps


def occurs(phrase: tuple[int, ...], tokens: tuple[int, ...], size: int) -> bool:
    """Whether ``phrase``, of ``size`` tokens, stands anywhere in ``tokens``."""
    return any(tokens[start : start + size] == phrase for start in range(len(tokens) - size + 1))


def exhaustive(
    model: Seq2SeqModel, src: Tensor, *, limit: int, alpha: float, keeps: Keeps = anything
) -> list[Hypothesis]:
    """Every sequence that ends within ``limit`` tokens, EOS counted, best first.

    keeps: whether a sequence of tokens, EOS last or not yet, keeps to the rules.
    """
    live: list[Prefix] = [((), 0.0)]
    ended: list[Prefix] = []
    for _ in range(limit):
        continued = [prefix for prefix in _continue(model, src, live) if keeps(prefix[0])]
        ended += [prefix for prefix in continued if prefix[0][-1] == EOS]
        live = [prefix for prefix in continued if prefix[0][-1] != EOS]
    return _ranked(ended, alpha)


def plain_beam(
    model: Seq2SeqModel,
    src: Tensor,
    *,
    size: int,
    limit: int,
    alpha: float,
    keeps: Keeps = anything,
) -> list[Hypothesis]:
    """Beam search as ``BeamSearch`` describes it."""
    live: list[Prefix] = [((), 0.0)]
    ended: list[Prefix] = []
    for _ in range(limit):
        continued = [prefix for prefix in _continue(model, src, live) if keeps(prefix[0])]
        best = sorted(continued, key=lambda prefix: -prefix[1])[: 2 * size]
        ended += [prefix for prefix in best[:size] if prefix[0][-1] == EOS]
        live = [prefix for prefix in best if prefix[0][-1] != EOS][:size]
        pool, waiting = _ranked(ended, alpha)[:size], _ranked(live, alpha)
        if not waiting or (len(pool) == size and waiting[0].score <= pool[-1].score):
            break
    return _ranked(ended or live, alpha)[:size]


@torch.no_grad()
def teacher_forced(
    model: Seq2SeqModel, src: Tensor, targets: Sequence[Sequence[int]]
) -> list[list[list[float]]]:
    """log p(next token), [target][position][V], after each prefix of each target; src (1, S).

    All targets have one length.
    """
    tgt_input = torch.tensor([[BOS, *target] for target in targets])
    encoded = model.encode(src.expand(len(targets), -1))
    logits = model.project(model.decode(tgt_input, encoded))
    rows: list[list[list[float]]] = logits.double().log_softmax(dim=-1).tolist()
    return rows


def _continue(model: Seq2SeqModel, src: Tensor, prefixes: list[Prefix]) -> list[Prefix]:
    if not prefixes:
        return []
    rows = teacher_forced(model, src, [tokens for tokens, _ in prefixes])
    return [
        ((*tokens, token), log_prob + row[-1][token])
        for (tokens, log_prob), row in zip(prefixes, rows, strict=True)
        for token in range(len(row[-1]))
        if token not in (PAD, BOS)
    ]


def _ranked(prefixes: list[Prefix], alpha: float) -> list[Hypothesis]:
    hypotheses = [
        Hypothesis(
            tokens=tuple(token for token in tokens if token != EOS),
            log_prob=log_prob,
            score=log_prob / len(tokens) ** alpha,
            finished=tokens[-1] == EOS,
        )
        for tokens, log_prob in prefixes
    ]
    return sorted(hypotheses, key=lambda hypothesis: -hypothesis.score)
