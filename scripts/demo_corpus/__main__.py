"""`python -m scripts.demo_corpus [DIRECTORY]` writes the corpus (data/demo by default)."""

import sys
from pathlib import Path

from .corpus import write

directory = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "data" / "demo"
directory.mkdir(parents=True, exist_ok=True)
for path in write(directory):
    print(path)
