r"""Train a translator on sentence pairs.

  nmt-train                                       on the corpus that ships with nmt
  nmt-train model=transformer trainer.max_minutes=20
  nmt-train model=lstm model/attention=luong_dot
  nmt-train -m model=lstm,lstm_bahdanau,transformer jobs=2
  nmt-train data=files data.src_lang=de data.tgt_lang=en \
      data.train.src=train.de data.train.tgt=train.en \
      data.valid.src=valid.de data.valid.tgt=valid.en \
      data.tests.news.src=news.de data.tests.news.tgt=news.en
  nmt-train data=tsv data.src_lang=en data.tgt_lang=fr data.train=pairs.tsv data.valid=1000
  nmt-train data=corpora data.src_lang=en data.tgt_lang=fr data.valid=1000 \
      'data.train=[{src: a.en, tgt: a.fr, weight: 2}, {format: tsv, train: b.tsv, weight: 0.5}]'
  nmt-train run=runs/demo-lstm-s1 model=lstm resume=auto
  nmt-train init_from=runs/demo-lstm-s1 data=tsv data.src_lang=en data.tgt_lang=fr \
      data.train=mine.tsv data.valid=500 optimizer.lr=0.0005 schedule.warmup_steps=100
"""

import logging
import platform
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from torch import nn

from nmt import __version__, checks, distributed
from nmt.cli.arguments import swept
from nmt.commands.epochs import check_epochs, total_steps, training_batches
from nmt.commands.fine_tuning import InitialWeights, check_begun_from, inherited, run_label
from nmt.commands.prepare import PreparedData, cache_of, given_tokenizer, prepare_data
from nmt.commands.resuming import as_begun, check_resumed, is_resumed, kept
from nmt.commands.validation import validation
from nmt.device import (
    choose_device,
    choose_precision,
    keep_few_kernels,
    keep_freed_memory,
    training_batch_tokens,
)
from nmt.evaluation.scorer import Scorer
from nmt.factory import factory
from nmt.files import check_room, check_writable
from nmt.languages import tokenizer_for
from nmt.models.interface import Seq2SeqModel
from nmt.models.weights import SkipInit, load_weights
from nmt.run_directory import RunDirectory
from nmt.search.base import Search
from nmt.tokenizer import Tokenizer, load_tokenizer
from nmt.training.checkpoint import full_disk_explained
from nmt.training.loss import Loss
from nmt.training.optimizer import adamw
from nmt.training.schedule import Schedule
from nmt.training.signals import StopRequest
from nmt.training.train_state import TrainerSettings
from nmt.training.trainer import Trainer
from nmt.translator import build_model

log = logging.getLogger(__name__)

T = TypeVar("T")


def main(cfg: DictConfig) -> None:
    """Train as ``configs/train.yaml`` says; without run= the options name the run directory."""
    if cfg.run is None:
        cfg.run = default_run(cfg, sys.argv[1:])
    train(cfg, HydraConfig.get().overrides.task)


def default_run(cfg: DictConfig, arguments: Sequence[str]) -> str:
    """The run directory of a command line without run=."""
    return f"runs/{run_name(cfg.seed, cfg.init_from, arguments)}"


def run_name(seed: int, init_from: str | None, arguments: Sequence[str]) -> str:
    """<experiment or data>-<model>-s<seed>, then the attention, if chosen, and each other option
    that the sweep varies.

    init_from: a run; its name, as from-<run>, takes the place of the model.
    arguments: the command line, which shows the options that the sweep varies.
    """
    hydra = HydraConfig.get()
    choices = hydra.runtime.choices
    varied = swept(arguments)
    model = choices["model"] if init_from is None else f"from-{run_label(init_from)}"
    parts = [choices["experiment"] or choices["data"], model, f"s{seed}"]
    named = {"experiment", "data", "model", "init_from", "seed"}
    for override in hydra.overrides.task:
        name, _, value = override.lstrip("+").partition("=")
        if name == "model/attention" or name in varied - named:
            parts += [re.split("[./]", name)[-1], value]
    return "-".join(re.sub(r"[^\w.-]+", "_", part).strip("_") for part in parts)


def train(cfg: DictConfig, overrides: Sequence[str] = ()) -> None:
    """Train as ``configs/train.yaml`` says. Exits with 128 + n if signal n stops it.

    overrides: the options that the command line sets; they matter with init_from only.
    """
    config = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True))
    device = choose_device(config["device"])
    with distributed.joined(device):
        _train(config, device, overrides)


def _train(config: dict[str, Any], device: torch.device, overrides: Sequence[str]) -> None:
    """As ``train``, of one of several processes."""
    if device.type == "cpu":
        keep_freed_memory()
        keep_few_kernels()
    run = RunDirectory(config["run"])
    resumed = distributed.from_first(lambda: is_resumed(run, config["resume"]))
    if config["trainer"]["batch_tokens"] is None:
        begun = run.section("trainer") if resumed else {}
        chosen = begun.get("batch_tokens") or training_batch_tokens(device)
        config["trainer"]["batch_tokens"] = chosen
    with checks.section("trainer"):
        settings = TrainerSettings(**config["trainer"])
        precision = choose_precision(settings.precision, device)
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    if distributed.is_first():
        check_writable(run.path, "run")
    config, start = _with_init_from(config, run if resumed else None, overrides)
    if config["data"]["lowercase"] and not config["tokenizer"]["lowercase"]:
        raise ValueError(
            f"data.lowercase=true: the tokenizer of {config['init_from']} reads capitals: leave it "
            f"out"
        )
    if resumed:
        config = as_begun(config, run)
    if config["tokenizer"]["model"] is not None:
        path = Path(str(config["tokenizer"]["model"])).expanduser().absolute()
        config["tokenizer"]["model"] = str(path)
    if resumed:
        known: Tokenizer | None = load_tokenizer(run)
    else:
        known = start.tokenizer if start else given_tokenizer(config["tokenizer"])
    _check_options(config, settings, start, known)

    log.info("run %s", run.path)
    cache = cache_of(config["data"])
    with distributed.first_goes_ahead():  # the others find what it has prepared
        threads = torch.get_num_threads()
        ready = prepare_data(config["data"], config["tokenizer"], cache, threads, known)
    for line in ready.corpus.cleaning.lines():
        log.info("%s", line)
    if resumed:
        check_resumed(run, kept(config), ready.corpus)

    tokens = config["trainer"]["batch_tokens"]
    batches = training_batches(ready, config, cache, tokens, device)
    model = _model(config, ready.tokenizer, start).to(device)
    distributed.share_weights(model)
    distributed.draw_otherwise(config["seed"])
    schedule = _built(config, "schedule", Schedule, total_steps=total_steps(settings, batches))
    with checks.section("optimizer"):
        optimizer = adamw(model, **config["optimizer"])
    search = _built(config, "search", Search)
    references = [pair.tgt for pair in ready.corpus.valid]
    scorer = _scorer(config, references, lowercase=ready.tokenizer.normalization.lowercase)
    validate, merged = validation(ready, search, scorer, batch_tokens=tokens, precision=precision)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    log.info("%s with %s parameters", type(model).__name__, f"{parameters:,}")
    if distributed.is_first():
        # A checkpoint holds each parameter and two moments, and one more is there for a moment.
        most = 4 * parameters * (3 * (settings.keep_checkpoints + 1) + 2)
        log.info("%s", check_room(run.path, most, "checkpoints and weights", "run="))
    ranks = f"{distributed.size()} processes, " if distributed.launched() else ""
    log.info("%s in %s, %s%d threads", device, precision, ranks, torch.get_num_threads())

    held = run.locked() if distributed.is_first() else nullcontext()
    with StopRequest() as stop, full_disk_explained(run.path), held:
        if distributed.is_first() and not resumed:
            run = RunDirectory.create(run.path)
        trainer = Trainer(
            model=model,
            optimizer=optimizer,
            schedule=schedule,
            loss=_built(config, "loss", Loss),
            batches=batches,
            validate=validate,
            merged=merged,
            run=run,
            settings=settings,
            precision=precision,
        )
        if resumed:
            trainer.restore()
        with distributed.first_goes_ahead():
            if distributed.is_first():
                _record(run, kept(config), ready, start, parameters)
        finished = trainer.train(stop)
    if not finished:
        assert stop.received is not None
        log.info("%s: saved; go on with resume=auto run=%s", stop.received.name, run.path)
        sys.exit(128 + signal.Signals(stop.received))
    log.info("finished: %s", run.path)


def _with_init_from(
    config: dict[str, Any], resumed: RunDirectory | None, overrides: Sequence[str]
) -> tuple[dict[str, Any], InitialWeights | None]:
    """The config with the sections that init_from hands on, and, for a new run, the weights."""
    if config["init_from"] is None:
        return config, None
    if resumed:
        check_begun_from(resumed, config["init_from"])
        return inherited(config, resumed, overrides), None
    source = RunDirectory.open(str(config["init_from"]))
    return inherited(config, source, overrides), InitialWeights.of(source)


def _check_options(
    config: Mapping[str, Any],
    settings: TrainerSettings,
    start: InitialWeights | None,
    tokenizer: Tokenizer | None,
) -> None:
    """ValueError for a bad option, before a long corpus is read and anything is written."""
    checks.non_negative_int("seed", config["seed"])
    check_epochs(config)
    _scorer(config)
    _built(config, "search", Search)
    _built(config, "loss", Loss)
    limited = settings.max_steps is not None or settings.max_epochs is not None
    _built(config, "schedule", Schedule, total_steps=sys.maxsize if limited else None)
    with checks.section("optimizer"):
        adamw(nn.Linear(1, 1), **config["optimizer"])
    with checks.section("tokenizer"):
        vocab_size = checks.positive_int("vocab_size", config["tokenizer"]["vocab_size"])
    if start:
        start.check_fits(config["model"], config["trusted_packages"])
    else:
        with torch.device("meta"), SkipInit():  # takes no memory
            size = tokenizer.src_vocab_size if tokenizer else vocab_size
            _new_model(config, size, tokenizer.tgt_vocab_size if tokenizer else size)


def _scorer(
    config: Mapping[str, Any], references: Sequence[str] = (), *, lowercase: bool = False
) -> Scorer:
    """Scores the translations of the validation pairs. references: their script decides how words
    are counted where the language is unknown."""
    tokenize = tokenizer_for(config["data"]["tgt_lang"], references)
    if references:
        log.info("BLEU of the validation pairs: tokenizer %s", tokenize)
    return Scorer(metrics=["bleu"], tokenize=tokenize, lowercase=lowercase)


def _built(config: Mapping[str, Any], name: str, slot: type[T], **options: Any) -> T:
    """The object that a section describes by ``_target_``."""
    trusted = config["trusted_packages"]
    return factory(config[name], slot, name=name, trusted_packages=trusted)(**options)


def _new_model(config: Mapping[str, Any], src_vocab_size: int, tgt_vocab_size: int) -> Seq2SeqModel:
    return build_model(
        config["model"],
        src_vocab_size=src_vocab_size,
        tgt_vocab_size=tgt_vocab_size,
        trusted_packages=config["trusted_packages"],
    )


def _model(
    config: Mapping[str, Any], tokenizer: Tokenizer, start: InitialWeights | None
) -> Seq2SeqModel:
    """A model with weights drawn from the seed, or with the weights of another run."""
    torch.manual_seed(config["seed"])
    model = _new_model(config, tokenizer.src_vocab_size, tokenizer.tgt_vocab_size)
    if start:
        load_weights(model, start.weights)
        log.info("weights of %s are the start", start.name)
    return model


def _record(
    run: RunDirectory,
    config: dict[str, Any],
    ready: PreparedData,
    start: InitialWeights | None,
    parameters: int,
) -> None:
    """Record in the run what it trains. For a new run, this is the commit that begins it."""
    facts: dict[str, Any] = {}
    try:
        if not run.exists():
            for path in ready.tokenizer.save(run.path):
                run.add_file(path.name)
            for name, pairs in ready.corpus.tests.items():
                run.write_test_set(name, [pair.src for pair in pairs], [pair.tgt for pair in pairs])
            facts["init_from"] = {"run": start.name, "weights": start.sha256} if start else None
        run.write_config(config)
        run.commit(
            **facts,
            parameters=parameters,
            longest_source=ready.ids.longest_source,
            corpora=ready.corpus.fingerprints,
            cleaning=ready.corpus.cleaning.as_dict(),
            normalization=ready.tokenizer.normalization.as_dict(),
            text=ready.ids.statistics.as_dict() if ready.ids.statistics else None,
            versions={
                "nmt": __version__,
                "python": platform.python_version(),
                "torch": torch.__version__,
                "sentencepiece": version("sentencepiece"),
            },
        )
    except BaseException:
        run.sweep()
        raise
