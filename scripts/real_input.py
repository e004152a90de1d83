"""How well runs translate text as people write it: joined sentences, odd spaces, other signs and
case, things to be copied.

  python -m scripts.real_input runs/demo_full-small_lstm-s1 runs/demo_full-small_transformer-s1
  python -m scripts.real_input RUN --json FILE    keeps the figures

The first 160 sentences of the demo's test set, greedy search, BLEU. Every row stands beside the
same sentences in their plain form, scored in the same way. It calls ``Translator.translate`` with
its defaults, so that it also runs with older versions of nmt on the path.
"""

import argparse
import json
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sacrebleu.metrics.bleu import BLEU

from nmt import Translator
from nmt.search.greedy import GreedySearch

DEMO = Path(__file__).parents[1] / "data" / "demo"
SENTENCES = 160
ZERO_WIDTH_SPACE = "\u200b"

SPELLINGS: dict[str, Callable[[str], str]] = {
    "a leading space": lambda line: " " + line,
    "four spaces": lambda line: " " * 4 + line,
    "double spaces": lambda line: line.replace(" ", "  "),
    "tab": lambda line: line.replace(" ", "\t", 1),
    "tabs": lambda line: line.replace(" ", "\t"),
    "no-break space": lambda line: line.replace(" ", "\u00a0", 1),
    "no-break spaces": lambda line: line.replace(" ", "\u00a0"),
    "zero-width space in front": lambda line: ZERO_WIDTH_SPACE + line,
    "decomposed (NFD)": lambda line: unicodedata.normalize("NFD", line),
    "curly quotes": lambda line: "\u201c" + line.replace("'", "\u2019") + "\u201d",
    "curly apostrophes": lambda line: line.replace("'", "\u2019"),
    '"- " in front': lambda line: "- " + line,
}
CASES: dict[str, Callable[[str], str]] = {
    "lower case": str.lower,
    "title case": lambda line: " ".join(word[:1].upper() + word[1:] for word in line.split(" ")),
    "capitals": str.upper,
}
COPIED = (
    *("{user}, you have 7", "{user}, you have 7 new messages.", "123456", "19.99", "12", "!!!"),
    *("—", "https://abcd.org/1a2b", "See https://abcd.org/1a2b for {page}.", "I love you 😀."),
    *("The price is 19.99 today.", "He sold 123456 apples.", "Write to info@abcd.org."),
    *("<b>The old man</b> sleeps.", "Hello %s, you have %d apples."),
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--json", type=Path, help="file for the figures")
    arguments = parser.parse_args()
    figures = {Path(run).name: measured(run) for run in arguments.runs}
    for name, found in figures.items():
        print(f"\n{name}")
        for section, rows in found.items():
            print(f"\n  {section}")
            for row, values in rows.items():
                print(f"    {row:<34}", values if isinstance(values, str) else _said(values))
    if arguments.json:
        text = json.dumps(figures, indent=1, ensure_ascii=False)
        arguments.json.write_text(text + "\n", encoding="utf-8")


def _said(values: dict[str, Any]) -> str:
    return "  ".join(f"{name} {value}" for name, value in values.items())


def measured(run: str) -> dict[str, dict[str, Any]]:
    """section -> row -> figures."""
    translator = Translator.load(run, search=GreedySearch(), device="cpu")
    sources, references = (
        (DEMO / f"test.{side}").read_text(encoding="utf-8").splitlines()[:SENTENCES]
        for side in (translator.src_lang, translator.tgt_lang)
    )

    def translate(lines: Sequence[str]) -> list[str]:
        return [one.text for one in translator.translate(list(lines))]

    plain = translate(sources)
    found: dict[str, dict[str, Any]] = {"joined": {}, "written otherwise": {}, "copied": {}}
    for size in (2, 4, 8):
        lines, wanted = _joined(sources, size), _joined(references, size)
        translations = translate(lines)
        found["joined"][f"{size} sentences a line"] = {
            "as lines": bleu(translations, wanted),
            "sentence by sentence": bleu(_joined(plain, size), wanted),
            "stops": sum(map(_stops, translations)),
        }
    usual, folded = bleu(plain, references), bleu(plain, references, lowercase=True)
    for name, change in SPELLINGS.items():
        value = bleu(translate(list(map(change, sources))), references)
        found["written otherwise"][name] = {"BLEU": value, "plain": usual}
    for name, change in CASES.items():
        translations = translate(list(map(change, sources)))
        kept = sum(change(text) == text for text in translations)
        value = bleu(translations, references, lowercase=True)
        figures = {"BLEU, any case": value, "plain": folded, "lines in that case": kept}
        found["written otherwise"][name] = figures
    found["copied"] = {
        line: f"{one.text}   {' '.join(one.flags)}"
        for line, one in zip(COPIED, translator.translate(list(COPIED)), strict=True)
    }
    return found


def _joined(lines: Sequence[str], size: int) -> list[str]:
    return [" ".join(lines[start : start + size]) for start in range(0, len(lines), size)]


def _stops(text: str) -> int:
    return sum(text.count(stop) for stop in ".!?")


def bleu(texts: Sequence[str], references: Sequence[str], *, lowercase: bool = False) -> float:
    """sacreBLEU's BLEU, to one decimal. Outer spaces do not count: 13a cuts them."""
    score = BLEU(lowercase=lowercase).corpus_score(texts, [references]).score
    return round(float(score), 1)


if __name__ == "__main__":
    main()
