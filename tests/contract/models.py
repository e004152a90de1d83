"""Every model the configs offer, found by listing them and made small, and an ensemble."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast
from unittest import mock

import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from torch import Tensor, nn
from torch.nn import functional as F

from nmt.models.attention import ContextSource
from nmt.models.ensemble import Ensemble, EnsembleEncoded
from nmt.models.interface import Encoded, Seq2SeqModel
from nmt.translator import build_model

VOCAB_SIZE = 11
ENSEMBLE = "ensemble of"
CONFIGS = Path(__file__).parents[2] / "configs"
SMALL = {
    "embed_size": 16,
    "hidden_size": 24,
    "ff_size": 32,
    "attention_size": 16,
    "num_heads": 2,
    "num_layers": 2,
    "share_embeddings": False,
}


@cache
def list_models() -> dict[str, dict[str, Any]]:
    """Name -> spec: each configs/model file, the LSTM with each attention."""
    attentions = sorted(path.stem for path in CONFIGS.glob("model/attention/*.yaml"))
    found: dict[str, dict[str, Any]] = {}
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        for path in sorted(CONFIGS.glob("model/*.yaml")):
            spec = _compose(path.stem)
            variants = {path.stem: spec}
            if path.stem == "lstm":
                variants = {
                    f"{path.stem}-{attention}": _compose(path.stem, f"model/attention={attention}")
                    for attention in attentions
                }
            found |= {
                name: variant for name, variant in variants.items() if variant not in found.values()
            }
    members = [found["lstm-bahdanau"], found["lstm-fixed_context"], found["transformer"]]
    return found | {"ensemble": {ENSEMBLE: members}}


def make_model(
    spec: Mapping[str, Any],
    *,
    seed: int = 0,
    vocab_size: int = VOCAB_SIZE,
    noise: float = 0.4,
    **changed: Any,
) -> Seq2SeqModel:
    """A small model in evaluation mode; ``changed`` replaces options that it has.

    spec: a ``model`` section, or {ENSEMBLE: list of them}.

    noise: deviation of what is added to each parameter, so that no bias is 0, no attention even,
        and other inputs give clearly other outputs.
    """
    if ENSEMBLE in spec:
        options = {"vocab_size": vocab_size, "noise": noise, **changed}
        return Ensemble(
            [
                make_model(part, seed=10 * seed + i, **options)
                for i, part in enumerate(spec[ENSEMBLE])
            ]
        ).eval()
    torch.manual_seed(seed)
    small = _replace(spec, SMALL | changed)
    model = build_model(small, src_vocab_size=vocab_size, tgt_vocab_size=vocab_size)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(noise * torch.randn_like(parameter))
    return model.eval()


def trained_alone(model: Seq2SeqModel) -> list[Seq2SeqModel]:
    """What is trained by itself: the model, or each of an ensemble."""
    return cast(list[Seq2SeqModel], list(model.models)) if isinstance(model, Ensemble) else [model]


def weights_decode_used(model: Seq2SeqModel, tgt_input: Tensor, encoded: Encoded) -> list[Tensor]:
    """The weights by which ``decode`` attended, (B, heads, T, S) a layer; [] if it did not.

    Seen from outside, where they are made: in a ContextSource, which returns them at each step,
    or in ``scaled_dot_product_attention``, whose weights follow from what it is given. A model
    that attends in a third way has to be looked at here in a third way. An ensemble attends as
    those of its models that do, each a layer of one head.
    """
    if isinstance(model, Ensemble):
        assert isinstance(encoded, EnsembleEncoded)
        each = [
            weights_decode_used(part, tgt_input, its)
            for part, its in zip(trained_alone(model), encoded.parts, strict=True)
        ]
        return [torch.stack(used, 1).mean(dim=(1, 2)).unsqueeze(1) for used in each if used]
    steps: list[Tensor] = []
    layers: list[Tensor] = []
    attend = F.scaled_dot_product_attention

    def watched(
        q: Tensor, k: Tensor, v: Tensor, attn_mask: Tensor | None = None, **options: Any
    ) -> Tensor:
        if k.shape[-2] == encoded.mask.shape[1] != tgt_input.shape[1]:
            scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
            assert attn_mask is not None, "padding is attended to"
            layers.append(scores.masked_fill(~attn_mask, -torch.inf).softmax(dim=-1))
        return attend(q, k, v, attn_mask=attn_mask, **options)

    def keep(module: nn.Module, given: Any, returned: tuple[Tensor, Tensor | None]) -> None:
        if returned[1] is not None:
            steps.append(returned[1])

    hooks = [
        module.register_forward_hook(keep)
        for module in model.modules()
        if isinstance(module, ContextSource)
    ]
    with mock.patch.object(F, "scaled_dot_product_attention", watched):
        model.decode(tgt_input, encoded)
    for hook in hooks:
        hook.remove()
    return [torch.cat(steps, dim=1).unsqueeze(1)] if steps else layers


def _compose(name: str, *overrides: str) -> dict[str, Any]:
    config = OmegaConf.to_container(compose(f"model/{name}", list(overrides)), resolve=True)
    assert isinstance(config, dict)
    return config["model"]


def _replace(spec: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _replace(value, values) if isinstance(value, Mapping) else values.get(key, value)
        for key, value in spec.items()
    }
