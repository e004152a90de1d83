"""Run by a peer's own Python: CTranslate2 on the weights of one of our transformers.

    python ctranslate2_decode.py FOLDER BEAM_SIZE LIMIT BATCH_TOKENS THREADS TYPE

FOLDER holds what ``scripts.benchmarks.peers`` exported: weights.npz, vocabulary.txt, source.txt
(pieces). TYPE is of CTranslate2's products: float32, int8, ..., or auto, the fastest that it knows.
Prints one line of JSON: seconds, loading left out, and the translations in pieces.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from ctranslate2.specs import common_spec, transformer_spec


def convert(folder: Path) -> Path:
    target = folder / "ctranslate2"
    if target.exists():
        return target
    weights = dict(np.load(folder / "weights.npz"))
    vocabulary = (folder / "vocabulary.txt").read_text(encoding="utf-8").split("\n")
    layers, heads = int(weights["num_layers"]), int(weights["num_heads"])
    spec = transformer_spec.TransformerSpec.from_config(
        (layers, layers), heads, pre_norm=True, activation=common_spec.Activation.RELU
    )

    def linear(into: Any, name: str) -> None:
        into.weight, into.bias = weights[f"{name}.weight"], weights[f"{name}.bias"]

    def norm(into: Any, name: str) -> None:
        into.gamma, into.beta = weights[f"{name}.weight"], weights[f"{name}.bias"]

    def feed_forward(into: Any, name: str) -> None:
        norm(into.ffn.layer_norm, f"{name}.feed_forward_norm")
        linear(into.ffn.linear_0, f"{name}.feed_forward.0")
        linear(into.ffn.linear_1, f"{name}.feed_forward.2")

    def self_attention(into: Any, name: str) -> None:
        norm(into.self_attention.layer_norm, f"{name}.attention_norm")
        linear(into.self_attention.linear[0], f"{name}.attention.qkv")
        linear(into.self_attention.linear[1], f"{name}.attention.out")

    for side, stack in (("encoder", spec.encoder), ("decoder", spec.decoder)):
        embeddings = stack.embeddings[0] if side == "encoder" else stack.embeddings
        embeddings.weight = weights["tgt_embedding.weight"]
        stack.scale_embeddings = True
        stack.position_encodings.encodings = weights["positions"]
        norm(stack.layer_norm, f"{side}_norm")
        for number, layer in enumerate(stack.layer):
            name = f"{side}_layers.{number}"
            self_attention(layer, name)
            feed_forward(layer, name)
            if side == "decoder":
                norm(layer.attention.layer_norm, f"{name}.cross_norm")
                linear(layer.attention.linear[0], f"{name}.cross_attention.q")
                linear(layer.attention.linear[1], f"{name}.cross_attention.kv")
                linear(layer.attention.linear[2], f"{name}.cross_attention.out")
    spec.decoder.projection.weight = weights["tgt_embedding.weight"]
    spec.register_source_vocabulary(vocabulary)
    spec.register_target_vocabulary(vocabulary)
    spec.config.add_source_eos = True
    spec.validate()
    spec.optimize()
    target.mkdir()
    spec.save(str(target))
    return target


def main() -> None:
    folder, (beam_size, limit, batch_tokens, threads) = Path(sys.argv[1]), map(int, sys.argv[2:6])
    translator = ctranslate2.Translator(
        str(convert(folder)),
        device="cpu",
        compute_type=sys.argv[6],
        inter_threads=1,
        intra_threads=threads,
    )
    lines = (folder / "source.txt").read_text(encoding="utf-8").split("\n")
    source = [line.split(" ") for line in lines]
    options: dict[str, Any] = {
        "beam_size": beam_size,
        "max_batch_size": batch_tokens,
        "batch_type": "tokens",
        "max_decoding_length": limit,
    }
    translator.translate_batch(source[:64], **options)
    start = time.perf_counter()
    results = translator.translate_batch(source, **options)
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "pieces": [r.hypotheses[0] for r in results]}))


main()
