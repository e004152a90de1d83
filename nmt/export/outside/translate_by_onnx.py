"""Translates standard input, a line for each line: python translate.py [BEAM_SIZE] < in > out

A BEAM_SIZE of 1 is greedy search; 5 if none is given. It needs `pip install onnxruntime
sentencepiece`, which bring numpy, the files beside it, and nothing of nmt.

Rows are the hypotheses of one sentence, best first.
"""

import sys
from typing import Any

import numpy as np
import onnxruntime
from exported_text import BOS, EOS, HERE, PAD, decode, limit, read_sources, write

OPTIONS = onnxruntime.SessionOptions()
OPTIONS.intra_op_num_threads = 1  # several wait for each other on a busy machine
ENCODER, DECODER = (
    onnxruntime.InferenceSession(str(HERE / f"{name}_model.onnx"), OPTIONS)
    for name in ("encoder", "decoder")
)
Arrays = dict[str, Any]
Hypothesis = tuple[float, list[int]]  # log-probability a token, ids without EOS


def run(session: Any, given: Arrays) -> Arrays:
    """The outputs of a graph by name; what it does not read is left out."""
    reads = {one.name for one in session.get_inputs()}
    made = session.run(None, {name: value for name, value in given.items() if name in reads})
    return dict(zip([one.name for one in session.get_outputs()], made, strict=True))


def next_scores(logits: Any) -> Any:
    """log p of each next token, (K, V)."""
    logits = logits.astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    scores = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    scores[:, [PAD, BOS]] = -np.inf
    return scores


def search(source: list[int], beam_size: int) -> list[int]:
    """The ids of the best translation, ranked by its mean log-probability a token."""
    held = run(ENCODER, {"input_ids": np.array([[*source, EOS]])})
    live: list[Hypothesis] = [(0.0, [])]  # log-probability, ids
    finished: list[Hypothesis] = []
    tokens = np.array([BOS])
    for length in range(1, limit(source) + 1):
        made = run(DECODER, {"input_ids": tokens, **held})
        scores = next_scores(made.pop("logits"))
        totals = np.array([total for total, _ in live])[:, None] + scores
        best = np.argsort(-totals, axis=None, kind="stable")[: 2 * beam_size]
        going_on: list[tuple[int, float, int]] = []
        for rank, place in enumerate(best.tolist()):
            row, token = divmod(place, totals.shape[1])
            if token != EOS:
                going_on.append((row, float(totals[row, token]), token))
            elif rank < beam_size:
                finished.append((float(totals[row, token]) / length, live[row][1]))
        going_on = going_on[:beam_size]
        finished = sorted(finished, key=lambda one: -one[0])[:beam_size]
        live = [(total, [*live[row][1], token]) for row, total, token in going_on]
        if len(finished) == beam_size and live[0][0] / length <= finished[-1][0]:
            break
        rows, tokens = (np.array([one[place] for one in going_on]) for place in (0, 2))
        held |= {name.replace("present", "past"): value for name, value in made.items()}
        held = {name: value[rows] for name, value in held.items()}  # memory: rows are alike
    return finished[0][1] if finished else live[0][1]


def translated(sources: list[list[int]], beam_size: int) -> list[str]:
    """The translation of each source, of which none is blank."""
    return [decode(search(source, beam_size)) for source in sources]


def main() -> None:
    sources = read_sources()
    said = [source for source in sources if source]
    made = iter(translated(said, int(sys.argv[1]) if len(sys.argv) > 1 else 5))
    write([next(made) if source else "" for source in sources])


if __name__ == "__main__":
    main()
