"""The speeds of every kind of machine that was measured, side by side, in RESULTS.md.

Figures are kept as data, a file for each kind of machine (``machine.kind``), in ``FIGURES``: a
run on another kind adds a column and leaves the others.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.benchmarks import machine

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT / "data" / "results" / "speed"
RESULTS = ROOT / "RESULTS.md"
START, END = "<!-- speed table: begin -->", "<!-- speed table: end -->"

Row = Mapping[str, Any]


def keep(rows: Iterable[tuple[str, Row]], note: str = "") -> Path:
    """Write named rows of this machine beside its peaks, in place of those of the same names.

    note: what else there is to say of the sitting.
    """
    path = FIGURES / f"{machine.kind()}.json"
    old = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else {}
    precisions = ["fp32", *(["bf16"] if "bf16" in machine.kind() else [])]
    peaks = {f"peak_gflops_{name}": round(machine.peak(name) / 1e9) for name in precisions}
    described = machine.describe() | peaks | ({"note": note} if note else {})
    result = {"machine": described, "rows": old | dict(rows)}
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return path


def write(results: Path = RESULTS, figures: Path = FIGURES) -> None:
    """Put the table of all kinds between the two marks in ``results``."""
    before, _, rest = results.read_text(encoding="utf-8").partition(START)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{results} has no lines {START} and {END}: the table goes between them")
    paths = sorted(path for path in figures.glob("*-*.json"))
    found = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    text = f"{before}{START}\n{table(found)}\n{END}{after}"
    results.write_text(text, encoding="utf-8", newline="\n")


def table(kinds: Sequence[Mapping[str, Any]]) -> str:
    """In Markdown, a column for each kind of machine and a row for each name that one has."""
    lines = [
        ["", *(each["machine"]["kind"] for each in kinds)],
        [":--", *(":--" for _ in kinds)],
        ["processor", *(_described(each["machine"]) for each in kinds)],
        ["fastest product, GFLOP/s", *(_peaks(each["machine"]) for each in kinds)],
    ]
    for name in dict.fromkeys(name for each in kinds for name in each["rows"]):
        rows = (each["rows"].get(name) for each in kinds)
        lines.append([name, *("" if row is None else cell(row) for row in rows)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(row: Row) -> str:
    """What was measured, in words: each figure by its name, unless the row says it already."""
    return ", ".join(
        str(value) if name == "value" else f"{name} {value}" for name, value in row.items()
    )


def training_row(measured: Row) -> Row:
    """Of ``training.measure``, and of OpenNMT-py where that is installed."""
    row = {
        "value": f"{measured['target_tokens_per_second']:,} tokens/s in {measured['precision']}",
        "share of the peak": measured["share_of_peak"],
        "memory": f"{measured['peak_memory_mb'] / 1000:.2f} GB",
    }
    if "times_opennmt" not in measured:
        return row | {"OpenNMT-py": "not installed"}
    memory = measured["opennmt_peak_memory_mb"] / 1000
    theirs = f"{measured['opennmt_target_tokens_per_second']:,} ({measured['times_opennmt']} times)"
    return row | {"OpenNMT-py": f"{theirs}, {memory:.2f} GB"}


def translating_row(measured: Row) -> Row:
    """Of ``translating.measure``."""
    row = {"value": f"{measured['sentences_per_second']:g} sentences/s in {measured['precision']}"}
    others = {"ctranslate2_float32": "CTranslate2 float32", "ctranslate2_auto": "its fastest type"}
    for name, said in others.items():
        if name in measured:
            row[said] = f"{measured[name]:g} ({measured[f'times_{name}']} times)"
    if "same_lines_ctranslate2_float32" in measured:
        row["same lines"] = f"{100 * measured['same_lines_ctranslate2_float32']:.0f} %"
    if "opennmt" in measured:
        row["OpenNMT-py"] = f"{measured['opennmt']:g} ({measured['times_opennmt']} times)"
    else:
        row["OpenNMT-py"] = "not installed"
    return row | {"one sentence": f"{measured['p50_ms']:g} ms"}


def _described(kind: Row) -> str:
    """Its name and what ran on it."""
    note = f"; {kind['note']}" if "note" in kind else ""
    return f"{kind['processor']}, {kind['threads']} threads, torch {kind['torch']}{note}"


def _peaks(kind: Row) -> str:
    peaks = {name.removeprefix("peak_gflops_"): value for name, value in kind.items()}
    return ", ".join(f"{name} {peaks[name]}" for name in ("fp32", "bf16") if name in peaks)
