"""Parallel text: read strictly, cleaned in the open, kept on disk."""

from nmt.corpus.fingerprint import fingerprint
from nmt.corpus.reading import SentencePair, read_lines, read_pairs

__all__ = ["SentencePair", "fingerprint", "read_lines", "read_pairs"]
