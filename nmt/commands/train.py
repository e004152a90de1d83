"""nmt-train: from a config to a trained run."""

import logging
import platform
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib.metadata import version
from typing import Any, cast

import torch
from omegaconf import DictConfig, OmegaConf

from nmt import checks
from nmt.commands.fine_tuning import Start, check_begun_from, inherited
from nmt.commands.prepare import Prepared, cache_of, prepared, tokenizer_of
from nmt.commands.resuming import check_resumed, is_resumed, kept
from nmt.data.ids import sampled
from nmt.data.loader import EncodedPairs, PairsInMemory, TrainingBatches, sorted_batches
from nmt.disk_cache import Cache
from nmt.factory import factory
from nmt.device import choose_device, choose_precision, keep_freed_memory
from nmt.evaluation.metrics import Scorer
from nmt.evaluation.languages_ import tokenizer_for
from nmt.files import check_writable
from nmt.models.interface import Seq2SeqModel
from nmt.models.weights import load_weights
from nmt.run_directory import RunDirectory
from nmt.search.hypothesis import Search
from nmt.tokenizer import Tokenizer
from nmt.training.full_disk import full_disk_explained
from nmt.training.optimizer import adamw
from nmt.training.schedule import Schedule
from nmt.training.settings import TrainerSettings
from nmt.training.signals import StopRequest
from nmt.training.trainer import Trainer, Validate
from nmt.training.validation import validation_loss
from nmt.translator import Translator, build_model

log = logging.getLogger(__name__)


def train(cfg: DictConfig, overrides: Sequence[str] = ()) -> None:
    """Train as ``configs/train.yaml`` says; exits with 128 + n where signal n stopped it.

    overrides: what the command line set, which is looked at with init_from only.
    """
    config = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True))
    settings = TrainerSettings(**config["trainer"])
    seed = checks.non_negative_int("seed", config["seed"])
    device = choose_device(config["device"])
    precision = choose_precision(settings.precision, device)
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    if device.type == "cpu":
        keep_freed_memory()
    scorer = Scorer(tokenize=tokenizer_for(config["data"]["tgt_lang"]))
    run = RunDirectory(config["run"])
    resumed = is_resumed(run, config["resume"])
    check_writable(run.path, "run")
    config, start = _start(config, run if resumed else None, overrides)
    _check_model(config, start)

    log.info("run %s", run.path)
    cache = cache_of(config["data"])
    known = start.tokenizer if start else tokenizer_of(run) if resumed else None
    ready = prepared(config["data"], config["tokenizer"], cache, torch.get_num_threads(), known)
    for line in ready.corpus.cleaning.lines():
        log.info("%s", line)
    if resumed:
        check_resumed(run, kept(config), ready.corpus)

    model = _model(config, ready.tokenizer, start).to(device)
    batches = TrainingBatches(
        _encoder(ready, config["tokenizer"]["sampling"], seed, cache),
        batch_tokens=settings.batch_tokens,
        seed=seed,
    )
    schedule = factory(
        config["schedule"],
        Schedule,
        name="schedule",
        trusted_packages=config["trusted_packages"],
    )(total_steps=_total_steps(settings, batches))
    optimizer = adamw(model, **config["optimizer"])
    parameters = sum(parameter.numel() for parameter in model.parameters())
    log.info("%s with %s parameters", type(model).__name__, f"{parameters:,}")
    log.info("%s in %s, %d threads", device, precision, torch.get_num_threads())
    if not resumed:
        _begin(run, ready, start)
    _record(run, kept(config), ready, parameters)
    trainer = Trainer(
        model=model,
        optimizer=optimizer,
        schedule=schedule,
        batches=batches,
        validate=_validation(config, ready, scorer, settings, precision),
        run=run,
        settings=settings,
        precision=precision,
    )
    with StopRequest() as stop, full_disk_explained(run.path):
        finished = trainer.train(stop)
    if not finished:
        assert stop.received is not None
        log.info("%s: saved; go on with resume=auto run=%s", stop.received.name, run.path)
        sys.exit(128 + signal.Signals(stop.received))
    log.info("finished: %s", run.path)


def _start(
    config: dict[str, Any], resumed: RunDirectory | None, overrides: Sequence[str]
) -> tuple[dict[str, Any], Start | None]:
    """The config with what init_from hands on, and the weights, unless the run has its own."""
    if config["init_from"] is None:
        return config, None
    if resumed:
        check_begun_from(resumed, config["init_from"])
        return inherited(config, resumed, overrides), None
    source = RunDirectory.open(str(config["init_from"]))
    return inherited(config, source, overrides), Start.of(source)


def _check_model(config: Mapping[str, Any], start: Start | None) -> None:
    """ValueError for a bad option, before a long corpus is read; meta tensors take no memory."""
    if start:
        return start.check_fits(config["model"], config["trusted_packages"])
    vocab_size = checks.positive_int("tokenizer.vocab_size", config["tokenizer"]["vocab_size"])
    with torch.device("meta"):
        build_model(
            config["model"],
            src_vocab_size=vocab_size,
            tgt_vocab_size=vocab_size,
            trusted_packages=config["trusted_packages"],
        )
    return None


def _model(config: Mapping[str, Any], tokenizer: Tokenizer, start: Start | None) -> Seq2SeqModel:
    """Drawn by the seed, or with the weights of another run."""
    torch.manual_seed(config["seed"])
    model = build_model(
        config["model"],
        src_vocab_size=tokenizer.src_vocab_size,
        tgt_vocab_size=tokenizer.tgt_vocab_size,
        trusted_packages=config["trusted_packages"],
    )
    if start:
        load_weights(model, start.weights)
        log.info("weights of %s are the start", start.name)
    return model


def _encoder(
    ready: Prepared, sampling: float, seed: int, cache: Cache
) -> Callable[[int], EncodedPairs]:
    """epoch -> ids of all pairs: the same ones each time unless the tokenizer samples."""
    if not sampling:
        return lambda epoch: ready.ids

    @lru_cache(maxsize=1)  # the first epoch is asked for twice
    def encode(epoch: int) -> EncodedPairs:
        drawn = 2**20 * seed + epoch
        text, tokenizer = ready.corpus.train, ready.tokenizer
        return sampled(text, tokenizer, cache, sampling=sampling, seed=drawn)

    return encode


def _total_steps(settings: TrainerSettings, batches: TrainingBatches) -> int | None:
    """The last step that max_steps and max_epochs allow; None where only time limits training."""
    limits = [settings.max_steps] if settings.max_steps is not None else []
    if settings.max_epochs is not None:
        length, _ = batches.epoch(0)
        limits.append(settings.max_epochs * -(-length // settings.accumulate))
    return min(limits, default=None)


def _validation(
    config: Mapping[str, Any],
    ready: Prepared,
    scorer: Scorer,
    settings: TrainerSettings,
    precision: str,
) -> Validate:
    """model -> loss and perplexity of the validation pairs, and BLEU of their translations."""
    search = factory(
        config["search"],
        Search,
        name="search",
        trusted_packages=config["trusted_packages"],
    )()
    tokenizer, pairs = ready.tokenizer, ready.corpus.valid
    src, tgt = [pair.src for pair in pairs], [pair.tgt for pair in pairs]
    encoded = PairsInMemory(zip(tokenizer.encode_src(src), tokenizer.encode_tgt(tgt), strict=True))

    def validate(model: Seq2SeqModel) -> dict[str, float]:
        values = validation_loss(
            model, sorted_batches(encoded, batch_tokens=settings.batch_tokens), precision
        )
        translations = Translator(model, tokenizer, search).translate(src)
        texts = [translation.text for translation in translations]
        return values | {"bleu": scorer.score(scorer.count(texts, tgt)).bleu}

    return validate


def _begin(run: RunDirectory, ready: Prepared, start: Start | None) -> None:
    """Make the directory, with what stays the same however often the run is resumed."""
    RunDirectory.create(run.path)
    for path in ready.tokenizer.save(run.path):
        run.add_file(path.name)
    for name, pairs in ready.corpus.tests.items():
        run.write_test_set(name, [pair.src for pair in pairs], [pair.tgt for pair in pairs])
    source = {"run": start.name, "weights": start.sha256} if start else None
    run.commit(init_from=source)


def _record(run: RunDirectory, config: dict[str, Any], ready: Prepared, parameters: int) -> None:
    """Write down what is being trained, before the first step."""
    run.write_config(config)
    run.commit(
        parameters=parameters,
        longest_source=ready.ids.longest_source,
        corpora=ready.corpus.fingerprints,
        cleaning=ready.corpus.cleaning.as_dict(),
        versions={
            "nmt": version("nmt"),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "sentencepiece": version("sentencepiece"),
        },
    )
