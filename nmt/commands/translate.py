"""Translate text, one line for each line. Standard output holds the translations and nothing else.

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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from nmt.checks import non_negative_int, one_of
from nmt.cli.arguments import texts
from nmt.cli.streams import (
    Done,
    Output,
    open_lines,
    open_output,
    refuse_same_file,
    whole_lines,
    with_progress,
)
from nmt.data.text_files import Lines
from nmt.device import keep_freed_memory, return_freed_memory
from nmt.factory import factory
from nmt.search.base import Search
from nmt.translator import Terms, Translation, Translator
from nmt.translator.json_rows import (
    FORMATS,
    TranslationRequest,
    json_object,
    request_of_json,
    request_of_text,
    row_of_translation,
    terms_of_options,
)
from nmt.translator.translation import (
    COPIED,
    FORBIDDEN_TERM,
    HIT_LIMIT,
    MISSING_TERM,
    REPEATS,
    SPLIT,
)

log = logging.getLogger(__name__)

MEANINGS = {
    HIT_LIMIT: "reached the length limit and may lack their end (search.max_length)",
    REPEATS: "repeat themselves where their source does not",
    SPLIT: "are of lines longer than any in training, translated in parts",
    MISSING_TERM: "lack a required term",
    FORBIDDEN_TERM: "hold a forbidden term",
    COPIED: "hold source text where the model spelt no characters",
}


def main(cfg: DictConfig) -> None:
    """Translate as ``configs/translate.yaml`` says, one line for each line."""
    config = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True))
    _check(config)
    source, target = text_or_none(config["input"]), text_or_none(config["output"])
    with open_lines(source) as lines:
        refuse_same_file(target, lines)
        done = _go_on(lines, target, config) if config["resume"] == "auto" else None
        translator = load_translator(config)
        with open_output(target, done) as output:
            try:
                with _told_once():
                    flags = _translate_all(translator, lines, output, config)
            except KeyboardInterrupt:
                if target is not None:
                    log.warning("%s holds whole lines; resume=auto goes on after them", target)
                raise
    _tell(flags)


def load_translator(config: Mapping[str, Any]) -> Translator:
    """What run, device, precision, batch_tokens, trusted_packages and, if any, search say."""
    keep_freed_memory()
    search = None
    if "search" in config:
        search = factory(
            config["search"],
            Search,
            name="search",
            trusted_packages=config["trusted_packages"],
        )()
    return Translator.load(
        texts(config["run"]),
        search=search,
        device=config["device"],
        precision=config["precision"],
        batch_tokens=config["batch_tokens"],
        trusted_packages=config["trusted_packages"],
    )


def text_or_none(value: object) -> str | None:
    """A path as the command line gives it: ``input=2024`` is a number there."""
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


def _go_on(lines: Lines, target: str | None, config: Mapping[str, Any]) -> Done | None:
    """What is done already, read over in ``lines``; None for nothing.

    Raises ValueError for an output that is not of this input.
    """
    assert target is not None
    done = whole_lines(target)
    if done is None:
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
            row = json_object(done.last.decode("utf-8"))
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
    """(number, line) -> what is asked for."""
    read = request_of_json if config["input_format"] == "jsonl" else request_of_text
    return partial(read, terms=terms_of_options(config))


def _translate_all(
    translator: Translator, lines: Lines, output: Output, config: Mapping[str, Any]
) -> Counter[str]:
    """Counts of flags, and of all translations under the empty name."""
    flags: Counter[str] = Counter()
    requests = lines.chunks(_request(config))
    hidden = output.is_terminal() or lines.is_terminal()
    for chunk in with_progress(requests, lines, shown=not hidden):
        translations = translator.translate(
            [request.line for request in chunk],
            terms=_terms(chunk),
            nbest=config["nbest"],
            align=config["align"],
            split_long=config["split_long"],
        )
        output.write(list(_written(chunk, translations, config["format"])))
        return_freed_memory()
        flags[""] += len(chunk)
        flags.update(flag for translation in translations for flag in translation.flags)
    return flags


@contextmanager
def _told_once() -> Iterator[None]:
    """The translator warns of each call; a file is many, and its flags are summed up at the end."""
    warnings = logging.getLogger("nmt.translator")
    level = warnings.level
    warnings.setLevel(logging.ERROR)
    try:
        yield
    finally:
        warnings.setLevel(level)


def _terms(requests: Sequence[TranslationRequest]) -> list[Terms] | None:
    """None where nothing is asked for, which is faster."""
    terms = [request.terms for request in requests]
    return terms if any(one != Terms() for one in terms) else None


def _written(
    requests: Sequence[TranslationRequest], translations: Sequence[Translation], form: str
) -> Iterator[str]:
    for request, translation in zip(requests, translations, strict=True):
        if form == "jsonl":
            yield row_of_translation(request, translation)
        else:
            yield translation.text


def _tell(flags: Mapping[str, int]) -> None:
    """What a reader should know of the translations, in one message."""
    if found := [(flag, flags[flag]) for flag in MEANINGS if flags[flag]]:
        lines = (f"{count:,} {MEANINGS[flag]}: {flag}" for flag, count in found)
        log.warning("translations: %s, of which\n  %s", f"{flags['']:,}", "\n  ".join(lines))
