"""Give a trained run to other programs: CTranslate2, ONNX, or the Hugging Face hub.

nmt-export run=runs/demo-transformer-s1 format=ctranslate2 output=exported
nmt-export run=runs/demo-transformer-s1 format=ctranslate2 output=exported quantization=int8
nmt-export run=runs/demo-lstm-s1 format=onnx output=exported
nmt-export run=runs/demo-lstm-s1 format=hub output=to_look_at license=mit
nmt-export run=runs/demo-lstm-s1 format=hub repo=OWNER/NAME license=mit
"""

import logging
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from nmt.checks import boolean, one_of
from nmt.cli.arguments import texts
from nmt.evaluation.evaluation import Evaluation
from nmt.evaluation.result_files import EVALUATIONS, RESULT, read_evaluation
from nmt.export.alongside import check_free, new_directory, size_of
from nmt.export.to_hub import check_upload, model_card, upload, write_repository
from nmt.files import check_writable, size_text
from nmt.report.tables import evaluation_tables
from nmt.run_directory import RunDirectory
from nmt.translator.loading import load_runs

log = logging.getLogger(__name__)

FORMATS = ("ctranslate2", "onnx", "hub")
_ONLY_OF = {
    "quantization": ("ctranslate2",),
    "repo": ("hub",),
    "license": ("hub",),
}
"""Options that are null -> the formats that know them."""


def main(cfg: DictConfig) -> None:
    """Export as ``configs/export.yaml`` says."""
    config = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True))
    kind = one_of("format", config["format"], FORMATS)
    for option, formats in _ONLY_OF.items():
        if config[option] is not None and kind not in formats:
            raise ValueError(f"{option}= is for format={formats[0]}, not for format={kind}")
    output = None if config["output"] is None else Path(str(config["output"]))
    if output is not None:
        check_free(output)
        check_writable(output.parent, "output")
    if kind == "hub":
        _to_hub(config, output)
        return
    if output is None:
        raise ValueError(f"format={kind} needs output=DIR, a directory that does not exist yet")
    run = load_runs(texts(config["run"]), trusted_packages=config["trusted_packages"])
    if kind == "ctranslate2":
        from nmt.export.to_ctranslate2 import export_ctranslate2

        difference = export_ctranslate2(run, output, config["quantization"])
    else:
        from nmt.export.to_onnx import export_onnx

        difference = export_onnx(run, output)
    log.info(
        "wrote %s (%s); README.md there says how to use it\n"
        "largest difference to nmt in the log-probability of a token, of random pairs: %.2g",
        output,
        size_text(size_of(output)),
        difference,
    )


def _to_hub(config: Mapping[str, Any], output: Path | None) -> None:
    """Uploads a run, or writes what would be uploaded."""
    runs, license = texts(config["run"]), config["license"]
    private = boolean("private", config["private"])
    if len(runs) != 1:
        raise ValueError(f"format=hub uploads one run, and run= names {len(runs)}")
    if not license:
        raise ValueError(
            "format=hub needs license=, under which others may use the model, such as "
            "license=cc-by-4.0; it depends on the text that it was trained on"
        )
    repo = None if config["repo"] is None else str(config["repo"])
    if (repo is None) == (output is None):
        raise ValueError(
            "format=hub needs repo=OWNER/NAME to upload to, or output=DIR to write there what "
            "would be uploaded, and not both"
        )
    if repo is not None:
        check_upload(repo)
    load_runs(runs, trusted_packages=config["trusted_packages"])  # so that others can
    run = RunDirectory.open(runs[0])
    evaluations = [
        read_evaluation(path.parent) for path in sorted(run.path.glob(f"{EVALUATIONS}/*/{RESULT}"))
    ]
    scores = [_scores(evaluation) for evaluation in evaluations]
    card = model_card(run, license=str(license), repo=repo, evaluations=evaluations, scores=scores)
    if output is not None:
        with new_directory(output) as directory:
            write_repository(run, directory, card)
        log.info("wrote %s, which repo=OWNER/NAME in place of output= would upload", output)
        return
    with tempfile.TemporaryDirectory() as scratch:
        write_repository(run, Path(scratch), card)
        address = upload(Path(scratch), str(repo), private=private)
    log.info("uploaded to %s; run=hub:%s loads it", address, repo)


def _scores(evaluation: Evaluation) -> str:
    """BLEU and chrF by length with all notes, in Markdown."""
    tables = evaluation_tables(evaluation)
    notes = [note for table in tables for note in table.notes]
    return replace(tables[0], notes=notes).markdown()
