"""Text to ids and back; the ids that are no text."""

from nmt.tokenizer.tokenizer import BOS, EOS, PAD, UNK, Tokenizer

__all__ = ["BOS", "EOS", "PAD", "UNK", "Tokenizer"]
