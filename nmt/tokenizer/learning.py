"""Learns subword pieces from text, by SentencePiece."""

import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

import sentencepiece as spm

from nmt.checks import OptionError, field
from nmt.tokenizer.model_file import arranged
from nmt.tokenizer.pieces import BOS, EOS, PAD, UNK


def learn(
    lines: Callable[[], Iterable[str]],
    what: str,
    *,
    kind: str,
    vocab_size: int,
    character_coverage: float,
    symbols: Sequence[str],
    placeholders: Sequence[str],
) -> spm.SentencePieceProcessor:
    """A SentencePiece model of these lines, with at most ``vocab_size`` pieces: where the text
    allows fewer, as many as it allows.

    what: the languages of the lines, for messages.
    symbols: become pieces, and no piece crosses them.
    placeholders: symbols that no line has.

    Raises ValueError where there is no text, or ``vocab_size`` is too small for it.
    """
    added = len(placeholders)
    try:
        model = _learn(lines(), what, kind, vocab_size - added, character_coverage, symbols)
    except _TooManyPieces as error:
        model = _learn(lines(), what, kind, error.most, character_coverage, symbols)
    except _TooFewPieces as error:
        own = f", {len(symbols)} symbols" if symbols else ""
        own += f", {added} placeholders" if added else ""
        raise OptionError(
            f"{field('vocab_size')}={vocab_size} is too small for the training text of {what}: 4"
            f" special pieces, 256 bytes{own} and the text's characters make at least"
            f" {error.least + added}; raise it, or lower {field('character_coverage')} to spell"
            f" rare characters in bytes"
        ) from None
    if symbols or placeholders:
        model = arranged(model, symbols, placeholders)
    return spm.SentencePieceProcessor(model_proto=model)


class _TooManyPieces(Exception):
    def __init__(self, most: int) -> None:
        self.most = most


class _TooFewPieces(Exception):
    def __init__(self, least: int) -> None:
        self.least = least


def _learn(
    lines: Iterable[str],
    what: str,
    kind: str,
    vocab_size: int,
    character_coverage: float,
    symbols: Sequence[str],
) -> bytes:
    blank, problem = True, None

    def sentences() -> Iterator[str]:
        nonlocal blank, problem
        try:
            for sentence in lines:
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
            vocab_size=max(vocab_size, 256),  # fewer fail in other ways than too few do
            character_coverage=character_coverage,
            max_sentence_length=2**30,  # the greatest value; it drops longer lines silently
            pad_id=PAD,
            unk_id=UNK,
            bos_id=BOS,
            eos_id=EOS,
            user_defined_symbols=list(symbols),
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
        if most := re.search(r"Please set it to a value <= (\d+)", str(error)):
            raise _TooManyPieces(int(most[1])) from error
        if least := re.search(r"smaller than required_chars\. \d+ vs (\d+)", str(error)):
            raise _TooFewPieces(int(least[1])) from error
        raise
    return model.getvalue()
