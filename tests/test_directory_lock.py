"""One process holds a directory; a dead one holds nothing; nothing else is written through it."""

import errno
import os
import re
from datetime import datetime
from pathlib import Path

import pytest

from nmt.directory_lock import LOCK, locked


def test_it_says_who_holds_the_directory_and_since_when(tmp_path: Path) -> None:
    with (
        locked(tmp_path),
        pytest.raises(ValueError, match="is held by") as raised,
        locked(tmp_path),
    ):
        pass
    found = re.search(rf"process {os.getpid()} on \S+ since (.*), which trains", str(raised.value))
    assert found
    age = datetime.now().astimezone() - datetime.fromisoformat(found[1])
    assert 0 <= age.total_seconds() < 60
    assert not (tmp_path / LOCK).exists()


def test_what_a_dead_process_left_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text("process 1 on elsewhere since 2001-01-01 00:00:00+00:00, longer")
    with locked(tmp_path):
        assert "elsewhere" not in (tmp_path / LOCK).read_text()


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="there such links need a privilege")
def test_a_link_in_its_place_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / LOCK).symlink_to(tmp_path / "mine")
    with pytest.raises(OSError, match="lock"), locked(tmp_path / "run"):
        pass
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_disk_without_locks_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("nmt.directory_lock.lock_file", refuse)
    with locked(tmp_path):
        assert "no lock" in caplog.text
        assert "let no other process train there" in caplog.text
