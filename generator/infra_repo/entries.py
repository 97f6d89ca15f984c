"""The entries of a service in files that all services share: what brings them from one state to another. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from generator.base.errors import RefusedError
from generator.infra_repo.attributes import filters
from generator.infra_repo.registrations import Registration, register, unregister
from generator.infra_repo.texts import Text, read_text
from generator.infra_repo.trees import Tree
from generator.template.files import File

EntryAction = Literal["add", "update", "remove", "present", "absent", "kept", "refuse"]


@dataclass(frozen=True)
class RegistrationChange:
    """One registration in one file; ``before`` and ``after`` are the whole file's text.

    ``kept``: it stays as someone left it; ``reason`` says why where a person should know. ``refuse``: it should change
    and can't without a person, for the ``refusal``. ``executable`` is the file's mode, which stays.
    """

    id: str
    path: str
    action: str
    before: str = ""
    after: str = ""
    refusal: RefusedError | None = None
    reason: str = ""
    executable: bool = False


Claimed = Callable[[Registration], Registration | None]
"""Of another service, what has some of the same entry."""


def merge_entries(
    start: Iterable[Registration],
    goal: Iterable[Registration],
    tree: Tree,
    claimed: Claimed = lambda _: None,
) -> list[RegistrationChange]:
    """What brings the entries of the start to those of the goal: only what differs between the two is touched.

    Optional ones are listed only where they are needed. Several entries in one file build on one another. ``claimed``
    finds the registration of another service of the tree that has some of an entry, which then stays as that one's.
    """
    texts = _Texts(tree)
    made, wanted = ({(item.id, item.path): item for item in items} for items in (start, goal))
    brought = [_brought(made.get(key), item, texts, claimed) for key, item in wanted.items()]
    gone = [item for key, item in reversed(made.items()) if key not in wanted]
    removed = [_removed(item, texts, claimed, ends=not wanted) for item in gone]
    optional = {key for items in (made, wanted) for key, item in items.items() if item.optional}
    return [item for item in (*brought, *removed) if (item.id, item.path) not in optional or item.action != "absent"]


def compare_registrations(registrations: Iterable[Registration], tree: Tree) -> list[RegistrationChange]:
    """What each registration of a service that is created would change; an entry that differs stays (``update``)."""
    return [left_alone(change) for change in merge_entries((), registrations, tree)]


def left_alone(change: RegistrationChange) -> RegistrationChange:
    """The same where the entry is the service's own: someone edited it, and a creation changes nothing."""
    if change.refusal is None or change.refusal.code != "registration.foreign":
        return change
    return replace(change, action="update", refusal=None)


def refusal(changes: Iterable[RegistrationChange]) -> RefusedError | None:
    """Everything that keeps registrations from being made, as one error; None where nothing does."""
    errors = [change.refusal for change in changes if change.refusal]
    if not errors:
        return None
    messages, hints = (dict.fromkeys(texts) for texts in zip(*((e.message, e.hint) for e in errors), strict=True))
    return RefusedError(errors[0].code, "; ".join(messages), "\n".join(hints))


def unreadable(change: RegistrationChange) -> bool:
    """Whether an entry is refused because its file can't be read and edited as text."""
    return change.refusal is not None and change.refusal.code == "registration.not_text"


def by_hand(changes: Iterable[RegistrationChange]) -> list[str]:
    """What a person can do about each entry that is refused, with the text to paste where there is one."""
    errors = [change.refusal for change in changes if change.action == "refuse" and change.refusal]
    return list(dict.fromkeys(error.hint for error in errors if error.code != "registration.foreign"))


def registered_files(changes: Iterable[RegistrationChange]) -> list[File]:
    """The files that the registrations change, each once, in its last form."""
    first: dict[str, str] = {}
    last: dict[str, RegistrationChange] = {}
    for change in changes:
        first.setdefault(change.path, change.before)
        last[change.path] = change
    return [
        File(path, change.after.encode(), change.executable)
        for path, change in last.items()
        if change.after != first[path]
    ]


class _Texts:
    """The shared files as they become; several entries in one file build on one another."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._now: dict[str, Text | None] = {}

    def look(self, path: str) -> Text | None:
        """The file as it is now; None where it does not exist. Raises ``RefusedError`` for a link."""
        if path not in self._now:
            if obstacle := self._tree.obstacle(path):
                raise obstacle.error
            content = self._tree.read(path)
            self._now[path] = None if content is None else read_text(content)
        return self._now[path]

    def read(self, item: Registration, remedy: str) -> str | None:
        """The text of the registration's file, to be edited; None where it does not exist.

        Raises ``RefusedError`` with ``remedy`` and what was to be edited for a file that can't be.
        """
        found = self.look(item.path)
        if found is not None and found.problem:
            raise RefusedError(
                "registration.not_text",
                f"registration {item.id}: {item.path} {found.problem}",
                f"nothing was changed; make it a file in UTF-8 that can be read here, or {remedy}:\n{item.snippet}",
            )
        return None if found is None else found.content

    def change(
        self, item: Registration, action: EntryAction, text: str | None = None, reason: str = ""
    ) -> RegistrationChange:
        """The change, with the file's new ``text`` where there is one.

        Raises ``RefusedError`` for a file that git stores through a filter: it would be committed as plain text.
        """
        found = self.look(item.path) or Text("")
        before = self._whole(item.path)
        if text is None or text == found.content:
            return RegistrationChange(item.id, item.path, action, before, before, reason=reason)
        if name := filters(self._tree, [item.path]).get(item.path):
            raise _filtered(item, name)
        self._now[item.path] = replace(found, content=text)
        executable = self._tree.executable(item.path)
        return RegistrationChange(item.id, item.path, action, before, self._whole(item.path), None, reason, executable)

    def stuck(
        self, item: Registration, error: RefusedError, reason: str = "", *, same: bool = False
    ) -> RegistrationChange:
        """The change where nothing can be done; ``same``: the goal wants what the start had, so nothing has to be."""
        text = self._whole(item.path)
        message = reason or error.message
        if same:
            return RegistrationChange(item.id, item.path, "kept", text, text, reason=message)
        return RegistrationChange(item.id, item.path, "refuse", text, text, error, message)

    def _whole(self, path: str) -> str:
        """The file's text with its byte order mark; empty where it has none that could be edited."""
        found = self.look(path)
        return "" if found is None or found.problem else found.mark + found.content


def _removed(item: Registration, texts: _Texts, claimed: Claimed, *, ends: bool) -> RegistrationChange:
    """``ends``: the service itself goes, so it does not matter what is in the entry's place."""
    try:
        if _shows(item, texts.look(item.path), "absent"):
            return texts.change(item, "absent")
        text = texts.read(item, "look whether the entry is still there, and take it out by hand")
        if text is None:  # the file itself is gone, and the entry with it
            return texts.change(item, "absent")
        change = unregister(item, text)
        if change.action == "remove" and (other := claimed(item)):
            left = _handed_over(item, other, text)
            return texts.change(item, "kept", left, reason="another service has the same entry")
        if change.action == "remove":
            return texts.change(item, "remove", change.text)
    except RefusedError as error:
        return texts.stuck(item, error)
    if ends or not _has_place(item, text):
        return texts.change(item, "absent")
    reason = "someone removed the entry before; the new version has none: see what it does instead"
    return texts.change(item, "kept", reason=reason)


def _shows(item: Registration, found: Text | None, state: Literal["present", "absent"]) -> bool:
    """Whether a file that can't be edited can at least be read, and shows that nothing is left to do there."""
    if found is None or not found.problem or not found.content or not item.edits:
        return False
    look = register if state == "present" else unregister
    try:
        return look(item, found.content).action == state
    except RefusedError:
        return False


def _has_place(item: Registration, text: str) -> bool:
    try:
        return register(item, text).action == "add"
    except RefusedError:
        return False


def _brought(made: Registration | None, item: Registration, texts: _Texts, claimed: Claimed) -> RegistrationChange:
    same = made is not None and made.edits == item.edits
    try:
        if _shows(item, texts.look(item.path), "present"):
            return texts.change(item, "present")
        text = texts.read(item, "add it there by hand")
        if text is None and item.optional:
            return texts.change(item, "absent")
        if text is None:
            return texts.stuck(item, _no_file(item), f"the infra repository has no {item.path}", same=same)
        if register(item, text).action == "present":
            return _optional(made, item, text, texts, claimed) if item.optional else texts.change(item, "present")
        return texts.change(item, "kept") if same else _written(made, item, text, texts, claimed)
    except RefusedError as error:
        return texts.stuck(item, error, same=same)


def _optional(
    made: Registration | None, item: Registration, text: str, texts: _Texts, claimed: Claimed
) -> RegistrationChange:
    """Nothing is to be added; an entry that only the start needed goes."""
    left = _without(made, text, claimed) if made and made.edits != item.edits else text
    if left != text and register(item, left).action == "present":
        return texts.change(item, "update", left)
    needless = unregister(item, text).action == "absent"  # others' entries do already
    return texts.change(item, "absent" if needless else "present")


def _written(
    made: Registration | None,
    item: Registration,
    text: str,
    texts: _Texts,
    claimed: Claimed,
) -> RegistrationChange:
    """The entry is new, or the template has changed it: only one that is as newservice made it is touched."""
    change = register(item, text)
    then = register(made, text) if made else None
    if made and then and then.action == "add":
        return texts.change(item, "kept")  # someone removed it
    if made and then and then.action == "present":
        replaced = register(item, text, replace=True)
        if replaced.action == "add":  # it is known by another name now: the earlier one goes
            replaced = register(item, _without(made, text, claimed))
        return texts.change(item, "update", replaced.text)
    if change.action == "update" or then:
        details = "; ".join(then.details if then else change.details)
        return texts.stuck(item, _differs(item, details), details)
    return texts.change(item, "add", change.text)


def _without(made: Registration, text: str, claimed: Claimed) -> str:
    """``text`` without an entry, but for what another service has of it."""
    other = claimed(made)
    return _handed_over(made, other, text) if other else unregister(made, text).text


def _handed_over(made: Registration, other: Registration, text: str) -> str:
    """``text`` with an entry as it is another service's: a comment names the one that takes it out in the end."""
    if {edit.snippet for edit in made.edits} <= {edit.snippet for edit in other.edits}:
        return text
    change = register(other, unregister(made, text).text)
    return text if change.action == "update" else change.text


def _no_file(item: Registration) -> RefusedError:
    return RefusedError(
        "registration.file_not_found",
        f"registration {item.id}: the infra repository has no {item.path}",
        "check --infra and the platform profile",
    )


def _filtered(item: Registration, name: str) -> RefusedError:
    snippet = "\n\n".join(edit.snippet for edit in item.edits)
    return RefusedError(
        "registration.filtered",
        f"registration {item.id}: git stores {item.path} through the filter {name}, and newservice runs no filter",
        f"nothing was changed; make the change by hand. The entry:\n{snippet}",
    )


def _differs(item: Registration, details: str) -> RefusedError:
    return RefusedError(
        "registration.foreign",
        f"registration {item.id}: {item.path} has an entry under the service's names that differs: {details}",
        "remove the entry if it was made for this service, or choose another name",
    )
