"""A small model, trained in seconds, learns to look at the word that it translates."""

import random

import pytest
import torch
from torch.nn import functional as F

from nmt.data.batches import collate
from nmt.evaluation.alignment_error import GoldLinks, alignment_score, counts
from nmt.search.greedy import GreedySearch
from nmt.tokenizer import PAD, Tokenizer
from nmt.translator import Translator, build_model
from nmt.translator.forced_decoding import diagonal
from nmt.translator.word_alignment import Reading
from scripts.word_by_word import WORDS

STEPS = 100
MODEL = {
    "_target_": "nmt.models.lstm.LSTMSeq2Seq",
    **{"embed_size": 24, "hidden_size": 32, "num_layers": 1, "dropout": 0.0},
    "share_embeddings": True,
    "encoder_directions": "both",
    "attention": {"_target_": "nmt.models.attention.AdditiveAttention", "attention_size": 24},
}
Pair = tuple[str, str]


def drawn(rng: random.Random) -> Pair:
    """A sentence, and its words translated from the last to the first."""
    words = rng.choices(list(WORDS), k=rng.randint(2, 4))
    return " ".join(words), " ".join(WORDS[word] for word in reversed(words))


@pytest.fixture(scope="module")
def learnt() -> tuple[Translator, list[Pair]]:
    """The model, and pairs that it has not seen."""
    rng = random.Random(3)
    pairs = [drawn(rng) for _ in range(400)]
    tokenizer = Tokenizer.train(pairs, kind="bpe", vocab_size=320, joint=True)
    torch.manual_seed(3)
    sizes = {"src_vocab_size": tokenizer.src_vocab_size, "tgt_vocab_size": tokenizer.tgt_vocab_size}
    model = build_model(MODEL, **sizes)
    sides = zip(*pairs, strict=True)
    ids = list(zip(*map(tokenizer.encode_src, map(list, sides)), strict=True))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(STEPS):
        batch = collate(rng.sample(ids, 24))
        logits = model.project(model.decode(batch.tgt_input, model.encode(batch.src)))
        loss = F.cross_entropy(logits.flatten(0, 1), batch.labels.flatten(), ignore_index=PAD)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    unseen = [pair for pair in (drawn(rng) for _ in range(80)) if pair not in pairs]
    return Translator(model.eval(), tokenizer, GreedySearch()), unseen


def test_looks_at_the_word_that_it_translates(learnt: tuple[Translator, list[Pair]]) -> None:
    translator, unseen = learnt
    same, later, straight = [], [], []
    for (source, _), pair in zip(unseen, translator.attend_pairs(unseen), strict=True):
        n = len(source.split())
        links = frozenset((n - 1 - tgt, tgt) for tgt in range(n))
        gold = GoldLinks(links, links)
        same.append(counts(pair.links(Reading()), gold))
        later.append(counts(pair.links(Reading(step="next")), gold))
        straight.append(counts(diagonal(n, n, "both"), gold))
    rates = [alignment_score(each).error_rate or 0.0 for each in (same, later, straight)]
    assert rates[0] < 15
    assert rates[0] < min(rates[1:]) / 2


def test_a_heat_map_shows_it(learnt: tuple[Translator, list[Pair]]) -> None:
    translator, _ = learnt
    (pair,) = translator.attend_pairs([("one red cat", "chat rouge un")])
    weights = pair.words_and_ends(Reading())
    assert weights.shape == (4, 4)  # words and ends
    assert weights[:3].argmax(dim=1).tolist() == [2, 1, 0]
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(4))
