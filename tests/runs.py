"""Runs as training leaves them, without the training."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from nmt.models.interface import Seq2SeqModel
from nmt.models.weights import save_weights
from nmt.run_directory import RunDirectory
from nmt.tokenizer import Tokenizer
from nmt.translator import build_model

MODEL = {
    "_target_": "nmt.models.lstm.LSTMSeq2Seq",
    "embed_size": 8,
    "hidden_size": 8,
    "num_layers": 1,
    "dropout": 0.5,
    "share_embeddings": True,
    "encoder_directions": "both",
    "attention": {"_target_": "nmt.models.attention.AdditiveAttention", "attention_size": 8},
}
PAIRS = [("the cat sat", "le chat dort"), ("a dog ran home", "un chien rentre")]


def untrained(
    tokenizer: Tokenizer, seed: int = 1, model: Mapping[str, Any] = MODEL
) -> Seq2SeqModel:
    torch.manual_seed(seed)
    sizes = {"src_vocab_size": tokenizer.src_vocab_size, "tgt_vocab_size": tokenizer.tgt_vocab_size}
    return build_model(model, **sizes)


def make_run(
    path: Path,
    tokenizer: Tokenizer,
    *,
    seed: int = 1,
    languages: tuple[str, str] = ("en", "fr"),
    model: Mapping[str, Any] = MODEL,
    **fields: Any,
) -> RunDirectory:
    """A run with an untrained model, as training leaves one; ``fields`` go into its manifest."""
    run = RunDirectory.create(path)
    src_lang, tgt_lang = languages
    run.write_config({"model": dict(model), "data": {"src_lang": src_lang, "tgt_lang": tgt_lang}})
    for file in tokenizer.save(run.path):
        run.add_file(file.name)
    save_weights(untrained(tokenizer, seed, model), run.path / "model-1.safetensors")
    run.add_file("model-1.safetensors")
    run.commit(serving="model-1.safetensors", serving_kind="best", **fields)
    return run


def untrained_run(path: Path, *, seed: int = 1, languages: tuple[str, str] = ("en", "fr")) -> Path:
    """A run with random weights, for lines of up to 100 tokens. Runs of other seeds share the
    tokenizer."""
    tokenizer = Tokenizer.train(PAIRS, kind="bpe", vocab_size=285, joint=True)
    options: dict[str, Any] = {"seed": seed, "languages": languages, "longest_source": 100}
    return make_run(path, tokenizer, **options).path
