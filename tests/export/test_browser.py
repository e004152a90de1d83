"""The page's JavaScript, run by Node."""

import gzip
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from nmt.export.alongside import OUTSIDE, write_alongside, write_pieces
from nmt.tokenizer import BOS, EOS, PAD, Tokenizer
from nmt.translator.loading import LoadedRun
from tests.export.outside import LINES
from tests.toy import ToyModel

ROOT = Path(__file__).parents[2]
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node.js is not installed")

IDS = """\
import { readFileSync } from "node:fs";
import { Tokenizer } from "./translate.js";
const json = (name) => JSON.parse(readFileSync(name, "utf8"));
const tokenizer = new Tokenizer(json("settings.json"), json("pieces.json"));
const made = json("lines.json").map((line) => tokenizer.encode(line));
console.log(JSON.stringify([made, made.map((ids) => tokenizer.decode(ids))]));
"""

SEARCH = """\
import { readFileSync } from "node:fs";
import { search } from "./translate.js";
const { table, size, beamSize, settings } = JSON.parse(readFileSync("given.json", "utf8"));
class Tensor { constructor(type, data, dims) { Object.assign(this, { type, data, dims }); } }
const one = new Tensor("float32", new Float32Array([1]), [1]);
const encoder = { run: async () => ({ "past.0": one }) };
const decoder = { inputNames: ["input_ids", "past.0"], run: async (given) => {
  const rows = [...given.input_ids.data].map((token, row) =>
    (given["past.0"].data[row] * 37 + Number(token) + 1) % table.length);
  return {
    logits: new Tensor("float32", new Float32Array(rows.flatMap((row) => table[row])),
      [rows.length, size]),
    "present.0": new Tensor("float32", new Float32Array(rows), [rows.length]),
  };
} };
const ids = await search({ Tensor }, { encoder, decoder }, settings, [5, 6], beamSize);
console.log(JSON.stringify(ids));
"""


def by_node(code: str, at: Path) -> Any:
    """What a module prints, as JSON; the page's code lies beside it."""
    shutil.copyfile(OUTSIDE / "translate.js", at / "translate.js")
    (at / "package.json").write_text('{"type": "module"}')
    (at / "main.js").write_text(code)
    done = subprocess.run([str(NODE), "main.js"], cwd=at, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_node
@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_text_becomes_the_same_ids_as_ours(kind: str, tmp_path: Path) -> None:
    sides = [
        gzip.decompress((ROOT / f"data/demo/train.{side}.gz").read_bytes()).decode().split("\n")
        for side in ("en", "fr")
    ]
    pairs = list(zip(*(lines[:300] for lines in sides), strict=True))
    symbols = ["<2fr>"]
    tokenizer = Tokenizer.train(pairs, kind=kind, vocab_size=700, joint=True, symbols=symbols)
    run = LoadedRun(ToyModel(), tokenizer, {}, None, "en", "fr")
    assert write_pieces(tmp_path, write_alongside(tmp_path, run, {})) is None
    lines = [
        *sides[0][300:400],
        *sides[1][300:400],
        *LINES,
        "<2fr> I love\tyou",
        "\U0001f600 a<2fr>b",
    ]
    (tmp_path / "lines.json").write_text(json.dumps(lines))
    ids, texts = by_node(IDS, tmp_path)
    expected = tokenizer.encode_src(lines)
    assert ids == expected
    assert texts == tokenizer.decode_tgt(expected)


@needs_node
@pytest.mark.parametrize("beam_size", [1, 3])
def test_it_finds_the_best_by_mean_log_probability(beam_size: int, tmp_path: Path) -> None:
    """Compared with the same search in Python, of a table of logits that what was read chooses."""
    table = ToyModel(bias={EOS: 1.0}).table[:211].tolist()
    settings = {"max_length": 2.0, "extra_length": 2}
    given = {"table": table, "size": len(table[0]), "beamSize": beam_size, "settings": settings}
    (tmp_path / "given.json").write_text(json.dumps(given))
    assert by_node(SEARCH, tmp_path) == best_of(table, beam_size, limit=8)


def best_of(table: list[list[float]], beam_size: int, limit: int) -> list[int]:
    """The best hypothesis by the search that translate.js describes."""
    import torch

    scores = torch.tensor(table, dtype=torch.float32).double().log_softmax(dim=1)
    live: list[tuple[float, list[int], int]] = [(0.0, [], (1 * 37 + BOS + 1) % len(table))]
    ended: list[tuple[float, list[int]]] = []
    for length in range(1, limit + 1):
        every = [
            (total + float(scores[state, token]), ids, token, state)
            for total, ids, state in live
            for token in range(scores.shape[1])
            if token not in (PAD, BOS)
        ]
        every = sorted(every, key=lambda one: -one[0])[: 2 * beam_size]
        ended += [(one[0] / length, one[1]) for one in every[:beam_size] if one[2] == EOS]
        ended = sorted(ended, key=lambda one: -one[0])[:beam_size]
        live = [
            (total, [*ids, token], (state * 37 + token + 1) % len(table))
            for total, ids, token, state in every
            if token != EOS
        ][:beam_size]
        if len(ended) == beam_size and live[0][0] / length <= ended[-1][0]:
            break
    return ended[0][1] if ended else live[0][1]


def test_a_model_with_a_normalization_of_its_own_has_no_page(tmp_path: Path) -> None:
    import sentencepiece

    text = "\n".join(["the cat sat on the mat"] * 20)
    (tmp_path / "text").write_text(text)
    sentencepiece.SentencePieceTrainer.train(
        input=str(tmp_path / "text"),
        model_prefix=str(tmp_path / "own"),
        vocab_size=20,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    tokenizer = Tokenizer.of_model(tmp_path / "own.model")
    run = LoadedRun(ToyModel(), tokenizer, {}, None, "en", "fr")
    said = write_pieces(tmp_path, write_alongside(tmp_path, run, {}))
    assert said is not None and "nmt_nfkc" in said
    assert not (tmp_path / "pieces.json").exists()
