"""Train small translators from your own sentence pairs, and compare their architectures."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nmt.commands.from_python import evaluate, train
    from nmt.translator import Translator

__version__ = "0.1.0"
__all__ = ["Translator", "__version__", "evaluate", "train"]


def __getattr__(name: str) -> Any:
    """What ``nmt`` offers is imported when first asked for: ``import nmt`` alone loads no torch."""
    if name == "Translator":
        from nmt.translator import Translator

        return Translator
    if name in ("train", "evaluate"):
        from nmt.commands import from_python

        return getattr(from_python, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
