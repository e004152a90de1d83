"""Text in, text out: a model, its tokenizer and a search, ready to use."""

from nmt.translator.loading import build_model
from nmt.translator.translation import (
    BLANK,
    FLAGS,
    Alternative,
    PairScore,
    Terms,
    Translation,
    without_line_breaks,
)
from nmt.translator.translator import Translator, batches

__all__ = [
    "BLANK",
    "FLAGS",
    "Alternative",
    "PairScore",
    "Terms",
    "Translation",
    "Translator",
    "batches",
    "build_model",
    "without_line_breaks",
]
