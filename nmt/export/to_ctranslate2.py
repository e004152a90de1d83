"""Writes a transformer in the form of CTranslate2, with what translates by it and nothing of nmt.

Dims: V vocabulary, D model width, P positions.
"""

from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from nmt.checks import one_of
from nmt.export.alongside import (
    LARGEST_DIFFERENCE,
    needed,
    new_directory,
    random_pairs,
    write_alongside,
    write_readme,
)
from nmt.models.interface import Seq2SeqModel
from nmt.models.layers import sinusoids
from nmt.models.transformer import TransformerSeq2Seq
from nmt.tokenizer import BOS, EOS, UNK, Tokenizer
from nmt.translator.inference import token_log_probs
from nmt.translator.loading import LoadedRun

POSITIONS = 2048
"""CTranslate2 has a table of positions and refuses longer text. This is 1 MB at D = 128."""

QUANTIZATIONS = (
    *("int8", "int8_float32", "int8_float16", "int8_bfloat16", "int16", "float16", "bfloat16"),
)
_FILES = {
    "exported_text.py": "exported_text.py",
    "translate_by_ctranslate2.py": "translate.py",
}
_USAGE = (
    "A translator of nmt for [CTranslate2](https://opennmt.net/CTranslate2/).",
    "```\npip install ctranslate2 sentencepiece\npython translate.py < in.txt > out.txt\n```",
)


def export_ctranslate2(run: LoadedRun, output: Path, quantization: str | None) -> float:
    """Writes the directory ``output`` and returns the largest difference of log-probabilities
    between both programs, of random pairs.

    Raises ValueError for a model that CTranslate2 has no form for, for an unknown quantization, and
    where without one the results differ; FileExistsError where ``output`` exists.
    """
    if quantization is not None:
        one_of("quantization", quantization, QUANTIZATIONS)
    model = _transformer(run.model)
    program = needed("ctranslate2")
    with new_directory(output) as directory:
        convert(model, run.tokenizer, directory, quantization)
        write_alongside(directory, run, _FILES, positions=POSITIONS)
        write_readme(directory, run, "A transformer for CTranslate2", _USAGE)
        difference = _difference(program, directory, run)
        if quantization is None and not difference <= LARGEST_DIFFERENCE:
            raise ValueError(
                f"CTranslate2 gives other log-probabilities than nmt (by {difference:.2g}), so "
                f"nothing was written: is its version one that nmt was tested with (4.8)?"
            )
    return difference


def _transformer(model: Seq2SeqModel) -> TransformerSeq2Seq:
    if not isinstance(model, TransformerSeq2Seq):
        raise ValueError(
            f"CTranslate2 has no form for {type(model).__name__}, it knows transformers only: "
            f"format=onnx exports every model of nmt"
        )
    return model


def convert(
    model: TransformerSeq2Seq,
    tokenizer: Tokenizer,
    directory: Path,
    quantization: str | None = None,
) -> None:
    """Writes the model and its vocabularies, as CTranslate2 loads them, into a directory."""
    specs = needed("ctranslate2.specs")
    layers = len(model.encoder_layers)
    spec = specs.transformer_spec.TransformerSpec.from_config(
        (layers, layers),
        model.num_heads,
        pre_norm=True,
        activation=specs.common_spec.Activation.RELU,
    )
    weights = {  # copies, as CTranslate2 rounds in place
        name: tensor.detach().float().clone() for name, tensor in model.state_dict().items()
    }
    positions = sinusoids(0, POSITIONS, model.hidden_size, torch.device("cpu")).numpy()
    for side, stack in (("encoder", spec.encoder), ("decoder", spec.decoder)):
        if side == "encoder":
            stack.embeddings[0].weight = weights["src_embedding.weight"].numpy()
        else:
            stack.embeddings.weight = weights["tgt_embedding.weight"].numpy()
        stack.scale_embeddings = True
        stack.position_encodings.encodings = positions
        _norm(stack.layer_norm, weights, f"{side}_norm")
        for number, layer in enumerate(stack.layer):
            _layer(layer, weights, f"{side}_layers.{number}", crosses=side == "decoder")
    spec.decoder.projection.weight = weights["tgt_embedding.weight"].numpy()
    spec.register_source_vocabulary(tokenizer.src_pieces(range(tokenizer.src_vocab_size)))
    spec.register_target_vocabulary(tokenizer.tgt_pieces(range(tokenizer.tgt_vocab_size)))
    unk, bos, eos = tokenizer.tgt_pieces([UNK, BOS, EOS])
    spec.config.unk_token, spec.config.bos_token, spec.config.eos_token = unk, bos, eos
    spec.config.decoder_start_token = bos
    spec.config.add_source_eos = True
    spec.validate()
    spec.optimize(quantization)
    spec.save(str(directory))


def _layer(into: Any, weights: dict[str, torch.Tensor], name: str, *, crosses: bool) -> None:
    """A layer of the encoder, or one of the decoder, which ``crosses`` to the source."""
    _norm(into.self_attention.layer_norm, weights, f"{name}.attention_norm")
    _linear(into.self_attention.linear[0], weights, f"{name}.attention.qkv")
    _linear(into.self_attention.linear[1], weights, f"{name}.attention.out")
    if crosses:
        _norm(into.attention.layer_norm, weights, f"{name}.cross_norm")
        for place, part in enumerate(("q", "kv", "out")):
            _linear(into.attention.linear[place], weights, f"{name}.cross_attention.{part}")
    _norm(into.ffn.layer_norm, weights, f"{name}.feed_forward_norm")
    _linear(into.ffn.linear_0, weights, f"{name}.feed_forward.0")
    _linear(into.ffn.linear_1, weights, f"{name}.feed_forward.2")


def _linear(into: Any, weights: dict[str, torch.Tensor], name: str) -> None:
    into.weight, into.bias = (weights[f"{name}.{part}"].numpy() for part in ("weight", "bias"))


def _norm(into: Any, weights: dict[str, torch.Tensor], name: str) -> None:
    into.gamma, into.beta = (weights[f"{name}.{part}"].numpy() for part in ("weight", "bias"))


def _difference(program: ModuleType, directory: Path, run: LoadedRun) -> float:
    """The largest difference of a token's log-probability in random pairs."""
    tokenizer = run.tokenizer
    pairs = random_pairs(tokenizer.src_vocab_size, tokenizer.tgt_vocab_size)
    ours = token_log_probs(run.model.eval(), pairs)
    translator = program.Translator(str(directory), device="cpu", intra_threads=1)
    theirs = translator.score_batch(
        [tokenizer.src_pieces(src) for src, _ in pairs],
        [tokenizer.tgt_pieces(tgt) for _, tgt in pairs],
    )
    return max(
        abs(our - float(their))
        for own, scored in zip(ours, theirs, strict=True)
        for our, their in zip(own, scored.log_probs, strict=True)
    )
