"""Run with an exported model's directory as its own: times translate.py there, by its functions.

    python exported_speed.py DIRECTORY SOURCE

Prints one line of JSON for each beam size: seconds of all lines, loading left out, milliseconds of
lines alone, and the translations. Time is the processor's, which other programs disturb least.
"""

import json
import sys
import time
from importlib import import_module
from pathlib import Path

WARM = 8  # lines before anything is timed
ALONE = 20  # lines that are translated one by one


def main() -> None:
    directory, source = sys.argv[1:]
    sys.path.insert(0, directory)
    translate, text = import_module("translate"), import_module("exported_text")
    lines = [text.encode(line) for line in Path(source).read_text(encoding="utf-8").splitlines()]
    for beam_size in (1, 5):
        translate.translated(lines[:WARM], beam_size)
        start = time.process_time()
        texts = translate.translated(lines, beam_size)
        seconds, alone = time.process_time() - start, []
        for line in lines[:ALONE]:
            start = time.process_time()
            translate.translated([line], beam_size)
            alone.append(1000 * (time.process_time() - start))
        print(json.dumps({"beam": beam_size, "seconds": seconds, "alone": alone, "texts": texts}))


if __name__ == "__main__":
    main()
