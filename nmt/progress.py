"""A progress bar on stderr, and only if that is a terminal."""

from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


def progress(items: Iterable[Any] | None, what: str, total: int | None) -> "tqdm[Any]":
    """A bar of pairs done; over items it counts them itself, over None it is told of them."""
    return tqdm(items, what, total, unit=" pairs", unit_scale=True, disable=None, leave=False)
