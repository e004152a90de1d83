"""Corpora of every kind, read row by row.

``open_source(data, "train").rows()`` gives (source, target) of each training row.
"""

from nmt.data.sources.base import PairSource
from nmt.data.sources.open_source import absolute, open_source

__all__ = ["PairSource", "absolute", "open_source"]
