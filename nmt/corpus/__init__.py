"""Parallel text: read strictly, cleaned in the open."""

from nmt.corpus.cleaning import CleaningReport, CleaningRules, clean
from nmt.corpus.corpus import ParallelCorpus, fingerprint, load_corpus
from nmt.corpus.reading import SentencePair, read_lines, read_pairs

__all__ = [
    "CleaningReport",
    "CleaningRules",
    "ParallelCorpus",
    "SentencePair",
    "clean",
    "fingerprint",
    "load_corpus",
    "read_lines",
    "read_pairs",
]
