import pytest

from nmt.evaluation.evaluation import DocumentRow, Evaluation, Score
from nmt.report.tables import Table, duration, evaluation_tables
from tests.report.evaluations import SIGNATURES, evaluation

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


def text_of(evaluation: Evaluation) -> str:
    return "\n".join(table.text() for table in evaluation_tables(evaluation))


def test_an_evaluation_reads_with_side_unit_signature_and_warnings() -> None:
    first, second = evaluation_tables(evaluation())
    title, _, header, *_ = first.text().splitlines()
    assert title == "toy: BLEU by source length in words on flickr (1,500 sentences)"
    assert header.split()[:2] == ["words", "n"]
    rows = {line.split()[0]: line.split() for line in first.text().splitlines() if line}
    scores = ["31.4", "[29.9,", "33.0]", "55.5", "[54.0,", "57.0]"]
    assert rows["0-9"] == ["0-9", "1,500", *scores, "0.95", "0.95", "3", "-"]
    assert rows["10-19"][1:3] == ["7", "5.0*"]
    assert rows["20+"] == ["20+", "0", "-", "-", "-", "-", "0", "-"]
    assert rows["all"][1] == "1,500"
    text = second.text()
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line}
    assert text.splitlines()[0].split() == ["words", "n", "chrF++", "TER"]
    scores = ["53.2", "[52.0,", "54.5]", "48.0", "[45.0,", "101.5]"]
    assert rows["0-9"] == ["0-9", "1,500", *scores]
    for note in (
        "* too few to say much: under 30 sentences, or none long enough for a 4-gram",
        "[low, high]: 95% interval from 1,000 bootstrap samples of the sentences, seed 12345",
        "TER: edits per 100 words of the references; lower is better",
        "tokenizer of BLEU: 13a",
        "BLEU: nrefs:1|tok:13a",
        "chrF: nrefs:1|nc:6",
        "chrF++: nrefs:1|nw:2",
        "TER: nrefs:1|tok:tercom",
        "text: sentences=line normalization=standard.v1",
    ):
        assert f"\n{note}\n" in text
    assert max(map(len, text_of(evaluation()).splitlines())) <= 100


def test_the_warning_stands_only_where_there_is_something_to_warn_of() -> None:
    enough = evaluation(buckets=evaluation().buckets[:1])
    assert "too few" not in text_of(enough)


def test_one_table_serves_for_two_metrics() -> None:
    plain = evaluation(signatures={name: SIGNATURES[name] for name in ("bleu", "chrf")})
    (table,) = evaluation_tables(plain)
    assert table.header == ["words", "n", "BLEU", "chrF", "brevity", "ratio", "cut off", "repeats"]
    assert "TER" not in table.text()


@pytest.mark.parametrize(
    ("tokenizer", "said"),
    [("13a", []), ("ko-mecab", []), ("zh", ["chrF++"]), ("char", ["chrF++", "TER"])],
)
def test_scores_that_need_spaces_are_named_where_there_are_none(
    tokenizer: str, said: list[str]
) -> None:
    text = text_of(evaluation(signatures=SIGNATURES | {"bleu": f"nrefs:1|tok:{tokenizer}|v:2"}))
    assert f"tokenizer of BLEU: {tokenizer}\n" in text
    found = [name for name in ("chrF++", "TER") if f"{name} counts words between spaces" in text]
    assert found == said


def test_documents_have_a_table_and_are_said_to_be_drawn() -> None:
    scores = {name: Score(20.0) for name in SIGNATURES}
    rows = [DocumentRow(id=f"talk {k}", n=40, scores=scores, too_few=False) for k in range(3)]
    *_, table = evaluation_tables(evaluation(documents=tuple(rows)))
    assert list(table.header[:6]) == ["document", "n", "BLEU", "chrF", "chrF++", "TER"]
    assert [list(row) for row in table.sections[0]] == [
        [f"talk {k}", "40", *["20.0"] * 4, *["-"] * 4] for k in range(3)
    ]
    assert "from 1,000 bootstrap samples of the 3 documents, seed" in table.text()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "-"), (0.4, "0 s"), (59.6, "1 min 00 s"), (247, "4 min 07 s"), (3900, "1 h 05 min")],
)
def test_durations(seconds: float | None, said: str) -> None:
    assert duration(seconds) == said
