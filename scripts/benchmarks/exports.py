"""Exported models beside the run they come from: megabytes, speed, and whose text is the same.

The script that comes with an export translates by it, in a process of its own.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nmt.data.text_files import read_lines
from nmt.export.to_ctranslate2 import export_ctranslate2
from nmt.export.to_onnx import export_onnx
from nmt.models.transformer import TransformerSeq2Seq
from nmt.search.beam import BeamSearch
from nmt.search.greedy import GreedySearch
from nmt.translator import Translator
from nmt.translator.loading import LoadedRun, load_runs
from scripts.benchmarks import exported_speed
from scripts.benchmarks.process import run as run_process

WHOLE: dict[str, Any] = {"sentences": "line", "protection": None}
MODEL_FILES = (".bin", ".onnx", ".data")


def measure(*, runs: Sequence[Path], source: Path, lines: int) -> list[dict[str, Any]]:
    """Rows of each run, in fp32, and of its exports, on the first ``lines`` lines of a file.

    mb: of the files with weights. greedy, beam_5: sentences in a second of the processor, loading
    left out. greedy_ms, beam_5_ms: the median of single sentences, likewise. same_greedy,
    same_beam_5: the share of lines with the text of the run.
    """
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        text = Path(scratch) / "source.txt"
        sources = [line for line in read_lines(source) if line.strip()][:lines]
        text.write_text("".join(f"{line}\n" for line in sources), encoding="utf-8")
        for run in runs:
            ours = _ours(run, sources)
            mb = sum(path.stat().st_size for path in run.glob("model-*.safetensors")) / 1e6
            rows.append(_row(run, "nmt, fp32", mb, ours, ours))
            for name, directory in _exported(load_runs([run]), Path(scratch) / run.name):
                sizes = [one.stat().st_size for one in directory.iterdir() if _is_model(one)]
                rows.append(_row(run, name, sum(sizes) / 1e6, _theirs(directory, text), ours))
    return rows


def _exported(run: LoadedRun, place: Path) -> list[tuple[str, Path]]:
    """Every export that there is of a run: its name and its directory."""
    place.mkdir()
    export_onnx(run, place / "onnx")
    found = [("onnx", place / "onnx")]
    if isinstance(run.model, TransformerSeq2Seq):
        for name, quantization in {"ctranslate2": None, "ctranslate2, int8": "int8"}.items():
            export_ctranslate2(run, place / name, quantization)
            found.append((name, place / name))
    return found


def _is_model(path: Path) -> bool:
    return path.suffix in MODEL_FILES


def _ours(run: Path, lines: Sequence[str]) -> list[dict[str, Any]]:
    """What ``exported_speed.py`` says of an export."""
    found = []
    for beam_size, search in {1: GreedySearch(), 5: BeamSearch(beam_size=5)}.items():
        translator = Translator.load(run, search=search, device="cpu", precision="fp32")
        translator.translate(lines[: exported_speed.WARM], **WHOLE)
        start = time.process_time()
        texts = [one.text for one in translator.translate(lines, **WHOLE)]
        seconds, alone = time.process_time() - start, []
        for line in lines[: exported_speed.ALONE]:
            start = time.process_time()
            translator.translate([line], **WHOLE)
            alone.append(1000 * (time.process_time() - start))
        found.append({"beam": beam_size, "seconds": seconds, "alone": alone, "texts": texts})
    return found


def _theirs(directory: Path, text: Path) -> list[dict[str, Any]]:
    command = [sys.executable, exported_speed.__file__, str(directory), str(text)]
    return [json.loads(line) for line in run_process(command).out.splitlines()]


def _row(
    run: Path, name: str, mb: float, found: Sequence[dict[str, Any]], ours: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    row: dict[str, Any] = {"run": run.name, "by": name, "mb": round(mb, 1)}
    for one, own in zip(found, ours, strict=True):
        how = {1: "greedy", 5: "beam_5"}[one["beam"]]
        same = [a == b for a, b in zip(one["texts"], own["texts"], strict=True)]
        row[how] = round(len(same) / one["seconds"], 1)
        row[f"{how}_ms"] = round(statistics.median(one["alone"]), 1)
        row[f"same_{how}"] = round(statistics.mean(same), 3)
    return row
