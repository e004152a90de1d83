"""Tells from a language's code, or from the script of its text, how its words are counted."""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

_OTHER_CODES = {
    "zho": "zh", "chi": "zh", "cmn": "zh", "yue": "zh", "wuu": "zh", "lzh": "zh", "hak": "zh",
    "gan": "zh", "hsn": "zh", "jpn": "ja", "kor": "ko", "tha": "th", "lao": "lo", "khm": "km",
    "mya": "my", "bur": "my", "shn": "my", "mnw": "my", "bod": "bo", "tib": "bo", "dzo": "dz",
}  # fmt: skip
_WITHOUT_SPACES = {"zh", "ja", "th", "lo", "km", "my", "bo", "dz"}
_TOKENIZERS = {"zh": "zh", "ja": "ja-mecab", "ko": "ko-mecab"}

_ISO_639_1 = """
aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da
de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz
ia id ie ig ii ik io is it iu iw ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li
ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa
pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st su sv sw ta te tg
th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
"""

# First letter of each range of a script, and the language whose words are counted as this script's
# are; "" for scripts with spaces. The last range has no end.
_RANGES = (
    (0x0000, ""), (0x0E00, "th"), (0x0E80, "lo"), (0x0F00, "bo"), (0x1000, "my"), (0x10A0, ""),
    (0x1100, "ko"), (0x1200, ""), (0x1780, "km"), (0x1800, ""), (0x1950, "my"), (0x19E0, "km"),
    (0x1A00, ""), (0x1A20, "my"), (0x1AB0, ""), (0x2E80, "zh"), (0x3040, "ja"), (0x3100, "zh"),
    (0x3130, "ko"), (0x3190, "zh"), (0x31F0, "ja"), (0x3200, ""), (0x3400, "zh"), (0xA000, ""),
    (0xA960, "ko"), (0xA980, ""), (0xA9E0, "my"), (0xAA00, ""), (0xAA60, "my"), (0xAAE0, ""),
    (0xAC00, "ko"), (0xD800, ""), (0xF900, "zh"), (0xFB00, ""), (0xFF66, "ja"), (0xFFA0, "ko"),
    (0xFFE0, ""), (0x1AFF0, "ja"), (0x1B170, ""), (0x20000, "zh"), (0x40000, ""),
)  # fmt: skip
_STARTS = [start for start, _ in _RANGES]
_ISO_15924 = {
    "hans": "zh", "hant": "zh", "hani": "zh", "jpan": "ja", "kore": "ko", "hang": "ko",
    "thai": "th", "laoo": "lo", "khmr": "km", "mymr": "my", "tibt": "bo",
}  # fmt: skip

_SHARE = 0.2
"""Of letters: Chinese text about software is mostly Latin letters, as one of its own is a word."""
_KANA = 0.05
"""Share of kana that tells Japanese from Chinese with a Japanese name in it."""
_SAMPLE = 10_000


def base_code(language: str) -> str:
    """The language's code without script and country, with two letters if there is one of two:
    "zh" for zh, zh-TW and zho_Hans."""
    first = re.split("[-_]", language.lower())[0]
    return _OTHER_CODES.get(first, first)


def is_written_without_spaces(language: str) -> bool:
    """Whether the language is written without spaces between words."""
    return base_code(language) in _WITHOUT_SPACES


def tokenizer_for(language: str, lines: Sequence[str] = ()) -> str:
    """sacreBLEU's tokenizer for the words of a language: "13a" for most languages.

    language: a code with or without script and country, such as ja, zh-TW, zho_Hans. For a language
    without spaces for which sacreBLEU has no word tokenizer, it is "char", of characters.
    lines: text in the language; decides where ``language`` is no code that says it.
    """
    code = counted_as(language, lines)
    return _TOKENIZERS.get(code, "char" if code in _WITHOUT_SPACES else "13a")


def unit_for(language: str, lines: Sequence[str] = ()) -> str:
    """The unit of sentence length: "words", or "characters" for languages without spaces. Takes
    the same arguments as ``tokenizer_for``."""
    return "characters" if counted_as(language, lines) in _WITHOUT_SPACES else "words"


def counted_as(language: str, lines: Sequence[str] = ()) -> str:
    """The code of the language whose way of counting words serves: of the language itself if it is
    a known code, else of the script that the code names ("xyz_Thai") or that ``lines`` are in.
    "" where neither is known, and for scripts with spaces."""
    code = base_code(language)
    if code in _ISO_639_1.split():
        return code
    for part in re.split("[-_]", language.lower())[1:]:
        if len(part) == 4 and part.isalpha():
            return _ISO_15924.get(part, "")
    return language_of_script(lines)


def language_of_script(lines: Sequence[str]) -> str:
    """zh, ja, ko, th, lo, km, my or bo, for the script that most letters of the text have among
    those whose words need a tokenizer of their own; "" where these are under a fifth of all letters
    (of a sample of the lines). Text with kana is Japanese, whatever Chinese characters it has.
    """
    counts = _letters(lines[:: max(1, len(lines) // _SAMPLE)])
    total = sum(counts.values())
    chinese, kana = counts.pop("zh", 0), counts.pop("ja", 0)
    counts["ja" if kana > _KANA * (chinese + kana) else "zh"] = chinese + kana
    del counts[""]
    code, most = counts.most_common(1)[0]
    return code if total and sum(counts.values()) >= _SHARE * total and most else ""


def _letters(lines: Iterable[str]) -> Counter[str]:
    """How many letters the lines have, by the language of their script; "" is always there."""
    found = Counter({"": 0})
    for character, times in Counter(chain.from_iterable(lines)).items():
        if character.isalpha():
            found[_RANGES[bisect_right(_STARTS, ord(character)) - 1][1]] += times
    return found
