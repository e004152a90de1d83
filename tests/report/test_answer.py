"""The answer names the best system of each bucket, and says what chance explains."""

from nmt.evaluation.evaluation import Evaluation
from nmt.report.answer import answer, question
from nmt.report.comparison import compare_runs
from nmt.report.systems import ComparedRun
from tests.report.evaluations import NO_SCORES, ROW, evaluation
from tests.report.test_systems import run


def with_bleu(*values: float | None) -> Evaluation:
    plain = evaluation()
    rows = [
        (NO_SCORES if bleu is None else ROW | {"bleu": bleu, "ter": bleu})
        | {"label": f"{place}x", "low": place, "high": place + 1}
        for place, bleu in enumerate(values)
    ]
    return plain.from_dict(plain.as_dict() | {"buckets": rows})


def answers(score: str = "bleu", **values: tuple[float | None, ...]) -> list[str]:
    runs = [ComparedRun(label=name, evaluation=with_bleu(*of)) for name, of in values.items()]
    return list(answer(compare_runs(runs, score=score)))


def test_who_is_best_where_and_what_each_keeps() -> None:
    assert answers(one=(50, 40, 10, 20), other=(60, 30, 20, 30)) == [
        "Best by BLEU: other at 0x words, one at 1x words, other at 2x to 3x words.",
        "one: 50.0 BLEU at 0x words, 20.0 at 3x, so it keeps 40%.",
        "other: 60.0 BLEU at 0x words, 30.0 at 3x, so it keeps 50%.",
    ]


def test_empty_buckets_are_left_out() -> None:
    found = answers(one=(None, 40, 10, None), other=(None, 30, 20, None))
    assert found[0] == "Best by BLEU: one at 1x words, other at 2x words."
    assert answers(one=(None, 0.0, None))[1] == "one: 0.0 BLEU at 1x words."
    assert answers(one=(None, None)) == ["No bucket holds a sentence."]


def test_the_lowest_rate_of_edits_is_best() -> None:
    found = answers("ter", one=(50, 10), other=(60, 5))
    assert found[0] == "Best by TER: one at 0x words, other at 1x words."
    assert found[1] == "one: 50.0 TER at 0x words, 10.0 at 1x."


def test_where_differences_are_more_than_chance() -> None:
    runs = [run("a", worse=2), run("b", worse=30), run("c", worse=30)]
    comparison = compare_runs(runs)
    lines = list(answer(comparison))
    assert lines[-2] == "b and a differ by more than chance (p < 0.05) at 0-2 to 5+ words."
    assert lines[-1] == "c and b differ by more than chance (p < 0.05) nowhere."
    assert question(comparison).startswith("Which system translates best, by length of the source?")
