"""A batch of sources and their terms to hypotheses.

Dims: B sentences, S source tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn.utils.rnn import pad_sequence

from nmt.models.interface import Seq2SeqModel
from nmt.search.constraint import Constraint
from nmt.search.hypothesis import Hypothesis, Search
from nmt.tokenizer import PAD
from nmt.translator.terms import Glossary
from nmt.translator.translation import Terms

MOST_SEARCHES = 5  # for one sentence


@dataclass(frozen=True)
class Request:
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
    requests: Sequence[Request],
    glossary: Glossary,
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
                    constraint = glossary.forbidding(constraint, requests[row].terms, one.tokens)
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
