"""The LSTM's encoder reads the way that it is told to."""

import pytest
import torch

from nmt.checks import OptionError
from nmt.models.lstm import DIRECTIONS, LSTMEncoder


def encoder(directions: str, num_layers: int = 2) -> LSTMEncoder:
    torch.manual_seed(0)
    return LSTMEncoder(
        input_size=6, hidden_size=8, num_layers=num_layers, dropout=0.0, directions=directions
    ).eval()


@pytest.mark.parametrize("directions", DIRECTIONS)
def test_a_state_knows_what_its_direction_has_read(directions: str) -> None:
    lengths = [5, 3]
    mask = torch.arange(5) < torch.tensor(lengths)[:, None]
    embedded = torch.randn(2, 5, 6)
    model = encoder(directions)
    before = model(embedded, mask)
    for place in range(3):
        changed = embedded.clone()
        changed[:, place] += 1
        moved = (model(changed, mask).states - before.states).abs().sum(-1) > 1e-6
        for row, length in enumerate(lengths):
            reached = {
                other
                for other in range(length)
                if (directions != "backward" and other >= place)
                or (directions != "forward" and other <= place)
            }
            assert set(moved[row, :length].nonzero().flatten().tolist()) == reached


@pytest.mark.parametrize("directions", DIRECTIONS)
def test_the_last_state_is_that_of_the_token_read_last(directions: str) -> None:
    mask = torch.tensor([[True] * 4, [True, True, False, False]])
    found = encoder(directions)(torch.randn(2, 4, 6), mask)
    at_end, at_start = found.states[[0, 1], [3, 1]], found.states[:, 0]
    size = 4 if directions == "both" else 8
    expected = {
        "forward": at_end,
        "backward": at_start,
        "both": torch.cat([at_end[:, :size], at_start[:, size:]], dim=-1),
    }
    assert torch.equal(found.final, expected[directions])


def test_an_unknown_direction_is_refused() -> None:
    with pytest.raises(OptionError, match="encoder_directions must be one of both, forward, back"):
        encoder("sideways")
