import torch

from nmt.tokenizer import EOS
from nmt.tokenizer.pieces import FIRST_BYTE
from nmt.translator.postprocessing import copied, needs_copying


def spell(text: str) -> list[int]:
    return [FIRST_BYTE + byte for byte in text.encode()]


BROKEN = spell("\U0001f600")[:2]
SOURCE = [300, *spell("\u4f60"), 301, *spell("\U0001f600"), EOS]


def test_only_bytes_that_are_no_text_need_copying() -> None:
    assert not needs_copying([])
    assert not needs_copying([300, *spell("\u4f60\U0001f600a"), 301])
    assert needs_copying([300, *BROKEN])
    assert needs_copying([*spell("\u4f60"), *BROKEN, 301])


def test_a_run_becomes_the_one_it_attends_to() -> None:
    target = [302, *BROKEN, 303]
    weights = torch.zeros(len(target), len(SOURCE))
    weights[:, 0] = 0.6  # ordinary tokens are never copied
    weights[1, 1] = 0.3
    weights[1:3, 5:9] = 0.1
    ids, places = copied(target, SOURCE, weights)
    assert ids == [302, *spell("\U0001f600"), 303]
    assert places == [0, 1, 1, 1, 1, 3]


def test_without_attention_the_runs_go_in_order() -> None:
    target = [*BROKEN, 302, *BROKEN, *spell("a"), 303, *BROKEN]
    ids, places = copied(target, SOURCE, None)
    assert ids == [*spell("\u4f60"), 302, *spell("\U0001f600"), 303, *BROKEN]
    assert len(places) == len(ids)
    assert [target[place] for place, token in zip(places, ids, strict=True) if token > 299] == [
        302,
        303,
    ]


def test_text_stays_and_counts() -> None:
    target = [*spell("\u597d"), 302, *BROKEN]
    ids, _ = copied(target, SOURCE, None)
    assert ids == [*spell("\u597d"), 302, *spell("\U0001f600")]


def test_nothing_to_copy_from() -> None:
    assert copied([302, *BROKEN], [300, EOS], torch.ones(3, 2)) == ([302, *BROKEN], [0, 1, 2])
