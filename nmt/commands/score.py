"""Say how likely a model finds given translations: natural log-probability, tokens and perplexity
of each pair, one line for each, and of all pairs on stderr. Pairs of two blank lines do not count.

  nmt-score run=runs/demo-transformer-s1 source=my.en target=my.fr
  nmt-score run=[runs/a,runs/b] source=my.en target=my.fr format=jsonl output=scores.jsonl
"""

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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


@dataclass
class Total:
    """Of all pairs: log-probability (natural logarithm), and target tokens with their EOS."""

    pairs: int = 0
    log_prob: float = 0.0
    tokens: int = 0

    def add(self, scores: Sequence[PairScore]) -> None:
        """Some more pairs."""
        self.pairs += len(scores)
        self.log_prob += sum(score.log_prob for score in scores)
        self.tokens += sum(score.tokens for score in scores)


def main(cfg: DictConfig) -> None:
    """Score as ``configs/score.yaml`` says, one line for each pair; the total goes to stderr."""
    config = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True))
    form = one_of("format", config["format"], FORMATS)
    path, total = text_or_none(config["output"]), Total()
    with open_lines(str(config["source"])) as src, open_lines(str(config["target"])) as tgt:
        refuse_same_file(path, src, tgt)
        translator = load_translator(config)
        with open_output(path) as output:
            for pairs in with_progress(aligned(src, tgt), src, shown=not output.is_terminal()):
                scores = translator.score_pairs(pairs)
                output.write(list(_written(pairs, scores, form, total.pairs + 1)))
                total.add(scores)
    log.info(
        "pairs: %s, tokens: %s, log-probability: %.4f, perplexity: %.4f",
        f"{total.pairs:,}",
        f"{total.tokens:,}",
        total.log_prob,
        perplexity(total.log_prob, total.tokens),
    )


def perplexity(log_prob: float, tokens: int) -> float:
    """exp(-log_prob / tokens); NaN of no tokens, infinite where it is too large for a float."""
    if tokens == 0:
        return math.nan
    try:
        return math.exp(-log_prob / tokens)
    except OverflowError:
        return math.inf


def aligned(src: Lines, tgt: Lines) -> Iterator[list[Pair]]:
    """Line n of one with line n of the other. Raises ValueError where one has more lines, after
    all the pairs before it."""
    targets = chain.from_iterable(tgt.chunks(_line))
    count = 0
    for sources in src.chunks(_line):
        pairs = list(zip(sources, islice(targets, len(sources)), strict=False))
        count += len(pairs)
        if pairs:
            yield pairs
        if len(pairs) < len(sources):
            raise _out_of_step(tgt, src, count)
    if next(targets, None) is not None:
        raise _out_of_step(src, tgt, count)


def _line(number: int, line: str) -> str:
    return line


def _out_of_step(shorter: Lines, longer: Lines, count: int) -> ValueError:
    return ValueError(
        f"{shorter.name} has {count:,} lines, but {longer.name} has more: line n of one must "
        f"translate line n of the other"
    )


def _written(
    pairs: Sequence[Pair], scores: Sequence[PairScore], form: str, first: int
) -> Iterator[str]:
    """first: number of the first pair."""
    for number, (pair, score) in enumerate(zip(pairs, scores, strict=True), start=first):
        ratio = perplexity(score.log_prob, score.tokens)
        if form == "text":
            yield f"{score.log_prob:.6f}\t{score.tokens}\t{ratio:.6f}"
        else:
            yield one_row(
                id=number,
                src=pair[0],
                tgt=pair[1],
                log_prob=finite(score.log_prob),
                tokens=score.tokens,
                perplexity=finite(ratio),
            )
