"""Score given translations with a model: natural log-probability, tokens and perplexity of each
pair, a line for each, and of all pairs on stderr. Pairs of two blank lines do not count.

  nmt-score run=runs/demo-transformer-s1 source=my.en target=my.fr
  nmt-score run=[runs/a,runs/b] source=my.en target=my.fr format=jsonl output=scores.jsonl
"""

import logging
import math
import os
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any, TypeAlias, cast

from omegaconf import DictConfig, OmegaConf

from nmt.checks import one_of
from nmt.cli.streams import open_lines, open_output, refuse_same_file, with_progress
from nmt.commands.translate import load_translator, text_or_none
from nmt.data.text_files import Lines
from nmt.translator import PairScore
from nmt.translator.json_rows import FORMATS, finite, one_row

log = logging.getLogger(__name__)

Pair: TypeAlias = tuple[str, str]


def main(cfg: DictConfig) -> None:
    """Score as ``configs/score.yaml`` says, one line for each pair; the total goes to stderr."""
    config = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True))
    form = one_of("format", config["format"], FORMATS)
    path = text_or_none(config["output"])
    count, log_prob, tokens = 0, 0.0, 0
    with open_lines(str(config["source"])) as src, open_lines(str(config["target"])) as tgt:
        refuse_same_file(path, src, tgt)
        if src.status and tgt.status and os.path.samestat(src.status, tgt.status):
            raise ValueError(
                f"{src.name} and {tgt.name} are one file: target must be a translation of source"
            )
        translator = load_translator(config)
        with open_output(path) as output:
            for pairs in with_progress(aligned(src, tgt), src, shown=not output.is_terminal()):
                scores = translator.score_pairs(pairs)
                output.write(list(_written(pairs, scores, form, count + 1)))
                count += len(scores)
                log_prob += sum(score.log_prob for score in scores)
                tokens += sum(score.tokens for score in scores)
    log.info(
        f"pairs: {count:,}, tokens: {tokens:,}, log-probability: {log_prob:.4f}, "
        f"perplexity: {perplexity(log_prob, tokens):.4f}"
    )


def perplexity(log_prob: float, tokens: int) -> float:
    """exp(-log_prob / tokens); NaN for 0 tokens, infinity where a float cannot hold it."""
    if tokens == 0:
        return math.nan
    try:
        return math.exp(-log_prob / tokens)
    except OverflowError:
        return math.inf


def aligned(src: Lines, tgt: Lines) -> Iterator[list[Pair]]:
    """Line n of one text with line n of the other, in chunks. Raises ValueError where one text has
    more lines, after all the pairs before that."""

    def line(number: int, text: str) -> str:
        return text

    targets, count = chain.from_iterable(tgt.chunks(line)), 0
    for sources in src.chunks(line):
        pairs = list(zip(sources, islice(targets, len(sources)), strict=False))
        count += len(pairs)
        if pairs:
            yield pairs
        if len(pairs) < len(sources):
            raise _out_of_step(tgt, src, count)
    if next(targets, None) is not None:
        raise _out_of_step(src, tgt, count)


def _out_of_step(shorter: Lines, longer: Lines, count: int) -> ValueError:
    return ValueError(
        f"{shorter.name} has {count:,} lines, but {longer.name} has more: line n of one must "
        f"translate line n of the other"
    )


def _written(
    pairs: Sequence[Pair], scores: Sequence[PairScore], form: str, first: int
) -> Iterator[str]:
    """A line of output for each pair; ``first`` is the number of the first pair."""
    for number, ((src, tgt), score) in enumerate(zip(pairs, scores, strict=True), start=first):
        ratio = perplexity(score.log_prob, score.tokens)
        if form == "text":
            yield f"{score.log_prob:.6f}\t{score.tokens}\t{ratio:.6f}"
        else:
            values = {"log_prob": finite(score.log_prob), "tokens": score.tokens}
            yield one_row(id=number, src=src, tgt=tgt, **values, perplexity=finite(ratio))
