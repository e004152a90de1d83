"""nmt-translate of documents: only whole files of the same kind are written."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig

from nmt.commands import translate as translating
from nmt.commands.translate import main as translate
from nmt.translator import Translation

Run = Callable[..., None]
HEADER = '# c\nmsgid ""\nmsgstr "Language: fr\\n"\n'
PO = f'{HEADER}\nmsgid "a b\\n"\nmsgstr ""\n\nmsgid "x"\nmsgstr "y"\n'


class Capitals:
    """Stands in for a translator: capitals, tags lost, "!" is flagged."""

    src_lang, tgt_lang = "en", "fr"
    lines_at_once = 1024

    def translate(self, lines: Sequence[str], **options: Any) -> list[Translation]:
        return [
            Translation(line.upper(), -1.0, 1, ("repeats",) if "!" in line else ())
            for line in lines
        ]


@pytest.fixture
def run(composed: Callable[..., DictConfig], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(translating, "load_translator", lambda config: Capitals())
    return lambda *options: translate(composed("translate", "run=x", *options))


def test_a_document_is_filled_in(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    Path("in.po").write_text(PO)
    run("input=in.po", "output=out.po")
    expected = PO.replace('msgid "a b\\n"\nmsgstr ""', '#, fuzzy\nmsgid "a b\\n"\nmsgstr "A B\\n"')
    assert Path("out.po").read_text() == expected
    assert "out.po: 1 texts without translation filled; 1 left: translated already" in caplog.text
    assert sorted(path.name for path in Path().iterdir()) == ["in.po", "out.po"]


def test_flags_and_lost_markup_are_reported(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    unit = '<trans-unit id="1"><source>a <x id="1"/> b!</source></trans-unit>'
    head = '<xliff version="1.2"><file source-language="en"><body>'
    Path("in.xlf").write_text(f"{head}{unit}</body></file></xliff>")
    run("input=in.xlf", "output=out.xliff")
    assert 'A &lt;X1/&gt; B!<x id="1"/></target>' in Path("out.xliff").read_text()
    assert "inline markup was lost or out of order in 1 texts" in caplog.text
    assert "1 repeat" in caplog.text


def test_subtitles_and_pages_are_translated(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    Path("in.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\na cat!\n")
    run("input=in.srt", "output=out.srt")
    assert Path("out.srt").read_text() == "1\n00:00:01,000 --> 00:00:02,000\nA CAT!\n"
    assert "out.srt: 1 texts translated" in caplog.text
    assert "1 repeat" in caplog.text
    Path("in.htm").write_text("<p>a <b>red</b> cat")
    run("input=in.htm", "output=out.html")
    assert Path("out.html").read_text() == "<p>A <b>RED</b> CAT"
    assert "lost or out of order in 1 texts; their parts between it were translated" in caplog.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "is a document: output=FILE names the one to write"),
        (["output=out.txt"], r"output must be a file in \.po"),
        (["output=in.po"], "would be read and written at once"),
        (
            ["output=out.po", "format=jsonl"],
            "format=jsonl is for lines, and input=in.po a document",
        ),
        (["output=out.po", "resume=auto"], "resume=auto is for lines"),
        (["output=out.po", "input_format=jsonl"], "input_format=jsonl is for lines"),
    ],
)
def test_what_a_document_cannot_do_is_refused(run: Run, options: list[str], message: str) -> None:
    Path("in.po").write_text(PO)
    with pytest.raises(ValueError, match=message):
        run("input=in.po", *options)
    assert [path.name for path in Path().iterdir()] == ["in.po"]
    assert Path("in.po").read_text() == PO


def test_a_mistake_in_a_document_leaves_the_output_alone(run: Run) -> None:
    Path("in.po").write_text(PO + "garbage\n")
    Path("out.po").write_text("before")
    with pytest.raises(ValueError, match=r"in\.po:10: no PO"):
        run("input=in.po", "output=out.po")
    assert Path("out.po").read_text() == "before"


def test_a_document_that_is_missing_is_an_error(run: Run) -> None:
    with pytest.raises(FileNotFoundError, match=r"in\.tmx"):
        run("input=in.tmx", "output=out.tmx")
