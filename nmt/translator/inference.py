"""Asks the model for the best hypotheses of sources, or for the likelihood of given targets.

Dims: B sentences, S source tokens, T target tokens, N target tokens without padding, D features.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn.utils.rnn import pad_sequence

from nmt.data.batches import collate
from nmt.models.interface import Seq2SeqModel
from nmt.search.base import Hypothesis, Search
from nmt.search.constraints import Constraint
from nmt.tokenizer import PAD
from nmt.translator.terms import TermEncoder
from nmt.translator.translation import Terms

MOST_SEARCHES = 5  # for one sentence
CHUNK_TOKENS = 256  # a chunk of fp32 logits should stay in the cache


@dataclass(frozen=True)
class SearchRequest:
    """A line, or a part of a long line, to translate.

    ids: of the source, with EOS. constraint: the terms as target ids.
    """

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
    """Finds the best hypotheses of each request, at most ``most``.

    A forbidden term can be spelt in other tokens than those that are forbidden. If a hypothesis
    does, these tokens are forbidden too and the sentence is searched again, a few times.
    """
    device = next(model.parameters()).device
    constraints = [request.constraint for request in requests]
    found: list[list[Hypothesis]] = [[] for _ in requests]
    rows = list(range(len(requests)))
    for _ in range(MOST_SEARCHES):
        src = pad_sequence([torch.tensor(requests[row].ids) for row in rows], True, PAD).to(device)
        wanted = [constraints[row] for row in rows]
        constrained = any(constraint != Constraint() for constraint in wanted)
        with torch.inference_mode():
            hypotheses = search(model, src, wanted) if constrained else search(model, src)
        for row, best in zip(rows, hypotheses, strict=True):
            found[row], terms = best[:most], requests[row].terms
            if terms.forbid:
                for one in found[row]:
                    constraints[row] = term_encoder.forbidding(constraints[row], terms, one.tokens)
        rows = [row for row, old in zip(rows, wanted, strict=True) if constraints[row] != old]
        if not rows:
            break
    return found


@torch.inference_mode()
def log_probs(
    model: Seq2SeqModel, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]
) -> list[float]:
    """log p(target, EOS | source) of each pair of ids, both without EOS. Search gives a target the
    same value: PAD and BOS keep their probability."""
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
    return [float(total) for total in totals.sum(dim=1)]
