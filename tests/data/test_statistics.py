"""What is known of the training text: counted whole, in any chunks, and kept as JSON."""

import json
from pathlib import Path

import pytest

from nmt.data import statistics as module
from nmt.data.statistics import TextCounter, TextStatistics
from nmt.data.stores import TextStore, TextWriter, encoded
from nmt.disk_cache import DiskCache
from nmt.tokenizer import Tokenizer


def counted(
    sources: list[str], lengths: list[tuple[int, int]], *, chunk: int = 8192, language: str = "en"
) -> TextStatistics:
    counter = TextCounter(language, len(sources))
    for at in range(0, len(sources), chunk):
        src, tgt = ([[0] * pair[side] for pair in lengths[at : at + chunk]] for side in (0, 1))
        counter.add(sources[at : at + chunk], src, tgt)
    return counter.statistics()


def test_quantiles_are_exact() -> None:
    sources = ["One."] * 985 + ["One. Two."] * 10 + ["One. Two. Three."] * 5
    lengths = [(number % 100 + 1, 5) for number in range(1000)]
    found = counted(sources, lengths)
    assert found.lines == 1000
    assert (found.sentences.half, found.sentences.p99, found.sentences.most) == (1, 2, 3)
    assert (found.source_tokens.half, found.source_tokens.p90) == (50, 90)
    assert found.most_sentences == 2
    assert found.usual_tokens == 99


def test_lines_of_many_sentences_are_usual_where_training_has_them() -> None:
    assert counted(["One. Two. Three. Four."] * 10, [(9, 9)] * 10).most_sentences == 4


@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_chunks_do_not_matter(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COUNTED_LINES", 30)
    sources = ["One." + " Two." * (number % 4) for number in range(100)]
    lengths = [(number % 13, number % 17) for number in range(100)]
    assert counted(sources, lengths, chunk=chunk) == counted(sources, lengths, chunk=33)


def test_json_keeps_everything() -> None:
    found = counted(["<2es> One.", "<2fr> Two."], [(3, 4), (9, 5)])
    assert TextStatistics.from_dict(json.loads(json.dumps(found.as_dict()))) == found


@pytest.mark.parametrize("values", [{}, [], {"lines": 1}, {"sentences": {"half": 1}}])
def test_other_json_is_refused(values) -> None:
    with pytest.raises(ValueError, match=r"text (lacks|must be)"):
        TextStatistics.from_dict(values)


def test_lengths_far_from_those_of_training_are_not_plausible() -> None:
    short = [(4, 4 + number % 5) for number in range(6000)]  # ratios from 1 to 2
    long = [(60, 60 + number % 7) for number in range(6000)]
    found = counted(["One."] * 12_000, short + long)
    assert [one.longest for one in found.ranges] == [4, 60]
    assert all(found.plausible(*pair) for pair in (*short, *long))
    assert found.plausible(5, 7)
    assert found.plausible(4, 10)
    assert not found.plausible(4, 12)
    assert not found.plausible(4, 0)
    assert not found.plausible(60, 40)
    assert not found.plausible(60, 90)
    assert found.plausible(300, 310)  # longer than any: as the longest
    assert not found.plausible(300, 100)
    assert found.plausible(0, 5)


def test_one_line_in_a_thousand_may_lie_outside() -> None:
    lengths = [(20, 24)] * 9995 + [(20, 2000)] * 5
    found = counted(["One."] * 10_000, lengths)
    assert found.plausible(20, 24)
    assert not found.plausible(20, 2000)


def test_a_few_lines_make_wide_bounds() -> None:
    found = counted(["One."] * 24, [(10, 12)] * 24)
    assert all(found.plausible(10, tokens) for tokens in range(3, 30))
    assert not found.plausible(40, 400)


def test_no_line_says_nothing() -> None:
    found = counted([], [])
    assert found.lines == 0
    assert found.plausible(5, 500)
    assert (found.most_sentences, found.usual_tokens) == (1, 1)


@pytest.mark.parametrize(
    ("sources", "prefixes"),
    [
        (["<2es> One.", "<2fr> Two."], ("<2es>", "<2fr>")),
        (["__de__ One.", "__de__  Two."], ("__de__",)),
        ([">>fr<< One.", ">>de<< Two."], (">>de<<", ">>fr<<")),
        (["[de] One."], ("[de]",)),
        (["<2es> One.", "Two."], ()),
        (["<2es> One.", ""], ()),
        (["The one.", "The two."], ()),
        (["- One.", "- Two."], ()),
        ([f"<{number}> One." for number in range(200)], ()),
    ],
)
def test_prefixes_are_learnt_where_every_line_has_one(
    sources: list[str], prefixes: tuple[str, ...]
) -> None:
    lengths = [(5, 5)] * len(sources)
    assert counted(sources, lengths, chunk=1).source_prefixes == prefixes


def test_they_are_kept_with_the_ids(tmp_path: Path) -> None:
    pairs = [("Il a vu M. Chat. Il dort.", "the cat sat")] * 3
    tokenizer = Tokenizer.train(pairs, kind="bpe", vocab_size=290, joint=True)
    with TextWriter.open(tmp_path / "text") as writer:
        for number in range(50):
            writer.add("Il a vu M. Chat. Il dort." if number else "Il dort.", "the cat sat")
    text, cache = TextStore(tmp_path / "text"), DiskCache(tmp_path / "cache")
    for language, most in (("fr", 2), ("en", 2), ("", 2)):
        for _ in range(2):  # computed, then read
            ids = encoded(text, {}, tokenizer, cache, 1, language)
            assert ids.statistics is not None
            assert ids.statistics.lines == 50
            assert ids.statistics.most_sentences == most
            assert ids.statistics.source_tokens.most == ids.longest_source
    assert len(list((tmp_path / "cache").iterdir())) == 3  # a language, an entry
