"""Files are written whole or not at all, and nothing but a file is ever replaced."""

import errno
import os
import re
from pathlib import Path

import pytest

from nmt.files import NO_ROOM, check_file_writable, named, replace_files, replace_text


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_all_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    replace_files({tmp_path / name: name.encode() for name in "ab"})
    assert [(tmp_path / name).read_text() for name in names(tmp_path)] == ["a", "b"]


def test_a_full_disk_leaves_all_as_they_were_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "ab":
        (tmp_path / name).write_text("old")
    calls = iter([None, OSError(errno.ENOSPC, "No space left on device")])

    def fsync(descriptor: int) -> None:
        if error := next(calls):
            raise error

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="No space left") as raised:
        replace_files({tmp_path / name: b"new" for name in "ab"})
    assert raised.value.filename == str(tmp_path / "b")
    assert [(tmp_path / name).read_text() for name in names(tmp_path)] == ["old", "old"]


@pytest.mark.parametrize("kind", ["link", "ring", "directory", "pipe"])
def test_what_is_no_file_is_refused_and_stays(tmp_path: Path, kind: str) -> None:
    """As root, a drawing once took the place of /dev/full."""
    place, precious = tmp_path / "place", tmp_path / "precious"
    precious.write_text("precious")
    if kind == "directory":
        place.mkdir()
    elif kind == "pipe":
        if not hasattr(os, "mkfifo"):
            pytest.skip("no pipes with names on this system")
        os.mkfifo(place)
    else:
        place.symlink_to({"link": precious, "ring": place}[kind])
    before = os.lstat(place)
    for attempt in (
        lambda: replace_text(place, "new"),
        lambda: check_file_writable(place, "figures"),
    ):
        with pytest.raises(FileExistsError, match=f"{re.escape(str(place))} is "):
            attempt()
    assert os.path.samestat(before, os.lstat(place))
    assert precious.read_text() == "precious"
    assert names(tmp_path) == ["place", "precious"]


def test_nothing_is_written_through_a_link_that_a_stranger_laid(tmp_path: Path) -> None:
    """Of the name that a file has until it is whole."""
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "result.tmp").symlink_to(tmp_path / "precious")
    replace_text(tmp_path / "result", "new")
    assert (tmp_path / "precious").read_text() == "precious"
    assert names(tmp_path) == ["precious", "result"]


@pytest.mark.parametrize("number", NO_ROOM)
def test_a_full_disk_is_named_whatever_the_library_says(number: int, tmp_path: Path) -> None:
    for error in (OSError(number, "x"), OSError(number, "x", "what was copied")):
        with pytest.raises(OSError, match="x") as raised, named(tmp_path):
            raise error
        assert raised.value.filename == str(tmp_path)
    with pytest.raises(FileNotFoundError) as raised, named(tmp_path):
        raise FileNotFoundError(errno.ENOENT, "x", "another")
    assert raised.value.filename == "another"
