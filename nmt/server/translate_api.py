"""/translate: texts in, translations out."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from nmt.search.base import Search
from nmt.search.beam import BeamSearch
from nmt.server import parameters as read
from nmt.server.detection import Detected
from nmt.server.limits import Refused
from nmt.server.long_lines import PlainText
from nmt.server.parameters import Parameters
from nmt.server.served_runs import AUTO, ServedRun
from nmt.server.state import ServerState, while_connected
from nmt.server.turns import TranslateOptions
from nmt.translator import Terms, Translation
from nmt.translator.html_documents import HtmlPage
from nmt.translator.json_rows import terms_of_row, values_of
from nmt.translator.parts import SENTENCES
from nmt.translator.tagged_text import translated_parts
from nmt.translator.terms import check_search
from nmt.translator.translation import without_line_breaks

FORMATS = ("text", "html")
TERMS = ("require", "forbid", "prefix", "glossary")
DETAILS = ("details", "align", "confidence")
"""Each asks for the field ``details`` in the answer."""

READ_AT_ONCE = 20_000  # characters; more are taken apart beside the event loop
MOST_TERM_CHARACTERS = 5000  # of all terms of a request
MOST_REQUIRED = 16

WHOLE_BOUNDS = {"no_repeat_ngram": 20, "extra_length": 100}
DECIMAL_BOUNDS = {"length_penalty": 5.0, "coverage_penalty": 5.0, "max_length": 5.0}
"""Options of search -> the most that a request may ask for; ``Limits`` has that of beam_size."""


async def translate(request: Request) -> Response:
    """Answers POST /translate."""
    state = ServerState.of(request)
    given = await read.read_parameters(request)
    state.keys.check(given.get("api_key"))
    if len(str(given.get("q"))) > READ_AT_ONCE:
        wanted = await asyncio.to_thread(Wanted.of, given, state)
    else:
        wanted = Wanted.of(given, state)
    work = translated(state, wanted)
    return JSONResponse(await while_connected(request, work, state.limits.seconds))


class Layout(Protocol):
    """A text to translate. texts: its parts that are translated, lines or what HTML tags are in."""

    @property
    def texts(self) -> Sequence[Any]: ...

    def filled(self, translations: Sequence[Any]) -> str:
        """The text with a translation in the place of each part."""


@dataclass(frozen=True)
class Text:
    """One text of a request. run: None where it stays as it is, being in the target language."""

    text: str
    run: ServedRun | None
    detected: Detected | None
    layout: Layout


@dataclass(frozen=True)
class Wanted:
    """A request, as it was understood. is_list: whether its texts came as a list."""

    texts: Sequence[Text]
    is_list: bool
    is_html: bool
    terms: Terms
    alternatives: int
    details: bool
    given: Parameters

    @classmethod
    def of(cls, given: Parameters, state: ServerState) -> "Wanted":
        """Reads the parameters. Raises Refused where they cannot be served."""
        texts, limits = read.texts(given, "q"), state.limits
        if len(texts) > limits.texts:
            raise Refused(400, f"q has {len(texts)} texts, and this server takes {limits.texts}")
        if (longest := max(map(len, texts), default=0)) > limits.characters:
            raise Refused(
                400,
                f"q has a text of {longest:,} characters, and this server takes"
                f" {limits.characters:,}",
            )
        is_html = read.choice(given, "format", FORMATS) == "html"
        details = any(read.boolean(given, name) for name in DETAILS)
        if details and is_html:
            raise Refused(400, f"{', '.join(DETAILS)} are for format=text")
        source, target = read.text(given, "source"), read.text(given, "target")
        target = state.runs.code("target", target)
        name = None if given.get("run") is None else read.text(given, "run")
        chosen = [_run(state, text, source, target, name) for text in texts]
        layout = HtmlPage if is_html else PlainText
        return cls(
            [Text(text, *one, layout(text)) for text, one in zip(texts, chosen, strict=True)],
            isinstance(given["q"], list),
            is_html,
            terms_of(given),
            read.whole_number(given, "alternatives", 0, 0, limits.alternatives),
            details,
            given,
        )


def _run(
    state: ServerState, text: str, source: str, target: str, name: str | None
) -> tuple[ServedRun | None, Detected | None]:
    """The run that translates a text, and the language that was detected."""
    detected = None
    if source.lower() == AUTO:
        sources = state.runs.sources(target)
        detected = state.detector.source(text, sources, target)
        source = detected.language
    else:
        source = state.runs.code("source", source)
    if source == target and target not in state.runs.targets(source):
        return None, detected
    return state.runs.run(source, target, name), detected


def terms_of(given: Parameters) -> Terms:
    """The terms that a request asks for. Raises Refused for what are none."""
    rows = {name: given[name] for name in TERMS if given.get(name) not in (None, "", [])}
    if sum(len(str(value)) for value in rows.values()) > MOST_TERM_CHARACTERS:
        raise Refused(400, f"{', '.join(rows)}: over {MOST_TERM_CHARACTERS:,} characters")
    try:
        terms = terms_of_row(rows, Terms())
    except ValueError as error:
        raise Refused(400, str(error)) from None
    if len(terms.require) > MOST_REQUIRED:
        raise Refused(400, f"require has more than {MOST_REQUIRED} terms")
    return terms


def options_of(given: Parameters, search: Search, most_beam: int, nbest: int) -> TranslateOptions:
    """The options of a request to a run that searches like this. Raises Refused for what is out of
    bounds."""
    # Every search is a dataclass, which the type Search does not say.
    own = {one.name: getattr(search, one.name) for one in fields(search)}  # type: ignore[arg-type]  # as above
    asked: dict[str, Any] = {}
    for name in (WHOLE_BOUNDS.keys() | DECIMAL_BOUNDS.keys()) & given.keys():
        if name not in own:
            raise Refused(400, f"this server's search has no {name}")
        if name in WHOLE_BOUNDS:
            asked[name] = read.whole_number(given, name, own[name], 0, WHOLE_BOUNDS[name])
        else:
            asked[name] = read.decimal(given, name, own[name], DECIMAL_BOUNDS[name])
    if given.get("beam_size") is not None:
        asked["beam_size"] = read.whole_number(given, "beam_size", 1, 1, most_beam)
    beam_size = max(asked.get("beam_size", own.get("beam_size", 1)), nbest)
    if beam_size > 1 or "beam_size" in own:
        if "beam_size" not in own:  # greedy: a beam with the same limits
            shared = {one.name for one in fields(BeamSearch)} & own.keys()
            search = BeamSearch(**{name: own[name] for name in shared})
        asked["beam_size"] = beam_size
    try:
        chosen = replace(search, **asked)  # type: ignore[type-var]  # a dataclass, see own
    except ValueError as error:
        raise Refused(400, str(error)) from None
    return TranslateOptions(
        search=chosen,
        nbest=nbest,
        align=read.boolean(given, "align"),
        confidence=read.boolean(given, "confidence"),
        sentences=read.choice(given, "sentences", SENTENCES),
    )


async def translated(state: ServerState, wanted: Wanted) -> dict[str, Any]:
    """The answer to a request."""
    answers: dict[int, _Answer] = {}
    runs = dict.fromkeys(text.run for text in wanted.texts)
    for run in runs:
        places = [place for place, text in enumerate(wanted.texts) if text.run == run]
        texts = [wanted.texts[place] for place in places]
        made = [_unchanged(text) for text in texts]
        if run is not None:
            made = await _by_run(state, wanted, run, texts)
        answers |= zip(places, made, strict=True)
    ordered = [answers[place] for place in range(len(wanted.texts))]
    answer: dict[str, Any] = {"translatedText": [one.text for one in ordered]}
    if wanted.texts and wanted.texts[0].detected:
        answer["detectedLanguage"] = [
            one.detected.as_json() for one in wanted.texts if one.detected is not None
        ]
    if wanted.alternatives:
        answer["alternatives"] = [one.alternatives for one in ordered]
    if wanted.details:
        answer["details"] = [one.details for one in ordered]
    return answer if wanted.is_list else {name: values[0] for name, values in answer.items()}


@dataclass(frozen=True)
class _Answer:
    text: str
    alternatives: list[str]
    details: list[dict[str, Any]]


def _unchanged(text: Text) -> _Answer:
    return _Answer(text.text, [], [])


async def _by_run(
    state: ServerState, wanted: Wanted, run: ServedRun, texts: Sequence[Text]
) -> list[_Answer]:
    nbest = wanted.alternatives + 1 if wanted.alternatives else 0
    own_search = run.translator.search
    options = options_of(wanted.given, own_search, state.limits.beam_size, nbest)
    terms = [one for text in texts for one in _terms_of(wanted.terms, text.layout)]
    try:
        check_search(options.search or own_search, terms)
    except ValueError as error:
        raise Refused(400, str(error)) from None
    parts = [part for text in texts for part in text.layout.texts]
    details: list[dict[str, Any]] = []
    ranked: list[list[Any]]
    if wanted.is_html:
        steps = translated_parts(parts, run.source, run.target)
        ranked, _ = await state.answered(run, steps, options, terms)
    else:
        made = await state.translated(run, parts, options, terms)
        ranked = [_ranked(one, wanted.alternatives) for one in made]
        details = [{"src": line, **values_of(one)} for line, one in zip(parts, made, strict=True)]
    answers, at = [], 0
    for text in texts:
        own = slice(at, at := at + len(text.layout.texts))
        versions = [
            text.layout.filled([one[min(rank, len(one) - 1)] for one in ranked[own]])
            for rank in range(wanted.alternatives + 1)
        ]
        best, *others = dict.fromkeys(versions)
        answers.append(_Answer(best, others, details[own]))
    return answers


def _terms_of(terms: Terms, layout: Layout) -> list[Terms]:
    """The terms of each part of a text: only the first begins with the prefix. Refused where a term
    is required of several parts, as nobody knows which of them should have it."""
    count = len(layout.texts)
    if terms.require and count > 1:
        raise Refused(400, "require is for texts of one line: send a list of texts")
    return [terms, *[replace(terms, prefix="")] * (count - 1)][:count]


def _ranked(one: Translation, alternatives: int) -> list[str]:
    """The best translation of a line, and others."""
    texts = [one.text, *(other.text for other in one.nbest)]
    return list(dict.fromkeys(map(without_line_breaks, texts)))[: alternatives + 1]
