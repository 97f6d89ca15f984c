"""How answers are written on a command line or at a prompt: KEY=VALUE, key=value,..., or YAML. Pure."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from generator.base import external
from generator.base.errors import UsageError
from generator.base.external import ExternalTextError
from generator.template.questions import Question


def read_text(question: Question, text: str) -> Any:
    """One text that holds the whole answer. Raises ``UsageError`` when it can't be read."""
    if question.container == "object" and not _is_yaml(text):
        return _maps(_fields(text), question.shape or {})
    if question.container:
        return read_texts(question, [text])
    if question.structured and "=" in text and not _is_yaml(text):
        options = (question.shape or {}).get("anyOf", [])
        shape: dict[str, Any] = next((option for option in options if option.get("type") == "object"), {})
        return _pairs(text, shape)
    if question.structured and _is_yaml(text):
        with suppress(UsageError):  # reported with the other answers, where their types are checked
            return read_yaml(text)
    return text


def read_texts(question: Question, texts: Iterable[str]) -> Any:
    """Several texts that make one map or one list together, as a repeated flag gives them.

    In each text a map takes one ``KEY=VALUE``, or ``KEY=WORD,WORD`` where its values are lists; a list of maps
    ``key=value,key=value``, a list of words one word; all also take YAML. Raises ``UsageError``.
    """
    shape = question.shape or {}
    if question.container == "object":
        texts = list(texts)
        if "properties" not in shape:
            _refuse_several(texts)
        return _maps(texts, shape)
    if shape.get("items", {}).get("type") == "string":
        return [word for text in texts for word in (read_yaml(text) if text.startswith("[") else [text])]
    items: list[Any] = []
    for text in texts:
        item = read_yaml(text) if _is_yaml(text) else _pairs(text, shape.get("items", {}))
        items += item if isinstance(item, list) else [item]
    return items


def read_yaml(text: str, source: str = "") -> Any:
    """Parse YAML within bounds. Raises ``UsageError`` that names ``source``, or the text itself."""
    try:
        return external.read_yaml(text)
    except ExternalTextError as error:
        where = source or f"'{text[:60]}'"
        raise UsageError("answers.unreadable", f"{where} is not valid YAML: {error}", "correct it") from None


def _is_yaml(text: str) -> bool:
    return text.lstrip().startswith(("{", "["))


def _maps(texts: Iterable[str], shape: Mapping[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for text in texts:
        merged.update(_map(text, shape))
    return merged


def _refuse_several(texts: Iterable[str]) -> None:
    """Raise ``UsageError`` for a text that may be one ``KEY=VALUE`` with a comma, or several."""
    for text in texts:
        if not _is_yaml(text) and (another := _ANOTHER.search(text.partition("=")[2])):
            raise UsageError(
                "answer.pair",
                f"'{text}' may be one entry or several: {another[1]} looks like another key",
                "repeat the flag for each entry, or write YAML: '{KEY: \"VALUE\"}'",
            )


def _map(text: str, shape: Mapping[str, Any]) -> dict[str, Any]:
    if _is_yaml(text):
        parsed = read_yaml(text)
        if isinstance(parsed, dict):
            return parsed
    if "properties" in shape:
        return _pairs(text, shape)
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError("answer.pair", f"'{text}' is not KEY=VALUE", "write the name, an equals sign and the value")
    listed = shape.get("values", {}).get("type") == "array"
    return {key.strip(): [word.strip() for word in re.split("[,;]", value)] if listed else value}


_ANOTHER = re.compile(r",\s*([A-Za-z_][A-Za-z0-9_]*)=")
"""The next pair of several on one line, as lists of maps have them."""


def _pairs(text: str, shape: Mapping[str, Any]) -> dict[str, Any]:
    """``name=data,size=2Gi``; a pair with a comma is put in double quotes; a list's items are split at ``;``."""
    pairs: dict[str, Any] = {}
    for field in _fields(text):
        key, equals, value = field.partition("=")
        if not equals:
            raise UsageError(
                "answer.pair", f"'{field}' in '{text}' is not key=value", "or write YAML: '{key: value, ...}'"
            )
        kind = shape.get("properties", {}).get(key.strip(), {}).get("type", "string")
        if kind == "array":
            pairs[key.strip()] = _words(key.strip(), value)
        else:
            pairs[key.strip()] = value if kind == "string" else read_yaml(value)
    return pairs


def _words(key: str, value: str) -> list[str]:
    """A list's items. Raises ``UsageError`` for a text that may be one word or several."""
    if _is_yaml(value):
        parsed = read_yaml(value)
        return parsed if isinstance(parsed, list) else [value]
    words = value.split(";")
    if len(words) == 1 and len(value.split()) > 1:
        raise UsageError(
            "answer.pair",
            f"'{key}={value}' may be one word or several",
            f"put ; between the words: {key}={';'.join(value.split())}; or write YAML: '{{{key}: [...]}}'",
        )
    return words


def _fields(text: str) -> list[str]:
    try:
        return next(csv.reader([text], skipinitialspace=True), [])
    except csv.Error:
        raise UsageError(
            "answer.pair",
            f"'{text}' can't be parsed: it has a line break outside double quotes",
            "put the pair in double quotes, or write YAML: '{key: value, ...}'",
        ) from None
