"""The text before and after an exported model, for translate.py beside it. Knows nothing of nmt."""

import json
import re
import sys
import unicodedata
from pathlib import Path
from typing import Any

import sentencepiece

HERE = Path(__file__).parent
SETTINGS: dict[str, Any] = json.loads((HERE / "settings.json").read_text(encoding="utf-8"))
SRC, TGT = (
    sentencepiece.SentencePieceProcessor(model_file=str(HERE / SETTINGS[side]))
    for side in ("src_tokenizer", "tgt_tokenizer")
)
PAD, BOS, EOS = 0, 2, 3  # ids; every model that nmt exports has these
_PLAIN = {code: character for character, code in SETTINGS["escapes"].items()}


def read_sources() -> list[list[int]]:
    """The ids of each line of standard input, without EOS; [] of a blank line. Lines end at a line
    feed and nowhere else."""
    lines = sys.stdin.buffer.read().decode("utf-8").removesuffix("\n").split("\n")
    return [encode(line) if line.strip() else [] for line in lines]


def encode(text: str) -> list[int]:
    """The ids of a source, normalised and escaped as in training."""
    text = text.lower() if SETTINGS["lowercase"] else text
    text = unicodedata.normalize("NFC", text) if SETTINGS["compose"] else text
    text = re.sub(SETTINGS["spaces"], " ", text).strip(" ") if SETTINGS["spaces"] else text
    ids: list[int] = SRC.encode(text.translate(str.maketrans(SETTINGS["escapes"])))
    return ids


def decode(ids: list[int]) -> str:
    """The text that target ids spell, on one line."""
    text = TGT.decode([one for one in ids if one > EOS])
    text = text.translate(dict.fromkeys(map(ord, SETTINGS["placeholders"])))  # they stand for spans
    text = re.sub("|".join(map(re.escape, _PLAIN)), lambda found: _PLAIN[found[0]], text)
    return re.sub("\r\n?|\n", " ", text)


def limit(source: list[int]) -> int:
    """The most tokens that a translation may have, its end counted."""
    return int(SETTINGS["max_length"] * (len(source) + 1)) + int(SETTINGS["extra_length"])


def write(translations: list[str]) -> None:
    """A line of standard output for each."""
    sys.stdout.buffer.write("".join(f"{text}\n" for text in translations).encode("utf-8"))
