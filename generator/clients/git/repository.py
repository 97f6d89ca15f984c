"""A repository: reading it, adding objects to it, and pushing to the forge."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from generator.base.contained import Obstacle
from generator.base.errors import PreflightError, SystemFailure
from generator.clients.git import network, signing
from generator.clients.git.authors import Signature, author_in
from generator.clients.git.building import build_tree
from generator.clients.git.process import (
    as_text,
    failure,
    git_process,
    init,
    is_no_repository,
    local_environment,
    run_git,
    words,
)
from generator.clients.git.reading import Reader, lost
from generator.clients.git.remote import Remote
from generator.clients.git.signing import Signer
from generator.clients.git.working_tree import filtered, staged_executables, uncommitted, unfiltered
from generator.infra_repo.fingerprints import EXECUTABLE, mode_of
from generator.infra_repo.trees import Folder
from generator.template.files import File


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

    def __init__(
        self,
        path: Path,
        git_dir: Path,
        reader: Reader | None = None,
        signing_key: Path | None = None,
    ) -> None:
        self.path = path
        """The working tree."""
        self.git_dir = git_dir
        """Where git keeps this working tree's own state."""
        self.signing_key = signing_key
        """An SSH key that signs what is committed here, whatever the person's git does."""
        self._reader = reader or Reader(path)
        self._paths: dict[tuple[str, str], tuple[str, ...]] = {}
        self.ask_in: Callable[[], AbstractContextManager[Path]] = lambda: nullcontext(self.path)
        """The folder in which git is asked who commits here, and how that is signed."""

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
        asked = ("rev-parse", "--is-inside-work-tree", "--is-bare-repository", "--absolute-git-dir", "--show-cdup")
        try:
            ended = git_process(path, *asked)  # only git itself knows whether it works there
            if is_no_repository(ended):
                return None
            if ended.status:
                raise failure(path, asked, ended)
            inside, bare, folder = as_text(ended.out).removesuffix("\n").split("\n", 2)
            if inside == "true":
                folder, _, up = folder.rpartition("\n")
                place = Path(os.path.normpath(path.resolve() / up))
            elif bare == "true":
                place = Path(folder)
            else:  # the path is in git's own folder, or the working tree is elsewhere
                return None
        except SystemFailure as error:  # nothing was done with it yet
            raise PreflightError(error.code, error.message, error.hint) from error
        return cls(path.absolute() if place.resolve() == path.resolve() else place, Path(folder))

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

    def origins(self, sha: str, path: str) -> list[LoggedCommit]:
        """The commits with which the history of a file in ``sha`` begins, where they begin all history."""
        output = self._git("log", "-z", "--max-parents=0", "--format=%H%x01%P%x01%B", sha, "--", path)
        return [LoggedCommit.of(entry) for entry in output.split("\0") if entry.strip()]

    def has(self, sha: str) -> bool:
        """Whether the commit is in this repository."""
        return self.head(sha) == sha

    def dirty(self, paths: Iterable[str]) -> list[str]:
        """Those of ``paths`` that have changes which are not committed, as far as no filter has to say so."""
        return uncommitted(self.path, paths)

    def filtered(self, paths: Iterable[str]) -> dict[str, str]:
        """Those of ``paths`` that a filter (git-crypt, LFS) covers in the working tree, and the filter's name."""
        return filtered(self.path, paths)

    def differing(self, sha: str, other: str) -> list[str]:
        """Paths that differ between two commits."""
        output = self._git("diff-tree", "-r", "-z", "--no-renames", "--name-only", sha, other)
        return [path for path in output.split("\0") if path]

    def changed_since(self, sha: str) -> list[str]:
        """Paths that differ in the working tree from a commit, those that git does not know yet among them."""
        plain = unfiltered(self.path)  # no filter of the repository runs for this
        tracked = self._git("diff", "--name-only", "--no-renames", "--no-ext-diff", "-z", sha, "--", env=plain)
        others = self._git("ls-files", "--others", "--exclude-standard", "-z")
        return [path for path in f"{tracked}{others}".split("\0") if path]

    def hidden(self, paths: Iterable[str]) -> list[str]:
        """Files among and below ``paths`` whose state git does not check: sparse, or assumed unchanged."""
        wanted = list(paths)
        output = self._git("ls-files", "-v", "-z", "--", *wanted) if wanted else ""
        return [entry[2:] for entry in output.split("\0") if entry and (entry[0] == "S" or entry[0].islower())]

    def stage_modes(self, files: Mapping[str, bool]) -> None:
        """Stage files with these executable bits, where the file system has none."""
        for flag, wanted in (("+x", True), ("-x", False)):
            paths = [path for path, executable in files.items() if executable is wanted]
            if paths:
                self._git("update-index", "--add", f"--chmod={flag}", "--", *paths)

    def mark_unmerged(self, versions: Mapping[str, tuple[File | None, File | None, File | None]]) -> None:
        """Mark files as conflicting in the index, as a merge does: git commits none of them until they are added.

        ``versions`` by path: the common ancestor, ours, and theirs; None if a side has no such file.
        """
        environment, lines = unfiltered(self.path), []  # as it is stored: line endings are converted
        for path, files in versions.items():
            lines.append(f"0 {_NO_OBJECT}\t{path}")
            for stage, file in enumerate(files, 1):
                if file is not None:
                    command = ("hash-object", "-w", "--stdin", "--path", path)
                    stored = run_git(self.path, *command, environment=environment, given=file.content).strip()
                    lines.append(f"{mode_of(file)} {stored} {stage}\t{path}")
        self._git("update-index", "-z", "--index-info", given="".join(f"{line}\0" for line in lines).encode())

    def file(self, sha: str, path: str) -> bytes | None:
        """Content of a file in a commit, or None. Raises ``SystemFailure`` if part of the commit is missing."""
        found = self._reader.file(sha, path) if sha else None
        return found.content if found else None

    def executable(self, sha: str, path: str) -> bool:
        """Whether a file in a commit is executable."""
        return bool(sha) and self._reader.mode(sha, path) == EXECUTABLE

    def obstacle(self, sha: str, path: str) -> Obstacle | None:
        """What is in the way of a file in a commit, such as a link."""
        return self._reader.obstacle(sha, path) if sha else None

    def blob(self, sha: str) -> bytes | None:
        """Content of a blob by its id, or None if this repository lacks it."""
        found = self._reader.read(sha) if _ID.fullmatch(sha) else None
        return found.content if found else None

    def reset_index(self, paths: Iterable[str]) -> None:
        """Reset these paths in the index to the last commit; the working tree stays as it is."""
        run_git(self.path, "reset", "--quiet", "--", *paths, environment=unfiltered(self.path))

    def paths(self, sha: str, folder: str) -> list[str]:
        """Paths of all files below a folder in a commit."""
        found = self._paths.get((sha, folder))
        if found is None:
            output = self._git("ls-tree", "-r", "-z", "--name-only", sha, "--", folder)
            found = tuple(path for path in output.split("\0") if path)
            if _ID.fullmatch(sha):  # what an id names never changes
                self._paths[sha, folder] = found
        return list(found)

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

        Works on objects alone: the checkout, its index and its branches stay as they are. Raises ``RefusedError`` for a
        file that git stores through a filter there: it would be committed as plain content.
        """
        tree = build_tree(self.path, tree or base, files, removed)
        return self._committed(tree, (base, *merged), message, self._author(), self.signer(required=signed))

    def commit_alone(self, files: Iterable[File], parents: Iterable[str], message: str, signature: Signature) -> str:
        """Make a commit of exactly ``files`` and return its id, which is the same on every machine: so it is never
        signed."""
        return self._committed(build_tree(self.path, "", files), parents, message, signature.environment)

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
        with self.ask_in() as folder:
            return signing.signer_for(folder, self.signing_key, required=required)

    def try_signing(self, signer: Signer) -> None:
        """Sign something that nobody keeps, as the person who commits here. Raises ``SystemFailure`` if that fails."""
        with tempfile.TemporaryDirectory(prefix="newservice-", ignore_cleanup_errors=True) as folder:
            init(Path(folder), "--bare")
            signing.try_signing(Path(folder), signer, self._author())

    def merge(self, ours: str, theirs: str) -> tuple[str, list[str]]:
        """The tree that results from merging two commits, and its conflicting paths. No reference is moved.

        As the forge merges: neither the person's settings nor attributes and merge drivers of the checkout count.
        """
        command = ("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", ours, theirs)
        with network.borrowing(self._store(tips=True)) as (folder, environment):
            ended = git_process(folder, *command, environment=environment)
        if ended.status not in (0, 1) or not ended.out:
            raise failure(self.path, command, ended)
        tree, *conflicting = [part for part in os.fsdecode(ended.out).split("\0") if part]
        return tree, conflicting

    def commit_all(self, files: Iterable[File], message: str) -> None:
        """Make the first commit, of every file in the working tree: ``files`` as they are given, others as they are.

        The bits of ``files`` count where the file system has none.
        It is signed where the person's git signs commits, or there is a key. Raises ``SystemFailure`` where a commit
        exists already.
        """
        given, folder = {file.path: file for file in files}, Folder(self.path)
        blind = staged_executables(self.path) is not None
        kept: list[File] = []
        links: dict[str, bytes] = {}
        for name in folder.paths():
            if (obstacle := folder.obstacle(name)) is None:
                file, content = given.get(name), folder.read(name)
                executable = file is not None and file.executable if blind else folder.executable(name)
                content = content if file is None else file.content
                kept += [File(name, content, executable)] if content is not None else []
            else:
                links[name] = obstacle.text
        tree = build_tree(self.path, "", kept, links=links)
        sha = self._committed(tree, (), message, self._author(), self.signer())
        self._git("read-tree", tree)
        title = message.partition("\n")[0]
        self._git("update-ref", "-m", f"commit (initial): {title}", "HEAD", sha, _NO_OBJECT)

    def name_origin(self, url: str) -> None:
        """Add the canonical address as ``origin``, unless the repository has an ``origin`` already."""
        if git_process(self.path, "config", "--local", "--get", "remote.origin.url").status:
            self._git("remote", "add", "origin", url)

    def remotes(self) -> list[str]:
        """The addresses of all remotes."""
        found = git_process(self.path, "config", "--get-regexp", r"^remote\..*\.url$")
        return [line.partition(" ")[2] for line in as_text(found.out).splitlines()]

    def references(self) -> dict[str, str]:
        """The ids of all branches and tags by full name; for an annotated tag, the id of the tag object."""
        found = self._git("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags")
        return {name: sha for sha, name in (line.split(" ", 1) for line in found.splitlines())}

    @property
    def shallow(self) -> bool:
        """Whether part of its history was never fetched."""
        return self._git("rev-parse", "--is-shallow-repository").strip() == "true"

    def reaches(self, sha: str) -> bool:
        """Whether a branch or a tag has the commit in its history."""
        return bool(self._git("for-each-ref", "--count=1", "--contains", sha, "refs/heads", "refs/tags").strip())

    def branch(self) -> str:
        """The branch that is checked out; empty if none is."""
        return as_text(git_process(self.path, "symbolic-ref", "--quiet", "--short", "HEAD").out).strip()

    def is_ancestor(self, sha: str, other: str) -> bool:
        """Whether a commit is, or comes before, another; both are here."""
        return git_process(self.path, "merge-base", "--is-ancestor", sha, other).status == 0

    def switch(self, branch: str, sha: str) -> None:
        """Check out ``branch``, which is made or moved to ``sha``. Local changes stay.

        No filter runs: none of the files that differ may be covered by one. Raises ``SystemFailure`` where git refuses
        because a file would be overwritten.
        """
        command = ("checkout", "--quiet", "--no-track", "--no-overwrite-ignore", "-B", branch, sha)
        run_git(self.path, *command, environment=unfiltered(self.path))

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
        """The variables that name who commits here, as git finds them; newservice where git knows of nobody."""
        with self.ask_in() as folder:
            return author_in(folder)

    def _git(self, *arguments: str, env: Mapping[str, str] | None = None, given: bytes = b"") -> str:
        return run_git(self.path, *arguments, environment=local_environment(env), given=given)


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except PermissionError:
        return True  # git says what is wrong with it
    except OSError:
        return False
