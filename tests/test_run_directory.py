import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from nmt.files import sha256_file
from nmt.run_directory import RunDirectory


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory.create(tmp_path / "runs" / "a")


def write(run: RunDirectory, name: str, content: str) -> None:
    path = run.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    run.add_file(name)


def serve(run: RunDirectory, name: str = "model-1.safetensors") -> None:
    write(run, name, "weights")
    run.commit(serving=name)


def test_sha256_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    assert sha256_file(tmp_path / "file").startswith("ba7816bf8f01cfea414140de5dae2223")


def test_a_commit_changes_what_it_is_told(run: RunDirectory) -> None:
    run.commit(parameters=5, training={"steps": 1})
    run.commit(training={"steps": 2})
    manifest = RunDirectory.open(run.path).manifest()
    assert (manifest["parameters"], manifest["training"]) == (5, {"steps": 2})


def test_files_count_once_they_are_committed(run: RunDirectory) -> None:
    write(run, "checkpoints/5/state", "x")
    with pytest.raises(ValueError, match="not recorded"):
        run.verified("checkpoints/5/state")
    run.commit()
    assert run.verified("checkpoints/5/state").read_text() == "x"


def test_what_is_dropped_goes_after_the_commit(run: RunDirectory) -> None:
    for name in ("checkpoints/5/state", "checkpoints/50/state", "model"):
        write(run, name, name)
    run.commit()
    run.drop("checkpoints/5")
    run.drop("model")
    assert (run.path / "checkpoints/5/state").exists()
    run.commit()
    assert list(run.manifest()["files"]) == ["checkpoints/50/state"]
    assert not (run.path / "checkpoints/5").exists()
    assert not (run.path / "model").exists()
    assert run.verified("checkpoints/50/state").exists()


def test_a_crash_before_the_commit_leaves_the_old_state(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(run, "old")
    before = run.manifest()
    write(run, "new", "weights")
    run.drop("old")

    def crash(*paths: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", crash)
    with pytest.raises(KeyboardInterrupt):
        run.commit(serving="new")
    reopened = RunDirectory.open(run.path)
    assert reopened.manifest() == before
    assert reopened.serving().read_text() == "weights"


def test_can_be_moved(run: RunDirectory, tmp_path: Path) -> None:
    run.write_config({"seed": 1})
    serve(run)
    moved = Path(shutil.move(run.path, tmp_path / "elsewhere"))
    assert RunDirectory.open(moved).serving() == moved / "model-1.safetensors"
    assert RunDirectory.open(moved).config() == {"seed": 1}


def test_the_config_is_plain_yaml_and_comes_back(run: RunDirectory) -> None:
    config = {"seed": 1, "data": {"src": ["ä.txt", "b"], "dir": None}, "lr": 1e-9, "on": True}
    run.write_config(config)
    run.commit()
    assert run.config() == config
    assert "!" not in (run.path / "config.yaml").read_text()


@pytest.mark.parametrize("code", ["!!python/object/apply:os.getcwd []", "!!python/name:os.system"])
def test_a_config_runs_no_code(run: RunDirectory, code: str) -> None:
    write(run, "config.yaml", f"model: {code}\n")
    run.commit()
    with pytest.raises(ValueError, match=r"config\.yaml"):
        run.config()


def test_a_flipped_byte_is_found(run: RunDirectory) -> None:
    serve(run)
    path = run.serving()
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])
    with pytest.raises(ValueError, match=r"model-1\.safetensors is damaged or was changed"):
        run.serving()


def test_a_missing_file_is_named(run: RunDirectory) -> None:
    serve(run)
    run.serving().unlink()
    with pytest.raises(FileNotFoundError, match=r"model-1\.safetensors is missing"):
        run.serving()


def test_without_a_model_it_says_how_to_get_one(run: RunDirectory) -> None:
    with pytest.raises(ValueError, match=r"no trained model yet.*resume=auto"):
        run.serving()


def test_a_run_is_never_begun_over_another(run: RunDirectory) -> None:
    with pytest.raises(FileExistsError, match=r"already holds a run.*resume=auto.*run="):
        RunDirectory.create(run.path)


def test_a_run_is_never_begun_among_other_files(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    for path in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(FileExistsError, match="is in use"):
            RunDirectory.create(path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_what_is_no_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such run directory"):
        RunDirectory.open(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="is not a run directory"):
        RunDirectory.open(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format_version": 1, "files": []}'])
def test_a_damaged_manifest_is_named(run: RunDirectory, content: str) -> None:
    (run.path / "manifest.json").write_text(content)
    with pytest.raises(ValueError, match=r"manifest\.json is damaged"):
        RunDirectory.open(run.path)


def test_another_format_is_not_guessed_at(run: RunDirectory) -> None:
    changed = {**run.manifest(), "format_version": 99}
    (run.path / "manifest.json").write_text(json.dumps(changed))
    with pytest.raises(ValueError, match="format_version 99"):
        RunDirectory.open(run.path)


@pytest.mark.parametrize("name", ["../outside", "/etc/hosts", "a/../../outside", "", "."])
def test_a_manifest_cannot_lead_out_of_its_run(run: RunDirectory, name: str) -> None:
    changed: dict[str, Any] = {**run.manifest(), "serving": name or ".", "files": {name: "0"}}
    (run.path / "manifest.json").write_text(json.dumps(changed))
    with pytest.raises(ValueError, match="does not name a file in the run"):
        run.verified(name)
    with pytest.raises(ValueError, match="does not name a file in the run"):
        run.drop(name)


def test_a_test_set_comes_back_exactly(run: RunDirectory, tmp_path: Path) -> None:
    src = ["\ufeffone", "", "two\u2028still two", "three\r", "four\r\x0c\x85 four", " \t"]
    run.write_test_set("news", src, src[::-1])
    run.write_test_set("empty", [], [])
    run.commit()
    moved = RunDirectory.open(shutil.move(run.path, tmp_path / "elsewhere"))
    assert moved.test_sets() == ["news", "empty"]
    assert moved.test_set("news") == (src, src[::-1])
    assert moved.test_set("empty") == ([], [])


def test_which_test_sets_there_are_is_told(run: RunDirectory) -> None:
    with pytest.raises(ValueError, match=r"test sets \(none\), not news; .*source="):
        run.test_set("news")
    run.write_test_set("old", ["a"], ["b"])
    run.commit()
    with pytest.raises(ValueError, match="test sets old, not news"):
        run.test_set("news")


def test_a_changed_test_set_is_found(run: RunDirectory) -> None:
    run.write_test_set("news", ["a"], ["b"])
    run.commit()
    (run.path / "tests/news.tgt").write_text("c\n")
    with pytest.raises(ValueError, match=r"news\.tgt is damaged or was changed"):
        run.test_set("news")


@pytest.mark.parametrize("name", ["a/b", "..", "", ".hidden", "-x", "a b"])
def test_a_test_set_has_a_plain_name(run: RunDirectory, name: str) -> None:
    with pytest.raises(ValueError, match=r"tests\."):
        run.write_test_set(name, ["a"], ["b"])
