"""Runs on the Hugging Face hub: ``hub:OWNER/NAME`` stands for a directory that is downloaded.

A copy is kept in ``$HF_HOME/nmt/OWNER/NAME``, as plain files: the hub's own cache is made of links,
which a run may not be. What has changed on the hub is downloaded again; where the hub cannot be
reached, the copy serves. A run that comes from there is checked as any other.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "hub:"
FILES = ("manifest.json", "config-*.yaml", "config.yaml", "tokenizer*.model", "model-*.safetensors")
"""What translating needs of a run; the rest of a repository is not downloaded."""

_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*", re.ASCII)


def is_hub_run(run: str | Path) -> bool:
    """Whether this names a run on the hub."""
    return str(run).startswith(PREFIX)


def name_of_run(run: str | Path) -> str:
    """The last part of a run's path, also on the hub."""
    if is_hub_run(run):
        return str(run).rpartition("/")[2]
    return Path(run).expanduser().resolve().name


def check_name(name: str) -> None:
    """ValueError for what is no name of a repository."""
    if not _NAME.fullmatch(name) or ".." in name:
        raise ValueError(
            f"{name!r} is no repository of the hub: it is written OWNER/NAME, such as "
            f"my-name/en-fr-small, in letters, digits and - _ ."
        )


def local_run(run: str | Path) -> str | Path:
    """The directory of a run: the copy of one on the hub, which is downloaded or brought up to
    date; any other path as it is.

    run: ``hub:OWNER/NAME``, or ``hub:OWNER/NAME@REVISION`` with a branch, a tag or a commit.

    Raises ValueError for a name that is none, OSError where there is no such run or no network.
    """
    if not is_hub_run(run):
        return run
    name, _, revision = str(run).removeprefix(PREFIX).partition("@")
    check_name(name)
    from huggingface_hub import constants, snapshot_download  # takes half a second

    place = Path(constants.HF_HOME) / "nmt" / name
    if revision:
        place = place.with_name(f"{place.name}@{re.sub('[^A-Za-z0-9_.-]', '-', revision)}")
    with hub_errors(str(run)):
        snapshot_download(
            name, revision=revision or None, allow_patterns=list(FILES), local_dir=place
        )
    if not (place / FILES[0]).is_file():
        raise FileNotFoundError(f"{run} holds no run of nmt: it has no {FILES[0]}")
    return place


@contextmanager
def hub_errors(what: str) -> Iterator[None]:
    """Turns the errors of the hub's library into one OSError that names the remedy; its progress
    bars are for terminals only.

    what: was tried, for the message.
    """
    from huggingface_hub import errors
    from huggingface_hub.utils.tqdm import disable_progress_bars

    if not sys.stderr.isatty():
        disable_progress_bars()
    try:
        yield
    except errors.RepositoryNotFoundError as error:
        raise OSError(
            f"{what}: the hub has no such repository, or it is a private one: check the name, or "
            f"say who you are by `hf auth login` or HF_TOKEN"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise OSError(f"{what}: the repository has no such revision") from error
    except errors.HfHubHTTPError as error:
        code = getattr(error.response, "status_code", None)
        if code in (401, 403):
            raise OSError(
                f"{what}: the hub does not allow it: the token needs the right to write there "
                f"(`hf auth login`, or HF_TOKEN)"
            ) from error
        said = str(error).strip().partition("\n")[0]
        raise OSError(f"{what}: the hub answered {said}") from error
    except errors.LocalEntryNotFoundError as error:
        raise OSError(_unreachable(what)) from error
    except Exception as error:
        if not type(error).__module__.startswith(("httpx", "httpcore", "requests")):
            raise
        raise OSError(_unreachable(what)) from error


def _unreachable(what: str) -> str:
    return f"{what}: the hub cannot be reached: check the network, or name a directory on this disk"
