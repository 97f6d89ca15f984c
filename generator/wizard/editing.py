"""Asks for a structured answer, from its shape alone: lists and maps with add, change and remove, forms, words."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from generator.errors import UsageError
from generator.questions import MISSING
from generator.wizard.fields import (
    Shape,
    asked_first,
    default_of,
    fields_of,
    flow,
    is_line,
    is_text,
    open_branches,
    value_of,
    word,
    words_of,
)
from generator.wizard.layout import brief, told, wrap
from generator.wizard.prompter import Back, Option, Prompter

Check = Callable[[Any, Shape], Sequence[str]]
"""The problems of a value of a shape, one sentence each."""

_DONE, _ADD, _REMOVE, _WRITE, _KEEP, _LEAVE_OUT = "done", "add", "remove", "write", "keep", "leave out"


class Editor:
    """Edits one answer. ``begun`` is what was there when a person went back out of it.

    ``check`` judges parts as they are typed, ``check_all`` the whole answer; ``read`` reads a text as the command line
    does.
    """

    def __init__(
        self, prompter: Prompter, check: Check, check_all: Callable[[Any], Sequence[str]], read: Callable[[str], Any]
    ) -> None:
        self._prompter, self._check, self._check_all, self._read = prompter, check, check_all, read
        self.begun: Any = MISSING

    def answer(self, label: str, shape: Shape, value: Any) -> Any:
        """The whole answer, checked. Raises ``Back``."""
        return self._edit(label, shape, value, self._judged)

    # --- by kind -----------------------------------------------------------------------------------------------

    def _edit(self, label: str, shape: Shape, value: Any, check: Callable[[Any], Sequence[str]] | None = None) -> Any:
        """One value; ``check`` marks the outermost, which can be written as YAML too."""
        whole = check is not None
        judge = check or (lambda found: self._check(found, shape))
        if shape.get("type") == "array":
            return self._words(label, value, judge) if is_line(shape) else self._list(label, shape, value, judge, whole)
        if shape.get("type") == "object":
            edit = self._form if "properties" in shape else self._map
            return edit(label, shape, value, judge, whole)
        if words_of(shape) and not is_text(shape):
            return self._choice(label, shape, value, judge, whole)
        return self._text(label, shape, value, judge)

    def _judged(self, value: Any) -> Sequence[str]:
        problems = self._check_all(value)
        if not problems:
            self.begun = value
        return problems

    def _text(self, label: str, shape: Shape, value: Any, judge: Callable[[Any], Sequence[str]]) -> Any:
        """One line; nothing is ``MISSING`` where nothing is no value."""
        text = "" if value is MISSING else str(value)
        while True:
            text = self._prompter.text(label, text).strip()
            found = value if text == str(value) else text if is_text(shape) else _number(text)
            problems = judge(found)
            if not text and problems:
                return MISSING
            if not problems:
                return found
            self._refuse(problems)

    def _words(self, label: str, value: Any, judge: Callable[[Any], Sequence[str]]) -> Any:
        text = shlex.join(value) if isinstance(value, list) else ""
        while True:
            text = self._prompter.text(label, text, "as in a shell; quotes hold words with spaces together")
            try:
                found: list[str] = shlex.split(text)
            except ValueError as error:
                self._refuse([f"can't be taken apart: {error}"])
                continue
            problems = judge(found)
            if not problems:
                return found
            self._refuse(problems)

    def _choice(
        self, label: str, shape: Shape, value: Any, judge: Callable[[Any], Sequence[str]], whole: bool = False
    ) -> Any:
        """One of the words, or more than a word where the shape knows more."""
        explains: Mapping[Any, str] = shape.get("explains", {})
        options = [Option((item,), word(item), explains.get(word(item), "")) for item in words_of(shape)]
        values = [value_of(item, shape) for item in words_of(shape)]
        chosen = next((at for at, item in enumerate(values) if type(item) is type(value) and item == value), None)
        if chosen is None and value is not MISSING:
            options.insert(0, Option(_KEEP, "as it is", told(value), brief(value)))
        for branch in open_branches(shape):
            title = "more settings ..." if branch.get("type") == "object" else "a number ..."
            options.append(Option(branch, title))
        options += [Option(_WRITE, "write it as YAML ...")] * bool(whole and open_branches(shape))
        while True:
            found = self._opened(label, self._prompter.select(label, options, chosen or 0), shape, value)
            problems = judge(found) if found is not MISSING else []
            if found is not MISSING and not problems:
                return found
            self._refuse(problems)

    def _opened(self, label: str, picked: Any, shape: Shape, value: Any) -> Any:
        """What an option of a choice stands for; ``MISSING`` where the person came back from it."""
        if picked == _KEEP:
            return value
        if isinstance(picked, tuple):
            return value_of(picked[0], shape)
        try:
            if picked == _WRITE:
                return self._written(label, value)
            return self._edit(label, picked, _as_branch(picked, value))
        except Back:
            return MISSING

    # --- lists and maps ----------------------------------------------------------------------------------------

    def _list(
        self, label: str, shape: Shape, value: Any, judge: Callable[[Any], Sequence[str]], whole: bool = False
    ) -> Any:
        """Items of one kind; the first one is asked for at once where there is none."""
        items = list(value) if isinstance(value, list) else []

        def change(at: int | None) -> None:
            name = f"{label} {len(items) + 1 if at is None else at + 1}"
            found = self._edit(name, shape["items"], MISSING if at is None else items[at])
            if at is None:
                items.extend([] if found is MISSING else [found])
            else:
                items[at : at + 1] = [] if found is MISSING else [found]

        return self._collection(label, items, change, judge, whole)

    def _map(
        self, label: str, shape: Shape, value: Any, judge: Callable[[Any], Sequence[str]], whole: bool = False
    ) -> Any:
        """Keys with a value each."""
        entries = dict(value) if isinstance(value, Mapping) else {}

        def change(key: Any) -> None:
            name = self._key(label, {"type": "string", **shape["keys"]}) if key is None else key
            if name is MISSING:
                return
            self._help(shape["values"].get("help", ""))
            found = self._edit(f"{label}: {name}", shape["values"], entries.get(name, MISSING))
            if found is not MISSING:
                entries[name] = found

        return self._collection(label, entries, change, judge, whole)

    def _key(self, label: str, shape: Shape) -> Any:
        self._help(shape.get("help", ""))
        return self._text(f"{label}: name", shape, MISSING, lambda key: self._check(key, shape))

    def _collection(
        self,
        label: str,
        there: Any,
        change: Callable[[Any], None],
        judge: Callable[[Any], Sequence[str]],
        whole: bool,
    ) -> Any:
        """The menu of a list or a map, until it is right and the person is done with it."""
        if not there:
            change(None)
        while True:
            problems = judge(there)
            self._refuse(problems)
            picked = self._prompter.select(label, _menu(there, whole), 1 if problems and not there else 0)
            try:
                if picked == _DONE:
                    if not problems:
                        return there
                elif picked == _WRITE:
                    return self._written(label, there)
                elif picked == _REMOVE:
                    del there[self._prompter.select(f"{label}: remove", _entries(there))]
                else:
                    change(None if picked == _ADD else picked[0])
            except Back:
                continue

    # --- forms -------------------------------------------------------------------------------------------------

    def _form(
        self, label: str, shape: Shape, value: Any, judge: Callable[[Any], Sequence[str]], whole: bool = False
    ) -> Any:
        """The fields of a map: first those that it can't do without, then a menu of all."""
        known = isinstance(value, Mapping)
        entries = dict(value) if known else {}
        first = asked_first(shape)
        at = len(first) if known else 0
        while True:
            try:
                if at < len(first):
                    self._field(label, shape, entries, first[at])
                    at += 1
                    continue
                problems = judge(entries)
                self._refuse(problems)
                picked = self._prompter.select(label, _form_menu(shape, entries, whole))
            except Back:
                if at == 0 or known:
                    raise
                at -= 1
                continue
            try:
                if picked == _WRITE:
                    return self._written(label, entries)
                if picked != _DONE:
                    self._field(label, shape, entries, picked[0])
                elif not problems:
                    return entries
            except Back:
                continue

    def _field(self, label: str, shape: Shape, entries: dict[str, Any], name: str) -> None:
        """One field; what is left out, or is what it is anyway, is not there."""
        field = fields_of(shape)[name]
        required = name in shape.get("required", ())
        default = default_of(shape, name)
        self._help(shape.get("helps", {}).get(name, ""))
        while True:
            value = entries.get(name, default)
            if not required and words_of(field):
                found = self._optional_choice(f"{label}: {name}", field, value, default)
            else:
                found = self._edit(f"{label}: {name}", field, value)
            if found is MISSING and required:
                self._refuse([f"{name} is needed"])
                continue
            break
        if found is MISSING or found == default or (not required and found in ({}, [])):
            entries.pop(name, None)
        else:
            entries[name] = found

    def _optional_choice(self, label: str, field: Shape, value: Any, default: Any) -> Any:
        if default is not MISSING:
            return self._choice(label, field, value, lambda found: self._check(found, field))
        explains = field.get("explains", {})
        options = [Option(_LEAVE_OUT, _LEAVE_OUT)]
        options += [Option((item,), word(item), explains.get(word(item), "")) for item in words_of(field)]
        chosen = next((at for at, item in enumerate(words_of(field), 1) if item == value), 0)
        picked = self._prompter.select(label, options, chosen)
        return MISSING if picked == _LEAVE_OUT else picked[0]

    # --- helpers -----------------------------------------------------------------------------------------------

    def _written(self, label: str, value: Any) -> Any:
        """The answer as the command line or a file would have it."""
        text = "" if value is MISSING or value in ({}, []) else flow(value)
        while True:
            text = self._prompter.text(f"{label} (YAML)", text)
            try:
                found = self._read(text)
                problems = self._check_all(found)
            except UsageError as error:
                problems = [f"{error.message}; {error.hint}"]
            if not problems:
                return found
            self._refuse(problems)

    def _refuse(self, problems: Sequence[str]) -> None:
        for problem in problems:
            self._help(f"! {problem}")

    def _help(self, text: str) -> None:
        if text:
            self._prompter.say("\n".join(f"  {line}" for line in wrap(text, self._prompter.width() - 2)))


def _as_branch(branch: Shape, value: Any) -> Any:
    """What is there, as this way of answering has it: a word is the field that can be that word."""
    if branch.get("type") != "object":
        return value if isinstance(value, int) and not isinstance(value, bool) else MISSING
    if isinstance(value, Mapping):
        return value
    fields = fields_of(branch)
    fitting = [name for name in branch.get("required", ()) if value in fields[name].get("enum", ())]
    return {fitting[0]: value} if fitting else MISSING


def _number(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        return text


def _entries(there: Any) -> list[Option]:
    if isinstance(there, Mapping):
        return [Option(key, str(key), told(value)) for key, value in there.items()]
    return [Option(at, f"{at + 1}", told(item)) for at, item in enumerate(there)]


def _menu(there: Any, whole: bool) -> list[Option]:
    count = len(there)
    options = [Option(_DONE, "done", f"{count or 'nothing'} there", brief(there)), Option(_ADD, "add ...")]
    options += [
        Option((entry.value,), f"change {entry.title}", entry.explains, f"change {entry.title}")
        for entry in _entries(there)
    ]
    if there:
        options.append(Option(_REMOVE, "remove ..."))
    return [*options, Option(_WRITE, "write it as YAML ...")] if whole else options


def _form_menu(shape: Shape, entries: Mapping[str, Any], whole: bool) -> list[Option]:
    options = [Option(_DONE, "done", told(dict(entries)), brief(dict(entries)))]
    helps = shape.get("helps", {})
    for name in fields_of(shape):
        default = default_of(shape, name)
        value = told(entries[name]) if name in entries else "" if default is MISSING else f"({told(default)})"
        explains = " - ".join(part for part in (value, helps.get(name, "")) if part)
        options.append(Option((name,), name, explains))
    return [*options, Option(_WRITE, "write it as YAML ...")] if whole else options
