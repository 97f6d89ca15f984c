"""What an update does to the entries in files that all services share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from generator.base.errors import RefusedError
from generator.infra_repo.registrations import Registration, register, unregister
from generator.infra_repo.trees import Tree

Action = Literal["add", "update", "remove", "present", "kept", "conflict"]


@dataclass(frozen=True)
class Entry:
    """One registration in one file. ``kept``: somebody edited it or took it away, and the template has nothing new.

    ``conflict``: it should change and can't without a person, for the ``reason``. ``before`` and ``after`` are the
    whole file's text.
    """

    id: str
    path: str
    action: Action
    reason: str = ""
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Entries:
    """All registrations of a service, and the shared files' new texts by path."""

    entries: tuple[Entry, ...]
    files: dict[str, bytes]


def merge_entries(
    made: Iterable[Registration],
    wanted: Iterable[Registration],
    tree: Tree,
    claimed: Callable[[Registration], bool] = lambda _: False,
) -> Entries:
    """Bring the entries of one version to another: only what the template itself changes is touched.

    ``claimed`` says whether another service of the tree has the very same entry, which then stays.
    """
    texts = _Texts(tree)
    then, now = ({(item.id, item.path): item for item in items} for items in (made, wanted))
    gone = [_removed(item, texts, claimed) for key, item in reversed(then.items()) if key not in now]
    found = [_brought(then.get(key), item, texts) for key, item in now.items()]
    return Entries((*found, *gone), texts.changed)


class _Texts:
    """The shared files as they become; several entries in one file build on one another."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._before: dict[str, str | None] = {}
        self._now: dict[str, str] = {}

    def read(self, path: str) -> str | None:
        if path not in self._before:
            content = self._tree.read(path)
            self._before[path] = None if content is None else _text(path, content)
        return self._now.get(path, self._before[path])

    def write(self, item: Registration, action: Action, text: str) -> Entry:
        before = self.read(item.path) or ""
        self._now[item.path] = text
        return Entry(item.id, item.path, action, before=before, after=text)

    @property
    def changed(self) -> dict[str, bytes]:
        return {path: text.encode() for path, text in self._now.items() if text != self._before[path]}


def _text(path: str, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise RefusedError("registration.place_not_found", f"{path} is no text", "") from None


def _removed(item: Registration, texts: _Texts, claimed: Callable[[Registration], bool]) -> Entry:
    try:
        text = texts.read(item.path)
        if text is None:  # the file itself is gone, and the entry with it
            return Entry(item.id, item.path, "present")
        change = unregister(item, text)
        if change.action == "remove" and claimed(item):
            return Entry(item.id, item.path, "kept", "another service has the same entry")
        if change.action == "remove":
            return texts.write(item, "remove", change.text)
    except RefusedError as error:
        return Entry(item.id, item.path, "conflict", error.message)
    return Entry(item.id, item.path, "kept", _TAKEN_OUT) if _has_place(item, text) else _present(item)


_TAKEN_OUT = "somebody took the entry out before; the new version has none: see what it does instead"


def _has_place(item: Registration, text: str) -> bool:
    try:
        return register(item, text).action == "add"
    except RefusedError:
        return False


def _present(item: Registration) -> Entry:
    return Entry(item.id, item.path, "present")


def _brought(made: Registration | None, item: Registration, texts: _Texts) -> Entry:
    same = made is not None and made.edits == item.edits
    try:
        text = texts.read(item.path)
        if text is None:
            return _stuck(item, f"the infra repository has no {item.path}", same=same)
        if register(item, text).action == "present":
            return _present(item)
        return _kept(item) if same else _written(made, item, text, texts)
    except RefusedError as error:
        return _stuck(item, error.message, same=same)


def _written(made: Registration | None, item: Registration, text: str, texts: _Texts) -> Entry:
    """The entry is new, or the template has changed it: only one that is as newservice made it is touched."""
    change = register(item, text)
    then = register(made, text) if made else None
    if made and then and then.action == "add":
        return _kept(item)  # taken away by somebody
    if made and then and then.action == "present":
        replaced = register(item, text, replace=True)
        if replaced.action == "add":  # it is known by another name now: the earlier one goes
            replaced = register(item, unregister(made, text).text)
        return texts.write(item, "update", replaced.text)
    if change.action == "update" or then:
        return _stuck(item, "; ".join(then.details if then else change.details))
    return texts.write(item, "add", change.text)


def _kept(item: Registration) -> Entry:
    return Entry(item.id, item.path, "kept")


def _stuck(item: Registration, reason: str, *, same: bool = False) -> Entry:
    """Nothing can be done about it; nothing has to be where the template wants what it always wanted."""
    return Entry(item.id, item.path, "kept" if same else "conflict", reason)
