"""Entries in HCL files that are objects of a list."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from generator.infra_repo.hcl import Container, Document, Element, parse
from generator.infra_repo.hcl_strings import quote
from generator.infra_repo.registrations import collection
from generator.infra_repo.registrations.edits import ABSENT, PRESENT, EditedEntryError, Finding, State
from generator.infra_repo.registrations.lines import indentation, line_end, newline_at
from generator.infra_repo.registrations.places import open_container

Value: TypeAlias = str | int | float | bool | tuple[str, ...] | None


@dataclass(frozen=True)
class HclListObject:
    """The object with ``attributes``, in that order, in the list at ``place``; known by its attribute ``key``.

    It is written with an attribute a line, aligned as ``terraform fmt`` aligns them, or on one line where the
    list's closing bracket shares a line with the last object.
    """

    place: tuple[str, ...]
    key: str
    attributes: tuple[tuple[str, Value], ...]

    @property
    def location(self) -> str:
        """The list's address."""
        return f"list {'.'.join(self.place)}"

    @property
    def identity(self) -> str:
        """The value of the key's attribute."""
        return str(dict(self.attributes)[self.key])

    @property
    def snippet(self) -> str:
        """The object over several lines."""
        return f"{self._entry},"

    @property
    def _entry(self) -> str:
        width = max(len(name) for name, _ in self.attributes)
        lines = [f"  {name.ljust(width)} = {_expression(value)}" for name, value in self.attributes]
        return "\n".join(["{", *lines, "}"])

    @property
    def _in_line(self) -> str:
        return "{ " + ", ".join(f"{name} = {_expression(value)}" for name, value in self.attributes) + " }"

    def find(self, text: str) -> Finding:
        """Present when an object with this key has the same attributes, drifted when it has others."""
        document, container = open_container(text, self.place, "list")
        found = self._objects(document, container)
        differing = [self._differing(attributes) for _, attributes in found]
        if not found:
            return ABSENT
        if [] in differing:
            return PRESENT
        return Finding(State.DRIFTED, f"the object {quote(self.identity)} has another {', '.join(differing[0])}")

    def insert(self, text: str) -> str:
        """``text`` with the object behind the last one."""
        document, container = open_container(text, self.place, "list")
        return collection.insert(document, container, self._entry, in_line=self._in_line).decode()

    def remove(self, text: str) -> str:
        """``text`` without the object."""
        document, container = open_container(text, self.place, "list")
        for element, _ in self._objects(document, container):
            data = document.data
            written = data[element.start : element.end].decode().replace("\r\n", "\n")
            if written not in (self._indented(data, element), self._in_line):
                raise EditedEntryError("it is not as it was written")
            return collection.remove(document, container, element).decode()
        return text

    def replace(self, text: str) -> str:
        """``text`` with the object rewritten in its place; comments inside of it are lost."""
        document, container = open_container(text, self.place, "list")
        for element, attributes in self._objects(document, container):
            if self._differing(attributes):
                data = document.data
                newline = newline_at(data, line_end(data, element.start))
                new = self._indented(data, element).encode().replace(b"\n", newline)
                return (data[: element.start] + new + data[element.end :]).decode()
        return text

    def _indented(self, data: bytes, element: Element) -> str:
        return self._entry.replace("\n", "\n" + indentation(data, element.start).decode())

    def _objects(self, document: Document, container: Container) -> list[tuple[Element, dict[str, object]]]:
        """The objects of the list with our key, and what their attributes mean."""
        read = [
            (element, _attributes(document.data[element.start : element.end].decode()))
            for element in container.elements
        ]
        return [(element, attributes) for element, attributes in read if attributes.get(self.key) == self.identity]

    def _differing(self, attributes: dict[str, object]) -> list[str]:
        """The attributes that are missing, too many, or have another value."""
        wanted = _attributes(self._in_line)
        return [name for name in {**wanted, **attributes} if wanted.get(name) != attributes.get(name)]


def _expression(value: Value) -> str:
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")  # the parser doesn't know all of HCL's exponents
    return "[" + ", ".join(map(quote, value)) + "]" if isinstance(value, tuple) else json.dumps(value)


def _attributes(expression: str) -> dict[str, object]:
    """Names and meanings of an object's attributes; nothing where the expression is something else."""
    document = parse(f"object = {expression}\n")
    (container,) = document.containers(["object"])
    elements = container.elements if container is not None and container.kind == "map" else ()
    return {_name(document, each): _meaning(document, each) for each in elements}


def _name(document: Document, attribute: Element) -> str:
    return attribute.key or document.data[attribute.start : attribute.value_start].decode().rstrip(" \t=:")


def _meaning(document: Document, attribute: Element) -> object:
    """What is compared of a value: a string's text, the texts of a list, else the tokens as they are written."""
    if attribute.value is not None:
        return attribute.value
    inner = parse(f"block {{\n  value = {document.data[attribute.value_start : attribute.end].decode()}\n}}\n")
    (container,) = inner.containers(["block", "value"])
    values = [element.value for element in container.elements] if container and container.kind == "list" else [None]
    return inner.blocks(["block"])[0].tokens if None in values else values
