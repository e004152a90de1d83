"""Subword pieces: the ids of special tokens and bytes, the characters of placeholders, escaping.

SentencePiece writes a space as a mark, so a mark in the text must be escaped, and so must a
character that stands for a placeholder.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import sentencepiece as spm

from nmt.checks import OptionError, field, non_negative_int
from nmt.text.normalization import Normalization

PAD, UNK, BOS, EOS = 0, 1, 2, 3
FIRST_BYTE = EOS + 1
BYTES = range(FIRST_BYTE, FIRST_BYTE + 256)
"""The ids of the bytes 0 to 255 in every model."""

SPACE_MARK = "\u2581"
_ESCAPE_MARKS = ("\x1b", "\U0010ff80")  # the second for models that normalise the first away
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
MOST_PLACEHOLDERS = len(_LETTERS)
ALL_PLACEHOLDERS = tuple(map(chr, range(0x10FF00, 0x10FF00 + MOST_PLACEHOLDERS)))
"""Characters for private use, so that they stand in no ordinary text."""


@dataclass(frozen=True)
class Escapes:
    """Writes what has a meaning to SentencePiece in a way that has none.

    placeholders: the characters that are symbols of the model.
    mark: the character that begins an escape; it may stand in text too.
    """

    placeholders: tuple[str, ...] = ()
    mark: str = _ESCAPE_MARKS[0]

    @classmethod
    def of(cls, model: spm.SentencePieceProcessor, placeholders: tuple[str, ...]) -> Self:
        """Escapes that the model's own normalization leaves alone."""
        for mark in _ESCAPE_MARKS:
            escapes = cls(placeholders, mark)
            if all(f"x{code}x" in model.normalize(f"x{code}x") for code in escapes.codes.values()):
                return escapes
        raise OptionError(
            f"{field('model')} cannot serve: its own normalization changes characters for private"
            f" use"
        )

    def escape(self, lines: Iterable[str], *, masked: bool = False) -> Iterator[str]:
        """The lines with the space mark, the escape itself and placeholders escaped. ValueError for
        surrogates. masked: placeholders stay, as symbols."""
        codes = self.codes
        table = str.maketrans(
            {c: e for c, e in codes.items() if not (masked and c in self.placeholders)}
        )
        found = re.compile("[" + "".join(codes) + "]").search
        for number, line in enumerate(lines, start=1):
            try:
                line.encode("utf-8")
            except UnicodeEncodeError as error:
                raise ValueError(
                    f"sentence {number} is no valid Unicode text:"
                    f" {line[error.start]!r} at character {error.start + 1} is half of a surrogate"
                    f" pair"
                ) from None
            yield line.translate(table) if found(line) else line

    def unescape(self, text: str) -> str:
        """The text that ``escape`` escaped."""
        if self.mark not in text:
            return text
        plain = {code: character for character, code in self.codes.items()}
        codes = "|".join(map(re.escape, plain))
        return re.sub(codes, lambda found: plain[found[0]], text)

    @property
    def codes(self) -> dict[str, str]:
        """character -> what is written in its place, the mark first."""
        codes = {self.mark: self.mark * 2, SPACE_MARK: self.mark + "_"}
        letters = dict(zip(ALL_PLACEHOLDERS, _LETTERS, strict=True))
        return codes | {one: self.mark + letters[one] for one in self.placeholders}


def text_rules(
    normalization: str, placeholders: int, symbols: Sequence[str], lowercase: bool = False
) -> tuple[Normalization, tuple[str, ...]]:
    """The rules of a scheme, and the characters of so many placeholders. ValueError for an unknown
    scheme, a number out of range, and symbols that no text could hold."""
    rules = Normalization(normalization, lowercase=lowercase)
    if non_negative_int("placeholders", placeholders) > MOST_PLACEHOLDERS:
        raise OptionError(
            f"{field('placeholders')} must be at most {MOST_PLACEHOLDERS}, got {placeholders}"
        )
    _check_symbols(symbols, rules)
    return rules, ALL_PLACEHOLDERS[:placeholders]


def _check_symbols(symbols: Sequence[str], normalization: Normalization) -> None:
    listed = isinstance(symbols, list | tuple)
    if not listed or not all(isinstance(one, str) for one in symbols):
        raise OptionError(f"{field('symbols')} must be a list of texts, got {symbols!r}")
    every = {"<pad>", "<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))}
    for number, symbol in enumerate(symbols):
        if not symbol.strip() or symbol.split() != [symbol]:
            problem = "has white space, or nothing else"
        elif symbol in every or symbol in symbols[:number]:
            problem = "is a piece already"
        elif not symbol.isprintable() or set(symbol) & {SPACE_MARK, *ALL_PLACEHOLDERS}:
            problem = "has characters that stand for something else"
        elif not symbol == normalization.source(symbol) == normalization.target(symbol):
            problem = f"does not outlast {field('normalization')}={normalization.described}"
        else:
            continue
        raise OptionError(f"{field('symbols')}: {symbol!r} {problem}")
