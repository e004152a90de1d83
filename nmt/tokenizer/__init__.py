"""Text to ids and back; the ids that are no text."""

from nmt.tokenizer.special import BOS, EOS, PAD, UNK
from nmt.tokenizer.tokenizer import Tokenizer

__all__ = ["BOS", "EOS", "PAD", "UNK", "Tokenizer"]
