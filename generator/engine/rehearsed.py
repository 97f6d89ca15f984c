"""What Terraform would do with a plan: the stacks that it touches, before and after. Writes nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from generator.base.errors import NewserviceError
from generator.infra_repo.attributes import Attributes
from generator.infra_repo.entries import RegistrationChange
from generator.infra_repo.tree_diff import FileChange
from generator.infra_repo.trees import Listing, Overlaid
from generator.platform.profile import Platform
from generator.rehearsal import MISSING, Rehearsal, Rehearsals, available

SWITCH = "NEWSERVICE_REHEARSAL"
"""The environment variable by which plans go without a rehearsal: ``never``."""


@dataclass(frozen=True)
class Rehearsed:
    """What Terraform would do with each stack that is touched, and why that is not known where it isn't."""

    rehearsals: tuple[Rehearsal, ...] = ()
    notes: tuple[str, ...] = ()


@contextmanager
def opened(platform: Platform) -> Iterator[Rehearsals]:
    """A Terraform for any number of rehearsals, which ends with the block."""
    rehearsals = Rehearsals(stateful=platform.infra.stateful)
    try:
        yield rehearsals
    finally:
        rehearsals.close()


def rehearse(
    platform: Platform,
    tree: Callable[[], Listing],
    files: Iterable[FileChange],
    entries: Iterable[RegistrationChange],
    environ: Mapping[str, str] = os.environ,
) -> Rehearsed:
    """Rehearse what a plan makes of ``tree``, the infra repository as it is applied.

    Without the optional extra, or where Terraform does not work, there is a note in place of it.
    """
    contents = dict(_contents(files, entries))
    stacks = stacks_of(platform, contents)
    if not stacks or environ.get(SWITCH) == "never":
        return Rehearsed()
    if not available():
        return Rehearsed(notes=(MISSING,))
    base = tree()
    before, after = unfiltered(base), unfiltered(Overlaid(base, contents))
    found: list[Rehearsal] = []
    try:
        with opened(platform) as rehearsals:
            for stack in stacks:
                applied = before if before.paths(stack) else None
                found.append(rehearsals.rehearse(stack, applied, after))
    except NewserviceError as error:
        return Rehearsed(tuple(found), (f"{error.message}: what Terraform would do is not shown",))
    return Rehearsed(tuple(item for item in found if item.changes or item.refused or item.unrecorded))


def _contents(files: Iterable[FileChange], entries: Iterable[RegistrationChange]) -> Iterator[tuple[str, bytes | None]]:
    """What is different in the infra repository afterwards, by path."""
    for item in files:
        if item.repo == "infra" and item.after != item.before:
            yield item.path, item.after.content if item.after else None
    for entry in entries:
        if entry.after != entry.before:
            yield entry.path, entry.after.encode()


def stacks_of(platform: Platform, paths: Iterable[str]) -> list[str]:
    """The folders of the stacks that have any of these paths, in order."""
    names = dict.fromkeys(filter(None, map(platform.infra.stack_of, paths)))
    return [platform.infra.stack(name).rstrip("/") for name in names]


def unfiltered(tree: Listing) -> Listing:
    """A tree without the files that git stores through a filter: a rehearsal reads no secret, open or encrypted."""
    return _Unfiltered(tree, {}, Attributes(tree))


@dataclass(frozen=True)
class _Unfiltered(Overlaid):
    attributes: Attributes

    def read(self, path: str) -> bytes | None:
        return None if self.attributes.filter(path) else self.below.read(path)
