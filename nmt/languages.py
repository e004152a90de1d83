"""Tells from a language's code its name, and from it or the script of its text how its words are
counted."""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
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

_NAMES = """
aa Afar|ab Abkhazian|ae Avestan|af Afrikaans|ak Akan|am Amharic|an Aragonese|ar Arabic|
as Assamese|av Avaric|ay Aymara|az Azerbaijani|ba Bashkir|be Belarusian|bg Bulgarian|bh Bihari|
bi Bislama|bm Bambara|bn Bengali|bo Tibetan|br Breton|bs Bosnian|ca Catalan|ce Chechen|
ch Chamorro|co Corsican|cr Cree|cs Czech|cu Church Slavic|cv Chuvash|cy Welsh|da Danish|de German|
dv Divehi|dz Dzongkha|ee Ewe|el Greek|en English|eo Esperanto|es Spanish|et Estonian|eu Basque|
fa Persian|ff Fula|fi Finnish|fj Fijian|fo Faroese|fr French|fy Western Frisian|ga Irish|
gd Scottish Gaelic|gl Galician|gn Guarani|gu Gujarati|gv Manx|ha Hausa|he Hebrew|hi Hindi|
ho Hiri Motu|hr Croatian|ht Haitian Creole|hu Hungarian|hy Armenian|hz Herero|ia Interlingua|
id Indonesian|ie Interlingue|ig Igbo|ii Sichuan Yi|ik Inupiaq|io Ido|is Icelandic|it Italian|
iu Inuktitut|iw Hebrew|ja Japanese|jv Javanese|ka Georgian|kg Kongo|ki Kikuyu|kj Kuanyama|
kk Kazakh|kl Kalaallisut|km Khmer|kn Kannada|ko Korean|kr Kanuri|ks Kashmiri|ku Kurdish|kv Komi|
kw Cornish|ky Kyrgyz|la Latin|lb Luxembourgish|lg Ganda|li Limburgish|ln Lingala|lo Lao|
lt Lithuanian|lu Luba-Katanga|lv Latvian|mg Malagasy|mh Marshallese|mi Maori|mk Macedonian|
ml Malayalam|mn Mongolian|mr Marathi|ms Malay|mt Maltese|my Burmese|na Nauru|nb Norwegian Bokmål|
nd North Ndebele|ne Nepali|ng Ndonga|nl Dutch|nn Norwegian Nynorsk|no Norwegian|nr South Ndebele|
nv Navajo|ny Chichewa|oc Occitan|oj Ojibwa|om Oromo|or Odia|os Ossetian|pa Punjabi|pi Pali|
pl Polish|ps Pashto|pt Portuguese|qu Quechua|rm Romansh|rn Rundi|ro Romanian|ru Russian|
rw Kinyarwanda|sa Sanskrit|sc Sardinian|sd Sindhi|se Northern Sami|sg Sango|sh Serbo-Croatian|
si Sinhala|sk Slovak|sl Slovenian|sm Samoan|sn Shona|so Somali|sq Albanian|sr Serbian|ss Swati|
st Southern Sotho|su Sundanese|sv Swedish|sw Swahili|ta Tamil|te Telugu|tg Tajik|th Thai|
ti Tigrinya|tk Turkmen|tl Tagalog|tn Tswana|to Tongan|tr Turkish|ts Tsonga|tt Tatar|tw Twi|
ty Tahitian|ug Uyghur|uk Ukrainian|ur Urdu|uz Uzbek|ve Venda|vi Vietnamese|vo Volapük|wa Walloon|
wo Wolof|xh Xhosa|yi Yiddish|yo Yoruba|za Zhuang|zh Chinese|zu Zulu
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


def language_name(language: str) -> str:
    """The language's name in English, with script and country as the code has them: "French",
    "Chinese (TW)"; the code itself where it is none that is known."""
    code, *others = re.split("[-_]", language)
    name = _names().get(base_code(code))
    if name is None:
        return language
    return f"{name} ({', '.join(others)})" if others else name


@cache
def _names() -> dict[str, str]:
    """Code of two letters -> name."""
    entries = "".join(_NAMES.splitlines()).split("|")
    return {code: name for code, _, name in (entry.partition(" ") for entry in entries)}


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
