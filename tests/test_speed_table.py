import json
from pathlib import Path

import pytest

from scripts.benchmarks import machine, speed_table


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(speed_table, "FIGURES", tmp_path)
    monkeypatch.setattr(machine, "peak", lambda precision: 2e9)
    (tmp_path / "R.md").write_text(f"a\n{speed_table.START}\nold\n{speed_table.END}\nb\n")
    return tmp_path


def test_another_kind_of_machine_adds_a_column(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, value in (("amd-avx2", "5 s"), ("intel-avx512-bf16", "7 s"), ("amd-avx2", "6 s")):
        monkeypatch.setattr(machine, "kind", lambda kind=kind: kind)
        speed_table.keep([("starting", {"value": value}), (f"of {kind}", {"value": 1, "x": 2})])
    speed_table.write(place / "R.md", place)
    text = (place / "R.md").read_text()
    assert text.startswith("a\n") and text.endswith("\nb\n") and "old" not in text
    rows = {line.split(" | ")[0].strip("| "): line for line in text.splitlines() if "|" in line}
    assert rows["starting"] == "| starting | 6 s | 7 s |"
    assert rows["of amd-avx2"] == "| of amd-avx2 | 1, x 2 |  |"
    assert "fp32 2, bf16 2" in rows["fastest product, GFLOP/s"]


def test_a_text_without_a_place_for_it_is_refused(place: Path) -> None:
    (place / "R.md").write_text("nothing")
    with pytest.raises(ValueError, match="has no lines"):
        speed_table.write(place / "R.md", place)


def test_the_kind_of_this_machine_names_no_host(place: Path) -> None:
    vendor, widest, *more = machine.kind().split("-")
    assert vendor in ("amd", "intel", "apple", "other") and widest in ("avx512", "avx2", "neon")
    assert set(more) <= {"vnni", "bf16", "amx"}


def test_results_show_the_figures_that_are_kept() -> None:
    paths = sorted(speed_table.FIGURES.glob("*-*.json"))
    kinds = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    assert speed_table.table(kinds) in speed_table.RESULTS.read_text(encoding="utf-8")
