"""What the shapes of structured answers say about asking for them; nothing here knows a question by its name. Pure.

Keys of ours beside JSON Schema's: ``explains`` (a line for each word), ``helps`` (a line for each field), ``defaults``
(what a field is where it is left out), ``first`` (optional fields that are asked right away), ``help`` (a line for
the keys or values of a map), and ``line`` (a list of words that is written on one line, as in a shell).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from generator.template.questions import MISSING

Shape = Mapping[str, Any]


def words_of(shape: Shape) -> list[Any]:
    """The words among which a shape lets choose; empty where there are none.

    A word that YAML reads as another one's value is the same word, and has the value that is no text.
    """
    if "anyOf" not in shape:
        return _words(shape)
    words = [word for option in shape["anyOf"] for word in _words(option)]
    texts = {yaml.safe_load(word): word for word in words if isinstance(word, str)}
    return [word for word in words if isinstance(word, str) or texts.get(word, MISSING) is MISSING]


def value_of(word: Any, shape: Shape) -> Any:
    """The value that a word stands for."""
    others = [item for option in shape.get("anyOf", ()) for item in _words(option) if not isinstance(item, str)]
    read = yaml.safe_load(word) if isinstance(word, str) else word
    return next((item for item in others if type(item) is type(read) and item == read), word)


def _words(shape: Shape) -> list[Any]:
    if "enum" in shape:
        return list(shape["enum"])
    return [False, True] if shape.get("type") == "boolean" else []


def open_branches(shape: Shape) -> list[Shape]:
    """The ways to answer that are more than a word."""
    return [option for option in shape.get("anyOf", ()) if not _words(option)]


def word(value: Any) -> str:
    """A word as it is shown to people."""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def written(value: Any) -> str:
    """A word or a number as it is written in an answers file."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def part_of(shape: Shape, key: Any) -> Shape:
    """The shape of a part of an answer: an item of a list, a field, or a value of a map."""
    if "anyOf" in shape:
        options: list[Shape] = [item for item in shape["anyOf"] if item.get("type") in ("object", "array")]
        shape = options[0] if options else {}
    if shape.get("type") == "array":
        return dict(shape["items"])
    return dict(fields_of(shape).get(key) or shape.get("values", {}))


def fields_of(shape: Shape) -> dict[str, Shape]:
    """The fields of a map, by name."""
    return dict(shape.get("properties", {}))


def asked_first(shape: Shape) -> list[str]:
    """The fields that are asked before any menu: what is required, and what has consequences, in the shape's order."""
    wanted = {*shape.get("required", ()), *shape.get("first", ())}
    return [name for name in fields_of(shape) if name in wanted]


def default_of(shape: Shape, name: str) -> Any:
    """What a field is where it is left out; ``MISSING`` where that is nothing certain."""
    return fields_of(shape)[name].get("default", shape.get("defaults", {}).get(name, MISSING))


def is_form(shape: Shape) -> bool:
    """Whether it, or what it is a list of, is a map that says what each of its fields is."""
    return "helps" in shape or "helps" in shape.get("items", {}) or any(map(is_form, shape.get("anyOf", ())))


def is_line(shape: Shape) -> bool:
    """Whether a list is written on one line."""
    return bool(shape.get("line"))


def is_text(shape: Shape) -> bool:
    """Whether any text may be an answer."""
    if "anyOf" in shape:
        return any(is_text(option) for option in open_branches(shape))
    return shape.get("type") == "string" and "enum" not in shape


def flow(value: Any) -> str:
    """A value as YAML on one line, whatever its texts hold."""
    text = _on_one_line(value, unicode=True)
    return text if text.isprintable() else _on_one_line(value, unicode=False)


class _OneLine(yaml.SafeDumper):
    """Puts texts that no line can hold into double quotes."""

    def text(self, text: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


_OneLine.add_representer(str, _OneLine.text)


def _on_one_line(value: Any, *, unicode: bool) -> str:
    text = yaml.dump(
        value, Dumper=_OneLine, default_flow_style=True, width=10**6, sort_keys=False, allow_unicode=unicode
    )
    return str(text).strip()
