import hashlib
import json
import random
from typing import Any

import pytest
import sacrebleu
from sacrebleu.metrics.chrf import CHRF

from nmt.evaluation.bootstrap import Bootstrap
from nmt.evaluation.evaluation import Evaluation, Recipe, Row, Scoring, TestSet
from nmt.evaluation.evaluation import evaluate_translations as evaluate
from tests.evaluation.corpora import corpus

FAST = Bootstrap(samples=50)
ROW = [
    "n",
    "bleu",
    "bleu_ci",
    "chrf",
    "chrf_ci",
    "brevity_penalty",
    "length_ratio",
    "hit_limit",
    "too_few",
]


def evaluated(seed: int = 1, n: int = 120, **changes: Any) -> tuple[Evaluation, dict[str, Any]]:
    hypotheses, references = corpus(seed, n, longest=40)
    rng = random.Random(seed)
    sources = [" ".join(["wort"] * rng.randint(0, 45)) for _ in range(n)]
    arguments = {
        "system": "toy",
        "test_set": "test",
        "sources": sources,
        "references": references,
        "hypotheses": hypotheses,
        "scoring": Scoring(edges=(10, 20, 60), bootstrap=FAST),
        **changes,
    }
    return evaluate(**arguments), arguments


def test_json_has_the_names_and_the_order_that_scripts_read() -> None:
    evaluation, _ = evaluated(search={"beam_size": 5}, seconds=1.5)
    values = json.loads(json.dumps(evaluation.as_dict()))
    assert list(values) == [
        "format_version",
        "system",
        "test_set",
        "search",
        "signatures",
        "side",
        "unit",
        "edges",
        "bootstrap",
        "seconds",
        "overall",
        "buckets",
    ]
    assert list(values["test_set"]) == ["name", "n", "sha256_src", "sha256_ref"]
    assert list(values["signatures"]) == ["bleu", "chrf"]
    assert list(values["bootstrap"]) == ["samples", "seed", "level"]
    assert list(values["overall"]) == ROW
    assert [list(row) for row in values["buckets"]] == [[*ROW, "label", "low", "high"]] * 4
    assert (values["search"], values["seconds"]) == ({"beam_size": 5}, 1.5)
    assert (
        values["buckets"][-1] | {"low": 60, "high": None, "label": "60+"} == values["buckets"][-1]
    )
    assert Evaluation.from_dict(values) == evaluation


@pytest.mark.parametrize("side", ["source", "reference"])
def test_every_row_is_what_sacrebleu_says_of_its_sentences(side: str) -> None:
    scoring = Scoring(edges=(10, 20, 60), side=side, bootstrap=FAST, lowercase=True)
    evaluation, given = evaluated(scoring=scoring)
    measured = given["sources" if side == "source" else "references"]
    for row in evaluation.buckets[:3]:
        inside = [i for i, line in enumerate(measured) if row.low <= len(line.split()) < row.high]
        hypotheses = [given["hypotheses"][i] for i in inside]
        references = [[given["references"][i] for i in inside]]
        bleu = sacrebleu.corpus_bleu(hypotheses, references, lowercase=True)
        assert row.n == len(inside) > 10
        assert (row.bleu, row.brevity_penalty) == (bleu.score, bleu.bp)
        assert row.length_ratio == bleu.ratio
        assert row.chrf == CHRF(lowercase=True).corpus_score(hypotheses, references).score
        assert row.bleu_ci is not None and row.bleu_ci[0] < bleu.score < row.bleu_ci[1]
        assert row.chrf_ci is not None and row.chrf_ci[0] < row.chrf < row.chrf_ci[1]
    everything = sacrebleu.corpus_bleu(given["hypotheses"], [given["references"]], lowercase=True)
    assert evaluation.overall.bleu == everything.score
    assert evaluation.overall.n == sum(row.n for row in evaluation.buckets) == 120


def test_a_bucket_without_sentences_has_no_scores() -> None:
    empty = evaluated()[0].buckets[3]
    assert {name: getattr(empty, name) for name in ROW} == {
        **dict.fromkeys(ROW),
        "n": 0,
        "too_few": True,
    }


def test_too_few_is_said_and_the_scores_are_given() -> None:
    scoring = Scoring(edges=(5,), bootstrap=FAST)
    text = ["a b c d"] * 29 + ["a b c d e"] * 30
    evaluation, _ = evaluated(scoring=scoring, sources=text, references=text, hypotheses=text)
    few, enough = evaluation.buckets
    assert (few.n, few.too_few, few.bleu) == (29, True, pytest.approx(100))
    assert (enough.n, enough.too_few, enough.bleu) == (30, False, pytest.approx(100))


def test_a_bucket_of_sentences_without_4_grams_is_too_few_however_many() -> None:
    text = ["two words"] * 100
    evaluation, _ = evaluated(sources=text, references=text, hypotheses=text)
    assert (evaluation.overall.bleu, evaluation.overall.too_few) == (0.0, True)


def test_translations_cut_off_are_counted_by_bucket() -> None:
    hit_limit = [i % 3 == 0 for i in range(120)]
    evaluation, given = evaluated(hit_limit=hit_limit)
    short = [cut for cut, s in zip(hit_limit, given["sources"], strict=True) if len(s.split()) < 10]
    assert evaluation.overall.hit_limit == 40
    assert evaluation.buckets[0].hit_limit == sum(short) > 0
    assert evaluation.buckets[3].hit_limit == 0


def test_a_test_set_is_known_by_its_bytes() -> None:
    test_set = evaluated(sources=["ü"] * 120)[0].test_set
    assert (test_set.name, test_set.n) == ("test", 120)
    assert test_set.sha256_src == hashlib.sha256("ü\n".encode() * 120).hexdigest()


def test_the_tokenizer_is_asked_about_the_measured_side_only() -> None:
    asked: list[list[str]] = []

    def subword_lengths(lines: list[str]) -> list[int]:
        asked.append(lines)
        return [len(line) for line in lines]

    scoring = Scoring(unit="subwords", bootstrap=FAST, side="reference")
    by_subword, given = evaluated(scoring=scoring, subword_lengths=subword_lengths)
    assert asked == [given["references"]]
    characters = Scoring(unit="characters", bootstrap=FAST, side="reference")
    assert by_subword.buckets == evaluated(scoring=characters)[0].buckets
    with pytest.raises(ValueError, match="unit=subwords"):
        evaluated(scoring=scoring)


def test_the_recipe_is_known_beforehand() -> None:
    evaluation, given = evaluated(search={"beam_size": 5})
    test_set = TestSet.of("test", given["sources"], given["references"])
    beforehand = Recipe.of(
        system="toy", test_set=test_set, search={"beam_size": 5}, scoring=given["scoring"]
    )
    assert beforehand.settings() == evaluation.settings()
    assert beforehand.settings()["search.beam_size"] == 5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hypotheses": ["a"]}, "1 hypotheses but 120 references"),
        ({"sources": ["a"]}, "1 sources but 120 references"),
        ({"hit_limit": [True]}, "1 hit_limit flags for 120 hypotheses"),
    ],
)
def test_counts_must_agree(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluated(**changes)


@pytest.mark.parametrize("option", ["side", "unit"])
def test_settings_out_of_range_are_named(option: str) -> None:
    with pytest.raises(ValueError, match=f"{option} .*got 'target'"):
        Scoring(**{option: "target"})  # type: ignore[arg-type]


def test_a_row_without_anything_is_valid_json() -> None:
    assert Row(n=0) == Row(**json.loads(json.dumps(Row(n=0).__dict__)))
