"""The options that a run was trained with, without those that name places on disk."""

from typing import Any

from nmt.checks import dotted
from nmt.run_directory import RunDirectory

_PLACES = (
    *("data.train", "data.valid", "data.tests", "data.dir", "data.cache", "tokenizer.model"),
    *("trainer.threads", "search."),
)
"""Options that name places, or do not change what is trained."""


def training_options(run: RunDirectory) -> dict[str, Any]:
    """option -> value, under dotted names; and the sha256 of the two sides of the training text.
    {} where the run's config was not copied along with its figures."""
    manifest = run.manifest()
    if not manifest["config"] or not (run.path / manifest["config"]).is_file():
        return {}
    options = {
        name: value
        for name, value in dotted(run.config())
        if not name.startswith(_PLACES) and not set(str(value)) & set("/\\")
    }
    corpora = manifest.get("corpora", {}).get("train", {})
    begun = {"init_from": manifest["init_from"]} if manifest.get("init_from") else {}
    return options | dict(dotted({"corpora": {"train": corpora}, **begun}))
