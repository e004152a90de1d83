import pytest
import torch

from nmt.search.base import BLOCK, Distribution, highest
from nmt.tokenizer import BOS, PAD

pytestmark = pytest.mark.numeric


@pytest.mark.parametrize("vocabulary", [7, BLOCK - 1, BLOCK, 3 * BLOCK, 3 * BLOCK + 1, 1009])
@pytest.mark.parametrize("hypotheses", [1, 4])
@pytest.mark.parametrize("size", [1, 3, 8])
def test_the_highest_are_found_wherever_they_are(
    vocabulary: int, hypotheses: int, size: int
) -> None:
    torch.manual_seed(vocabulary)
    scores = torch.randn(50, hypotheses, vocabulary)
    scores[::7, :, vocabulary // 2 :] -= 9.0  # all of them in a few blocks
    scores[3::7, 0, -3:] += 9.0
    offsets = 2 * torch.randn(50, hypotheses)
    offsets[5::7, 1:] = -torch.inf  # hypotheses that do not live
    totals, places = highest(scores, offsets, size)
    every = (scores + offsets.unsqueeze(-1)).flatten(1)
    expected = every.topk(min(size, every.shape[1]), dim=1)
    assert torch.equal(totals, expected.values)
    assert torch.equal(every.gather(1, places), totals)
    assert all(len(set(row)) == len(row) for row in places.tolist())


def test_what_is_banned_comes_last_and_what_is_spoilt_first() -> None:
    scores = torch.full((1, 1, 3 * BLOCK + 5), -torch.inf)
    scores[0, 0, 200] = -50.0
    totals, places = highest(scores, torch.zeros(1, 1), 3)
    assert totals.tolist() == [[-50.0, -torch.inf, -torch.inf]]
    assert places[0, 0] == 200
    scores[0, 0, 400] = torch.nan
    assert highest(scores, torch.zeros(1, 1), 1)[0].isnan().all()


def test_padding_and_beginnings_never_come_yet_count() -> None:
    logits = torch.randn(2, 3, 400)
    expected = logits.log_softmax(dim=-1)
    expected[..., [PAD, BOS]] = -torch.inf
    following = Distribution.of(logits.clone())
    torch.testing.assert_close(following.scores, expected)
    best, tokens = following.likeliest()
    torch.testing.assert_close(best, expected.max(dim=-1).values)
    assert torch.equal(tokens, expected.argmax(dim=-1))
