"""What a validation takes in and leaves out, and that it costs nothing to watch it."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from nmt import distributed
from nmt.commands.prepare import PreparedData
from nmt.commands.validation import validation
from nmt.data.text_files import SentencePair
from nmt.evaluation.scorer import Scorer
from nmt.search.greedy import GreedySearch
from nmt.tokenizer import Tokenizer
from nmt.training.trainer import Validate
from nmt.translator import Translator
from tests.runs import PAIRS, untrained

VALID = [SentencePair(src, tgt) for src, tgt in PAIRS * 3]
LONG = " ".join(["the cat sat"] * 400)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(PAIRS, kind="bpe", vocab_size=285, joint=True)


def made(tokenizer: Tokenizer, pairs: list[SentencePair], longest: int = 9) -> Validate:
    share, merged = parts(tokenizer, pairs, longest)
    return lambda model: merged([share(model)])


def parts(tokenizer: Tokenizer, pairs: list[SentencePair], longest: int = 9) -> tuple[Any, Any]:
    """What one process finds on its share, and what is made of all shares."""
    ids, corpus = SimpleNamespace(longest_source=longest), SimpleNamespace(valid=pairs)
    ready: Any = SimpleNamespace(tokenizer=tokenizer, ids=ids, corpus=corpus)
    search, scorer = GreedySearch(), Scorer()
    data = cast(PreparedData, ready)
    return validation(data, search, scorer, batch_tokens=40, precision="fp32")


def test_it_scores_what_the_translator_gives(tokenizer: Tokenizer) -> None:
    model, scorer = untrained(tokenizer), Scorer()
    found = Translator(model, tokenizer, GreedySearch()).translate([pair.src for pair in VALID])
    texts, references = [one.text for one in found], [pair.tgt for pair in VALID]
    expected = scorer.corpus_score(scorer.count(texts, references)).bleu
    assert made(tokenizer, VALID)(model)["bleu"] == expected
    assert model.training


@pytest.mark.parametrize("pair", [SentencePair(LONG, "un"), SentencePair("one", LONG)])
def test_pairs_far_longer_than_training_are_left_out(
    tokenizer: Tokenizer, caplog: pytest.LogCaptureFixture, pair: SentencePair
) -> None:
    model = untrained(tokenizer)
    values = made(tokenizer, VALID)(model)
    assert caplog.text == ""
    assert made(tokenizer, [*VALID[:2], pair, *VALID[2:]])(model) == values
    assert "valid: 1 of 7 pairs is left out: over 512 tokens on a side" in caplog.text
    assert "the longest has 1,200 words" in caplog.text


def test_the_limit_grows_with_the_training_text(
    tokenizer: Tokenizer, caplog: pytest.LogCaptureFixture
) -> None:
    tokens = len(tokenizer.encode_src([LONG])[0])
    pairs = [*VALID, SentencePair(LONG, "un")]
    made(tokenizer, pairs, longest=tokens // 2 + 1)
    assert caplog.text == ""
    made(tokenizer, pairs, longest=tokens // 2 - 1)
    assert f"over {2 * (tokens // 2 - 1):,} tokens" in caplog.text


def test_nothing_left_is_an_error_that_says_why(tokenizer: Tokenizer) -> None:
    with pytest.raises(ValueError, match=r"data\.valid: every pair has over 512 tokens"):
        made(tokenizer, [SentencePair(LONG, LONG)])


@pytest.mark.parametrize("ranks", [2, 7])
def test_the_shares_of_several_processes_are_the_whole(
    tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch, ranks: int
) -> None:
    """Also where there are more of them than pairs."""
    model = untrained(tokenizer)
    whole, shares = made(tokenizer, VALID)(model), []
    assert 2 < len(VALID) < 7
    for rank in range(ranks):
        monkeypatch.setattr(distributed, "_ranks", distributed._Ranks(rank, ranks))
        share, merged = parts(tokenizer, VALID)
        shares.append(share(model))
    assert merged(shares) == pytest.approx(whole)
