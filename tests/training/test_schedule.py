import math

import pytest

from nmt.training.schedule import Cosine, InverseSquareRoot, Plateau, Schedule


@pytest.mark.parametrize(
    "schedule",
    [
        InverseSquareRoot(warmup_steps=10, total_steps=None),
        Cosine(warmup_steps=10, total_steps=100),
        Plateau(warmup_steps=10, total_steps=None),
    ],
)
def test_warm_up_is_linear_and_ends_at_one(schedule: Schedule) -> None:
    assert [schedule.factor(step) for step in (1, 5, 10)] == pytest.approx([0.1, 0.5, 1.0])


def test_inverse_square_root_quarters_in_sixteen_times_the_steps() -> None:
    assert InverseSquareRoot(warmup_steps=10, total_steps=None).factor(160) == pytest.approx(0.25)


def test_no_warm_up_starts_at_one() -> None:
    assert InverseSquareRoot(warmup_steps=0, total_steps=None).factor(1) == 1.0


def test_cosine_falls_to_its_floor_and_stays_there() -> None:
    schedule = Cosine(warmup_steps=10, total_steps=110, final_ratio=0.2)
    factors = [schedule.factor(step) for step in range(10, 130)]
    assert factors == sorted(factors, reverse=True)
    assert schedule.factor(60) == pytest.approx(0.6)
    assert factors[-1] == schedule.factor(110) == pytest.approx(0.2)


def test_cosine_says_what_it_lacks() -> None:
    with pytest.raises(ValueError, match=r"max_steps"):
        Cosine(warmup_steps=10, total_steps=None)
    with pytest.raises(ValueError, match="warmup_steps=10"):
        Cosine(warmup_steps=10, total_steps=10)


def test_plateau_decays_after_patience_and_remembers() -> None:
    schedule = Plateau(warmup_steps=0, total_steps=None, decay=0.5, patience=2)
    for loss in (3.0, 2.0, 2.5, 1.9, 2.0):
        schedule.observe(loss)
    assert schedule.factor(1) == 1.0
    restored = Plateau(warmup_steps=0, total_steps=None, decay=0.5, patience=2)
    restored.load_state_dict(schedule.state_dict())
    for each in (schedule, restored):
        each.observe(math.nan)
        assert each.factor(1) == 0.5
