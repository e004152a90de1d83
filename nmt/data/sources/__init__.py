"""Corpora in every format, read row by row.

``open_source(data, "train").rows()`` gives (source, target) of each training row.
"""

from nmt.data.sources.open_source import absolute, open_source
from nmt.data.sources.pair_source import PairSource

__all__ = ["PairSource", "absolute", "open_source"]
