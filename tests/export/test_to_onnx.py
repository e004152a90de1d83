import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import onnxruntime
import pytest

from nmt.export.to_onnx import DECODER, ENCODER, Graphs, convert, export_onnx
from nmt.models.ensemble import Ensemble
from nmt.models.interface import Seq2SeqModel
from nmt.search.base import Search
from nmt.search.beam import BeamSearch
from nmt.search.greedy import GreedySearch
from nmt.tokenizer import Tokenizer
from nmt.translator.inference import token_log_probs
from nmt.translator.loading import LoadedRun
from tests.browsing import browser, needs_browser, new_page
from tests.contract.models import list_models, make_model
from tests.export.outside import LINES, translated_by_us, translated_outside
from tests.runs import PAIRS

pytestmark = [pytest.mark.numeric, pytest.mark.slow]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[LoadedRun, Path, float]:
    """The three architectures as one, which torch exports at once: a run, where it was exported
    to, and the difference found there."""
    tokenizer = Tokenizer.train(PAIRS, kind="bpe", vocab_size=290, joint=True, placeholders=0)
    options: dict[str, Any] = {"vocab_size": tokenizer.tgt_vocab_size, "num_layers": 1}
    names = ("lstm-bahdanau", "lstm-fixed_context", "transformer")
    models = [make_model(list_models()[name], seed=len(name), **options) for name in names]
    run = LoadedRun(Ensemble(models), tokenizer, {}, None, "en", "fr")
    output = tmp_path_factory.mktemp("onnx") / "out"
    return run, output, export_onnx(run, output)


def test_both_programs_give_the_same_probabilities(exported: tuple[LoadedRun, Path, float]) -> None:
    """At other numbers of rows and lengths than those of the example that torch traced."""
    run, directory, found = exported
    assert found < 1e-4
    graphs = Graphs.load(onnxruntime, directory)
    for pairs in ([([5], [6])], [([7] * length, [8] * (9 - length)) for length in (1, 8, 3)]):
        ours = token_log_probs(run.model, pairs)
        for our, their in zip(ours, graphs.log_probs(pairs), strict=True):
            assert np.allclose(our, their, atol=1e-4, rtol=0)


def search_of(beam_size: int) -> Search:
    return GreedySearch() if beam_size == 1 else BeamSearch(beam_size=beam_size)


@pytest.mark.parametrize("beam_size", [1, 3])
def test_the_script_finds_what_our_search_finds(
    exported: tuple[LoadedRun, Path, float], beam_size: int
) -> None:
    run, directory, _ = exported
    found = translated_outside(directory, LINES, beam_size)
    assert found == translated_by_us(run, LINES, search_of(beam_size))
    assert found[1] == "" and len(set(found)) > 2


RUNTIME = os.environ.get("ONNXRUNTIME_WEB", "")


@needs_browser
@pytest.mark.skipif(
    not RUNTIME, reason="ONNXRUNTIME_WEB does not name the folder dist of that npm package"
)
@pytest.mark.parametrize("beam_size", [1, 5])
def test_the_page_finds_what_our_search_finds(
    exported: tuple[LoadedRun, Path, float], beam_size: int
) -> None:
    run, directory, _ = exported
    lines = [line.replace("\x1b", "") for line in LINES]
    with served(directory) as address, browser() as opened, new_page(opened, address) as page:
        page.locator("#status", has_text="ready").wait_for()
        page.select_option("#beam", str(beam_size))
        page.fill("#source", "\n".join(lines))
        page.wait_for_function("n => target.textContent.split('\\n').length == n", arg=len(lines))
        found = page.locator("#target").text_content().split("\n")
    assert found == translated_by_us(run, lines, search_of(beam_size))


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """The address of an exported page, with the runtime put where its README.md says."""
    (directory / "onnxruntime-web").symlink_to(RUNTIME)
    handler = partial(SimpleHTTPRequestHandler, directory=str(directory))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
    (directory / "onnxruntime-web").unlink()


def test_what_lies_in_the_directory(exported: tuple[LoadedRun, Path, float]) -> None:
    names = {path.name for path in exported[1].iterdir()}
    assert names == {
        *(ENCODER, DECODER, "tokenizer.model", "settings.json", "README.md"),
        *("exported_text.py", "translate.py"),
        *("index.html", "page.js", "translate.js", "pieces.json"),
    }


def test_a_model_that_torch_cannot_export_is_named_with_the_reason(tmp_path: Path) -> None:
    class Stubborn(Ensemble):
        def encode(self, src: Any) -> Any:
            if src.shape[1] > int(src.sum()):  # reads values: no graph can
                raise AssertionError
            return super().encode(src)

    models: list[Seq2SeqModel] = [make_model(list_models()["lstm-fixed_context"])]
    with pytest.raises(ValueError, match="torch cannot export this model to ONNX: "):
        convert(Stubborn(models).eval(), tmp_path)
