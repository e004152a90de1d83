"""Run directories as a stranger might make them: the checksums are right, the content is not."""

import json
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors.torch import save_file

from nmt.files import sha256_file
from nmt.tokenizer import Tokenizer
from tests.runs import MODEL

WEIGHTS = "model-1.safetensors"


class Payload:
    """Unpickled, it would write a file."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("payload-ran"),)


def write(run: Path, name: str, content: bytes | str, **fields: Any) -> None:
    """Replaces a file, and its checksum in the manifest."""
    (run / name).write_bytes(content.encode() if isinstance(content, str) else content)
    restate(run, name, **fields)


def restate(run: Path, *names: str, **fields: Any) -> None:
    """Makes checksums right again."""
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["files"] |= {name: sha256_file(run / name) for name in names}
    (run / "manifest.json").write_text(json.dumps(manifest | fields))


def with_config(change: Callable[[dict[str, Any]], Any] | str | bytes) -> Callable[[Path], None]:
    """What replaces the config by a changed one, or by another text."""

    def spoil(run: Path) -> None:
        name = json.loads((run / "manifest.json").read_text())["config"]
        if isinstance(change, str | bytes):
            write(run, name, change)
            return
        config = yaml.safe_load((run / name).read_text())
        change(config)
        write(run, name, yaml.safe_dump(config))

    return spoil


def with_model(**options: Any) -> Callable[[Path], None]:
    return with_config(lambda config: config["model"].update(options))


def with_manifest(**fields: Any) -> Callable[[Path], None]:
    return lambda run: restate(run, **fields)


def with_manifest_text(text: str) -> Callable[[Path], None]:
    """The manifest with this text before its end."""

    def spoil(run: Path) -> None:
        path = run / "manifest.json"
        path.write_text(path.read_text().rstrip().removesuffix("}") + text)

    return spoil


def with_file(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda run: write(run, name, change((run / name).read_bytes()))


def header(tensors: dict[str, Any], body: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file."""
    text = json.dumps(tensors).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def lying_header(content: bytes) -> bytes:
    """States a thousand times as many elements as there are."""
    size = struct.unpack("<Q", content[:8])[0]
    tensors = json.loads(content[8 : 8 + size])
    for name, tensor in tensors.items():
        if name != "__metadata__":
            tensor["shape"][0] *= 1000
    return header(tensors, content[8 + size :])


def other_tokenizer(run: Path) -> None:
    pairs = [("one red cat", "un chat rouge"), ("two", "deux")]
    Tokenizer.train(pairs, kind="bpe", vocab_size=290, joint=True).save(run)
    restate(run, "tokenizer.model")


def many_names(run: Path) -> None:
    """Weights of a hundred thousand tensors without elements."""
    empty = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    write(run, WEIGHTS, header({f"layer.{i}": empty for i in range(100_000)}))


def huge(name: str, size: int) -> Callable[[Path], None]:
    """A file of holes. Its checksum is left, as counting it would take minutes."""

    def spoil(run: Path) -> None:
        os.truncate(run / name, size)

    return spoil


def moved_out(name: str) -> Callable[[Path], None]:
    """A link to a file outside that has the same content."""

    def spoil(run: Path) -> None:
        outside = run.parent / "outside"
        (run / name).rename(outside)
        (run / name).symlink_to(outside)

    return spoil


def replaced(name: str, make: Callable[[Path], object]) -> Callable[[Path], None]:
    def spoil(run: Path) -> None:
        (run / name).unlink(missing_ok=True)
        make(run / name)

    return spoil


def of_weights(**tensors: torch.Tensor) -> Callable[[Path], None]:
    """Weights that hold these tensors too."""

    def spoil(run: Path) -> None:
        from safetensors.torch import load_file

        save_file(load_file(run / WEIGHTS) | tensors, run / WEIGHTS)
        restate(run, WEIGHTS)

    return spoil


BOMB = "bomb:\n  a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"  {b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n"
    for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
NESTED = "[" * 100_000

SPOILED: dict[str, tuple[Callable[[Path], None], str]] = {
    # what a config names
    "os.system": (with_model(_target_="os.system"), "is not in nmt"),
    "builtins.open": (with_model(_target_="builtins.open"), "is not in nmt"),
    "module of a module": (with_model(_target_="nmt.run_directory.os.system"), "no module|not a"),
    "function of nmt": (with_model(_target_="nmt.files.sha256_file"), "defines no class"),
    "other class of nmt": (with_model(_target_="nmt.run_directory.RunDirectory"), "no usable"),
    "relative module": (with_model(_target_="nmt..os.system"), "no name of a class"),
    "target that is no text": (with_model(_target_=["os.system"]), "must be a mapping"),
    "a hundred thousand modules": (
        with_model(_target_="nmt" + ".a" * 99_999),
        "no name of a class",
    ),
    "module with a zero": (with_model(_target_="nmt.a\0b.C"), "no name of a class"),
    "ensemble": (
        with_config(
            lambda c: c.update(model={"_target_": "nmt.models.ensemble.Ensemble", "models": []})
        ),
        "cannot be built|no usable",
    ),
    "attention": (with_model(attention={"_target_": "os.system"}), "is not in nmt"),
    "attention of nothing": (with_model(attention=None), "must be a mapping"),
    "class in an option": (with_model(dropout={"_target_": "os.system"}), "takes a plain value"),
    "trusted packages": (
        with_config(lambda config: config.update(trusted_packages=["os"])),
        "unknown section 'trusted_packages'",
    ),
    # what it says of sizes
    "billion wide": (with_model(hidden_size=10**9), "less than the model"),
    "billion wide table": (with_model(embed_size=10**9), "less than the model"),
    "million layers": (with_model(num_layers=10**6), "less than the model"),
    "2^62 wide": (with_model(hidden_size=2**62), "cannot be built|less than"),
    "10^30 layers": (with_model(num_layers=10**30), "cannot be built|less than"),
    "negative": (with_model(hidden_size=-8), "at least 1"),
    "text for a number": (with_model(hidden_size="8"), "whole number"),
    "not a number": (with_model(dropout=float("nan")), "dropout must be"),
    "list for a number": (with_model(dropout=[0.5]), "dropout must be"),
    "other size": (with_model(hidden_size=16), "the model has"),
    "option too many": (with_model(bomb=1), "unknown option"),
    "option too few": (with_config(lambda c: c["model"].pop("hidden_size")), "cannot be built"),
    "transformer": (
        with_config(
            lambda c: c.update(
                model={
                    **{"_target_": "nmt.models.transformer.TransformerSeq2Seq", "num_heads": 1},
                    **{"hidden_size": 8, "ff_size": 8, "num_layers": 10**6, "dropout": 0.0},
                    "share_embeddings": True,
                }
            )
        ),
        "less than the model",
    ),
    # how it is written
    "aliases": (with_config(BOMB), "repeats a part"),
    "unknown section": (with_config(lambda c: c.update(bomb=[1])), "unknown section 'bomb'"),
    "key twice": (with_config(yaml.safe_dump({"model": MODEL}) * 2), "stands twice"),
    "merged key": (with_config("model:\n  <<: {_target_: os.system}\n"), "of the type merge"),
    "nested YAML": (with_config(f"model: {NESTED}"), "nested too deeply"),
    "nested mappings": (with_config("model: " + "{a: " * 50_000), "nested too deeply"),
    "nested blocks": (
        with_config("".join(" " * i + f"a{i}:\n" for i in range(600))),
        "nested too deeply",
    ),
    "nested items": (with_config("- " * 100_000), "nested too deeply"),
    "tag": (with_config("model: !!python/object/apply:os.system [ls]\n"), "has the tag"),
    "date": (with_config("seed: 2001-01-01\n"), "of the type timestamp"),
    "endless number": (with_config(f"seed: {'9' * 100_000}\n"), "digits"),
    "number by sixties": (with_config(f"seed: {':1' * 60_000}\n".replace(" :", " 1:")), "digits"),
    "long config": (with_config("# " + "x" * 2**20), "bytes, where at most"),
    "no mapping": (with_config("[]"), "must be a mapping"),
    "section that is no mapping": (with_config("model: []\n"), "must be of the type dict"),
    "config without a model": (with_config("seed: 1\n"), "must be a mapping with _target_"),
    "no UTF-8": (with_config(b"seed: \xff\n"), "no UTF-8"),
    # the manifest
    "later format": (with_manifest(format_version=3), "format_version 3"),
    "format that is no number": (with_manifest(format_version=True), "format_version True"),
    "format of a fraction": (with_manifest(format_version=2.0), "format_version 2.0"),
    "nested manifest": (with_manifest_text(f', "x": {NESTED}'), "nested too deeply"),
    "manifest of a gigabyte": (huge("manifest.json", 2**30), "bytes, where at most"),
    "manifest twice": (with_manifest_text(', "files": {}}'), "stands twice"),
    "manifest with NaN": (with_manifest_text(', "x": NaN}'), "no finite number"),
    "manifest with a huge float": (with_manifest_text(', "x": 1e999}'), "no finite number"),
    "manifest with a huge number": (with_manifest_text(f', "x": {"9" * 99_999}}}'), "digits"),
    "half a manifest": (with_manifest_text(', "x": '), "is no JSON"),
    "files that are a list": (with_manifest(files=[]), "files must be"),
    "checksum that is no text": (with_manifest(files={WEIGHTS: 1}), "must be of the type str"),
    "serving a number": (with_manifest(serving=5), "serving must be"),
    "serving outside": (
        with_manifest(serving="../outside", files={"../outside": "0"}),
        "does not name a file in the run",
    ),
    "serving at the root": (
        with_manifest(serving="/etc/passwd", files={"/etc/passwd": "0"}),
        "does not name a file in the run",
    ),
    "name with a zero": (with_manifest(serving="a\0b", files={"a\0b": "0"}), "is missing"),
    "name without an end": (
        with_manifest(serving="a" * 5000, files={"a" * 5000: "0"}),
        "name too long|is missing",
    ),
    "config nowhere": (with_manifest(config=None), "names no config"),
    "config outside": (with_manifest(config="../x", files={"../x": "0"}), "not name a file|record"),
    "longest source below nothing": (with_manifest(longest_source=-1), "longest_source"),
    "longest source in words": (with_manifest(longest_source="many"), "longest_source must be"),
    "rules of text as a list": (with_manifest(normalization=["standard"]), "normalization must be"),
    "other rules of text": (with_manifest(normalization={"scheme": "x"}), "must be one of"),
    "later rules of text": (
        with_manifest(normalization={"scheme": "standard", "version": 9}),
        "knows version 1",
    ),
    "rules of text too many": (with_manifest(normalization={"a": 1}), "has no 'a'"),
    "statistics": (with_manifest(text={"lines": []}), "is damaged: text"),
    "statistics of no lines": (
        with_manifest(
            text={
                "lines": 1,
                **dict.fromkeys(
                    ("sentences", "source_tokens"), dict.fromkeys(("half", "p90", "p99", "most"), 1)
                ),
                "ranges": [
                    {"longest": 1, "lines": -4, "shortest_ratio": 1.0, "longest_ratio": 1.0}
                ],
            }
        ),
        "lines must be",
    ),
    # the tokenizer
    "tokenizer of another model": (other_tokenizer, "the model has"),
    "half a tokenizer": (with_file("tokenizer.model", lambda b: b[: len(b) // 2]), "no Sentence"),
    "empty tokenizer": (with_file("tokenizer.model", lambda b: b""), "damaged|special pieces"),
    "tokenizer of lengths": (
        with_file("tokenizer.model", lambda b: b"\x0a\xff\xff\xff\xff\x07" + b),
        "no SentencePiece model",
    ),
    "tokenizer of a gigabyte": (huge("tokenizer.model", 2**30), "bytes, where at most"),
    "tokenizer that is a directory": (replaced("tokenizer.model", Path.mkdir), "is missing"),
    # the weights
    "pickle": (
        lambda run: write(run, WEIGHTS, pickle.dumps(Payload())),
        "is damaged, or no file of weights",
    ),
    "pickle of torch": (lambda run: _torch_pickle(run), "is damaged, or no file of weights"),
    "no weights": (with_file(WEIGHTS, lambda b: b""), "no file of weights"),
    "half the weights": (with_file(WEIGHTS, lambda b: b[: len(b) // 2]), "no file of weights"),
    "byte too many": (with_file(WEIGHTS, lambda b: b + b"x"), "no file of weights"),
    "header that lies": (with_file(WEIGHTS, lying_header), "no file of weights"),
    "header without an end": (
        with_file(WEIGHTS, lambda b: header({}, b, length=2**40)),
        "its header has",
    ),
    "header of 2^64": (with_file(WEIGHTS, lambda b: b"\xff" * 8 + b), "its header has"),
    "nested header": (
        with_file(WEIGHTS, lambda b: struct.pack("<Q", 99_999) + b"[" * 99_999),
        "no file of weights",
    ),
    "holes": (lambda run: _holes(run), "made of holes|no file of weights"),
    "shape that overflows": (
        with_file(
            WEIGHTS,
            lambda b: header(
                {"a": {"dtype": "F32", "shape": [2**62, 4], "data_offsets": [0, 0]}}, b""
            ),
        ),
        "no file of weights",
    ),
    "negative shape": (
        with_file(
            WEIGHTS,
            lambda b: header({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 0]}}),
        ),
        "no file of weights",
    ),
    "parts that overlap": (
        with_file(
            WEIGHTS,
            lambda b: header(
                {x: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for x in "ab"}, b"1234"
            ),
        ),
        "no file of weights",
    ),
    "unknown type": (
        with_file(
            WEIGHTS,
            lambda b: header({"a": {"dtype": "F99", "shape": [0], "data_offsets": [0, 0]}}),
        ),
        "no file of weights",
    ),
    "names by the thousand": (many_names, "its header has|does not hold"),
    "tensor too many": (of_weights(bomb=torch.zeros(3)), "does not hold this model's weights"),
    "other type": (
        of_weights(**{"src_embedding.weight": torch.zeros(285, 8, dtype=torch.float64)}),
        "is torch.float64",
    ),
    "NaN": (of_weights(**{"src_embedding.weight": torch.full((285, 8), torch.nan)}), "holds NaN"),
    "weights that are the tokenizer": (with_manifest(serving="tokenizer.model"), "no file of w"),
    "weights that are a directory": (replaced(WEIGHTS, Path.mkdir), "is missing"),
    # what is no file of the run
    "link out": (moved_out(WEIGHTS), "is a link that leads out of .+: put what it leads to there"),
    "manifest by a link": (
        moved_out("manifest.json"),
        "is a link that leads out of .+: put what it leads to there",
    ),
    "link to the evaluations": (
        lambda run: (run / "evaluation").symlink_to(run.parent),
        "is a link that leads out of .+: put what it leads to there",
    ),
    "lock by a link": (replaced("lock", lambda p: p.symlink_to("/etc/hosts")), "leads out"),
    "link in a ring": (replaced(WEIGHTS, lambda p: p.symlink_to(p.name)), "is missing"),
    "link to what repeats": (replaced(WEIGHTS, lambda p: p.symlink_to("/dev/zero")), "leads out"),
    "manifest that is a directory": (replaced("manifest.json", Path.mkdir), "has no manifest"),
}
if hasattr(os, "mkfifo"):
    for place in (WEIGHTS, "tokenizer.model", "metrics.jsonl", "lock"):
        SPOILED[f"pipe for {place}"] = (replaced(place, os.mkfifo), "neither a file nor")
    SPOILED["pipe for manifest.json"] = (replaced("manifest.json", os.mkfifo), "has no manifest")


def _holes(run: Path) -> None:
    """A model of 75 megabytes, by its config too, in a file that takes no room."""
    shape = {"dtype": "F32", "shape": [285, 2**16], "data_offsets": [0, 285 * 2**18]}
    (run / WEIGHTS).write_bytes(header({"src_embedding.weight": shape}))
    os.truncate(run / WEIGHTS, (run / WEIGHTS).stat().st_size + 285 * 2**18)
    restate(run, WEIGHTS)


def _torch_pickle(run: Path) -> None:
    torch.save({"model": Payload()}, run / WEIGHTS)
    restate(run, WEIGHTS)
