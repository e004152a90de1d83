"""Translate text, one line for each line. Only translations go to standard output. The source is
normalised as the run says: by standard.v1, spaces.v1 or none (tokenizer.normalization in training).

echo "A sentence." | nmt-translate run=runs/demo-transformer-s1
nmt-translate run=runs/demo-lstm-s1 < in.txt > out.txt
nmt-translate run=runs/demo-lstm-s1 input=in.txt.gz output=out.txt search.beam_size=10
nmt-translate run=runs/demo-lstm-s1 input=in.txt output=out.txt resume=auto
nmt-translate run=runs/demo-lstm-s1 input=in.po output=out.po
nmt-translate run=runs/demo-lstm-s1 input=film.srt output=film.fr.srt
nmt-translate run=[runs/demo-lstm-s1,runs/demo-lstm-s2] search=greedy < in.txt
nmt-translate run=runs/demo-lstm-s1 format=jsonl nbest=5 align=true < in.txt > out.jsonl
nmt-translate run=runs/demo-lstm-s1 'require=["the red cat"]' 'forbid=[dog,fox]' < in.txt
nmt-translate run=runs/demo-lstm-s1 glossary=terms.tsv < in.txt
"""

import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from nmt import distributed
from nmt.checks import boolean, non_negative_int, one_of, section
from nmt.cli import streams
from nmt.cli.arguments import texts
from nmt.data.text_files import Lines
from nmt.device import choose_device, keep_freed_memory, return_freed_memory
from nmt.factory import factory
from nmt.files import check_file_writable
from nmt.search.base import Search
from nmt.text.spans import Protection
from nmt.translator import Terms, Translator, documents, json_rows, translation
from nmt.translator.json_rows import FORMATS, TranslationRequest, terms_of_options
from nmt.translator.parts import SENTENCES
from nmt.translator.questions import Question
from nmt.translator.translation import Translation, without_line_breaks

log = logging.getLogger(__name__)

MEANINGS = {
    translation.HIT_LIMIT: "reached the length limit and may lack their end (search.max_length)",
    translation.REPEATS: "repeat themselves, or say something twice, where their source does not",
    translation.LENGTH: "are far shorter or longer than those of such sources in training",
    translation.UNTRANSLATED: "are their source again",
    translation.COPY: "lack or alter a number, placeholder, address or the like (protect)",
    translation.SPLIT: "were made in parts (sentences)",
    translation.MISSING_TERM: "lack a required term",
    translation.FORBIDDEN_TERM: "hold a forbidden term",
    translation.COPIED: "hold source text where the model spelt no characters",
}


def main(cfg: DictConfig) -> None:
    """Translate as ``configs/translate.yaml`` says, one line for each line."""
    config = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True))
    _check(config)
    source, target = text_or_none(config["input"]), text_or_none(config["output"])
    with distributed.joined(choose_device(config["device"])):
        _translate(source, target, config)


def _translate(source: str | None, target: str | None, config: Mapping[str, Any]) -> None:
    """Translates, as one of several processes, and reports on the translations."""
    if documents.kind_of(source):
        distributed.leave_to_first()
        flags = _translate_document(source, target, config)
    else:
        if distributed.size() > 1 and (source is None or target is None):
            raise ValueError("several processes share a file: say input=FILE and output=FILE")
        flags = _translate_lines(source, target, config)
    if found := [flag for flag in MEANINGS if flags[flag]]:
        counts = "\n  ".join(f"{flags[flag]:,} {MEANINGS[flag]}: {flag}" for flag in found)
        log.warning("translations: %s, of which\n  %s", f"{flags['']:,}", counts)
    _report_glossary(flags, config["glossary"] is not None)


def _translate_lines(
    source: str | None, target: str | None, config: Mapping[str, Any]
) -> Counter[str]:
    """Translates each line of the input -> counts of flags, and of all translations under ""."""
    with streams.open_lines(source) as lines:
        streams.refuse_same_file(target, lines)
        done = _go_on(lines, target, config) if config["resume"] == "auto" else None
        translator = load_translator(config)
        distributed.wait()  # all have seen what the output holds
        with streams.open_output(target if distributed.is_first() else os.devnull, done) as output:
            try:
                return _translate_all(translator, lines, output, config)
            except KeyboardInterrupt:
                if target is not None:
                    log.warning("%s holds whole lines; resume=auto goes on after them", target)
                raise


def _translate_document(
    source: str | None, target: str | None, config: Mapping[str, Any]
) -> Counter[str]:
    """Translates the texts of a document -> counts as of ``_translate_lines``."""
    assert source is not None
    if target is None:
        raise ValueError(
            f"input={source} is a document: output=FILE names the one to write; standard input,"
            f" < {source}, would be translated line by line"
        )
    for name, wanted in (("input_format", "text"), ("format", "text"), ("resume", "never")):
        if config[name] != wanted:
            raise ValueError(f"{name}={config[name]} is for lines, and input={source} a document")
    documents.check_output(source, target)
    check_file_writable(Path(target).expanduser(), "output")
    translator = load_translator(config)
    document = documents.open_document(source, translator.src_lang, translator.tgt_lang)
    flags: Counter[str] = Counter()
    damaged = document.write(partial(_translate_texts, translator, config, flags), target)
    log.info("%s: %s", target, document.described())
    if damaged:
        log.warning("%s: %s", target, document.damage(damaged))
    return flags


def _translate_texts(
    translator: Translator, config: Mapping[str, Any], flags: Counter[str], question: Question
) -> list[Translation]:
    """The translations that a document asks for, counted in ``flags``."""
    translated: list[Translation] = []
    at_once, aligned = translator.lines_at_once, {**config, "align": question.align}
    for start in tqdm(range(0, len(question.lines), at_once), disable=None, leave=False):
        requests = map(_request(config), count(1), question.lines[start : start + at_once])
        made = _translate_chunk(translator, list(requests), aligned)
        translated += made
        flags[""] += len(made)
        flags.update(_counted(made))
    return translated


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


def protection_of(options: Mapping[str, Any]) -> Protection | None:
    """The spans to be copied that a section ``protect`` describes; None where it is off."""
    with section("protect"):
        if not boolean("enabled", options["enabled"]):
            return None
        own = {} if options["patterns"] is None else {"patterns": tuple(texts(options["patterns"]))}
        return Protection(**own, numbers=options["numbers"])


def text_or_none(value: object) -> str | None:
    """A path as text, None as None: YAML reads ``input: 2024`` as a number."""
    return None if value is None else str(value)


def _check(config: Mapping[str, Any]) -> None:
    """ValueError for options that do not go together, before anything is opened."""
    one_of("input_format", config["input_format"], FORMATS)
    one_of("format", config["format"], FORMATS)
    one_of("resume", config["resume"], ("never", "auto"))
    one_of("sentences", config["sentences"], SENTENCES)
    protection_of(config["protect"])
    non_negative_int("nbest", config["nbest"])
    terms_of_options(config)
    boolean("confidence", config["confidence"])
    for name in ("nbest", "align", "confidence"):
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
    read = json_rows.request_of_json if rows else _request_of_text
    return partial(read, terms=terms_of_options(config))


def _request_of_text(number: int, line: str, terms: Terms) -> TranslationRequest:
    if number == 1 and json_rows.is_row(line):
        log.warning("the input looks like rows of JSON; input_format=jsonl translates their src")
    return TranslationRequest(number, line, terms)


def _translate_all(
    translator: Translator, lines: Lines, output: streams.Output, config: Mapping[str, Any]
) -> Counter[str]:
    """Translates and writes all lines -> counts of flags, and of all translations under ""."""
    flags: Counter[str] = Counter()
    lines.larger = translator.lines_at_once // 1024
    chunks = lines.chunks(_request(config))
    shown = distributed.is_first() and not (output.is_terminal() or lines.is_terminal())
    for round_ in streams.with_progress(_rounds(chunks), lines, shown=shown):
        own = round_[distributed.rank() : distributed.rank() + 1]
        translations = _translate_chunk(translator, own[0], config) if own else []
        if config["format"] == "jsonl":
            rows = list(map(json_rows.row_of_translation, *own, translations))
        else:
            rows = [without_line_breaks(one.text) for one in translations]
        counts = Counter(_counted(translations))
        counts[""] += len(translations)
        for share, found in distributed.gather((rows, counts)):
            output.write(share)
            flags.update(found)
    return flags


def _rounds(
    chunks: Iterator[list[TranslationRequest]],
) -> Iterator[list[list[TranslationRequest]]]:
    """A chunk for each rank, as one process would translate them one by one."""
    round_: list[list[TranslationRequest]] = []
    try:
        for chunk in chunks:
            round_.append(chunk)
            if len(round_) == distributed.size():
                whole, round_ = round_, []
                yield whole
    except Exception:  # a line cannot be read: those before it are translated
        if round_:
            yield round_
        raise
    if round_:
        yield round_


def _translate_chunk(
    translator: Translator, chunk: Sequence[TranslationRequest], config: Mapping[str, Any]
) -> list[Translation]:
    terms = [request.terms for request in chunk]
    translations = translator.translate(
        [request.src for request in chunk],
        terms=terms if any(one != Terms() for one in terms) else None,  # None is faster
        nbest=config["nbest"],
        align=config["align"],
        confidence=config["confidence"],
        sentences=config["sentences"],
        protection=protection_of(config["protect"]),
        source_prefix=str(config["source_prefix"]),
    )
    return_freed_memory()
    return translations


_MET, _MISSED = "+", "-"  # before a source term of a glossary, in counts of flags
_MOST_NAMED = 5  # missed terms


def _counted(translations: Sequence[Translation]) -> Iterator[str]:
    """What is to be counted: flags, and source terms of glossaries, met or missed."""
    for one in translations:
        yield from one.flags
        yield from ((_MET if met else _MISSED) + term for term, met in one.glossary)


def _report_glossary(counts: Counter[str], given: bool) -> None:
    met = sum(number for name, number in counts.items() if name.startswith(_MET))
    missed = Counter({n[1:]: times for n, times in counts.items() if n.startswith(_MISSED)})
    if not given and not met and not missed:
        return
    asked = met + missed.total()
    numbers = (f"{number:,}" for number in (asked, met, asked - met))
    log.info("glossary: %s terms asked, %s met, %s missed", *numbers)
    if missed:
        named = [f"{term!r} ({times:,})" for term, times in missed.most_common(_MOST_NAMED)]
        log.warning("glossary: missed most: %s", ", ".join(named))
