"""Measures speed and memory, as a table on the terminal and as JSON.

    python scripts/benchmark.py all --data MULTI30K [--peers FOLDER] [--runs FOLDER]
    python scripts/benchmark.py train --data MULTI30K [--experiment bench_lstm] [--keep RUN]
    python scripts/benchmark.py translate --run RUN --source FILE [--precision fp32 int8]
    python scripts/benchmark.py start --run RUN
    python scripts/benchmark.py prepare [--sizes 1000000 20000000] [--steps 300]
    python scripts/benchmark.py grow --data MULTI30K
    python scripts/benchmark.py sentence [--lengths 10 20 40 80 160]
    python scripts/benchmark.py scale [--processes 1 2]
    python scripts/benchmark.py serve --run RUN --source FILE [--seconds 60] [--requests 20000]
    python scripts/benchmark.py exports --run RUN [RUN ...] --source FILE [--lines 100]

``all`` measures every row of the table of speeds in RESULTS.md, trains its two models unless FOLDER
holds them from an earlier time, and writes the figures to data/results/speed/<kind of machine>.json
and the table, with a column for each kind, into RESULTS.md.

MULTI30K is a folder as ``data=multi30k`` reads it; --keep leaves the trained run for ``translate``
and ``start``. ``train`` and ``translate`` take --peers FOLDER, where others are installed
(``scripts/benchmarks/peers.py``), and run them in turn with ours. Compare only figures of one
sitting: machines drift by a fifth from hour to hour.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import torch

from nmt.device import keep_freed_memory
from nmt.models.quantization import fastest_precision
from nmt.translator import Translator
from scripts.benchmarks import (
    exports,
    growing,
    machine,
    one_sentence,
    preparing,
    scaling,
    serving,
    speed_table,
    starting,
    training,
    translating,
)
from scripts.benchmarks.peers import Peers

Rows = list[dict[str, Any]]


def main() -> None:
    arguments = _parser().parse_args()
    torch.set_num_threads(arguments.threads)
    work: Callable[[argparse.Namespace], Rows] = arguments.work
    rows = work(arguments)
    print(json.dumps(machine.describe()))
    print(table(rows))
    if arguments.json:
        result = {"machine": machine.describe(), "what": arguments.what, "rows": rows}
        arguments.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Rows aligned, those with other keys under a heading of their own."""
    return "\n\n".join(_aligned(list(alike)) for _, alike in groupby(rows, key=list))


def _aligned(rows: Sequence[dict[str, Any]]) -> str:
    cells = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in cells
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="what", required=True)

    def command(name: str, work: Callable[[argparse.Namespace], Rows]) -> argparse.ArgumentParser:
        sub = commands.add_parser(name)
        sub.set_defaults(work=work)
        sub.add_argument("--json", type=Path, help="file to write the figures to")
        sub.add_argument("--threads", type=int, default=torch.get_num_threads())
        return sub

    sub = command("all", _all)
    sub.add_argument("--data", type=Path, required=True, help="folder of Multi30k")
    sub.add_argument("--runs", type=Path, default=Path("runs/benchmark"), help="of the two models")
    sub.add_argument("--note", default="", help="what to say of this sitting in the table")
    sub.add_argument("--steps", type=int, default=220)
    sub.add_argument("--repeats", type=int, default=3)
    sub.add_argument("--peers", type=Path, help="folder of other programs to run in turn")

    sub = command("train", _train)
    sub.add_argument("--experiment", nargs="+", default=["bench_transformer", "bench_lstm"])
    sub.add_argument("--data", type=Path, required=True, help="folder of Multi30k")
    sub.add_argument("--steps", type=int, default=100)
    sub.add_argument("--precision", default="auto", choices=["auto", "fp32", "bf16"])
    sub.add_argument("--keep", type=Path, help="directory for the trained run")
    sub.add_argument("--rounds", type=int, default=1)
    sub.add_argument("--options", nargs="+", default=[], help="more options of nmt-train")
    sub.add_argument("--peers", type=Path, help="folder of other programs to run in turn")

    sub = command("translate", _translate)
    sub.add_argument("--run", type=Path, required=True)
    sub.add_argument("--source", type=Path, required=True)
    sub.add_argument("--reference", type=Path, help="the source translated by people, for BLEU")
    sub.add_argument(
        "--precision", nargs="+", default=["fp32"], choices=["fp32", "bf16", "int8", "auto"]
    )
    sub.add_argument("--repeats", type=int, default=3)
    sub.add_argument("--batch-tokens", type=int, default=2048)
    sub.add_argument("--peers", type=Path, help="folder of other programs to run in turn")

    sub = command("start", _start)
    sub.add_argument("--run", type=Path, required=True)
    sub.add_argument("--repeats", type=int, default=5)

    sub = command("prepare", _prepare)
    sub.add_argument("--sizes", type=int, nargs="+", default=[250_000, 1_000_000])
    sub.add_argument("--vocab-size", type=int, default=8000)
    sub.add_argument("--steps", type=int, default=0, help="of training on each, for its memory")

    sub = command("grow", _grow)
    sub.add_argument("--data", type=Path, required=True, help="folder of Multi30k")
    sub.add_argument("--steps", type=int, default=60)
    sub.add_argument("--sizes", type=int, nargs="+", default=[3600, 7200, 14400, 28800])
    sub.add_argument("--lengths", type=int, nargs="+", default=[20, 40, 80, 160])

    sub = command("sentence", _sentence)
    sub.add_argument("--lengths", type=int, nargs="+", default=[10, 20, 40, 80, 160, 320])
    sub.add_argument("--beam", type=int, default=5)

    sub = command("scale", _scale)
    sub.add_argument("--models", nargs="+", default=["transformer", "lstm_bahdanau"])
    sub.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    sub.add_argument("--steps", type=int, default=80)
    sub.add_argument("--options", nargs="+", default=[], help="more options of nmt-train")

    sub = command("serve", _serve)
    sub.add_argument("--run", type=Path, required=True, help="translates English into French")
    sub.add_argument("--source", type=Path, required=True)
    sub.add_argument("--connections", type=int, default=64)
    sub.add_argument("--seconds", type=float, default=60.0)
    sub.add_argument("--requests", type=int, default=20_000, help="of which memory is watched")

    sub = command("exports", _exports)
    sub.add_argument("--run", type=Path, nargs="+", required=True)
    sub.add_argument("--source", type=Path, required=True)
    sub.add_argument("--lines", type=int, default=100, help="of the source, the first ones")
    return parser


BENCHMARK_MODELS = {
    "transformer": ("bench_transformer", []),
    "LSTM with attention": ("bench_lstm", ["model.embed_size=512"]),
}


def _all(arguments: argparse.Namespace) -> Rows:
    """Every row of the table in RESULTS.md; one that is measured is kept at once."""
    keep_freed_memory()
    found: Rows = []

    def kept(name: str, row: dict[str, Any], shown: speed_table.Row) -> None:
        found.append({"row": name, **row})
        speed_table.keep([(name, shown)], arguments.note)
        speed_table.write()

    for name, (experiment, options) in BENCHMARK_MODELS.items():
        run = arguments.runs / experiment
        if not (run / "manifest.json").exists():
            asked = {**vars(arguments), "experiment": [experiment], "options": options}
            more = {"precision": "auto", "rounds": 1, "keep": run}
            (row,) = _train(argparse.Namespace(**asked | more))
            kept(f"training, {name}", row, speed_table.training_row(row))
        model = Translator.load(run, device="cpu", precision="fp32").model
        default = fastest_precision(model, torch.device("cpu"))
        for row in translating.measure(
            run=run,
            source=arguments.data / "test_2016_flickr.en",
            reference=None,
            precisions=list(dict.fromkeys(["fp32", default])),
            repeats=arguments.repeats,
            batch_tokens=2048,
            peers=_peers(arguments),
        ):
            how = {1: "greedy", 5: "beam 5"}[row["beam"]]
            for which, precision in {"fp32": "fp32", "default": default}.items():
                if row["precision"] == precision:
                    shown = speed_table.translating_row(row)
                    kept(f"translating, {name}, {how}, {which} precision", row, shown)
    for row in starting.measure(run_directory=run, repeats=5):
        kept(row["command"], row, {"value": f"{row['seconds']} s"})
    return found


def _train(arguments: argparse.Namespace) -> Rows:
    """A row a round, so that drift shows."""
    if arguments.keep and (len(arguments.experiment) > 1 or arguments.rounds > 1):
        raise SystemExit("--keep holds one run: name one --experiment, and one round")
    peers = _peers(arguments)
    rows = []
    for experiment in arguments.experiment:
        for _ in range(arguments.rounds):
            row = training.measure(
                experiment=experiment,
                data=arguments.data,
                steps=arguments.steps,
                precision=arguments.precision,
                threads=arguments.threads,
                keep=arguments.keep,
                options=arguments.options,
            )
            if peers and peers.has("onmt"):
                kind = "rnn" if "lstm" in experiment else "transformer"
                rate, memory = peers.train(kind, arguments.steps, training.WINDOW)
                row["opennmt_target_tokens_per_second"] = round(rate)
                row["times_opennmt"] = round(row["target_tokens_per_second"] / rate, 2)
                row["opennmt_peak_memory_mb"] = round(memory)
            rows.append(row)
    return rows


def _translate(arguments: argparse.Namespace) -> Rows:
    keep_freed_memory()
    return translating.measure(
        run=arguments.run,
        source=arguments.source,
        reference=arguments.reference,
        precisions=arguments.precision,
        repeats=arguments.repeats,
        batch_tokens=arguments.batch_tokens,
        peers=_peers(arguments),
    )


def _peers(arguments: argparse.Namespace) -> Peers | None:
    return Peers(arguments.peers, arguments.threads) if arguments.peers else None


def _start(arguments: argparse.Namespace) -> Rows:
    return starting.measure(run_directory=arguments.run, repeats=arguments.repeats)


def _prepare(arguments: argparse.Namespace) -> Rows:
    return preparing.measure(
        sizes=arguments.sizes, vocab_size=arguments.vocab_size, steps=arguments.steps
    )


def _serve(arguments: argparse.Namespace) -> Rows:
    return serving.measure(
        run=arguments.run,
        source=arguments.source,
        connections=arguments.connections,
        seconds=arguments.seconds,
        requests=arguments.requests,
        threads=arguments.threads,
    )


def _exports(arguments: argparse.Namespace) -> Rows:
    keep_freed_memory()
    return exports.measure(runs=arguments.run, source=arguments.source, lines=arguments.lines)


def _scale(arguments: argparse.Namespace) -> Rows:
    return scaling.measure(
        models=arguments.models,
        processes=arguments.processes,
        steps=arguments.steps,
        options=arguments.options,
    )


def _grow(arguments: argparse.Namespace) -> Rows:
    keep_freed_memory()
    return [
        *growing.with_length(lengths=arguments.lengths),
        *growing.with_corpus(
            sizes=arguments.sizes,
            data=arguments.data,
            steps=arguments.steps,
            threads=arguments.threads,
        ),
    ]


def _sentence(arguments: argparse.Namespace) -> Rows:
    lengths, beam, threads = arguments.lengths, arguments.beam, arguments.threads
    return one_sentence.measure(lengths=lengths, beam_size=beam, threads=threads)


if __name__ == "__main__":
    main()
