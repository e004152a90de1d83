"""Run by a peer's own Python: CTranslate2 on the weights of one of our transformers.

    python ctranslate2_decode.py FOLDER BEAM_SIZE LIMIT BATCH_TOKENS THREADS TYPE

FOLDER holds what ``scripts.benchmarks.peers`` exported: ctranslate2/ and source.txt (pieces).
TYPE is of CTranslate2's products: float32, int8, ..., or auto, the fastest that it knows. Prints
one line of JSON: seconds, loading left out, and the translations in pieces.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import ctranslate2


def main() -> None:
    folder, (beam_size, limit, batch_tokens, threads) = Path(sys.argv[1]), map(int, sys.argv[2:6])
    translator = ctranslate2.Translator(
        str(folder / "ctranslate2"),
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
