"""What ships with the package besides its code: the configs and the demo corpus.

In a wheel they lie in the package, in a checkout beside it.
"""

from pathlib import Path


def configs() -> Path:
    """The directory of the configs, absolute."""
    return shipped("configs")


def shipped(name: str) -> Path:
    """The absolute path of a shipped directory such as ``data/demo``."""
    package = Path(__file__).resolve().parent
    for root in (package, package.parent):
        if (root / name).is_dir():
            return root / name
    raise FileNotFoundError(f"nmt is installed without its {name}: install it again")
