"""nmt-train: from a config to a trained run."""

import logging
import platform
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import torch
from omegaconf import DictConfig, OmegaConf

from nmt import checks
from nmt.batching.loader import EncodedPairs, TrainingBatches, sorted_batches
from nmt.construct import factory
from nmt.corpus.corpus import ParallelCorpus, load_corpus
from nmt.corpus.reading import SentencePair
from nmt.device import choose_device, choose_precision, keep_freed_memory
from nmt.evaluation.bleu import Scorer
from nmt.models.interface import Seq2SeqModel
from nmt.run_directory import RunDirectory
from nmt.search.hypothesis import Search
from nmt.tokenizer import Tokenizer
from nmt.training.optimizer import adamw
from nmt.training.schedule import Schedule
from nmt.training.settings import TrainerSettings
from nmt.training.stopping import StopRequest
from nmt.training.trainer import Trainer, Validate
from nmt.training.validation import validation_loss
from nmt.translator import Translator, build_model

log = logging.getLogger(__name__)

FIXED = ("data", "tokenizer", "model", "seed")
"""Sections of a config that a resumed run cannot change; in the others the new value wins."""


def train(cfg: DictConfig) -> None:
    """Train as ``configs/train.yaml`` says; exits with 128 + n where signal n stopped it."""
    config = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True))
    settings = TrainerSettings(**config["trainer"])
    seed = checks.non_negative_int("seed", config["seed"])
    device = choose_device(config["device"])
    precision = choose_precision(settings.precision, device)
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    if device.type == "cpu":
        keep_freed_memory()
    run = RunDirectory(config["run"])
    resumed = _is_resumed(run, config["resume"])

    _check_model(config)
    log.info("run %s", run.path)
    corpus = load_corpus(**_corpus_options(config["data"]))
    for line in corpus.cleaning.lines():
        log.info("%s", line)
    if resumed:
        _check_resumed(run, _kept(config), corpus)
        tokenizer = Tokenizer.load(run.path)
    else:
        tokenizer = Tokenizer.train(corpus.train, **_tokenizer_options(config["tokenizer"]))

    torch.manual_seed(seed)
    model = build_model(
        config["model"],
        src_vocab_size=tokenizer.src_vocab_size,
        tgt_vocab_size=tokenizer.tgt_vocab_size,
        trusted_packages=config["trusted_packages"],
    ).to(device)
    batches = TrainingBatches(
        _encoder(tokenizer, corpus.train, config["tokenizer"]["sampling"], seed),
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
    _record(run, _kept(config), corpus, tokenizer, parameters, new=not resumed)
    trainer = Trainer(
        model=model,
        optimizer=optimizer,
        schedule=schedule,
        batches=batches,
        validate=_validation(config, corpus.valid, tokenizer, settings, precision),
        run=run,
        settings=settings,
        precision=precision,
    )
    with StopRequest() as stop:
        finished = trainer.train(stop)
    if not finished:
        assert stop.received is not None
        log.info("%s: saved; go on with resume=auto run=%s", stop.received.name, run.path)
        sys.exit(128 + signal.Signals(stop.received))
    log.info("finished: %s", run.path)


def _is_resumed(run: RunDirectory, resume: str) -> bool:
    checks.one_of("resume", resume, ("never", "auto", "must"))
    if resume == "must" or (resume == "auto" and run.exists()):
        RunDirectory.open(run.path)
        return True
    run.refuse_in_use()
    return False


def _check_model(config: Mapping[str, Any]) -> None:
    """ValueError for a bad option, before a long corpus is read; meta tensors take no memory."""
    vocab_size = checks.positive_int("tokenizer.vocab_size", config["tokenizer"]["vocab_size"])
    with torch.device("meta"):
        build_model(
            config["model"],
            src_vocab_size=vocab_size,
            tgt_vocab_size=vocab_size,
            trusted_packages=config["trusted_packages"],
        )


def _corpus_options(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key != "dir"}


def _tokenizer_options(tokenizer: Mapping[str, Any]) -> dict[str, Any]:
    checks.probability("tokenizer.sampling", tokenizer["sampling"])
    return {key: value for key, value in tokenizer.items() if key != "sampling"}


def _kept(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a run directory keeps: of this machine only the places of the text."""
    here = ("run", "resume", "device", "trusted_packages")
    kept = {key: value for key, value in config.items() if key not in here}
    kept["data"] = _absolute(_corpus_options(config["data"]))
    return kept


def _absolute(value: Any, key: str = "") -> Any:
    if isinstance(value, Mapping):
        return {name: _absolute(part, name) for name, part in value.items()}
    if isinstance(value, list):
        return [_absolute(part, key) for part in value]
    return str(Path(value).absolute()) if key in ("src", "tgt") else value


def _encoder(
    tokenizer: Tokenizer, pairs: Sequence[SentencePair], sampling: float, seed: int
) -> Callable[[int], EncodedPairs]:
    """epoch -> ids of all pairs: the same list each time unless the tokenizer samples."""
    src, tgt = [pair.src for pair in pairs], [pair.tgt for pair in pairs]

    def encode(epoch: int) -> EncodedPairs:
        drawn = 2**20 * seed + epoch if sampling else 0
        return list(
            zip(
                tokenizer.encode_src(src, sampling=sampling, seed=drawn),
                tokenizer.encode_tgt(tgt, sampling=sampling, seed=drawn),
                strict=True,
            )
        )

    if sampling:
        return encode
    encoded = encode(0)
    return lambda epoch: encoded


def _total_steps(settings: TrainerSettings, batches: TrainingBatches) -> int | None:
    """The last step that max_steps and max_epochs allow; None where only time limits training."""
    limits = [settings.max_steps] if settings.max_steps is not None else []
    if settings.max_epochs is not None:
        length, _ = batches.epoch(0)
        limits.append(settings.max_epochs * -(-length // settings.accumulate))
    return min(limits, default=None)


def _validation(
    config: Mapping[str, Any],
    pairs: Sequence[SentencePair],
    tokenizer: Tokenizer,
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
    scorer = Scorer()
    src, tgt = [pair.src for pair in pairs], [pair.tgt for pair in pairs]
    encoded = list(zip(tokenizer.encode_src(src), tokenizer.encode_tgt(tgt), strict=True))

    def validate(model: Seq2SeqModel) -> dict[str, float]:
        values = validation_loss(
            model, sorted_batches(encoded, batch_tokens=settings.batch_tokens), precision
        )
        translations = Translator(model, tokenizer, search).translate(src)
        texts = [translation.text for translation in translations]
        return values | {"bleu": scorer.score(scorer.count(texts, tgt)).bleu}

    return validate


def _record(
    run: RunDirectory,
    config: dict[str, Any],
    corpus: ParallelCorpus,
    tokenizer: Tokenizer,
    parameters: int,
    *,
    new: bool,
) -> None:
    """Write down what is being trained, before the first step."""
    if new:
        RunDirectory.create(run.path)
        for path in tokenizer.save(run.path):
            run.add_file(path.name)
    run.write_config(config)
    run.commit(
        parameters=parameters,
        corpora=corpus.fingerprints(),
        cleaning=corpus.cleaning.as_dict(),
        versions={
            "nmt": version("nmt"),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "sentencepiece": version("sentencepiece"),
        },
    )


def _check_resumed(run: RunDirectory, config: dict[str, Any], corpus: ParallelCorpus) -> None:
    """ValueError for a change that would make another run of it; a word on every other change."""
    if run.manifest().get("corpora") != corpus.fingerprints():
        raise ValueError(
            f"{run.path} was trained on other text than the data options name now: "
            f"go on with the same files, or choose another run="
        )
    before, now = dict(checks.dotted(run.config())), dict(checks.dotted(config))
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name), now.get(name)
        section, _, rest = name.partition(".")
        if old == new or (section == "data" and rest.endswith(("src", "tgt"))):
            continue  # the files may have moved: their content was compared
        if section in FIXED or name in ("trainer.batch_tokens", "trainer.accumulate"):
            raise ValueError(
                f"{run.path} has {name}={old}, a resumed run cannot change it to {new}: "
                f"leave it as it was, or choose another run="
            )
        log.warning("%s was %s, from here on it is %s", name, old, new)
