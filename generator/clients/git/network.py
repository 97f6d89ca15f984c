"""Git on the network: in a temporary repository that borrows another one's objects.

Neither the clone's configuration nor the user's affects where a token is sent; and the clone only gains objects,
nothing else in it changes.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from generator.base.errors import RefusedError, SystemFailure
from generator.clients.git.process import configuration, isolated_environment, run_git
from generator.clients.git.remote import PERMANENT, Remote

_CONFIGURATION = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"

# Git's maintenance would know the references of our repository only, and delete objects that the clone's need.
_NO_MAINTENANCE = {"gc.auto": "0", "maintenance.auto": "false", "fetch.writeCommitGraph": "false"}

# If the clone itself borrows objects, git would read that repository with that repository's configuration.
_NO_LOOK_ELSEWHERE = {"core.alternateRefsCommand": "true"}

_FETCH = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules")


@dataclass(frozen=True)
class Store:
    """Where a repository keeps its objects.

    ``common`` is the folder that its working trees share, ``tips`` are the ids that its references name, and
    ``shared`` says who may write there (git's ``core.sharedRepository``, empty without it).
    """

    common: Path
    tips: frozenset[str] = frozenset()
    shared: str = ""

    @property
    def _shallow(self) -> Path:
        return self.common / "shallow"

    def boundary(self) -> bytes | None:
        """Where history is cut off; None if it is complete."""
        try:
            return self._shallow.read_bytes()
        except FileNotFoundError:
            return None

    def move_boundary(self, before: bytes | None, after: bytes | None) -> None:
        """Move the point where history is cut off, after a fetch that deepened or shortened it.

        Raises ``SystemFailure`` if another git is doing so, or has done so since ``before`` was read.
        """
        lock = self.common / "shallow.lock"
        try:
            descriptor = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        except FileExistsError:
            raise self._moved() from None
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(after or b"")
            if self.boundary() != before:
                raise self._moved()
            if before is not None:
                shutil.copymode(self._shallow, lock)
            if after is None:
                self._shallow.unlink()
        except BaseException:
            lock.unlink()
            raise
        if after is None:
            lock.unlink()
        else:
            lock.replace(self._shallow)

    def _moved(self) -> SystemFailure:
        message, hint = f"another git is fetching into {self.common}", "wait a moment, then run the same command again"
        return SystemFailure("git.failed", message, hint, passing=True)


def push(store: Store, remote: Remote, url: str, references: Iterable[str], *options: str) -> None:
    """Push ``references`` (``<id>:<full name>``) to ``url``, none of them by force.

    Raises ``SystemFailure`` when one is rejected or the forge can't be reached, ``RefusedError`` if git would use
    another address.
    """
    with borrowing(store) as (folder, _):
        _talk(folder, store, remote, url, "push", "--porcelain", *options, url, *references)


def fetch(store: Store, remote: Remote, url: str, references: Iterable[str], *options: str) -> None:
    """Fetch the objects of ``references`` (full names) of ``url`` into the store. Raises the same as ``push``."""
    with borrowing(store) as (folder, _):
        before = Store(folder).boundary()
        _talk(folder, store, remote, url, *_FETCH, *options, url, *references)
        after = Store(folder).boundary()
        if after != before:
            store.move_boundary(before, after)


@contextmanager
def borrowing(store: Store) -> Iterator[tuple[Path, dict[str, str]]]:
    """A repository without objects of its own, with the same tips and shallow boundary as the store.

    Yields its folder, and the environment for local commands in it: no settings and attributes but its own.
    It is written without git: the layout that ``git init`` chooses depends on the version of git.
    """
    with tempfile.TemporaryDirectory(prefix="newservice-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "refs").mkdir()
        (folder / "HEAD").write_text("ref: refs/heads/none\n")
        (folder / "config").write_text(_CONFIGURATION)
        (folder / "packed-refs").write_text("".join(f"{sha} refs/clone/{sha}\n" for sha in sorted(store.tips)))
        boundary = store.boundary()
        if boundary is not None:
            (folder / "shallow").write_bytes(boundary)
        places = {"GIT_DIR": name, "GIT_OBJECT_DIRECTORY": str(store.common / "objects")}
        yield folder, isolated_environment(places, {"core.sharedRepository": store.shared})


def _talk(folder: Path, store: Store, remote: Remote, url: str, *arguments: str) -> None:
    """Run git with the network; the only place where it gets the token."""
    settings = {**remote.settings, **_NO_MAINTENANCE, **_NO_LOOK_ELSEWHERE, f"remote.{url}.url": url}
    if store.shared:
        settings["core.sharedRepository"] = store.shared
    environment = {
        **remote.environment(),
        "HOME": str(folder),  # curl would take another credential from ~/.netrc
        "GIT_DIR": str(folder),
        "GIT_OBJECT_DIRECTORY": str(store.common / "objects"),
        "GIT_NO_REPLACE_OBJECTS": "1",
    }
    _check_address(folder, url, {**environment, **configuration(settings)})
    secret = {**configuration({**settings, **remote.authorization}), **remote.credential}
    try:
        run_git(folder, *arguments, environment={**environment, **secret}, longest=remote.longest)
    except SystemFailure as error:
        heals = not any(word in error.message.lower() for word in PERMANENT)
        way = f", through the proxy {remote.proxy}" if remote.proxy else ""
        raise SystemFailure(error.code, f"{error.message}{way}", error.hint, passing=heals) from None


def _check_address(folder: Path, url: str, environment: Mapping[str, str]) -> None:
    """Raise ``RefusedError`` unless git fetches from and pushes to exactly this address, and knows no other.

    This can only fail with a git that was modified or comes with its own configuration.
    """
    known = run_git(folder, "remote", "--verbose", environment=environment)
    if known != f"{url}\t{url} (fetch)\n{url}\t{url} (push)\n":
        addresses = "; ".join(known.replace("\t", " ").splitlines())
        raise RefusedError(
            "git.rewritten",
            f"git sends {url} elsewhere: {addresses}",
            "look for a rule (url.*.insteadOf) that your git brings along: `type -a git`, `git config --list "
            "--show-origin`; a token is sent to the forge only",
        )
