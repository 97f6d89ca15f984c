"""Apply a registration to the text of its file, or take it back. Pure; both ways are checked before they count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from generator.base.errors import RefusedError
from generator.infra_repo.registrations.edits import Edit, EditedEntryError, PlaceNotFoundError, State

_Result = TypeVar("_Result")
Action = Literal["add", "present", "update", "remove", "absent"]


@dataclass(frozen=True)
class Registration:
    """Entries of one service in one shared file.

    ``path`` is relative to the infra repository. ``apply_note`` says which stack must be applied for it to
    count, and by whom; ``order`` is its place in the order of applying, and ``targets`` are the addresses that a person
    applies where the stack is applied by hand. ``purpose`` tells documentation and monitors from all other entries.
    ``optional``: it is needed only where its file exists and lacks it, and listed
    only there.
    """

    id: str
    path: str
    edits: tuple[Edit, ...]
    apply_note: str = ""
    order: int = 100
    purpose: str = ""
    targets: tuple[str, ...] = ()
    optional: bool = False

    @property
    def snippet(self) -> str:
        """The entries as text to paste by hand."""
        return "\n\n".join(edit.snippet for edit in self.edits)


def shares(one: Registration, other: Registration) -> bool:
    """Whether two services' registrations have an entry in common."""
    return one.path == other.path and any(edit in other.edits for edit in one.edits)


@dataclass(frozen=True)
class Change:
    """What a registration does to its file: ``text`` is the file's new text, ``details`` say what drifted."""

    id: str
    path: str
    action: Action
    text: str
    snippet: str
    details: tuple[str, ...] = ()


def register(registration: Registration, text: str, *, replace: bool = False) -> Change:
    """``text`` with the registration's entries.

    ``add`` when one was missing, ``present`` when nothing is to be done, ``update`` when an entry differs from
    the wanted one: then ``text`` stays as it is, all of it, unless ``replace`` is given. Line ends must come
    unchanged (``newline=""``). Raises ``RefusedError`` ``registration.place_not_found`` with the snippet to
    paste when a place isn't there or can't be edited so that it can be undone.
    """
    asked = (repr(registration), text, replace)  # which tells 1 from true
    found = _registered.get(asked)
    if found is None:
        found = _register(registration, text, replace)
        if len(_registered) >= _REMEMBERED:
            _registered.clear()
        _registered[asked] = found
    return found


_registered: dict[tuple[str, str, bool], Change] = {}
"""What came of registrations and texts before: a command asks several times, for each of its steps."""
_REMEMBERED = 256


def _register(registration: Registration, text: str, replace: bool) -> Change:
    findings = [_at(registration, edit, edit.find, text) for edit in registration.edits]
    drifted = tuple(finding.detail for finding in findings if finding.state is State.DRIFTED)
    if drifted and not replace:
        return _change(registration, "update", text, drifted)
    new = text
    for edit in registration.edits:
        state = _at(registration, edit, edit.find, new).state
        if state is State.ABSENT:
            new = _insert(registration, edit, new)
        elif state is State.DRIFTED:
            new = _at(registration, edit, edit.replace, new)
    if drifted:
        return _change(registration, "update", new, drifted)
    return _change(registration, "present" if new == text else "add", new)


def unregister(registration: Registration, text: str) -> Change:
    """``text`` without the registration's entries: ``remove``, or ``absent`` when there were none.

    Raises ``RefusedError`` ``registration.edited`` when an entry is not as it was written, and
    ``registration.place_not_found`` when its place is gone while the file still names it.
    """
    new = text
    for edit in reversed(registration.edits):
        new = _remove(registration, edit, new)
    return _change(registration, "absent" if new == text else "remove", new)


def _change(registration: Registration, action: Action, text: str, details: tuple[str, ...] = ()) -> Change:
    return Change(registration.id, registration.path, action, text, registration.snippet, details)


def _insert(registration: Registration, edit: Edit, text: str) -> str:
    """``text`` with the entry; refuses where reading it back or taking it out again would not work."""
    new = _at(registration, edit, edit.insert, text)
    try:
        faithful = edit.find(new).state is State.PRESENT and edit.remove(new) == text
    except (PlaceNotFoundError, EditedEntryError):
        faithful = False
    if not faithful:
        raise _not_found(registration, edit, "it is written in a way that can't be edited safely")
    return new


def _remove(registration: Registration, edit: Edit, text: str) -> str:
    try:
        return edit.remove(text) if edit.find(text).state is not State.ABSENT else text
    except EditedEntryError as error:
        raise RefusedError(
            "registration.edited",
            f"{registration.path}, {edit.location}: '{edit.identity}' was edited since it was written: {error}",
            f"nothing was changed; take the entry out by hand. It was written as:\n{edit.snippet}",
        ) from error
    except PlaceNotFoundError as error:
        if edit.identity not in text:
            return text
        raise _not_found(
            registration, edit, str(error), "look whether the entry is still there, and take it out by hand"
        ) from error


def _at(registration: Registration, edit: Edit, step: Callable[[str], _Result], text: str) -> _Result:
    try:
        return step(text)
    except PlaceNotFoundError as error:
        raise _not_found(registration, edit, str(error)) from error


def _not_found(registration: Registration, edit: Edit, reason: str, remedy: str = "") -> RefusedError:
    skipped = f"where the place is gone, registrations.skip: [{registration.id}] in the platform profile"
    remedy = remedy or f"add it there by hand ({skipped} leaves it out)"
    return RefusedError(
        "registration.place_not_found",
        f"{registration.path}, {edit.location}: {reason}",
        f"nothing was changed; {remedy}:\n{edit.snippet}",
    )
