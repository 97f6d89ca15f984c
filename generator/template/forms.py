"""The form of the template's data files: ``forms.yml`` says what each holds, and nothing else may be in one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from generator.base.errors import NewserviceError


def in_form(file: str, data: Any) -> Any:
    """``data`` of a file of ``templates/``, once it has that file's form.

    Raises ``NewserviceError`` (``template.broken``) that names the file and the first key that is wrong.
    """
    fault = next(_faults(_forms()[file], data, ""), "")
    if fault:
        raise NewserviceError(
            "template.broken",
            f"templates/{file}: {fault}",
            "this is a fault of the template, not of your answers; correct the key there",
        )
    return data


@cache
def _forms() -> Mapping[str, Any]:
    forms: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("forms.yml").read_text(encoding="utf-8"))
    return forms


def _faults(form: Any, value: Any, place: str) -> Iterator[str]:
    """What is wrong with a value, each fault with its key first."""
    if isinstance(form, Mapping):
        yield from _map_faults(form, value, place)
    elif isinstance(form, list):
        if not isinstance(value, list):
            yield f"{place} must be a list"
        for number, item in enumerate(value if isinstance(value, list) else ()):
            yield from _faults(form[0], item, f"{place}[{number}]")
    elif fault := _SINGLE[form](value):
        yield f"{place} {fault}"


def _map_faults(form: Mapping[str, Any], value: Any, place: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{place or 'it'} must be a map"
        return
    below = f"{place}." if place else ""
    known = {key.strip("()"): item for key, item in form.items()}
    own = next((key for key in ("*", "#") if key in known), "")
    for key, item in value.items():
        if own and not isinstance(key, str if own == "*" else int):
            yield f"{below}{key}: the key must be {'text' if own == '*' else 'a number'}"
        elif not own and key not in known:
            yield f"{below}{key} is not known; known are {', '.join(known)}"
        else:
            yield from _faults(known[own or key], item, f"{below}{key}")
    yield from (f"{below}{key} is missing" for key in form if not own and key[0] != "(" and key not in value)


def _pattern(value: Any) -> str:
    if not isinstance(value, str) or not value:
        return "must be a regular expression, as text"
    try:
        re.compile(value)
    except (re.error, RecursionError, OverflowError) as error:
        return f"must be a regular expression: {error}"
    return ""


def _of(kind: type, noun: str) -> Callable[[Any], str]:
    return lambda value: "" if type(value) is kind and value != "" else f"must be {noun}"


_SINGLE: Mapping[str, Callable[[Any], str]] = {
    "text": _of(str, "text"),
    "pattern": _pattern,
    "number": _of(int, "a whole number"),
    "flag": _of(bool, "true or false"),
}
