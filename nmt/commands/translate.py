"""Translate text, one line for each line. Only translations go to standard output.

echo "A sentence." | nmt-translate run=runs/demo-transformer-s1
nmt-translate run=runs/demo-lstm-s1 < in.txt > out.txt
nmt-translate run=runs/demo-lstm-s1 input=in.txt.gz output=out.txt search.beam_size=10
nmt-translate run=runs/demo-lstm-s1 input=in.txt output=out.txt resume=auto
nmt-translate run=[runs/demo-lstm-s1,runs/demo-lstm-s2] search=greedy < in.txt
nmt-translate run=runs/demo-lstm-s1 format=jsonl nbest=5 align=true < in.txt > out.jsonl
nmt-translate run=runs/demo-lstm-s1 'require=["the red cat"]' 'forbid=[dog,fox]' < in.txt
"""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from nmt.checks import non_negative_int, one_of
from nmt.cli import streams
from nmt.cli.arguments import texts
from nmt.data.text_files import Lines
from nmt.device import keep_freed_memory, return_freed_memory
from nmt.factory import factory
from nmt.search.base import Search
from nmt.translator import Terms, Translator, json_rows, translation
from nmt.translator.json_rows import FORMATS, TranslationRequest, terms_of_options

log = logging.getLogger(__name__)

MEANINGS = {
    translation.HIT_LIMIT: "reached the length limit and may lack their end (search.max_length)",
    translation.REPEATS: "repeat themselves where their source does not",
    translation.SPLIT: "are of lines longer than any in training, translated in parts",
    translation.MISSING_TERM: "lack a required term",
    translation.FORBIDDEN_TERM: "hold a forbidden term",
    translation.COPIED: "hold source text where the model spelt no characters",
}


def main(cfg: DictConfig) -> None:
    """Translate as ``configs/translate.yaml`` says, one line for each line."""
    config = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True))
    _check(config)
    source, target = text_or_none(config["input"]), text_or_none(config["output"])
    with streams.open_lines(source) as lines:
        streams.refuse_same_file(target, lines)
        done = _go_on(lines, target, config) if config["resume"] == "auto" else None
        translator = load_translator(config)
        with streams.open_output(target, done) as output:
            try:
                with _warnings_off():
                    flags = _translate_all(translator, lines, output, config)
            except KeyboardInterrupt:
                if target is not None:
                    log.warning("%s holds whole lines; resume=auto goes on after them", target)
                raise
    if found := [flag for flag in MEANINGS if flags[flag]]:
        counts = "\n  ".join(f"{flags[flag]:,} {MEANINGS[flag]}: {flag}" for flag in found)
        log.warning("translations: %s, of which\n  %s", f"{flags['']:,}", counts)


def load_translator(config: Mapping[str, Any]) -> Translator:
    """The translator that run, search, device, precision, batch_tokens and trusted_packages
    describe; a config without search takes the default."""
    keep_freed_memory()
    trusted, search = config["trusted_packages"], None
    if "search" in config:
        search = factory(config["search"], Search, name="search", trusted_packages=trusted)()
    return Translator.load(
        texts(config["run"]),
        search=search,
        device=config["device"],
        precision=config["precision"],
        batch_tokens=config["batch_tokens"],
        trusted_packages=trusted,
    )


def text_or_none(value: object) -> str | None:
    """A path as text, None as None: Hydra reads ``input=2024`` as a number."""
    return None if value is None else str(value)


def _check(config: Mapping[str, Any]) -> None:
    """ValueError for options that do not go together, before anything is opened."""
    one_of("input_format", config["input_format"], FORMATS)
    one_of("format", config["format"], FORMATS)
    one_of("resume", config["resume"], ("never", "auto"))
    non_negative_int("nbest", config["nbest"])
    terms_of_options(config)
    for name in ("nbest", "align"):
        if config[name] and config["format"] == "text":
            raise ValueError(
                f"{name}={str(config[name]).lower()} needs format=jsonl: a line of text has no "
                f"place for what it gives"
            )
    if config["resume"] == "auto" and config["output"] is None:
        raise ValueError("resume=auto needs output=FILE, whose whole lines are kept")


def _go_on(lines: Lines, target: str | None, config: Mapping[str, Any]) -> streams.Done | None:
    """The lines that the output holds already, None without output; skips as many of ``lines``.
    Raises ValueError for an output that does not belong to this input."""
    assert target is not None
    if (done := streams.whole_lines(target)) is None:
        return None
    try:
        last = lines.skip(done.lines)
    except ValueError as error:
        raise ValueError(
            f"{target} cannot be of this input: {error}; resume=never writes {target} anew"
        ) from None
    if done.lines and config["format"] == "jsonl":
        wanted = _request(config)(done.lines, last)
        try:
            row = json_rows.json_object(done.last.decode("utf-8"))
            same = (row.get("id"), row.get("src")) == (wanted.id, wanted.src)
        except ValueError:
            same = False
        if not same:
            raise ValueError(
                f"{target}:{done.lines} is no translation of {lines.name}:{done.lines}; "
                f"resume=never writes {target} anew"
            )
    log.info("%s has %s lines; going on after them", target, f"{done.lines:,}")
    return done


def _request(config: Mapping[str, Any]) -> partial[TranslationRequest]:
    """(number, line) -> the request for its translation."""
    rows = config["input_format"] == "jsonl"
    read = json_rows.request_of_json if rows else TranslationRequest
    return partial(read, terms=terms_of_options(config))


def _translate_all(
    translator: Translator, lines: Lines, output: streams.Output, config: Mapping[str, Any]
) -> Counter[str]:
    """Translates and writes all lines -> counts of flags, and of all translations under ""."""
    flags: Counter[str] = Counter()
    requests = lines.chunks(_request(config))
    shown = not (output.is_terminal() or lines.is_terminal())
    for chunk in streams.with_progress(requests, lines, shown=shown):
        terms = [request.terms for request in chunk]
        translations = translator.translate(
            [request.line for request in chunk],
            terms=terms if any(one != Terms() for one in terms) else None,  # None is faster
            nbest=config["nbest"],
            align=config["align"],
            split_long=config["split_long"],
        )
        if config["format"] == "jsonl":
            output.write(list(map(json_rows.row_of_translation, chunk, translations)))
        else:
            output.write([one.text for one in translations])
        return_freed_memory()
        flags[""] += len(chunk)
        flags.update(flag for one in translations for flag in one.flags)
    return flags


@contextmanager
def _warnings_off() -> Iterator[None]:
    """The translator warns in each call; the command reports the flags of all calls at the end."""
    warnings = logging.getLogger("nmt.translator")
    level = warnings.level
    warnings.setLevel(logging.ERROR)
    try:
        yield
    finally:
        warnings.setLevel(level)
