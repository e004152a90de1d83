import pytest
import torch
from torch import Tensor

from nmt.models.kv_cache import ROOM, KeyValueCache

pytestmark = pytest.mark.numeric

SIZE, LAYERS = 3, 2


def read(cache: KeyValueCache, token: Tensor) -> tuple[KeyValueCache, list[tuple[Tensor, Tensor]]]:
    """Write tokens (B, K) as keys, and their negatives as values, of every layer."""
    cache = cache.advanced()
    content = token.unsqueeze(-1).expand(-1, -1, SIZE).float()
    return cache, [cache.write(layer, content + layer, -content) for layer in range(LAYERS)]


def test_a_hypothesis_sees_what_it_has_read_and_nothing_else() -> None:
    generator = torch.Generator().manual_seed(0)
    sentences, beam, steps = 6, 4, 3 * ROOM
    cache = KeyValueCache.empty(torch.zeros(sentences, 5, SIZE), LAYERS, beam)
    histories: list[list[list[int]]] = [[[] for _ in range(beam)] for _ in range(sentences)]
    number = 0
    for step in range(steps):
        tokens = torch.arange(number, number + len(histories) * beam).view(-1, beam)
        number += tokens.numel()
        cache, layers = read(cache, tokens)
        for own, row in zip(histories, tokens.tolist(), strict=True):
            for history, token in zip(own, row, strict=True):
                history.append(token)
        for layer, (keys, values) in enumerate(layers):
            for b, own in enumerate(histories):
                for k, history in enumerate(own):
                    seen = cache.slot_mask[b, k]
                    assert sorted((keys[b, seen, 0] - layer).int().tolist()) == history
                    assert sorted((-values[b, seen, 0]).int().tolist()) == history
        if step % 9 == 8 and len(histories) > 2:
            kept = torch.randperm(len(histories), generator=generator)[:-1]
            cache = cache.select(kept)
            histories = [histories[b] for b in kept.tolist()]
        beam = int(torch.randint(2, 6, (), generator=generator)) if step % 5 == 4 else beam
        parents = torch.randint(len(histories[0]), (len(histories), beam), generator=generator)
        cache = cache.reorder(parents)
        histories = [
            [list(own[parent]) for parent in row]
            for own, row in zip(histories, parents.tolist(), strict=True)
        ]
    assert cache.length == steps


def test_what_no_hypothesis_descends_from_is_given_up() -> None:
    beam, steps = 5, 40 * ROOM
    cache = KeyValueCache.empty(torch.zeros(1, 5, SIZE), LAYERS, beam)
    for step in range(steps):
        cache, _ = read(cache, torch.full((1, beam), step))
        cache = cache.reorder(torch.zeros(1, beam, dtype=torch.long))
    assert cache.keys[0].shape[1] < 2 * steps + ROOM * beam < beam * steps
    assert cache.select(torch.tensor([0])).slot_mask.shape[-1] == steps
