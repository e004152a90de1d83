"""The study of real text: which architecture translates best at which sentence length?

    python -m scripts.study --data PATH [--steps 11800] [--size small/] [--seeds 1] [--at-once 2]
        [--after RUNS]

PATH holds mix_enfr, long_enfr, news_enfr and gold/alibi_fren; RESULTS.md says what is in them. Each
architecture is trained, translates both test sets, long sentences also sentence by sentence, and
aligns the gold pairs; what that leaves goes to data/results/study, without text and weights. The
same command goes on where it was stopped. --after RUNS trains the runs of an earlier study further,
with the schedule begun anew, rather than new models. The rest of the line after -- goes to
nmt-train, such as -- device=cuda trainer.threads=2.
"""

import argparse
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from nmt.data.text_files import read_lines
from nmt.evaluation.alignment_error import alignment_score, counts, read_gold
from nmt.translator import Translator
from nmt.translator.word_alignment import LINKS, STEPS, Reading
from scripts.benchmarks.process import console_script
from scripts.keep_figures import keep_figures

CHOICE = 100  # aligned pairs, of 522
MODELS = ("lstm_bahdanau", "lstm", "transformer")
RESULTS = Path(__file__).parent.parent / "data" / "results" / "study"


@dataclass(frozen=True, kw_only=True)
class Study:
    """data: the corpora. runs: where the runs go. figures: where their figures are kept. size:
    "", "small/" or "tiny/". after: the runs of an earlier study, whose weights these begin with.
    at_once: models side by side. training: options of nmt-train for all.
    """

    data: Path
    runs: Path
    figures: Path
    size: str
    after: Path | None
    steps: int
    at_once: int
    training: Sequence[str]

    def commands(self, model: str, seed: int) -> Iterator[list[str]]:
        """All that is run for one model and seed, in order."""
        run = f"run={self.run(model, seed)}"
        begins = f"model={self.size}{model}"
        if self.after is not None:
            begins = f"init_from={self.after / self.run(model, seed).name}"
        yield [
            "nmt-train",
            "experiment=study",
            f"data.dir={self.data}",
            begins,
            f"seed={seed}",
            f"trainer.max_steps={self.steps}",
            "resume=auto",
            run,
            *self.training,
        ]
        words = f"train_text={self.data / 'mix_enfr' / 'train.en.gz'}"
        facts = [f"labels={self.data / 'long_enfr' / 'test.domain'}", words]
        yield ["nmt-evaluate", run, "test=long", *facts]
        yield ["nmt-evaluate", run, "test=long", "name=long_split", "sentences=split", *facts]
        yield ["nmt-evaluate", run, "test=news", words]
        if model != "lstm":
            gold = [f"gold={self.runs}/rest.gold", "gold_order=target-source"]
            files = [f"source={self.runs}/rest.en", f"target={self.runs}/rest.fr"]
            reading = best_reading(self.run(model, seed), self.runs)
            yield ["nmt-align", run, *files, *gold, *reading]

    def environment(self) -> dict[str, str]:
        """Of each command: several that each take all processors wait for each other."""
        threads = max(1, (os.cpu_count() or 1) // self.at_once)
        return {"OMP_NUM_THREADS": str(threads)} | os.environ

    def run(self, model: str, seed: int) -> Path:
        return self.runs / f"{model}-s{seed}"

    def write_gold(self) -> None:
        """The aligned pairs on which a reading of attention is chosen, and the others."""
        folder = self.data / "gold" / "alibi_fren"
        names = {"en": "test.en", "fr": "test.fr", "gold": "test.align_0indexed_fr-en"}
        for suffix, name in names.items():
            lines = (folder / name).read_text(encoding="utf-8").splitlines(keepends=True)
            for part, some in (("choice", lines[:CHOICE]), ("rest", lines[CHOICE:])):
                (self.runs / f"{part}.{suffix}").write_text("".join(some), encoding="utf-8")


def best_reading(run: Path, folder: Path) -> list[str]:
    """Options of nmt-align: the reading with the lowest error rate on the pairs to choose by."""
    translator = Translator.load(run, precision="fp32")
    english, french = (read_lines(str(folder / f"choice.{side}")) for side in ("en", "fr"))
    pairs = [*zip(english, french, strict=True)]
    sizes = [translator.count_words(pair) for pair in pairs]
    gold = read_gold(str(folder / "choice.gold"), sizes, order="target-source")
    attended = translator.attend_pairs(pairs)

    def error_rate(reading: Reading) -> float:
        found = [counts(p.links(reading), links) for p, links in zip(attended, gold, strict=True)]
        return alignment_score(found).error_rate or 0.0

    layers = [None, *range(1, len(attended[0].weights) + 1)]
    readings = itertools.product(layers, STEPS, LINKS)
    best = min((Reading(layer=la, step=st, links=li) for la, st, li in readings), key=error_rate)
    layer = "null" if best.layer is None else best.layer
    return [f"layer={layer}", f"step={best.step}", f"links={best.links}"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=Path("runs/study"))
    parser.add_argument("--figures", type=Path, default=RESULTS)
    parser.add_argument("--models", nargs="+", default=MODELS, choices=MODELS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[1])
    parser.add_argument("--size", default="", choices=["", "small/", "tiny/"])
    parser.add_argument("--after", type=Path, help="runs of a study to go on from")
    parser.add_argument("--steps", type=int, default=11800)
    parser.add_argument("--at-once", type=int, default=2, help="models side by side")
    parser.add_argument("training", nargs="*", help="options of nmt-train, after --")
    given = vars(parser.parse_args())
    models, seeds = (given.pop(name) for name in ("models", "seeds"))
    given["data"] = given["data"].resolve()
    study = Study(**given)
    study.runs.mkdir(parents=True, exist_ok=True)
    study.write_gold()
    with ThreadPoolExecutor(study.at_once) as pool:
        ended = list(pool.map(lambda one: whole(study, *one), itertools.product(models, seeds)))
    if failed := list(filter(None, ended)):
        sys.exit("\n".join(failed))


def whole(study: Study, model: str, seed: int) -> str:
    """Trains and measures one model, its output in a log beside the run. What went wrong, or ""."""
    run = study.run(model, seed)
    path = run.with_name(f"{run.name}.log")
    kept = study.figures / run.name
    with ExitStack() as stack:
        log = stack.enter_context(open(path, "a", encoding="utf-8"))
        for command in study.commands(model, seed):
            print(f"{run.name}: {command[0]}", file=sys.stderr)
            name, *options = command
            log.flush()
            table = log
            if name == "nmt-align":
                kept.mkdir(parents=True, exist_ok=True)
                table = stack.enter_context(open(kept / "alignment.txt", "w", encoding="utf-8"))
            ended = subprocess.run(
                [console_script(name), *options], stdout=table, stderr=log, env=study.environment()
            )
            if ended.returncode:
                return f"{run.name}: {name} ended with {ended.returncode}, see {path}"
    keep_figures(run, study.figures)
    return ""


if __name__ == "__main__":
    main()
