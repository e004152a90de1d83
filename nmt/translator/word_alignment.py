"""Which source words a translation looks at, and what words tokens stand in.

Dims: B sentences, L layers, N heads, T target tokens, S source tokens, W words.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise, takewhile
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from nmt.data.batches import budget_ends
from nmt.models.interface import NoAlignment, Seq2SeqModel
from nmt.tokenizer import BOS, EOS, PAD
from nmt.tokenizer.pieces import SPACE_MARK

FIRST_BYTE = EOS + 1  # a tokenizer's ids of the bytes 0 to 255 follow upon the special ones
_BYTES = range(FIRST_BYTE, FIRST_BYTE + 256)


class Character(NamedTuple):
    """A character and the tokens [start, end) that spell it: one, or a byte each."""

    text: str
    start: int
    end: int


def byte_runs(ids: Sequence[int]) -> list[slice]:
    """The longest stretches of tokens that each spell one byte."""
    runs = []
    start = None
    for place, token in enumerate([*ids, EOS]):
        if token in _BYTES:
            start = place if start is None else start
        elif start is not None:
            runs.append(slice(start, place))
            start = None
    return runs


def is_text(run: Sequence[int]) -> bool:
    """Whether a run of byte tokens is UTF-8."""
    return _decode(run) is not None


def characters(ids: Sequence[int], pieces: Sequence[str]) -> Iterator[Character]:
    """The characters that decoding gives, and one space more where the first piece has it.

    The tokenizer's escapes are not undone: they are no white space, nor is what they stand for. A
    byte that belongs to no character gives U+FFFD, and a special token nothing.
    """
    place = 0
    while place < len(ids):
        end = place + 1
        if ids[place] in _BYTES:
            run = list(takewhile(_BYTES.__contains__, ids[place : place + 4]))
            sizes = [size for size in range(1, len(run) + 1) if is_text(run[:size])]
            end = place + min(sizes, default=1)
            yield Character(_decode(ids[place:end]) or "\ufffd", place, end)
        elif ids[place] > EOS:
            for character in pieces[place].replace(SPACE_MARK, " "):
                yield Character(character, place, end)
        place = end


def word_shares(ids: Sequence[int], pieces: Sequence[str]) -> Tensor:
    """(W, T), sparse: which share of each token's letters stands in which word.

    Words are what white space parts, as ``str.split`` sees it. A token without letters, such as a
    lone space, has no share in any word.
    """
    letters: Counter[tuple[int, int]] = Counter()  # of (word, token)
    total: Counter[int] = Counter()  # of each token
    word, inside = -1, False
    for character in characters(ids, pieces):
        if character.text.isspace():
            inside = False
            continue
        word, inside = word + (not inside), True
        for token in range(character.start, character.end):
            letters[word, token] += 1
            total[token] += 1
    places = torch.tensor(list(letters), dtype=torch.long).reshape(-1, 2).T
    shares = torch.tensor([count / total[token] for (_, token), count in letters.items()])
    return torch.sparse_coo_tensor(places, shares, (word + 1, len(ids)), check_invariants=True)


def _decode(run: Sequence[int]) -> str | None:
    try:
        return bytes(token - FIRST_BYTE for token in run).decode("utf-8")
    except UnicodeDecodeError:
        return None


MOST_WEIGHTS = 2**20  # (B, T, S) at once: layers and heads come on top


@torch.inference_mode()
def attention(
    model: Seq2SeqModel, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]
) -> list[Tensor | None]:
    """Of each pair of source ids with EOS and target ids without, (T, S) weights on the CPU.

    Row t is where the model looked to produce token t: the mean over all layers and heads. None
    for every pair where the model attends to nothing.
    """
    found: list[Tensor | None] = []
    device = next(model.parameters()).device
    areas = (max(len(src), len(tgt) + 1) ** 2 for src, tgt in pairs)
    for start, end in pairwise([0, *budget_ends(areas, MOST_WEIGHTS)]):
        src = [torch.tensor(ids) for ids, _ in pairs[start:end]]
        tgt = [torch.tensor([BOS, *ids]) for _, ids in pairs[start:end]]
        encoded = model.encode(pad_sequence(src, True, PAD).to(device))
        try:
            weights = model.attend(pad_sequence(tgt, True, PAD).to(device), encoded)
        except NoAlignment:
            return [None] * len(pairs)
        mean = weights.float().mean(dim=(1, 2)).cpu()  # (B, T, S)
        for weights, (src_ids, tgt_ids) in zip(mean, pairs[start:end], strict=True):
            found.append(weights[: len(tgt_ids), : len(src_ids)])
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
