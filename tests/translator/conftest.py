import pytest

from nmt.tokenizer import Tokenizer

PAIRS = [
    ("the cat sat on the mat", "le chat dort sur le tapis"),
    ("a dog ran\thome . the\u3000dog , no !", "un chien rentre , non ! l'homme"),
    ("the category of the gentleman", "la catégorie du gentilhomme"),
]


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    """A joint one, in which rarer characters are spelt in bytes."""
    return Tokenizer.train(PAIRS, kind="bpe", vocab_size=320, joint=True)
