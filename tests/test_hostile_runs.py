"""A run directory is data: whatever stands in it, loading it ends soon, in little memory, with one
line that says what is wrong, and runs nothing."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nmt.translator import Translator
from tests.hostile import SPOILED
from tests.runs import untrained_run

SECONDS, MEBIBYTES = 10, 1024


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return untrained_run(tmp_path_factory.mktemp("whole") / "run")


@pytest.mark.parametrize("name", SPOILED)
def test_it_is_refused_in_one_line(
    name: str, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(whole, tmp_path / "run")
    spoil, message = SPOILED[name]
    spoil(tmp_path / "run")
    started = time.monotonic()
    with pytest.raises((ValueError, OSError), match=message) as raised:
        Translator.load("run", device="cpu")
    assert time.monotonic() - started < SECONDS
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 6000
    assert not Path("payload-ran").exists()


def test_all_of_them_take_little_memory(whole: Path, tmp_path: Path) -> None:
    """One process loads them all, the most that it takes counts."""
    resource = pytest.importorskip("resource", reason="no getrusage on this system")
    del resource
    for number, (spoil, _) in enumerate(SPOILED.values()):
        shutil.copytree(whole, tmp_path / str(number) / "run")
        spoil(tmp_path / str(number) / "run")
    code = (
        "import json, resource\n"
        "from nmt.translator import Translator\n"
        f"for number in range({len(SPOILED)}):\n"
        "    try:\n"
        "        Translator.load(f'{number}/run', device='cpu')\n"
        "    except (ValueError, OSError):\n"
        "        pass\n"
        "print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=False, env=os.environ
    )
    assert done.returncode == 0, done.stderr.decode()
    unit = 2**20 if sys.platform == "darwin" else 2**10
    assert json.loads(done.stdout) / unit < MEBIBYTES
