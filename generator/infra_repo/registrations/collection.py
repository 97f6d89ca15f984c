"""Put an element into a list or map and take it out again, byte for byte: HCL's, or one of code in a heredoc.

The new element goes behind the last one, in its style: on a line of its own, or in line where the closing
bracket shares the last element's line. Whether the list closes with a comma stays as it is, which is also
what tells, on removal, whether the comma before it was ours.
"""

from __future__ import annotations

from generator.infra_repo.hcl import Container, Document, Element
from generator.infra_repo.registrations.edits import EditedEntryError
from generator.infra_repo.registrations.lines import (
    blank_between,
    indentation,
    line_end,
    line_start,
    newline_at,
    previous_line_end,
)


def insert(
    document: Document,
    container: Container,
    entry: str,
    comment: str = "",
    *,
    in_line: str | None = None,
    step: bytes = b"  ",
) -> bytes:
    """The document's bytes with ``entry`` as the last element, below ``comment`` where it has lines of its own.

    ``in_line`` is the entry's form on one line, where ``entry`` has several. ``step`` is added to the closing
    bracket's indentation where there is no element to follow.
    """
    data = document.data
    last = container.elements[-1] if container.elements else None
    anchor = _anchor(document, container)
    if line_start(data, anchor) == line_start(data, container.closing):
        return _insert_in_line(data, container, last, in_line or entry)
    newline = newline_at(data, line_end(data, anchor))
    indent = _indent(data, container, last, step)
    trailing = "," if _closes_with_comma(container, last) else ""
    lines = [*([comment] if comment else []), *(entry + trailing).split("\n")]
    new = b"".join(newline + indent + line.encode() for line in lines)
    end = line_end(data, anchor)
    if last is not None and container.kind == "list" and last.comma is None:
        return data[: last.end] + b"," + data[last.end : end] + new + data[end:]
    return data[:end] + new + data[end:]


def remove(document: Document, container: Container, element: Element, comment: str = "") -> bytes:
    """The document's bytes without ``element`` and its comment.

    Raises ``EditedEntryError`` when comments by the element are not those that ``insert`` writes.
    """
    data = document.data
    if not _has_own_lines(document, container, element):
        return _remove_in_line(data, container, element)
    above = _comments_above(document, container, element)
    wanted = [comment] if comment else []
    texts = [data[start:end].decode() for start, end in above]
    # In a container that was empty before, comments that existed already are above ours.
    if texts != wanted and (len(container.elements) > 1 or texts[len(texts) - len(wanted) :] != wanted):
        raise EditedEntryError("the comment above it is another one")
    start = above[-len(wanted)][0] if wanted else element.start
    cut = data[: previous_line_end(data, start)]
    if container.kind == "list" and element.comma is None and element is container.elements[-1]:
        before = container.elements[-2] if len(container.elements) > 1 else None
        if before is not None and before.comma is not None:
            cut = data[: before.comma - 1] + cut[before.comma :]
    return cut + data[line_end(data, element.stop) :]


def is_below(document: Document, container: Container, element: Element, comment: str) -> bool:
    """Whether an element has its lines for itself, right below this comment."""
    try:
        own = _has_own_lines(document, container, element)
    except EditedEntryError:
        return False
    above = _comments_above(document, container, element)[-1:]
    return own and comment in [document.data[start:end].decode() for start, end in above]


def _anchor(document: Document, container: Container) -> int:
    """An offset on the line behind which a new line goes: the last element's, comments that begin there included.

    In an empty container: that of the last comment, or of the opening bracket.
    """
    inside = [
        comment
        for comment in document.comments
        if container.opened <= comment.start < container.closing
        and (not container.elements or comment.start >= container.elements[-1].stop)
    ]
    anchor = container.elements[-1].stop if container.elements else container.opened
    for comment in inside:
        if not container.elements or line_start(document.data, comment.start) == line_start(document.data, anchor):
            anchor = comment.end
    return anchor


def _indent(data: bytes, container: Container, last: Element | None, step: bytes) -> bytes:
    if last is not None:
        return indentation(data, last.start)
    return indentation(data, container.closing) + step


def _closes_with_comma(container: Container, last: Element | None) -> bool:
    if last is None:
        return container.kind == "list"
    return last.comma is not None


def _insert_in_line(data: bytes, container: Container, last: Element | None, entry: str) -> bytes:
    if last is None:
        padding = " " if container.kind == "map" else ""
        new, at = f"{padding}{entry}{padding}", container.opened
    elif last.comma is None:
        new, at = f", {entry}", last.end
    else:
        new, at = f" {entry},", last.comma
    return data[:at] + new.encode() + data[at:]


def _remove_in_line(data: bytes, container: Container, element: Element) -> bytes:
    index = container.elements.index(element)
    before = container.elements[index - 1] if index else None
    after = container.elements[index + 1] if index + 1 < len(container.elements) else None
    if before is not None and before.comma is not None:
        ours_closes = element.comma is None
        start, end = (before.end if ours_closes else before.comma), element.stop
    elif after is not None:
        start, end = element.start, after.start
    else:
        start, end = element.start, element.stop
        padded = container.kind == "map" and data[start - 1 : start] == b" " == data[end : end + 1]
        start, end = (start - 1, end + 1) if padded else (start, end)
    return data[:start] + data[end:]


def _has_own_lines(document: Document, container: Container, element: Element) -> bool:
    """Whether nothing else is on the element's lines; raises when that is a comment behind it."""
    data = document.data
    end = line_end(data, element.stop)
    starts_line = blank_between(data, line_start(data, element.start), element.start)
    behind = [c for c in document.comments if element.end <= c.start < end and c.start < container.closing]
    if behind and starts_line:
        raise EditedEntryError("there is a comment behind it")
    return starts_line and blank_between(data, element.stop, end)


def _comments_above(document: Document, container: Container, element: Element) -> list[tuple[int, int]]:
    """The comments on lines of their own directly above the element, from top to bottom."""
    data = document.data
    found: list[tuple[int, int]] = []
    top = line_start(data, element.start)
    for comment in reversed([c for c in document.comments if container.opened <= c.start < element.start]):
        start = line_start(data, comment.start)
        if line_end(data, comment.end) != previous_line_end(data, top) or not blank_between(data, start, comment.start):
            break
        found.insert(0, (comment.start, comment.end))
        top = start
    return found
