"""How beam search finds what is required.

Dims: B sentences still in the batch, K hypotheses a sentence, N candidates a sentence, V target
vocabulary, R requirements a sentence, A alternatives of each, U patterns.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from nmt.models.interface import PerSentence
from nmt.search.constraints import Constraint
from nmt.search.token_patterns import TokenPattern
from nmt.tokenizer import EOS, PAD


@dataclass(frozen=True)
class DynamicBeamAllocation(PerSentence):
    """Dynamic beam allocation (Post and Vilar 2018): room for hypotheses at every stage.

    Probability alone would crowd out hypotheses that begin an unlikely phrase. So the likeliest
    token that brings a hypothesis nearer to each pattern is always a candidate, and candidates are
    taken stage by stage in turn, where the stage of a hypothesis is how many tokens its fulfilled
    requirements and the pattern that is nearest to its end have: first the best of each stage, the
    furthest stage first, then the second best of each, and so on. As some token takes every
    hypothesis to a later stage, a beam with places for the furthest stages finds all that is
    required, unless rules ban it.

    tables: the different patterns of all sentences.
    patterns: (B, R, A), which patterns are the alternatives of each requirement. Where a sentence
        has fewer requirements, one that is fulfilled without a token; where a requirement has
        fewer alternatives, its first once more.
    states: (B, K, R, A), of the patterns after each hypothesis.
    """

    tables: "PatternTables"
    patterns: Tensor
    states: Tensor

    @classmethod
    def of(
        cls, constraints: Sequence[Constraint], size: int, device: torch.device
    ) -> "DynamicBeamAllocation | None":
        """For ``size`` hypotheses a sentence, before any token; None where nothing is required."""
        required = [constraint.requirements for constraint in constraints]
        if not any(required):
            return None
        different = dict.fromkeys(one for own in required for each in own for one in each)
        numbers = {pattern: number for number, pattern in enumerate(different, start=1)}
        most = max(map(len, required))
        width = max(len(each) for own in required for each in own)
        patterns = torch.zeros(len(required), most, width, dtype=torch.long)
        for sentence, own in enumerate(required):
            for place, each in enumerate(own):
                alternatives = [numbers[one] for one in each]
                alternatives += alternatives[:1] * (width - len(each))
                patterns[sentence, place] = torch.tensor(alternatives)
        states = patterns.new_zeros(len(required), size, most, width)
        tables = PatternTables.of(list(different), device)
        return cls(tables, patterns.to(device), states.to(device))

    def advance(self, parents: Tensor, tokens: Tensor) -> "DynamicBeamAllocation":
        """Hypothesis ``parents[b, k]`` continued by ``tokens[b, k]`` is hypothesis k, (B, K)."""
        return replace(self, states=self._continued(parents, tokens))

    def continuations(self, log_probs: Tensor, size: int) -> tuple[Tensor, Tensor]:
        """For each pattern the likeliest token that brings it nearer, and the ``size`` likeliest
        others after each hypothesis.

        log_probs (B, K, V), in which EOS is banned, in place, after a hypothesis that would not
        hold all that is required -> log-probabilities and tokens, (B, K, R * A + size) each. A
        pattern without such a token has the log-probability -inf.
        """
        parents = torch.arange(log_probs.shape[1], device=log_probs.device)
        parents = parents.expand(log_probs.shape[:2])
        after_eos = self._continued(parents, torch.full_like(parents, EOS))
        log_probs[..., EOS].masked_fill_(~self._fulfilled(after_eos).all(dim=-1), -torch.inf)
        best: list[Tensor] = []
        tokens: list[Tensor] = []
        states = self.states.flatten(2)
        for number, pattern in enumerate(self.patterns.flatten(1).unbind(1)):  # (B,)
            nearer = self.tables.nearer(pattern, states[..., number], log_probs.shape[-1])
            value, token = log_probs.masked_fill(~nearer, -torch.inf).max(dim=-1)
            best.append(value)
            tokens.append(token.masked_fill(value == -torch.inf, PAD))
        own = torch.stack(tokens, dim=-1)
        again = (own.unsqueeze(-1) == own.unsqueeze(-2)).tril(-1).any(dim=-1)
        nearest = torch.stack(best, dim=-1).masked_fill(again, -torch.inf)  # none continued twice
        others, rest = log_probs.scatter(2, own, -torch.inf).topk(size, dim=-1)
        return torch.cat([nearest, others], dim=-1), torch.cat([own, rest], dim=-1)

    def first(self, totals: Tensor, tokens: Tensor, size: int) -> Tensor:
        """Which candidates come first when stages take turns, (B, size) places.

        totals, tokens: (B, N), the log-probability and the last token of each candidate, as many
        of the first hypothesis as of the second and so on, one after the other.
        """
        places = torch.arange(totals.shape[1], device=totals.device).expand_as(totals)
        parents = places // (totals.shape[1] // self.states.shape[1])
        descending, order = totals.sort(dim=1, descending=True, stable=True)
        stage = self._stages(self._continued(parents, tokens)).gather(1, order)
        count = int(self._sizes().sum(dim=-1).max()) + 1
        rank = functional.one_hot(stage, count).cumsum(dim=1).gather(2, stage.unsqueeze(-1))
        turn = rank.squeeze(-1) * count - stage  # by rank within a stage, then the furthest first
        turn = turn.masked_fill(descending == -torch.inf, torch.iinfo(turn.dtype).max)
        return order.gather(1, turn.argsort(dim=1, stable=True)[:, :size])

    def _stages(self, states: Tensor) -> Tensor:
        """states (B, N, R, A) -> (B, N)."""
        fulfilled = self._fulfilled(states)
        read = self.tables.sizes[self.patterns].unsqueeze(1) - self._left(states)
        begun = read.amax(dim=-1).masked_fill(fulfilled, 0).amax(dim=-1)
        return self._sizes().unsqueeze(1).where(fulfilled, 0).sum(dim=-1) + begun

    def _fulfilled(self, states: Tensor) -> Tensor:
        """Which requirements are, (B, N, R)."""
        return (self._left(states) == 0).any(dim=-1)

    def _left(self, states: Tensor) -> Tensor:
        return self.tables.left[self.patterns.unsqueeze(1), states]

    def _sizes(self) -> Tensor:
        """Tokens of each requirement, (B, R)."""
        return self.tables.sizes[self.patterns].amax(dim=-1)

    def _continued(self, parents: Tensor, tokens: Tensor) -> Tensor:
        """The states after hypotheses ``parents`` and one of ``tokens`` each, (B, N) ->
        (B, N, R, A)."""
        places = parents[..., None, None].expand(-1, -1, *self.states.shape[2:])
        patterns = self.patterns.unsqueeze(1)
        return self.tables.next(patterns, self.states.gather(1, places), tokens[..., None, None])


@dataclass(frozen=True)
class PatternTables:
    """U token patterns (``TokenPattern``) side by side. Number 0 is found before any token.

    classes: (U, W), the last for all ids that have no column.
    moves: (U, N, C).
    left: (U, N).
    sizes: (U,).
    """

    classes: Tensor
    moves: Tensor
    left: Tensor
    sizes: Tensor

    @classmethod
    def of(cls, patterns: Sequence[TokenPattern], device: torch.device) -> "PatternTables":
        width = 1 + max(len(one.classes) for one in patterns)
        states, kinds = (max(one.moves.shape[axis] for one in patterns) for axis in (0, 1))
        classes = torch.zeros(1 + len(patterns), width, dtype=torch.long)
        moves = torch.zeros(1 + len(patterns), states, kinds, dtype=torch.long)
        left = torch.zeros(1 + len(patterns), states, dtype=torch.long)
        for number, one in enumerate(patterns, start=1):
            classes[number, : len(one.classes)] = torch.from_numpy(one.classes)
            moves[number, : one.moves.shape[0], : one.moves.shape[1]] = torch.from_numpy(one.moves)
            left[number, : len(one.left)] = torch.from_numpy(one.left)
        sizes = torch.tensor([0, *(one.size for one in patterns)])
        return cls(*(table.to(device) for table in (classes, moves, left, sizes)))

    def next(self, patterns: Tensor, states: Tensor, tokens: Tensor) -> Tensor:
        """The states after one token more; all of one shape, or broadcast to it."""
        columns = tokens.clamp(max=self.classes.shape[1] - 1)
        return self.moves[patterns, states, self.classes[patterns, columns]]

    def nearer(self, patterns: Tensor, states: Tensor, vocabulary: int) -> Tensor:
        """Which tokens bring a pattern nearer to its end: patterns (B,), states (B, K) ->
        (B, K, V)."""
        columns = torch.arange(vocabulary, device=states.device)
        columns = columns.clamp(max=self.classes.shape[1] - 1)
        classes = self.classes[patterns][:, columns]  # (B, V)
        patterns = patterns[:, None, None]
        following = self.moves[patterns.squeeze(-1), states]  # (B, K, C)
        better = self.left[patterns, following] < self.left[patterns, states.unsqueeze(-1)]
        return better.gather(2, classes.unsqueeze(1).expand(-1, states.shape[1], -1))


def along_beam(tokens: Tensor, places: Tensor) -> Tensor:
    """tokens (B, K, T) at places (B, K') of each sentence -> (B, K', T)."""
    return tokens.gather(1, places.unsqueeze(-1).expand(-1, -1, tokens.shape[-1]))
