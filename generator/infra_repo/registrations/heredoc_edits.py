"""Entries in code that an HCL file holds as a heredoc: a string in a collection of that code."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from generator.infra_repo.hcl import Container, Document, Element
from generator.infra_repo.registrations import collection
from generator.infra_repo.registrations.edits import ABSENT, PRESENT, Finding, PlaceNotFoundError
from generator.infra_repo.registrations.embedded import quote, read_collection
from generator.infra_repo.registrations.places import only, open_document

_TEMPLATE = re.compile(rb"(?<!\$)\$\{|(?<!%)%\{")


@dataclass(frozen=True)
class HclHeredocItem:
    """The string ``value`` in the collection between ``opening`` and ``closing``, in the heredoc at ``place``.

    ``opening`` must begin one line of the text, and only one. The heredoc may be inside function calls.
    """

    place: tuple[str, ...]
    opening: str
    closing: str
    value: str

    @property
    def location(self) -> str:
        """The collection, and the attribute that holds its text."""
        return f"'{self.opening} {self.closing}' in the text of {'.'.join(self.place)}"

    @property
    def identity(self) -> str:
        """The item."""
        return self.value

    @property
    def snippet(self) -> str:
        """The item as the code has it."""
        return f"{quote(self.value)},"

    def find(self, text: str) -> Finding:
        """Present when an item of the collection is this string."""
        _, container = self._open(text)
        return PRESENT if self._element(container) else ABSENT

    def insert(self, text: str) -> str:
        """``text`` with the item behind the last one; code is indented by four where there is no item to follow."""
        document, container = self._open(text)
        return collection.insert(document, container, quote(self.value), step=b"    ").decode()

    def remove(self, text: str) -> str:
        """``text`` without the item."""
        document, container = self._open(text)
        element = self._element(container)
        if element is None:
            return text
        return collection.remove(document, container, element).decode()

    def replace(self, text: str) -> str:
        """``text`` itself: an item has nothing beside its identity."""
        return text

    def _element(self, container: Container) -> Element | None:
        return next((element for element in container.elements if element.value == self.value), None)

    def _open(self, text: str) -> tuple[Document, Container]:
        """The document with the collection's own comments in place of HCL's, and the collection."""
        document = open_document(text)
        start, end = _heredoc(document, self.place)
        begin = re.compile(rb"^[ \t]*" + re.escape(self.opening.encode()), re.MULTILINE)
        found = list(begin.finditer(document.data[start:end]))
        if len(found) != 1:
            count = "more than one line begins" if found else "no line begins"
            raise PlaceNotFoundError(f"{count} with '{self.opening}' there")
        container, comments = read_collection(document.data, start + found[0].end(), end, self.closing)
        if _TEMPLATE.search(document.data[container.opened : container.closing]):
            raise PlaceNotFoundError("its content is made by a template")
        return replace(document, comments=comments), container


def _heredoc(document: Document, place: tuple[str, ...]) -> tuple[int, int]:
    """Where the text of the one heredoc of the attribute at ``place`` begins and ends."""
    heredocs = only(document.heredocs(place))
    if len(heredocs) != 1:
        raise PlaceNotFoundError("that attribute is not written as one heredoc")
    return heredocs[0]
