"""Random documents as people write them, and whether a run keeps their lines, sentences and spans.

python -m scripts.random_documents RUN [RUN ...]    documents from the demo's test sentences
"""

import argparse
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nmt import Translator
from nmt.search.greedy import GreedySearch
from nmt.text.sentences import split_sentences

DEMO = Path(__file__).parents[1] / "data" / "demo"
SPANS = (
    *("{user}", "{0}", "{{count}}", "%s", "%d", "$HOME", "https://abcd.org/1a2b?x=1&y=2"),
    *("info@abcd.org", "<b>", "</b>", "<br/>", "&amp;", "😀", "👩‍🚀", "123456", "19.99", "1,234.5"),
    *("2024-05-01", "12:30"),
)
LETTERLESS = ("12", "!!!", "—", "…", "3.14", "* * *", "1 000", "👍")
BLANK = ("", " ", "\t", "\u00a0", "\u3000")
GAPS = (" ", " ", " ", "  ", "\t", "\u00a0")
PADDING = ("", "", "", " ", "    ", "\t", "\u00a0", "\u200b", "\ufeff")


@dataclass(frozen=True)
class Line:
    """text: to translate. sentences: how many it holds; None where a sentence was broken in two.
    spans: what the translation must hold, as often as it stands here."""

    text: str
    sentences: int | None
    spans: tuple[str, ...] = ()


def random_document(sentences: Sequence[str], lines: int, seed: int) -> list[Line]:
    """So many lines or one more: joined, broken, padded, shouted, with spans put between words,
    blank and without letters."""
    generator = random.Random(seed)
    document: list[Line] = []
    while len(document) < lines:
        kind = generator.random()
        if kind < 0.06:
            document.append(Line(generator.choice(BLANK), 0))
        elif kind < 0.14:
            text = generator.choice(LETTERLESS)
            document.append(Line(_padded(text, generator), None, (text,)))
        elif kind < 0.22:
            words = generator.choice(sentences).split(" ")
            place = generator.randint(1, max(1, len(words) - 1))
            document += [Line(" ".join(words[:place]), None), Line(" ".join(words[place:]), None)]
        else:
            document.append(_joined(sentences, generator))
    return document


def _joined(sentences: Sequence[str], generator: random.Random) -> Line:
    chosen = [generator.choice(sentences) for _ in range(generator.choice((1, 1, 2, 3, 4, 8)))]
    spans: list[str] = []
    if generator.random() < 0.15:
        chosen = [sentence.upper() for sentence in chosen]
    elif generator.random() < 0.4:
        for _ in range(generator.randint(1, 3)):
            place = generator.randrange(len(chosen))
            span = generator.choice(SPANS)
            words = chosen[place].split(" ")
            words.insert(generator.randint(1, max(1, len(words) - 1)), span)
            chosen[place] = " ".join(words)
            spans.append(span)
    text = chosen[0]
    for sentence in chosen[1:]:
        text += generator.choice(GAPS) + sentence
    return Line(_padded(text, generator), len(chosen), tuple(spans))


def _padded(text: str, generator: random.Random) -> str:
    return generator.choice(PADDING) + text + generator.choice(PADDING[:-2])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--lines", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for run in arguments.runs:
        translator = Translator.load(run, search=GreedySearch(), device="cpu")
        path = DEMO / f"test.{translator.src_lang}"
        sentences = path.read_text(encoding="utf-8").splitlines()
        document = random_document(sentences, arguments.lines, arguments.seed)
        found = translator.translate([line.text for line in document])
        counted = [(line, one) for line, one in zip(document, found, strict=True) if line.sentences]
        asked = sum(line.sentences or 0 for line, _ in counted)
        kept = sum(
            min(line.sentences or 0, len(split_sentences(one.text, translator.tgt_lang)))
            for line, one in counted
        )
        spans = [(s, one) for line, one in zip(document, found, strict=True) for s in line.spans]
        there = sum(span in one.text for span, one in spans)
        flagged = sum(span not in one.text and "copy" in one.flags for span, one in spans)
        print(
            f"{Path(run).name}: {len(document)} lines, {len(found)} translations; sentences: "
            f"{asked}, kept {kept} ({kept / asked:.1%}); spans: {len(spans)}, there {there}, "
            f"lost and flagged {flagged}, lost in silence {len(spans) - there - flagged}"
        )


if __name__ == "__main__":
    main()
