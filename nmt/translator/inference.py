"""What a model is asked: the best hypotheses of sources, the likelihood of given targets.

Dims: B sentences, S source tokens, T target tokens, N target tokens without padding, D features.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from nmt.data.batches import collate
from nmt.models.interface import Seq2SeqModel
from nmt.search.base import Hypothesis, Search
from nmt.search.constraints import Constraint
from nmt.tokenizer import PAD
from nmt.translator.terms import TermEncoder
from nmt.translator.translation import Terms

MOST_SEARCHES = 5  # for one sentence


@dataclass(frozen=True)
class SearchRequest:
    """A source to be translated in one go.

    place: the line that it is of.
    ids: with EOS.
    constraint: what the terms are in target ids.
    """

    place: int
    ids: list[int]
    terms: Terms
    constraint: Constraint


def search_batch(
    search: Search,
    model: Seq2SeqModel,
    requests: Sequence[SearchRequest],
    term_encoder: TermEncoder,
    most: int,
) -> list[list[Hypothesis]]:
    """The best hypotheses of each request, at most so many.

    Where they say a forbidden term in other tokens than those forbidden, these are forbidden too
    and the sentence is searched again, a few times.
    """
    constraints = [request.constraint for request in requests]
    found: list[list[Hypothesis]] = [[] for _ in requests]
    open_rows = list(range(len(requests)))
    for _ in range(MOST_SEARCHES):
        sources = [requests[row].ids for row in open_rows]
        hypotheses = _search(search, model, sources, [constraints[row] for row in open_rows])
        changed = []
        for row, best in zip(open_rows, hypotheses, strict=True):
            found[row] = best[:most]
            constraint = constraints[row]
            if requests[row].terms.forbid:
                for one in found[row]:
                    constraint = term_encoder.forbidding(
                        constraint, requests[row].terms, one.tokens
                    )
            if constraint != constraints[row]:
                constraints[row] = constraint
                changed.append(row)
        if not changed:
            break
        open_rows = changed
    return found


def _search(
    search: Search,
    model: Seq2SeqModel,
    sources: Sequence[list[int]],
    constraints: Sequence[Constraint],
) -> list[list[Hypothesis]]:
    device = next(model.parameters()).device
    src = pad_sequence([torch.tensor(ids) for ids in sources], True, PAD).to(device)  # (B, S)
    constrained = any(constraint != Constraint() for constraint in constraints)
    with torch.inference_mode():
        return search(model, src, constraints) if constrained else search(model, src)


CHUNK_TOKENS = 256  # logits at once: a chunk of them in fp32 should stay in the cache


@torch.inference_mode()
def log_probs(
    model: Seq2SeqModel, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]
) -> list[float]:
    """log p(target, EOS | source) of each pair of ids, both without EOS.

    Not renormalised without PAD and BOS: it is what search reports of the same target.
    """
    batch = collate(pairs).to(next(model.parameters()).device)
    features = model.decode(batch.tgt_input, model.encode(batch.src))
    real = batch.labels != PAD
    totals = torch.zeros(real.shape, dtype=torch.float32, device=real.device)  # (B, T)
    totals[real] = _label_log_probs(model, features[real], batch.labels[real])
    return [float(total) for total in totals.sum(dim=1)]


def _label_log_probs(model: Seq2SeqModel, features: Tensor, labels: Tensor) -> Tensor:
    """features (N, D), labels (N,) -> (N,) in float32."""
    chunks = []
    for start in range(0, len(labels), CHUNK_TOKENS):
        chunk = slice(start, start + CHUNK_TOKENS)
        log_probs = model.project(features[chunk]).float().log_softmax(dim=-1)
        chunks.append(log_probs.gather(1, labels[chunk, None]).squeeze(1))
    return torch.cat(chunks)
