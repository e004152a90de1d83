"""Jobs of a sweep that a launcher of Hydra's starts, as on a cluster, in processes of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins

from nmt.cli.config_files import shipped_configs
from tests.launching import Outcome

START = "from job import *; launch('train', '', main)"
MISSING = "hydra/launcher/submitit_slurm is not installed: pip install '.[slurm]'"


def test_a_launcher_that_is_not_installed_is_named(
    command: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    Plugins.instance()  # registers the launchers that are installed
    launchers = ConfigStore.instance().repo["hydra"]["launcher"]
    monkeypatch.delitem(launchers, "submitit_slurm.yaml", raising=False)
    found = command("train", "-m", "seed=1,2", "hydra/launcher=slurm")
    assert (found.code, found.err) == (2, f"error: {MISSING}\n")


def test_jobs_run_where_the_launcher_puts_them_and_their_errors_come_back(tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher", reason="pip install '.[slurm]'")
    (tmp_path / "job.py").write_text(
        "import os, sys\n"
        "from pathlib import Path\n"
        "from nmt.cli.app import launch\n"
        "def main(cfg):\n"
        "    if cfg.seed == 3:\n"
        "        raise ValueError('three is none')\n"
        "    Path(f'{cfg.seed}').write_text(str(os.getppid()))\n"
        "sys.argv[0] = 'nmt-train'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", START, "-m", "seed=3,1", "hydra/launcher=submitit_local"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{shipped_configs().parent}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "error: three is none" in done.stderr and "Traceback" not in done.stderr
    assert (tmp_path / "1").exists()
