import pytest

from nmt.translator.postprocessing import repeats_itself


@pytest.mark.parametrize(
    ("tokens", "repeats"),
    [
        ([], False),
        ([1, 2, 3, 4, 5, 6, 7, 8], False),
        ([1, 2, 2, 2, 2, 2, 3], False),
        ([1, 2, 2, 2, 2, 2, 2, 3], True),
        ([1, 2, 1, 2, 3, 4, 5, 6], False),
        ([9, 8, 1, 2, 1, 2, 1, 2, 7], True),
        ([9, 8, 1, 2, 1, 2, 7, 1, 2, 7], False),
        ([*range(10, 50)] * 3, True),
        ([*range(10, 50)] * 2, False),
        ([5, *[1, 2, 3, 4] * 3, 1, 2], True),
    ],
)
def test_a_block_three_times_in_a_row_over_six_tokens(tokens: list[int], repeats: bool) -> None:
    assert repeats_itself(tokens, [1, 2, 3]) == repeats


def test_a_source_that_repeats_itself_may_be_followed() -> None:
    assert not repeats_itself([7] * 8, [5] * 8)
    assert not repeats_itself([7] * 16, [5] * 8)
    assert repeats_itself([7] * 17, [5] * 8)
    assert repeats_itself([7] * 8, [5] * 5)
