"""Text to ids and back; the ids that are no text."""

from nmt.tokenizer.pieces import BOS, EOS, PAD, UNK
from nmt.tokenizer.tokenizer import Tokenizer, load_tokenizer

__all__ = ["BOS", "EOS", "PAD", "UNK", "Tokenizer", "load_tokenizer"]
