"""Text to ids and back; the ids of special tokens and of bytes."""

from nmt.tokenizer.pieces import BOS, BYTES, EOS, PAD, UNK
from nmt.tokenizer.tokenizer import Tokenizer, load_tokenizer

__all__ = ["BOS", "BYTES", "EOS", "PAD", "UNK", "Tokenizer", "load_tokenizer"]
