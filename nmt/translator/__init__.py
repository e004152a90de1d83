"""Text in, text out: a model, its tokenizer and a search, ready to use."""

from nmt.translator.loading import build_model
from nmt.translator.translation import BLANK, Alternative, PairScore, Terms, Translation
from nmt.translator.translator import Translator, batches

__all__ = [
    "BLANK",
    "Alternative",
    "PairScore",
    "Terms",
    "Translation",
    "Translator",
    "batches",
    "build_model",
]
