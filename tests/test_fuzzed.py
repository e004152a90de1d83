"""Any bytes as a corpus, any text as a line, any JSON as a row: what is not read is refused by an
error of our own, and what is read comes out as often as it went in.

In the suite the same few cases every time; ``pytest --fuzz 10000 tests/test_fuzzed.py`` draws as
many new ones for each of the tests.
"""

import gzip
import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import assume, example, given
from hypothesis import strategies as st

from nmt import Translator
from nmt.cli.arguments import normalized
from nmt.data.cleaning import CleaningRules, as_single_line
from nmt.data.sources import open_source
from nmt.evaluation.bootstrap import Bootstrap
from nmt.evaluation.evaluation import Evaluation
from nmt.evaluation.from_table import evaluate_translations
from nmt.evaluation.recipe import Scoring
from nmt.evaluation.table_file import as_parquet, from_parquet
from nmt.plain_files import read_json, read_yaml
from nmt.report.tables import evaluation_tables
from nmt.run_directory import RunDirectory
from nmt.search.beam import BeamSearch
from nmt.text.normalization import SCHEMES, Normalization
from nmt.text.sentences import split_sentences
from nmt.text.spans import Protection
from nmt.tokenizer import Tokenizer
from nmt.translator.documents import open_document
from nmt.translator.glossary import Glossary
from nmt.translator.json_rows import TranslationRequest, request_of_json, row_of_translation
from nmt.translator.questions import answered
from nmt.translator.terms import Terms
from tests.runs import PAIRS
from tests.translator.stand_ins import answering

FROZEN = Path(__file__).parent / "frozen_run" / "format_1"
NEAR = 1e-4  # of two scores: rounding may choose either

# Names of JSON and YAML, quotes, ends of lines, signs without width, halves of characters.
ODD = [
    *("", " ", "\t", "\r", "\n", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\0", "\x1b[2J"),
    *("\ufeff", "\u200b", "\u200d", "\xad", "\u202e", "\ufffd", "\U0010ffff", "e\u0301", "🏳️‍🌈"),
    *('"', "'", "\\", "`", "<", ">", "&", "&amp;", "<b>", "</b>", "{x}", "%s", "$A", "]]>", "--"),
    *("NA", "null", "nan", "1e999", "0x", "1,000.5", "http://a.b/c?d=e", "a@b.c", "M. ", "..."),
    *(
        "\ue000",
        "\uf8ff",
        "▁",
        "<s>",
        "<0x41>",
        "中文",
        "日本語。",
        "한국어",
        "ไทย",
        "עברית",
        "A. B. C.",
    ),
]
TEXT = st.lists(
    st.one_of(st.sampled_from(ODD), st.text(max_size=8), st.sampled_from([p[0] for p in PAIRS])),
    max_size=5,
).map("".join)
LINE = TEXT.map(lambda text: text.replace("\n", " "))
LINES = st.lists(LINE, min_size=1, max_size=5)
SURROGATES = st.text(st.characters(exclude_categories=()), max_size=6)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT, SURROGATES),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(["src", "id", "prefix", "require", "forbid", "glossary", "x"]) | TEXT,
            inner,
            max_size=4,
        ),
    ),
    max_leaves=8,
)
_UNITS = b'<tu><tuv xml:lang="en"><seg>a</seg></tuv><tuv xml:lang="fr"><seg>b</seg></tuv></tu>'
_XLIFF = b"<trans-unit id='1'><source>a</source><target>b</target></trans-unit>"
PIECES: dict[str, list[bytes]] = {
    "text": [b"a\n", b"\r\n", b"\n\n"],
    "tsv": [b"en\tfr\n", b"a\tb\n", b"\t", b"\t\t\n", b'"a\tb\n'],
    "csv": [b"en,fr\n", b"a,b\n", b'"a,\n","b"\n', b'"', b'""', b","],
    "jsonl": [b'{"en": "a", "fr": "b"}\n', b'{"en": ', b"[1]", b'"\\ud800"', b"null", b"[" * 2000],
    "tmx": [
        b"<?xml version='1.0'?><tmx version='1.4'><header srclang='en'/><body>",
        *(_UNITS, b"</body></tmx>", b"<ph/>", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"<tu>"),
    ],
    "xliff": [
        b"<xliff version='1.2'><file source-language='en' target-language='fr'><body>",
        *(_XLIFF, b"</body></file></xliff>", b"<g id='1'>", b"<unit>", b"</source>"),
    ],
    "po": [
        b'msgid ""\nmsgstr ""\n"Language: fr\\n"\n\n',
        *(b'msgid "a"\nmsgstr "b"\n\n', b'"', b"msgid_plural", b"#~ ", b'msgstr[0] "x"\n', b"\\"),
    ],
    "parquet": [],
    "opus_zip": [],
}
ENDS = {
    **{"text": ".txt", "tsv": ".tsv", "csv": ".csv", "jsonl": ".jsonl", "tmx": ".tmx"},
    **{"xliff": ".xlf", "po": ".po", "parquet": ".parquet", "opus_zip": ".zip"},
}


def _parquet() -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"en": ["a", None, "c"], "fr": ["x", "y", "\n"]}), file)
    return file.getvalue()


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("c.en", "a\nb\n")
        archive.writestr("c.fr", "x\ny\n")
    return file.getvalue()


WHOLE = {"parquet": _parquet(), "opus_zip": _zip()}


@st.composite
def corpora(draw: st.DrawFn) -> tuple[str, bytes, bool]:
    """(format, content, whether it is gzipped)."""
    kind = draw(st.sampled_from(sorted(ENDS)))
    if kind in WHOLE:
        content = bytearray(WHOLE[kind])
        for place, byte in draw(
            st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=6)
        ):
            content[place] = byte
        return kind, bytes(content)[: draw(st.integers(0, len(content)))], False
    part = st.one_of(
        st.sampled_from(PIECES[kind]), st.binary(max_size=6), TEXT.map(lambda t: t.encode())
    )
    content = b"".join(draw(st.lists(part, max_size=8)))
    return kind, content, kind == "text" and draw(st.booleans())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzzed")


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(PAIRS, kind="bpe", vocab_size=285, joint=True)


@pytest.fixture(scope="module")
def translator() -> Translator:
    search = BeamSearch(beam_size=2, max_length=0.5, extra_length=3)
    return Translator.load(FROZEN, search=search, device="cpu")


def own_errors(error: BaseException, path: Path | None = None) -> None:
    """Fails unless the error is one that a user can read, and names the file."""
    said = str(error)
    assert said.strip() and len(said) < 20_000, repr(error)
    assert path is None or (str(path) in said and "\n" not in said), said


@given(corpus=corpora())
@example(corpus=("tsv", b"", False))
@example(corpus=("tmx", b"<!DOCTYPE a [<!ENTITY b 'c'><!ENTITY d '&b;&b;'>]><tmx>&d;</tmx>", False))
def test_any_bytes_are_a_corpus_or_refused(corpus: tuple[str, bytes, bool], place: Path) -> None:
    kind, content, zipped = corpus
    path = place / f"corpus{ENDS[kind]}"
    if zipped:
        path, content = path.with_name("corpus.txt.gz"), gzip.compress(content, 1)
    path.write_bytes(content)
    train: Any = str(path)
    options: dict[str, Any] = {"src_column": "en", "tgt_column": "fr"}
    if kind in ("tsv", "csv"):
        options |= {"columns": None}
    if kind == "csv":
        options |= {"delimiter": ","}
    if kind == "text":
        train, options = {"src": str(path), "tgt": str(path)}, {}
    data = {"format": kind, "src_lang": "en", "tgt_lang": "fr", "train": train, **options}
    try:
        source = open_source(data, "train")
        rows = list(source.rows())
        size = source.size()
        source.identity()
        places = [source.place(row) for row in range(min(3, len(rows)))]
    except (ValueError, OSError) as error:
        own_errors(error)
        return
    assert all(str(path) in place for place in places)
    if kind == "text":
        text = gzip.decompress(content) if zipped else content
        assert len(rows) == text.count(b"\n") + (not text.endswith(b"\n") and bool(text))
    if size is not None and kind in ("text", "tsv", "jsonl", "parquet"):
        assert size == len(rows)
    for row in rows:
        sides = [as_single_line(side) for side in row]
        assert all(side is None or "\n" not in side for side in sides)


@given(src=TEXT, tgt=TEXT, ratio=st.floats(0.01, 100))
def test_cleaning_decides_about_any_pair(src: str, tgt: str, ratio: float) -> None:
    rules = CleaningRules(max_words=20, max_characters=60)
    dropped = rules.drops(src, tgt)
    assert dropped in ("empty", "too_long", None)
    assert (dropped == "empty") == (not src.strip() or not tgt.strip())
    assert rules.out_of_ratio(src, tgt, ratio) in (True, False)


@given(value=st.one_of(JSON, SURROGATES))
def test_a_line_of_a_corpus_is_text_that_can_be_written(value: object) -> None:
    line = as_single_line(value)
    if line is not None:
        line.encode("utf-8")
        assert "\n" not in line


@given(lines=LINES, seed=st.integers(0, 5))
def test_a_tokenizer_gives_any_text_back(lines: list[str], seed: int, tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode_tgt(lines)
    normal = [tokenizer.normalization.target(line) for line in lines]
    assert tokenizer.decode_tgt(ids) == normal
    assert all(3 < token < tokenizer.tgt_vocab_size for row in ids for token in row)
    sampled = list(tokenizer.sample_tgt(lines, sampling=0.3, seed=seed))
    assert tokenizer.decode_tgt(sampled) == normal
    assert len(tokenizer.encode_src(lines)) == len(lines)


@given(line=SURROGATES)
def test_half_a_character_is_refused(line: str, tokenizer: Tokenizer) -> None:
    try:
        tokenizer.encode_src([line])
    except ValueError as error:
        own_errors(error)
        with pytest.raises(UnicodeEncodeError):
            line.encode()


@given(text=TEXT, scheme=st.sampled_from(SCHEMES))
def test_normalization_is_idempotent(text: str, scheme: str) -> None:
    rules = Normalization(scheme)
    for normal in (rules.source, rules.target):
        assert normal(normal(text)) == normal(text)


@given(text=TEXT, language=st.sampled_from(["", "en", "fr", "zh", "x?"]))
def test_sentences_and_spans_lose_nothing(text: str, language: str) -> None:
    end = 0
    for sentence in split_sentences(text, language):
        assert not text[end : sentence.start].strip()
        assert sentence.start < sentence.end
        end = sentence.end
    assert not text[end:].strip()
    spans = Protection().find(text)
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(one.end <= other.start for one, other in pairwise(spans))


@given(lines=LINES)
def test_any_lines_are_translated_alike_in_any_batch(
    lines: list[str], translator: Translator
) -> None:
    together = translator.translate(lines)
    assert len(together) == len(lines)
    for line, one in zip(lines, together, strict=True):
        assert "\n" not in one.text or "\n" in line
        assert bool(one.text.strip()) or not line.strip() or one.flags or one.text == ""
        if not line.strip():
            assert one.text.strip() == ""
        row = row_of_translation(TranslationRequest(1, line, Terms()), one)
        assert json.loads(row)["text"] == one.text
        assert len(row.splitlines()) == 1
    for line, one in zip(lines, replace(translator, batch_tokens=1).translate(lines), strict=True):
        beside = together[lines.index(line)]
        assert one.text == beside.text or abs(one.score - beside.score) <= NEAR


@given(
    rows=st.lists(st.tuples(LINE, LINE, LINE, st.sampled_from("ab")), min_size=1, max_size=6),
    unit=st.sampled_from(["words", "characters"]),
    tokenize=st.sampled_from(["13a", "zh", "char"]),
)
def test_any_lines_are_scored(rows: list[Any], unit: str, tokenize: str) -> None:
    sources, references, hypotheses, documents = map(list, zip(*rows, strict=True))
    scoring = Scoring(unit=unit, tokenize=tokenize, bootstrap=Bootstrap(samples=2))
    try:
        made, table = evaluate_translations(
            system="s",
            test_set="t",
            sources=sources,
            references=[references],
            hypotheses=hypotheses,
            scoring=scoring,
            documents=documents,
        )
    except ValueError as error:
        own_errors(error)
        return
    assert made.overall.n == sum(row.n for row in made.buckets) == len(rows)
    assert sum(row.n for row in made.documents) == len(rows)
    bleu = made.overall.score("bleu").value
    assert bleu is not None and 0 <= bleu <= 100.0001
    assert Evaluation.from_dict(json.loads(json.dumps(made.as_dict()))) == made
    assert from_parquet(as_parquet(table), len(rows), list(made.signatures)).numbers.keys()
    assert all(table.text() and table.markdown() for table in evaluation_tables(made))


def signs(without: str) -> st.SearchStrategy[str]:
    """Short text with signs that the grammar of options knows, but for some."""
    known = [sign for sign in "=()[]{}':;#$ \\1e5.-_" if sign not in without]
    others = st.characters(exclude_categories=["Cs"], exclude_characters=f'",~\0{without}')
    return st.text(others | st.sampled_from(known), min_size=1, max_size=12)


@given(text=signs(""))
def test_text_on_the_command_line_is_read_as_it_is_typed(text: str) -> None:
    assume(not (text[0] in "'[{" or text[0].isspace() or "${" in text or text[-1] == "\\"))
    assume(text != "null")
    assert as_read(f"input={text}") == text


@given(texts=st.lists(signs("'[]{}:\\$").map(str.strip), min_size=1, max_size=3))
def test_text_in_a_list_is_read_as_it_is_typed(texts: list[str]) -> None:
    assume(all(text and not text.startswith("null") for text in texts))
    assert as_read(f"require=[{','.join(texts)}]") == texts


def as_read(argument: str) -> object:
    (read,) = OverridesParser.create().parse_overrides(normalized([argument]))
    return read.value()


@given(line=st.one_of(JSON.map(json.dumps), TEXT, st.just("[" * 5000)))
def test_any_row_is_a_request_or_refused(line: str) -> None:
    try:
        request = request_of_json(7, line, Terms())
    except ValueError as error:
        own_errors(error)
        return
    assert json.loads(line)["src"] == request.src
    request.src.encode()


@given(content=st.one_of(JSON.map(lambda v: json.dumps(v).encode()), st.binary(max_size=30)))
def test_any_bytes_are_json_or_refused(content: bytes, place: Path) -> None:
    path = place / "any.json"
    path.write_bytes(content)
    try:
        value = read_json(path)
    except ValueError as error:
        own_errors(error, path)
        return
    assert json.loads(json.dumps(value, allow_nan=False)) == value


_YAML = [
    "- ",
    "a: ",
    "\n",
    "  ",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "!!x ",
    "? ",
    "<<: ",
    "|\n",
    "1:2",
]


@given(
    content=st.one_of(
        JSON.map(
            lambda value: yaml.safe_dump(value, allow_unicode=True).encode("utf-8", "replace")
        ),
        st.lists(st.sampled_from(_YAML) | TEXT, max_size=9).map(
            lambda parts: "".join(parts).encode()
        ),
        st.binary(max_size=30),
    )
)
def test_any_bytes_are_yaml_or_refused(content: bytes, place: Path) -> None:
    path = place / "any.yaml"
    path.write_bytes(content)
    try:
        value = read_yaml(path)
    except ValueError as error:
        own_errors(error, path)
        return
    assert all(
        type(one) in (dict, list, str, int, float, bool, type(None)) for one in inside(value)
    )


def inside(value: Any) -> Iterator[Any]:
    yield value
    for each in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        yield from inside(each)


@given(
    content=st.lists(st.sampled_from(["a\tb\n", "a\tb|c\n", "\t", "|", "\n"]) | TEXT, max_size=5)
)
def test_any_text_is_a_glossary_or_refused(content: list[str], place: Path) -> None:
    path = place / "glossary.tsv"
    path.write_bytes("".join(content).encode())
    try:
        Glossary.read(path).requirements("a b A", "en")
    except ValueError as error:
        own_errors(error)


@given(corpus=corpora().filter(lambda corpus: corpus[0] in ("tmx", "xliff", "po")))
def test_any_document_is_filled_or_refused(corpus: tuple[str, bytes, bool], place: Path) -> None:
    kind, content, _ = corpus
    path = place / f"document{ENDS[kind]}"
    path.write_bytes(content)
    try:
        document = open_document(path, "en", "fr")
        numbered = answering(lambda texts: [f"t{number}" for number, _ in enumerate(texts)])
        filled, _ = answered(document.filling(), numbered)
    except (ValueError, OSError) as error:
        own_errors(error)
        return
    assert isinstance(filled, bytes)


CONFIG = yaml.safe_load((FROZEN / "config.yaml").read_text())
MANIFEST = json.loads((FROZEN / "manifest.json").read_text())


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values inside mappings."""
    inner = (
        [places(each, (*path, key)) for key, each in value.items()]
        if isinstance(value, dict)
        else []
    )
    return [path, *(one for several in inner for one in several)]


def with_value(values: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    return {**values, path[0]: with_value(values[path[0]], path[1:], value)}


PLAIN = st.one_of(
    JSON,
    st.sampled_from([0, -1, 1, 2**31, 2**62, 10**30, "", "os.system", "../x", [], {}, None, True]),
    st.sampled_from(
        [1e308, -0.0, float("nan"), "model-e2bd0222daac.safetensors", "tokenizer.model"]
    ),
)


@given(path=st.sampled_from(places(MANIFEST)), value=PLAIN)
def test_any_manifest_is_a_run_or_refused(path: Any, value: Any, place: Path) -> None:
    load_changed(place, json.dumps(with_value(MANIFEST, path, value)), None)


@given(path=st.sampled_from(places(CONFIG)), value=PLAIN)
def test_any_config_is_a_run_or_refused(path: Any, value: Any, place: Path) -> None:
    text = yaml.safe_dump(with_value(CONFIG, path, value)).encode("utf-8", "replace")
    sha256 = hashlib.sha256(text).hexdigest()
    changed = with_value(MANIFEST, ("files", "config.yaml"), sha256)
    load_changed(place, json.dumps(changed), text)


def load_changed(place: Path, manifest: str, config: bytes | None) -> None:
    """Loads the frozen run with another manifest or config."""
    run = place / "run"
    if not run.exists():
        shutil.copytree(FROZEN, run)
    (run / "manifest.json").write_bytes(manifest.encode("utf-8", "replace"))
    (run / "config.yaml").write_bytes(config or (FROZEN / "config.yaml").read_bytes())
    try:
        loaded = Translator.load(run, device="cpu")
        loaded.translate(["I eat."], sentences="auto")
        RunDirectory.open(run).test_set("small")
    except (ValueError, OSError) as error:
        own_errors(error)
