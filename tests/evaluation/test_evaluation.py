import hashlib
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sacrebleu
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from nmt.evaluation import recipe
from nmt.evaluation.bootstrap import Bootstrap
from nmt.evaluation.evaluation import Evaluation, Row, Score
from nmt.evaluation.from_table import evaluate_translations as evaluate
from nmt.evaluation.metrics import METRICS
from nmt.evaluation.recipe import Recipe, Scoring
from tests.evaluation.corpora import corpus

FAST = Bootstrap(samples=50)
SCORES = ["bleu", "bleu_ci", "chrf", "chrf_ci", "chrf++", "chrf++_ci", "ter", "ter_ci"]
ROW = [
    "n",
    *SCORES,
    "brevity_penalty",
    "length_ratio",
    "hit_limit",
    "too_few",
    "repeats",
    "reference_repeats",
]


def evaluated(seed: int = 1, n: int = 120, **changes: Any) -> tuple[Evaluation, dict[str, Any]]:
    hypotheses, references = corpus(seed, n, longest=40)
    rng = random.Random(seed)
    sources = [" ".join(["wort"] * rng.randint(0, 45)) for _ in range(n)]
    arguments = {
        "system": "toy",
        "test_set": "test",
        "sources": sources,
        "references": [references],
        "hypotheses": hypotheses,
        "scoring": Scoring(edges=(10, 20, 60), bootstrap=FAST),
        **changes,
    }
    return evaluate(**arguments)[0], arguments


def test_json_has_the_names_and_the_order_that_scripts_read() -> None:
    evaluation, _ = evaluated(search={"beam_size": 5}, seconds=1.5)
    values = json.loads(json.dumps(evaluation.as_dict()))
    assert list(values) == [
        "format_version",
        "system",
        "test_set",
        "search",
        "text",
        "signatures",
        "side",
        "unit",
        "edges",
        "bootstrap",
        "by",
        "quantiles",
        "only",
        "seconds",
        "overall",
        "buckets",
        "documents",
        "trained",
        "table_sha256",
    ]
    names = ["name", "n", "sha256_src", "sha256_ref", "nrefs", "sha256_documents"]
    assert list(values["test_set"]) == names
    assert list(values["signatures"]) == ["bleu", "chrf", "chrf++", "ter"]
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
    (texts,) = given["references"]
    measured = given["sources"] if side == "source" else texts
    for row in evaluation.buckets[:3]:
        inside = [i for i, line in enumerate(measured) if row.low <= len(line.split()) < row.high]
        hypotheses = [given["hypotheses"][i] for i in inside]
        references = [[texts[i] for i in inside]]
        bleu = sacrebleu.corpus_bleu(hypotheses, references, lowercase=True)
        assert row.n == len(inside) > 10
        assert (row.score("bleu").value, row.brevity_penalty) == (bleu.score, bleu.bp)
        assert row.length_ratio == bleu.ratio
        others = {"chrf": CHRF(lowercase=True), "ter": TER()}
        others["chrf++"] = CHRF(word_order=2, lowercase=True)
        for name, metric in others.items():
            assert row.score(name).value == metric.corpus_score(hypotheses, references).score
        for score in row.scores.values():
            assert score.value is not None and score.interval is not None
            assert score.interval[0] < score.value < score.interval[1]
    everything = sacrebleu.corpus_bleu(given["hypotheses"], [texts], lowercase=True)
    assert evaluation.overall.score("bleu").value == everything.score
    assert evaluation.overall.n == sum(row.n for row in evaluation.buckets) == 120


def test_a_bucket_without_sentences_has_no_scores() -> None:
    empty = evaluated()[0].buckets[3]
    values = {name: value for name, value in empty.as_dict().items() if name in ROW}
    assert values == {**dict.fromkeys(ROW), "n": 0, "too_few": True}


def test_too_few_is_said_and_the_scores_are_given() -> None:
    scoring = Scoring(edges=(5,), bootstrap=FAST)
    text = ["a b c d"] * 29 + ["a b c d e"] * 30
    evaluation, _ = evaluated(scoring=scoring, sources=text, references=[text], hypotheses=text)
    few, enough = evaluation.buckets
    assert (few.n, few.too_few, few.score("bleu").value) == (29, True, pytest.approx(100))
    assert (enough.n, enough.too_few) == (30, False)
    assert enough.score("bleu").value == pytest.approx(100)


def test_a_bucket_of_sentences_without_4_grams_is_too_few_however_many() -> None:
    text = ["two words"] * 100
    evaluation, _ = evaluated(sources=text, references=[text], hypotheses=text)
    assert (evaluation.overall.score("bleu").value, evaluation.overall.too_few) == (0.0, True)


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
    asking = {"reference": subword_lengths}
    by_subword, given = evaluated(scoring=scoring, subword_lengths=asking)
    assert asked == given["references"]
    characters = Scoring(unit="characters", bootstrap=FAST, side="reference")
    assert by_subword.buckets == evaluated(scoring=characters)[0].buckets
    with pytest.raises(ValueError, match="unit=subwords"):
        evaluated(scoring=scoring)


def test_the_recipe_is_known_beforehand() -> None:
    evaluation, given = evaluated(search={"beam_size": 5})
    test_set = recipe.TestSet.of("test", given["sources"], given["references"])
    beforehand = Recipe.of(
        system="toy",
        test_set=test_set,
        search={"beam_size": 5},
        text={},
        scoring=given["scoring"],
    )
    assert beforehand.settings() == evaluation.settings()
    assert beforehand.settings()["search.beam_size"] == 5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hypotheses": ["a"]}, "1 hypotheses but 120 references"),
        ({"sources": ["a"]}, "1 sources but 120 references"),
        ({"documents": ["a"]}, "1 document ids but 120 references"),
        ({"sources": None}, "lengths of sources need sources"),
        ({"hit_limit": [True]}, "1 hit_limit flags for 120 hypotheses"),
    ],
)
def test_counts_must_agree(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluated(**changes)


@pytest.mark.parametrize("option", ["side", "unit"])
def test_settings_out_of_range_are_named(option: str) -> None:
    with pytest.raises(ValueError, match=f"{option} .*got 'target'"):
        Scoring(**{option: "target"})  # type: ignore[arg-type]  # wrong on purpose


def test_a_row_without_anything_is_valid_json() -> None:
    assert json.loads(json.dumps(Row(n=0, scores={"bleu": Score()}).as_dict()))["bleu_ci"] is None


def test_several_references_are_named_and_scored() -> None:
    first, second = corpus(1, 120, longest=40)[1], corpus(2, 120, longest=40)[1]
    evaluation, given = evaluated(references=[first, second])
    assert evaluation.test_set.nrefs == -1  # some lines have but one
    assert "nrefs:var|" in evaluation.signatures["ter"]
    one = [hashlib.sha256("".join(f"{line}\n" for line in t).encode()) for t in (first, second)]
    assert evaluation.test_set.sha256_ref == "+".join(each.hexdigest() for each in one)
    rows = list(zip(first, second, strict=True))
    refs = [[row[k] or (None if any(row) else "") for row in rows] for k in (0, 1)]
    for name, metric in {"chrf": CHRF(), "bleu": sacrebleu.BLEU()}.items():
        expected = metric.corpus_score(given["hypotheses"], refs).score
        assert evaluation.overall.score(name).value == expected


def test_documents_are_scored_and_drawn() -> None:
    ids = [f"d{i // 10 % 7}" for i in range(120)]  # not one behind the other
    evaluation, given = evaluated(documents=ids)
    (references,) = given["references"]
    assert [row.id for row in evaluation.documents] == [f"d{k}" for k in range(7)]
    for row in evaluation.documents:
        inside = [i for i in range(120) if ids[i] == row.id]
        hypotheses, refs = ([text[i] for i in inside] for text in (given["hypotheses"], references))
        assert row.n == len(inside)
        assert row.score("bleu").value == sacrebleu.corpus_bleu(hypotheses, [refs]).score
        assert row.score("chrf").value == sacrebleu.corpus_chrf(hypotheses, [refs]).score
        assert row.score("bleu").interval is None

    # By hand: whole documents with replacement, as many as there are.
    metric = METRICS["ter"]()
    counts = metric.count(given["hypotheses"], [references])
    sums = np.stack([counts[[i for i in range(120) if ids[i] == f"d{k}"]].sum(0) for k in range(7)])
    drawn = np.random.default_rng(FAST.seed).integers(7, size=(FAST.samples, 7))
    scores = sorted(metric.of_sums(sums[drawn].sum(axis=1)).tolist())
    assert evaluation.overall.score("ter").interval == pytest.approx((scores[1], scores[-2]))
    plain = evaluated()[0]
    assert evaluation.overall.score("bleu").value == plain.overall.score("bleu").value
    assert evaluation.overall.score("bleu").interval != plain.overall.score("bleu").interval
    assert Evaluation.from_dict(json.loads(json.dumps(evaluation.as_dict()))) == evaluation


def test_one_document_leaves_nothing_to_draw() -> None:
    evaluation, _ = evaluated(documents=["only"] * 120)
    assert evaluation.overall.score("bleu").interval is None
    assert evaluation.overall.score("bleu") == evaluation.documents[0].score("bleu")


def without_repeats(evaluation: Evaluation) -> Evaluation:
    unknown: dict[str, Any] = {"repeats": None, "reference_repeats": None}
    return replace(
        evaluation,
        overall=replace(evaluation.overall, **unknown),
        buckets=tuple(replace(row, **unknown) for row in evaluation.buckets),
    )


def test_results_of_the_first_version_are_read() -> None:
    scoring = Scoring(metrics=["bleu", "chrf"], edges=(10, 20, 60), bootstrap=FAST)
    now, _ = evaluated(search={"beam_size": 5}, text={"sentences": "line"}, scoring=scoring)
    old = json.loads(json.dumps(now.as_dict())) | {"format_version": 1}
    for later in ("text", "documents", "by", "quantiles", "only", "trained", "table_sha256"):
        del old[later]
    for row in (old["overall"], *old["buckets"]):
        del row["repeats"], row["reference_repeats"]
    now = without_repeats(now)
    for later in ("nrefs", "sha256_documents"):
        del old["test_set"][later]
    known = [n for n in ROW if "chrf++" not in n and "ter" not in n and "repeats" not in n]
    assert list(old["overall"]) == known
    assert Evaluation.from_dict(old) == now
    unknown = Evaluation.from_dict(old | {"search": {}})  # another system's: who knows
    assert unknown.text == {}


@pytest.mark.parametrize(
    "file", sorted(Path("data/results").glob("*/evaluation/*/*.json")), ids=str
)
def test_every_result_that_we_keep_is_read(file: Path) -> None:
    evaluation = Evaluation.from_dict(json.loads(file.read_text(encoding="utf-8")))
    assert evaluation.overall.score("bleu").value
