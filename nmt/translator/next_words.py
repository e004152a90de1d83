"""What a model would write next: its likeliest words after the beginning of a translation.

Dims: K words that are tried, T target tokens, V target vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nmt.models.interface import Encoded, Seq2SeqModel
from nmt.tokenizer import BOS, BYTES, EOS, Tokenizer
from nmt.tokenizer.pieces import SPACE_MARK

LONGEST = 16  # tokens of a word


@dataclass(frozen=True)
class NextWord:
    """A word that may come next, with the probability of its tokens; "" is the end."""

    text: str
    probability: float


@torch.inference_mode()
def next_words(
    model: Seq2SeqModel,
    tokenizer: Tokenizer,
    source: Sequence[int],
    beginning: Sequence[int],
    most: int,
    *,
    by_character: bool = False,
) -> list[NextWord]:
    """The likeliest words after the beginning, the likeliest first.

    Each of the ``most`` likeliest tokens begins one, which goes on with the likeliest ones to its
    end. So of several words with one first token only one is found, and what does not end within
    ``LONGEST`` tokens is no word.

    source: ids with EOS. beginning: ids of the target so far, whole words.
    by_character: a word is one token, in languages written without spaces.
    """
    device = next(model.parameters()).device
    encoded = model.encode(torch.tensor([source], device=device))
    begins = torch.tensor(_begins_word(tokenizer, by_character), device=device)  # (V,)
    first = _log_probs(model, torch.tensor([[BOS, *beginning]], device=device), encoded)[0]
    first = first.masked_fill(~begins, -torch.inf)
    scores, tokens = first.topk(min(most, int(begins.sum())))  # (K,)
    words: list[list[int]] = [[token] for token in tokens.tolist()]
    growing = [row for row, word in enumerate(words) if word != [EOS] and not by_character]
    while growing and len(words[growing[0]]) < LONGEST:
        rows = torch.tensor([[BOS, *beginning, *words[row]] for row in growing], device=device)
        same = encoded.select(torch.zeros(len(growing), dtype=torch.long, device=device))
        values, best = _log_probs(model, rows, same).max(dim=1)
        goes_on = ~begins[best]
        for row, token, value, more in zip(growing, best, values, goes_on.tolist(), strict=True):
            if more:
                words[row].append(int(token))
                scores[row] += value
        growing = [row for row, more in zip(growing, goes_on.tolist(), strict=True) if more]
    found: dict[str, float] = {}
    for row, (word, score) in enumerate(zip(words, scores.exp().tolist(), strict=True)):
        if row not in growing:
            text = "" if word == [EOS] else tokenizer.decode_tgt([word])[0].strip()
            found[text] = found.get(text, 0.0) + score
    order = sorted(found, key=lambda text: -found[text])
    return [NextWord(text, found[text]) for text in order]


def _log_probs(model: Seq2SeqModel, tgt_input: Tensor, encoded: Encoded) -> Tensor:
    """(K, V) log-probabilities of the token after each row."""
    features = model.decode(tgt_input, encoded)[:, -1]
    return model.project(features).float().log_softmax(dim=-1)


def _begins_word(tokenizer: Tokenizer, by_character: bool) -> list[bool]:
    """Of each target token, whether it begins a word, or is the end. A byte may stand within a
    character, so it begins none."""
    ids = range(tokenizer.tgt_vocab_size)
    pieces = tokenizer.tgt_pieces(ids)
    return [
        token == EOS
        or (token > EOS and token not in BYTES and (by_character or piece.startswith(SPACE_MARK)))
        for token, piece in zip(ids, pieces, strict=True)
    ]
