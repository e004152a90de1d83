"""Which source words a translation looks at, for aligning words and for copying them.

Dims: B sentences, L layers, N heads, T target tokens, S source tokens.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from nmt.models.interface import NoAlignment, Seq2SeqModel
from nmt.tokenizer import BOS, PAD
from nmt.translator.spelling import word_shares

MOST_WEIGHTS = 2**20  # (B, T, S) at once: layers and heads come on top


@torch.inference_mode()
def attention(
    model: Seq2SeqModel, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]
) -> list[Tensor | None]:
    """Of each pair of source ids with EOS and target ids without, (T, S) weights on the CPU.

    Row t is where the model looked to produce token t: the mean over all layers and heads. None
    for every pair where the model attends to nothing.
    """
    found: list[Tensor | None] = [None] * len(pairs)
    device = next(model.parameters()).device
    for group in _groups(pairs):
        src = [torch.tensor(pairs[index][0]) for index in group]
        tgt = [torch.tensor([BOS, *pairs[index][1]]) for index in group]
        encoded = model.encode(pad_sequence(src, True, PAD).to(device))
        try:
            weights = model.attend(pad_sequence(tgt, True, PAD).to(device), encoded)
        except NoAlignment:
            return found
        mean = weights.float().mean(dim=(1, 2)).cpu()  # (B, T, S)
        for row, index in enumerate(group):
            found[index] = mean[row, : len(pairs[index][1]), : len(pairs[index][0])]
    return found


def word_links(
    weights: Tensor,
    source: tuple[Sequence[int], Sequence[str]],
    target: tuple[Sequence[int], Sequence[str]],
) -> tuple[tuple[int, int], ...]:
    """(source word, target word) from (T, S) weights: to each target word the source word that all
    its tokens together attend to most.

    source, target: ids and pieces; what is not of a word, such as EOS, counts for none.
    """
    src_words, tgt_words = word_shares(*source), word_shares(*target)
    if len(src_words) == 0:
        return ()
    by_source = src_words @ (tgt_words @ weights).T  # sparse matrices stand on the left
    best = by_source.argmax(dim=0).tolist()
    return tuple(sorted((src_word, tgt_word) for tgt_word, src_word in enumerate(best)))


def _groups(pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> Iterator[list[int]]:
    """Indices of pairs in order, as many at once as ``MOST_WEIGHTS`` allows."""
    group: list[int] = []
    src_length = tgt_length = 0
    for index, (src, tgt) in enumerate(pairs):
        src_length, tgt_length = max(src_length, len(src)), max(tgt_length, len(tgt) + 1)
        if group and (len(group) + 1) * src_length * tgt_length > MOST_WEIGHTS:
            yield group
            group, src_length, tgt_length = [], len(src), len(tgt) + 1
        group.append(index)
    if group:
        yield group
