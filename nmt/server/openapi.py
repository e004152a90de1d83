"""The description of the interface that /spec answers, as OpenAPI has it."""

from typing import Any

_ERRORS = {
    "400": "a parameter is missing, wrong or over a limit, or no API key is given",
    "403": "the API key is none of this server's",
    "413": "the request is too large",
    "429": "too many requests wait; Retry-After says when to come again",
    "503": "it took too long",
}
_TEXTS = {
    "oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    "description": "a text, or a list of texts, which is answered by lists",
}
_KEY = {"type": "string", "nullable": True, "description": "if the server wants one"}
_DETECTED = {
    "type": "object",
    "properties": {"confidence": {"type": "number"}, "language": {"type": "string"}},
}
_TRANSLATE = {
    "q": _TEXTS,
    "source": {"type": "string", "description": "code of a language, or auto"},
    "target": {"type": "string", "description": "code of a language"},
    "format": {"type": "string", "enum": ["text", "html"], "default": "text"},
    "alternatives": {"type": "integer", "default": 0, "description": "how many besides the best"},
    "api_key": _KEY,
    "run": {"type": "string", "description": "which run, where several are for one pair"},
    "require": {"type": "array", "items": {"type": "string"}, "description": "terms to be used"},
    "forbid": {"type": "array", "items": {"type": "string"}, "description": "terms not to be used"},
    "prefix": {"type": "string", "description": "how the translation begins"},
    "glossary": {"type": "object", "description": "source term: target term, or a list of these"},
    "sentences": {"type": "string", "enum": ["auto", "line", "split"], "default": "auto"},
    "beam_size": {"type": "integer"},
    "length_penalty": {"type": "number"},
    "coverage_penalty": {"type": "number"},
    "no_repeat_ngram": {"type": "integer"},
    "max_length": {"type": "number"},
    "extra_length": {"type": "integer"},
    "details": {"type": "boolean", "description": "score, tokens and flags of each line"},
    "align": {"type": "boolean", "description": "links between words, in details"},
    "confidence": {"type": "boolean", "description": "of each target word, in details"},
}
_ANSWER = {
    "translatedText": _TEXTS,
    "detectedLanguage": _DETECTED | {"description": "for source=auto; a list for a list"},
    "alternatives": {"type": "array", "items": {}, "description": "if asked for"},
    "details": {"type": "array", "items": {}, "description": "if asked for"},
}
_FILE = {
    "file": {"type": "string", "format": "binary"},
    "source": _TRANSLATE["source"],
    "target": _TRANSLATE["target"],
    "run": _TRANSLATE["run"],
    "api_key": _KEY,
}
_ANY: dict[str, Any] = {"type": "object"}


def specification(version: str) -> dict[str, Any]:
    """OpenAPI 3.0 as plain values."""
    forms = ("application/json", "application/x-www-form-urlencoded")
    named = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "openapi": "3.0.3",
        "info": {"title": "nmt", "version": version},
        "paths": {
            "/translate": _post("Translate texts", forms, _TRANSLATE, _ANSWER, 3),
            "/detect": _post(
                "Tell a text's language",
                forms,
                {"q": _TEXTS, "api_key": _KEY},
                {"type": "array", "items": _DETECTED},
                1,
            ),
            "/translate_file": _post(
                "Translate a file",
                ("multipart/form-data",),
                _FILE,
                {"translatedFileUrl": {"type": "string"}},
                3,
            ),
            "/download_file/{name}": {
                "get": {
                    "summary": "Fetch a file, once; text is translated meanwhile",
                    "parameters": [named],
                    "responses": {"200": {"description": "the file"}},
                }
            },
            "/languages": _get("The languages, and into which each is translated"),
            "/health": _get("Whether the server runs"),
            "/frontend/settings": _get("Limits and defaults"),
            "/spec": _get("This description"),
            "/metrics": _get("Counters, for Prometheus"),
        },
    }


def _post(
    summary: str,
    forms: tuple[str, ...],
    parameters: dict[str, Any],
    answer: dict[str, Any],
    required: int,
) -> dict[str, Any]:
    """required: how many of the parameters, from the first on, must be given."""
    schema = {
        "type": "object",
        "required": list(parameters)[:required],
        "properties": parameters,
    }
    of_answer = answer if answer.get("type") == "array" else _ANY | {"properties": answer}
    error = {"type": "object", "properties": {"error": {"type": "string"}}}
    responses: dict[str, Any] = {
        status: {"description": meaning, "content": {"application/json": {"schema": error}}}
        for status, meaning in _ERRORS.items()
    }
    responses["200"] = {
        "description": "done",
        "content": {"application/json": {"schema": of_answer}},
    }
    content = {form: {"schema": schema} for form in forms}
    return {
        "post": {
            "summary": summary,
            "requestBody": {"required": True, "content": content},
            "responses": responses,
        }
    }


def _get(summary: str) -> dict[str, Any]:
    return {"get": {"summary": summary, "responses": {"200": {"description": "done"}}}}
