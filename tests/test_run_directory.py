import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nmt.files import sha256_file
from nmt.run_directory import RunDirectory


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    run = RunDirectory.create(tmp_path / "runs" / "a")
    run.commit()
    return run


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
    config = {"seed": 1, "data": {"src": ["ä.txt", "b"], "dir": None, "lr": 1e-9, "on": True}}
    run.write_config(config)
    run.commit()
    assert run.config() == config
    assert "!" not in (run.path / run.manifest()["config"]).read_text()


def test_a_config_counts_with_the_commit_that_names_it(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.write_config({"seed": 1})
    run.commit()
    run.write_config({"seed": 2})
    monkeypatch.setattr(run, "_replace_manifest", None)  # killed before the commit
    reopened = RunDirectory.open(run.path)
    assert reopened.config() == {"seed": 1}
    reopened.sweep()
    assert len(list(run.path.glob("config-*.yaml"))) == 1
    reopened.write_config({"seed": 2})
    reopened.commit()
    assert RunDirectory.open(run.path).config() == {"seed": 2}
    assert len(list(run.path.glob("config-*.yaml"))) == 1


@pytest.mark.parametrize("code", ["!!python/object/apply:os.getcwd []", "!!python/name:os.system"])
def test_a_config_runs_no_code(run: RunDirectory, code: str) -> None:
    write(run, "config.yaml", f"model: {code}\n")
    run.commit(config="config.yaml")
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


def test_a_run_begins_with_its_first_commit(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run")
    write(run, "tokenizer.model", "x")
    assert not run.exists()
    run.commit()
    assert RunDirectory.open(run.path).verified("tokenizer.model")


def test_what_died_before_its_first_commit_is_begun_anew(tmp_path: Path) -> None:
    for name in ("tokenizer.model", "config-123.yaml", "tests/a.src", "manifest.json.tmp", "lock"):
        (tmp_path / "run" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "run" / name).touch()
    RunDirectory.create(tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["lock"]


def test_files_without_a_lock_are_the_users(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.model").touch()
    with pytest.raises(FileExistsError, match="is in use"):
        RunDirectory.create(tmp_path)
    (tmp_path / "lock").touch()
    (tmp_path / "notes.txt").touch()
    with pytest.raises(FileExistsError, match="is in use"):
        RunDirectory.create(tmp_path)


def test_what_a_killed_process_left_is_swept_and_nothing_else(run: RunDirectory) -> None:
    write(run, "checkpoints/5/training.pt", "x")
    serve(run)
    run.write_test_set("news", ["a"], ["b"])
    run.commit()
    kept = {path for path in run.path.rglob("*") if path.is_file()}
    mine = {run.path / name for name in ("notes.txt", "evaluation/a/b.json", "tests/mine.txt")}
    left = ("checkpoints/9/training.pt", "checkpoints/7.tmp/x", "model-0.safetensors", "model.tmp")
    for path in (*mine, *(run.path / name for name in left)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    RunDirectory.open(run.path).sweep()
    assert {path for path in run.path.rglob("*") if path.is_file()} == kept | mine
    assert [path.name for path in (run.path / "checkpoints").iterdir()] == ["5"]


def test_one_process_holds_a_run(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "runs" / "a")
    code = "import sys, time; from nmt.run_directory import RunDirectory as Run\n"
    code += f"with Run({str(run.path)!r}).locked(): print(1, flush=True); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert other.stdout is not None and other.stdout.readline() == b"1\n"
    message = rf"is held by process {other.pid} on .*: wait for its end"
    with pytest.raises(ValueError, match=message), run.locked():
        pass
    other.kill()
    other.wait()
    assert (run.path / "lock").exists()  # a file without a lock: nobody holds the run
    with run.locked(), pytest.raises(ValueError, match=f"process {os.getpid()}"), run.locked():
        pass
    assert list(run.path.iterdir()) == []


def test_a_run_is_opened_while_its_files_come_and_go(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training deletes a checkpoint while a translator looks at the directory."""
    (run.path / "checkpoints" / "5").mkdir(parents=True)
    look = os.scandir

    def look_and_delete(path: Any) -> Any:
        if isinstance(path, Path) and path.name == "checkpoints":
            found = list(look(path))
            shutil.rmtree(run.path / "checkpoints")
            return found
        return look(path)

    monkeypatch.setattr("os.scandir", look_and_delete)
    assert RunDirectory.open(run.path).manifest()["files"] == {}


def test_a_run_that_is_let_go_leaves_no_directory(tmp_path: Path) -> None:
    with RunDirectory(tmp_path / "runs" / "a").locked():
        assert (tmp_path / "runs" / "a").is_dir()
    assert list(tmp_path.iterdir()) == []


def test_format_1_is_read_and_format_2_written(run: RunDirectory) -> None:
    search = {"_target_": "nmt.search.sample.SampleSearch", "samples": 2}
    write(run, "config.yaml", json.dumps({"search": search, "seed": 1}))
    run.commit()
    changed = {k: v for k, v in run.manifest().items() if k != "config"} | {"format_version": 1}
    (run.path / "manifest.json").write_text(json.dumps(changed))
    old = RunDirectory.open(run.path)
    config = old.config()
    assert config["search"]["_target_"] == "nmt.search.sampling.SampleSearch"
    assert old.manifest()["format_version"] == 1
    old.write_config(config)
    old.commit()
    assert old.manifest()["format_version"] == 2
    assert not (run.path / "config.yaml").exists()
    assert RunDirectory.open(run.path).config() == config


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
