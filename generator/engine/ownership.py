"""Who owns a thing: the proofs that newservice made it for a service, and what others changed in it since. Pure.

``docs/decisions/0005-ownership.md`` says why each proof is one. Steps, removals and the fleet decide from these alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from generator.base.secrets import Secret
from generator.engine.recorded import Recorded
from generator.infra_repo.fingerprints import Blob, differing, sealed

if TYPE_CHECKING:  # importing the clients takes a while, and what only plans files needs none
    from generator.clients.forgejo import Repository
    from generator.clients.github import Mirror
    from generator.clients.vault import Entry
    from generator.clients.woodpecker import Registration

MARK = " (made by newservice)"
"""Ends the description of a repository that newservice made: the proof while it is still empty."""

MADE_BY = "Made by newservice."
"""Stands in the message of each of newservice's commits to the infra repository."""

NOTE = "newservice"
"""The note on a secret by which newservice recognizes the version that it wrote."""


@dataclass(frozen=True)
class Ownership:
    """Whether a thing is newservice's, and what in it is not: commits, paths or references of others, for people."""

    ours: bool
    others: tuple[str, ...] = ()

    @property
    def untouched(self) -> bool:
        """Whether newservice made all of it."""
        return self.ours and not self.others


def of_tree(recorded: Recorded, name: str) -> Ownership:
    """A service's repository, its folder, or a stack: its answers file names the service."""
    return Ownership(recorded.name == name)


def of_repository(repository: Repository, recorded: Recorded, name: str, *, empty: bool | None = None) -> Ownership:
    """The canonical repository: by its tree or, while it is ``empty``, by the mark in its description.

    ``empty`` corrects what the forge says, which may be late.
    """
    still_empty = repository.empty if empty is None else empty
    marked = still_empty and repository.description.endswith(MARK)
    return Ownership(marked or (not still_empty and of_tree(recorded, name).ours))


def of_mirror(mirror: Mirror, description: str) -> Ownership:
    """The mirror: it carries the description that newservice writes."""
    return Ownership(mirror.description == description)


def of_registration(registration: Registration, mirror_id: int | None) -> Ownership:
    """Woodpecker's registration: it belongs to the mirror's own number, not to an earlier repository of that name."""
    return Ownership(mirror_id is not None and registration.forge_remote_id == str(mirror_id))


def of_secret(entry: Entry) -> Ownership:
    """The newest version of a secret: newservice wrote it, and nobody has written since.

    The note holds Vault's own time of the version or, as long as that is not noted, proof of a value in it.
    """
    noted = entry.notes.get(NOTE)
    if not entry.names or noted is None:
        return Ownership(False)
    proofs = (intent(entry.version, name, entry.value(name) or Secret("")) for name in entry.names)
    return Ownership(noted == written(entry) or noted in proofs)


def written(entry: Entry) -> str:
    """The note on a version that exists."""
    return f"made version {entry.version} at {entry.created}"


def intent(version: int, name: str, value: Secret) -> str:
    """The note before a version is written: only who knows the value could have written it, and nobody guesses it.

    For generated values alone, with their 256 bits of chance: the digest of a person's value could be guessed.
    """
    digest = hashlib.sha256(f"newservice\0{name}\0{value.reveal()}".encode()).hexdigest()
    return f"makes version {version}, sha256:{digest}"


class CommitLike(Protocol):
    """A commit, from the forge or from a clone."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def message(self) -> str:
        """Its message."""


def signed(title: str, rest: str = "") -> str:
    """The message of a commit of newservice's to a repository that is not the service's own."""
    return f"{title}\n\n{MADE_BY}\n" + (f"\n{rest}" if rest else "")


def of_branch(commits: Iterable[CommitLike], titles: Iterable[str]) -> Ownership:
    """A branch, by the commits that it adds: each is signed, under a title that begins with one of ``titles``.

    It is newservice's as soon as one of them is, or where it adds none.
    """
    wanted, commits = tuple(titles), list(commits)
    others = tuple(commit.id[:8] for commit in commits if not _is_signed(commit.message, wanted))
    return Ownership(not commits or len(others) < len(commits), others)


def _is_signed(message: str, titles: tuple[str, ...]) -> bool:
    return message.startswith(titles) and message.splitlines()[1:3] == ["", MADE_BY]


def of_content(
    messages: Iterable[str], found: Mapping[str, Blob], rendered: Callable[[], Mapping[str, Blob]]
) -> Ownership:
    """Files by path: a commit's seal says that newservice wrote them, or they are as ``rendered`` now.

    The seal holds whatever template wrote them; ``rendered`` is called only where no seal matches.
    """
    if any(sealed(message, found) for message in messages):
        return Ownership(True)
    return Ownership(True, tuple(differing(rendered(), found)))


def of_references(wanted: Mapping[str, str], found: Mapping[str, str]) -> Ownership:
    """Branches and tags of a copy: those that ``wanted`` lacks, or has at something else, are others'."""
    return Ownership(True, tuple(name for name, sha in found.items() if wanted.get(name) != sha))
