"""Word alignment from attention, confidence in words, and the characters and words that tokens
spell.

Dims: B sentences, L layers, N heads, T target tokens, S source tokens, W words.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise, takewhile
from statistics import fmean
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from nmt.checks import one_of, positive_int
from nmt.data.batches import budget_ends
from nmt.models.interface import NoAlignment, Seq2SeqModel
from nmt.tokenizer import BOS, BYTES, EOS, PAD
from nmt.tokenizer.pieces import SPACE_MARK
from nmt.translator.translation import Alignment


class Character(NamedTuple):
    """A character and the tokens [start, end) that spell it: one token, or one for each byte."""

    text: str
    start: int
    end: int


def byte_runs(ids: Sequence[int]) -> list[slice]:
    """The places of byte tokens, each run of neighbours as one slice."""
    runs, start = [], 0
    for are_bytes, run in groupby(ids, BYTES.__contains__):
        end = start + len(list(run))
        if are_bytes:
            runs.append(slice(start, end))
        start = end
    return runs


def is_text(run: Sequence[int]) -> bool:
    """Whether a run of byte tokens is valid UTF-8."""
    return _decode(run) is not None


def _decode(run: Sequence[int]) -> str | None:
    try:
        return bytes(BYTES.index(token) for token in run).decode("utf-8")
    except UnicodeDecodeError:
        return None


def characters(ids: Sequence[int], pieces: Sequence[str]) -> Iterator[Character]:
    """The characters that the tokens spell, with the space of the first piece.

    A byte that belongs to no character gives U+FFFD; a special token gives nothing. The tokenizer's
    escapes stay: neither they nor the characters that they stand for are white space.
    """
    place = 0
    while place < len(ids):
        end = place + 1
        if ids[place] in BYTES:
            run = list(takewhile(BYTES.__contains__, ids[place : place + 4]))
            sizes = [size for size in range(1, len(run) + 1) if is_text(run[:size])]
            end = place + min(sizes, default=1)
            yield Character(_decode(ids[place:end]) or "\ufffd", place, end)
        elif ids[place] > EOS:
            for character in pieces[place].replace(SPACE_MARK, " "):
                yield Character(character, place, end)
        place = end


Spelling = tuple[Sequence[int], Sequence[str]]
"""Ids and their pieces."""


def word_tokens(spelling: Spelling, by_character: bool = False) -> list[Counter[int]]:
    """The tokens of each word, with how many of the word's characters each spells. White space
    separates words, as in ``str.split``; tokens of white space belong to no word.

    by_character: every character but white space is a word, for languages without spaces.
    """
    words: list[Counter[int]] = []
    inside = False
    for character in characters(*spelling):
        if character.text.isspace():
            inside = False
            continue
        if by_character or not inside:
            words.append(Counter())
        inside = True
        words[-1].update(range(character.start, character.end))
    return words


def word_shares(spelling: Spelling, by_character: bool = False) -> Tensor:
    """The share of each token's characters that is in each word: sparse (W, T)."""
    words = word_tokens(spelling, by_character)
    total = sum(words, Counter[int]())  # of each token
    found = [
        (word, token, letters / total[token])
        for word, tokens in enumerate(words)
        for token, letters in tokens.items()
    ]
    places = torch.tensor([place[:2] for place in found], dtype=torch.long).reshape(-1, 2).T
    shares = torch.tensor([share for _, _, share in found])
    size = (len(words), len(spelling[0]))
    return torch.sparse_coo_tensor(places, shares, size, check_invariants=True)


STEPS, LINKS = ("same", "next"), ("both", "target")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Which attention aligns words, and how it does.

    layer: of the decoder, the first being 1; None: the mean of all layers.
    step: "same" takes the weights of the step that writes a token, "next" those one step later,
        when the decoder reads it (Chen et al. 2020, "Accurate word alignment induction from neural
        machine translation").
    links: "target" links each target word with the source word that it attends to most; "both"
        links each source word that is left over, too, with the target word that attends to it most.

    The defaults have the lowest alignment error on the validation pairs of the demo corpus, both
    for the LSTM with attention and for the transformer.
    """

    layer: int | None = None
    step: str = "same"
    links: str = "both"

    def __post_init__(self) -> None:
        one_of("step", self.step, STEPS)
        one_of("links", self.links, LINKS)
        if self.layer is not None:
            positive_int("layer", self.layer)

    def of(self, weights: Tensor) -> Tensor:
        """(L, T + 1, S), the weights of every layer and step -> (T, S), those of each token.
        Raises ValueError for a layer that is not there."""
        chosen = self.of_steps(weights)
        return chosen[:-1] if self.step == "same" else chosen[1:]

    def of_steps(self, weights: Tensor) -> Tensor:
        """(L, T + 1, S) -> (T + 1, S), of the chosen layer, or the mean of all. Raises ValueError
        for a layer that is not there."""
        if self.layer is not None and self.layer > len(weights):
            raise ValueError(
                f"layer={self.layer}, but the decoder has {len(weights)} that attend to the source:"
                f" say 1 to {len(weights)}, or null for their mean"
            )
        return weights.mean(dim=0) if self.layer is None else weights[self.layer - 1]


READING = Reading()
MOST_WEIGHTS = 2**20  # most B * T * S in a batch; the model computes as many for each head


@torch.inference_mode()
def attention_by_head(
    model: Seq2SeqModel, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]
) -> list[Tensor]:
    """Attention (L, N, T + 1, S) on the CPU for each pair of ids, the source with EOS, the target
    without. Row t is the attention that produced token t; the last row produced EOS. Raises
    NoAlignment for a model without attention."""
    found: list[Tensor] = []
    device = next(model.parameters()).device
    areas = (max(len(src), len(tgt) + 1) ** 2 for src, tgt in pairs)
    for start, end in pairwise([0, *budget_ends(areas, MOST_WEIGHTS)]):
        src = [torch.tensor(ids) for ids, _ in pairs[start:end]]
        tgt = [torch.tensor([BOS, *ids]) for _, ids in pairs[start:end]]
        encoded = model.encode(pad_sequence(src, True, PAD).to(device))
        weights = model.attend(pad_sequence(tgt, True, PAD).to(device), encoded).float().cpu()
        for one, (src_ids, tgt_ids) in zip(weights, pairs[start:end], strict=True):
            found.append(one[:, :, : len(tgt_ids) + 1, : len(src_ids)].clone())
    return found


def attention(
    model: Seq2SeqModel, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]
) -> list[Tensor | None]:
    """Attention (T, S) for each pair of ids, as ``READING`` has it. A model without attention gives
    None for every pair."""
    try:
        return [READING.of(heads.mean(dim=1)) for heads in attention_by_head(model, pairs)]
    except NoAlignment:
        return [None] * len(pairs)


_NOTHING = 1e-9  # characters of a word that normalisation takes away


def word_weights(weights: Tensor, src_shares: Tensor, tgt_shares: Tensor) -> Tensor:
    """Attention between words: (T, S) -> (target words, source words). A target word's is the mean
    over its characters; a source word's the sum over its tokens. shares: of ``word_shares``."""
    characters = tgt_shares.sum(dim=1).to_dense()[:, None].clamp(min=_NOTHING)
    by_word = (tgt_shares @ weights) / characters  # sparse matrices stand on the left
    return (src_shares @ by_word.T).T


def links_of(weights: Tensor, links: str) -> Alignment:
    """The links (source word, target word) of (target words, source words), see ``Reading``. Words
    without any weight, which the model does not read, have none."""
    if weights.numel() == 0:
        return ()
    found = {(src, tgt) for tgt, src in enumerate(weights.argmax(dim=1).tolist())}
    if links == "both":
        linked = {src for src, _ in found}
        best = weights.argmax(dim=0).tolist()
        found |= {(src, tgt) for src, tgt in enumerate(best) if src not in linked}
    return tuple(sorted((src, tgt) for src, tgt in found if weights[tgt, src] > 0))


def word_links(
    weights: Tensor,
    source: Spelling,
    target: Spelling,
    *,
    src_by_character: bool = False,
    tgt_by_character: bool = False,
) -> Alignment:
    """Aligns the words of both sides, as ``READING`` has it. weights: (T, S).

    by_character: see ``word_tokens``.
    """
    shares = word_shares(source, src_by_character), word_shares(target, tgt_by_character)
    return links_of(word_weights(weights, *shares), READING.links)


def word_confidence(
    log_probs: Sequence[float], target: Spelling, by_character: bool = False
) -> tuple[float, ...]:
    """The geometric mean of the probabilities of each word's tokens. log_probs: of each token."""
    words = word_tokens(target, by_character)
    return tuple(math.exp(fmean(log_probs[token] for token in tokens)) for tokens in words)
