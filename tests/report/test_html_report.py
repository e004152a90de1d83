"""The report holds what a comparison found, and text only where it is wanted."""

from pathlib import Path

import pytest

from nmt.plain_files import read_json_lines
from nmt.report.charts import Curve
from nmt.report.comparison import compare_runs
from nmt.report.html_report import (
    FILE,
    Learning,
    Texts,
    check_no_report,
    learning_of,
    report_page,
    write_report,
)
from tests.report.test_page import Elements
from tests.report.test_systems import REFERENCES, SOURCES, run

COMPARISON = compare_runs([run("one", worse=2), run("other", worse=30)])
LEARNING = {
    "one": Learning(tokens=[1.0, 2.0], minutes=[3.0, 4.0], score=[5.0, 6.0], loss=Curve([1], [2])),
    "other": Learning(),
}
TEXTS = Texts(
    sources=SOURCES,
    references=REFERENCES,
    hypotheses={"one": [line.upper() for line in REFERENCES], "other": REFERENCES},
)


def titles(html: str) -> list[str]:
    return [text for text in Elements(html).text if text.strip()]


def test_each_part_is_there_that_there_is_something_for() -> None:
    html = report_page(COMPARISON, learning=LEARNING, texts=TEXTS).html()
    said = titles(html)
    for part in ("BLEU by bucket", "How each fails", "How they learned", "Where they differ most"):
        assert part in said
    assert "What attention looks at" not in said
    assert any(line.startswith("Best by BLEU: ") for line in said)
    for row in COMPARISON.runs[0].evaluation.buckets:
        assert row.label in said
    plain = titles(report_page(COMPARISON, learning={}).html())
    assert "How they learned" not in plain and "Where they differ most" not in plain


def test_without_texts_no_line_of_the_corpus_is_in_it() -> None:
    html = report_page(COMPARISON, learning=LEARNING).html()
    assert not any(line in html for line in (*REFERENCES, *SOURCES) if len(line) > 12)


def test_the_same_numbers_make_the_same_page() -> None:
    pages = [report_page(COMPARISON, learning=LEARNING, texts=TEXTS).html() for _ in range(2)]
    assert pages[0] == pages[1]


def test_a_report_is_never_replaced(tmp_path: Path) -> None:
    page = report_page(COMPARISON, learning={})
    assert write_report(page, tmp_path / "new") == tmp_path / "new" / FILE
    before = (tmp_path / "new" / FILE).read_bytes()
    with pytest.raises(FileExistsError, match=r"report\.html exists: delete it, or say another"):
        check_no_report(tmp_path / "new")
    with pytest.raises(FileExistsError):
        write_report(page, tmp_path / "new")
    assert (tmp_path / "new" / FILE).read_bytes() == before


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ("metrics.jsonl", "5"),
        ("metrics.jsonl", '{"loss": 1}'),
        ("metrics.jsonl", '{"step": [5], "loss": 1}'),
        ("metrics.jsonl", '{"step": 5, "loss": "<b>"}'),
        ("metrics.jsonl", '{"step": 5, "valid_bleu": {}}'),
        ("timing.jsonl", '{"step": 5, "tokens": 1}'),
        ("timing.jsonl", '{"step": 5, "tokens": "many", "seconds": 1}'),
        ("timing.jsonl", "[]"),
    ],
)
def test_logs_of_a_stranger_are_refused_in_one_line(tmp_path: Path, log: str, line: str) -> None:
    good = {"metrics.jsonl": '{"step": 5, "loss": 1}\n'}
    good["timing.jsonl"] = '{"step": 5, "tokens": 1, "seconds": 1}\n'
    for name, text in good.items():
        (tmp_path / name).write_text(text + line * (name == log))
    with pytest.raises(ValueError, match=f"{log}:2 is damaged: ") as raised:
        learning_of(tmp_path)
    assert "\n" not in str(raised.value)


def test_learning_comes_from_the_logs_of_a_run(tmp_path: Path) -> None:
    assert learning_of(tmp_path) == Learning()
    (tmp_path / "timing.jsonl").write_text(
        '{"step": 5, "seconds": 60, "tokens": 1000000}\n{"step": 9, "seconds": 90, "tokens": 2e6}\n'
    )
    (tmp_path / "metrics.jsonl").write_text(
        '{"step": 5, "loss": 4.5}\n{"step": 7, "valid_bleu": 1}\n{"step": 9, "valid_bleu": 7.5}\n'
        '{"step": 9, "averaged": 2, "valid_bleu": 8}\n'
    )
    assert learning_of(tmp_path) == Learning(
        tokens=[2.0], minutes=[1.5], score=[7.5], loss=Curve([1.0], [4.5])
    )
    (tmp_path / "metrics.jsonl").write_text('{"step": 5, "loss": NaN}\n')
    with pytest.raises(ValueError, match=r"metrics\.jsonl is damaged: 'NaN' is no finite number"):
        read_json_lines(tmp_path / "metrics.jsonl")
