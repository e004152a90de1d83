"""An entry is whole or it is made again, whoever else is at it."""

import errno
import os
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from nmt.disk_cache import DiskCache, default_place, is_whole


def writes(text: str, made: list[str] | None = None) -> Callable[[Path], None]:
    def build(directory: Path) -> None:
        if made is not None:
            made.append(text)
        (directory / "one").write_text(text)
        (directory / "two").write_text(text * 100)

    return build


def entries(cache: DiskCache) -> list[str]:
    return sorted(path.name for path in cache.place.iterdir())


@pytest.fixture
def cache(tmp_path: Path) -> DiskCache:
    return DiskCache(tmp_path / "cache")


def test_an_entry_is_made_once_for_a_key(cache: DiskCache) -> None:
    made: list[str] = []
    paths = [cache.entry("x", {"a": [1, "ä"]}, writes("first", made)) for _ in range(3)]
    assert made == ["first"] and len(set(paths)) == 1
    assert (paths[0] / "one").read_text() == "first"
    other = cache.entry("x", {"a": [1, "b"]}, writes("other", made))
    assert made == ["first", "other"] and (other / "one").read_text() == "other"
    assert entries(cache) == sorted([paths[0].name, other.name])


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, MemoryError])
def test_what_fails_leaves_nothing(cache: DiskCache, error: type[BaseException]) -> None:
    def build(directory: Path) -> None:
        writes("half")(directory)
        raise error

    with pytest.raises(error):
        cache.entry("x", {}, build)
    assert entries(cache) == []
    assert (cache.entry("x", {}, writes("whole")) / "one").read_text() == "whole"


def flip(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: flip(entry / "two"),
        lambda entry: (entry / "two").write_text(""),
        lambda entry: (entry / "two").unlink(),
        lambda entry: (entry / "entry.json").unlink(),
        lambda entry: (entry / "entry.json").write_text("[]"),
        lambda entry: (entry / "entry.json").write_text('{"files": {}}'),
    ],
)
def test_what_is_damaged_is_made_again(
    cache: DiskCache, damage: Callable[[Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    entry = cache.entry("x", {}, writes("text"))
    damage(entry)
    assert cache.entry("x", {}, writes("text")) == entry
    assert (entry / "two").read_text() == "text" * 100
    assert "is damaged: it is made again" in caplog.text
    assert entries(cache) == [entry.name]


def test_of_several_writers_one_wins(cache: DiskCache) -> None:
    barrier = threading.Barrier(4)

    def build(directory: Path) -> None:
        barrier.wait(timeout=10)  # all of them are at it
        writes("text")(directory)

    found: list[Path] = []
    threads = [
        threading.Thread(target=lambda: found.append(cache.entry("x", {}, build))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and len(set(found)) == 1
    assert (found[0] / "one").read_text() == "text"
    assert entries(cache) == [found[0].name]


def test_what_another_program_left_damaged_meanwhile_gives_way(cache: DiskCache) -> None:
    entry = cache.entry("x", {}, writes("text"))
    shutil.rmtree(entry)

    def build(directory: Path) -> None:
        writes("text")(directory)
        entry.mkdir()
        (entry / "one").write_text("half")

    assert cache.entry("x", {}, build) == entry
    assert (entry / "one").read_text() == "text"
    assert entries(cache) == [entry.name]


def test_a_whole_entry_of_another_program_is_never_deleted(
    cache: DiskCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be published just after this program saw that what was there is damaged."""
    entry = cache.entry("x", {}, writes("text"))
    whole = cache.place / "whole"
    shutil.copytree(entry, whole)
    flip(entry / "two")
    inode = whole.stat().st_ino
    looks: list[Path] = []

    def look(path: Path) -> bool:
        found = is_whole(path)
        looks.append(path)
        if len(looks) == 2:  # the first was before building
            assert not found
            shutil.rmtree(entry)
            whole.rename(entry)
        return found

    monkeypatch.setattr("nmt.disk_cache.is_whole", look)
    assert cache.entry("x", {}, writes("text")) == entry
    assert entry.stat().st_ino == inode
    assert entries(cache) == [entry.name]


def test_scratch_is_gone_in_the_end(cache: DiskCache) -> None:
    with cache.scratch() as directory:
        (directory / "file").touch()
    assert entries(cache) == []


def test_what_was_killed_long_ago_is_swept_away(cache: DiskCache) -> None:
    for name, age in {"tmp-old": 8 * 86400, "tmp-new": 3600, "text-old": 8 * 86400}.items():
        (cache.place / name).mkdir(parents=True)
        (cache.place / name / "file").touch()
        for path in (cache.place / name / "file", cache.place / name):
            stat = path.stat()
            os.utime(path, (stat.st_atime, stat.st_mtime - age))
    with cache.scratch():
        pass
    assert entries(cache) == ["text-old", "tmp-new"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"cannot write .*file.*place=.*NMT_CACHE"):
        DiskCache(tmp_path / "file").entry("x", {}, writes("text"))


def test_a_full_disk_is_explained(cache: DiskCache) -> None:
    def build(directory: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match=r"No space left on device.*place="):
        cache.entry("x", {}, build)
    assert entries(cache) == []


def test_an_unreadable_corpus_is_not_taken_for_a_full_cache(cache: DiskCache) -> None:
    def build(directory: Path) -> None:
        raise FileNotFoundError("no such file: train.de")

    with pytest.raises(FileNotFoundError, match=r"^no such file: train\.de$"):
        cache.entry("x", {}, build)


def test_where_it_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NMT_CACHE", "~/a")
    assert default_place() == Path.home() / "a"
    monkeypatch.delenv("NMT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/b")
    assert default_place() == Path("/b/nmt")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_place() == Path.home() / ".cache/nmt"


def test_what_a_killed_program_left_is_gone_at_the_next_start(cache: DiskCache) -> None:
    """Not what one that is alive works on."""
    if not hasattr(os, "fork"):
        pytest.skip("no fork on this system")
    process = os.fork()
    if not process:
        with cache.scratch() as directory:
            (directory / "half").touch()
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(process, 0)
    assert len(entries(cache)) == 1
    with cache.scratch() as mine:
        assert entries(cache) == [mine.name]
        cache.sweep()
        assert mine.exists()


def test_what_is_kept_is_counted_and_cleared(cache: DiskCache) -> None:
    paths = [cache.entry(kind, {}, writes("text")) for kind in ("text", "ids")]
    (cache.place / "mine").mkdir()
    sizes = dict(cache.entries())
    assert set(sizes) == set(paths) and all(size > 404 for size in sizes.values())
    with cache.scratch():
        assert cache.clear() == sum(sizes.values())
        assert len(entries(cache)) == 2  # the scratch, and what is none of ours
    assert entries(cache) == ["mine"]
