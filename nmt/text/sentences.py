"""Divides text into sentences, so that nothing of it is lost.

A sentence ends at a line break and behind full stops, question and exclamation marks of any script,
with the quotes and brackets that close there. It goes on behind an abbreviation
(``abbreviations.py``), an initial, the number of an item ("1. Open the door."), within a word or
number, and within short quotes and brackets. In doubt it ends: a model that was trained on single
sentences drops the second of two.
"""

# ruff: noqa: RUF001 (signs of other scripts)
import re
from functools import lru_cache
from typing import NamedTuple

from nmt.languages import base_code
from nmt.text.abbreviations import continues, is_ordinary, is_starter

KEPT_WHOLE = 60
"""Quotes and brackets with up to so many characters are kept in one sentence."""


class Span(NamedTuple):
    """A part of a text: ``text[start:end]``."""

    start: int
    end: int


def split_sentences(text: str, language: str) -> list[Span]:
    """The sentences of the text, in order, without white space around; none of a blank text.

    All between, before and behind them is white space. Never raises: where the rules fail, the text
    without outer white space is one sentence.

    language: a code such as "fr" or "fr-CA" of any language, known or not; "" for unknown.
    """
    try:
        spans = _split(text, _code(language))
        if _is_whole(text, spans):
            return spans
    except Exception:  # better uncut than lost
        pass
    whole = _stripped(text, 0, len(text))
    return [whole] if whole.end > whole.start else []


_SPACED = ".!?…‼⁇⁈⁉۔"  # end a sentence where white space follows
_FREE = "。！？｡．؟।॥။።፧៕։"  # end a sentence whatever follows
_CLOSERS = "\"'”’»›)\\]}」』）】》〉〕*_“"
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"

_LINE_BREAK = re.compile("[\n\r\v\f\x85\u2028\u2029]+")
_STOPS = f"{_SPACED}{_FREE}"
_END = re.compile(
    rf"(?P<stop>[{_STOPS}](?<![{_STOPS}][{_STOPS}])[{_STOPS}]*+)"  # a run is looked at once
    rf"(?P<closers>[{_CLOSERS}]*+(?:[ \u00a0\u202f]?[»›]+(?=\s))?)"
    rf"(?:(?=\s)|(?<=[{_FREE}])(?=\S)|(?<=[{_FREE}][{_CLOSERS}])(?=\S)"
    rf"|(?<=[{_CJK}][.!?])(?=[{_CJK}]))"
)
_GREEK_END = re.compile(_END.pattern.replace(f"[{_STOPS}]", f"[;\u037e{_STOPS}]"))  # ";" asks
_CONTENT = re.compile("[^\\W_]|[\ue000-\uf8ff\U000f0000-\U0010ffff]")  # private use: placeholders
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]*)?")
_ITEM = re.compile(r"\W*(?:\d{1,3}(?:\.\d+)*|[A-Za-z]|[ivxIVX]{1,5})[.)]+")
_INNER_ITEM = re.compile(r"[:;]\s*\d{1,3}$")
_DOTTED = re.compile(r"(?:[^\W\d_]{1,3}\.-?)+[^\W\d_]{1,3}")
_JAPANESE_GOES_ON = re.compile("と|って|など")
_PAIRS = [
    tuple(pair)
    for pair in ["“”", "„“", "„”", "«»", "‹›", "()", "[]", "「」", "『』", "（）", "《》"]
]
_OPENS = re.compile('["»' + re.escape("".join(pair[0] for pair in _PAIRS)) + "]")
_QUOTED = re.compile(
    "|".join(
        [rf"{re.escape(a)}[^{re.escape(a + b)}]{{1,{KEPT_WHOLE}}}{re.escape(b)}" for a, b in _PAIRS]
        # One sign opens and closes, or closes elsewhere: the characters beside it decide.
        + [
            rf"(?<![\w.,!?]){a}(?=\S)[^{a}{b}]{{1,{KEPT_WHOLE}}}(?<=\S){b}(?!\w)"
            for a, b in (('"', '"'), ("»", "«"))
        ]
    )
)
_GOES_ON = re.compile(r"\s*(?:[,;:)\]}”]|[»›](?!\w))")  # a comma or closing sign behind the stop
_LOOK_BACK = 100  # characters: the words before a stop that are looked at
_SOLE_LETTER_WORDS = {
    "fr": "aày", "es": "aeoyuó", "it": "aeioè", "pt": "aeoàéó", "cs": "aikosuvz", "pl": "aiouwz",
    "ca": "aeioàéyò", "ru": "аивкосуя", "uk": "авзіуояй",
}  # fmt: skip
_LABELLED = re.compile(
    r"(?:plan|type|typ|vitamin|vitamine|vitamina|group|groupe|gruppe|grupo|gruppo|class|classe|clase|"
    r"klasse|category|catégorie|kategorie|categoría|option|opción|point|punkt|punto|ponto|section|"
    r"grade|part|partie|teil|parte|level|niveau|hepatitis|hépatite|serie|série|series|team|system|"
    r"version|and|than)"
    r"\s+$",
    re.IGNORECASE,
)


@lru_cache(maxsize=1024)
def _code(language: str) -> str:
    code = base_code(language.strip())
    return {"no": "nb", "nn": "nb", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr", "eng": "en",
            "spa": "es", "ita": "it", "por": "pt", "rus": "ru", "nld": "nl", "pol": "pl",
            "ces": "cs", "ell": "el"}.get(code, code)  # fmt: skip


def _split(text: str, language: str) -> list[Span]:
    spans: list[Span] = []
    start = 0
    if len(text.splitlines()) > 1:
        for line_break in _LINE_BREAK.finditer(text):
            _split_line(text, _stripped(text, start, line_break.start()), language, spans)
            start = line_break.end()
    _split_line(text, _stripped(text, start, len(text)), language, spans)
    return spans


def _split_line(text: str, line: Span, language: str, spans: list[Span]) -> None:
    """Adds the sentences of one line, which has no outer white space."""
    start, end = line
    if start == end:
        return
    pattern = _GREEK_END if language == "el" else _END
    pairs = _QUOTED.finditer(text, start, end) if _OPENS.search(text, start, end) else iter(())
    pair = next(pairs, None)
    first, begins, has_content = len(spans), start, False
    for found in pattern.finditer(text, start, end):
        stop = found.end()
        if begins < stop:
            following = _CONTENT.search(text, stop, end)
            if following is None:  # nothing but signs follows
                break
            has_content = has_content or _CONTENT.search(text, start, stop) is not None
            begins = following.start()
        if not has_content or _GOES_ON.match(text, stop):
            continue
        while pair and pair.end() <= stop:
            pair = next(pairs, None)
        if pair and pair.start() < found.start() and stop < pair.end() - 1:
            continue
        if _ends(text, Span(start, found.start()), found, begins, line, language):
            spans.append(Span(start, stop))
            start, has_content = stop, False
            while text[start].isspace():
                start += 1
    if len(spans) > first and not _CONTENT.search(text, start, end):
        start = spans.pop().start
    spans.append(Span(start, end))


def _ends(
    text: str, sentence: Span, found: re.Match[str], begins: int, line: Span, language: str
) -> bool:
    """Whether the sentence ends at the stop that was found.

    sentence: from its start to the stop. begins: where the next letter or digit stands.
    """
    stop, closers = found["stop"], found["closers"]
    small = text[begins].islower()
    if small and closers and not set(closers) <= set(")]}"):
        return False  # "Where?" he asked.
    if stop[-1] in _FREE:
        goes_on = language == "ja" and closers and _JAPANESE_GOES_ON.match(text, found.end())
        numbers = text[found.start() - 1].isdigit() and text[begins].isdigit()
        return not goes_on and not (stop == "．" and numbers)
    if stop != ".":
        if not small:
            return True
        if stop.strip(".…") == "":
            return False  # Wait... what?
        words = _WORD.findall(text, sentence.start, min(sentence.end, sentence.start + _LOOK_BACK))
        return len(words) > 2 or _is_small(text, line)  # Stop! said he.
    if _ITEM.fullmatch(text, sentence.start, found.start("closers")):
        return False
    return _full_stop_ends(text, sentence, begins, line, language)


def _full_stop_ends(text: str, sentence: Span, begins: int, line: Span, language: str) -> bool:
    small, number = text[begins].islower(), text[begins].isdigit()
    before = text[max(sentence.start, sentence.end - _LOOK_BACK) : sentence.end].rstrip()
    word = before.split()[-1].lstrip("\"'“‘«‹„¿¡([{–—")
    following = _WORD.match(text, begins)
    next_word = following[0] if following else ""
    if word.isdigit():
        ordinal = language in ("de", "lb") and len(word) < 3 and not is_starter(next_word, language)
        return not (small or ordinal or _INNER_ITEM.search(before))
    if not word or not word[-1].isalpha():
        return not small or _is_small(text, line)
    if (parts := re.split("['’]", word)) and len(parts[-1]) > 1:  # l'av., but isn't
        word = parts[-1]
    if len(word) == 1 and _is_initial(word):
        if number or continues(word, next_word, language, number=False, small=False):
            return False
        if word.islower() or (len(before) > 9 and before.isupper()):
            is_word = word.lower() in _SOLE_LETTER_WORDS.get(language, "")
            starter = is_starter(next_word, language)
            return (is_word and starter) or (not small and (is_word or starter))
        return not small and bool(_LABELLED.search(before[: -len(word)]))
    if continues(word, next_word, language, number=number, small=small):
        return False
    if _DOTTED.fullmatch(word):
        return not small and is_starter(next_word, language)
    if not small or len(word) >= 4 or is_starter(next_word, language):
        return True
    return is_ordinary(word, language) or _is_small(text, line)


def _is_small(text: str, line: Span) -> bool:
    """Whether the line begins with a small letter: its writer may use no capitals."""
    letter = _LETTER.search(text, *line)
    return letter is not None and letter[0].islower()


def _is_initial(letter: str) -> bool:
    """Whether a sole letter with a full stop is an abbreviation: not a syllable, as in Korean."""
    return letter.lower() != letter.upper() or "\u0590" <= letter <= "\u06ff"


def _stripped(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return Span(start, end)


def _is_whole(text: str, spans: list[Span]) -> bool:
    """Whether the spans leave nothing but white space out, and have none around them."""
    at = 0
    for start, end in spans:
        if not at <= start < end or text[start].isspace() or text[end - 1].isspace():
            return False
        if text[at:start].strip():
            return False
        at = end
    return not text[at:].strip()
