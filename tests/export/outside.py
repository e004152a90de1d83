"""Runs what goes along with an exported model, in processes that cannot import nmt."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nmt.search.base import Search
from nmt.translator import Translator
from nmt.translator.loading import LoadedRun

LINES = [
    "the cat sat",
    "",
    "a dog ran  home .",
    "e\u0301t\u00e9\u00a0\u2581 \x1b \u20ac",
    "the the",
]
ALONE = """\
import runpy, sys
sys.modules["nmt"] = None  # an import of it fails
sys.path[0] = sys.argv.pop(1)
runpy.run_path(sys.path[0] + "/translate.py", run_name="__main__")
"""


def translated_outside(directory: Path, lines: Sequence[str], beam_size: int) -> list[str]:
    """What translate.py makes of these lines."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", ALONE, str(directory), str(beam_size)],
        input="".join(f"{line}\n" for line in lines).encode(),
        capture_output=True,
        cwd=directory.parent,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().split("\n")[:-1]


def translated_by_us(run: LoadedRun, lines: Sequence[str], search: Search) -> list[str]:
    """The same by nmt, which does no more to the text than an exported model can."""
    translator = Translator(run.model.eval(), run.tokenizer, search)
    options: dict[str, Any] = {"sentences": "line", "protection": None, "copy_unknown": False}
    return [one.text.strip() for one in translator.translate(lines, **options)]


def settings_of(directory: Path) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads((directory / "settings.json").read_text("utf-8"))
    return settings
