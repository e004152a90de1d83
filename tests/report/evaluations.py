"""Evaluations without translating or scoring anything: only their numbers matter here."""

from dataclasses import replace
from typing import Any

from nmt.evaluation.bootstrap import Bootstrap
from nmt.evaluation.evaluation import Evaluation
from nmt.evaluation.recipe import FORMAT_VERSION

ROW: dict[str, Any] = {
    "n": 1500,
    "bleu": 31.44,
    "bleu_ci": (29.87, 33.02),
    "chrf": 55.5,
    "chrf_ci": (54.0, 57.0),
    "chrf++": 53.25,
    "chrf++_ci": (52.0, 54.5),
    "ter": 48.0,
    "ter_ci": (45.0, 101.5),
    "brevity_penalty": 0.95,
    "length_ratio": 0.952,
    "hit_limit": 3,
    "too_few": False,
}
SIGNATURES = {
    "bleu": "nrefs:1|tok:13a",
    "chrf": "nrefs:1|nc:6",
    "chrf++": "nrefs:1|nw:2",
    "ter": "nrefs:1|tok:tercom",
}
NO_SCORES: dict[str, Any] = dict.fromkeys(ROW) | {"n": 0, "hit_limit": 0, "too_few": True}


def evaluation(**changes: Any) -> Evaluation:
    """Buckets: one with enough sentences, one with too few, one with none."""
    rows: list[dict[str, Any]] = [
        ROW | {"label": "0-9", "low": 0, "high": 10},
        ROW | {"label": "10-19", "low": 10, "high": 20, "n": 7, "too_few": True, "bleu": 5.0},
        NO_SCORES | {"label": "20+", "low": 20, "high": None},
    ]
    plain = Evaluation.from_dict(
        {
            "format_version": FORMAT_VERSION,
            "system": "toy",
            "test_set": {"name": "flickr", "n": 1507, "sha256_src": "ab", "sha256_ref": "cd"},
            "search": {"_target_": "nmt.search.beam.BeamSearch", "beam_size": 5},
            "text": {"sentences": "line", "normalization": "standard.v1"},
            "signatures": SIGNATURES,
            "side": "source",
            "unit": "words",
            "edges": [10, 20],
            "bootstrap": {"samples": 1000, "seed": 12345, "level": 0.95},
            "seconds": 15.07,
            "overall": ROW,
            "buckets": rows,
        }
    )
    return replace(plain, **changes)


OTHER_BOOTSTRAP = Bootstrap(samples=10)
