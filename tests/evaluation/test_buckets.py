import pytest

from nmt.evaluation.buckets import Bucket, buckets, lengths, members

EDGES = [10, 20, 30, 40, 50, 60]


def test_labels_name_both_ends() -> None:
    labels = [bucket.label for bucket in buckets(EDGES)]
    assert labels == ["0-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60+"]
    assert buckets(EDGES)[-1] == Bucket(60, None)


def test_every_length_is_in_one_bucket_which_includes_low_and_excludes_high() -> None:
    every = list(range(200))
    parts = [members(every, bucket).tolist() for bucket in buckets([1, 7, 60])]
    assert parts == [[0], [*range(1, 7)], [*range(7, 60)], [*range(60, 200)]]


@pytest.mark.parametrize(
    "edges", [[], [0, 10], [-5], [10, 10], [20, 10], [1.5], ["10"], [True], [10, None]]
)
def test_edges_must_be_rising_whole_numbers(edges: list[int]) -> None:
    with pytest.raises(ValueError, match="edges"):
        buckets(edges)


def test_units() -> None:
    lines = ["Ein  Hund läuft .", "", " \t", "a\u00a0b"]
    assert lengths(lines, "words") == [4, 0, 0, 2]
    assert lengths(lines, "characters") == [17, 0, 2, 3]
    assert lengths(lines, "subwords", lambda text: [len(t) // 2 for t in text]) == [8, 0, 1, 1]


def test_subwords_need_a_tokenizer_and_units_a_name_that_exists() -> None:
    with pytest.raises(ValueError, match="unit=words"):
        lengths(["a"], "subwords")
    with pytest.raises(ValueError, match=r"words.*subwords.*characters.*got 'letters'"):
        lengths(["a"], "letters")
