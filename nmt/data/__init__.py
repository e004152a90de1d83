"""Parallel text: read strictly, cleaned in the open, kept on disk."""

from nmt.data.fingerprint import fingerprint
from nmt.data.text_files import SentencePair, read_lines, read_pairs

__all__ = ["SentencePair", "fingerprint", "read_lines", "read_pairs"]
