"""The options of the menus in which a structured answer is put together. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generator.template.questions import MISSING
from generator.wizard.fields import (
    Shape,
    default_of,
    fields_of,
    open_branches,
    part_of,
    value_of,
    word,
    words_of,
    written,
)
from generator.wizard.layout import brief, shown
from generator.wizard.prompter import Option

DONE, ADD, REMOVE, WRITE, KEEP, LEAVE_OUT = "done", "add", "remove", "write", "keep", "leave out"


def choice_menu(shape: Shape, value: Any, whole: bool) -> tuple[list[Option], int]:
    """The words of a shape, and the ways to answer that are more than a word; with the one that is marked."""
    explains: Mapping[Any, str] = shape.get("explains", {})
    options = [Option((item,), word(item), explains.get(written(item), "")) for item in words_of(shape)]
    values = [value_of(item, shape) for item in words_of(shape)]
    chosen = next((at for at, item in enumerate(values) if type(item) is type(value) and item == value), None)
    if chosen is None and value is not MISSING:
        options.insert(0, Option(KEEP, "as it is", shown(value, shape), brief(value, shape)))
    for branch in open_branches(shape):
        title = "more settings ..." if branch.get("type") == "object" else "a number ..."
        options.append(Option(branch, title))
    options += [Option(WRITE, "write it as YAML ...")] * bool(whole and open_branches(shape))
    return options, chosen or 0


def optional_menu(field: Shape, value: Any) -> tuple[list[Option], int]:
    """The words of a field that can be left out and has no default; with the one that is marked."""
    explains = field.get("explains", {})
    options = [Option(LEAVE_OUT, LEAVE_OUT)]
    options += [Option((item,), word(item), explains.get(written(item), "")) for item in words_of(field)]
    return options, next((at for at, item in enumerate(words_of(field), 1) if item == value), 0)


def entries(there: Any, shape: Shape) -> list[Option]:
    """What is in a list or a map."""
    if isinstance(there, Mapping):
        return [Option(key, shown(str(key)), shown(value, part_of(shape, key))) for key, value in there.items()]
    return [Option(at, f"{at + 1}", shown(item, part_of(shape, at))) for at, item in enumerate(there)]


def collection_menu(there: Any, shape: Shape, whole: bool) -> list[Option]:
    """What can be done with a list or a map."""
    count = len(there)
    options = [Option(DONE, "done", f"{count or 'nothing'} there", brief(there, shape)), Option(ADD, "add ...")]
    options += [
        Option((entry.value,), f"change {entry.title}", entry.explains, f"change {entry.title}")
        for entry in entries(there, shape)
    ]
    if there:
        options.append(Option(REMOVE, "remove ..."))
    return [*options, Option(WRITE, "write it as YAML ...")] if whole else options


def form_menu(shape: Shape, there: Mapping[str, Any], whole: bool) -> list[Option]:
    """The fields of a form, with what they are."""
    options = [Option(DONE, "done", shown(dict(there), shape), brief(dict(there), shape))]
    helps = shape.get("helps", {})
    for name, field in fields_of(shape).items():
        default = default_of(shape, name)
        value = (
            shown(there[name], field) if name in there else "" if default is MISSING else f"({shown(default, field)})"
        )
        explains = " - ".join(part for part in (value, helps.get(name, "")) if part)
        options.append(Option((name,), name, explains))
    return [*options, Option(WRITE, "write it as YAML ...")] if whole else options
