"""What is said of pairs whose two sides are one text, or stand the wrong way round."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from nmt.data.cleaning import CleaningRules
from nmt.data.corpus import load_corpus
from nmt.data.text_files import SentencePair, paired_paths
from nmt.disk_cache import DiskCache
from tests.data.fake import built, clean

ENGLISH = [f"the old sailor and his {n} white horses went there with us" for n in range(60)]
FRENCH = [f"le vieux marin et ses {n} chevaux blancs y sont partis avec nous" for n in range(60)]
PAIRS = list(map(SentencePair, ENGLISH, FRENCH))
COPIES = [SentencePair(f"word {n}", f" word {n} ") for n in range(60)]


def load(tmp_path: Path, parts: Mapping[str, list[SentencePair]], **cleaning: Any) -> Any:
    """A corpus of TSV files: "train", "valid" and, as test sets, others."""
    for name, pairs in parts.items():
        rows = "".join(f"{src}\t{tgt}\n" for src, tgt in pairs)
        (tmp_path / f"{name}.tsv").write_text(f"en\tfr\n{rows}")
    files = {name: str(tmp_path / f"{name}.tsv") for name in parts}
    tests = {name: path for name, path in files.items() if name not in ("train", "valid")}
    langs = {"src_lang": "en", "tgt_lang": "fr", "src_column": "en", "tgt_column": "fr"}
    main = {"format": "tsv", "train": files["train"], "valid": files.get("valid", 2)}
    data = {**langs, **main, "tests": tests, "cleaning": cleaning, "columns": None}
    return load_corpus(data, DiskCache(tmp_path / "cache"))


@pytest.mark.parametrize(("copies", "warned"), [(5, False), (7, True)])
def test_copies_are_counted_and_many_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, copies: int, warned: bool
) -> None:
    parts = {"train": PAIRS[:50] + COPIES[:copies], "valid": PAIRS[50:]}
    corpus = load(tmp_path, parts)
    lines = corpus.cleaning.lines()
    assert lines[-2].split(maxsplit=1) == [
        str(copies),
        "of those kept have a target that is their source",
    ]
    said = f"train: in {copies} of {50 + copies} pairs (12 %) the target is the source"
    assert (said in caplog.text) == warned
    caplog.clear()
    load(tmp_path, parts)  # from the cache
    assert (said in caplog.text) == warned


@pytest.mark.parametrize("part", ["train", "valid", "tests.a"])
def test_one_text_for_both_sides_is_refused(tmp_path: Path, part: str) -> None:
    parts = {"train": PAIRS, "valid": PAIRS[:9], "a": PAIRS[:9]}
    parts[part.removeprefix("tests.")] = COPIES
    with pytest.raises(ValueError, match=rf"{part}: in every pair the target is the source"):
        load(tmp_path, parts, drop_held_out=False)


def test_one_file_for_both_sides_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a\n")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "c").write_text("a\n")
    assert paired_paths(tmp_path / "a", tmp_path / "c")
    for other in ("a", "b"):
        with pytest.raises(ValueError, match="are one file"):
            paired_paths([tmp_path / "c", tmp_path / "a"], [tmp_path / "a", tmp_path / other])


@pytest.mark.parametrize(
    ("share", "left"), [(1.0, 30), (0.5, 30), (0.1, 6), (0.05, 2), (0.001, 0), (0.0, 0)]
)
def test_copies_above_a_share_are_dropped_evenly(share: float, left: int) -> None:
    mixed = [pair for both in zip(PAIRS, COPIES, strict=True) for pair in both][:60]
    rows = [*mixed, *PAIRS[30:54]]  # 54 translations, 30 copies
    kept, report = clean(rows, CleaningRules(max_copy_share=share), [])
    copies = [pair for pair in kept if pair in COPIES]
    assert (len(copies), report.copies, report.dropped["copy"]) == (left, left, 30 - left)
    assert [pair for pair in kept if pair in PAIRS] == PAIRS[:54]
    if left == 2:
        assert copies == [COPIES[14], COPIES[29]]


def test_what_is_drawn_comes_after_copies_are_dropped() -> None:
    parts, _ = built([*PAIRS, *COPIES], CleaningRules(max_copy_share=0.0), (), {"valid": 20})
    assert not set(COPIES) & {*parts["valid"], *parts["train"]}


@pytest.mark.parametrize("share", [-0.1, 1.5, "much"])
def test_a_share_out_of_range_is_refused(share: Any) -> None:
    with pytest.raises(ValueError, match="max_copy_share must be"):
        CleaningRules(max_copy_share=share)


@pytest.mark.parametrize("swapped", [False, True])
def test_swapped_sides_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, swapped: bool
) -> None:
    caplog.set_level(logging.WARNING)
    valid = PAIRS[50:]
    other = [SentencePair(tgt, src) for src, tgt in PAIRS[40:50]] if swapped else PAIRS[40:50]
    load(tmp_path, {"train": PAIRS[:40], "valid": valid, "other": other})
    assert ("tests.other: the sources look like training targets" in caplog.text) == swapped
    assert "valid" not in caplog.text


def test_one_language_on_both_sides_fits_both_ways(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shorter = [SentencePair(src, src.replace("old ", "")) for src in ENGLISH]
    swapped = [SentencePair(tgt, src) for src, tgt in shorter[40:]]
    load(tmp_path, {"train": shorter[:40], "valid": swapped})
    assert "swapped" not in caplog.text
