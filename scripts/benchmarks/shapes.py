"""The shapes that speeds are compared at, with random weights."""

from typing import Any

import torch

from nmt.models.interface import Seq2SeqModel
from nmt.translator import build_model

VOCABULARY = 8000

_TRANSFORMER: dict[str, Any] = {
    "_target_": "nmt.models.transformer.TransformerSeq2Seq",
    "hidden_size": 256,
    "num_heads": 4,
    "ff_size": 1024,
    "num_layers": 3,
    "dropout": 0.1,
    "share_embeddings": True,
}
_LSTM: dict[str, Any] = {
    "_target_": "nmt.models.lstm.LSTMSeq2Seq",
    "embed_size": 512,
    "hidden_size": 512,
    "num_layers": 1,
    "dropout": 0.1,
    "share_embeddings": True,
    "encoder_directions": "both",
}
MODELS: dict[str, dict[str, Any]] = {
    "transformer": _TRANSFORMER,
    "lstm_bahdanau": {
        **_LSTM,
        "attention": {"_target_": "nmt.models.attention.AdditiveAttention"},
    },
    "lstm": {**_LSTM, "attention": {"_target_": "nmt.models.attention.FixedContext"}},
}


def random_model(name: str) -> Seq2SeqModel:
    """One of ``MODELS``, the same every time."""
    torch.manual_seed(1)
    return build_model(MODELS[name], src_vocab_size=VOCABULARY, tgt_vocab_size=VOCABULARY)
