"""Our configs are composed from their files once, not in each of the hundreds of tests that begin
with that: a tenth of the time of all tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any
from unittest import mock

from hydra._internal import config_loader_impl as loader
from hydra._internal.config_repository import ConfigRepository
from hydra._internal.defaults_list import DefaultsList, Overrides
from omegaconf import DictConfig

from nmt.cli.config_files import shipped_configs


@contextmanager
def composed_once() -> Iterator[None]:
    """Inside, Hydra remembers which files belong to a choice of groups, and what they say; the
    values of options are put in each time. Only where all configs are ours."""
    listed = partial(_listed, {}, loader.create_defaults_list)
    impl, name = loader.ConfigLoaderImpl, "_compose_config_from_defaults_list"
    merge, merged = getattr(impl, name), {}
    read, files = ConfigRepository.load_config, {}
    with (
        mock.patch.object(
            ConfigRepository, "load_config", lambda self, **given: _read(files, read, self, **given)
        ),
        mock.patch.object(loader, "create_defaults_list", listed),
        mock.patch.object(impl, name, lambda self, **given: _merged(merged, merge, self, **given)),
    ):
        yield


def _key(repo: Any, *parts: object) -> str:
    """Of the shipped configs, or empty for any others."""
    sources = {source.path for source in repo.get_sources() if source.path}
    ours = {"hydra.conf", str(shipped_configs())}
    return repr(parts) if sources == ours else ""


def _read(known: dict[str, Any], read: Any, self: Any, *, config_path: str) -> Any:
    key = _key(self, config_path)
    if not key:
        return read(self, config_path)
    if key not in known:
        known[key] = read(self, config_path)
    return deepcopy(known[key])


def _listed(
    known: dict[str, DefaultsList], create: Any, *, overrides_list: list[Any], **given: Any
) -> DefaultsList:
    values = Overrides(given["repo"], overrides_list).config_overrides
    groups = [override for override in overrides_list if override not in values]
    key = _key(given["repo"], given["config_name"], groups, given["skip_missing"])
    if not key:
        return create(overrides_list=overrides_list, **given)
    if key not in known:
        known[key] = create(overrides_list=groups, **given)
    return replace(known[key], config_overrides=values)


def _merged(
    known: dict[str, DictConfig], merge: Any, self: Any, *, defaults: Any, repo: Any
) -> DictConfig:
    key = _key(repo, defaults)
    if not key:
        return merge(self, defaults=defaults, repo=repo)
    if key not in known:
        known[key] = merge(self, defaults=defaults, repo=repo)
    return deepcopy(known[key])
