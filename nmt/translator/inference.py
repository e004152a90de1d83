"""Asks the model for the best hypotheses of sources, or for the likelihood of given targets.

Dims: B sentences, S source tokens, T target tokens, N target tokens without padding, D features.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import torch
from torch.nn.utils.rnn import pad_sequence

from nmt.data.batches import budget_ends, collate
from nmt.models.interface import Seq2SeqModel
from nmt.search.base import Hypothesis, Search
from nmt.search.constraints import Constraint, is_phrase
from nmt.tokenizer import PAD
from nmt.translator.terms import TermEncoder, check_search
from nmt.translator.translation import Terms

MOST_SEARCHES = 5  # for one sentence
# Tokens that a shorter sentence counts as. Each takes memory for its logits too, so a batch of
# thousands of one-word lines would exhaust it.
SHORTEST = 16
LEAST_BATCH = 256  # tokens: fewer at once keep no processor busy
CHUNK_TOKENS = 256  # a chunk of fp32 logits should stay in the cache


@dataclass(frozen=True)
class SearchRequest:
    """A line, or a part of a line, to translate.

    ids: of the source, with EOS.
    terms: of this part (``terms_of_parts``).
    constraint: the terms in target ids, and other phrases that are required whatever the text.
    restored: makes of the text that the model gives the one in which terms are looked for.
    """

    ids: list[int]
    terms: Terms
    constraint: Constraint
    restored: Callable[[str], str] = str


def batches(lengths: Sequence[int], batch_tokens: int, at_once: int = 1) -> Iterator[list[int]]:
    """Indices into ``lengths``, longest first, in batches of at most ``batch_tokens``.

    at_once: how many batches there are at the same time: together they have at most
        ``batch_tokens``, and each its share of all, if that keeps a processor busy.
    """
    if at_once > 1:
        share = sum(max(length, SHORTEST) for length in lengths) // at_once + 1
        batch_tokens = min(batch_tokens, max(LEAST_BATCH, min(share, batch_tokens // at_once)))
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    sizes = (max(lengths[index], SHORTEST) for index in order)
    for start, end in pairwise([0, *budget_ends(sizes, batch_tokens)]):
        yield order[start:end]


def search_batch(
    search: Search,
    model: Seq2SeqModel,
    requests: Sequence[SearchRequest],
    term_encoder: TermEncoder,
    most: int,
) -> list[list[Hypothesis]]:
    """Finds the best hypotheses of each request, at most ``most``.

    Terms are required only of a sentence whose translation lacks one when nothing is required:
    most good translations have them, in the place and form that suits. What the second search finds
    is ranked with what the first one found, those that lack least first.

    Raises ValueError for a search that cannot find what is required.
    """
    check_search(search, [request.terms for request in requests])
    constraints = [request.constraint for request in requests]
    free = [one if _has_phrases(one) else replace(one, require=()) for one in constraints]
    found = _search_without_forbidden(search, model, requests, free, term_encoder, most)

    def text(row: int, one: Hypothesis) -> str:
        return requests[row].restored(term_encoder.text(one.tokens))

    def rank(row: int, one: Hypothesis) -> tuple[int, bool, float]:
        return (
            term_encoder.faults(requests[row].terms, text(row, one)),
            not one.finished,
            -one.score,
        )

    again = [
        row
        for row, request in enumerate(requests)
        if free[row].require != request.constraint.require
        and term_encoder.lacking(request.terms, text(row, found[row][0]))
    ]
    stricter = [replace(free[row], require=constraints[row].require) for row in again]
    others = _search_without_forbidden(
        search, model, [requests[row] for row in again], stricter, term_encoder, most
    )
    for row, more in zip(again, others, strict=True):
        different = {one.tokens: one for one in (*found[row], *more)}
        found[row] = sorted(different.values(), key=partial(rank, row))
    return [best[:most] for best in found]


def _has_phrases(constraint: Constraint) -> bool:
    """Whether phrases are required, which no term asks for."""
    return any(map(is_phrase, constraint.require))


def _search_without_forbidden(
    search: Search,
    model: Seq2SeqModel,
    requests: Sequence[SearchRequest],
    constraints: list[Constraint],
    term_encoder: TermEncoder,
    most: int,
) -> list[list[Hypothesis]]:
    """Searches by ``constraints``, to which tokens are added.

    A forbidden term can be spelt in other tokens than those that are forbidden. If one of the
    ``most`` best hypotheses does, these tokens are forbidden too and the sentence is searched
    again, a few times.
    """
    device = next(model.parameters()).device
    found: list[list[Hypothesis]] = [[] for _ in requests]
    rows = list(range(len(requests)))
    for _ in range(MOST_SEARCHES):
        if not rows:
            break
        src = pad_sequence([torch.tensor(requests[row].ids) for row in rows], True, PAD).to(device)
        wanted = [constraints[row] for row in rows]
        constrained = any(constraint != Constraint() for constraint in wanted)
        with torch.inference_mode():
            hypotheses = search(model, src, wanted) if constrained else search(model, src)
        for row, best in zip(rows, hypotheses, strict=True):
            found[row], terms = best, requests[row].terms
            if terms.forbid:
                for one in best[:most]:
                    constraints[row] = term_encoder.forbidding(constraints[row], terms, one.tokens)
        rows = [row for row, old in zip(rows, wanted, strict=True) if constraints[row] != old]
    return found


def likeliest_sources(
    model: Seq2SeqModel, sources: Sequence[Sequence[int]], phrases: Sequence[Sequence[int]]
) -> list[int]:
    """The places of sources (ids without EOS): first the one to which a phrase is likeliest."""
    pairs = [(source, phrase) for source in sources for phrase in phrases]
    values = log_probs(model, pairs) if pairs else []
    width = len(phrases)
    best = [max(values[row * width : (row + 1) * width]) for row in range(len(sources))]
    return sorted(range(len(sources)), key=lambda row: -best[row])


MOST_AREA = 2**20  # most sentences times the square of their tokens in a batch of given targets


def token_log_probs(
    model: Seq2SeqModel, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]
) -> list[list[float]]:
    """log p of each target token, EOS last, given the source and the target so far. ids as of
    ``log_probs``."""
    found: list[list[float]] = []
    areas = (max(len(src), len(tgt), 1) ** 2 for src, tgt in pairs)
    for start, end in pairwise([0, *budget_ends(areas, MOST_AREA)]):
        rows = _log_probs(model, pairs[start:end]).tolist()
        sizes = [len(tgt) + 1 for _, tgt in pairs[start:end]]
        found += [row[:size] for row, size in zip(rows, sizes, strict=True)]
    return found


def log_probs(
    model: Seq2SeqModel, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]
) -> list[float]:
    """log p(target, EOS | source) of each pair of ids, both without EOS. Search gives a target the
    same value: PAD and BOS keep their probability."""
    return [float(total) for total in _log_probs(model, pairs).sum(dim=1)]


@torch.inference_mode()
def _log_probs(
    model: Seq2SeqModel, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]
) -> torch.Tensor:
    """(B, T) log-probabilities of labels; 0 for padding."""
    batch = collate(pairs).to(next(model.parameters()).device)
    features = model.decode(batch.tgt_input, model.encode(batch.src))
    real = batch.labels != PAD  # (B, T)
    features, labels, chunks = features[real], batch.labels[real], []
    for start in range(0, len(labels), CHUNK_TOKENS):
        chunk = slice(start, start + CHUNK_TOKENS)
        scores = model.project(features[chunk]).float().log_softmax(dim=-1)
        chunks.append(scores.gather(1, labels[chunk, None]).squeeze(1))
    totals = torch.zeros(real.shape, dtype=torch.float32, device=real.device)
    totals[real] = torch.cat(chunks)
    return totals
