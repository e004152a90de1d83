import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig

from nmt.commands.align import main as align
from nmt.models.interface import NoAlignment
from nmt.report.heat_maps import HeatMap
from nmt.translator import Translator
from nmt.translator.forced_decoding import grow_diag_final_and
from nmt.translator.inference import token_log_probs
from nmt.translator.word_alignment import Reading
from tests.runs import untrained_run

Compose = Callable[..., DictConfig]
SOURCES = ["the cat sat", "", "a dog", "", "home", "the cat sat"]
TARGETS = ["le chat dort", "", "", "un chien", "un chien rentre", "rentre"]
PAIRS = list(zip(SOURCES, TARGETS, strict=True))
FILES = ["source=src", "target=tgt", "device=cpu"]
ONE_WAY = Reading(links="target")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    for name, lines in {"src": SOURCES, "tgt": TARGETS}.items():
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines))
    return untrained_run(tmp_path / "run")


def links_in(path: str) -> list[tuple[tuple[int, int], ...]]:
    lines = Path(path).read_text().split("\n")[:-1]
    return [
        tuple((int(i), int(j)) for i, j in (link.split("-") for link in line.split()))
        for line in lines
    ]


def test_writes_a_line_of_links_for_each_pair(
    composed: Compose, run: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    align(composed("align", f"run={run}", *FILES, "output=out"))
    found = links_in("out")
    attended = Translator.load(run, device="cpu", precision="fp32").attend_pairs(PAIRS)
    assert found == [pair.links(Reading()) for pair in attended]
    assert [bool(links) for links in found] == [True, False, False, False, True, True]
    assert {src for src, _ in found[0]} == {tgt for _, tgt in found[0]} == {0, 1, 2}
    capfd.readouterr()
    align(composed("align", f"run={run}", *FILES, "step=next", "links=target", "layer=1"))
    shown = capfd.readouterr().out
    reading = Reading(step="next", links="target", layer=1)
    wanted = [" ".join(f"{i}-{j}" for i, j in pair.links(reading)) for pair in attended]
    assert shown == "".join(f"{line}\n" for line in wanted)


def test_a_test_set_of_the_run_is_aligned(composed: Compose, run: Path) -> None:
    from nmt.run_directory import RunDirectory

    directory = RunDirectory.open(run)
    directory.write_test_set("small", SOURCES, TARGETS)
    directory.commit()
    align(composed("align", f"run={run}", "test=small", "device=cpu", "output=from_run"))
    align(composed("align", f"run={run}", *FILES, "output=from_files"))
    assert Path("from_run").read_bytes() == Path("from_files").read_bytes()


def test_two_directions_are_joined(composed: Compose, run: Path, tmp_path: Path) -> None:
    back = untrained_run(tmp_path / "back", seed=2, languages=("fr", "en"))
    align(composed("align", f"run={run}", f"reverse={back}", *FILES, "output=out"))
    ahead = Translator.load(run, device="cpu", precision="fp32").attend_pairs(PAIRS)
    turned = [(target, source) for source, target in PAIRS]
    behind = Translator.load(back, device="cpu", precision="fp32").attend_pairs(turned)
    assert links_in("out") == [
        grow_diag_final_and(one.links(ONE_WAY), [(src, tgt) for tgt, src in other.links(ONE_WAY)])
        for one, other in zip(ahead, behind, strict=True)
    ]
    with pytest.raises(
        ValueError, match=r"reverse=.*run translates en to fr, which is not the oppo"
    ):
        align(composed("align", f"run={run}", f"reverse={run}", *FILES))


def rows_of(shown: str) -> dict[tuple[str, ...], list[str]]:
    """The numbers of each row of a table of errors, by its names."""
    rows = [line.split() for line in shown.splitlines() if line.count(".") > 4]
    numbers = [[cell.strip("[,]") for cell in row if "." in cell] for row in rows]
    names = [tuple(cell for cell in row if cell.isalpha()) for row in rows]
    return dict(zip(names, numbers, strict=True))


def test_errors_stand_beside_the_diagonals(
    composed: Compose, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Against its own links, turned and counted from 1, the model makes no error."""
    align(composed("align", f"run={run}", *FILES, "output=out"))
    turned = [" ".join(f"{tgt + 1}-{src + 1}" for src, tgt in links) for links in links_in("out")]
    Path("gold").write_text("".join(f"{line}\n" for line in turned))
    gold = ["gold=gold", "gold_base=1", "gold_order=target-source", "bootstrap.samples=50"]
    capsys.readouterr()
    align(composed("align", f"run={run}", *FILES, *gold))
    rows = rows_of(capsys.readouterr().out)
    assert rows["mean", "same", "both"] == ["0.0", "0.0", "0.0", "100.0", "100.0"]
    assert float(rows["diagonal", "both"][0]) > 0
    align(composed("align", f"run={run}", *FILES, *gold, "every_reading=true"))
    shown = rows_of(capsys.readouterr().out)
    assert set(shown) == {
        *(("mean", step, links) for step in ("same", "next") for links in ("both", "target")),
        *(("diagonal", links) for links in ("both", "target")),
    }


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["source=src"], "say source=FILE with target=FILE, or test=NAME; here is source="),
        (["source=src", "target=tgt", "test=x"], "here is source=, target=, test="),
        (["source=src", "target=src"], "src and src are one file"),
        (["source=src", "target=short"], "short has 1 lines, but src has 6"),
        ([*FILES, "output=tgt"], "tgt would be read and written"),
        ([*FILES, "gold=gold"], "gold has 1 lines for 6 pairs"),
        ([*FILES, "gold=wrong"], "wrong:3: '0-0' links word 0 of the target, whose words"),
        ([*FILES, "every_reading=true"], "say gold=FILE"),
        ([*FILES, "importance=3"], "importance=3 needs figures=FILE"),
        ([*FILES, "figures=src"], "src would be read and written"),
        ([*FILES, "layer=2"], "layer=2, but the decoder has 1"),
        ([*FILES, "step=last"], "step"),
        ([*FILES, "links=all"], "links"),
        ([*FILES, "layer=0"], "layer"),
    ],
)
def test_what_is_wrong_is_said(composed: Compose, run: Path, options: list[str], said: str) -> None:
    Path("short").write_text("un\n")
    Path("gold").write_text("0-0\n")
    Path("wrong").write_text("0-0\n\n0-0\n\n\n\n")
    with pytest.raises(ValueError, match=said):
        align(composed("align", f"run={run}", *options))
    assert Path("tgt").read_text().startswith("le chat")


def test_a_model_without_attention_is_refused(
    composed: Compose, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def attend_pairs(*_: object) -> None:
        raise NoAlignment("its context is FixedContext")

    monkeypatch.setattr(Translator, "attend_pairs", attend_pairs)
    with pytest.raises(ValueError, match="run cannot align words: its context is FixedContext"):
        align(composed("align", f"run={run}", *FILES))


def test_figures_of_each_pair_are_written_and_summed_up(
    composed: Compose, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    align(composed("align", f"run={run}", *FILES, "output=out"))
    options = ["figures=figures.jsonl", "importance=9", "gold=out", "edges=[2]"]
    align(composed("align", f"run={run}", *FILES, *options))
    rows = [json.loads(line) for line in Path("figures.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row["src_words"] for row in rows] == [3, 0, 2, 0, 1, 3]
    assert ["entropy" in row for row in rows] == [True, False, False, False, True, True]
    assert ["agreement" in row for row in rows] == [True, *[False] * 4, True]  # of several words
    assert all("links" in row for row in rows)
    assert not any(word in Path("figures.jsonl").read_text() for word in ("cat", "chat"))
    shown = capsys.readouterr().out
    line = next(line for line in shown.splitlines() if line.startswith("2+"))
    assert line.split()[1] == "2"  # the pairs of two words and more with both sides
    assert line.split()[-1] == "0.0"


def test_importance_is_what_leaving_out_a_word_changes(run: Path) -> None:
    translator = Translator.load(run, device="cpu", precision="fp32")
    (pair,) = translator.attend_pairs([("the cat sat", "le chat")])
    found = translator.word_importance(pair)
    assert found.shape == (2, 3)
    whole, without = translator.score_pairs([("the cat sat", "le chat"), ("the sat", "le chat")])
    tgt = translator.tokenizer.encode_tgt(["le chat"])[0]
    values = [
        token_log_probs(translator.model, [(translator.tokenizer.encode_src([text])[0], tgt)])[0]
        for text in ("the cat sat", "the sat")
    ]
    assert sum(values[0]) == pytest.approx(whole.log_prob, abs=1e-4)
    assert sum(values[1]) == pytest.approx(without.log_prob, abs=1e-4)
    fallen = torch.tensor(values[0]) - torch.tensor(values[1])
    of_words = pair.target.shares.to_dense() @ fallen[:-1]
    torch.testing.assert_close(found[:, 1], of_words, atol=1e-4, rtol=1e-3)


def test_a_pair_is_drawn(composed: Compose, run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    paths = "heat_map=[map.svg,map.png,map.json]"
    align(composed("align", f"run={run}", *FILES, paths, "line=5"))
    assert capfd.readouterr().out == ""
    shown = HeatMap.read(Path("map.json"))
    assert (shown.source, shown.target) == (["home"], ["un", "chien", "rentre"])
    assert shown.weights.shape == (4, 2)
    assert Path("map.png").read_bytes().startswith(b"\x89PNG")
    for options, said in (
        (["heat_map=map.gif"], "heat_map=map.gif ends in none of"),
        (["heat_map=map.svg", "line=7"], "line=7, but there are 6 pairs"),
        (["heat_map=map.svg", "line=2"], "line=2 is blank on one side"),
        (["heat_map=map.svg", "line=0"], "line"),
    ):
        with pytest.raises(ValueError, match=said):
            align(composed("align", f"run={run}", *FILES, *options))
