"""The kinds of edit: which keys each has, and what is made of them once their expressions are rendered."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from generator.infra_repo.registrations.edits import Edit
from generator.infra_repo.registrations.hcl_edits import HclBlock, HclListItem, HclMapEntry, HclPattern
from generator.infra_repo.registrations.hcl_objects import HclListObject, Value
from generator.infra_repo.registrations.heredoc_edits import HclHeredocItem
from generator.infra_repo.registrations.lines import one_line
from generator.infra_repo.registrations.markdown_edits import MarkdownCellItem, MarkdownTableRow
from generator.infra_repo.registrations.text_edits import TextListItem

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


class FaultError(Exception):
    """What is wrong with a declaration, key first; the file is added where it is known."""


class Values:
    """The mapping of one edit, with its strings rendered on demand."""

    def __init__(self, raw: Mapping[str, Any], where: str, render: Callable[[str, str], str]) -> None:
        self._raw, self._where, self._render = raw, where, render

    def text(self, key: str) -> str:
        """A rendered string that must not be empty."""
        value = self._render(self._string(key), f"{self._where}.{key}").strip()
        if not value:
            raise FaultError(f"{self._where}.{key}: is empty")
        return value

    def line(self, key: str) -> str:
        """A rendered string on one line, which must not be empty."""
        line = one_line(self.text(key))
        if not line:
            raise self.fault(key, "is empty")
        return line

    def exact(self, key: str) -> str:
        """A rendered string with the blanks at its ends, which must not be empty."""
        value = self._render(self._string(key), f"{self._where}.{key}")
        if not value:
            raise self.fault(key, "is empty")
        return value

    def path(self, key: str) -> tuple[str, ...]:
        """Names joined by dots, or a list of names where one of them holds a dot."""
        raw = self._raw[key]
        parts = raw if isinstance(raw, list) else self._string(key).split(".")
        names = tuple(self._render(str(part), f"{self._where}.{key}").strip() for part in parts)
        if not all(names) or len(names) < 2:
            raise self.fault(key, "must be at least two names joined by dots")
        return names

    def mapping(self, key: str) -> tuple[tuple[str, str], ...]:
        """A map of strings, in order, its values rendered to one line each."""
        raw = self._raw[key]
        if not isinstance(raw, Mapping) or not raw:
            raise self.fault(key, "must be a map")
        return tuple(
            (str(name), one_line(self._render(str(value), f"{self._where}.{key}.{name}")))
            for name, value in raw.items()
        )

    def attributes(self, key: str) -> tuple[tuple[str, Value], ...]:
        """A map of plain values, in order: texts and lists of texts are rendered, all others are taken as they are."""
        raw = self._raw[key]
        if not isinstance(raw, Mapping) or not raw:
            raise self.fault(key, "must be a map")
        for name in raw:
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                raise self.fault(key, f"'{name}' is no attribute's name")
        return tuple((name, self._value(value, f"{key}.{name}")) for name, value in raw.items())

    def _value(self, value: Any, key: str) -> Value:
        if isinstance(value, str):
            return self._render(value, f"{self._where}.{key}").strip()
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(self._render(item, f"{self._where}.{key}").strip() for item in value)
        if value is None or (isinstance(value, bool | int | float) and math.isfinite(value)):
            return value
        raise self.fault(key, "must be text, a number, true, false, null, or a list of texts")

    def _string(self, key: str) -> str:
        value = self._raw[key]
        if not isinstance(value, str):
            raise self.fault(key, "must be text")
        return value

    def fault(self, key: str, reason: str) -> FaultError:
        """The error that says what is wrong with the value of ``key``."""
        return FaultError(f"{self._where}.{key}: {reason}")

    def __contains__(self, key: str) -> bool:
        return key in self._raw


def _list_item(values: Values) -> Edit:
    comment = values.line("comment") if "comment" in values else ""
    if "admits" in values:
        return HclPattern(values.path("place"), values.text("value"), comment, values.line("admits"))
    return HclListItem(values.path("place"), values.text("value"), comment)


def _map_entry(values: Values) -> Edit:
    return HclMapEntry(values.path("place"), values.text("key"), values.text("value"), values.line("comment"))


def _block(values: Values) -> Edit:
    return HclBlock(values.path("after"), values.text("block").replace("\r\n", "\n"))


def _list_object(values: Values) -> Edit:
    entry = HclListObject(values.path("place"), values.line("key"), values.attributes("object"))
    key = dict(entry.attributes).get(entry.key)
    if not isinstance(key, str) or not key:
        raise values.fault("object", f"has no text for the key '{entry.key}'")
    return entry


def _heredoc_item(values: Values) -> Edit:
    opening, closing, value = (values.line(key) for key in ("opening", "closing", "value"))
    return HclHeredocItem(values.path("place"), opening, closing, value)


def _table_row(values: Values) -> Edit:
    row = MarkdownTableRow(values.line("section"), values.line("key"), values.mapping("cells"))
    if not dict(row.cells).get(row.key):
        raise values.fault("cells", f"has nothing for the key column '{row.key}'")
    return row


def _cell_item(values: Values) -> Edit:
    names = (values.line(key) for key in ("section", "key", "row", "column", "value"))
    return MarkdownCellItem(*names)


def _text_item(values: Values) -> Edit:
    opening, closing, separator = (values.exact(key) for key in ("opening", "closing", "separator"))
    return TextListItem(opening, closing, separator, values.line("value"))


KINDS: dict[str, tuple[Callable[[Values], Edit], dict[str, bool]]] = {
    "hcl.list_item": (_list_item, {"place": True, "value": True, "comment": False, "admits": False}),
    "hcl.map_entry": (_map_entry, {"place": True, "key": True, "value": True, "comment": True}),
    "hcl.list_object": (_list_object, {"place": True, "key": True, "object": True}),
    "hcl.heredoc_item": (_heredoc_item, {"place": True, "opening": True, "closing": True, "value": True}),
    "hcl.block": (_block, {"after": True, "block": True}),
    "markdown.table_row": (_table_row, {"section": True, "key": True, "cells": True}),
    "markdown.cell_item": (
        _cell_item,
        {"section": True, "key": True, "row": True, "column": True, "value": True},
    ),
    "text.list_item": (_text_item, {"opening": True, "closing": True, "separator": True, "value": True}),
}
