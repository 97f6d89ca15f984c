"""From what is recorded to what is wanted: the one operation behind creating, updating and removing a service.

An end of it is what answers and a version of the template make of one tree, or ``NOTHING``. A creation begins with
nothing, a removal ends with it, and an update, or changed answers, leads from one end to another. In between are
three-way merges of files and of entries in shared files, so that what others changed stays theirs; the steps on the
systems are ``generator.engine.steps.steps_between``. Pure: nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from generator.infra_repo.attributes import check_filters
from generator.infra_repo.entries import Claimed, RegistrationChange, merge_entries, registered_files
from generator.infra_repo.registrations import Registration
from generator.infra_repo.tree_diff import FileChange, Repo, merge_trees
from generator.infra_repo.trees import Tree
from generator.template.files import ANSWERS_FILE, File


@dataclass(frozen=True)
class End:
    """The files of a tree, by their paths in it, and the entries in files that all services share."""

    files: tuple[File, ...] = ()
    entries: tuple[Registration, ...] = ()


NOTHING = End()
"""Before a service exists, and after it."""


@dataclass(frozen=True)
class Transition:
    """What brings a tree from one end to the other."""

    files: tuple[FileChange, ...] = ()
    entries: tuple[RegistrationChange, ...] = ()

    @property
    def shared(self) -> tuple[File, ...]:
        """Files that all services share, as they are to be."""
        return tuple(registered_files(self.entries))

    @property
    def written(self) -> tuple[File, ...]:
        """Files to be written, those that all services share among them."""
        return (*(file for item in self.files if (file := item.written)), *self.shared)

    @property
    def removed(self) -> tuple[str, ...]:
        """Paths of files to be removed."""
        return tuple(item.path for item in self.files if item.action == "delete")

    @property
    def conflicts(self) -> tuple[str, ...]:
        """Paths in which a person has to decide."""
        files = [item.path for item in self.files if item.action == "conflict"]
        entries = [item.path for item in self.entries if item.action == "refuse"]
        return tuple(dict.fromkeys([*files, *entries]))

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why a person has to decide, where that is not that both sides changed a file."""
        blocked = [item.blocked.error.message for item in self.files if item.blocked]
        refused = [item.reason for item in self.entries if item.action == "refuse" and item.reason]
        return tuple(dict.fromkeys([*blocked, *refused]))


NO_CHANGE = Transition()


def transition(
    start: End,
    goal: End,
    tree: Tree,
    repo: Repo,
    prefix: str = "",
    claimed: Claimed = lambda _: None,
) -> Transition:
    """What brings the files below ``prefix`` of a tree, and its shared files, from ``start`` to ``goal``.

    ``claimed`` finds what another service has of an entry, which then stays as that one's. While an entry is left to a
    person, the answers file goes on recording the start, so that it comes up again. Raises ``RefusedError`` for a file
    of the infra repository that a filter covers.
    """
    from generator.clients.git import merge_file  # heavy, and what only creates files merges none

    entries = tuple(merge_entries(start.entries, goal.entries, tree, claimed))
    merge = merge_file if start.files else None  # a creation never changes what exists
    files: Iterable[FileChange] = merge_trees(repo, start.files, goal.files, tree, prefix, merge)
    if start.files and goal.files and any(item.action == "refuse" for item in entries):
        files = (_held_back(item) if item.path == f"{prefix}{ANSWERS_FILE}" else item for item in files)
    found = Transition(tuple(files), entries)
    if repo == "infra":  # another repository is looked at where it is committed to
        check_filters(tree, (file.path for item in found.files if (file := item.written)))
    return found


def _held_back(item: FileChange) -> FileChange:
    return replace(item, action="unchanged", after=item.before)
