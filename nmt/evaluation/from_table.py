"""Makes evaluations: of translations, and of what is known of their sentences without text."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import mean, stdev
from typing import Any

import numpy as np

from nmt.evaluation.bootstrap import Bootstrap, drawn_mean, percentile_interval, resampled_sums
from nmt.evaluation.buckets import Bucket, Ints, SubwordLengths, lengths
from nmt.evaluation.evaluation import BucketRow, DocumentRow, Evaluation, Row, Score
from nmt.evaluation.metrics import Metric
from nmt.evaluation.recipe import Recipe, Scoring, TestSet
from nmt.evaluation.scorer import Scorer
from nmt.evaluation.sentence_table import SentenceTable, TrainingWords, count_sentences

FEW = 30
_MEANS = ("brevity_penalty", "length_ratio", "hit_limit", "repeats", "reference_repeats")
Parts = Sequence[tuple[Bucket, Ints]]


def evaluate_translations(
    *,
    system: str,
    test_set: str,
    sources: Sequence[str] | None,
    references: Sequence[Sequence[str]],
    hypotheses: Sequence[str],
    scoring: Scoring,
    documents: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    search: Mapping[str, Any] | None = None,
    text: Mapping[str, Any] | None = None,
    seconds: float | None = None,
    trained: Mapping[str, Any] | None = None,
    hit_limit: Sequence[bool] | None = None,
    subword_lengths: Mapping[str, SubwordLengths] | None = None,
    language: str = "",
    training_words: TrainingWords | None = None,
    own: Mapping[str, Metric] | None = None,
) -> tuple[Evaluation, SentenceTable]:
    """Scores ``hypotheses``, of which line i translates line i of ``sources``.

    test_set: its name. sources: needed for ``side="source"`` and cuts by what is in a source.
    references: one or several texts; where a sentence has several references, a blank one is
    missing. documents: the id of each sentence's document; intervals then draw documents. labels:
    of each sentence, for ``by="label"``. hit_limit: for each hypothesis whether search cut it off.
    subword_lengths: by side, needed for ``unit="subwords"`` only. language: of the sources, "" for
    unknown. training_words: for ``by="rare"`` and ``by="unseen"``. own: metrics besides those of
    ``scoring``, by name.

    Raises ValueError if the numbers of lines differ or there is nothing to score.
    """
    if sources is None and scoring.side == "source" and scoring.by == "length":
        raise ValueError("lengths of sources need sources")
    if scoring.by == "length" and scoring.side not in (subword_lengths or {}):
        lengths([], scoring.unit)  # raises for subwords
    named = TestSet.of(test_set, sources, references, documents)
    recipe = Recipe.of(
        system=system,
        test_set=named,
        search=search or {},
        text=text or {},
        scoring=scoring,
        own=own,
    )
    if labels is not None and len(labels) != named.n:
        raise ValueError(f"test set {test_set}: {len(labels)} labels but {named.n} references")
    scorer = scoring.scorer(own)
    table = count_sentences(
        scorer,
        sources=sources,
        references=references,
        hypotheses=hypotheses,
        unit=scoring.unit,
        subword_lengths=subword_lengths,
        documents=documents,
        labels=labels,
        hit_limit=hit_limit,
        language=language,
        training_words=training_words,
    )
    made = evaluation_of(recipe, table, parts_of(recipe, table), scorer)
    return replace(made, seconds=seconds, trained=trained or {}), table


def parts_of(recipe: Recipe, table: SentenceTable) -> Parts:
    """The buckets of a recipe, with the indices of the table's sentences in each."""
    return table.divided(recipe.by, recipe.side, recipe.edges, recipe.quantiles)


def evaluation_of(recipe: Recipe, table: SentenceTable, parts: Parts, scorer: Scorer) -> Evaluation:
    """The scores of the sentences in a table. parts: the buckets, with the sentences of each."""
    documents: dict[str, list[int]] = {}
    for sentence, document in enumerate(table.names.get("document", ())):
        documents.setdefault(document, []).append(sentence)
    bootstrap = recipe.bootstrap
    return Evaluation(
        **{name: getattr(recipe, name) for name in Recipe.__dataclass_fields__},
        seconds=None,
        overall=Row(**_row(table, scorer, bootstrap)),
        buckets=tuple(
            BucketRow(
                label=part.label,
                low=part.low,
                high=part.high,
                **_row(table.select(sentences), scorer, bootstrap),
            )
            for part, sentences in parts
        ),
        documents=tuple(
            DocumentRow(id=document, **_row(table.select(sentences), scorer, None))
            for document, sentences in documents.items()
        ),
    )


def evaluation_of_seeds(
    evaluations: Sequence[Evaluation], tables: Sequence[SentenceTable], parts: Parts, scorer: Scorer
) -> Evaluation:
    """The means of several seeds of one config, with intervals over seeds and sentences.

    evaluations: of each seed, of the same sentences. tables: of each seed; () for no intervals.
    """
    first = evaluations[0]

    def row(rows: Sequence[Row], sentences: Ints | None, drawn: bool = True) -> dict[str, Any]:
        chosen = [table if sentences is None else table.select(sentences) for table in tables]
        intervals = {}
        if drawn and chosen and rows[0].n:
            intervals = _intervals(chosen, scorer, first.bootstrap)
        scores = {}
        for name in rows[0].scores:
            values = [value for one in rows if (value := one.score(name).value) is not None]
            of_all = len(values) == len(rows)
            scores[name] = (
                Score(mean(values), intervals.get(name), stdev(values)) if of_all else Score()
            )
        means = {
            name: mean(values) if None not in values else None
            for name in _MEANS
            if (values := [getattr(one, name) for one in rows])
        }
        return {"n": rows[0].n, "scores": scores, "too_few": rows[0].too_few, **means}

    seconds = [one.seconds for one in evaluations if one.seconds is not None]
    insides: list[Ints | None] = [None] * len(first.buckets)
    if tables:
        insides = [inside for _, inside in parts]
    return replace(
        first,
        seconds=mean(seconds) if len(seconds) == len(evaluations) else None,
        overall=Row(**row([one.overall for one in evaluations], None)),
        buckets=tuple(
            replace(first.buckets[k], **row([one.buckets[k] for one in evaluations], inside))
            for k, inside in enumerate(insides)
        ),
        documents=tuple(
            replace(first.documents[k], **row([e.documents[k] for e in evaluations], None, False))
            for k in range(len(first.documents))
        ),
    )


def selected(table: SentenceTable, only: Mapping[str, Any]) -> Ints:
    """The indices of the sentences that count.

    only: "sentences": a number of sentences in the source such as "1", or "2+" for two or more;
    "label": a list of labels. Raises ValueError for what the table does not know, and where no
    sentence is left.
    """
    inside = np.ones(len(table), bool)
    for name, wanted in only.items():
        if name == "sentences":
            least = str(wanted).removesuffix("+")
            if not least.isdecimal():
                raise ValueError(
                    f"only.sentences must be a number such as 1, or 2+ for two or more, got "
                    f"{wanted!r}"
                )
            found = table.measured("sentences", "source")
            inside &= found >= int(least) if str(wanted) != least else found == int(least)
        else:
            parts = {part.label: sentences for part, sentences in table.divided("label", "")}
            if unknown := [label for label in wanted if label not in parts]:
                raise ValueError(
                    f"only.label={unknown[0]}: no line has this label, there are {', '.join(parts)}"
                )
            of_labels = np.zeros(len(table), bool)
            for label in wanted:
                of_labels[parts[label]] = True
            inside &= of_labels
    if not inside.any():
        said = " ".join(f"only.{name}={wanted}" for name, wanted in only.items())
        raise ValueError(f"{said} leaves no sentence")
    return np.flatnonzero(inside)


def _row(table: SentenceTable, scorer: Scorer, bootstrap: Bootstrap | None) -> dict[str, Any]:
    """The fields of ``Row`` for some sentences; empty ones where there are none.

    bootstrap: draws the sentences, or the documents that hold them; None: no intervals.
    """
    cut_off = table.numbers.get("hit_limit")
    row: dict[str, Any] = {
        "n": len(table),
        "hit_limit": None if cut_off is None else int(cut_off.sum()),
    }
    if not len(table):
        return {**row, "scores": dict.fromkeys(scorer.metrics, Score())}
    corpus = scorer.corpus_score(table.statistics)
    intervals = _intervals([table], scorer, bootstrap) if bootstrap else {}
    return {
        **row,
        "scores": {name: Score(v, intervals.get(name)) for name, v in corpus.scores.items()},
        "brevity_penalty": corpus.brevity_penalty,
        "length_ratio": corpus.length_ratio,
        "too_few": len(table) < FEW or not table.statistics.bleu_is_defined,
        **{
            name: float(table.numbers[name].mean()) if name in table.numbers else None
            for name in ("repeats", "reference_repeats")
        },
    }


def _intervals(
    tables: Sequence[SentenceTable], scorer: Scorer, bootstrap: Bootstrap
) -> dict[str, tuple[float, float]]:
    """Each metric's interval over the sentences and, of several tables, the seeds."""
    counts = [
        table.by_document(np.concatenate([table.statistics[n] for n in scorer.metrics], axis=1))
        for table in tables
    ]
    if "document" in tables[0].names and len(counts[0]) < 2:
        return {}
    resampled = resampled_sums(np.concatenate(counts, axis=1), bootstrap)
    resampled = resampled.reshape(bootstrap.samples, len(tables), -1)
    found, start = {}, 0
    for name, metric in scorer.metrics.items():
        end = start + tables[0].statistics[name].shape[1]
        of_seeds = [metric.of_sums(resampled[:, k, start:end]) for k in range(len(tables))]
        scores = drawn_mean(np.stack(of_seeds, axis=1), bootstrap)
        found[name], start = percentile_interval(scores, bootstrap.level), end
    return found
