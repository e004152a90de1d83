"""Writes a model as two ONNX graphs, with what translates by them and nothing of nmt.

``encoder_model.onnx`` reads sources, ``decoder_model.onnx`` one token of each hypothesis. Whatever
the architecture, a caller hands on what it is given, by name:

- the encoder reads ``input_ids`` (B, S), EOS last, then PAD, and gives ``memory.N`` and ``past.N``;
- the decoder reads ``input_ids`` (B,), BOS first, ``memory.N`` and ``past.N``, and gives ``logits``
  (B, V) and ``present.N``, which is the next token's ``past.N``.

A hypothesis is a row, axis 0 of every one of these: to reorder hypotheses is to reorder rows. The
first past of a transformer is empty.

Dims: B rows, S source tokens, T target tokens read, V target vocabulary, D model width.
"""

import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, is_dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nmt.export.alongside import (
    LARGEST_DIFFERENCE,
    copy_outside,
    needed,
    new_directory,
    random_pairs,
    write_alongside,
    write_pieces,
    write_readme,
)
from nmt.models.interface import Seq2SeqModel
from nmt.models.kv_cache import KeyValueCache
from nmt.tokenizer import BOS, EOS, PAD
from nmt.translator.inference import token_log_probs
from nmt.translator.loading import LoadedRun

ENCODER, DECODER = "encoder_model.onnx", "decoder_model.onnx"
Floats = NDArray[np.float64]
IDS, LOGITS = "input_ids", "logits"
_FILES = {
    "exported_text.py": "exported_text.py",
    "translate_by_onnx.py": "translate.py",
}
_PAGE = {"page.html": "index.html", "page.js": "page.js", "translate.js": "translate.js"}
_USAGE = (
    "A translator of nmt for [ONNX Runtime](https://onnxruntime.ai/).",
    "```\npip install onnxruntime sentencepiece\npython translate.py < in.txt > out.txt\n```",
)
_IN_A_BROWSER = (
    "In a browser: put the folder `dist` of the npm package `onnxruntime-web` here, under the name "
    "`onnxruntime-web`, and serve this folder:",
    "```\nnpm pack onnxruntime-web && tar xzf onnxruntime-web-*.tgz && mv package/dist "
    "onnxruntime-web\npython -m http.server --bind 127.0.0.1 8080\n```",
)


def export_onnx(run: LoadedRun, output: Path) -> float:
    """Writes the directory ``output`` and returns the largest difference of log-probabilities
    between both programs, of random pairs.

    Raises ValueError for a model that cannot be exported and where results differ, FileExistsError
    where ``output`` exists.
    """
    for package in ("onnx", "onnxscript"):
        needed(package)
    runtime = needed("onnxruntime")
    with new_directory(output) as directory:
        convert(run.model, directory)
        settings = write_alongside(directory, run, _FILES)
        if (problem := write_pieces(directory, settings)) is None:
            copy_outside(_PAGE, directory)
        usage = (*_USAGE, *(_IN_A_BROWSER if problem is None else (problem,)))
        write_readme(directory, run, "A translator in ONNX", usage)
        difference = _difference(runtime, directory, run)
        if not difference <= LARGEST_DIFFERENCE:
            raise ValueError(
                f"ONNX Runtime gives other log-probabilities than nmt (by {difference:.2g}), so "
                f"nothing was written: is its version one that nmt was tested with (1.32)?"
            )
    return difference


@torch.no_grad()
def convert(model: Seq2SeqModel, directory: Path) -> None:
    """Writes the two graphs. Raises ValueError for a model that torch cannot export."""
    encoder = EncoderGraph(model.eval())
    src = _sources(2, 7)
    decoder = DecoderGraph(model, *model.start(model.encode(src), 1))
    given, other = (_given(encoder, decoder, *sizes) for sizes in ((2, 7, 3), (3, 8, 4)))
    held, before = (
        [f"{kind}.{n}" for n in range(len(of))]
        for kind, of in zip(("memory", "past"), given[1:], strict=True)
    )
    after = [name.replace("past", "present") for name in before]
    varying = _varying((src,), (_sources(3, 8),))
    _write(encoder, (src,), varying, directory / ENCODER, [IDS], [*held, *before])
    names = [IDS, *held, *before], [LOGITS, *after]
    _write(decoder, given, _varying(given, other), directory / DECODER, *names)


def _sources(rows: int, length: int) -> Tensor:
    src = torch.full((rows, length), EOS + 1)
    src[:, -1] = EOS
    return src


def _given(
    encoder: "EncoderGraph", decoder: "DecoderGraph", rows: int, length: int, read: int
) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """What the decoder is given for rows of so many source tokens, when it has read so many."""
    memory, past = encoder(_sources(rows, length))
    tokens = torch.full((rows,), BOS)
    for _ in range(read):  # torch would take a size of 0 for a constant
        _, past = decoder(tokens, memory, past)
    return tokens, memory, past


def _varying(one: Any, other: Any) -> Any:
    """Which axes of tensors vary: those whose sizes differ between two examples."""
    if isinstance(one, Tensor):
        sizes = enumerate(zip(one.shape, other.shape, strict=True))
        return {axis: torch.export.Dim.DYNAMIC for axis, (size, its) in sizes if size != its}
    return type(one)(_varying(*pair) for pair in zip(one, other, strict=True))


def _write(
    graph: nn.Module,
    given: tuple[Any, ...],
    varying: tuple[Any, ...],
    path: Path,
    inputs: Sequence[str],
    outputs: Sequence[str],
) -> None:
    onnx, silence = needed("onnx"), io.StringIO()
    logging.disable(logging.WARNING)  # it says which packages it does not need
    try:
        with warnings.catch_warnings(), redirect_stdout(silence), redirect_stderr(silence):
            warnings.simplefilter("ignore")
            torch.onnx.export(
                graph.eval(),
                given,
                path,
                dynamo=True,  # without it, a step of an LSTM comes out wrong
                dynamic_shapes=varying,
                input_names=inputs,
                output_names=outputs,
                external_data=False,
                verbose=False,
            )
    except Exception as error:
        said = str(error.__cause__ or error).strip().partition("\n")[0]
        raise ValueError(f"torch cannot export this model to ONNX: {said}") from error
    finally:
        logging.disable(logging.NOTSET)
    written = onnx.load(path)
    del written.graph.value_info[:]
    for value in written.graph.output:
        value.type.tensor_type.ClearField("shape")  # torch states the example's
    onnx.save(written, path)


class EncoderGraph(nn.Module):
    """input_ids (B, S) -> what decoding needs of a source, and the state before any token."""

    def __init__(self, model: Seq2SeqModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        memory, state = self.model.start(self.model.encode(input_ids), 1)
        return tensors_of(memory), tensors_of(state)


class DecoderGraph(nn.Module):
    """One token of each row -> logits (B, V) and the state behind it."""

    def __init__(self, model: Seq2SeqModel, memory: Any, state: Any) -> None:
        """memory, state: as ``start`` gives them for any source."""
        super().__init__()
        self.model = model
        self._memory, self._state = memory, state

    def forward(
        self, input_ids: Tensor, memory: Sequence[Tensor], past: Sequence[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        filled = with_tensors(self._memory, iter(memory)), with_tensors(self._state, iter(past))
        logits, state = self.model.step(input_ids.unsqueeze(1), *filled)
        return logits.squeeze(1), tensors_of(state)


class GrowingCache(KeyValueCache):
    """A key-value cache of one hypothesis a row, whose tensors are as long as what it has read."""

    def advanced(self) -> "GrowingCache":
        return _cache_of(self.keys, self.values, self.length + 1)

    def write(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        grown = []
        for name, new in (("keys", keys), ("values", values)):
            every = list(getattr(self, name))
            every[layer] = torch.cat([every[layer], new], dim=1)
            object.__setattr__(self, name, tuple(every))  # this step's own, from ``advanced``
            grown.append(every[layer])
        return grown[0], grown[1]


def _cache_of(keys: tuple[Tensor, ...], values: tuple[Tensor, ...], length: int) -> GrowingCache:
    """keys, values: (B, T, D) a layer."""
    read = torch.ones(keys[0].shape[0], 1, length, dtype=torch.bool, device=keys[0].device)
    return GrowingCache(keys, values, read, length)


def tensors_of(value: Any) -> list[Tensor]:
    """The tensors of a memory or a state, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, KeyValueCache):
        return [*value.keys, *value.values]
    if isinstance(value, tuple):
        return [tensor for part in value for tensor in tensors_of(part)]
    return tensors_of(tuple(vars(value).values())) if is_dataclass(value) else []


def with_tensors(value: Any, tensors: Iterator[Tensor]) -> Any:
    """A memory or a state with others in the places of its tensors."""
    if isinstance(value, Tensor):
        return next(tensors)
    if isinstance(value, KeyValueCache):
        keys, values = ([next(tensors) for _ in part] for part in (value.keys, value.values))
        return _cache_of(tuple(keys), tuple(values), keys[0].shape[1])
    if isinstance(value, tuple):
        return tuple(with_tensors(part, tensors) for part in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    return replace(
        value, **{name: with_tensors(part, tensors) for name, part in vars(value).items()}
    )


def _difference(runtime: ModuleType, directory: Path, run: LoadedRun) -> float:
    """The largest difference of a token's log-probability in random pairs, one of them alone and
    the others in a batch."""
    tokenizer = run.tokenizer
    pairs = random_pairs(tokenizer.src_vocab_size, tokenizer.tgt_vocab_size)
    theirs = Graphs.load(runtime, directory)
    worst = 0.0
    for batch in (pairs[:1], pairs[1:]):
        ours = token_log_probs(run.model.eval(), batch)
        for our, their in zip(ours, theirs.log_probs(batch), strict=True):
            worst = max(worst, float(np.abs(np.array(our) - their).max()))
    return worst


@dataclass(frozen=True)
class Graphs:
    """Both graphs, loaded by ONNX Runtime."""

    encoder: Any
    decoder: Any

    @classmethod
    def load(cls, runtime: ModuleType, directory: Path) -> Self:
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1
        paths = [str(directory / name) for name in (ENCODER, DECODER)]
        return cls(*(runtime.InferenceSession(path, options) for path in paths))

    def log_probs(self, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> list[Floats]:
        """log p of each target token, EOS last, of each pair of ids without EOS."""
        src = _padded([[*src, EOS] for src, _ in pairs])
        labels = _padded([[*tgt, EOS] for _, tgt in pairs])
        held = _run(self.encoder, {IDS: src})
        tokens, rows, found = np.full(len(pairs), BOS), np.arange(len(pairs)), []
        for column in labels.T:
            given = _run(self.decoder, {IDS: tokens, **held})
            logits = given.pop(LOGITS).astype(np.float64)
            logits -= logits.max(axis=1, keepdims=True)
            found.append(logits[rows, column] - np.log(np.exp(logits).sum(axis=1)))
            held |= {name.replace("present", "past"): value for name, value in given.items()}
            tokens = column
        every = np.stack(found, axis=1)
        return [row[: len(tgt) + 1] for row, (_, tgt) in zip(every, pairs, strict=True)]


def _run(session: Any, given: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    names = [one.name for one in session.get_outputs()]
    return dict(zip(names, session.run(names, given), strict=True))


def _padded(rows: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    padded = np.full((len(rows), max(map(len, rows))), PAD)
    for place, row in enumerate(rows):
        padded[place, : len(row)] = row
    return padded
