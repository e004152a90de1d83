"""The splits of the corpus, drawn from one seed, and their files."""

import gzip
from dataclasses import dataclass
from pathlib import Path
from random import Random

from . import realise_english, realise_french
from .sentences import sentence
from .words import align

SEED = 20251
EDGES = (3, 10, 20, 30, 40, 50, 60, 76)  # English words; bucket k is EDGES[k] <= n < EDGES[k + 1]
TRAIN = (10500, 9900, 3600, 2000, 1400, 1300, 1300)
VALID = (350, 330, 120, 67, 47, 43, 43)
TEST = (150,) * 7


@dataclass(frozen=True, slots=True)
class Pair:
    """A sentence pair and its gold links (English word, French word), 0-based."""

    english: str
    french: str
    links: tuple[tuple[int, int], ...]

    @property
    def length(self) -> int:
        """Whitespace words of the English side."""
        return self.english.count(" ") + 1


def draw(rng: Random, low: int, high: int) -> Pair:
    """A random pair of `low` <= English words < `high`, with its alignment."""
    while True:
        tree = sentence(rng, rng.randint(low, high - 1))
        english = realise_english.sentence(tree)
        if low <= len(english) < high:
            break
    french = realise_french.sentence(tree)
    return Pair(
        " ".join(word.text for word in english),
        " ".join(word.text for word in french),
        tuple(align(english, french)),
    )


def splits(seed: int = SEED) -> dict[str, list[Pair]]:
    """test, valid and train. No English and no French sentence occurs twice in all of them."""
    rng = Random(seed)
    seen: set[str] = set()
    drawn: dict[str, list[Pair]] = {}
    for name, counts in (("test", TEST), ("valid", VALID), ("train", TRAIN)):
        pairs: list[Pair] = []
        for count, low, high in zip(counts, EDGES[:-1], EDGES[1:], strict=True):
            wanted = len(pairs) + count
            while len(pairs) < wanted:
                pair = draw(rng, low, high)
                keys = {"en " + pair.english, "fr " + pair.french}
                if not keys & seen:
                    seen |= keys
                    pairs.append(pair)
        rng.shuffle(pairs)
        drawn[name] = pairs
    return drawn


def files(seed: int = SEED) -> dict[str, str]:
    """The text of every generated file by name; names in .gz are stored compressed."""
    drawn = splits(seed)
    texts: dict[str, list[str]] = {}
    for name, pairs in drawn.items():
        suffix = ".gz" if name == "train" else ""
        texts[f"{name}.en{suffix}"] = [pair.english for pair in pairs]
        texts[f"{name}.fr{suffix}"] = [pair.french for pair in pairs]
        if name != "train":
            texts[f"{name}.align"] = [" ".join(f"{i}-{j}" for i, j in pair.links) for pair in pairs]
    return {name: "\n".join(lines) + "\n" for name, lines in texts.items()}


def write(directory: Path, seed: int = SEED) -> list[Path]:
    """Writes the files into `directory` and returns their paths."""
    paths = []
    for name, text in files(seed).items():
        data = text.encode()
        path = directory / name
        path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
        paths.append(path)
    return paths
