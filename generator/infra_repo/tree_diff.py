"""The difference of two trees, contents and modes, merged into a third: what is to be done about each file. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from pathlib import PurePosixPath
from typing import Literal

from generator.base.contained import Obstacle
from generator.infra_repo.texts import is_utf8
from generator.infra_repo.trees import Tree
from generator.template.files import ANSWERS_FILE, File

Repo = Literal["service", "infra"]
FileAction = Literal["create", "update", "delete", "unchanged", "kept", "conflict"]
MergeTexts = Callable[[bytes, bytes, bytes], tuple[bytes, bool]]
"""Merges ours and theirs, given what both come from (in the middle); and whether conflicts are marked in the result."""


@dataclass(frozen=True)
class FileChange:
    """One file: ``base`` and ``wanted`` are the start's and the goal's, ``before`` is what exists; None for no file.

    ``path`` is from the repository's root. ``kept``: someone's own edit or removal, and there is nothing new.
    ``after`` is what is to exist. In a ``conflict`` it has git's marks where both sides changed the same lines; else a
    person decides before anything is written. ``obstacle``: what is in the way, such as a link; it stays, and where
    something would have to be written or removed, that is a conflict.
    """

    repo: Repo
    path: str
    action: FileAction
    before: File | None
    after: File | None
    base: File | None = None
    wanted: File | None = None
    obstacle: Obstacle | None = None

    @property
    def blocked(self) -> Obstacle | None:
        """What keeps the file from being written or removed; None where nothing does, or nothing has to be."""
        return self.obstacle if self.action == "conflict" else None

    @property
    def edited(self) -> bool:
        """Whether what exists is not what the start made."""
        return not _same(self.before, self.base)

    @property
    def differs(self) -> bool:
        """Whether what exists is not what the goal makes. A file that is its owner's does not count."""
        own = self.wanted and self.wanted.once and self.before
        return not own and not _same(self.before, self.wanted)

    @property
    def shown(self) -> FileAction:
        """The action in plans: what is kept stays unchanged."""
        return "unchanged" if self.action == "kept" else self.action

    @property
    def executable(self) -> bool | None:
        """What the executable bit of a file that exists becomes; None where it stays."""
        if not (self.before and self.after) or self.before.executable == self.after.executable:
            return None
        return self.after.executable

    @property
    def content(self) -> bytes:
        """What a plan is about: the goal's content or, where the goal has no such file, what stays."""
        return content_of(self.wanted or self.after)

    @property
    def written(self) -> File | None:
        """The file to be written; None where none is."""
        return None if _same(self.after, self.before) else self.after


def content_of(file: File | None) -> bytes:
    """A file's content; empty for no file."""
    return file.content if file else b""


def merge_trees(
    repo: Repo,
    start: Iterable[File],
    goal: Iterable[File],
    tree: Tree,
    prefix: str = "",
    merge: MergeTexts | None = None,
) -> tuple[FileChange, ...]:
    """Each file of the start and of the goal, by path: what brings ``tree`` from one to the other.

    Without ``merge``, what both sides changed is left as it is found.
    """
    made, wanted = (
        {file.path: replace(file, path=f"{prefix}{file.path}") for file in files} for files in (start, goal)
    )
    return tuple(
        _past(
            tree.obstacle(f"{prefix}{path}"),
            _merged(repo, made.get(path), wanted.get(path), _found(tree, f"{prefix}{path}"), merge),
        )
        for path in sorted({*made, *wanted}, key=PurePosixPath)
    )


def _found(tree: Tree, path: str) -> File | None:
    content = tree.read(path)
    return None if content is None else File(path, content, tree.executable(path))


def _past(obstacle: Obstacle | None, change: FileChange) -> FileChange:
    """The change where something may be in its way: nothing is written through a link, nor in its place.

    A link whose file can't be read counts as a file with the link's own text, which someone put there.
    """
    if obstacle is None:
        return change
    if change.before is not None or obstacle.path != change.path:  # read through links, or nothing is there
        writes = change.written is not None or change.action == "delete"
        return replace(change, action="conflict", after=change.before, obstacle=obstacle) if writes else change
    found, base, wanted = File(change.path, obstacle.text), change.base, change.wanted
    settled = wanted is not None and (wanted.once or (base is not None and _same(base, wanted)))
    action: FileAction = "kept" if settled else "conflict"
    return replace(change, action=action, before=found, after=found, obstacle=obstacle)


def _same(one: File | None, other: File | None) -> bool:
    if one is None or other is None:
        return one is other
    return (one.content, one.executable) == (other.content, other.executable)


def _merged(
    repo: Repo, base: File | None, wanted: File | None, found: File | None, merge: MergeTexts | None
) -> FileChange:
    path = next(file.path for file in (wanted, base) if file)
    action, after = _outcome(base, wanted, found, merge)
    if after and found:
        after = replace(after, executable=_mode(base, wanted, found))
        if action in ("unchanged", "kept") and after.executable != found.executable:
            action = "update"
        elif action == "unchanged" and not _same(found, wanted):
            action = "kept"  # in another mode, or with other line ends
    return FileChange(repo, path, action, found, after, base, wanted)


def _mode(base: File | None, wanted: File | None, found: File) -> bool:
    """The goal's mode, unless someone changed it, or there is nothing to compare it with."""
    untouched = base is not None and found.executable == base.executable
    return wanted.executable if wanted and untouched and not wanted.once else found.executable


def _outcome(
    base: File | None, wanted: File | None, found: File | None, merge: MergeTexts | None
) -> tuple[FileAction, File | None]:
    """The action and the file, its mode aside.

    A file with line ends of another system is merged without them, and keeps them, also where it has both kinds.
    """
    if merge is None or found is None or b"\r\n" not in found.content or (base and b"\r\n" in base.content):
        return _decided(base, wanted, found, merge)
    plain = replace(found, content=found.content.replace(b"\r\n", b"\n"))
    action, after = _decided(base, wanted, plain, merge)
    if after is None or after.content == plain.content:
        return action, after and found
    return action, replace(after, content=_with_line_ends(found.content, after.content))


def _with_line_ends(found: bytes, plain: bytes) -> bytes:
    """``plain``, made of ``found``, with its line ends: each kept line's own, and for new lines the most frequent."""
    most = b"\r\n" if 2 * found.count(b"\r\n") > found.count(b"\n") else b"\n"
    if found.count(b"\r\n") == found.count(b"\n"):
        return plain.replace(b"\n", most)
    own, wanted = found.splitlines(keepends=True), plain.splitlines(keepends=True)
    bare = [line.removesuffix(b"\r\n") + b"\n" if line.endswith(b"\r\n") else line for line in own]
    lines: list[bytes] = []
    for tag, start, end, at, stop in SequenceMatcher(None, bare, wanted, autojunk=False).get_opcodes():
        new = [line.removesuffix(b"\n") + most if line.endswith(b"\n") else line for line in wanted[at:stop]]
        lines += own[start:end] if tag == "equal" else new
    return b"".join(lines)


def _decided(
    base: File | None, wanted: File | None, found: File | None, merge: MergeTexts | None
) -> tuple[FileAction, File | None]:
    if found is None:
        return _missing(base, wanted)
    if wanted is not None and wanted.content == found.content:
        return "unchanged", found
    if wanted is not None and merge and posixpath.basename(wanted.path) == ANSWERS_FILE:
        return "update", wanted
    if wanted is not None and wanted.once:
        return "kept", found
    if base is not None and base.content == found.content:
        return ("delete", None) if wanted is None else ("update", wanted)
    if wanted is None:
        return "conflict", found
    if base is not None and wanted.content == base.content:
        return "kept", found
    return ("conflict", found) if merge is None else _by_lines(base, wanted, found, merge)


def _by_lines(base: File | None, wanted: File, found: File, merge: MergeTexts) -> tuple[FileAction, File | None]:
    """What both sides changed, line by line."""
    merged, conflicts = merge(found.content, content_of(base), wanted.content)
    if not is_utf8(found.content) and _adds_other_characters(found.content, merged):
        return "conflict", found  # two encodings in one file
    if conflicts:
        return "conflict", replace(found, content=merged)
    return ("unchanged" if merged == found.content else "update"), replace(found, content=merged)


def _adds_other_characters(before: bytes, after: bytes) -> bool:
    return not all(line.isascii() for line in {*after.splitlines()} - {*before.splitlines()})


def _missing(base: File | None, wanted: File | None) -> tuple[FileAction, File | None]:
    """A file that others removed stays removed; one that is created once comes again, as with copier."""
    if wanted is None:
        return "unchanged", None
    return ("kept", None) if base and not wanted.once else ("create", wanted)
