"""What the page shows of a model: translations sentence by sentence, where it looked, and the words
that it might have written instead. Plain values, ready for JSON."""

from collections.abc import Sequence
from typing import Any

from nmt.models.interface import NoAlignment
from nmt.text.sentences import split_sentences
from nmt.translator import Translator
from nmt.translator.forced_decoding import words_of
from nmt.translator.translation import (
    COPIED,
    COPY,
    FORBIDDEN_TERM,
    HIT_LIMIT,
    LENGTH,
    MISSING_TERM,
    REPEATS,
    SPLIT,
    UNTRANSLATED,
    Terms,
    Translation,
)
from nmt.translator.word_alignment import Reading

MOST_WORDS = 8  # that are offered at a place
END = None
"""Stands for the end of a sentence among words."""

IN_WORDS = {
    HIT_LIMIT: "The translation is cut: the model did not come to its end.",
    REPEATS: "The translation says the same again and again.",
    LENGTH: "The translation is much shorter or longer than usual for such a text.",
    UNTRANSLATED: "This is the source, not a translation.",
    COPY: "A number, a name in brackets, an address or the like is lost or altered.",
    SPLIT: "Translated in parts.",
    COPIED: "Some characters come from the source: the model cannot write them.",
    MISSING_TERM: "A required word is missing.",
    FORBIDDEN_TERM: "A forbidden word is there.",
}


def translated(
    translator: Translator, text: str, *, require: Sequence[str] = (), nbest: int = 1
) -> list[dict[str, Any]]:
    """The text in segments that can be looked at one by one: its sentences or, where words are
    required, its lines."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not require:
        found = ((line, split_sentences(line, translator.src_lang)) for line in lines)
        lines = [line[span.start : span.end] for line, spans in found for span in spans]
    translations = translator.translate(
        lines,
        terms=[Terms(require=tuple(require))] * len(lines) if require else None,
        nbest=min(nbest, translator.search.most_hypotheses),
        sentences="auto" if require else "line",
    )
    return [segment(translator, *pair) for pair in zip(lines, translations, strict=True)]


def continued(
    translator: Translator, source: str, beginning: str, *, whole: bool, nbest: int = 1
) -> dict[str, Any]:
    """A segment whose translation begins so, as the model goes on from there; whole: it has come to
    its end."""
    if whole:
        return segment(translator, source, Translation(text=beginning, score=0.0, tokens=0))
    (found,) = translator.translate(
        [source],
        terms=[Terms(prefix=beginning)],
        nbest=min(nbest, translator.search.most_hypotheses),
        sentences="line",
    )
    return segment(translator, source, found)


def segment(translator: Translator, source: str, found: Translation) -> dict[str, Any]:
    """A source and its translation. units: its words, each with the white space after it."""
    src, tgt = translator.by_character
    return {
        "source": source,
        "source_units": units(source, src),
        "text": found.text,
        "units": units(found.text, tgt),
        "flags": [IN_WORDS[flag] for flag in found.flags],
        "nbest": [one.text for one in found.nbest],
    }


def units(text: str, by_character: bool) -> list[tuple[str, str]]:
    """The words of a text, or its characters, each with the white space after it."""
    found: list[tuple[str, str]] = []
    words, place = words_of(text, by_character), 0
    for word in words:
        start = text.index(word, place)
        if found:
            found[-1] = (found[-1][0], text[place:start])
        found.append((word, ""))
        place = start + len(word)
    return found


def attended(
    translator: Translator,
    source: str,
    translation: str,
    *,
    layer: int | None = None,
    head: int | None = None,
    pieces: bool = False,
) -> dict[str, Any]:
    """Where the model looks while it is made to write the translation.

    layer, head: the first being 1; None: the mean of all. pieces: of sub-words, not of words.

    Gives the words of both sides, with ``END`` after the source's, and after the target's where the
    model wrote it; weights, a row for each of the target's; and the numbers of layers and heads.
    weights are None for a model without attention. Raises ValueError for a layer or head that is
    not there.
    """
    try:
        (pair,) = translator.attend_pairs([(source, translation)])
    except NoAlignment:
        return {"source": [], "target": [], "weights": None, "layers": 0, "heads": 0}
    layers, heads = pair.by_head.shape[:2]
    if head is not None:
        pair = pair.of_head(head)
    reading = Reading(layer=layer)
    if pieces:
        sides = [*pair.source.spelling[1][:-1], END], [*pair.target.spelling[1], END]
        weights = reading.of_steps(pair.weights)
    else:
        sides = [*pair.source.words, END], [*pair.target.words, END]
        weights = pair.words_and_ends(reading)
    rows = [[round(value, 3) for value in row] for row in weights.tolist()]
    return {
        "source": sides[0],
        "target": sides[1],
        "weights": rows,
        "layers": layers,
        "heads": heads,
    }


def offered(translator: Translator, source: str, beginning: str) -> list[dict[str, Any]]:
    """The words that the model might write after this beginning, with their probabilities; "" is
    the end."""
    found = translator.next_words(source, beginning, MOST_WORDS)
    return [{"text": one.text, "probability": round(one.probability, 4)} for one in found]
