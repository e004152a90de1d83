"""Some pairs change in every epoch, the same ones in every repetition, and the others do not."""

# ruff: noqa: RUF001 (quotes and dashes)

import gzip
import re
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from nmt.checks import OptionError
from nmt.data import stores
from nmt.data.augmentation import Augmentation, Augmenter
from nmt.data.stores import IdsStore, TextStore, TextWriter, encoded, write_augmented, write_sampled
from nmt.disk_cache import DiskCache
from nmt.tokenizer import Tokenizer

DEMO = Path(__file__).parents[2] / "data" / "demo"
SIGNS = tuple(map(chr, range(0x10FF00, 0x10FF08)))
NONE = dict.fromkeys(vars(Augmentation()), 0.0)
PUNCTUATED = [("The cat's here.", "Le chat est là."), ("Is it?", "L'est-ce ?")] * 500


def demo(count: int) -> tuple[list[str], list[str]]:
    sides = []
    for language in ("en", "fr"):
        with gzip.open(DEMO / f"train.{language}.gz", "rt", encoding="utf-8") as file:
            sides.append([file.readline().rstrip("\n") for _ in range(count)])
    return sides[0], sides[1]


SRC, TGT = demo(1500)


def augmenter(seed: int = 1, src_lang: str = "en", **shares: float) -> Augmenter:
    chosen = Augmentation(**(NONE | shares)) if shares else Augmentation()
    return Augmenter(chosen, placeholders=SIGNS, src_lang=src_lang, tgt_lang="fr", seed=seed)


def only(pairs: list[tuple[str, str]], **shares: float) -> list[tuple[str, str]]:
    """The pairs that are left after the only kinds of change."""
    src, tgt = ([pair[side] for pair in pairs] for side in (0, 1))
    changed = augmenter(**shares)(0, 0, src, tgt)
    return [changed.get(row, pair) for row, pair in enumerate(pairs)]


def test_most_pairs_stay_as_they_are() -> None:
    changed = augmenter()(0, 0, SRC, TGT)
    assert 0.03 < len(changed) / len(SRC) < 0.07
    assert all(changed[row] != (SRC[row], TGT[row]) for row in changed)
    assert list(changed) == sorted(changed)


def test_seed_epoch_and_number_decide() -> None:
    first = augmenter()(3, 0, SRC, TGT)
    assert augmenter()(3, 0, SRC, TGT) == first
    for other in (
        augmenter()(4, 0, SRC, TGT),
        augmenter(seed=2)(3, 0, SRC, TGT),
        augmenter()(3, 1500, SRC, TGT),
    ):
        assert len(other.keys() - first.keys()) > 50


@pytest.mark.parametrize(
    ("kind", "src", "tgt"),
    [
        ("upper", "THE CAT'S HERE.", "LE CHAT EST LÀ."),
        ("title", "The Cat's Here.", "Le Chat Est Là."),
        ("lower", "the cat's here.", "le chat est là."),
        ("drop_punctuation", "The cat's here", "Le chat est là"),
    ],
)
def test_a_kind_of_change(kind: str, src: str, tgt: str) -> None:
    assert (src, tgt) in only(PUNCTUATED, **{kind: 1.0})
    half = only(PUNCTUATED, **{kind: 0.5})
    assert 400 < sum(new != old for new, old in zip(half, PUNCTUATED, strict=True)) < 600


def test_a_question_loses_its_space_too_and_only_with_the_other_side() -> None:
    assert only(PUNCTUATED, drop_punctuation=1.0)[1] == ("Is it", "L'est-ce")
    assert only([("No.", "Non")], drop_punctuation=1.0) == [("No.", "Non")]


def test_turkish_has_an_i_with_a_dot_in_capitals() -> None:
    turkish = augmenter(src_lang="tr", upper=1.0)
    assert turkish(0, 0, ["izin ısı"], ["le mois"]) == {0: ("İZİN ISI", "LE MOIS")}
    turkish = augmenter(src_lang="tr", lower=1.0)
    assert turkish(0, 0, ["İZİN ISI"], ["LE MOIS"]) == {0: ("izin ısı", "le mois")}


def test_text_without_case_and_long_text_stay() -> None:
    assert augmenter(upper=1.0)(0, 0, ["我们 12"], ["12"]) == {}
    assert augmenter(upper=1.0)(0, 0, ["long " * 100], ["long " * 100]) == {}


def test_quotes_of_the_source_change_and_the_target_keeps_its_own() -> None:
    pairs = [('"Don\'t," he said.', "« N'est-ce » dit-il.")] * 200
    new = only(pairs, quotes=1.0)
    assert {tgt for _, tgt in new} == {pairs[0][1]}
    assert len({src for src, _ in new}) > 8
    assert {re.sub(r"\W+", " ", src) for src, _ in new} <= {" Don t he said ", " Donʼt he said "}
    assert only([("<a b='c'>x</a>", "<a b='c'>x</a>")], quotes=1.0) == [("<a b='c'>x</a>",) * 2]


def test_a_pair_without_quotes_gets_the_same_on_both_sides() -> None:
    new = only([("A cat sleeps.", "Un chat dort.")] * 200, quotes=1.0)
    assert ("“A cat sleeps.”", "“Un chat dort.”") in new
    for src, tgt in new:
        assert re.findall(r"[^\w\s.]", src) == re.findall(r"[^\w\s.]", tgt) != []


def test_marks_go_before_both_sides() -> None:
    new = only([("A cat.", "Un chat.")] * 100, leading_dash=1.0)
    assert ("- A cat.", "- Un chat.") in new
    for src, tgt in new:
        assert src.removesuffix("A cat.") == tgt.removesuffix("Un chat.") != ""
    assert only([("- A", "- B")], leading_dash=1.0) == [("- A", "- B")]


def placed(text: str) -> list[str]:
    return sorted(sign for sign in text if sign in SIGNS)


def test_copies_stand_on_both_sides_once_and_all_else_stays() -> None:
    changed = augmenter(copies=1.0)(0, 0, SRC, TGT)
    assert len(changed) == len(SRC)
    for row, (src, tgt) in changed.items():
        assert placed(src) == placed(tgt)
        assert len(set(placed(src))) == len(placed(src))
        assert re.findall(r"\d+", src) == re.findall(r"\d+", tgt)
        left = Counter(re.findall(r"\w+", TGT[row].lower()))
        lost = left - Counter(
            re.findall(r"\w+", re.sub(r"[\U0010ff00-\U0010ff07]", "", tgt).lower())
        )
        assert lost.total() <= 6  # names that symbols replace, words that symbols touch
    signs = Counter(sign for src, _ in changed.values() for sign in placed(src))
    assert min(signs.values()) > 0.8 * max(signs.values())
    assert sum(bool(placed(src)) for src, _ in changed.values()) > 1000
    assert sum(src[0] in SIGNS for src, _ in changed.values()) > 100
    assert sum(src[-1] in SIGNS for src, _ in changed.values()) > 40


def test_a_name_of_both_sides_is_replaced() -> None:
    new = only([("Then Anna sleeps.", "Puis Anna dort.")] * 200, copies=1.0)
    replaced = {pair for pair in new if "Anna" not in pair[0]}
    assert any(re.fullmatch(r"Then [\U0010ff00-\U0010ff07] sleeps\.", src) for src, _ in replaced)


@pytest.mark.parametrize(
    ("src", "tgt", "masked"),
    [
        ("Hi {a}, see https://x.org.", "{a}, voir https://x.org !", 2),
        ("{a} and {a}", "{a} et {a}", 2),
        ("{a} and {a}", "{a}", 0),
        ("{a} and 12345", "{b} et 12345", 1),
        (" ".join(f"{{{n}}}" for n in range(12)), " ".join(f"{{{n}}}" for n in range(12)), 8),
        ("1,234.5 cats", "1 234,5 chats", 0),
        ("cats", "{a}", 0),
    ],
)
def test_spans_of_both_sides_are_masked(src: str, tgt: str, masked: int) -> None:
    ((new_src, new_tgt),) = only([(src, tgt)], masked=1.0)
    assert placed(new_src) == placed(new_tgt)
    assert len(placed(new_src)) == masked
    if masked == 0:
        assert (new_src, new_tgt) == (src, tgt)


def test_a_span_keeps_its_partner() -> None:
    pair = ("{a} {b} {c}", "{c} {a} {b}")
    ((src, tgt),) = only([pair], masked=1.0)
    one, two, three = src.split()
    assert tgt.split() == [three, one, two]


def test_text_that_holds_a_placeholder_stays() -> None:
    pair = (f"A {SIGNS[3]} cat.", "Un chat.")
    assert only([pair], copies=1.0, lower=1.0, masked=1.0) == [pair]


def test_without_placeholders_the_copies_are_text() -> None:
    plain = Augmenter(
        Augmentation(**(NONE | {"copies": 1.0, "masked": 1.0})),
        placeholders=(),
        src_lang="en",
        tgt_lang="fr",
        seed=1,
    )
    changed = plain(0, 0, SRC[:500], TGT[:500])
    assert len(changed) == 500
    for src, tgt in changed.values():
        assert placed(src) == placed(tgt) == []
        assert re.findall(r"\d+", src) == re.findall(r"\d+", tgt)
    assert any("{" in src for src, _ in changed.values())


@pytest.mark.parametrize("target", ["我们喜欢猫和狗。", "ネコは寝ている。"])
def test_languages_without_spaces(target: str) -> None:
    chinese = Augmenter(Augmentation(), placeholders=SIGNS, src_lang="en", tgt_lang="zh", seed=1)
    changed = chinese(0, 0, ["We like cats and dogs."] * 2000, [target] * 2000)
    assert all(placed(src) == placed(tgt) for src, tgt in changed.values())
    assert any(re.search(r"\w[\U0010ff00-\U0010ff07]\w", tgt) for _, tgt in changed.values())


def test_a_prefix_of_the_source_stays_in_front() -> None:
    tagged = Augmenter(
        Augmentation(**dict.fromkeys(NONE, 0.1)),
        placeholders=SIGNS,
        src_lang="en",
        tgt_lang="fr",
        seed=1,
        source_prefixes=("<2fr>",),
    )
    src = [f"<2fr> {line}" for line in SRC]
    changed = tagged(0, 0, src, TGT)
    assert len(changed) > 200
    assert all(new.startswith("<2fr> ") for new, _ in changed.values())


@pytest.mark.parametrize("name", vars(Augmentation()))
@pytest.mark.parametrize("value", [-0.1, 1.1, "a lot", None])
def test_a_share_out_of_range_is_named(name: str, value: object) -> None:
    with pytest.raises(OptionError, match=f"{name} must be"):
        Augmentation(**{name: value})


def test_the_letter_cases_are_shares_of_one_draw() -> None:
    with pytest.raises(OptionError, match="upper, title and lower must be at most 1 together"):
        Augmentation(upper=0.5, title=0.5, lower=0.1)
    assert not Augmentation(**NONE)


@pytest.fixture
def text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TextStore:
    """Three chunks."""
    monkeypatch.setattr(stores, "BATCH_ROWS", 400)
    with TextWriter.open(tmp_path / "text") as writer:
        for pair in zip(SRC[:1000], TGT[:1000], strict=True):
            writer.add(*pair)
    return TextStore(tmp_path / "text")


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    pairs = list(zip(SRC[:300], TGT[:300], strict=True))
    return Tokenizer.train(pairs, kind="bpe", vocab_size=500, joint=True)


def plain_ids(text: TextStore, tokenizer: Tokenizer, cache: DiskCache) -> IdsStore:
    return encoded(text, {"src": "1", "tgt": "2"}, tokenizer, cache, threads=1)


def test_changed_pairs_are_encoded_anew_and_the_others_keep_their_ids(
    text: TextStore, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    cache = DiskCache(tmp_path / "cache")
    ids = plain_ids(text, tokenizer, cache)
    change = augmenter()
    with cache.scratch() as directory:
        write_augmented(directory, text, ids, tokenizer, change=partial(change, 5), threads=1)
        new = IdsStore(directory)
    assert len(list(cache.place.iterdir())) == 1  # the epoch left nothing to delete
    first = 0
    for src, tgt in text.chunks():
        changed = change(5, first, src, tgt)
        assert changed
        for row in range(len(src)):
            got = [side.tolist() for side in new[first + row]]
            assert new.lengths[first + row].tolist() == [len(side) for side in got]
            if row not in changed:
                assert got == [side.tolist() for side in ids[first + row]]
            elif row % 10 == 0:
                one, other = changed[row]
                assert got[0] == tokenizer.encode_src([one], placeholders=True)[0]
                assert got[1] == tokenizer.encode_tgt([other], placeholders=True)[0]
        first += len(src)


def test_a_random_segmentation_is_of_the_changed_pairs(
    text: TextStore, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    cache, change = DiskCache(tmp_path / "cache"), augmenter()

    def drawn() -> IdsStore:
        with cache.scratch() as directory:
            write_sampled(
                directory, text, tokenizer, sampling=0.3, seed=7, change=partial(change, 0)
            )
            return IdsStore(directory)

    store, again = drawn(), drawn()
    src, tgt = next(iter(text.chunks()))
    changed = change(0, 0, src, tgt)
    for row in range(0, 400, 3):
        side = changed.get(row, (src[row], tgt[row]))[1]
        assert tokenizer.decode_tgt([store[row][1].tolist()]) == [side]
        assert np.array_equal(store[row][0], again[row][0])
