"""Patterns of tokens, and beam search that has to find them."""

import random
from itertools import product

import numpy as np
import pytest

from nmt.search.beam import BeamSearch
from nmt.search.constraints import Constraint
from nmt.search.token_patterns import TokenPattern
from nmt.tokenizer import EOS
from tests.search.reference import assert_same, exhaustive, occurs, rows_alone
from tests.toy import VOCAB_SIZE, ToyModel, make_sources

TOKENS = range(EOS + 1, VOCAB_SIZE)


def random_pattern(draw: random.Random) -> TokenPattern:
    """Any automaton that can find something; EOS may be needed for it."""
    while True:
        states, kinds = draw.randint(2, 4), draw.randint(2, 4)
        classes = np.array([draw.randrange(kinds) for _ in range(VOCAB_SIZE)])
        rows = [[draw.randrange(states) for _ in range(kinds)] for _ in range(states - 1)]
        moves = np.array([*rows, [states - 1] * kinds])
        try:
            return TokenPattern(classes, moves, sorted({*classes[EOS + 1 :].tolist()}))
        except ValueError:
            continue


def whole_word(phrase: tuple[int, ...], ending: int) -> TokenPattern:
    """The phrase, if ``ending`` or EOS follows."""
    classes = np.zeros(VOCAB_SIZE, dtype=np.int64)
    alphabet = sorted({*phrase, ending, EOS})
    classes[alphabet] = range(1, len(alphabet) + 1)
    size = len(phrase)

    def after(read: int, token: int | None) -> int:
        if read == size and token in (ending, EOS):
            return size + 1
        seen = (*phrase[:read], token)
        return next((n for n in range(size, 0, -1) if seen[-n:] == phrase[:n]), 0)

    rows = [[after(read, token) for token in (None, *alphabet)] for read in range(size + 1)]
    return TokenPattern(classes, np.array([*rows, [size + 1] * (1 + len(alphabet))]))


def test_a_phrase_is_found_where_it_occurs() -> None:
    for size in (1, 2, 3):
        for phrase in product((4, 5), repeat=size):
            pattern = TokenPattern.of_phrase(phrase)
            assert pattern.size == size
            for tokens in product((4, 5, 6), repeat=5):
                assert pattern.found(tokens) == occurs(phrase, tokens, size)


def test_what_can_never_be_found_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be spelt"):
        TokenPattern(np.zeros(7, dtype=np.int64), np.array([[0], [1]]))


def test_preferred_ways_come_first_and_others_count() -> None:
    moves = np.array([[0, 1, 2], [1, 2, 2], [3, 0, 0], [3, 3, 3]])
    assert TokenPattern(np.arange(3), moves).left.tolist() == [2, 2, 1, 0]
    assert TokenPattern(np.arange(3), moves, [0, 1]).left.tolist() == [3, 2, 1, 0]


def keeps(constraint: Constraint, tokens: tuple[int, ...]) -> bool:
    return tokens[-1] != EOS or not constraint.missing(tokens[:-1])


@pytest.mark.numeric
def test_wide_beam_finds_the_best_that_has_an_alternative_of_each() -> None:
    several = 0
    for seed in range(30):
        draw, model, src = random.Random(seed), ToyModel(seed=seed), make_sources(3, 2, seed=seed)
        constraints = [
            Constraint(
                require=tuple(
                    tuple(random_pattern(draw) for _ in range(draw.randint(1, 3)))
                    for _ in range(draw.randint(1, 2))
                )
            )
            for _ in src
        ]
        search = BeamSearch(beam_size=360, max_length=0.1, extra_length=4)
        found = search(model, src, constraints)
        for alone, own, constraint in zip(rows_alone(src), found, constraints, strict=True):
            limit = max(4, constraint.least_limit)
            if limit > 5:
                continue
            expected = exhaustive(
                model, alone, limit=limit, alpha=1.0, keeps=lambda t, c=constraint: keeps(c, t)
            )
            several += len(expected) > 5
            assert own[0].finished == bool(expected)
            if expected:
                assert_same(own[:20], expected[:20])
    assert several > 20


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_small_beam_finds_one_of_the_alternatives(size: int) -> None:
    finished = 0
    for seed in range(40):
        draw, model = random.Random(seed), ToyModel(seed=seed)
        require = tuple(
            tuple(
                whole_word(tuple(draw.choice(TOKENS) for _ in range(draw.randint(1, 4))), 4)
                for _ in range(draw.randint(1, 3))
            )
            for _ in range(draw.randint(1, 3))
        )
        constraint = Constraint((5, 6) if seed % 2 else (), require)
        search = BeamSearch(beam_size=size, max_length=1.0, extra_length=seed % 5)
        found = search(model, make_sources(3, seed=seed), [constraint])[0]
        assert constraint.missing(found[0].tokens) == ()
        finished += found[0].finished
    assert finished > 5


def test_does_not_depend_on_the_batch() -> None:
    draw, model, src = random.Random(7), ToyModel(seed=3), make_sources(4, 9, 2, 6, 3)
    constraints = [
        Constraint(),
        Constraint(require=((whole_word((4, 5), 6), whole_word((6,), 4)), (5, 5))),
        Constraint(require=((random_pattern(draw),), (random_pattern(draw),))),
        Constraint(require=((4, 4, 4),)),
        Constraint(prefix=(5,)),
    ]
    search = BeamSearch(beam_size=3)
    together = search(model, src, constraints)
    for alone, constraint, found in zip(rows_alone(src), constraints, together, strict=True):
        assert_same(search(model, alone, [constraint])[0], found)
