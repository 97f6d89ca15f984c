"""Places in HCL files: the attribute that an entry goes into, distinguished from everything that resembles it."""

from __future__ import annotations

from typing import TypeVar

from generator.infra_repo.hcl import Container, Document, HclSyntaxError, parse
from generator.infra_repo.registrations.edits import PlaceNotFoundError

_Place = TypeVar("_Place")


def open_document(text: str) -> Document:
    """``text`` parsed. Raises ``PlaceNotFoundError`` where it is not HCL."""
    try:
        return parse(text)
    except HclSyntaxError as error:
        raise PlaceNotFoundError(str(error)) from error


def open_container(text: str, place: tuple[str, ...], kind: str) -> tuple[Document, Container]:
    """The document and the list or map at ``place``. Raises ``PlaceNotFoundError`` unless there is exactly one."""
    document = open_document(text)
    container = only(document.containers(place))
    if container is None or container.kind != kind:
        raise PlaceNotFoundError(f"that attribute is not written as a plain {kind}")
    return document, container


def only(found: list[_Place]) -> _Place:
    """The one attribute that was found. Raises ``PlaceNotFoundError`` where none exists, or more than one."""
    if not found:
        raise PlaceNotFoundError("it has no such attribute")
    if len(found) > 1:
        raise PlaceNotFoundError("it has that attribute more than once")
    return found[0]
