"""Corpora in every format, read row by row.

``open_source(data, "valid").rows()`` gives (source, target) of each row of that part, and
``open_train(data)`` the corpora to learn from.
"""

from nmt.data.sources.listed_corpora import TrainingCorpus, absolute, is_listed, open_train
from nmt.data.sources.open_source import open_source
from nmt.data.sources.pair_source import PairSource

__all__ = [
    "PairSource",
    "TrainingCorpus",
    "absolute",
    "is_listed",
    "open_source",
    "open_train",
]
