"""What the page shows of a model."""

from pathlib import Path

import pytest

from nmt.search.greedy import GreedySearch
from nmt.server.looking import attended, continued, offered, translated, units
from nmt.translator import Translator, build_model
from tests.runs import MODEL

FROZEN = Path(__file__).parents[1] / "frozen_run"
PAIRS = [line.split("\t") for line in (FROZEN / "pairs.tsv").read_text().splitlines()[1:]]


@pytest.fixture(scope="module")
def translator() -> Translator:
    return Translator.load(FROZEN / "format_1", device="cpu", precision="fp32")


def test_each_sentence_is_a_segment(translator: Translator) -> None:
    text = f"{PAIRS[0][0]}  {PAIRS[1][0]}\n\n {PAIRS[2][0]}\n"
    found = translated(translator, text, nbest=2)
    assert [(one["source"], one["text"]) for one in found] == [tuple(pair) for pair in PAIRS[:3]]
    for one in found:
        assert "".join(map("".join, one["units"])) == one["text"]
        assert "".join(map("".join, one["source_units"])) == one["source"]
        assert one["nbest"][0] == one["text"]
        assert one["flags"] == []
    assert translated(translator, " \n") == []


def test_a_required_word_is_there_or_missed_aloud(translator: Translator) -> None:
    (one,) = translated(translator, PAIRS[0][0], require=["chat"])
    assert "chat" in one["text"] or "A required word is missing." in one["flags"]


def test_more_translations_than_search_finds_are_not_asked_for() -> None:
    greedy = Translator.load(FROZEN / "format_1", search=GreedySearch(), precision="fp32")
    (one,) = translated(greedy, PAIRS[0][0], nbest=5)
    assert one["nbest"] == [PAIRS[0][1]]


@pytest.mark.parametrize("pieces", [False, True])
def test_weights_stand_beside_the_words_they_belong_to(
    translator: Translator, pieces: bool
) -> None:
    source, target = PAIRS[0]
    found = attended(translator, source, target, pieces=pieces)
    assert len(found["weights"]) == len(found["target"])
    assert {len(row) for row in found["weights"]} == {len(found["source"])}
    assert found["source"][-1] is found["target"][-1] is None
    assert (found["layers"], found["heads"]) == (1, 1)
    sums = [sum(row) for row in found["weights"]]
    if pieces:
        assert sums == pytest.approx([1] * len(sums), abs=0.02)
    else:  # what goes to white space is in no column
        assert [*source.split(), None] == found["source"]
        assert all(0.3 < total < 1.02 for total in sums)
    assert attended(translator, source, target, layer=1, head=1, pieces=pieces) == found


@pytest.mark.parametrize("reading", [{"layer": 2}, {"head": 2}, {"head": 0}])
def test_a_layer_or_head_that_is_not_there(translator: Translator, reading: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="say 1"):
        attended(translator, *PAIRS[0], **reading)


def test_another_word_is_gone_on_from(translator: Translator) -> None:
    source, target = PAIRS[0]
    words = target.split()
    for place in range(len(words)):
        beginning = " ".join(words[:place])
        first, *others = offered(translator, source, beginning)
        assert first["text"] == words[place]
        other = next(one["text"] for one in others if one["text"])
        given = f"{beginning} {other}".strip()
        found = continued(translator, source, given, whole=False)
        assert found["text"].startswith(given)
    ended = continued(translator, source, " ".join(words[:2]), whole=True)
    assert ended["text"] == " ".join(words[:2])


def test_characters_are_units_without_spaces() -> None:
    assert units("\u4f60 \u597d", True) == [("\u4f60", " "), ("\u597d", "")]
    assert units(" a  b\u00a0c ", False) == [("a", "  "), ("b", "\u00a0"), ("c", "")]


def test_a_model_without_attention_says_so(translator: Translator) -> None:
    attention = {"_target_": "nmt.models.attention.FixedContext"}
    size = translator.tokenizer.tgt_vocab_size
    model = build_model(MODEL | {"attention": attention}, src_vocab_size=size, tgt_vocab_size=size)
    blind = Translator(model, translator.tokenizer, GreedySearch())
    assert attended(blind, "the cat", "le chat")["weights"] is None
