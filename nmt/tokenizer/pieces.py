"""Subword pieces: the ids of special tokens, escaping, and learning pieces from text.

SentencePiece writes a space as a mark, so a mark in the text must be escaped.
"""

import io
import re
from collections.abc import Iterable, Iterator

import sentencepiece as spm

from nmt.checks import OptionError, field

PAD, UNK, BOS, EOS = 0, 1, 2, 3

SPACE_MARK = "\u2581"
_ESCAPE = "\x1b"
_ESCAPED = re.compile(f"{_ESCAPE}([_{_ESCAPE}])")


def escape(lines: Iterable[str]) -> Iterator[str]:
    """The lines with the space mark and the escape itself escaped; ValueError for surrogates."""
    for number, line in enumerate(lines, start=1):
        try:
            line.encode("utf-8")
        except UnicodeEncodeError as error:
            raise ValueError(
                f"sentence {number} is no valid Unicode text:"
                f" {line[error.start]!r} at character {error.start + 1} is half of a surrogate pair"
            ) from None
        yield line.replace(_ESCAPE, _ESCAPE * 2).replace(SPACE_MARK, _ESCAPE + "_")


def unescape(text: str) -> str:
    """The text that ``escape`` escaped."""
    return _ESCAPED.sub(lambda found: SPACE_MARK if found[1] == "_" else _ESCAPE, text)


def learn(
    lines: Iterable[str], what: str, kind: str, vocab_size: int, character_coverage: float
) -> spm.SentencePieceProcessor:
    """A SentencePiece model of these lines. what: the languages of the lines, for messages.

    Raises ValueError where there is no text, or ``vocab_size`` does not fit it.
    """
    blank, problem = True, None

    def sentences() -> Iterator[str]:
        nonlocal blank, problem
        try:
            for sentence in escape(lines):
                blank = blank and not sentence.strip()
                yield sentence
        except BaseException as error:
            problem = error  # SentencePiece turns every exception into a RuntimeError
            raise

    model = io.BytesIO()
    try:
        spm.SentencePieceTrainer.train(
            sentence_iterator=sentences(),
            model_writer=model,
            model_type=kind,
            vocab_size=vocab_size,
            character_coverage=character_coverage,
            max_sentence_length=2**30,  # the greatest value; it drops longer lines silently
            pad_id=PAD,
            unk_id=UNK,
            bos_id=BOS,
            eos_id=EOS,
            byte_fallback=True,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            num_threads=1,  # unigram scores depend on the number of threads
            minloglevel=2,
        )
    except RuntimeError as error:
        if problem:
            raise problem from None
        if blank:
            raise OptionError(f"no text to train the tokenizer of {what} on") from None
        size = f"{field('vocab_size')}={vocab_size} is too"
        if most := re.search(r"Please set it to a value <= (\d+)", str(error)):
            message = f"{size} large for the training text of {what}: at most {most[1]}"
        elif least := re.search(r"smaller than required_chars\. \d+ vs (\d+)", str(error)):
            message = (
                f"{size} small for the training text of {what}: 4 special pieces, 256 bytes and the"
                f" text's characters make at least {least[1]}; raise it, or lower"
                f" {field('character_coverage')} to spell rare characters in bytes"
            )
        else:
            raise
        raise OptionError(message) from error
    return spm.SentencePieceProcessor(model_proto=model.getvalue())
