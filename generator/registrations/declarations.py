"""Registrations as declared in YAML files: read, check and render them for one service.

The format is that of ``templates/registrations/README.md``. ``when`` is rendered first; nothing else of a
declaration is rendered unless it holds, so expressions may rely on what it says.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from generator.errors import UsageError
from generator.hcl import HclSyntaxError
from generator.registrations.edits import Edit
from generator.registrations.engine import Registration
from generator.registrations.hcl_edits import HclBlock, HclListItem, HclMapEntry
from generator.registrations.lines import one_line
from generator.registrations.markdown_edits import MarkdownCellItem, MarkdownTableRow

Render = Callable[[str, Mapping[str, object]], str]

_KEYS = {"id": True, "path": True, "edits": True, "when": False, "for_each": False, "order": False, "apply": False}
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "none": False, "": False}


class _FaultError(Exception):
    """What is wrong with a declaration; the file is added where it is known."""


class _Values:
    """The mapping of one edit, with its strings rendered on demand."""

    def __init__(self, raw: Mapping[str, Any], where: str, render: Callable[[str, str], str]) -> None:
        self._raw, self._where, self._render = raw, where, render

    def text(self, key: str) -> str:
        """A rendered string that must not be empty."""
        value = self._render(self._string(key), f"{self._where}.{key}").strip()
        if not value:
            raise _FaultError(f"{self._where}.{key}: is empty")
        return value

    def line(self, key: str) -> str:
        """A rendered string on one line, which must not be empty."""
        return one_line(self.text(key)) or self._fault(key, "is empty")

    def path(self, key: str) -> tuple[str, ...]:
        """Names joined by dots, or a list of names where one of them holds a dot."""
        raw = self._raw[key]
        parts = raw if isinstance(raw, list) else self._string(key).split(".")
        names = tuple(self._render(str(part), f"{self._where}.{key}").strip() for part in parts)
        if not all(names) or len(names) < 2:
            self._fault(key, "must be at least two names joined by dots")
        return names

    def mapping(self, key: str) -> tuple[tuple[str, str], ...]:
        """A map of strings, in order, its values rendered to one line each."""
        raw = self._raw[key]
        if not isinstance(raw, Mapping) or not raw:
            self._fault(key, "must be a map")
        return tuple(
            (str(name), one_line(self._render(str(value), f"{self._where}.{key}.{name}")))
            for name, value in raw.items()
        )

    def _string(self, key: str) -> str:
        value = self._raw[key]
        return value if isinstance(value, str) else self._fault(key, "must be text")

    def _fault(self, key: str, reason: str) -> Any:
        raise _FaultError(f"{self._where}.{key}: {reason}")

    def __contains__(self, key: str) -> bool:
        return key in self._raw


def _list_item(values: _Values) -> Edit:
    comment = values.line("comment") if "comment" in values else ""
    return HclListItem(values.path("place"), values.text("value"), comment)


def _map_entry(values: _Values) -> Edit:
    return HclMapEntry(values.path("place"), values.text("key"), values.text("value"), values.line("comment"))


def _block(values: _Values) -> Edit:
    return HclBlock(values.path("after"), values.text("block").replace("\r\n", "\n"))


def _table_row(values: _Values) -> Edit:
    row = MarkdownTableRow(values.line("section"), values.line("key"), values.mapping("cells"))
    if not dict(row.cells).get(row.key):
        raise _FaultError(f"cells has nothing for the key column '{row.key}'")
    return row


def _cell_item(values: _Values) -> Edit:
    names = (values.line(key) for key in ("section", "key", "row", "column", "value"))
    return MarkdownCellItem(*names)


_KINDS: dict[str, tuple[Callable[[_Values], Edit], dict[str, bool]]] = {
    "hcl.list_item": (_list_item, {"place": True, "value": True, "comment": False}),
    "hcl.map_entry": (_map_entry, {"place": True, "key": True, "value": True, "comment": True}),
    "hcl.block": (_block, {"after": True, "block": True}),
    "markdown.table_row": (_table_row, {"section": True, "key": True, "cells": True}),
    "markdown.cell_item": (
        _cell_item,
        {"section": True, "key": True, "row": True, "column": True, "value": True},
    ),
}


def load(
    directory: Path, render: Render, context: Mapping[str, object], extra: Sequence[Mapping[str, Any]] = ()
) -> list[Registration]:
    """The registrations that hold for a service, in the order of applying.

    ``render`` renders one Jinja text with the variables given; ``context`` are the service's. ``extra`` are a
    platform profile's own declarations; one with the id of a built-in declaration takes its place. Raises
    ``UsageError`` ``registration.declaration``, naming file and key, when a declaration is wrong.
    """
    found = []
    for declaration, source in _declarations(directory, extra):
        try:
            registration = _registration(declaration, render, context)
        except _FaultError as fault:
            raise _error(source, str(fault)) from fault
        if registration is not None:
            found.append(registration)
    return sorted(found, key=lambda registration: (registration.order, registration.id))


def declared_ids(directory: Path) -> tuple[str, ...]:
    """The ids of all declarations in ``directory``, in the order of applying. Raises as ``load`` does."""
    declared = [declaration for declaration, _ in _declarations(directory, ())]
    return tuple(d["id"] for d in sorted(declared, key=lambda d: (d.get("order", 100), d["id"])))


def _declarations(directory: Path, extra: Sequence[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], str]]:
    """All declarations with their source, checked for what can be checked without rendering."""
    sources: list[tuple[object, str]] = [(_read(path), path.name) for path in sorted(directory.glob("*.yml"))]
    built_in = len(sources)
    sources += [(declaration, f"the profile's registration {n}") for n, declaration in enumerate(extra, 1)]
    found: dict[str, tuple[Mapping[str, Any], str]] = {}
    for index, (data, source) in enumerate(sources):
        declaration = _checked(data, source)
        name = declaration["id"]
        if index < built_in and f"{name}.yml" != source:
            raise _error(source, f"id: '{name}' is not the file's name")
        found[name] = (declaration, source)
    return list(found.values())


def _read(path: Path) -> object:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _error(path.name, f"can't be read as YAML: {error}") from error


def _checked(data: object, source: str) -> Mapping[str, Any]:
    try:
        declaration = _shape(data, _KEYS, "")
        for key in ("id", "path"):
            if not isinstance(declaration[key], str) or not declaration[key].strip():
                raise _FaultError(f"{key}: must be text")
        if type(declaration.get("order", 0)) is not int:
            raise _FaultError("order: must be a whole number")
        edits = declaration["edits"]
        if not isinstance(edits, list) or not edits:
            raise _FaultError("edits: must be a list of edits")
        for number, edit in enumerate(edits):
            where = f"edits[{number}]"
            kind = edit.get("kind") if isinstance(edit, Mapping) else None
            if kind not in _KINDS:
                raise _FaultError(f"{where}.kind: '{kind}' is not known; known are {', '.join(_KINDS)}")
            _shape(edit, {"kind": True, **_KINDS[kind][1]}, f"{where}.")
    except _FaultError as fault:
        raise _error(source, str(fault)) from fault
    return declaration


def _shape(data: object, keys: Mapping[str, bool], where: str) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise _FaultError("must be a map")
    for key, required in keys.items():
        if required and key not in data:
            raise _FaultError(f"{where}{key}: is missing")
    for key in data:
        if key not in keys:
            raise _FaultError(f"{where}{key}: is not known; known are {', '.join(keys)}")
    return data


def _registration(declaration: Mapping[str, Any], render: Render, context: Mapping[str, object]) -> Registration | None:
    """The declaration rendered, or None when it doesn't hold for this service."""

    def rendered(source: str, where: str, item: Mapping[str, object] | None = None) -> str:
        try:
            return render(source, {**context, **(item or {})})
        except Exception as error:
            raise _FaultError(f"{where}: {error}") from error

    if not _holds(rendered(str(declaration.get("when", "true")), "when")):
        return None
    items: list[Mapping[str, object]] = [{}]
    if "for_each" in declaration:
        items = [{"item": item} for item in _items(rendered(str(declaration["for_each"]), "for_each"))]
    edits = tuple(
        _edit(raw, f"edits[{number}]", partial(rendered, item=item))
        for item in items
        for number, raw in enumerate(declaration["edits"])
    )
    if not edits:
        return None
    return Registration(
        declaration["id"],
        _path(rendered(declaration["path"], "path").strip()),
        edits,
        one_line(rendered(str(declaration.get("apply", "")), "apply")),
        declaration.get("order", 100),
    )


def _edit(raw: Mapping[str, Any], where: str, render: Callable[[str, str], str]) -> Edit:
    build, _ = _KINDS[raw["kind"]]
    try:
        return build(_Values(raw, where, render))
    except HclSyntaxError as error:
        raise _FaultError(f"{where}.block: {error}") from error
    except ValueError as error:
        raise _FaultError(f"{where}: {error}") from error


def _holds(text: str) -> bool:
    answer = text.strip().lower()
    if answer not in _TRUTH:
        raise _FaultError(f"when: '{text.strip()}' is neither true nor false")
    return _TRUTH[answer]


def _items(text: str) -> list[object]:
    try:
        items = json.loads(text)
    except ValueError as error:
        raise _FaultError("for_each: must render to a JSON list (end the expression with `| tojson`)") from error
    if not isinstance(items, list):
        raise _FaultError("for_each: must render to a JSON list")
    return items


def _path(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith(("/", "~")) or "\\" in path or ".." in parts:
        raise _FaultError(f"path: '{path}' must be relative and stay inside the repository")
    return path


def _error(source: str, reason: str) -> UsageError:
    return UsageError(
        "registration.declaration",
        f"{source}: {reason}",
        "correct the declaration; the keys of each kind are described beside the built-in ones",
    )
