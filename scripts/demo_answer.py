"""What ``make demo`` prints last: the answer, examples, an alignment, and what to do next.

  python -m scripts.demo_answer RUN [RUN ...]    runs, each of another model, that were evaluated on
                                                 the demo's test set

The first run with attention aligns the words of "I love you.".
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from nmt import Translator
from nmt.commands.compare import compared_run
from nmt.evaluation.result_files import HYPOTHESES
from nmt.report.answer import answer
from nmt.report.comparison import compare_runs
from nmt.run_directory import RunDirectory
from nmt.search.greedy import GreedySearch

TEST = "test"
ALIGNED = "I love you."
CLASSES = ((0, 10), (20, 30), (60, 1000))
EXAMPLES = 3


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path)
    runs: list[Path] = parser.parse_args().runs
    comparison = compare_runs([compared_run(run, TEST) for run in runs])
    labels = [run.label for run in comparison.runs]
    found = ["Answer", *(f"  {line}" for line in answer(comparison))]
    sections = (found, examples(runs, labels), alignment(runs), further(runs))
    for section in sections:
        print()
        print("\n".join(section))


def examples(runs: Sequence[Path], labels: Sequence[str]) -> Iterator[str]:
    """The first test sentences of some lengths, with the translations of each run."""
    sources, references = RunDirectory.open(runs[0]).test_set(TEST)
    texts = [
        (run / "evaluation" / TEST / HYPOTHESES).read_text(encoding="utf-8").splitlines()
        for run in runs
    ]
    width = max(map(len, ("reference", *labels)))
    for low, high in CLASSES:
        rows = [n for n, line in enumerate(sources) if low <= len(line.split()) < high]
        yield (
            f"Sentences of {low} to {high - 1} words" if high < 1000 else f"Of {low} words and more"
        )
        for row in rows[:EXAMPLES]:
            lines = {"source": sources[row], "reference": references[row]}
            lines |= {label: one[row] for label, one in zip(labels, texts, strict=True)}
            for name, line in lines.items():
                yield f"  {name:<{width}}  {line}"
            yield ""


def alignment(runs: Sequence[Path]) -> Iterator[str]:
    """Which word of a translation comes from which word of its source."""
    for run in runs:
        translator = Translator.load(run, search=GreedySearch(), device="cpu")
        (one,) = translator.translate([ALIGNED], align=True)
        if one.alignment is None:
            continue  # no attention
        src, tgt = ALIGNED.split(), one.text.split()
        yield f"{ALIGNED} -> {one.text}    ({run.name})"
        for place, word in enumerate(tgt):
            links = [src[i] for i, j in one.alignment if j == place]
            yield f"  {word:<10} <- {' '.join(links)}"
        return


def further(runs: Sequence[Path]) -> Iterator[str]:
    attends = next((run for run in runs if "bahdanau" in run.name), runs[0])
    yield "Next"
    yield f"  echo 'The old man sleeps.' | .venv/bin/nmt-translate run={attends}"
    yield f"  {runs[0].parent / f'comparison-{TEST}'}/bleu_by_length.png shows the curves"
    yield "  .venv/bin/nmt-train --help, and README.md: your own text"


if __name__ == "__main__":
    main()
