"""Text to ids and back without loss, by SentencePiece (Kudo and Richardson 2018).

Text is neither normalised nor trimmed, and a character outside the vocabulary becomes its UTF-8
bytes, so that decoding what was encoded gives the same text back.
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
    """(source, target) texts that can be iterated over more than once."""

    def __iter__(self) -> Iterator[tuple[str, str]]: ...


class Tokenizer:
    """One SentencePiece model for both languages, or one each; ids 0-3 are PAD, UNK, BOS, EOS.

    Encoded sentences hold neither BOS nor EOS. Nothing in a text is taken for a special token.
    """

    def __init__(self, src: spm.SentencePieceProcessor, tgt: spm.SentencePieceProcessor) -> None:
        """src, tgt: the same object where the vocabulary is joint."""
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
        """Learn the pieces of (source, target) pairs; the same pairs give the same tokenizer.

        pairs: iterated over once for each side.
        kind: "bpe" (Sennrich et al. 2016) or "unigram" (Kudo 2018).
        vocab_size: of the joint model, or of each; it includes 4 special and 256 byte pieces.
        character_coverage: share of the text's characters that get pieces of their own; for scripts
            of thousands of characters less than 1, the rest being spelt in bytes.

        Raises ValueError where a value is out of range, giving the least or the greatest
        ``vocab_size`` that these pairs allow.
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
        """Source ids of each line, the one best segmentation.

        Raises ValueError for a line that is no valid Unicode text.
        """
        return _encode(self._src, lines, threads)

    def encode_tgt(self, lines: Sequence[str], *, threads: int = 1) -> list[list[int]]:
        """Target ids of each line; as ``encode_src``."""
        return _encode(self._tgt, lines, threads)

    def sample_src(
        self, lines: Iterable[str], *, sampling: float, seed: int
    ) -> Iterator[list[int]]:
        """Source ids of each line in turn, a random segmentation of it.

        sampling: with BPE the probability of leaving out a merge (BPE-dropout, Provilkov et al.
            2020), with unigram the smoothing exponent alpha (Kudo 2018, section 3.2; the smaller,
            the more random).
        seed: the same lines, sampling and seed give the same ids, here and in any other process.

        Raises ValueError for a line that is no valid Unicode text.
        """
        return _sample(self._src, lines, sampling, seed)

    def sample_tgt(
        self, lines: Iterable[str], *, sampling: float, seed: int
    ) -> Iterator[list[int]]:
        """Target ids of each line in turn; as ``sample_src``, by other random numbers."""
        return _sample(self._tgt, lines, sampling, f"target {seed}")

    def decode_tgt(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """The text of each sequence of target ids.

        Special ids are left out, and bytes that form no character become U+FFFD.
        """
        return _decode(self._tgt, ids)

    def src_pieces(self, ids: Sequence[int]) -> list[str]:
        """Source pieces for people to look at."""
        return [self._src.id_to_piece(token) for token in ids]

    def tgt_pieces(self, ids: Sequence[int]) -> list[str]:
        """Target pieces for people to look at."""
        return [self._tgt.id_to_piece(token) for token in ids]

    def sha256(self) -> str:
        """What a tokenizer is recognised by: the same for those that encode in the same way."""
        digest = hashlib.sha256()
        for model in (self._src, self._tgt):
            digest.update(model.serialized_model_proto())
        return digest.hexdigest()

    def save(self, directory: str | Path) -> list[Path]:
        """Write one model file, or one for each language, and return their paths."""
        models = {_JOINT_FILE: self._src}
        if not self.joint:
            models = {_SRC_FILE: self._src, _TGT_FILE: self._tgt}
        paths = []
        for name, model in models.items():
            path = Path(directory) / name
            path.write_bytes(model.serialized_model_proto())
            paths.append(path)
        return paths

    @classmethod
    def load(cls, directory: str | Path) -> Self:
        """Read what ``save`` wrote.

        Raises FileNotFoundError where there is no tokenizer, ValueError for a file that is damaged
        or was not made by ``train``.
        """
        directory = Path(directory)
        if (directory / _JOINT_FILE).exists():
            model = _load(directory / _JOINT_FILE)
            return cls(model, model)
        return cls(_load(directory / _SRC_FILE), _load(directory / _TGT_FILE))


def load_tokenizer(run: RunDirectory) -> Tokenizer:
    """The tokenizer of a run, after its files have been compared with their sha256."""
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


def _encode(
    model: spm.SentencePieceProcessor, lines: Iterable[str], threads: int
) -> list[list[int]]:
    return list(model.encode(list(escape(lines)), num_threads=threads))


def _sample(
    model: spm.SentencePieceProcessor, lines: Iterable[str], sampling: float, seed: int | str
) -> Iterator[list[int]]:
    if checks.probability("sampling", sampling) == 0:
        raise ValueError("sampling=0 leaves nothing to draw")
    return sample(model, escape(lines), sampling, seed)


def _decode(model: spm.SentencePieceProcessor, sequences: Sequence[Sequence[int]]) -> list[str]:
    # One by one: for a list SentencePiece starts threads anew, which cost far more than the work.
    texts = [model.decode([token for token in ids if token > EOS]) for ids in sequences]
    return [unescape(text) for text in texts]
