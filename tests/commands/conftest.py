from collections.abc import Callable, Iterator
from pathlib import Path

import hydra
import pytest
from omegaconf import DictConfig

from nmt.cli.config_files import shipped_configs
from scripts.word_by_word import write_tsv
from tests.console import SHORT, TSV
from tests.launching import _logging_restored, command

__all__ = ["_logging_restored", "command", "composed"]

TINY = ["model.embed_size=8", "model.hidden_size=8", "model.attention.attention_size=8"]


@pytest.fixture
def composed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., DictConfig]]:
    """Composes a command's config; the working directory is ``tmp_path``."""
    monkeypatch.chdir(tmp_path)
    with hydra.initialize_config_dir(str(shipped_configs()), version_base="1.3"):
        yield lambda name, *overrides: hydra.compose(name, list(overrides))


@pytest.fixture
def short(composed: Callable[..., DictConfig], tmp_path: Path) -> list[str]:
    """Options of a short training, on a corpus that it writes there."""
    del composed  # it makes tmp_path the working directory
    write_tsv(tmp_path / "pairs.tsv")
    return [*(option.replace("data.tests", "++data.tests") for option in TSV), *SHORT]


@pytest.fixture
def tiny(short: list[str]) -> list[str]:
    """The same for a tiny model: it takes a moment."""
    return [*short, *TINY]
