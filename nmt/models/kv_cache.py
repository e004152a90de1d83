"""The keys and values of what hypotheses have read, each written once.

Dims: B sentences, K hypotheses a sentence, D model width, C slots that there is room for, U slots
in use, L layers.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

ROOM = 16  # steps


@dataclass(frozen=True)
class KeyValueCache:
    """Every token that some hypothesis has read has a slot, and never moves to another hypothesis.

    Hypotheses that share their beginning share its slots, and a mask says which slots belong to
    which hypothesis: to reorder hypotheses is to reorder the rows of the mask. A step attends to
    the slots of all K hypotheses, which is little beside its other products, and copies nothing.

    keys, values: (B, C, D) a layer.
    slot_mask: (B, K, U), True = this hypothesis has read what is in this slot.
    length: tokens that every hypothesis has read.
    """

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    slot_mask: Tensor
    length: int

    @classmethod
    def empty(cls, like: Tensor, num_layers: int, beam_size: int) -> "KeyValueCache":
        """For sentences (B, S, D), before any token."""
        sentences, _, size = like.shape
        nothing = tuple(like.new_empty(sentences, 0, size) for _ in range(2 * num_layers))
        slot_mask = torch.ones(sentences, beam_size, 0, dtype=torch.bool, device=like.device)
        return cls(nothing[:num_layers], nothing[num_layers:], slot_mask, 0)

    def select(self, sentences: Tensor) -> "KeyValueCache":
        return replace(self, slot_mask=self.slot_mask[sentences])._moved(sentences, ROOM // 2)

    def reorder(self, parents: Tensor) -> "KeyValueCache":
        index = parents.unsqueeze(-1).expand(-1, -1, self.slot_mask.shape[-1])
        return replace(self, slot_mask=self.slot_mask.gather(1, index))

    def advanced(self) -> "KeyValueCache":
        """With one more slot a hypothesis, for the token that it reads now; ``write`` fills it."""
        sentences, size, used = self.slot_mask.shape
        if used + size > self.keys[0].shape[1]:
            every = torch.arange(sentences, device=self.slot_mask.device)
            return self._moved(every, max(ROOM, self.length // size)).advanced()
        own = torch.eye(size, dtype=torch.bool, device=self.slot_mask.device)
        slot_mask = torch.cat([self.slot_mask, own.expand(sentences, -1, -1)], dim=-1)
        return replace(self, slot_mask=slot_mask, length=self.length + 1)

    def write(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Put keys and values (B, K, D) into the last slots -> all slots in use, (B, U, D) each.

        In place: where one cache was advanced twice, only the later of the two is valid.
        """
        used = self.slot_mask.shape[-1]
        own = slice(used - keys.shape[1], used)
        self.keys[layer][:, own] = keys
        self.values[layer][:, own] = values
        return self.keys[layer][:, :used], self.values[layer][:, :used]

    def _moved(self, sentences: Tensor, room: int) -> "KeyValueCache":
        """Copy the slots of these sentences that some hypothesis owns, with room for more steps.

        ``slot_mask`` holds these sentences already.
        """
        wanted = self.slot_mask.any(dim=1)  # (B', U)
        used = int(wanted.sum(dim=1).max()) if wanted.numel() else 0
        slots = wanted.to(torch.uint8).argsort(dim=1, descending=True, stable=True)[:, :used]
        slot_mask = self.slot_mask.gather(
            2, slots.unsqueeze(1).expand(-1, self.slot_mask.shape[1], -1)
        )
        capacity = used + room * slot_mask.shape[1]
        rows = (sentences.unsqueeze(1) * self.keys[0].shape[1] + slots).flatten()

        def moved(tensor: Tensor) -> Tensor:
            new = tensor.new_empty(len(sentences), capacity, tensor.shape[-1])
            new[:, :used] = tensor.flatten(0, 1)[rows].view(len(sentences), used, tensor.shape[-1])
            return new

        return KeyValueCache(
            tuple(map(moved, self.keys)), tuple(map(moved, self.values)), slot_mask, self.length
        )
