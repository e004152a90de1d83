"""Uploads a run to the Hugging Face hub: what translating needs, and a card that describes it."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from nmt.checks import dotted
from nmt.evaluation.evaluation import Evaluation
from nmt.hub_runs import PREFIX, check_name, hub_errors
from nmt.run_directory import RunDirectory

_PLACES = {"data": ("train", "valid", "tests", "dir", "cache"), "tokenizer": ("model",)}
"""Options of a section that name places on the disk of whoever trained."""

_NEVER_COPIED = ("format_version", "files", "config", "checkpoint")
_METRICS = {"bleu": "BLEU", "chrf": "chrF"}

_LIMITS = """\
`nmt-translate` cuts long lines at ends of sentences, copies numbers, addresses and markup as they
are, and flags translations that it doubts: that reached the length limit (`hit_limit`), repeat
themselves (`repeats`), are far shorter or longer than such translations were in training
(`length`), are their source again (`untranslated`) or lack a number or the like (`copy`). A
translation without a flag may be wrong too.

The model has learnt from the text below and from nothing else. Expect less on other kinds of text,
on sentences longer than any there, and on names and words that it lacks. It has all the faults of
that text, its prejudices included. Do not rely on it where a mistake does harm.
"""


def check_upload(repo: str) -> None:
    """Raises ValueError for a name that is no repository's, and where no token is known."""
    check_name(repo)
    from huggingface_hub import get_token

    if not get_token():
        raise ValueError(
            "the hub wants to know who uploads, and no token is known: `hf auth login` asks for "
            "one and keeps it, or HF_TOKEN=... gives it"
        )


def write_repository(run: RunDirectory, directory: Path, card: str) -> None:
    """Writes a run that translates as this one does into a new directory, and its card. It has no
    checkpoints, no text and no place on this disk."""
    manifest, weights = run.manifest(), run.serving()
    copy = RunDirectory.create(directory)
    copy.write_config(_without_places(run.config()))
    for file in [weights, *sorted(run.path.glob("tokenizer*.model"))]:
        shutil.copyfile(run.verified(file.name), directory / file.name)
        copy.add_file(file.name)
    copy.commit(**{name: it for name, it in manifest.items() if name not in _NEVER_COPIED})
    (directory / "README.md").write_text(card, encoding="utf-8")


def upload(directory: Path, repo: str, *, private: bool) -> str:
    """Uploads a directory as ``write_repository`` wrote it, and returns the address. What of an
    earlier run is there is deleted. private: of a repository that does not exist yet."""
    from huggingface_hub import HfApi

    api = HfApi()
    with hub_errors(f"repo={repo}"):
        address = api.create_repo(repo, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=repo,
            folder_path=directory,
            commit_message="Upload a run of nmt",
            delete_patterns=["model-*.safetensors", "config-*.yaml", "tokenizer*.model"],
        )
    return str(address)


def model_card(
    run: RunDirectory,
    *,
    license: str,
    repo: str | None,
    evaluations: Sequence[Evaluation],
    scores: Sequence[str],
) -> str:
    """The text of README.md, with the header that the hub reads.

    license: an identifier of the hub. repo: where it will lie. evaluations: of the run. scores:
    their tables, in Markdown.
    """
    from huggingface_hub import EvalResult, ModelCardData

    config, manifest, name = run.config(), run.manifest(), run.path.resolve().name
    data, model = config.get("data", {}), config.get("model", {})
    languages = [str(data.get(side) or "") for side in ("src_lang", "tgt_lang")]
    results = [
        EvalResult(
            task_type="translation",
            dataset_type=evaluation.test_set.name,
            dataset_name=evaluation.test_set.name,
            metric_type=metric,
            metric_name=label,
            metric_value=round(score, 2),
        )
        for evaluation in evaluations
        for metric, label in _METRICS.items()
        if (score := evaluation.overall.score(metric).value) is not None
    ]
    header = ModelCardData(
        language=[language for language in languages if language] or None,
        license=license,
        library_name="nmt",
        pipeline_tag="translation",
        model_name=name,
        eval_results=results or None,
    ).to_yaml()
    class_name = str(model.get("_target_", "")).rpartition(".")[2]
    source, target = (language or "unknown" for language in languages)
    parts = [
        f"---\n{header}\n---",
        f"# {name}: {source} to {target}",
        f"A {class_name} with {manifest.get('parameters', 0):,} parameters, trained with nmt "
        f"{manifest.get('versions', {}).get('nmt', '')}.",
        f"```\nnmt-translate run={PREFIX}{repo or 'OWNER/NAME'} < in.txt > out.txt\n```",
        "## Scores",
        *(scores or ["The run holds no evaluation."]),
        f"## Flags and limits\n\n{_LIMITS}".rstrip(),
        f"## Training text\n\n{_training_text(manifest)}",
        f"## Architecture\n\n```yaml\n{yaml.safe_dump(model, sort_keys=False).strip()}\n```",
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _training_text(manifest: Mapping[str, Any]) -> str:
    """Sizes and fingerprints, as a list."""
    cleaning, steps = manifest.get("cleaning", {}), manifest.get("training", {}).get("steps")
    lines = []
    if "kept" in cleaning:
        lines.append(f"- {cleaning['kept']:,} pairs of {cleaning.get('total', 0):,} were kept")
    if (longest := manifest.get("longest_source")) is not None:
        lines.append(f"- the longest source has {longest:,} pieces")
    if steps is not None:
        lines.append(f"- {steps:,} steps of training")
    for name, value in dotted(manifest.get("corpora", {})):
        lines.append(f"- sha256 of {name}: `{value}`")
    return "\n".join(lines) or "Nothing of it is recorded."


def _without_places(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config without the options that name places, and without other text that may be one."""
    return {
        section: _without_paths(
            {name: it for name, it in options.items() if name not in _PLACES.get(section, ())}
            if isinstance(options, Mapping)
            else options
        )
        for section, options in config.items()
    }


def _without_paths(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_paths(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_paths(each) for each in value]
    return None if isinstance(value, str) and set(value) & {"/", "\\"} else value
