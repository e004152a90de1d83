"""What the next token of a hypothesis may not be.

Dims: B sentences still in the batch, K hypotheses a sentence, t tokens of a hypothesis so far,
P longest prefix, F most forbidden phrases, L longest forbidden phrase, V target vocabulary,
n tokens of an n-gram.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from nmt.search.constraint import Constraint, Phrase
from nmt.tokenizer import PAD

_NOTHING = -1  # stands where a hypothesis has no token yet, and equals none


@dataclass(frozen=True)
class Rules:
    """Prefixes, forbidden phrases, and n-grams that may not come twice.

    EOS is banned within a prefix only: after it a hypothesis can always end.

    prefixes: (B, P), PAD after each.
    forbidden: (B, F, L), PAD before each, nothing but PAD where a sentence has fewer.
    no_repeat_ngram: n, 0 for none.
    """

    prefixes: Tensor
    forbidden: Tensor
    no_repeat_ngram: int

    @classmethod
    def of(
        cls, constraints: Sequence[Constraint], no_repeat_ngram: int, device: torch.device
    ) -> "Rules | None":
        """None where there is nothing to keep, so that nothing is paid for it."""
        if not no_repeat_ngram and not any(c.prefix or c.forbid for c in constraints):
            return None
        prefixes = [torch.tensor(c.prefix, dtype=torch.long) for c in constraints]
        return cls(
            pad_sequence(prefixes, True, PAD).to(device),
            _ending_together([c.forbid for c in constraints]).to(device),
            no_repeat_ngram,
        )

    def select(self, sentences: Tensor) -> "Rules":
        """Keep these sentences, (B',)."""
        return Rules(self.prefixes[sentences], self.forbidden[sentences], self.no_repeat_ngram)

    def apply(self, scores: Tensor, tokens: Tensor) -> None:
        """Ban in place, by -inf, in scores (B, K, V) of what follows tokens (B, K, t)."""
        held, forced = self._forced(tokens)
        wanted = forced[:, None, None].expand(-1, tokens.shape[1], 1)
        kept = scores[held].gather(2, wanted)
        if self.forbidden.shape[1]:
            self._ban_ends_of_phrases(scores, tokens)
        if tokens.shape[-1] >= self.no_repeat_ngram > 0:
            self._ban_repetitions(scores, tokens)
        scores[held] = torch.full_like(scores[held], -torch.inf).scatter(2, wanted, kept)

    def _forced(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """The sentences whose prefix goes on, (B',), and each one's next token."""
        following = self.prefixes[:, tokens.shape[-1] :][:, :1]
        held, places = (following != PAD).nonzero(as_tuple=True)
        return held, following[held, places]

    def _ban_ends_of_phrases(self, scores: Tensor, tokens: Tensor) -> None:
        begins, ends = self.forbidden[..., :-1], self.forbidden[..., -1]
        latest = functional.pad(tokens, (begins.shape[-1], 0), value=_NOTHING)
        latest = latest[:, :, None, tokens.shape[-1] :]  # (B, K, 1, L - 1)
        begins = begins[:, None]  # (B, 1, F, L - 1)
        begun = ((begins == latest) | (begins == PAD)).all(dim=-1)
        sentence, hypothesis, phrase = begun.nonzero(as_tuple=True)
        scores[sentence, hypothesis, ends[sentence, phrase]] = -torch.inf

    def _ban_repetitions(self, scores: Tensor, tokens: Tensor) -> None:
        size = self.no_repeat_ngram
        ngrams = tokens.unfold(-1, size, 1)  # (B, K, t - n + 1, n)
        latest = tokens[:, :, None, tokens.shape[-1] - size + 1 :]  # (B, K, 1, n - 1)
        begun = (ngrams[..., :-1] == latest).all(dim=-1)
        sentence, hypothesis, place = begun.nonzero(as_tuple=True)
        scores[sentence, hypothesis, ngrams[sentence, hypothesis, place, -1]] = -torch.inf


def _ending_together(phrases: Sequence[Sequence[Phrase]]) -> Tensor:
    """Each sentence's phrases -> (B, F, L), PAD before each."""
    most = max(map(len, phrases))
    longest = max((len(phrase) for own in phrases for phrase in own), default=1)
    table = torch.full((len(phrases), most, longest), PAD)
    for sentence, own in enumerate(phrases):
        for place, phrase in enumerate(own):
            table[sentence, place, longest - len(phrase) :] = torch.tensor(phrase)
    return table
