"""The schema of the Compose Specification, and what a file breaks of it, in words that quote nothing of the file."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_NOUNS = {
    "object": "a map",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


def breach(document: Any) -> tuple[tuple[str | int, ...], str] | None:
    """The first thing in a Compose file that the schema refuses: its place, and what it must be.

    Keys that the schema does not know are none: it may be older than the file.
    """
    found = [error for error in _validator().iter_errors(document) if not _newer(error)]
    if not found:
        return None
    error = _telling(min(found, key=lambda item: (len(item.absolute_path), str(item.json_path))))
    return tuple(error.absolute_path), _words(error)


@cache
def _validator() -> Any:
    from jsonschema import Draft7Validator  # heavy, and needed for an import only

    return Draft7Validator(json.loads((Path(__file__).parent / "compose-spec.json").read_text(encoding="utf-8")))


def _newer(error: ValidationError) -> bool:
    """Whether an error is a key that the schema does not know; a map of names has no such keys."""
    return error.validator == "additionalProperties" and "properties" in error.schema


def _telling(error: ValidationError) -> ValidationError:
    """Where a value may have several forms, the fault in the one that it comes nearest to."""
    while error.context:
        deeper = [item for item in error.context if len(item.absolute_path) > len(error.absolute_path)]
        if not deeper:
            break
        error = max(deeper, key=lambda item: (len(item.absolute_path), str(item.json_path)))
    return error


def _words(error: ValidationError) -> str:
    if error.validator == "type":
        return f"must be {' or '.join(_NOUNS.get(kind, kind) for kind in _kinds({'type': error.validator_value}))}"
    if error.validator in ("oneOf", "anyOf"):
        kinds = [kind for form in error.validator_value for kind in _kinds(form)]
        known = dict.fromkeys(_NOUNS.get(kind, kind) for kind in kinds)
        return f"must be {' or '.join(known)}, in a form that Compose knows" if known else _UNKNOWN
    if error.validator == "required":
        return f"lacks one of {', '.join(error.validator_value)}"
    if error.validator == "additionalProperties":
        return "has a name of other signs than letters, digits, dots, underscores and hyphens"
    if error.validator == "enum":
        return f"must be one of {', '.join(map(str, error.validator_value))}"
    return "is there twice" if error.validator == "uniqueItems" else _UNKNOWN


_UNKNOWN = "has a form that Compose does not know"


def _kinds(form: Any) -> list[str]:
    kind = form.get("type", [])
    return [str(item) for item in kind] if isinstance(kind, list) else [str(kind)]
