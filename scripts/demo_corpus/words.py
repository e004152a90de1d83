"""Tokens with links, their joining into whitespace words, and the alignment of two sides."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Link = tuple[int, str]  # identity of a tree node, role in it


def link(node: object, role: str) -> Link:
    """The link of a role in a tree node; the node must outlive the comparison of links."""
    return id(node), role


@dataclass(frozen=True, slots=True)
class Token:
    """A word before joining. `glue` joins it to the word before (commas, full stops).

    `article` marks the French definite article, which contracts with de and à (a clitic does not).
    """

    text: str
    links: tuple[Link, ...] = ()
    glue: bool = False
    article: bool = False


def tokens(text: str, *links: Link) -> list[Token]:
    """The words of `text`, all with the same links."""
    return [Token(word, links) for word in text.split()]


def listing(parts: Sequence[list[Token]], conjunction: list[Token]) -> list[Token]:
    """`a, b and c`: the parts with commas between them and the conjunction before the last."""
    joined = list(parts[0])
    for part in parts[1:-1]:
        joined += [Token(",", glue=True), *part]
    return joined if len(parts) == 1 else [*joined, *conjunction, *parts[-1]]


def join(sequence: Iterable[Token]) -> list[Token]:
    """Whitespace words: glued tokens merged into the word before, first letter a capital."""
    words: list[Token] = []
    for token in sequence:
        if token.glue:
            last = words.pop()
            words.append(Token(last.text + token.text, last.links + token.links))
        else:
            words.append(token)
    first = words[0]
    words[0] = Token(first.text[0].upper() + first.text[1:], first.links)
    return words


def align(src: Sequence[Token], tgt: Sequence[Token]) -> list[tuple[int, int]]:
    """Pairs (source word, target word), 0-based and sorted, of words that share a link."""
    positions: dict[Link, list[int]] = {}
    for j, word in enumerate(tgt):
        for shared in word.links:
            positions.setdefault(shared, []).append(j)
    return sorted(
        {(i, j) for i, word in enumerate(src) for k in word.links for j in positions.get(k, ())}
    )
