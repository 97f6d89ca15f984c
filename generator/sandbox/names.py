"""Repositories by name, and the names that they had: Forgejo and GitHub both forward an old one to its repository."""

from __future__ import annotations

from pathlib import Path
from typing import Generic, Protocol, TypeVar

from generator.sandbox.repositories import BareRepository


class Named(Protocol):
    """A repository that has an owner and a name."""

    owner: str
    name: str
    bare: BareRepository

    @property
    def full_name(self) -> str:
        """``owner/name``."""


Kept = TypeVar("Kept", bound=Named)


class Names(Generic[Kept]):
    """The repositories of one server; ``redirects`` are those that had another name earlier, by that name."""

    root: Path
    repositories: dict[str, Kept]
    redirects: dict[str, Kept]

    def repository(self, full_name: str) -> Kept:
        """A repository by ``owner/name``, case ignored. Raises KeyError if it does not exist."""
        return self.repositories[full_name.lower()]

    def rename(self, full_name: str, owner: str, name: str) -> Kept:
        """Give a repository another owner or name; its old name leads there from now on."""
        repository = self.repositories.pop(full_name.lower())
        place = self.root / owner / f"{name}.git"
        place.parent.mkdir(exist_ok=True)
        repository.owner, repository.name = owner, name
        repository.bare = BareRepository(repository.bare.path.rename(place))
        self.repositories[repository.full_name.lower()] = repository
        self.redirects[full_name.lower()] = repository
        self.redirects.pop(repository.full_name.lower(), None)
        return repository

    def forwarded(self, owner: str, name: str) -> Kept | None:
        """The repository that had this name earlier, as long as none has it now."""
        full_name = f"{owner}/{name}".lower()
        found = None if full_name in self.repositories else self.redirects.get(full_name)
        return found if found and found in self.repositories.values() else None
