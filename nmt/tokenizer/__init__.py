"""Text to ids and back; the ids of special tokens."""

from nmt.tokenizer.pieces import BOS, EOS, PAD, UNK
from nmt.tokenizer.tokenizer import Tokenizer, load_tokenizer

__all__ = ["BOS", "EOS", "PAD", "UNK", "Tokenizer", "load_tokenizer"]
