"""Decides whether a run is new or resumed, and which options of a resumed run may change."""

import logging
from collections.abc import Mapping
from typing import Any

from nmt import checks
from nmt.data.corpus import ParallelCorpus
from nmt.data.sources import absolute
from nmt.older_runs import LATER_OPTIONS
from nmt.plain_files import typed
from nmt.run_directory import MANIFEST, RunDirectory

log = logging.getLogger(__name__)

FIXED = ("data", "tokenizer", "model", "seed", "trainer.batch_tokens", "trainer.accumulate")
"""Sections and options that a resumed run cannot change; all others take their new values."""

_OF_DATA = ("data.src_lang", "data.tgt_lang")
_OF_EPOCHS = ("data.augment.", "data.curriculum.")
_OF_THIS_MACHINE = ("run", "resume", "init_from", "device", "jobs", "trusted_packages")


def is_resumed(run: RunDirectory, resume: str) -> bool:
    """Whether to resume the run. FileExistsError for an existing run that is not to be resumed."""
    checks.one_of("resume", resume, ("never", "auto", "must"))
    if resume == "must" or (resume == "auto" and run.exists()):
        RunDirectory.open(run.path)
        with run.locked():  # fails before a long corpus is read if another process holds the run
            return True
    run.refuse_in_use()
    return False


def as_begun(config: Mapping[str, Any], run: RunDirectory) -> dict[str, Any]:
    """The config of a resumed run, in which an older run goes on as it began."""
    tokenizer, data, before = config["tokenizer"], config["data"], run.section("data")
    if "normalization" not in run.manifest():
        begun = run.section("tokenizer")
        tokenizer = tokenizer | {name: begun[name] for name in LATER_OPTIONS["tokenizer"]}
    if "augment" not in before:
        data = data | {"augment": dict.fromkeys(data["augment"], 0.0)}
    if "curriculum" not in before:
        data = data | {"curriculum": {}}
    return {**config, "tokenizer": tokenizer, "data": data}


def kept(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config that a run directory keeps: without the options that concern only this machine,
    and with absolute paths of the text."""
    others = {name: value for name, value in config.items() if name not in _OF_THIS_MACHINE}
    data = {key: value for key, value in config["data"].items() if key not in ("dir", "cache")}
    return others | {"data": absolute(data)}


def check_resumed(run: RunDirectory, config: Mapping[str, Any], corpus: ParallelCorpus) -> None:
    """ValueError for a change that a resumed run cannot make; logs every other change.

    config: the new config, as ``kept`` returns it.
    """
    manifest = run.manifest()
    if other := _changed(manifest.get("corpora") or {}, corpus.fingerprints):
        raise ValueError(
            f"{run.path} was trained on other text than the data options name now "
            f"({', '.join(other)}): go on with the same text, or choose another run="
        )
    # The same fingerprints are the same number of corpora.
    recorded = (manifest.get("cleaning") or {}).get("corpora", [])
    where = f"{run.path / MANIFEST} is damaged: cleaning.corpora"
    weights = [was.get("weight") for was in typed(list[dict[str, Any]], recorded, where)]
    if len(weights) != len(corpus.cleaning.corpora):
        raise ValueError(f"{where} has {len(weights)}, the text {len(corpus.cleaning.corpora)}")
    for was, one in zip(weights, corpus.cleaning.corpora, strict=True):
        if was != one.weight:
            raise ValueError(
                f"{run.path} has data.{one.name}.weight={was}, a resumed run cannot "
                f"change it to {one.weight}: leave it as it was, or choose another run="
            )
    before, now = dict(checks.dotted(run.config())), dict(checks.dotted(config))
    for name in sorted(before.keys() | now.keys()):
        decides = name.startswith(_OF_EPOCHS)  # what an epoch reads; old runs have no such option
        old, new = before.get(name, 0 if decides else None), now.get(name)
        section = name.partition(".")[0]
        if old == new or (section == "data" and name not in _OF_DATA and not decides):
            continue  # the content was compared: text may have moved or changed its format
        if section in FIXED or name in FIXED:
            raise ValueError(
                f"{run.path} has {name}={old}, a resumed run cannot change it to {new}: "
                f"leave it as it was, or choose another run="
            )
        log.warning("%s was %s, from here on it is %s", name, old, new)


def _changed(before: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
    """The options whose text has changed, given the fingerprints; of a list of corpora, those."""
    names = [name for name in [*now, *(before.keys() - now)] if before.get(name) != now.get(name)]
    listed = [name for name in names if name.startswith("train[")]
    return [f"data.{name}" for name in names if name != "train" or not listed]
