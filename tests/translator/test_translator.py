import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from nmt.models.interface import Encoded, Seq2SeqModel
from nmt.search.base import Hypothesis, Search
from nmt.search.beam import BeamSearch
from nmt.search.constraints import Constraint
from nmt.search.greedy import GreedySearch
from nmt.text.normalization import Normalization
from nmt.tokenizer import EOS, PAD
from nmt.translator import Translation, Translator
from nmt.translator.inference import LEAST_BATCH, SHORTEST, batches
from nmt.translator.translation import BLANK, without_line_breaks
from tests.toy import ToyModel

LINES = ["a b c", "", "b", "c a b a c a b", " \t", "a a", "c", "b c b", "\u3000\u00a0", "a b c"]


class Letters:
    """Stands in for a tokenizer: "a", "b" and "c" are 4, 5 and 6; 1 is a line break."""

    normalization = Normalization()
    placeholders = ()

    def encode_src(self, lines: Sequence[str], *, placeholders: bool = False) -> list[list[int]]:
        return [["abc".index(word) + 4 for word in line.split()] for line in lines]

    def decode_tgt(self, ids: Sequence[Sequence[int]]) -> list[str]:
        return [" ".join(" \n  abc"[token] for token in tokens) for tokens in ids]


class Recording(Search):
    """Greedy search that remembers the sources and whether the model was training."""

    def __init__(self) -> None:
        self.sources: list[list[int]] = []
        self.training: set[bool] = set()

    def __call__(
        self,
        model: Seq2SeqModel,
        src: Tensor,
        constraints: Sequence[Constraint] | None = None,
    ) -> list[list[Hypothesis]]:
        self.sources += [row[row != PAD].tolist() for row in src]
        self.training.add(model.training)
        return GreedySearch()(model, src, constraints)


def make_translator(search: Search | None = None, **options: int) -> Translator:
    return Translator(ToyModel(seed=3), Letters(), search or BeamSearch(beam_size=3), **options)


def assert_alike(found: list[Translation], expected: list[Translation]) -> None:
    """The same, but for how a batch of another size rounds the scores."""
    for one, other in zip(found, expected, strict=True):
        assert one.score == pytest.approx(other.score, abs=1e-4)
        assert replace(one, score=other.score) == other


def test_one_translation_a_line_in_order() -> None:
    translator = make_translator()
    translations = translator.translate(LINES)
    assert_alike(translations, [translator.translate([line])[0] for line in LINES])
    assert len({translation.text for translation in translations}) > 4


@pytest.mark.parametrize("batch_tokens", [1, 33, 100])
def test_does_not_depend_on_batch_size(batch_tokens: int) -> None:
    translations = make_translator(batch_tokens=batch_tokens).translate(LINES)
    assert_alike(translations, make_translator().translate(LINES))


def test_does_not_depend_on_order() -> None:
    backwards = make_translator(batch_tokens=33).translate(LINES[::-1])
    assert_alike(backwards[::-1], make_translator().translate(LINES))


def test_blank_lines_stay_blank_and_never_reach_the_model() -> None:
    search = Recording()
    translations = make_translator(search).translate(LINES)
    blank = [place for place, line in enumerate(LINES) if not line.strip()]
    assert blank == [1, 4, 8]
    assert all(translations[place] == BLANK for place in blank)
    assert len(search.sources) == len(LINES) - len(blank)


@pytest.mark.parametrize("lines", [[], [""], ["", " "]])
def test_nothing_to_translate(lines: list[str]) -> None:
    search = Recording()
    assert make_translator(search).translate(lines) == [BLANK] * len(lines)
    assert search.sources == []


def test_sources_are_whole_and_end_with_eos() -> None:
    search, line = Recording(), "a b c " * 300
    make_translator(search, batch_tokens=10).translate([line, "a"])
    assert sorted(search.sources, key=len) == [[4, EOS], [*[4, 5, 6] * 300, EOS]]


def test_a_translation_is_one_line_whatever_the_model_produces() -> None:
    model = ToyModel(bias={1: 5.0, EOS: -100.0})
    (translation,) = Translator(model, Letters(), GreedySearch()).translate(["a"])
    assert translation.tokens > 5
    assert translation.text.splitlines() == [translation.text]
    assert without_line_breaks("a\r\nb\nc\rd\u2028e") == "a b c d\u2028e"


def test_says_what_was_cut() -> None:
    endless = Translator(ToyModel(bias={EOS: -100.0}), Letters(), GreedySearch(max_length=3.0))
    (cut,) = endless.translate(["a b"])
    assert (cut.hit_limit, cut.tokens) == (True, 3 * 3 + 10)
    (whole,) = make_translator().translate(["a b"])
    assert not whole.hit_limit
    assert whole.score < 0


@pytest.mark.parametrize("training", [True, False])
def test_translates_in_evaluation_mode_and_gives_the_mode_back(training: bool) -> None:
    search = Recording()
    translator = make_translator(search)
    translator.model.train(training)
    translator.translate(LINES)
    assert search.training == {False}
    assert translator.model.training == training


def test_gives_the_mode_back_after_an_error() -> None:
    class Broken(ToyModel):
        def encode(self, src: Tensor) -> Encoded:
            raise RuntimeError("broken")

    model = Broken().train()
    with pytest.raises(RuntimeError, match="broken"):
        Translator(model, Letters(), GreedySearch()).translate(["a"])
    assert model.training


def test_batches_hold_every_index_once_within_the_budget() -> None:
    lengths = torch.randint(1, 40, (500,), generator=torch.Generator().manual_seed(0)).tolist()
    made = list(batches([*lengths, 900], 100))
    assert made[0] == [500]
    assert sorted(index for batch in made for index in batch) == list(range(501))
    for batch in made[1:]:
        assert len(batch) * max(lengths[index] for index in batch) <= 100
    costs = [max(length, SHORTEST) for length in lengths]
    assert len(made) < 1.2 * sum(costs) / 100 + 2


@pytest.mark.parametrize("at_once", [2, 3, 4])
@pytest.mark.parametrize(("sentences", "made"), [(10, 1), (64, 4), (2000, 10**6)])
def test_batches_side_by_side_share_the_budget(at_once: int, sentences: int, made: int) -> None:
    found = list(batches([10] * sentences, 4096, at_once))
    assert sorted(index for batch in found for index in batch) == list(range(sentences))
    sizes = [SHORTEST * len(batch) for batch in found]
    assert max(sizes) <= 4096 / at_once
    assert len(found) <= made
    if sum(sizes) >= at_once * LEAST_BATCH:
        assert len(found) >= at_once
        assert all(size >= LEAST_BATCH for size in sizes[:-1])


def test_batches_are_translated_side_by_side() -> None:
    class Noting(Search):
        def __init__(self) -> None:
            self.threads: set[str] = set()
            self.together = threading.Barrier(3, timeout=30)

        def __call__(
            self, model: Seq2SeqModel, src: Tensor, constraints: Sequence[Constraint] | None = None
        ) -> list[list[Hypothesis]]:
            if (name := threading.current_thread().name) not in self.threads:
                self.threads.add(name)
                self.together.wait()
            return BeamSearch(beam_size=3)(model, src, constraints)

    lines = [f"{line} {other}" for line in LINES for other in LINES] * 2
    alone = make_translator().translate(lines)
    torch.set_num_threads(3)
    try:
        assert_alike(make_translator(search := Noting()).translate(lines), alone)
    finally:
        torch.set_num_threads(1)
    assert len(search.threads) == 3


def test_short_sentences_do_not_pile_up() -> None:
    assert max(len(batch) for batch in batches([1] * 1000, 160)) == 10


def test_refuses_a_string_for_a_list_of_lines() -> None:
    with pytest.raises(ValueError, match="list of lines"):
        make_translator().translate("a b")


def test_refuses_an_empty_budget() -> None:
    with pytest.raises(ValueError, match="batch_tokens"):
        make_translator(batch_tokens=0)
