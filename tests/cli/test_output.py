import errno
import os
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from nmt.cli.streams import Done, Output, open_lines, open_output, refuse_same_file, whole_lines
from tests.console import needs_dev_full


class Breaking(FileIO):
    """Takes so many bytes, a few at a time, and then breaks."""

    def __init__(self, path: Path, room: int, error: BaseException) -> None:
        super().__init__(path, "w")
        self.room, self.error = room, error

    def write(self, data: Any, /) -> int:
        part = bytes(data)[: min(3, self.room)]
        if not part:
            raise self.error
        self.room -= len(part)
        return super().write(part)


LINES = ["eins", "", "dr\u00e4i", "vier"]
TEXT = "eins\n\ndr\u00e4i\nvier\n".encode()


def test_a_line_each_in_parts_if_need_be(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with Breaking(path, 1000, OSError()) as file:
        output = Output(file, "out", keep=0)
        output.write(LINES[:2])
        assert path.read_bytes() == b"eins\n\n"
        output.write(LINES[2:])
    assert path.read_bytes() == TEXT


@pytest.mark.parametrize("room", range(len(TEXT)))
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
def test_what_breaks_off_leaves_whole_lines(
    tmp_path: Path, room: int, error: BaseException
) -> None:
    path = tmp_path / "out"
    with Breaking(path, room, error) as file:
        output = Output(file, "out", keep=0)
        output.write([])
        with pytest.raises(type(error)) as raised:
            output.write(LINES)
    assert path.read_bytes() == TEXT[: TEXT.rfind(b"\n", 0, room) + 1]
    assert getattr(raised.value, "filename", "out") == "out"


def test_a_file_is_replaced_or_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old line\nhalf a li")
    with open_output(str(path), whole_lines(str(path))) as output:
        output.write(["new"])
    assert path.read_bytes() == b"old line\nnew\n"
    with open_output(str(path)) as output:
        output.write(["alone"])
    assert path.read_bytes() == b"alone\n"


def test_a_mistake_before_the_first_line_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"precious\n")
    with pytest.raises(ValueError, match="mistake"), open_output(str(path)):
        raise ValueError("mistake")
    assert path.read_bytes() == b"precious\n"
    with open_output(str(path)):
        pass
    assert path.read_bytes() == b""


def test_standard_output_keeps_what_was_there(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    print("before")
    with open_output(None) as output:
        output.write(["\u00e9"])
        assert capfdbinary.readouterr().out == "before\n\u00e9\n".encode()
    print("after", flush=True)
    assert capfdbinary.readouterr().out == b"after\n"


def test_whole_lines_are_counted(tmp_path: Path) -> None:
    path, choose = tmp_path / "out", random.Random(0)
    for size in range(60):
        data = bytes(choose.choices(b"ab\n", weights=[9, 9, 2], k=size))
        path.write_bytes(data)
        whole = data[: data.rfind(b"\n") + 1]
        last = whole.split(b"\n")[-2] if whole else b""
        assert whole_lines(str(path)) == Done(whole.count(b"\n"), len(whole), last)
    assert whole_lines(str(tmp_path / "nothing")) is None


def test_two_do_not_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with open_output(str(path)) as output:
        output.write(["mine"])
        said = re.escape(f"another process writes to {path}: wait for its end, or name another")
        with pytest.raises(ValueError, match=said), open_output(str(path)):
            pass
    assert path.read_text() == "mine\n"
    with open_output(str(path)) as output:
        output.write(["next"])


def test_what_is_no_file_cannot_go_on(tmp_path: Path) -> None:
    for path in (str(tmp_path), os.devnull):
        with pytest.raises(ValueError, match=f"output={path} is none"):
            whole_lines(path)


def test_what_is_still_to_be_read_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_text("text\n")
    (tmp_path / "link").symlink_to(path)
    with open_lines(str(path)) as lines:
        refuse_same_file(None, lines)
        refuse_same_file(str(tmp_path / "new"), lines)
        refuse_same_file(os.devnull, lines)
        with pytest.raises(ValueError, match="link would be read and written at once"):
            refuse_same_file(str(tmp_path / "link"), lines)


@contextmanager
def nobody() -> Iterator[None]:
    """Without the rights of the superuser, if this is the superuser."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no such rights on this system")
def test_what_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("locked").write_text("precious\n")
    Path("locked").chmod(0o444)
    tmp_path.chmod(0o755)
    with nobody(), pytest.raises(PermissionError, match="'locked'"), open_output("locked"):
        pass
    assert Path("locked").read_text() == "precious\n"
    with pytest.raises(IsADirectoryError), open_output(str(tmp_path)):
        pass
    with pytest.raises(FileNotFoundError), open_output("no/out"):
        pass
    with pytest.raises(ValueError, match=r"output=out\.gz: plain text"), open_output("out.gz"):
        pass


@needs_dev_full
def test_a_full_device_is_named() -> None:
    with pytest.raises(OSError, match="'/dev/full'"), open_output("/dev/full") as output:
        output.write(["x"])
