"""A repository: reading it, adding objects to it, and pushing to the forge."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from generator.base.errors import PreflightError, SystemFailure
from generator.base.lazy_import import lazily
from generator.clients.git import network, signing
from generator.clients.git.authors import FALLBACK_AUTHOR, Signature
from generator.clients.git.building import build_tree
from generator.clients.git.process import (
    PLAIN,
    as_text,
    configuration,
    failure,
    git_process,
    is_no_repository,
    local_environment,
    run_git,
    words,
)
from generator.clients.git.reading import Reader, lost
from generator.clients.git.remote import Remote
from generator.clients.git.signing import Signer
from generator.clients.git.status import uncommitted
from generator.infra_repo.fingerprints import EXECUTABLE
from generator.template.files import File

if TYPE_CHECKING:
    import git
else:
    git = lazily("git")


@dataclass(frozen=True)
class LoggedCommit:
    """A commit, as ``git log`` lists it."""

    id: str
    parents: tuple[str, ...]
    message: str

    @classmethod
    def of(cls, entry: str) -> LoggedCommit:
        """The commit in the format ``%H%x01%P%x01%B``."""
        sha, parents, message = entry.split("\x01", 2)
        return cls(sha, tuple(parents.split()), message)


_ID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")

REMEDY_FOR_UNFIT = "clone the infra repository without --filter and with sha1 ids, and name that clone with --infra"

_NO_OBJECT = "0" * 40
"""The id that removes a path from the index."""


class Repository:
    """A repository on this machine."""

    def __init__(self, path: Path, git_dir: Path, reader: Reader | None = None) -> None:
        self.path = path
        """The working tree."""
        self.git_dir = git_dir
        """Where git keeps this working tree's own state."""
        self.signing_key: Path | None = None
        """An SSH key that signs what is committed here, whatever the person's git does."""
        self._reader = reader or Reader(path)

    @classmethod
    def open(cls, path: Path) -> Repository | None:
        """The repository whose working tree is ``path``, or a bare one there; None if there is none.

        Raises ``PreflightError`` with git's message if git refuses to work in it.
        """
        found = cls.around(path)
        return found if found and found.path == path.absolute() else None

    @classmethod
    def around(cls, path: Path) -> Repository | None:
        """The repository that ``path`` is in; None if there is none. Raises ``PreflightError`` as ``open`` does."""
        if not _is_folder(path):
            return None
        try:
            asked = git_process(path, "rev-parse", "--git-dir")  # only git itself knows whether it works there
            if is_no_repository(asked):
                return None
            if asked.status:
                raise failure(path, ("rev-parse",), asked)
        except SystemFailure as error:  # nothing was done with it yet
            raise PreflightError(error.code, error.message, error.hint) from error
        try:
            found = git.Repo(path, search_parent_directories=True)
        except (git.InvalidGitRepositoryError, git.NoSuchPathError):  # the path is in git's own folder
            return None
        place, git_dir = Path(found.working_tree_dir or found.git_dir), Path(found.git_dir)
        found.close()
        return cls(path.absolute() if place.resolve() == path.resolve() else place, git_dir)

    def close(self) -> None:
        """End the git process that reads objects."""
        self._reader.close()

    def head(self, ref: str = "HEAD") -> str | None:
        """Commit id of a reference, or None. Raises ``SystemFailure`` if the commit that it names is missing."""
        found = self._reader.read(f"{ref}^{{commit}}")
        if found is not None:
            return found.id
        if not ref or _ID.fullmatch(ref):
            return None
        named = git_process(self.path, "rev-parse", "--verify", "--quiet", ref)
        if named.status == 0:
            raise lost(self.path, os.fsdecode(named.out).strip())
        if words(named):
            raise failure(self.path, ("rev-parse", ref), named)
        return None

    def origin(self, sha: str) -> LoggedCommit | None:
        """The commit with which the history of ``sha`` begins, the oldest of several; None where it is not here."""
        output = self._git("log", "-z", "--max-parents=0", "--format=%H%x01%P%x01%B", sha, "--")
        found = [entry for entry in output.split("\0") if entry.strip()]
        return LoggedCommit.of(found[-1]) if found else None

    def has(self, sha: str) -> bool:
        """Whether the commit is in this repository."""
        return self.head(sha) == sha

    def dirty(self, paths: Iterable[str]) -> list[str]:
        """Those of ``paths`` that have changes which are not committed."""
        return uncommitted(self.path, paths)

    def hidden(self, paths: Iterable[str]) -> list[str]:
        """Files among and below ``paths`` whose state git does not check: sparse, or assumed unchanged."""
        wanted = list(paths)
        output = self._git("ls-files", "-v", "-z", "--", *wanted) if wanted else ""
        return [entry[2:] for entry in output.split("\0") if entry and (entry[0] == "S" or entry[0].islower())]

    def mark_unmerged(self, versions: Mapping[str, tuple[bytes | None, bytes | None, bytes | None]]) -> None:
        """Mark files as conflicting in the index, as a merge does: git commits none of them until they are added.

        ``versions`` by path: the common ancestor, ours, and theirs; None if a side has no such file.
        """
        lines = []
        for path, contents in versions.items():
            staged = self._git("ls-files", "--stage", "-z", "--", path).split(" ", 1)[0] or "100644"
            lines.append(f"0 {_NO_OBJECT}\t{path}")
            for stage, content in enumerate(contents, 1):
                if content is not None:
                    stored = self._git("hash-object", "-w", "--stdin", given=content).strip()
                    lines.append(f"{staged} {stored} {stage}\t{path}")
        self._git("update-index", "-z", "--index-info", given="".join(f"{line}\0" for line in lines).encode())

    def file(self, sha: str, path: str) -> bytes | None:
        """Content of a file in a commit, or None. Raises ``SystemFailure`` if part of the commit is missing."""
        found = self._reader.file(sha, path) if sha else None
        return found.content if found else None

    def executable(self, sha: str, path: str) -> bool:
        """Whether a file in a commit is executable."""
        return bool(sha) and self._reader.mode(sha, path) == EXECUTABLE

    def blob(self, sha: str) -> bytes | None:
        """Content of a blob by its id, or None if this repository lacks it."""
        found = self._reader.read(sha) if _ID.fullmatch(sha) else None
        return found.content if found else None

    def reset_index(self, paths: Iterable[str]) -> None:
        """Reset these paths in the index to the last commit; the working tree stays as it is."""
        self._git("reset", "--quiet", "--", *paths)

    def paths(self, sha: str, folder: str) -> list[str]:
        """Paths of all files below a folder in a commit."""
        output = self._git("ls-tree", "-r", "-z", "--name-only", sha, "--", folder)
        return [path for path in output.split("\0") if path]

    def commit_onto(
        self,
        base: str,
        files: Iterable[File],
        message: str,
        merged: Iterable[str] = (),
        removed: Iterable[str] = (),
        tree: str = "",
        *,
        signed: bool = False,
    ) -> str:
        """Make a commit with ``files`` and without the paths ``removed`` on top of ``base`` and return its id.

        ``merged`` are further parents; ``tree`` is the tree to start from instead of the base's own files. It is signed
        where the person's git signs commits, the profile names a key, or it must be (``signed``).

        Works on objects alone: the checkout, its index and its branches stay as they are.
        """
        tree = build_tree(self.path, tree or base, files, removed)
        return self._committed(tree, (base, *merged), message, self._author(), self.signer(required=signed))

    def commit_alone(self, files: Iterable[File], parents: Iterable[str], message: str, signature: Signature) -> str:
        """Make a commit of exactly ``files`` and return its id, which is the same on every machine: so it is never
        signed."""
        settings = configuration({**PLAIN, "i18n.commitEncoding": "utf-8"})
        return self._committed(
            build_tree(self.path, "", files), parents, message, {**settings, **signature.environment}
        )

    def _committed(
        self,
        tree: str,
        parents: Iterable[str],
        message: str,
        environment: Mapping[str, str],
        signer: Signer | None = None,
    ) -> str:
        arguments = ("commit-tree", tree, "-F", "-", *(word for parent in parents for word in ("-p", parent)))
        return signing.commit(self.path, arguments, signer, local_environment(environment), message.encode()).strip()

    def signer(self, *, required: bool = False) -> Signer | None:
        """How commits made here are signed; None where they aren't. ``required``: they must be."""
        return signing.signer_for(self.path, self.signing_key, required=required)

    def try_signing(self, signer: Signer) -> None:
        """Sign something that nobody keeps, as the person who commits here. Raises ``SystemFailure`` if that fails."""
        asked = git_process(self.path, "var", "GIT_COMMITTER_IDENT")
        name, _, rest = as_text(asked.out).partition(" <")
        known = {"NAME": name, "EMAIL": rest.partition(">")[0]} if not asked.status else {}
        identity = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in known.items()}
        with tempfile.TemporaryDirectory(prefix="newservice-", ignore_cleanup_errors=True) as folder:
            run_git(Path(folder), "init", "--quiet", "--template=", "--object-format=sha1", "--bare")
            signing.try_signing(Path(folder), signer, identity or self._author())

    def merge(self, ours: str, theirs: str) -> tuple[str, list[str]]:
        """The tree that results from merging two commits, and its conflicting paths. No reference is moved."""
        command = ("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", ours, theirs)
        ended = git_process(self.path, *command)
        if ended.status not in (0, 1) or not ended.out:
            raise failure(self.path, command, ended)
        tree, *conflicting = [part for part in os.fsdecode(ended.out).split("\0") if part]
        return tree, conflicting

    def commit_all(self, message: str) -> None:
        """Commit every file of the working tree, including those that the user's global ignore rules match.

        It is signed where the person's git signs commits, or the profile names a key.
        """
        self._git("add", "--all", "--force")
        arguments = ("commit", "--quiet", "--no-verify", "-m", message)
        signing.commit(self.path, arguments, self.signer(), local_environment(self._author()))

    def name_origin(self, url: str) -> None:
        """Add the canonical address as ``origin``, unless an ``origin`` already exists."""
        if "origin" not in self._git("remote").split():
            self._git("remote", "add", "origin", url)

    def remotes(self) -> list[str]:
        """The addresses of all remotes."""
        found = git_process(self.path, "config", "--get-regexp", r"^remote\..*\.url$")
        return [line.partition(" ")[2] for line in as_text(found.out).splitlines()]

    def branch(self) -> str:
        """The branch that is checked out; empty if none is."""
        return as_text(git_process(self.path, "symbolic-ref", "--quiet", "--short", "HEAD").out).strip()

    def is_ancestor(self, sha: str, other: str) -> bool:
        """Whether a commit is, or comes before, another; both are here."""
        return git_process(self.path, "merge-base", "--is-ancestor", sha, other).status == 0

    def switch(self, branch: str, sha: str) -> None:
        """Check out ``branch``, which is made or moved to ``sha``. Local changes stay.

        Raises ``SystemFailure`` where git refuses because a file would be overwritten.
        """
        self._git("checkout", "--quiet", "--no-track", "--no-overwrite-ignore", "-B", branch, sha)

    @property
    def unfit(self) -> str:
        """Why commits for the forge can't be built from the objects here; empty if they can."""
        wanted = r"^(extensions\.partialclone|remote\..*\.promisor)$"
        found = git_process(self.path, "config", "--get-regexp", wanted)
        if any(not line.endswith(" false") for line in as_text(found.out).splitlines()):
            return "is a partial clone: git would fetch what it lacks half-way, with the clone's own settings"
        kind = self._git("rev-parse", "--show-object-format").strip()
        return "" if kind == "sha1" else f"has {kind} ids, which the forge does not take together with those of sha1"

    def push(self, remote: Remote, url: str, sha: str, branch: str) -> None:
        """Push a commit to a branch of ``url``, never by force.

        Raises ``SystemFailure`` when it is rejected or the forge can't be reached.
        """
        network.push(self._store(), remote, url, [f"{sha}:refs/heads/{branch}"])

    def push_references(self, remote: Remote, url: str, references: Mapping[str, str]) -> None:
        """Push commits under full names (``refs/tags/...``) to ``url``: all of them or none, and none by force.

        Raises ``SystemFailure`` when one is rejected or the forge can't be reached.
        """
        pairs = [f"{sha}:{name}" for name, sha in references.items()]
        network.push(self._store(), remote, url, pairs, "--atomic")

    def delete_branch(self, remote: Remote, url: str, sha: str, branch: str) -> None:
        """Delete a branch of ``url`` that is still at ``sha``: one that has moved on is left alone.

        Raises ``SystemFailure`` when it is rejected or the forge can't be reached.
        """
        reference = f"refs/heads/{branch}"
        network.push(self._store(), remote, url, [f":{reference}"], f"--force-with-lease={reference}:{sha}")

    def fetch(self, remote: Remote, url: str, branch: str) -> None:
        """Fetch a branch's objects; no reference and no checkout is moved."""
        network.fetch(self._store(tips=True), remote, url, [f"refs/heads/{branch}"])

    def _store(self, *, tips: bool = False) -> network.Store:
        """Where the objects are; with ``tips``, also what a fetch needs: the tips, and who may write there."""
        common = Path(self._git("rev-parse", "--path-format=absolute", "--git-common-dir").removesuffix("\n"))
        if not tips:
            return network.Store(common)
        ids = [*self._git("for-each-ref", "--format=%(objectname)").split(), self.head()]
        shared = self._git("config", "--default", "", "--get", "core.sharedRepository").strip()
        return network.Store(common, frozenset(filter(None, ids)), shared)

    def _author(self) -> dict[str, str]:
        """Empty if git knows who commits, otherwise variables that name newservice as the author."""
        asked = ("var", "GIT_COMMITTER_IDENT")
        ended = git_process(self.path, *asked)
        if ended.status < 0:
            raise failure(self.path, asked, ended)
        if ended.status:
            roles = ("AUTHOR", "COMMITTER")
            return {f"GIT_{role}_{key.upper()}": value for role in roles for key, value in FALLBACK_AUTHOR.items()}
        return {}

    def _git(self, *arguments: str, env: Mapping[str, str] | None = None, given: bytes = b"") -> str:
        return run_git(self.path, *arguments, environment=local_environment(env), given=given)


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except PermissionError:
        return True  # git says what is wrong with it
    except OSError:
        return False
