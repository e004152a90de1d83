"""Terms as patterns of target tokens: what search has to find so that a term stands in the text.

A pattern reads text, whatever tokens spell it, by the definition of ``nmt/text/words.py``. It is
stricter where search would write what nobody writes: a term begins behind a space, an opening sign
or a hyphen, a word also behind an apostrophe, but not, in French and its like, behind an apostrophe
and a space. Bytes of a character that is none of the term's it takes for a letter.

Dims: V target vocabulary, L symbols of the longest piece, N states of a pattern.
"""

import unicodedata
from collections.abc import Sequence
from enum import Enum
from functools import cache, cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nmt.languages import base_code
from nmt.search.token_patterns import TokenPattern
from nmt.text.words import After, Before, Kind, edges, kind, plain
from nmt.tokenizer import BYTES, EOS, Tokenizer
from nmt.tokenizer.pieces import SPACE_MARK

# Symbols that are no character: the end of the text, and bytes that are no ASCII character.
_END = "end"
_BYTES = tuple(f"byte {value}" for value in range(256))

_ELIDING = {"fr", "it", "ca", "oc"}  # languages that write nothing behind an apostrophe


class Room(Enum):
    """What stands before a term, where it matters to what may begin there."""

    NONE = 0
    OPEN = 1  # the text's beginning, a space, an opening sign
    HYPHEN = 2
    APOSTROPHE = 3
    ELIDED = 4  # an apostrophe and a space
    DIGIT = 5
    CURRENCY = 6
    SCRIPT = 7  # a letter of a script without spaces

    def then(self, symbol: str) -> "Room":
        """The same after one symbol more."""
        room = room_behind(symbol)
        if symbol == " ":
            return Room.ELIDED if self == Room.APOSTROPHE else Room.OPEN
        opens = room in (Room.OPEN, Room.CURRENCY)
        return Room.NONE if opens and self in _NO_OPENING else room


_NO_OPENING = (Room.NONE, Room.DIGIT, Room.CURRENCY)  # behind these, no sign opens anything
_OPENING = {"Zs": Room.OPEN, "Ps": Room.OPEN, "Pi": Room.OPEN, "Pd": Room.HYPHEN}
_OPENING |= {"Nd": Room.DIGIT, "Sc": Room.CURRENCY, "Lo": Room.SCRIPT}
_SIGNS = {"'": Room.APOSTROPHE, "\N{RIGHT SINGLE QUOTATION MARK}": Room.APOSTROPHE}
_SIGNS |= dict.fromkeys('"\N{INVERTED QUESTION MARK}\N{INVERTED EXCLAMATION MARK}', Room.OPEN)
_SIGNS |= {"/": Room.HYPHEN}
_BEHIND_DIGITS = "%\N{PER MILLE SIGN}\N{DEGREE SIGN}"


@cache
def room_behind(symbol: str) -> Room:
    if len(symbol) > 1:
        return Room.NONE
    room = _SIGNS.get(symbol) or _OPENING.get(unicodedata.category(symbol), Room.NONE)
    return Room.NONE if room == Room.SCRIPT and kind(symbol) != Kind.OTHER else room


# A private-use character. No vocabulary has it, so that the tokenizer cuts before and after it.
_BEFORE = "\U0010fffd"


class Progress(NamedTuple):
    """How much of a term has been read, of all occurrences that may be one.

    before, room: what stands before the next symbol.
    begun: (form, character, byte) to be read next of each that has begun.
    complete: what has followed each whose characters have all been read.
    """

    before: Before = Before.NOTHING
    room: Room = Room.OPEN
    begun: frozenset[tuple[int, int, int]] = frozenset()
    complete: frozenset[After] = frozenset()


FOUND = Progress(complete=frozenset({After.STANDS}))


class TermReader:
    """Reads symbols, each a character or a byte, until a term stands in what was read."""

    def __init__(self, term: str, language: str = "") -> None:
        """term: ``plain`` text. It is found in decomposed form too. language: of the text."""
        self._rooms = _rooms(term, base_code(language) in _ELIDING)
        self._first, self._last = edges(term)
        self._forms = list(dict.fromkeys([term, unicodedata.normalize("NFD", term)]))
        self._own = {c for form in self._forms for each in form for c in (each, *_bytes(each))}

    def kind_of(self, symbol: str) -> object:
        """Symbols of one kind are read alike."""
        if symbol in self._own or symbol in (" ", _END):
            return symbol
        return (kind(symbol) if len(symbol) == 1 else None), room_behind(symbol)

    def then(self, progress: Progress, symbol: str) -> Progress:
        """The progress after one symbol more."""
        if progress == FOUND or (symbol == _END and progress.complete):
            return FOUND
        if symbol == _END:
            return Progress()
        known = kind(symbol) if len(symbol) == 1 else Kind.LETTER
        complete = {after.then(known, self._last) for after in progress.complete}
        begun = set()
        admitted = progress.room in self._rooms and progress.before.admits(self._first)
        starts = range(len(self._forms)) if admitted else ()
        for form, place, byte in {*progress.begun, *((form, 0, 0) for form in starts)}:
            character = self._forms[form][place]
            spelt = _bytes(character)
            if spelt and spelt[byte] == symbol and byte + 1 < len(spelt):
                begun.add((form, place, byte + 1))
            elif (symbol == character and not byte) or (spelt and spelt[byte] == symbol):
                if place + 1 < len(self._forms[form]):
                    begun.add((form, place + 1, 0))
                else:
                    complete.add(After.NOTHING)
        if After.STANDS in complete:
            return FOUND
        return Progress(
            progress.before.then(known),
            progress.room.then(symbol),
            frozenset(begun),
            frozenset(complete - {After.FAILS}),
        )


def _rooms(term: str, elides: bool) -> frozenset[Room]:
    """Where a term may begin."""
    if kind(term[0]) == Kind.OTHER and term[0].isalpha():
        return frozenset(Room)
    rooms = {Room.OPEN, Room.ELIDED, Room.SCRIPT}
    if elides:
        rooms.remove(Room.ELIDED)
    if term[0].isalpha():
        rooms |= {Room.HYPHEN, Room.APOSTROPHE}
    elif term[0].isdigit():
        rooms.add(Room.CURRENCY)
    elif term[0] in _BEHIND_DIGITS:
        rooms.add(Room.DIGIT)
    return frozenset(rooms)


def _bytes(character: str) -> tuple[str, ...]:
    """The bytes of a character outside ASCII."""
    return () if character.isascii() else tuple(_BYTES[value] for value in character.encode())


class TermPatterns:
    """The patterns of terms in a tokenizer's target tokens."""

    def __init__(self, tokenizer: Tokenizer, language: str) -> None:
        """language: of the text."""
        self._tokenizer = tokenizer
        self._language = language
        self._made = lru_cache(maxsize=512)(self._make)

    def __call__(self, term: str) -> TokenPattern | None:
        """The pattern of a term, mostly the same object for the same term; None where the
        vocabulary cannot spell it."""
        return self._made(plain(term.strip()))

    def _make(self, term: str) -> TokenPattern | None:
        reader = TermReader(term, self._language)
        names, symbols = self._symbols
        kinds = list(dict.fromkeys(map(reader.kind_of, names)))
        examples = {reader.kind_of(name): name for name in names}
        states = [Progress()]
        table = []
        for state in states:  # grows meanwhile
            if state == FOUND:
                continue
            following = [reader.then(state, examples[kind]) for kind in kinds]
            states += dict.fromkeys(one for one in following if one not in states)
            table.append(following)
        order = {state: place for place, state in enumerate(s for s in states if s != FOUND)}
        last = order.setdefault(FOUND, len(order))
        moves = np.array([[order[one] for one in row] for row in table] + [[last] * len(kinds)])
        moves = np.concatenate([np.arange(len(moves))[:, None], moves], axis=1)  # behind a piece
        column = {kind: place for place, kind in enumerate(kinds, start=1)}
        columns = np.array([0, *(column[reader.kind_of(name)] for name in names)])[symbols]
        after = np.repeat(np.arange(len(moves))[:, None], len(columns), axis=1)  # (N, V)
        for each in columns.T:
            after = moves[after, each]
        _, examples_, classes = np.unique(
            after.T.astype(np.int16), axis=0, return_index=True, return_inverse=True
        )
        classes = classes.reshape(-1).astype(np.int32)
        by_class = after[:, examples_]
        pending = [place for state, place in order.items() if state.complete and place != last]
        usual = {int(classes[token]) for token in self._usual(term)}
        usual |= set(np.flatnonzero((by_class[pending] == last).any(axis=0)).tolist())
        try:
            return TokenPattern(classes, by_class, sorted(usual))
        except ValueError:
            return None

    def _usual(self, term: str) -> set[int]:
        """The tokens that spell the term in text: at its beginning, behind a space, and behind
        another character."""
        encode = self._tokenizer.encode_tgt
        start, before, spaced, inside = encode([term, _BEFORE, f"{_BEFORE} {term}", _BEFORE + term])
        return {*start, *spaced[len(before) :], *inside[len(before) :]}

    @cached_property
    def _symbols(self) -> tuple[list[str], NDArray[np.int64]]:
        """All symbols, and the numbers of those of each token, (V, L): counted from 1, 0 behind
        the last. Special tokens other than EOS have none."""
        pieces = self._tokenizer.tgt_pieces(range(self._tokenizer.tgt_vocab_size))
        spelt: list[Sequence[str]] = [plain(piece.replace(SPACE_MARK, " ")) for piece in pieces]
        for value, token in enumerate(BYTES):
            printable = value < 128 and chr(value).isprintable()
            spelt[token] = chr(value) if printable else (_BYTES[value],)
        spelt[:EOS] = [()] * EOS
        spelt[EOS] = (_END,)
        names = sorted({symbol for piece in spelt for symbol in piece})
        numbers = {name: number for number, name in enumerate(names, start=1)}
        table = np.zeros((len(spelt), max(map(len, spelt))), dtype=np.int64)
        for row, piece in zip(table, spelt, strict=True):
            row[: len(piece)] = [numbers[symbol] for symbol in piece]
        return names, table
