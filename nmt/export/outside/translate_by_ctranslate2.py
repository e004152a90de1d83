"""Translates standard input, a line for each line: python translate.py [BEAM_SIZE] < in > out

A BEAM_SIZE of 1 is greedy search; 5 if none is given. It needs `pip install ctranslate2
sentencepiece`, the files beside it, and nothing of nmt.
"""

import os
import sys

import ctranslate2
from exported_text import BOS, HERE, PAD, SETTINGS, SRC, TGT, decode, limit, read_sources, write

# Batches side by side, as threads within one wait for each other on a busy machine.
THREADS = {"inter_threads": os.cpu_count() or 1, "intra_threads": 1}
TRANSLATOR = ctranslate2.Translator(str(HERE), device="auto", **THREADS)


def translated(sources: list[list[int]], beam_size: int) -> list[str]:
    """The translation of each source, of which none is blank."""
    longest = max(map(len, sources))
    if longest >= SETTINGS["positions"]:
        sys.exit(f"a line has {longest} pieces, more than the model has places for: cut it")
    results = TRANSLATOR.translate_batch(
        [SRC.id_to_piece(source) for source in sources],
        beam_size=beam_size,
        max_batch_size=2048,
        batch_type="tokens",
        max_input_length=0,  # cuts nothing
        max_decoding_length=min(max(map(limit, sources)), SETTINGS["positions"]),
        suppress_sequences=[[TGT.id_to_piece(one)] for one in (PAD, BOS)],
    )
    found = [TGT.piece_to_id(result.hypotheses[0]) for result in results]
    return [decode(ids[: limit(source)]) for ids, source in zip(found, sources, strict=True)]


def main() -> None:
    sources = read_sources()
    said = [source for source in sources if source]
    made = iter(translated(said, int(sys.argv[1]) if len(sys.argv) > 1 else 5) if said else [])
    write([next(made) if source else "" for source in sources])


if __name__ == "__main__":
    main()
