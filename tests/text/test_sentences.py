"""Sentences are told apart, and nothing of a text is lost."""

# ruff: noqa: RUF001, E501 (signs of other scripts; a text in one line)
import random
import time
from pathlib import Path

import pytest

from nmt.text import sentences
from nmt.text.sentences import split_sentences

DEMO = Path(__file__).parents[2] / "data" / "demo"


def sentences_of(text: str, language: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text, language)]


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("together", [2, 4, 8])
@pytest.mark.parametrize("written", [str, str.lower, str.upper])
def test_sentences_joined_to_lines_are_cut_back(language, together, written) -> None:
    lines = (DEMO / f"test.{language}").read_text(encoding="utf-8").splitlines()
    lines = [written(line) for line in lines]
    found = [
        sentence
        for at in range(0, len(lines), together)
        for sentence in sentences_of(" ".join(lines[at : at + together]), language)
    ]
    assert found == lines


@pytest.mark.parametrize(
    ("language", "text"),
    [
        # "|" stands between the sentences.
        ("en", "Hello world.|How are you?|I'm fine!"),
        ("en", "Mr. Smith met Dr. Jones, e.g. on Jan. 5.|J. R. R. Tolkien wrote, i.e. he typed."),
        ("en", "See No. 5, p. 12 and Fig. 3 on 5.5 pages.|He said no.|The end is at 5 p.m.|We go."),
        ("en", "Bob and me.|I have it.|You and I.|He lives in the U.S.|It is the U.S. Army."),
        ("en", 'He said "I go. You stay." and left.|(Yes. No.)|"Where?" he asked.|“Yes.”|She left.'),
        ("en", "1. Open the door.|2. Close it.|Steps: 1. Push the door open.|a. One thing."),
        ("en", "Go to https://abcd.org/1a2b?c=d.e!f now.|One.Two is a file.|It costs 3.5 or 19.99."),
        ("en", "Wait... what?|Yes!!|No?!|The third."),
        ("en", "she left it.|he came to you.|are you ok?|yes."),
        ("en", "She works in the garden. |Then she rests.|– And he?|- He does not."),
        ("en", "Great! |😀 See you. 😀"),
        ("en", "\U0010ff00, you have \U0010ff01.|Next one."),
        ("en", "THE BOY RAN.|THE DR. SMITH TEST.|IT IS ME.|I KNOW."),
        ("fr", "Il a vu M. Dupont, Mgr. Paul et le Dr. Jean, p. ex. hier.|Puis av. J.-C. il y en a."),
        ("fr", "C'est en 52 av. J.-C.|Il est né.|Mme. Blanc et M. Le Pen parlent.|C'est le plan B\xa0.|Oui."),
        ("fr", "« Entrez. » |Il part.|« Oui\xa0! » dit-il.|Ça va ?|Non ! |Il y en a.|Elle part."),
        ("de", "Das ist z. B. ein Test von Dr. Müller, d. h. von ihm.|Am 3. Mai kommt Nr. 5.|Ich bin 5.|Sie ist 6."),
        ("de", "„Komm her. Bleib.“|Er sagte: »Nein. Nie.« und ging.|Bzw. ging er usw.|Das war es."),
        ("es", "El Sr. López y la Sra. Paz vinieron.|¿Qué?|¡No!|Voy al mar.|Es la pág. 5."),
        ("it", "Il sig. Rossi e la sig.ra Bianchi.|Ha visto l'Aida.|Perché?"),
        ("cs", "Přišel Mgr. Novák, např. Ing. Novotný.|Byl 3. května doma."),
        ("ru", "А. С. Пушкин жил на ул. Ленина, т. е. там.|Он пришёл."),
        ("el", "Τι κάνεις;|Καλά.|Ο κ. Παπαδόπουλος λέει π.χ. αυτό."),
        ("zh", "你好。|你是谁？|他说：“你好。我走了。”|然后走了！|价格是3.5元。"),
        ("ja", "「行く。来る。」と言った。|はい。|そうですか？|ええ"),
        ("ko", "네.|알겠습니다.|좋아요!"),
        ("ar", "مرحبا؟ |نعم.|د. محمد هنا."),
        ("hi", "यह है।|वह है। |क्या?"),
        ("ur", "یہ ہے۔ |وہ ہے۔"),
        ("th", "สวัสดี ครับ"),
        ("", "It rains.|We stay at Dr. Who's."),
        ("xx-YY", "Kara vu.|Dora pa?|Ei."),
    ],
)  # fmt: skip
def test_sentences_of_many_languages(language: str, text: str) -> None:
    wanted = [sentence.strip() for sentence in text.split("|")]
    between = "" if language in ("zh", "ja") else " "
    assert sentences_of(between.join(wanted), language) == wanted


def test_a_line_break_ends_a_sentence() -> None:
    assert sentences_of("one\ntwo\r\n\n  three\u2028four ", "en") == ["one", "two", "three", "four"]


@pytest.mark.parametrize("text", ["", " ", "\t\n", "\u3000\xa0"])
def test_a_blank_text_has_no_sentence(text: str) -> None:
    assert split_sentences(text, "en") == []


@pytest.mark.parametrize("text", ["!!! ??? ...", "—", "12. 13.", "...", "😀", "\ud800. \ud800"])
def test_signs_alone_are_one_sentence(text: str) -> None:
    assert sentences_of(text, "en") == [text]


def test_long_quotes_are_divided() -> None:
    first, second = "I saw the man who sells old bicycles.", "He did not see me at the market."
    assert sentences_of(f'"{first} {second}" Done.', "en") == [f'"{first}', f'{second}"', "Done."]


def test_nothing_is_lost_of_random_text() -> None:
    random.seed(1)
    signs = [
        *".!?…。！？؟۔। \t\n\xa0\u2009\u200b\"'«»“”()-—:;,1aAbÉд你のदहै\x00\ud800😀\u0301\U0010ff00İß"
    ]
    pieces = [*signs, "M", "Dr", "etc", "e.g", "U.S", "p", "ex", "3.5", "I", "plan B", "ﬁ"]
    for _ in range(5000):
        text = "".join(random.choices(pieces, k=random.randint(0, 25)))
        language = random.choice(["fr", "en", "de", "zh", "ja", "el", "", "xx", "hy", "zho_Hans"])
        spans = split_sentences(text, language)
        at = 0
        for start, end in spans:
            assert text[at:start].strip() == ""
            assert text[start:end] == text[start:end].strip() != ""
            at = end
        assert text[at:].strip() == ""


def test_an_error_leaves_the_line_whole(monkeypatch) -> None:
    monkeypatch.setattr(sentences, "_split_line", lambda *_: [][0])
    assert sentences_of(" One. Two. ", "en") == ["One. Two."]
    monkeypatch.setattr(sentences, "_split_line", lambda *_: None)  # all is lost
    assert sentences_of(" One. Two. ", "en") == ["One. Two."]


@pytest.mark.parametrize("piece", [".", "! ", "p. ", '"a. "', " .)", "« ", "1. ", "....!", "J. "])
def test_no_text_takes_long(piece: str) -> None:
    start = time.process_time()
    split_sentences(piece * 10_000 + " End", "en")
    assert time.process_time() - start < 5


def test_the_code_of_a_language_may_be_longer() -> None:
    text = "Il a vu Mgr. Paul."
    assert [sentences_of(text, code) for code in ("fr", "fr-CA", "fra_Latn", "FR")] == [[text]] * 4
