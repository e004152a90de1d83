import gzip
import json
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig

from nmt.commands import translate as translating
from nmt.commands.translate import MEANINGS, load_translator
from nmt.commands.translate import main as translate
from nmt.search.beam import BeamSearch
from nmt.text.spans import Protection
from nmt.translator import Alternative, Terms, Translation, Translator
from nmt.translator.translation import FLAGS
from tests.runs import untrained_run

Compose = Callable[..., DictConfig]
Run = Callable[..., None]


class Capitals:
    """Stands in for a translator: capitals, and "!" is flagged. Remembers what it was asked."""

    lines_at_once = 1024

    def __init__(self) -> None:
        self.calls: list[tuple[list[str], dict[str, Any]]] = []

    def translate(self, lines: Sequence[str], **options: Any) -> list[Translation]:
        self.calls.append((list(lines), options))
        return [self._one(line, options["nbest"]) for line in lines]

    def _one(self, line: str, nbest: int) -> Translation:
        if line == "Ctrl-C":
            raise KeyboardInterrupt
        flags = ("hit_limit", "repeats") if "!" in line else ()
        best = Translation(line.upper(), -float(len(line)), len(line.split()), flags)
        return replace(best, nbest=(Alternative(best.text, best.score, best.tokens),) * nbest)


@pytest.fixture
def capitals(monkeypatch: pytest.MonkeyPatch) -> Capitals:
    translator = Capitals()
    monkeypatch.setattr(translating, "load_translator", lambda config: translator)
    return translator


@pytest.fixture
def run(composed: Compose, capitals: Capitals) -> Run:
    """Translates in ``tmp_path``, the working directory, by what ``Capitals`` says."""
    assert capitals
    return lambda *options: translate(composed("translate", "run=x", *options))


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nmt.data.text_files.READ_BYTES", 8)


def rows(path: str = "out") -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text().split("\n")[:-1]]


TEXT = "one line\n\n\u00e9t\u00e9\r\n \nlast!"


def test_a_line_for_each_line_from_file_to_file(run: Run) -> None:
    Path("in").write_bytes(TEXT.encode())
    Path("out").write_text("something longer that was there before\n" * 9)
    run("input=in", "output=out")
    assert Path("out").read_bytes() == "ONE LINE\n\n\u00c9T\u00c9\n \nLAST!\n".encode()
    Path("in.gz").write_bytes(gzip.compress(TEXT.encode()))
    run("input=in.gz", "output=again")
    assert Path("again").read_bytes() == Path("out").read_bytes()


def test_nothing_gives_nothing(run: Run) -> None:
    Path("in").write_bytes(b"")
    run("input=in", "output=out")
    assert Path("out").read_bytes() == b""


def test_a_filter_from_standard_input_to_standard_output(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfdbinary: Any
) -> None:
    Path("in").write_bytes(TEXT.encode())
    with open("in", encoding="utf-8") as file:
        monkeypatch.setattr("sys.stdin", file)
        run()
    assert capfdbinary.readouterr().out == "ONE LINE\n\n\u00c9T\u00c9\n \nLAST!\n".encode()
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.usefixtures("small_parts")
def test_what_is_translated_is_written_before_more_is_read(run: Run, capitals: Capitals) -> None:
    lines = [f"line {number}" for number in range(100)]
    Path("in").write_text("\n".join(lines))
    inner, written = capitals.translate, []

    def watching(lines: Sequence[str], **options: Any) -> list[Translation]:
        written.append(Path("out").read_text().count("\n"))
        return inner(lines, **options)

    capitals.translate = watching  # type: ignore[method-assign]  # watched
    run("input=in", "output=out")
    sizes = [len(lines) for lines, _ in capitals.calls]
    assert max(sizes) <= 2
    assert written == [sum(sizes[:count]) for count in range(len(sizes))]
    assert Path("out").read_text().splitlines() == [line.upper() for line in lines]


def test_rows_tell_all_of_a_translation(run: Run) -> None:
    Path("in").write_text("a b!\n\n")
    run("input=in", "output=out", "format=jsonl", "nbest=2")
    best = {"text": "A B!", "score": -4.0, "tokens": 2}
    assert rows()[0] == {
        "id": 1,
        "src": "a b!",
        **best,
        "alignment": None,
        "flags": ["hit_limit", "repeats"],
        "nbest": [best | {"flags": []}] * 2,
    }
    assert [(row["id"], row["src"], row["text"]) for row in rows()[1:]] == [(2, "", "")]


def test_rows_in_keep_their_names_and_terms(run: Run, capitals: Capitals) -> None:
    given = [{"src": "a", "id": "x", "require": ["t"]}, {"src": "b\nc"}, {"src": "d", "prefix": ""}]
    Path("in").write_text("".join(json.dumps(row) + "\n" for row in given))
    run("input=in", "output=out", "input_format=jsonl", "format=jsonl", "prefix=P", "forbid=[u,v]")
    assert [(row["id"], row["src"]) for row in rows()] == [("x", "a"), (2, "b\nc"), (3, "d")]
    ((lines, options),) = capitals.calls
    assert lines == ["a", "b\nc", "d"]
    assert options["terms"] == [
        Terms("P", ("t",), ("u", "v")),
        Terms("P", (), ("u", "v")),
        Terms("", (), ("u", "v")),
    ]
    run("input=in", "output=text", "input_format=jsonl")
    assert Path("text").read_text() == "A\nB C\nD\n"


def test_rows_that_are_read_as_text_are_said(
    run: Run, capitals: Capitals, caplog: pytest.LogCaptureFixture
) -> None:
    row = json.dumps({"src": "a"})
    for text, hints in ((f"{row}\n{row}\n", 1), (f"{{a}}\n{row}\n[1]\n", 0)):
        caplog.clear()
        Path("in").write_text(text)
        run("input=in", "output=out")
        assert caplog.text.count("input_format=jsonl translates their src") == hints


def test_options_reach_the_translator(run: Run, capitals: Capitals) -> None:
    Path("in").write_text("a\n")
    run("input=in", "output=out")
    others = ("confidence=true", "sentences=line", "source_prefix='<2es>'", "protect.enabled=false")
    run("input=in", "output=out", "format=jsonl", "align=true", "nbest=3", *others)
    text = {"sentences": "auto", "protection": Protection(), "source_prefix": ""}
    plain = {"terms": None, "nbest": 0, "align": False, "confidence": False} | text
    text = {"sentences": "line", "protection": None, "source_prefix": "<2es>"}
    chosen = {"terms": None, "nbest": 3, "align": True, "confidence": True} | text
    assert [options for _, options in capitals.calls] == [plain, chosen]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["nbest=2"], "nbest=2 needs format=jsonl"),
        (["align=true"], "align=true needs format=jsonl"),
        (["nbest=-1"], "nbest must be a whole number"),
        (["format=xml"], "format must be one of text, jsonl, got 'xml'"),
        (["sentences=all"], "sentences must be one of auto, line, split, got 'all'"),
        (["protect.enabled=1"], "protect.enabled must be true or false, got 1"),
        (["protect.numbers=keep"], "protect.numbers must be one of copy, model, got 'keep'"),
        (["protect.patterns=['(']"], r"protect.patterns"),
        (["input_format=tsv"], "input_format must be one of text, jsonl, got 'tsv'"),
        (["resume=must"], "resume must be one of never, auto"),
        (["resume=auto"], "resume=auto needs output=FILE"),
        (["output=in"], "in would be read and written at once"),
        (["output=out", "prefix=5"], "prefix must be text, got 5; quotes within quotes"),
        (["output=out", "require=[true]"], "each of require must be text, got true"),
        (["output=.", "resume=auto"], "output=. is none"),
    ],
)
def test_a_mistake_is_said_and_nothing_is_written(
    run: Run, tmp_path: Path, options: list[str], message: str
) -> None:
    Path("in").write_text("precious\n")
    with pytest.raises(ValueError, match=message):
        run("input=in", *options)
    assert Path("in").read_text() == "precious\n"
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_an_output_is_replaced_only_once_the_model_is_there(
    composed: Compose, tmp_path: Path
) -> None:
    Path("in").write_text("a\n")
    Path("out").write_text("precious\n")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        translate(composed("translate", "run=nowhere", "input=in", "output=out"))
    assert Path("out").read_text() == "precious\n"


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("form", ["text", "jsonl"])
def test_going_on_from_any_moment_gives_the_same(
    composed: Compose, capitals: Capitals, form: str
) -> None:
    assert capitals
    Path("in").write_bytes(TEXT.encode())
    options = ["run=x", "input=in", "output=out", f"format={form}", "resume=auto"]
    cfg = composed("translate", *options)
    translate(cfg)
    whole = Path("out").read_bytes()
    for size in range(len(whole) + 1):
        Path("out").write_bytes(whole[:size])
        translate(cfg)
        assert Path("out").read_bytes() == whole, size


def test_going_on_translates_only_what_is_left(
    run: Run, capitals: Capitals, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    Path("in").write_bytes(TEXT.encode())
    Path("out").write_text("Mine\n\n\u00c9T")
    run("input=in", "output=out", "resume=auto")
    asked = [line for lines, _ in capitals.calls for line in lines]
    assert asked == ["\u00e9t\u00e9", " ", "last!"]
    assert Path("out").read_text() == "Mine\n\n\u00c9T\u00c9\n \nLAST!\n"
    assert "out has 2 lines; going on after them" in caplog.text


@pytest.mark.parametrize(
    ("there", "form", "message"),
    [
        ("A\nB\nC\n", "text", "out cannot be of this input: in has 2 lines, not 3"),
        ('{"id": 1, "src": "z"}\n', "jsonl", "out:1 is no translation of in:1; resume=never"),
        ('{"id": 2, "src": "a"}\n', "jsonl", "out:1 is no translation of in:1"),
        ("A\n", "jsonl", "out:1 is no translation of in:1"),
    ],
)
def test_another_inputs_output_is_left_alone(run: Run, there: str, form: str, message: str) -> None:
    Path("in").write_text("a\nb\n")
    Path("out").write_text(f"{there}partial")
    with pytest.raises(ValueError, match=message):
        run("input=in", "output=out", f"format={form}", "resume=auto")
    assert Path("out").read_text() == f"{there}partial"


@pytest.mark.usefixtures("small_parts")
def test_interrupted_leaves_what_is_done_and_says_how_to_go_on(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    Path("in").write_text("first\nsecond\nCtrl-C\n")
    with pytest.raises(KeyboardInterrupt):
        run("input=in", "output=out")
    assert Path("out").read_text() == "FIRST\nSECOND\n"
    assert "out holds whole lines; resume=auto goes on after them" in caplog.text


@pytest.mark.parametrize("bad", [b"c\xffd", b"no row"])
def test_a_bad_line_is_named_after_all_before_it(run: Run, bad: bytes) -> None:
    form = "text" if b"\xff" in bad else "jsonl"
    good = [b"a", b"b"] if form == "text" else [b'{"src": "a"}', b'{"src": "b"}']
    Path("in").write_bytes(b"\n".join([*good, bad, *good]))
    with pytest.raises(ValueError, match=r"^in:3: no"):
        run("input=in", "output=out", f"input_format={form}")
    assert Path("out").read_text() == "A\nB\n"


def test_flags_are_told_once(
    run: Run, capitals: Capitals, caplog: pytest.LogCaptureFixture
) -> None:
    Path("in").write_text("a!\nb\nc!\n")
    run("input=in", "output=out")
    (record,) = caplog.records
    assert record.getMessage().splitlines() == [
        "translations: 3, of which",
        f"  2 {MEANINGS['hit_limit']}: hit_limit",
        f"  2 {MEANINGS['repeats']}: repeats",
    ]
    assert set(MEANINGS) == set(FLAGS)
    assert logging.getLogger("nmt.translator").level == logging.NOTSET
    caplog.clear()
    Path("in").write_text("a\n")
    run("input=in", "output=out")
    assert caplog.records == []


def test_the_translator_is_what_the_options_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = (untrained_run(tmp_path / name, seed=seed) for seed, name in enumerate("ab"))
    beam = {"_target_": "nmt.search.beam.BeamSearch", "beam_size": 3}
    monkeypatch.setattr("nmt.device.obstacle", lambda *given: "")
    config = {"device": "cpu", "precision": "bf16", "batch_tokens": 77, "trusted_packages": []}
    translator = load_translator(config | {"run": str(one), "search": beam})
    assert (translator.batch_tokens, translator.search) == (77, BeamSearch(beam_size=3))
    assert translator.precision == "bf16"
    both = load_translator(config | {"run": [str(one), str(two)], "precision": "fp32"})
    lines = ["the cat ran", "", "a dog"]
    assert both.translate(lines) == Translator.load([one, two], device="cpu").translate(lines)


def test_a_model_behind_it(composed: Compose, tmp_path: Path) -> None:
    run = untrained_run(tmp_path / "run")
    Path("in").write_text("the cat ran\n\na dog\n")
    options = [f"run={run}", "input=in", "output=out", "format=jsonl", "nbest=2", "device=cpu"]
    translate(composed("translate", *options))
    lines = ["the cat ran", "", "a dog"]
    found = Translator.load(run, device="cpu").translate(lines, nbest=2)
    assert [row["text"] for row in rows()] == [translation.text for translation in found]
    assert [[one["text"] for one in row["nbest"]] for row in rows()] == [
        [one.text for one in translation.nbest] for translation in found
    ]


NASTY = [
    "\x00\x01\x1b[31m\x7f",
    "\u2028\u2029\x85\x0b\x0c lone\rCR",
    "</s> <s> <unk> <pad> <0x0A> \u2581 \u2047",
    "\u0634\u0643\u0631\u0627 \u202e\u05e9\u05dc\u05d5\u05dd\u202c",
    "e\u0301\u0323\u0308 \U0001f469\u200d\U0001f52c \U0001f1eb\U0001f1f7 \u200b\ufeff",
    "!" * 400,
    "the cat sat " * 3_334,
    "",
    " \t\u3000\u00a0",
    '"quoted" \\n {"src": 1}',
    "\U0010ffff\ufffe\ufdd0",
]


def test_odd_lines_neither_stop_it_nor_put_it_out_of_step(
    composed: Compose, tmp_path: Path
) -> None:
    run = untrained_run(tmp_path / "run")
    options = [f"run={run}", "device=cpu", "search=greedy", "search.max_length=0.001"]
    blank = [not line.strip() for line in NASTY]
    Path("in").write_bytes("".join(f"{line}\r\n" for line in NASTY).encode())
    translate(composed("translate", *options, "input=in", "output=out", "format=jsonl"))
    assert [row["src"] for row in rows()] == NASTY
    assert [row["text"] == "" for row in rows()] == blank
    assert ["split" in row["flags"] for row in rows()] == [len(line) > 399 for line in NASTY]
    odd = [line for line in NASTY if len(line) < 10_000]
    Path("in").write_bytes("".join(json.dumps({"src": line}) + "\n" for line in odd).encode())
    translate(composed("translate", *options, "input=in", "output=text", "input_format=jsonl"))
    texts = [row["text"] for row in rows() if len(row["src"]) < 10_000]
    assert Path("text").read_bytes().decode() == "".join(f"{text}\n" for text in texts)


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("name", ["in", "in.gz"])
def test_a_bar_of_the_bytes_read_shows_on_a_terminal(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    data = TEXT.encode() * 50
    Path(name).write_bytes(gzip.compress(data) if name == "in.gz" else data)
    shown = Terminal()
    monkeypatch.setattr("sys.stderr", shown)
    run(f"input={name}", "output=out", "format=jsonl")
    assert re.search(r"\d%\|.*B/s", shown.getvalue())


@pytest.mark.parametrize("typed", ["input", "output"])
def test_no_bar_where_someone_types_or_reads_along(
    run: Run, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    Path("in").write_text(TEXT)
    kind = {"input": "nmt.cli.streams.Lines", "output": "nmt.cli.streams.Output"}[typed]
    monkeypatch.setattr(f"{kind}.is_terminal", lambda self: True)
    shown = Terminal()
    monkeypatch.setattr("sys.stderr", shown)
    run("input=in", "output=out")
    assert shown.getvalue() == ""


def test_standard_input_that_breaks_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

        def fileno(self) -> int:
            return 0

    monkeypatch.setattr("sys.stdin", TextIOWrapper(Broken()))
    with pytest.raises(OSError, match="'standard input'"):
        run("output=out")


def test_a_glossary_is_counted_at_the_end(
    run: Run, capitals: Capitals, caplog: pytest.LogCaptureFixture
) -> None:
    Path("in").write_text("a cat\na dog\n")
    Path("terms.tsv").write_text("cat\tchat\ndog\tchien\n")
    inner = capitals._one

    def asked(line: str, nbest: int) -> Translation:
        return replace(inner(line, nbest), glossary=((line[2:], line == "a cat"),))

    capitals._one = asked  # type: ignore[method-assign]  # watched
    with caplog.at_level(logging.INFO):
        run("input=in", "output=out", "glossary=terms.tsv")
    assert "glossary: 2 terms asked, 1 met, 1 missed" in caplog.messages
    assert "glossary: missed most: 'dog' (1)" in caplog.messages
    (options,) = [options for _, options in capitals.calls]
    assert [terms.glossary.entries[0].term for terms in options["terms"]] == ["cat", "cat"]
