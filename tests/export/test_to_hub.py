import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from nmt.commands.evaluate import main as evaluate
from nmt.commands.export import main as export
from nmt.hub_runs import check_name, local_run
from nmt.run_directory import RunDirectory
from nmt.search.greedy import GreedySearch
from nmt.translator import Translator
from tests.export.fake_hub import TOKEN, Hub, serving
from tests.runs import untrained_run

NAME = "me/en-fr.small"
Compose = Callable[..., Any]


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving() as hub:
        yield hub


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return untrained_run(tmp_path / "run")


def process(code: str, at: Path, hub: Hub | None, token: str = TOKEN) -> tuple[int, str]:
    """What Python code ends with in a process that knows the hub from its start, and says."""
    settings = {
        "HF_ENDPOINT": hub.address if hub else "http://127.0.0.1:9",
        "HF_HUB_DISABLE_XET": "1",
        "HF_HOME": str(at / "hf"),
        "HF_TOKEN": token,
        "HYDRA_FULL_ERROR": "0",
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=at,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def command(name: str, *options: str) -> str:
    """Code that runs a command."""
    arguments = [f"nmt-{name}", *options]
    start = f"from nmt.commands import launch_{name} as launch"
    return f"import sys; sys.argv = {arguments}; {start}; launch()"


UPLOAD = command("export", "run=run", "format=hub", f"repo={NAME}", "license=mit")
LOAD = f"""\
from nmt.run_directory import RunDirectory
print(RunDirectory.open("hub:{NAME}").serving().name)
"""
TRANSLATE = f"""\
from nmt import Translator
from nmt.search.greedy import GreedySearch
options = {{"device": "cpu", "precision": "fp32"}}
made = Translator.load("hub:{NAME}", search=GreedySearch(), **options)
print(made.translate(["the cat sat"])[0].text.encode())
"""

SERVE = f"""\
from nmt.server.served_runs import ServedRuns
(run,) = ServedRuns.load(["hub:{NAME}"]).all
print(run.name, run.source, run.target)
"""


@pytest.mark.slow
def test_a_run_is_uploaded_and_translates_from_there(hub: Hub, run: Path, tmp_path: Path) -> None:
    (run / "secret.txt").write_text("of nobody's business")
    code, said = process(UPLOAD, tmp_path, hub)
    assert code == 0, said
    files = hub.repositories[NAME]
    assert {name.partition("-")[0] for name in files} == {
        *("README.md", "manifest.json", "config", "tokenizer.model", "model"),
    }
    assert NAME in hub.private
    ours = Translator.load(run, search=GreedySearch(), device="cpu", precision="fp32")
    text = ours.translate(["the cat sat"])[0].text
    assert process(TRANSLATE, tmp_path, hub) == (0, f"{text.encode()}\n")
    code, said = process(SERVE, tmp_path, hub)
    assert (code, said.splitlines()[-1]) == (0, "en-fr.small en fr"), said
    copy = tmp_path / "hf" / "nmt" / NAME
    assert copy.is_dir() and not any(path.is_symlink() for path in copy.rglob("*"))
    (weights,) = (name for name in files if name.endswith(".safetensors"))
    code, said = process(LOAD, tmp_path, None)  # what was downloaded serves, with a word of warning
    assert code == 0 and said.startswith(weights) and "cannot be accessed" in said


@pytest.mark.slow
def test_what_was_altered_on_the_hub_is_refused_until_it_is_uploaded_anew(
    hub: Hub, run: Path, tmp_path: Path
) -> None:
    assert process(UPLOAD, tmp_path, hub)[0] == 0
    files = hub.repositories[NAME]
    (weights,) = (name for name in files if name.endswith(".safetensors"))
    files[weights] = files[weights][:-1] + b"\x01"
    code, said = process(LOAD, tmp_path, hub)
    assert code == 1 and "its sha256 is not the one in" in said
    code, said = process(UPLOAD, tmp_path, hub)
    assert code == 0, said
    assert process(LOAD, tmp_path, hub) == (0, f"{weights}\n")


@pytest.mark.slow
def test_who_may_not_and_what_is_not_there(hub: Hub, run: Path, tmp_path: Path) -> None:
    code, said = process(LOAD, tmp_path, hub)
    assert code == 1 and "no such repository" in said and "hf auth login" in said
    code, said = process(LOAD, tmp_path, None)
    assert code == 1 and "the hub cannot be reached: check the network" in said
    code, said = process(UPLOAD, tmp_path, hub, token="hf_of_somebody_else")
    assert code == 2 and said.startswith("error: ") and said.count("\n") == 1
    assert "token" in said and hub.commits == 0
    code, said = process(UPLOAD, tmp_path, hub, token="")
    assert code == 2 and "no token is known: `hf auth login`" in said


def test_what_would_be_uploaded_is_a_run_with_a_card(
    run: Path, composed: Compose, tmp_path: Path
) -> None:
    opened = RunDirectory.open(run)
    config = opened.config()
    config["data"] |= {"train": {"src": "/home/me/a.en"}, "columns": ["/home/me"]}
    opened.write_config(config)
    corpora = {"train": {"src": "1" * 64, "tgt": "2" * 64}}
    opened.commit(corpora=corpora, cleaning={"total": 1200, "kept": 1100}, parameters=5)
    pairs = {"source": "a b\nc d\n", "reference": "e f\ng h\n"}
    for name, text in pairs.items():
        (tmp_path / name).write_text(text)
    options = ["run=run", "device=cpu", "search.max_length=0.5", "bootstrap.samples=10"]
    evaluate(composed("evaluate", *options, "source=source", "reference=reference"))
    export(composed("export", "run=run", "format=hub", "output=card", "license=cc-by-4.0"))
    _, header, text = (tmp_path / "card" / "README.md").read_text("utf-8").split("---\n", 2)
    values = yaml.safe_load(header)
    assert values["license"] == "cc-by-4.0" and values["language"] == ["en", "fr"]
    results = values["model-index"][0]["results"][0]
    assert {metric["type"] for metric in results["metrics"]} == {"bleu", "chrf"}
    for part in (
        "nrefs:1|case:mixed",
        "1,100 pairs of 1,200",
        "1" * 64,
        "hit_limit",
        "LSTMSeq2Seq",
    ):
        assert part in text.replace("\\", "")
    everything = b"".join(path.read_bytes() for path in (tmp_path / "card").iterdir())
    assert b"/home/me" not in everything
    manifest = json.loads((tmp_path / "card" / "manifest.json").read_text())
    assert manifest["checkpoint"] is None and len(manifest["files"]) == 3
    assert Translator.load(tmp_path / "card", device="cpu").src_lang == "en"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["repo=me/x"], "needs license="),
        (["license=mit"], "needs repo=OWNER/NAME to upload to, or output=DIR"),
        (["license=mit", "repo=me/x", "output=out"], "and not both"),
        (["license=mit", "repo=me"], "'me' is no repository of the hub: it is written OWNER/NAME"),
        (["license=mit", "repo=me/x", "run=[run,run]"], "uploads one run, and run= names 2"),
    ],
)
def test_mistakes_are_named(options: list[str], said: str, run: Path, composed: Compose) -> None:
    with pytest.raises(ValueError, match=said):
        export(composed("export", f"run={run}", "format=hub", *options))


@pytest.mark.parametrize("name", ["", "me", "me/", "/x", "me/x/y", "me/..", "../x", "me/a b"])
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no repository of the hub"):
        check_name(name)
    with pytest.raises(ValueError, match="is no repository of the hub"):
        local_run(f"hub:{name}")


def test_a_result_of_a_run_on_the_hub_needs_a_place(
    run: Path, composed: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nmt.run_directory.local_run", lambda _: run)
    options = [f"run=hub:{NAME}", "source=a", "reference=b"]
    with pytest.raises(ValueError, match="or of one on the hub, needs output=DIR"):
        evaluate(composed("evaluate", *options))
