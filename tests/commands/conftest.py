from collections.abc import Callable, Iterator
from pathlib import Path

import hydra
import pytest
from omegaconf import DictConfig

from nmt.cli.config_files import shipped_configs
from tests.launching import _logging_restored, command

__all__ = ["_logging_restored", "command", "composed"]


@pytest.fixture
def composed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., DictConfig]]:
    """Composes a command's config; the working directory is ``tmp_path``."""
    monkeypatch.chdir(tmp_path)
    with hydra.initialize_config_dir(str(shipped_configs()), version_base="1.3"):
        yield lambda name, *overrides: hydra.compose(name, list(overrides))
