"""Learning subword pieces from text."""

import io
import re
from collections.abc import Iterable, Iterator

import sentencepiece as spm

from nmt.tokenizer.escaping import escape
from nmt.tokenizer.special import BOS, EOS, PAD, UNK


def learn(
    lines: Iterable[str], what: str, kind: str, vocab_size: int, character_coverage: float
) -> spm.SentencePieceProcessor:
    """A model of these lines. what: whose they are, for messages.

    Raises ValueError where there is no text or ``vocab_size`` does not fit it.
    """
    blank = True
    problem: BaseException | None = None

    def sentences() -> Iterator[str]:
        nonlocal blank, problem
        try:
            for sentence in escape(lines):
                blank = blank and not sentence.strip()
                yield sentence
        except BaseException as error:
            problem = error  # SentencePiece turns whatever is raised into a RuntimeError
            raise

    model = io.BytesIO()
    try:
        spm.SentencePieceTrainer.train(
            sentence_iterator=sentences(),
            model_writer=model,
            model_type=kind,
            vocab_size=vocab_size,
            character_coverage=character_coverage,
            max_sentence_length=2**30,  # the most it takes: what is longer it leaves out silently
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
            raise ValueError(f"no text to train the tokenizer of {what} on") from None
        raise _advice(error, what, vocab_size) from error
    return spm.SentencePieceProcessor(model_proto=model.getvalue())


def _advice(error: RuntimeError, what: str, vocab_size: int) -> Exception:
    """What SentencePiece says of a vocabulary size, in our options' words."""
    place = f"tokenizer.vocab_size={vocab_size} is too"
    if most := re.search(r"Please set it to a value <= (\d+)", str(error)):
        return ValueError(f"{place} large for the training text of {what}: at most {most[1]}")
    if least := re.search(r"smaller than required_chars\. \d+ vs (\d+)", str(error)):
        return ValueError(
            f"{place} small for the training text of {what}: 4 special pieces, 256 bytes and the"
            f" text's characters make at least {least[1]}; raise it, or lower"
            " tokenizer.character_coverage to spell rare characters in bytes"
        )
    return error
