"""A checkpoint is data: what stands in it runs nothing, takes little memory, and is refused in one
line that names it."""

import json
import pickle
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from nmt.files import sha256_file
from nmt.training.checkpoint_file import MOST_STRUCTURE, read_state
from nmt.training.signals import StopRequest
from tests.training.test_trainer import SETTINGS, make_trainer

Change = Callable[[Path], None]


class Payload:
    def __reduce__(self) -> Any:
        return Path.touch, (Path("payload-ran"),)


def repacked(
    change: Callable[[str, bytes], bytes], compression: int = zipfile.ZIP_STORED, times: int = 1
) -> Change:
    """The same archive with changed parts."""

    def spoil(path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            parts = {part.filename: archive.read(part) for part in archive.infolist()}
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, content in parts.items():
                for number in range(times):
                    archive.writestr(name + "x" * number, change(name, content))

    return spoil


def with_pickle(content: bytes) -> Change:
    return repacked(lambda name, old: content if name.endswith("data.pkl") else old)


def saved(**fields: Any) -> Change:
    """The state with other fields."""

    def spoil(path: Path) -> None:
        state = torch.load(path, weights_only=True)
        for name, value in fields.items():
            state[name] = value(state[name]) if callable(value) else value
        torch.save(state, path)

    return spoil


def bomb() -> Any:
    """Thirty lists, each of which holds the one before twice."""
    value: Any = ["x"]
    for _ in range(30):
        value = [value, value]
    return value


def nested() -> bytes:
    return b"\x80\x02" + b"]" * 5000 + b"a" * 4999 + b"."


def with_extra(**values: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda old: old | values


SPOILED: dict[str, tuple[Change, str]] = {
    "nothing": (lambda path: path.write_bytes(b"") and None, "no file of torch.save"),
    "half": (lambda p: p.write_bytes(p.read_bytes()[:3000]) and None, "no file of torch.save"),
    "bytes before": (lambda p: p.write_bytes(b"x" * 99 + p.read_bytes()) and None, "damaged"),
    "pickle": (lambda p: p.write_bytes(pickle.dumps(Payload())) and None, "no file of torch.save"),
    "pickle inside": (with_pickle(pickle.dumps(Payload(), 2)), "damaged"),
    "cut pickle": (with_pickle(b"\x80\x02}q"), "damaged"),
    "long pickle": (with_pickle(b"\x80\x02" + b"N0" * MOST_STRUCTURE + b"N."), "too long"),
    "no mapping": (with_pickle(b"\x80\x02]."), "no mapping"),
    "nested": (with_pickle(nested()), "damaged"),
    "compressed": (repacked(lambda _, old: old, zipfile.ZIP_DEFLATED), "it is compressed"),
    "tensor cut": (repacked(lambda name, old: old[:8] if "/data/" in name else old), "damaged"),
    "bomb": (saved(logs=bomb()), "repeats its parts"),
    "bomb of mappings": (saved(optimizer=with_extra(x=bomb())), "repeats its parts"),
    "tensor larger than its memory": (
        saved(pending=torch.zeros(1).expand(10**12)),
        "larger than its memory",
    ),
    "sparse tensor": (saved(pending=torch.zeros(3).to_sparse()), "not plain"),
    "pending of another size": (saved(pending=torch.zeros(5)), "damaged"),
    "no weights": (saved(model={}), "hold this model's weights"),
    "weights of another size": (
        saved(model=lambda old: {name: torch.zeros(2, 2) for name in old}),
        "the model has",
    ),
    "NaN": (
        saved(model=lambda old: {name: each * torch.nan for name, each in old.items()}),
        "holds NaN",
    ),
    "optimizer": (saved(optimizer={"state": 1}), "damaged"),
    "optimizer of another size": (
        saved(
            optimizer=lambda old: (
                old
                | {"state": {n: {k: torch.zeros(7) for k in s} for n, s in old["state"].items()}}
            )
        ),
        "other shapes",
    ),
    "state lacks all": (saved(train_state={}), "damaged"),
    "step in words": (saved(train_state=with_extra(step="five")), "step must be"),
    "step below nothing": (saved(train_state=with_extra(step=-5)), "step must be"),
    "step of 2^70": (saved(train_state=with_extra(step=2**70)), "step must be"),
    "unknown field": (saved(train_state=with_extra(bomb=1)), "has no 'bomb'"),
    "random numbers": (saved(random={"cpu": torch.zeros(3)}), "damaged"),
    "logs": (saved(logs={"metrics.jsonl": "long"}), "must be of the type int"),
    "schedule": (saved(schedule=["x"]), "damaged"),
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trained") / "run"
    assert make_trainer(path, SETTINGS).train(StopRequest())
    return path


@pytest.mark.parametrize("name", SPOILED)
def test_it_is_refused_in_one_line(
    name: str, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    shutil.copytree(trained, tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    spoil, message = SPOILED[name]
    manifest = json.loads(Path("run/manifest.json").read_text())
    file = f"{manifest['checkpoint']}/training.pt"
    spoil(Path("run") / file)
    manifest["files"][file] = sha256_file(Path("run") / file)
    Path("run/manifest.json").write_text(json.dumps(manifest))
    started = time.monotonic()
    with pytest.raises(ValueError, match=message) as raised:
        make_trainer(Path("run"), SETTINGS).restore()
    assert time.monotonic() - started < 10
    assert "checkpoints/12" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not Path("payload-ran").exists()


def test_what_training_saved_is_read(trained: Path) -> None:
    state = read_state(trained / "checkpoints/12/training.pt")
    assert state["train_state"]["step"] == 12


def test_logs_are_never_made_longer(tmp_path: Path) -> None:
    """A checkpoint could state that they had a petabyte."""
    trainer = make_trainer(tmp_path / "run", SETTINGS)
    (tmp_path / "run/metrics.jsonl").write_text("{}\n")
    trainer.logs.begin(1, {"metrics.jsonl": 2**50})
    assert (tmp_path / "run/metrics.jsonl").stat().st_size == 3
    trainer.logs.begin(1, {"metrics.jsonl": -1})
    assert (tmp_path / "run/metrics.jsonl").stat().st_size == 0
