import pytest

from nmt.report.tables import Table, duration, evaluation_table
from tests.report.evaluations import evaluation

TABLE = Table(
    title="A|B",
    header=["words", "n"],
    sections=[[["0-9", "7*"], ["10-19", "1,500"]], [["all", "1,507"]]],
    notes=["nrefs:1|tok:13a"],
)


def test_text_lines_up_and_parts_the_sections() -> None:
    assert TABLE.text() == (
        "A|B\n"
        "\n"
        "words      n\n"
        "─────  ─────\n"
        "0-9       7*\n"
        "10-19  1,500\n"
        "─────  ─────\n"
        "all    1,507\n"
        "\n"
        "nrefs:1|tok:13a\n"
    )


def test_markdown_escapes_what_would_break_a_cell() -> None:
    assert TABLE.markdown() == (
        "### A\\|B\n"
        "\n"
        "| words | n |\n"
        "| :-- | --: |\n"
        "| 0-9 | 7\\* |\n"
        "| 10-19 | 1,500 |\n"
        "| all | 1,507 |\n"
        "\n"
        "- nrefs:1\\|tok:13a\n"
    )


def test_an_evaluation_reads_with_side_unit_signature_and_warnings() -> None:
    text = evaluation_table(evaluation()).text()
    title, _, header, *_ = text.splitlines()
    assert title == "toy: BLEU by source length in words on flickr (1,507 sentences)"
    assert header.split()[:2] == ["words", "n"]
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line}
    scores = ["31.4", "[29.9,", "33.0]", "55.5", "[54.0,", "57.0]"]
    assert rows["0-9"] == ["0-9", "1,500", *scores, "0.95", "0.95", "3"]
    assert rows["10-19"][1:3] == ["7", "5.0*"]
    assert rows["20+"] == ["20+", "0", "-", "-", "-", "-", "0"]
    assert rows["all"][1] == "1,500"
    assert "* too few" in text
    assert "95% interval from 1,000 bootstrap samples" in text
    assert "BLEU: nrefs:1|tok:13a\n" in text
    assert "chrF: nrefs:1|nc:6\n" in text


def test_the_warning_stands_only_where_there_is_something_to_warn_of() -> None:
    enough = evaluation(buckets=evaluation().buckets[:1])
    assert "too few" not in evaluation_table(enough).text()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "-"), (0.4, "0 s"), (59.6, "1 min 00 s"), (247, "4 min 07 s"), (3900, "1 h 05 min")],
)
def test_durations(seconds: float | None, said: str) -> None:
    assert duration(seconds) == said
