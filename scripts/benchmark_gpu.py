"""Measures what a GPU does, each part within ten minutes; figures as JSON lines.

    python scripts/benchmark_gpu.py train [--tokens 16384 65536]
    python scripts/benchmark_gpu.py decode
    python scripts/benchmark_gpu.py real [--tokens 16384 65536]
    python scripts/benchmark_gpu.py learn --data MIX --minutes 8 --run RUN

``train`` and ``decode`` need no text: their models are of the shapes that speeds are compared at,
and their batches random. ``real`` trains the same models on the demo corpus, stops and resumes
each once, translates with it, and compares both speeds with those of random batches of one shape.
``learn`` trains a transformer of 6+6 layers on MIX (train.en.gz,
train.fr.gz, valid.en, valid.fr) and tells BLEU on its validation set as it goes. Everything works
on a CPU too, with --device cpu, where it is only good for trying the script. See first whether the
GPU computes what the CPU does: ``pytest tests/contract/test_gpu.py``.
"""

import argparse
import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from nmt.data.batches import Batch, collate
from nmt.device import PRECISIONS, autocast, choose_device, choose_precision
from nmt.models.interface import Seq2SeqModel
from nmt.models.quantization import round_to_bf16
from nmt.search.base import Search
from nmt.search.beam import BeamSearch
from nmt.search.greedy import GreedySearch
from nmt.tokenizer import BOS, EOS
from nmt.training.loss import batch_loss
from nmt.translator import Translator
from nmt.translator.loading import load_run
from scripts.benchmarks.flops import training_flops
from scripts.benchmarks.process import console_script
from scripts.benchmarks.shapes import MODELS, VOCABULARY, random_model

LENGTH = 20
DEMO = Path(__file__).parent.parent / "data" / "demo"
_SIZES = ("hidden_size", "embed_size", "num_heads", "ff_size", "num_layers", "dropout")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["train", "decode", "real", "learn"])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--tokens", type=int, nargs="+", default=[16384, 65536])
    parser.add_argument("--sentences", type=int, default=1000)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--minutes", type=float, help="of each training: 0.25 (real), 8 (learn)")
    parser.add_argument("--run", type=Path, default=Path("runs/gpu"))
    arguments = parser.parse_args()
    if arguments.minutes is None:
        arguments.minutes = 0.25 if arguments.what == "real" else 8.0
    work: Callable[[argparse.Namespace], Iterator[dict[str, Any]]]
    work = {"train": train, "decode": decode, "real": real, "learn": learn}[arguments.what]
    for row in work(arguments):
        print(json.dumps(row), flush=True)


def train(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Target tokens a second at each batch size, plain and compiled, and the share of the peak."""
    device = choose_device(arguments.device)
    precision = choose_precision("auto", device)
    for name in arguments.models:
        flops = training_flops(random_model(name), sentences=64, length=LENGTH)
        for tokens in arguments.tokens:
            peak = _peak(device, precision, tokens)
            for compiled in (False, True):
                what = {"model": name, "tokens": tokens, "compiled": compiled}
                try:
                    rate = _training_rate(
                        random_model(name).to(device), _batch(tokens, device), precision, compiled
                    )
                except (RuntimeError, torch.OutOfMemoryError) as error:
                    yield {**what, "error": str(error)}
                    continue
                yield {
                    **what,
                    "precision": precision,
                    "target_tokens_per_second": round(rate),
                    "peak_tflops": round(peak / 1e12, 2),
                    "share_of_peak": round(rate * flops / peak, 3),
                }


def decode(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Sentences a second; the weights are random, so that every sentence runs to its limit."""
    device = choose_device(arguments.device)
    searches: dict[str, Search] = {
        "greedy": GreedySearch(max_length=1e-9, extra_length=LENGTH),
        "beam 5": BeamSearch(max_length=1e-9, extra_length=LENGTH),
    }
    src = _batch(arguments.sentences * LENGTH, device).src
    for name in arguments.models:
        model = random_model(name).to(device).eval()
        for precision in ("fp32", "bf16"):
            if precision == "bf16":
                round_to_bf16(model)
            for kind, search in searches.items():
                with autocast(device, precision):
                    seconds = _seconds(partial(search, model, src), device, repeats=3)
                yield {
                    "model": name,
                    "precision": precision,
                    "search": kind,
                    "sentences_per_second": round(len(src) / seconds, 1),
                    "tokens_per_second": round(len(src) * LENGTH / seconds),
                }


def real(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Target tokens a second in training and in translating: of real text, and of as many copies of
    one typical sentence."""
    device = choose_device(arguments.device)
    precision = choose_precision("auto", device)
    src, tgt = ((DEMO / f"test.{lang}").read_text("utf-8").splitlines() for lang in ("en", "fr"))
    lines = (src * -(-arguments.sentences // len(src)))[: arguments.sentences]
    for name in arguments.models:
        for tokens in arguments.tokens:
            run = arguments.run / f"{name}-{tokens}"
            trained = _rate_of_two_parts(name, tokens, run, arguments)
            translator = Translator.load(run, device=arguments.device)
            translated = _translating_rate(translator, lines)
            typical = sorted(range(len(src)), key=lambda row: len(tgt[row]))[len(src) // 2]
            copies = _translating_rate(translator, [src[typical]] * len(lines))
            loaded = load_run(run)
            (src_ids,) = loaded.tokenizer.encode_src([src[typical]])
            (tgt_ids,) = loaded.tokenizer.encode_tgt([tgt[typical]])
            batch = collate([(src_ids, tgt_ids)] * (tokens // (len(tgt_ids) + 1))).to(device)
            model = loaded.model.to(device)
            static = _training_rate(model, batch, precision, compiled=False)
            yield {
                "model": name,
                "tokens": tokens,
                "precision": precision,
                "training": round(trained),
                "training_copies": round(static),
                "translating": round(translated),
                "translating_copies": round(copies),
            }


def _rate_of_two_parts(name: str, tokens: int, run: Path, arguments: argparse.Namespace) -> float:
    """Trains, stops as Ctrl-C does, resumes -> target tokens a second after resuming."""
    shape = {key: value for key, value in MODELS[name].items() if key in _SIZES}
    command = [
        console_script("nmt-train"),
        f"model={name}",
        *(f"model.{key}={value}" for key, value in shape.items()),
        "data/augment=none",
        f"trainer.batch_tokens={tokens}",
        f"trainer.max_minutes={arguments.minutes}",
        "trainer.max_epochs=null",
        "trainer.validate_every=1000000",
        "trainer.log_every=5",
        "trainer.tensorboard=false",
        "search.max_length=0.1",
        f"device={arguments.device}",
        f"run={run}",
    ]
    with subprocess.Popen(command) as first:
        while first.poll() is None and not (run / "timing.jsonl").is_file():
            time.sleep(0.1)
        time.sleep(20 * arguments.minutes)  # a third
        first.send_signal(signal.SIGINT)
    if first.returncode != 128 + signal.SIGINT:
        raise RuntimeError(f"{run}: stopped by SIGINT, training ended with {first.returncode}")
    stopped = len(_rows(run / "timing.jsonl"))
    subprocess.run([*command, "resume=must"], check=True)
    rows = _rows(run / "timing.jsonl")[stopped:]
    start, end = rows[len(rows) // 4], rows[-1]
    rate: float = (end["tokens"] - start["tokens"]) / (end["seconds"] - start["seconds"])
    return rate


def _translating_rate(translator: Translator, lines: Sequence[str]) -> float:
    """Target tokens a second, without the time for warming up."""
    translator.translate(lines[:100], sentences="line", protection=None)
    start = time.perf_counter()
    found = translator.translate(lines, sentences="line", protection=None)
    seconds = time.perf_counter() - start
    ids = translator.tokenizer.encode_tgt([one.text for one in found])
    return sum(map(len, ids)) / seconds


def learn(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Train with ``nmt-train``, validating about every half minute, and read its log."""
    data = arguments.data
    command = [
        console_script("nmt-train"),
        "model=transformer",
        "model.hidden_size=512",
        "model.num_heads=8",
        "model.ff_size=1024",
        "model.num_layers=6",
        "model.dropout=0.1",
        "data=files",
        "data.src_lang=en",
        "data.tgt_lang=fr",
        f"data.train.src={data / 'train.en.gz'}",
        f"data.train.tgt={data / 'train.fr.gz'}",
        f"data.valid.src={data / 'valid.en'}",
        f"data.valid.tgt={data / 'valid.fr'}",
        "optimizer.lr=0.001",
        "schedule.warmup_steps=500",
        "trainer.batch_tokens=16384",
        f"trainer.max_minutes={arguments.minutes}",
        "trainer.max_epochs=null",
        "trainer.validate_every=250",
        "trainer.tensorboard=false",
        f"device={arguments.device}",
        f"run={arguments.run}",
    ]
    subprocess.run(command, check=True)
    timing = _rows(arguments.run / "timing.jsonl")
    for row in _rows(arguments.run / "metrics.jsonl"):
        if "valid_bleu" in row:
            seconds = [each["seconds"] for each in timing if each["step"] <= row["step"]]
            yield {**row, "seconds": seconds[-1]}


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _training_rate(
    model: Seq2SeqModel, batch: Batch, precision: str, compiled: bool, steps: int = 10
) -> float:
    device = batch.src.device
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    model.train()
    loss_of = torch.compile(batch_loss) if compiled else batch_loss

    def step() -> None:
        with autocast(device, precision):
            loss, _ = loss_of(model, batch, smoothing=0.1)
        torch.autograd.backward(loss / batch.num_tokens)
        optimizer.step()
        optimizer.zero_grad()

    return batch.num_tokens / _seconds(step, device, repeats=steps)


def _seconds(work: Callable[[], object], device: torch.device, *, repeats: int) -> float:
    """Of one call, the mean of several after three for warming up."""
    for _ in range(3):
        work()
    _wait(device)
    start = time.perf_counter()
    for _ in range(repeats):
        work()
    _wait(device)
    return (time.perf_counter() - start) / repeats


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _peak(device: torch.device, precision: str, rows: int) -> float:
    """Operations a second of the best product of a training step at this batch size."""
    dtype = PRECISIONS[precision]
    best = 0.0
    for inner, columns in ((256, 1024), (1024, 256), (512, 2048), (512, VOCABULARY)):
        left = torch.randn(rows, inner, dtype=dtype, device=device)
        right = torch.randn(inner, columns, dtype=dtype, device=device)
        seconds = _seconds(partial(torch.matmul, left, right), device, repeats=10)
        best = max(best, 2 * rows * inner * columns / seconds)
    return best


def _batch(tokens: int, device: torch.device) -> Batch:
    """Random sentences of one length, so many target tokens in all."""
    ids = torch.randint(EOS + 1, VOCABULARY, (max(1, tokens // LENGTH), LENGTH), device=device)
    ids[:, -1] = EOS
    tgt_input = ids.roll(1, dims=1)
    tgt_input[:, 0] = BOS
    return Batch(ids, tgt_input, ids, torch.arange(ids.numel(), device=device))


if __name__ == "__main__":
    main()
