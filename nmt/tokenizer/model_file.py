"""SentencePiece models as files: what they hold, and their pieces put in order.

Another program's model gets the ids that all models have here (``pieces.py``), in a copy.
"""

from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

import sentencepiece as spm
from google.protobuf.message import DecodeError
from sentencepiece import sentencepiece_model_pb2

from nmt.checks import OptionError, field
from nmt.tokenizer.pieces import ALL_PLACEHOLDERS, SPACE_MARK

pb: Any = sentencepiece_model_pb2  # its classes are made at run time
_Piece = pb.ModelProto.SentencePiece
_SPECIAL = {
    "pad": _Piece.CONTROL,
    "unk": _Piece.UNKNOWN,
    "bos": _Piece.CONTROL,
    "eos": _Piece.CONTROL,
}
"""The special pieces in the order of their ids -> their type."""

_PROBE = "a zb 1 \U0010ffc0\u4e2d x"


def read_model(path: Path) -> bytes:
    """A model that another program made. Raises ValueError for a file that is not there or is no
    SentencePiece model, OSError for one that cannot be read."""
    if not path.is_file():
        raise OptionError(f"{field('model')}={path}: there is no such file")
    content = path.read_bytes()
    try:
        whole = bool(pb.ModelProto.FromString(content).pieces)
        spm.SentencePieceProcessor(model_proto=content)
    except (DecodeError, RuntimeError):
        whole = False
    if not whole:
        raise OptionError(
            f"{field('model')}={path} is no SentencePiece model: it takes a file like those that"
            f" spm_train and nmt-train write (NAME.model)"
        )
    return content


def arranged(model: bytes, symbols: Sequence[str], reserved: Sequence[str]) -> bytes:
    """The model with its special pieces first, then the bytes, its other pieces in their order, the
    symbols that it lacks, and the reserved symbols, which are the only placeholders. Special pieces
    and bytes that it lacks are added."""
    proto = pb.ModelProto.FromString(model)
    there = {piece.piece: piece for piece in proto.pieces}
    first: list[Any] = []
    for number, (name, kind) in enumerate(_SPECIAL.items()):
        first.append(_special(proto.trainer_spec, name, kind, there, {one.piece for one in first}))
        setattr(proto.trainer_spec, f"{name}_id", number)
    for byte in range(256):
        name = f"<0x{byte:02X}>"
        piece = there.get(name) or _Piece(piece=name, score=0.0, type=_Piece.BYTE)
        if piece.type != _Piece.BYTE:
            raise OptionError(f"{field('model')} has a piece {name} that is no byte")
        first.append(piece)
    known = {piece.piece for piece in proto.pieces if piece.type == _Piece.USER_DEFINED}
    added = [*(one for one in symbols if one not in known), *reserved]
    elsewhere = {piece.piece for piece in first}.union(added, known.intersection(ALL_PLACEHOLDERS))
    others = [piece for piece in proto.pieces if piece.piece not in elsewhere]
    if SPACE_MARK not in there:
        lowest = min(piece.score for piece in proto.pieces) - 1
        others.append(_Piece(piece=SPACE_MARK, score=lowest, type=_Piece.NORMAL))
    last = [_Piece(piece=one, score=0.0, type=_Piece.USER_DEFINED) for one in added]
    # Of tests that the file may hold of itself, nothing is taken over: bytes change their results.
    new = pb.ModelProto(pieces=[*first, *others, *last])
    for name in ("trainer_spec", "normalizer_spec", "denormalizer_spec"):
        if proto.HasField(name):
            getattr(new, name).CopyFrom(getattr(proto, name))
    new.trainer_spec.vocab_size = len(new.pieces)
    new.trainer_spec.byte_fallback = True
    content: bytes = new.SerializeToString()
    return content


def _special(
    spec: Any, name: str, kind: int, there: Mapping[str, Any], taken: Container[str]
) -> Any:
    """The piece of a model for this purpose, or a new one."""
    if kind == _Piece.UNKNOWN:  # every model has one
        piece = next(piece for piece in there.values() if piece.type == kind)
        spec.unk_piece = piece.piece
        return piece
    usual = getattr(spec, f"{name}_piece")
    piece = there.get(usual)
    if piece is not None and piece.type == kind and usual not in taken:
        return piece
    free = f"<nmt:{name}>" if usual in there or usual in taken else usual
    setattr(spec, f"{name}_piece", free)
    return _Piece(piece=free, score=0.0, type=kind)


def check_gives_text_back(model: spm.SentencePieceProcessor) -> None:
    """ValueError for a model that cannot give back what its own normalization leaves of a text."""
    proto = _proto(model)
    if proto.trainer_spec.treat_whitespace_as_suffix:
        problem = "its spaces stand at the end of pieces (treat_whitespace_as_suffix)"
    elif not proto.normalizer_spec.escape_whitespaces:
        problem = "it writes spaces as spaces (escape_whitespaces=false)"
    elif proto.trainer_spec.model_type == pb.TrainerSpec.WORD:
        problem = "it is of type word, so that it loses words that it does not know"
    elif model.decode(model.encode(_PROBE)) != _plain(model.normalize(_PROBE)):
        problem = "text that it encodes does not come back"
    else:
        return
    raise OptionError(f"{field('model')} cannot serve: {problem}")


def _plain(normal: str) -> str:
    return normal.replace(SPACE_MARK, " ").removeprefix(" ")


def kind_of(model: spm.SentencePieceProcessor) -> str:
    """The type of a model: "unigram", "bpe", "word" or "char"."""
    kind = _proto(model).trainer_spec.model_type
    name: str = pb.TrainerSpec.ModelType.Name(kind)
    return name.lower()


def own_normalization(model: spm.SentencePieceProcessor) -> str:
    """What the model itself does to text; "" for nothing."""
    spec = _proto(model).normalizer_spec
    rules = [str(spec.name) or "rules without a name"] if spec.precompiled_charsmap else []
    return " and ".join([*rules, *["single spaces"] * spec.remove_extra_whitespaces])


def scores_of(model: spm.SentencePieceProcessor) -> dict[str, float]:
    """The pieces that text is segmented into -> their scores, in the order of their ids."""
    return {one.piece: one.score for one in _proto(model).pieces if one.type == _Piece.NORMAL}


def symbols_of(model: spm.SentencePieceProcessor) -> list[str]:
    """The pieces that stand for their text wherever it occurs."""
    return [one.piece for one in _proto(model).pieces if one.type == _Piece.USER_DEFINED]


def _proto(model: spm.SentencePieceProcessor) -> Any:
    return pb.ModelProto.FromString(model.serialized_model_proto())
