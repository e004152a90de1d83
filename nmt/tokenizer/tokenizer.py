"""Text to ids and back, by SentencePiece (Kudo and Richardson 2018).

A character outside the vocabulary becomes its UTF-8 bytes, so that encoding and decoding gives the
text back that normalisation made of it.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, Self

import sentencepiece as spm

from nmt import checks
from nmt.plain_files import typed
from nmt.run_directory import MANIFEST, RunDirectory
from nmt.text.normalization import Normalization
from nmt.tokenizer.learning import learn
from nmt.tokenizer.model_file import arranged, check_gives_text_back, own_normalization, read_model
from nmt.tokenizer.pieces import (
    ALL_PLACEHOLDERS,
    BOS,
    EOS,
    FIRST_BYTE,
    MOST_PLACEHOLDERS,
    PAD,
    UNK,
    Escapes,
    text_rules,
)
from nmt.tokenizer.subword_regularization import check_can_sample, sample

MOST_MODEL = 2**25  # bytes; pieces of many languages take a sixth of it
_JOINT_FILE = "tokenizer.model"
_SRC_FILE, _TGT_FILE = "tokenizer.src.model", "tokenizer.tgt.model"


class Pairs(Protocol):
    """(source, target) texts, to be iterated over more than once."""

    def __iter__(self) -> Iterator[tuple[str, str]]: ...


class Tokenizer:
    """One SentencePiece model for both languages, or one for each; ids 0-3 are PAD, UNK, BOS, EOS.

    Encoded sentences hold neither BOS nor EOS. No text becomes a special token.

    normalization: what encoding does to text first.
    placeholders: the characters for private use that masked text has in the place of spans that
        are to be copied. Each is a piece of its own. In text that is not masked they are characters
        like others.
    """

    def __init__(
        self,
        src: spm.SentencePieceProcessor,
        tgt: spm.SentencePieceProcessor,
        normalization: Normalization = Normalization(),  # noqa: B008 (it is frozen)
    ) -> None:
        """src, tgt: the same object if the vocabulary is joint."""
        self.normalization = normalization
        self.placeholders = _placeholders(tgt)
        self._src = src
        self._tgt = tgt
        self._escapes = Escapes.of(tgt, self.placeholders)

    @classmethod
    def train(
        cls,
        pairs: Pairs,
        *,
        kind: str,
        vocab_size: int,
        joint: bool,
        character_coverage: float = 1.0,
        normalization: str = "standard",
        placeholders: int = 8,
        symbols: Sequence[str] = (),
        lowercase: bool = False,
    ) -> Self:
        """Learn pieces from (source, target) pairs; the same pairs give the same tokenizer.

        pairs: iterated over once for each side, or twice.
        kind: "bpe" (Sennrich et al. 2016) or "unigram" (Kudo 2018).
        vocab_size: most pieces of the joint model, or of each; they include 4 special and 256 byte
            pieces, symbols and placeholders. A text that allows fewer gives as many as it allows.
        character_coverage: share of the text's characters with pieces of their own; less than 1
            for scripts of thousands of characters. Bytes spell the rest.
        normalization: a scheme of ``Normalization``.
        placeholders: their number.
        symbols: what is to be one piece wherever it stands, such as "<2fr>".
        lowercase: whether all text is read and written in small letters.

        Raises ValueError for a value out of range, with the least ``vocab_size`` that these pairs
        allow.
        """
        checks.one_of("kind", kind, ["bpe", "unigram"])
        checks.positive_int("vocab_size", vocab_size)
        checks.share("character_coverage", character_coverage)
        rules, reserved = text_rules(normalization, placeholders, symbols, lowercase)
        escapes = Escapes(reserved)
        texts = {"both languages": (0, 1)} if joint else {"the source": (0,), "the target": (1,)}
        models, problems = [], []
        for what, sides in texts.items():

            def lines(sides: tuple[int, ...] = sides) -> Iterator[str]:
                normal = (rules.source, rules.target)
                return escapes.escape(normal[side](pair[side]) for side in sides for pair in pairs)

            try:
                model = learn(
                    lines,
                    what,
                    kind=kind,
                    vocab_size=vocab_size,
                    character_coverage=character_coverage,
                    symbols=symbols,
                    placeholders=reserved,
                )
                models.append(model)
            except checks.OptionError as error:
                problems.append(error.message)
        if problems:
            raise checks.OptionError("\n".join(problems))
        return cls(models[0], models[-1], rules)

    @classmethod
    def of_model(
        cls,
        path: str | Path,
        *,
        normalization: str = "standard",
        placeholders: int = 8,
        symbols: Sequence[str] = (),
        lowercase: bool = False,
    ) -> Self:
        """A joint tokenizer with the pieces of a SentencePiece model that another program made.

        The special pieces, bytes and symbols that the model lacks are added. What it does to text
        itself, such as NFKC, it does after ``normalization``, to both sides.

        Raises ValueError for a file that is not there or is no SentencePiece model, a model that
        cannot give text back, or another bad value; OSError for a file that cannot be read.
        """
        rules, reserved = text_rules(normalization, placeholders, symbols, lowercase)
        content = arranged(read_model(Path(path)), symbols, reserved)
        model = spm.SentencePieceProcessor(model_proto=content)
        check_gives_text_back(model)
        return cls(model, model, rules)

    @property
    def joint(self) -> bool:
        """Whether both languages share one vocabulary."""
        return self._src is self._tgt

    @property
    def src_vocab_size(self) -> int:
        return len(self._src)

    @property
    def tgt_vocab_size(self) -> int:
        return len(self._tgt)

    def encode_src(
        self, lines: Sequence[str], *, threads: int = 1, placeholders: bool = False
    ) -> list[list[int]]:
        """Source ids of the best segmentation of each line, normalised as sources are.

        placeholders: whether the lines are masked: their placeholders become symbols.

        Raises ValueError for a line that is no valid Unicode text.
        """
        texts = self._escapes.escape(map(self.normalization.source, lines), masked=placeholders)
        return list(self._src.encode(list(texts), num_threads=threads))

    def encode_tgt(
        self, lines: Sequence[str], *, threads: int = 1, placeholders: bool = False
    ) -> list[list[int]]:
        """Target ids of each line, normalised as targets are; as ``encode_src``."""
        texts = self._escapes.escape(map(self.normalization.target, lines), masked=placeholders)
        return list(self._tgt.encode(list(texts), num_threads=threads))

    def sample_src(
        self, lines: Iterable[str], *, sampling: float, seed: int, placeholders: bool = False
    ) -> Iterator[list[int]]:
        """Source ids of a random segmentation of each line in turn.

        sampling: with BPE the probability of dropping a merge (BPE-dropout, Provilkov et al. 2020),
            with unigram the smoothing exponent alpha (Kudo 2018, section 3.2; a smaller one gives
            more variety).
        seed: the same lines, sampling and seed give the same ids in every process.
        placeholders: as in ``encode_src``.

        Raises ValueError for a line that is no valid Unicode text, and what ``check_can_sample``
        raises.
        """
        texts = self._escapes.escape(map(self.normalization.source, lines), masked=placeholders)
        return sample(self._src, texts, sampling, [seed])

    def sample_tgt(
        self, lines: Iterable[str], *, sampling: float, seed: int, placeholders: bool = False
    ) -> Iterator[list[int]]:
        """Target ids of each line in turn; as ``sample_src``, with other random numbers."""
        texts = self._escapes.escape(map(self.normalization.target, lines), masked=placeholders)
        return sample(self._tgt, texts, sampling, [seed, 1])

    def check_can_sample(self) -> None:
        """ValueError for a model whose text ``sample_src`` and ``sample_tgt`` cannot segment."""
        check_can_sample(self._src)

    def decode_tgt(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """The text of each sequence of target ids, without special ids. A placeholder's symbol
        gives its character. Bytes that form no character become U+FFFD."""
        # One by one: for a list SentencePiece starts threads, which cost more than the decoding.
        texts = [self._tgt.decode([token for token in row if token > EOS]) for row in ids]
        return [self._escapes.unescape(text) for text in texts]

    def src_pieces(self, ids: Sequence[int]) -> list[str]:
        """Source pieces for people to look at."""
        return [self._src.id_to_piece(token) for token in ids]

    def tgt_pieces(self, ids: Sequence[int]) -> list[str]:
        """Target pieces for people to look at."""
        return [self._tgt.id_to_piece(token) for token in ids]

    @property
    def escapes(self) -> dict[str, str]:
        """character -> what a SentencePiece model reads in its place, in the order in which one
        could replace them one by one."""
        return self._escapes.codes

    def own_normalization(self) -> str:
        """What the models do to text over and above ``normalization``; "" for nothing."""
        return own_normalization(self._tgt)

    def sha256(self) -> str:
        """A fingerprint: tokenizers with the same one encode in the same way."""
        parts = [self._src.serialized_model_proto(), self._tgt.serialized_model_proto()]
        if self.normalization != Normalization():
            parts.append(self.normalization.described.encode())
        return hashlib.sha256(b"".join(parts)).hexdigest()

    def save(self, directory: str | Path) -> list[Path]:
        """Write one model file, or one for each language, and return their paths."""
        models = {_SRC_FILE: self._src, _TGT_FILE: self._tgt}
        if self.joint:
            models = {_JOINT_FILE: self._src}
        for name, model in models.items():
            (Path(directory) / name).write_bytes(model.serialized_model_proto())
        return [Path(directory) / name for name in models]

    @classmethod
    def load(
        cls,
        directory: str | Path,
        normalization: Normalization = Normalization(),  # noqa: B008 (it is frozen)
    ) -> Self:
        """Read the files that ``save`` wrote; they do not hold the normalization.

        Raises FileNotFoundError where there is no tokenizer, ValueError for a file that is damaged
        or that ``train`` did not make.
        """
        directory = Path(directory)
        if (directory / _JOINT_FILE).exists():
            model = _load(directory / _JOINT_FILE)
            return cls(model, model, normalization)
        return cls(_load(directory / _SRC_FILE), _load(directory / _TGT_FILE), normalization)


def load_tokenizer(run: RunDirectory) -> Tokenizer:
    """The tokenizer of a run. Compares its files with their sha256 first."""
    for file in run.path.glob("tokenizer*.model"):
        run.verified(file.name, MOST_MODEL)
    recorded = run.manifest().get("normalization", {})  # older runs have none
    where = f"{run.path / MANIFEST} is damaged: normalization"
    return Tokenizer.load(run.path, typed(Normalization, recorded, where))


def _placeholders(model: spm.SentencePieceProcessor) -> tuple[str, ...]:
    """The symbols at the end of a model that stand for spans. Pieces learnt from text that have
    the same characters have another score."""
    for count in range(MOST_PLACEHOLDERS, 0, -1):
        ids = range(max(len(model) - count, 0), len(model))
        found = tuple(model.id_to_piece(token) for token in ids if model.get_score(token) == 0)
        if found == ALL_PLACEHOLDERS[:count]:
            return found
    return ()


def _load(path: Path) -> spm.SentencePieceProcessor:
    if not path.is_file():
        raise FileNotFoundError(f"no tokenizer in {path.parent}: {path.name} is missing")
    model = spm.SentencePieceProcessor()
    try:
        model.load_from_serialized_proto(path.read_bytes())
        model.id_to_piece(list(range(len(model))))  # fails where a piece is no UTF-8
    except (RuntimeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is damaged, or no SentencePiece model") from error
    special = (model.pad_id(), model.unk_id(), model.bos_id(), model.eos_id())
    if special != (PAD, UNK, BOS, EOS) or not model.is_byte(FIRST_BYTE):
        raise ValueError(f"{path} was not made by nmt-train: its special pieces are others")
    return model
