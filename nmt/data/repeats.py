"""Which of many keys stood before, in arrays on disk: memory does not grow with their number."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nmt.files import mapped_zeros

CHUNK = 2**18  # keys looked at together


def repeats(keys: NDArray[np.uint64], scratch: Path) -> NDArray[np.bool_]:
    """True for every key that an earlier one equals.

    scratch: a directory for the arrays, which lie on disk and are mapped, the answer too.
    """
    repeated = _repeated(keys, scratch)
    answer = zeros(scratch / "repeats", np.bool_, len(keys))
    if not len(repeated):
        return answer
    seen = zeros(scratch / "seen", np.bool_, len(repeated))
    for chunk in chunks(len(keys)):
        places = np.minimum(np.searchsorted(repeated, keys[chunk]), len(repeated) - 1)
        hits = np.flatnonzero(repeated[places] == keys[chunk])
        found, first = np.unique(places[hits], return_index=True)
        here = np.ones(len(hits), dtype=np.bool_)
        here[first[~seen[found]]] = False
        answer[chunk][hits] = here
        seen[found] = True
    return answer


def _repeated(keys: NDArray[np.uint64], scratch: Path) -> NDArray[np.uint64]:
    """The keys that there are several of, sorted, each once or several times."""
    ordered = zeros(scratch / "sorted", np.uint64, len(keys))
    for chunk in chunks(len(keys)):
        ordered[chunk] = keys[chunk]
    ordered.sort()
    kept = 0
    for chunk in chunks(len(keys) - 1):
        part, following = ordered[chunk], ordered[chunk.start + 1 : chunk.stop + 1]
        equal = part[part == following]
        ordered[kept : kept + len(equal)] = equal  # never beyond what was read
        kept += len(equal)
    return ordered[:kept]


def zeros(path: Path, dtype: Any, size: int) -> NDArray[Any]:
    """An array in a new file, which may be written to."""
    with open(path, "w+b") as file:
        return mapped_zeros(file, dtype, size)


def chunks(size: int) -> Iterator[slice]:
    """0 to ``size`` in pieces."""
    for start in range(0, size, CHUNK):
        yield slice(start, min(start + CHUNK, size))
