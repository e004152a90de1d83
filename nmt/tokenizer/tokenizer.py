"""Text to ids and back without loss, by SentencePiece (Kudo and Richardson 2018).

Text is neither normalised nor trimmed, and a character outside the vocabulary becomes its UTF-8
bytes, so that encoding and decoding gives the same text back.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, Self

import sentencepiece as spm

from nmt import checks
from nmt.run_directory import RunDirectory
from nmt.tokenizer.pieces import BOS, EOS, PAD, UNK, escape, learn, unescape
from nmt.tokenizer.subword_regularization import sample

_JOINT_FILE = "tokenizer.model"
_SRC_FILE, _TGT_FILE = "tokenizer.src.model", "tokenizer.tgt.model"


class Pairs(Protocol):
    """(source, target) texts, to be iterated over more than once."""

    def __iter__(self) -> Iterator[tuple[str, str]]: ...


class Tokenizer:
    """One SentencePiece model for both languages, or one for each; ids 0-3 are PAD, UNK, BOS, EOS.

    Encoded sentences hold neither BOS nor EOS. No text becomes a special token.
    """

    def __init__(self, src: spm.SentencePieceProcessor, tgt: spm.SentencePieceProcessor) -> None:
        """src, tgt: the same object if the vocabulary is joint."""
        self._src = src
        self._tgt = tgt

    @classmethod
    def train(
        cls,
        pairs: Pairs,
        *,
        kind: str,
        vocab_size: int,
        joint: bool,
        character_coverage: float = 1.0,
    ) -> Self:
        """Learn pieces from (source, target) pairs; the same pairs give the same tokenizer.

        pairs: iterated over once for each side.
        kind: "bpe" (Sennrich et al. 2016) or "unigram" (Kudo 2018).
        vocab_size: of the joint model, or of each; it includes 4 special and 256 byte pieces.
        character_coverage: share of the text's characters with pieces of their own; less than 1
            for scripts of thousands of characters. Bytes spell the rest.

        Raises ValueError for a value out of range, with the least or the greatest ``vocab_size``
        that these pairs allow.
        """
        checks.one_of("kind", kind, ["bpe", "unigram"])
        checks.positive_int("vocab_size", vocab_size)
        checks.share("character_coverage", character_coverage)
        texts = {"both languages": (0, 1)} if joint else {"the source": (0,), "the target": (1,)}
        models, problems = [], []
        for what, sides in texts.items():
            lines = (pair[side] for side in sides for pair in pairs)
            try:
                models.append(learn(lines, what, kind, vocab_size, character_coverage))
            except checks.OptionError as error:
                problems.append(error.message)
        if problems:
            raise checks.OptionError("\n".join(problems))
        return cls(models[0], models[-1])

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

    def encode_src(self, lines: Sequence[str], *, threads: int = 1) -> list[list[int]]:
        """Source ids of the best segmentation of each line. Raises ValueError for a line that is
        no valid Unicode text."""
        return list(self._src.encode(list(escape(lines)), num_threads=threads))

    def encode_tgt(self, lines: Sequence[str], *, threads: int = 1) -> list[list[int]]:
        """Target ids of each line; as ``encode_src``."""
        return list(self._tgt.encode(list(escape(lines)), num_threads=threads))

    def sample_src(
        self, lines: Iterable[str], *, sampling: float, seed: int
    ) -> Iterator[list[int]]:
        """Source ids of a random segmentation of each line in turn.

        sampling: with BPE the probability of dropping a merge (BPE-dropout, Provilkov et al. 2020),
            with unigram the smoothing exponent alpha (Kudo 2018, section 3.2; a smaller one gives
            more variety).
        seed: the same lines, sampling and seed give the same ids in every process.

        Raises ValueError for a line that is no valid Unicode text.
        """
        return sample(self._src, lines, sampling, seed)

    def sample_tgt(
        self, lines: Iterable[str], *, sampling: float, seed: int
    ) -> Iterator[list[int]]:
        """Target ids of each line in turn; as ``sample_src``, with other random numbers."""
        return sample(self._tgt, lines, sampling, f"target {seed}")

    def decode_tgt(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """The text of each sequence of target ids, without special ids. Bytes that form no
        character become U+FFFD."""
        # One by one: for a list SentencePiece starts threads, which cost more than the decoding.
        texts = [self._tgt.decode([token for token in row if token > EOS]) for row in ids]
        return [unescape(text) for text in texts]

    def src_pieces(self, ids: Sequence[int]) -> list[str]:
        """Source pieces for people to look at."""
        return [self._src.id_to_piece(token) for token in ids]

    def tgt_pieces(self, ids: Sequence[int]) -> list[str]:
        """Target pieces for people to look at."""
        return [self._tgt.id_to_piece(token) for token in ids]

    def sha256(self) -> str:
        """A fingerprint: tokenizers with the same one encode in the same way."""
        models = (self._src.serialized_model_proto(), self._tgt.serialized_model_proto())
        return hashlib.sha256(b"".join(models)).hexdigest()

    def save(self, directory: str | Path) -> list[Path]:
        """Write one model file, or one for each language, and return their paths."""
        models = {_SRC_FILE: self._src, _TGT_FILE: self._tgt}
        if self.joint:
            models = {_JOINT_FILE: self._src}
        for name, model in models.items():
            (Path(directory) / name).write_bytes(model.serialized_model_proto())
        return [Path(directory) / name for name in models]

    @classmethod
    def load(cls, directory: str | Path) -> Self:
        """Read the files that ``save`` wrote.

        Raises FileNotFoundError where there is no tokenizer, ValueError for a file that is damaged
        or that ``train`` did not make.
        """
        directory = Path(directory)
        if (directory / _JOINT_FILE).exists():
            model = _load(directory / _JOINT_FILE)
            return cls(model, model)
        return cls(_load(directory / _SRC_FILE), _load(directory / _TGT_FILE))


def load_tokenizer(run: RunDirectory) -> Tokenizer:
    """The tokenizer of a run. Compares its files with their sha256 first."""
    for file in run.path.glob("tokenizer*.model"):
        run.verified(file.name)
    return Tokenizer.load(run.path)


def _load(path: Path) -> spm.SentencePieceProcessor:
    if not path.is_file():
        raise FileNotFoundError(f"no tokenizer in {path.parent}: {path.name} is missing")
    model = spm.SentencePieceProcessor()
    try:
        model.load_from_serialized_proto(path.read_bytes())
    except RuntimeError as error:
        raise ValueError(f"{path} is damaged, or no SentencePiece model") from error
    special = (model.pad_id(), model.unk_id(), model.bos_id(), model.eos_id())
    if special != (PAD, UNK, BOS, EOS) or not model.is_byte(EOS + 1):
        raise ValueError(f"{path} was not made by nmt-train: its special pieces are others")
    return model
