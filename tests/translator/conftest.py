import pytest

from nmt.data.statistics import LengthRange, Quantiles, TextStatistics
from nmt.tokenizer import Tokenizer

PAIRS = [
    ("the cat sat on the mat", "le chat dort sur le tapis"),
    ("a dog ran\thome . the\u3000dog , no !", "un chien rentre , non ! l'homme"),
    ("the category of the gentleman", "la catégorie du gentilhomme"),
]


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    """A joint one, in which rarer characters are spelt in bytes. It changes no text."""
    options = {"normalization": "none", "placeholders": 0}
    return Tokenizer.train(PAIRS, kind="bpe", vocab_size=320, joint=True, **options)


def statistics(
    *, most_sentences: int, usual_tokens: int, source_prefixes: tuple[str, ...] = ()
) -> TextStatistics:
    """Of a training text in which translations had any length."""
    return TextStatistics(
        lines=100,
        sentences=Quantiles(1, 1, most_sentences, most_sentences),
        source_tokens=Quantiles(10, 20, usual_tokens, usual_tokens),
        ranges=(LengthRange(usual_tokens, 100, 0.001, 1000.0),),
        source_prefixes=source_prefixes,
    )
