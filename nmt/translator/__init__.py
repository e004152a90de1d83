"""Text in, text out: a model, its tokenizer and a search, ready to use."""

from nmt.translator.glossary import Glossary, Requirement
from nmt.translator.loading import build_model
from nmt.translator.translation import Alternative, PairScore, Terms, Translation
from nmt.translator.translator import Translator

__all__ = [
    "Alternative",
    "Glossary",
    "PairScore",
    "Requirement",
    "Terms",
    "Translation",
    "Translator",
    "build_model",
]
