"""Asks for a structured answer, from its shape alone: lists and maps with add, change and remove, forms, words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from generator.base.errors import UsageError
from generator.template.questions import MISSING
from generator.wizard.fields import (
    Shape,
    asked_first,
    default_of,
    fields_of,
    flow,
    is_line,
    is_text,
    value_of,
    words_of,
)
from generator.wizard.layout import wrap
from generator.wizard.menus import (
    ADD,
    DONE,
    KEEP,
    LEAVE_OUT,
    REMOVE,
    WRITE,
    choice_menu,
    collection_menu,
    entries,
    form_menu,
    optional_menu,
)
from generator.wizard.prompter import Back, Prompter
from generator.wizard.texts import ask_text, ask_words, refuse

Check = Callable[[Any, Shape], Sequence[str]]
"""The problems of a value of a shape, one sentence each."""


class Editor:
    """Edits one answer.

    ``check`` judges parts as they are typed, ``check_all`` the whole answer; ``read`` reads a text as the command line
    does. ``keep`` is called with the answer whenever it is right as a whole: a person may stop at any prompt.
    """

    def __init__(
        self,
        prompter: Prompter,
        check: Check,
        check_all: Callable[[Any], Sequence[str]],
        read: Callable[[str], Any],
        keep: Callable[[Any], None],
    ) -> None:
        self._prompter, self._check, self._check_all, self._read = prompter, check, check_all, read
        self._keep = keep

    def answer(self, label: str, shape: Shape, value: Any) -> Any:
        """The whole answer, checked. Raises ``Back``."""
        return self._edit(label, shape, value, self._judged)

    # --- by kind -----------------------------------------------------------------------------------------------

    def _edit(self, label: str, shape: Shape, value: Any, check: Callable[[Any], Sequence[str]] | None = None) -> Any:
        """One value; ``check`` marks the outermost, which can be written as YAML too."""
        whole = check is not None
        judge = check or (lambda found: self._check(found, shape))
        if shape.get("type") == "array":
            if is_line(shape):
                return ask_words(self._prompter, label, value, judge)
            return self._list(label, shape, value, judge, whole)
        if shape.get("type") == "object":
            edit = self._form if "properties" in shape else self._map
            return edit(label, shape, value, judge, whole)
        if words_of(shape) and not is_text(shape):
            return self._choice(label, shape, value, judge, whole)
        return ask_text(self._prompter, label, shape, value, judge, self._blanks(shape))

    def _blanks(self, shape: Shape) -> bool:
        """Whether blanks alone would be an answer."""
        return is_text(shape) and not self._check("  ", shape)

    def _judged(self, value: Any) -> Sequence[str]:
        problems = self._check_all(value)
        if not problems:
            self._keep(deepcopy(value))  # it is still being worked on
        return problems

    def _choice(
        self, label: str, shape: Shape, value: Any, judge: Callable[[Any], Sequence[str]], whole: bool = False
    ) -> Any:
        """One of the words, or a structure if the shape allows one."""
        right = value is not MISSING and not (self._check_all if whole else judge)(value)  # nobody chose it yet
        options, chosen = choice_menu(shape, value if right else MISSING, whole)
        while True:
            found = self._opened(label, self._prompter.select(label, options, chosen), shape, value)
            problems = judge(found) if found is not MISSING else []
            if found is not MISSING and not problems:
                return found
            self._refuse(problems)

    def _opened(self, label: str, picked: Any, shape: Shape, value: Any) -> Any:
        """What an option of a choice stands for; ``MISSING`` where the person came back from it."""
        if picked == KEEP:
            return value
        if isinstance(picked, tuple):
            return value_of(picked[0], shape)
        try:
            if picked == WRITE:
                return self._written(label, value)
            return self._edit(label, picked, _as_branch(picked, value))
        except Back:
            return MISSING

    # --- lists and maps ----------------------------------------------------------------------------------------

    def _list(
        self, label: str, shape: Shape, value: Any, judge: Callable[[Any], Sequence[str]], whole: bool = False
    ) -> Any:
        """Items of one kind; the first is asked for right away if there is none."""
        items = list(value) if isinstance(value, list) else []

        def change(at: int | None) -> None:
            name = f"{label} {len(items) + 1 if at is None else at + 1}"
            found = self._edit(name, shape["items"], MISSING if at is None else items[at])
            if at is None:
                items.extend([] if found is MISSING else [found])
            else:
                items[at : at + 1] = [] if found is MISSING else [found]

        return self._collection(label, shape, items, change, judge, whole)

    def _map(
        self, label: str, shape: Shape, value: Any, judge: Callable[[Any], Sequence[str]], whole: bool = False
    ) -> Any:
        """Keys with a value each."""
        there = dict(value) if isinstance(value, Mapping) else {}

        def change(key: Any) -> None:
            name = self._key(label, {"type": "string", **shape["keys"]}) if key is None else key
            if name is MISSING:
                return
            self._help(shape["values"].get("help", ""))
            found = self._edit(f"{label}: {name}", shape["values"], there.get(name, MISSING))
            if found is not MISSING:
                there[name] = found

        return self._collection(label, shape, there, change, judge, whole)

    def _key(self, label: str, shape: Shape) -> Any:
        self._help(shape.get("help", ""))
        return ask_text(self._prompter, f"{label}: name", shape, MISSING, lambda key: self._check(key, shape))

    def _collection(
        self,
        label: str,
        shape: Shape,
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
            picked = self._prompter.select(
                label, collection_menu(there, shape, whole), 1 if problems and not there else 0
            )
            try:
                if picked == DONE:
                    if not problems:
                        return there
                elif picked == WRITE:
                    return self._written(label, there)
                elif picked == REMOVE:
                    del there[self._prompter.select(f"{label}: remove", entries(there, shape))]
                else:
                    change(None if picked == ADD else picked[0])
            except Back:
                continue

    # --- forms -------------------------------------------------------------------------------------------------

    def _form(
        self, label: str, shape: Shape, value: Any, judge: Callable[[Any], Sequence[str]], whole: bool = False
    ) -> Any:
        """The fields of a map: first those that it can't do without, then a menu of all."""
        known = isinstance(value, Mapping)
        there = {name: part for name, part in value.items() if name in fields_of(shape)} if known else {}
        first = asked_first(shape)
        at = len(first) if known else 0
        while True:
            try:
                if at < len(first):
                    self._field(label, shape, there, first[at])
                    at += 1
                    continue
                problems = judge(there)
                self._refuse(problems)
                picked = self._prompter.select(label, form_menu(shape, there, whole))
            except Back:
                if at == 0 or known:
                    raise
                at -= 1
                continue
            try:
                if picked == WRITE:
                    return self._written(label, there)
                if picked != DONE:
                    self._field(label, shape, there, picked[0])
                elif not problems:
                    return there
            except Back:
                continue

    def _field(self, label: str, shape: Shape, there: dict[str, Any], name: str) -> None:
        """One field; it is absent if it is left out or has its default."""
        field = fields_of(shape)[name]
        required = name in shape.get("required", ())
        default = default_of(shape, name)
        self._help(shape.get("helps", {}).get(name, ""))
        while True:
            value = there.get(name, default)
            if not required and words_of(field):
                found = self._optional_choice(f"{label}: {name}", field, value, default)
            else:
                found = self._edit(f"{label}: {name}", field, value)
            if found is MISSING and required:
                self._refuse([f"{name} is needed"])
                continue
            break
        if found is MISSING or found == default or (not required and found in ({}, [])):
            there.pop(name, None)
        else:
            there[name] = found

    def _optional_choice(self, label: str, field: Shape, value: Any, default: Any) -> Any:
        if default is not MISSING:
            return self._choice(label, field, value, lambda found: self._check(found, field))
        options, chosen = optional_menu(field, value)
        picked = self._prompter.select(label, options, chosen)
        return MISSING if picked == LEAVE_OUT else picked[0]

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
        refuse(self._prompter, problems)

    def _help(self, text: str) -> None:
        if text:
            self._prompter.say("\n".join(f"  {line}" for line in wrap(text, self._prompter.width() - 2)))


def _as_branch(branch: Shape, value: Any) -> Any:
    """The current value, in the form of this way of answering: a word is the field that can be that word."""
    if branch.get("type") != "object":
        return value if isinstance(value, int) and not isinstance(value, bool) else MISSING
    if isinstance(value, Mapping):
        return value
    fields = fields_of(branch)
    fitting = [name for name in branch.get("required", ()) if value in fields[name].get("enum", ())]
    return {fitting[0]: value} if fitting else MISSING
