"""What a model attends to while it is made to write a given translation, and the alignment of two
models of opposite directions.

Dims: L decoder layers, N heads, T target tokens, S source tokens.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import heapify, heappop, heappush

import torch
from torch import Tensor

from nmt.models.interface import Seq2SeqModel
from nmt.tokenizer import EOS, Tokenizer
from nmt.translator.inference import token_log_probs
from nmt.translator.translation import Alignment
from nmt.translator.word_alignment import (
    Reading,
    Spelling,
    attention_by_head,
    links_of,
    word_shares,
    word_weights,
)


@dataclass(frozen=True)
class Side:
    """One side of a pair. words: of the raw text. spelling: its tokens; the source's with EOS.
    places: of each word that the tokens spell among ``words``, as normalisation may drop or part
    some. by_character: see ``word_tokens``."""

    words: Sequence[str]
    spelling: Spelling
    places: Sequence[int]
    by_character: bool = False

    @cached_property
    def shares(self) -> Tensor:
        """See ``word_shares``, with a row for each of ``words``: sparse."""
        found = word_shares(self.spelling, self.by_character).coalesce()
        rows, columns = found.indices()
        if len(self.places):
            rows = torch.tensor(self.places)[rows]
        return torch.sparse_coo_tensor(
            torch.stack([rows, columns]),
            found.values(),
            (len(self.words), len(self.spelling[0])),
            check_invariants=True,
        )


@dataclass(frozen=True, eq=False)
class AttendedPair:
    """A pair, and where the model looked while it wrote the target. by_head: (L, N, T + 1, S); the
    last row wrote EOS, and the last column is the source's EOS."""

    source: Side
    target: Side
    by_head: Tensor

    @cached_property
    def weights(self) -> Tensor:
        """(L, T + 1, S), the means over heads."""
        return self.by_head.mean(dim=1)

    def of_head(self, head: int) -> "AttendedPair":
        """The same with this head alone in every layer, the first being 1. Raises ValueError for a
        head that is not there."""
        heads = self.by_head.shape[1]
        if not 1 <= head <= heads:
            raise ValueError(f"head={head}, but a layer has {heads}: say 1 to {heads}")
        return replace(self, by_head=self.by_head[:, head - 1 : head])

    def words(self, reading: Reading) -> Tensor:
        """(target words, source words). What goes to EOS, and to tokens of white space, is in no
        column: rows sum to less than 1."""
        return word_weights(reading.of(self.weights), self.source.shares, self.target.shares)

    def words_and_ends(self, reading: Reading) -> Tensor:
        """The same with a last column for the source's end and, if the step is the same, a last row
        for the target's."""
        by_token = reading.of(self.weights)
        eos = word_weights(
            by_token, torch.eye(by_token.shape[1])[-1:].to_sparse(), self.target.shares
        )
        found = torch.cat([self.words(reading), eos], dim=1)
        if reading.step == "next":
            return found
        last = reading.of(self.weights[:, [-1, -1]])  # the row that wrote EOS
        of_words = (self.source.shares @ last.T).T
        return torch.cat([found, torch.cat([of_words, last[:, -1:]], dim=1)])

    def links(self, reading: Reading) -> Alignment:
        """The alignment of the words of both sides."""
        return links_of(self.words(reading), reading.links)


def attend_pairs(
    model: Seq2SeqModel,
    tokenizer: Tokenizer,
    pairs: Sequence[tuple[str, str]],
    *,
    src_by_character: bool = False,
    tgt_by_character: bool = False,
) -> list[AttendedPair]:
    """Makes the model write the second text of each pair. Raises NoAlignment for a model without
    attention."""
    src = [[*ids, EOS] for ids in tokenizer.encode_src([source for source, _ in pairs])]
    tgt = tokenizer.encode_tgt([target for _, target in pairs])
    order = sorted(range(len(pairs)), key=lambda place: (len(tgt[place]), len(src[place])))
    found = attention_by_head(model, [(src[place], tgt[place]) for place in order])
    weights = dict(zip(order, found, strict=True))
    rules = tokenizer.normalization
    return [
        AttendedPair(
            _side(
                source,
                (src[place], tokenizer.src_pieces(src[place])),
                rules.source,
                src_by_character,
            ),
            _side(
                target,
                (tgt[place], tokenizer.tgt_pieces(tgt[place])),
                rules.target,
                tgt_by_character,
            ),
            weights[place],
        )
        for place, (source, target) in enumerate(pairs)
    ]


def word_importance(model: Seq2SeqModel, tokenizer: Tokenizer, pair: AttendedPair) -> Tensor:
    """By how much log p of each target word falls when a source word is left out: (target words,
    source words). Decodes once for each source word."""
    words, ids = list(pair.source.words), pair.target.spelling[0]
    space = "" if pair.source.by_character else " "
    without = (words[:place] + words[place + 1 :] for place in range(len(words)))
    sources = tokenizer.encode_src([space.join(words), *map(space.join, without)])
    values = torch.tensor(token_log_probs(model, [(source, ids) for source in sources]))
    fallen = values[:1, :-1] - values[1:, :-1]  # (V, T)
    return pair.target.shares @ fallen.T


def words_of(text: str, by_character: bool) -> Sequence[str]:
    """What is aligned: the words of a raw text or, in languages without spaces, its characters."""
    return "".join(text.split()) if by_character else text.split()


def _side(
    text: str, spelling: Spelling, normalised: Callable[[str], str], by_character: bool
) -> Side:
    words = words_of(text, by_character)
    read = (words_of(normalised(word), by_character) for word in words)
    places = [place for place, parts in enumerate(read) for _ in parts]
    return Side(words, spelling, places, by_character)


def diagonal(source_words: int, target_words: int, links: str) -> Alignment:
    """The alignment that goes straight from the first words to the last, a baseline that knows
    nothing. links: see ``Reading``."""
    src = (torch.arange(source_words) + 0.5) / max(source_words, 1)
    tgt = (torch.arange(target_words) + 0.5) / max(target_words, 1)
    return links_of(1 - (tgt[:, None] - src[None, :]).abs(), links)


_NEIGHBOURS = ((-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))


def grow_diag_final_and(
    forward: Collection[tuple[int, int]], backward: Collection[tuple[int, int]]
) -> Alignment:
    """Joins the links (source word, target word) that two models of opposite directions found.

    Begins with the links of both. A link of one that touches these, also at a corner, is added if
    one of its words has none yet; at the end, a link whose words both have none (Koehn et al. 2005,
    "Edinburgh system description for the 2005 IWSLT evaluation"). Target words come in order, and
    for each its source words.
    """
    ahead, behind = ({(tgt, src) for src, tgt in links} for links in (forward, backward))
    either, found = ahead | behind, ahead & behind
    tgt_linked, src_linked = {tgt for tgt, _ in found}, {src for _, src in found}
    grown = True
    while grown:
        grown, waiting = False, list(found)
        heapify(waiting)
        while waiting:
            tgt, src = heappop(waiting)
            for down, right in _NEIGHBOURS:
                one = (tgt + down, src + right)
                free = one[0] not in tgt_linked or one[1] not in src_linked
                if one in either and one not in found and free:
                    found.add(one)
                    tgt_linked.add(one[0])
                    src_linked.add(one[1])
                    grown = True
                    if one > (tgt, src):
                        heappush(waiting, one)
    for links in (ahead, behind):
        for tgt, src in sorted(links):
            if tgt not in tgt_linked and src not in src_linked:
                found.add((tgt, src))
                tgt_linked.add(tgt)
                src_linked.add(src)
    return tuple(sorted((src, tgt) for tgt, src in found))
