"""What ``translate`` can be asked for besides the translation."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from nmt.models.interface import Seq2SeqModel
from nmt.search.base import Hypothesis, Search
from nmt.search.beam import BeamSearch
from nmt.search.constraints import Constraint
from nmt.search.greedy import GreedySearch
from nmt.tokenizer import EOS, PAD, Tokenizer
from nmt.tokenizer.pieces import FIRST_BYTE
from nmt.translator import Terms, Translator
from nmt.translator.glossary import Glossary
from tests.contract.models import list_models, make_model
from tests.runs import untrained
from tests.translator.conftest import PAIRS, statistics

MODELS = list_models()
BROKEN = [FIRST_BYTE + byte for byte in "\U0001f600".encode()[:3]]
FORTY = "the cat sat. " * 8


class Says(Search):
    """Stands in for a search: what is said, from best to worst, is given by the source's ids.

    asked: the ids and the constraint of each sentence.
    """

    def __init__(self, say: Callable[[list[int]], list[list[int]]]) -> None:
        self.say = say
        self.asked: list[tuple[list[int], Constraint]] = []

    @property
    def most_hypotheses(self) -> int:
        return 3

    def __call__(
        self, model: Seq2SeqModel, src: Tensor, constraints: Sequence[Constraint] | None = None
    ) -> list[list[Hypothesis]]:
        rows = [[token for token in row if token not in (PAD, EOS)] for row in src.tolist()]
        given = constraints or [Constraint()] * len(rows)
        self.asked += zip(rows, given, strict=True)
        return [
            [
                Hypothesis(tuple(ids), -1.0 - rank, -1.0 - rank, True)
                for rank, ids in enumerate(self.say(row))
                if not any(_within(phrase, ids) for phrase in constraint.forbid)
            ]
            for row, constraint in zip(rows, given, strict=True)
        ]


def _within(phrase: Sequence[int], ids: Sequence[int]) -> bool:
    return any(tuple(ids[start : start + len(phrase)]) == phrase for start in range(len(ids)))


def copies(ids: list[int]) -> list[list[int]]:
    return [ids, [*ids, ids[-1]]]


def make_translator(
    tokenizer: Tokenizer, search: Search, model: str = "lstm-bahdanau", **options: object
) -> Translator:
    size = tokenizer.tgt_vocab_size
    return Translator(make_model(MODELS[model], vocab_size=size), tokenizer, search, **options)


def test_the_n_best_are_what_the_search_found(tokenizer: Tokenizer) -> None:
    lines = ["the cat", "", "a dog ran"]
    translations = make_translator(tokenizer, BeamSearch(beam_size=4)).translate(lines, nbest=3)
    plain = make_translator(tokenizer, BeamSearch(beam_size=4)).translate(lines)
    for translation, without in zip(translations, plain, strict=True):
        assert (translation.text, translation.score) == (without.text, without.score)
        assert without.nbest == ()
    assert translations[1].nbest == ()
    for translation in translations[::2]:
        assert 1 < len(translation.nbest) <= 3
        best = translation.nbest[0]
        assert (best.text, best.tokens, best.flags) == (
            translation.text,
            translation.tokens,
            translation.flags,
        )
        assert [one.score for one in translation.nbest] == sorted(
            [one.score for one in translation.nbest], reverse=True
        )


def test_the_n_best_are_different_texts(tokenizer: Tokenizer) -> None:
    usual, other = tokenizer.encode_tgt(["chat", "chien"])
    space = tokenizer.encode_tgt([" "])[0][0]
    search = Says(lambda ids: [usual, [space, *(FIRST_BYTE + byte for byte in b"chat")], other])
    (one,) = make_translator(tokenizer, search).translate(["a"], nbest=2)
    assert [(best.text, best.score) for best in one.nbest] == [("chat", -1.0), ("chien", -3.0)]


@pytest.mark.parametrize(("search", "nbest"), [(GreedySearch(), 2), (BeamSearch(beam_size=3), 4)])
def test_refuses_more_than_the_search_finds(
    tokenizer: Tokenizer, search: Search, nbest: int
) -> None:
    translator = make_translator(tokenizer, search)
    assert translator.translate(["the cat"], nbest=nbest - 1)[0].nbest
    with pytest.raises(ValueError, match=f"nbest={nbest} .* {nbest - 1}: raise its beam_size"):
        translator.translate(["the cat"], nbest=nbest)


@pytest.mark.parametrize("terms", [[], [Terms()] * 3])
def test_refuses_other_than_one_terms_a_line(tokenizer: Tokenizer, terms: list[Terms]) -> None:
    with pytest.raises(ValueError, match=f"2 lines need one Terms each, got {len(terms)}"):
        make_translator(tokenizer, GreedySearch()).translate(["a", "b"], terms=terms)


def test_terms_are_kept(tokenizer: Tokenizer) -> None:
    """By a model that knows nothing, so that only constraints can bring them about."""
    lines = ["the cat sat", "a dog", "", "the cat", "the mat"]
    translator = make_translator(tokenizer, BeamSearch(beam_size=4))
    plain = translator.translate(lines)
    word = plain[3].text.split()[0]
    terms = [
        Terms(prefix="un chien"),
        Terms(require=("tapis", "le chat")),
        Terms(require=("chat",)),
        Terms(forbid=(word,)),
        Terms(),
    ]
    kept = translator.translate(lines, terms=terms)
    assert kept[0].text.startswith("un chien")
    assert "tapis" in kept[1].text and "le chat" in kept[1].text
    assert (kept[2].text, kept[2].flags) == ("", ("missing_term",))
    assert word in plain[3].text.split() and word not in kept[3].text.split()
    assert kept[4].score == pytest.approx(plain[4].score, abs=1e-4)  # of another batch
    assert replace(kept[4], score=plain[4].score) == plain[4]
    assert not {"missing_term", "forbidden_term"} & {flag for one in kept[3:] for flag in one.flags}


def test_a_forbidden_term_in_other_tokens_is_searched_again(tokenizer: Tokenizer) -> None:
    usual, dog = tokenizer.encode_tgt(["chat", "chien"])
    space = tokenizer.encode_tgt([" "])[0][0]
    ways = [usual, [space, *(FIRST_BYTE + byte for byte in b"chat")], dog]
    assert tokenizer.decode_tgt(ways) == ["chat", "chat", "chien"]
    search = Says(lambda ids: ways)
    terms = [Terms(forbid=("chat",)), Terms()]
    forbidden, free = make_translator(tokenizer, search).translate(["a", "the cat"], terms=terms)
    assert (forbidden.text, forbidden.flags) == ("chien", ())
    assert free.text == "chat"
    assert len(search.asked) == 3  # only the line concerned is searched again


def test_a_forbidden_term_that_comes_again_and_again_is_flagged(tokenizer: Tokenizer) -> None:
    class Stubborn(Says):
        def __call__(
            self,
            model: Seq2SeqModel,
            src: Tensor,
            constraints: Sequence[Constraint] | None = None,
        ) -> list[list[Hypothesis]]:
            return super().__call__(model, src)

    search = Stubborn(lambda ids: tokenizer.encode_tgt(["chat"]))
    (one,) = make_translator(tokenizer, search).translate(["a"], terms=[Terms(forbid=("chat",))])
    assert one.flags == ("forbidden_term",)


@pytest.mark.parametrize("model", ["lstm-bahdanau", "transformer", "ensemble"])
def test_words_are_aligned_by_attention(tokenizer: Tokenizer, model: str) -> None:
    lines = ["the  cat\tsat", "", "a dog"]
    translations = make_translator(tokenizer, Says(copies), model).translate(lines, align=True)
    assert translations[1].alignment == ()
    for line, translation in zip(lines, translations, strict=True):
        assert translation.alignment is not None
        sources = set(range(len(line.split())))  # every word of both sides has a link
        targets = set(range(len(translation.text.split())))
        assert {source for source, _ in translation.alignment} == sources
        assert {target for _, target in translation.alignment} == targets


def test_a_model_that_attends_to_nothing_aligns_nothing(tokenizer: Tokenizer) -> None:
    translator = make_translator(tokenizer, Says(copies), "lstm-fixed_context")
    assert translator.translate(["the cat"], align=True)[0].alignment is None
    attending = make_translator(tokenizer, Says(copies))
    assert attending.translate(["the cat"])[0].alignment is None


def test_every_translation_of_the_n_best_is_aligned(tokenizer: Tokenizer) -> None:
    search = Says(lambda ids: [spelt(tokenizer, text) for text in ("le chat", "chat", "le chat !")])
    translator = make_translator(tokenizer, search)
    (one,) = translator.translate(["the cat"], align=True, nbest=3)
    assert one.nbest[0].alignment == one.alignment
    targets = [{tgt for _, tgt in each.alignment or ()} for each in one.nbest]
    assert targets == [{0, 1}, {0}, {0, 1, 2}]
    (other,) = translator.translate(["the cat"], nbest=3)
    assert {each.alignment for each in other.nbest} == {None}


def test_languages_without_spaces_are_aligned_by_character(tokenizer: Tokenizer) -> None:
    search = Says(lambda ids: [spelt(tokenizer, "le chat")])
    translator = make_translator(tokenizer, search)
    translator.tgt_lang = "zh"
    (one,) = translator.translate(["the cat"], align=True, confidence=True)
    assert {tgt for _, tgt in one.alignment or ()} == set(range(len("lechat")))
    assert len(one.confidence or ()) == len("lechat")
    translator.src_lang, translator.tgt_lang = "ja", "fr"
    (one,) = translator.translate(["the cat"], align=True)
    assert {tgt for _, tgt in one.alignment or ()} == {0, 1}
    assert {src for src, _ in one.alignment or ()} == set(range(len("thecat")))


@pytest.mark.parametrize("model", ["lstm-bahdanau", "lstm-fixed_context", "ensemble"])
def test_confidence_is_given_for_every_word(tokenizer: Tokenizer, model: str) -> None:
    translator = make_translator(tokenizer, Says(copies), model)
    lines = ["cat", "the cat sat", "", "12"]
    one, other, blank, copied = translator.translate(lines, confidence=True, nbest=1)
    assert blank.confidence == ()
    assert copied.confidence == (1.0,)
    assert len(other.confidence or ()) == 3
    assert other.nbest[0].confidence == other.confidence
    assert all(0 < value < 1 for value in (*(one.confidence or ()), *(other.confidence or ())))
    (plain,) = translator.translate(["the cat sat"])
    assert plain.confidence is None
    assert plain == replace(other, confidence=None, nbest=())
    short = make_translator(tokenizer, Says(copies), model, longest_source=12)
    (long,) = short.translate([FORTY], confidence=True)
    assert "split" in long.flags
    assert len(long.confidence or ()) == len(long.text.split())


@pytest.mark.parametrize("model", ["lstm-bahdanau", "lstm-fixed_context"])
def test_unknown_characters_are_copied(tokenizer: Tokenizer, model: str) -> None:
    search = Says(lambda ids: [[*ids[:2], *BROKEN], ids])
    translator = make_translator(tokenizer, search, model)
    with_emoji, without = "the cat \U0001f680", "the cat sat"
    one, other = translator.translate([with_emoji, without], nbest=2, protection=None)
    assert one.text.endswith("\U0001f680") and "\ufffd" not in one.text
    assert one.flags == one.nbest[0].flags == ("copied",)
    assert one.nbest[1].flags == ()
    assert other.text.endswith("\ufffd") and other.flags == ()
    (kept,) = translator.translate([with_emoji], copy_unknown=False, protection=None)
    assert kept.text.endswith("\ufffd") and kept.flags == ()


def test_a_translation_that_repeats_itself_is_flagged(tokenizer: Tokenizer) -> None:
    translator = make_translator(tokenizer, Says(lambda ids: [[270, 271] * 20]))
    again, followed = translator.translate(["the cat sat", "! " * 40])
    assert again.flags == ("repeats",)
    assert followed.flags == ()


def spelt(tokenizer: Tokenizer, text: str) -> list[int]:
    return tokenizer.encode_tgt([text])[0]


def test_long_lines_are_translated_in_parts(tokenizer: Tokenizer) -> None:
    search = Says(copies)
    translator = make_translator(tokenizer, search, longest_source=12)
    lines = ["the cat", FORTY, "", "a dog " * 20]
    translations = translator.translate(lines, align=True, nbest=2)
    assert max(len(ids) for ids, _ in search.asked) <= 12
    assert [translation.text for translation in translations] == [
        " ".join(line.split()) for line in lines
    ]
    assert [("split" in one.flags) for one in translations] == [False, True, False, True]
    assert [len(translation.nbest) for translation in translations] == [2, 2, 0, 2]
    assert translations[1].alignment is not None
    assert {target for _, target in translations[1].alignment} == set(range(len(FORTY.split())))


@pytest.mark.parametrize(
    ("options", "asked"), [({"longest_source": 12}, {"sentences": "line"}), ({}, {})]
)
def test_long_lines_stay_whole_where_asked_or_no_length_is_known(
    tokenizer: Tokenizer, options: dict, asked: dict
) -> None:
    search = Says(copies)
    (one,) = make_translator(tokenizer, search, **options).translate([FORTY], **asked)
    assert len(search.asked) == 1
    assert "split" not in one.flags


def test_terms_of_a_long_line(tokenizer: Tokenizer) -> None:
    search = Says(copies)
    translator = make_translator(tokenizer, search, longest_source=12)
    translator.translate([FORTY], terms=[Terms(prefix="le", forbid=("chien",))])
    assert [bool(constraint.prefix) for _, constraint in search.asked] == [
        number == 0 for number in range(len(search.asked))
    ]
    assert all(constraint.forbid for _, constraint in search.asked)


def test_what_a_cut_line_requires_is_met_by_one_of_its_parts(tokenizer: Tokenizer) -> None:
    line = "the cat sat. a dog ran. the mat. " * 3
    beam = BeamSearch(beam_size=4)
    translator = make_translator(tokenizer, beam, longest_source=12)
    plain = translator.translate([line])[0]
    assert "split" in plain.flags and "tapis" not in plain.text
    (one,) = translator.translate([line], terms=[Terms(require=("tapis",))])
    assert "split" in one.flags and "missing_term" not in one.flags
    assert one.text.split().count("tapis") == 1
    glossary = Glossary.of({"dog": "chien", "home": "maison"})
    (one,) = translator.translate([line], terms=[Terms(glossary=glossary)])
    assert one.glossary == (("dog", True),) * 3
    assert one.text.split().count("chien") == 3


def test_a_doubtful_part_is_translated_again_cut_smaller(tokenizer: Tokenizer) -> None:
    """Where more is wrong with the whole than with its pieces."""
    loop, fine = spelt(tokenizer, "chat " * 20), spelt(tokenizer, "le chat")
    search = Says(lambda ids: [fine if len(ids) < 12 else loop])
    known = statistics(most_sentences=5, usual_tokens=90)
    translator = make_translator(tokenizer, search, longest_source=99, statistics=known)
    line = "the cat sat on the mat, the dog sat on the mat"
    (one,) = translator.translate([line])
    assert one.text == "le chat le chat" and one.flags == ("split",)
    (one,) = translator.translate([line], sentences="line")
    assert "repeats" in one.flags and "split" not in one.flags
    stubborn = make_translator(
        tokenizer, Says(lambda ids: [loop]), longest_source=99, statistics=known
    )
    (one,) = stubborn.translate([line])  # no better in pieces: it stays whole
    assert "repeats" in one.flags and "split" not in one.flags


@pytest.mark.parametrize("given", ["<2fr> the cat. a dog. the mat.", "the cat. a dog. the mat."])
def test_a_source_prefix_stands_before_every_part(tokenizer: Tokenizer, given: str) -> None:
    search = Says(lambda ids: [spelt(tokenizer, "un")])
    known = statistics(most_sentences=1, usual_tokens=90, source_prefixes=("<2fr>",))
    translator = make_translator(tokenizer, search, statistics=known, longest_source=99)
    option = {} if given.startswith("<") else {"source_prefix": "<2fr>"}
    (one,) = translator.translate([given], **option)
    asked = [tokenizer.decode_tgt([ids])[0] for ids, _ in search.asked]
    assert sorted(asked) == sorted(["<2fr> the cat.", "<2fr> a dog.", "<2fr> the mat."])
    assert one.text == "un un un"


def test_text_without_a_letter_is_copied_and_never_reaches_the_model(tokenizer: Tokenizer) -> None:
    search = Says(copies)
    translator = make_translator(tokenizer, search)
    lines = ["12", " !!! ", "\u2014", "3.14 \U0001f600"]
    translations = translator.translate(lines, nbest=1, align=True)
    assert [one.text for one in translations] == [line.strip() for line in lines]
    assert all(one.flags == () and len(one.nbest) == 1 for one in translations)
    assert translations[3].alignment == ((0, 0), (1, 1))
    assert not search.asked
    translator.translate(["12"], protection=None)
    assert search.asked


@pytest.mark.parametrize(
    ("tgt_lang", "text"), [("zh", "the cat,the dog"), ("fr", "the cat, the dog")]
)
def test_parts_are_joined_as_the_language_is_written(
    tokenizer: Tokenizer, tgt_lang: str, text: str
) -> None:
    search = Says(lambda ids: [tokenizer.encode_tgt([tokenizer.decode_tgt([ids])[0].strip()])[0]])
    most = len(tokenizer.encode_src(["the cat, the dog"])[0]) - 1
    translator = make_translator(tokenizer, search, longest_source=most, tgt_lang=tgt_lang)
    (one,) = translator.translate(["the cat, the dog"])
    assert "split" in one.flags
    assert one.text == text


def test_pairs_are_scored_in_order_whatever_the_batch(tokenizer: Tokenizer) -> None:
    pairs = [("the cat", "le chat"), ("", ""), ("a dog ran", "un"), ("the", ""), (" ", "chien")]
    translator = make_translator(tokenizer, GreedySearch())
    scores = translator.score_pairs(pairs)
    small = make_translator(tokenizer, GreedySearch(), batch_tokens=1)
    for pair, score, alone in zip(pairs, scores, small.score_pairs(pairs), strict=True):
        blank = not "".join(pair).strip()
        assert score.tokens == (0 if blank else len(tokenizer.encode_tgt([pair[1]])[0]) + 1)
        assert (score.log_prob == 0) if blank else (score.log_prob < 0)
        assert alone.log_prob == pytest.approx(score.log_prob, abs=1e-4)
    assert translator.score_pairs([]) == []


def test_scoring_is_in_evaluation_mode_and_gives_the_mode_back(tokenizer: Tokenizer) -> None:
    translator = make_translator(tokenizer, GreedySearch())
    translator.model.train()
    torch.manual_seed(0)
    assert translator.score_pairs([("the cat", "le chat")]) == translator.score_pairs(
        [("the cat", "le chat")]
    )
    assert translator.model.training


def test_the_search_for_lost_spans_keeps_to_the_limits_of_the_chosen_one() -> None:
    tokenizer = Tokenizer.train(PAIRS, kind="bpe", vocab_size=330, joint=True, placeholders=2)
    search = GreedySearch(max_length=1.0, extra_length=1)
    translator = Translator(untrained(tokenizer), tokenizer, search, src_lang="en", tgt_lang="fr")
    lines = ["the {x} cat sat", "a {name} dog ran , the dog"]
    for line, one in zip(lines, translator.translate(lines), strict=True):
        assert "{" in one.text  # found by the second search, as the model is not trained
        assert one.tokens <= len(tokenizer.encode_src([line])[0]) + 2
