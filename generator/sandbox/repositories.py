"""Bare git repositories, read and written with git's own plumbing, which is run as rarely as possible.

References are read from their files. What git says of objects by their ids never changes, and is asked once.
"""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from generator.base.children import run

ZERO = "0" * 40
_ID = re.compile(r"[0-9a-f]{40}")
_AUTHOR = "Sandbox <sandbox@sandbox.test>"
_OWN_CONFIGURATION = (
    "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n\tfsync = none\n"
    "[receive]\n\tautogc = false\n[gc]\n\tauto = 0\n"
)
"""All of it is forgotten when the sandbox stops; and no git goes on in the background after its command."""
_FOLDERS = ("objects/info", "objects/pack", "refs/heads", "refs/tags")
_REFERENCE = "ref: refs/heads/"

_FIELDS = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B"


class GitError(Exception):
    """A git command failed; the text is what git said."""


def git_environment(home: Path) -> dict[str, str]:
    """An environment in which git sees no configuration, credentials, proxy or repository of its caller."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GIT_", "SSH_")) and not name.lower().endswith("_proxy")
    }
    return environment | {
        "HOME": str(home),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "Sandbox",
        "GIT_AUTHOR_EMAIL": "sandbox@sandbox.test",
        "GIT_COMMITTER_NAME": "Sandbox",
        "GIT_COMMITTER_EMAIL": "sandbox@sandbox.test",
    }


def run_git(
    directory: Path,
    *arguments: str,
    data: bytes | None = None,
    environment: Mapping[str, str] | None = None,
    longest: float | None = None,
) -> bytes:
    """Run git in a directory, for ``longest`` seconds; its standard output. Raises GitError with what it said."""
    ended = run(["git", *arguments], directory, environment or git_environment(directory), data or b"", longest)
    if ended.status:
        raise GitError(ended.err.decode(errors="replace").strip() or f"git {arguments[0]} {ended.how}")
    return ended.out


@dataclass(frozen=True)
class Commit:
    """One commit, as much of it as the APIs show."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author_name: str
    author_email: str
    authored: str
    committer_name: str
    committer_email: str
    committed: str
    message: str


@dataclass(frozen=True)
class Entry:
    """One entry of a tree."""

    mode: str
    kind: str
    sha: str
    size: int
    path: str


@dataclass(frozen=True)
class BareRepository:
    """One bare repository on disk."""

    path: Path
    _known: dict[tuple[str, ...], str] = field(default_factory=dict, repr=False, compare=False)
    _blobs: dict[str, bytes] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def create(cls, path: Path, head: str) -> BareRepository:
        """A new empty repository whose HEAD names a branch that does not exist yet."""
        path.mkdir(parents=True, mode=0o700)
        for folder in _FOLDERS:
            (path / folder).mkdir(parents=True)
        (path / "config").write_text(_OWN_CONFIGURATION, encoding="utf-8")
        created = cls(path)
        created.set_head(head)
        return created

    def remove(self) -> None:
        """Remove it from disk. Its name is free at once; a git that still writes to it may leave files elsewhere."""
        gone = self.path.with_name(f".{self.path.name}.{uuid.uuid4().hex}")
        self.path.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def heads(self) -> dict[str, str]:
        """Branches and their commits."""
        return self._references("refs/heads/")

    def tags(self) -> dict[str, str]:
        """Tags and the objects that they name."""
        return self._references("refs/tags/")

    def references(self) -> dict[str, str]:
        """Branches and tags by full name."""
        heads = {f"refs/heads/{name}": sha for name, sha in self.heads().items()}
        return heads | {f"refs/tags/{name}": sha for name, sha in self.tags().items()}

    def head(self) -> str:
        """The branch that HEAD points to, which need not exist."""
        return (self.path / "HEAD").read_text(encoding="utf-8").strip().removeprefix(_REFERENCE)

    def set_head(self, branch: str) -> None:
        """Point HEAD to a branch."""
        new = self.path / f"HEAD.{uuid.uuid4().hex}"
        new.write_text(f"{_REFERENCE}{branch}\n", encoding="utf-8")
        new.replace(self.path / "HEAD")

    def resolve(self, revision: str) -> str | None:
        """The commit that a branch, tag or commit id names; None if it names none."""
        if not revision or revision.startswith("-"):
            return None
        try:
            return self._once((revision,), "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").strip()
        except GitError:
            return None

    def log(self, revision: str, *, limit: int, skip: int = 0, path: str = "", without: str = "") -> list[Commit]:
        """Commits reachable from a revision but not from ``without``, newest first."""
        tail = [*([f"^{without}"] if without else []), "--", *([path] if path else [])]
        options = ("-z", f"--format={_FIELDS}%x01", f"-{limit}", f"--skip={skip}")
        text = self._once((revision, without or revision), "log", *options, revision, *tail)
        return [_commit(chunk) for chunk in text.split("\x01") if chunk.strip("\x00\n")]

    def count(self, revision: str, path: str = "") -> int:
        """How many commits are reachable from a revision, or change a path there."""
        text = self._once((revision,), "rev-list", "--count", revision, "--", *([path] if path else []))
        return int(text)

    def entries(self, revision: str, path: str = "", *, recursive: bool = False) -> list[Entry]:
        """The tree at a path, or the one entry there when the path ends without a slash."""
        options = ["-r", "-t"] if recursive else []
        tail = [path] if path else []
        text = self._once((revision,), "ls-tree", "-z", "--long", *options, revision, "--", *tail)
        return [_entry(line) for line in text.split("\x00") if line]

    def blob(self, sha: str) -> bytes:
        """The content of a blob."""
        found = self._blobs.get(sha)
        if found is None:
            found = self._blobs[sha] = run_git(self.path, "cat-file", "blob", sha)
        return found

    def file(self, revision: str, path: str) -> bytes | None:
        """The content of a file in a revision; None when there is no such file."""
        found = [entry for entry in self.entries(revision, path) if entry.kind == "blob"]
        return self.blob(found[0].sha) if found else None

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether one commit is reachable from the other."""
        try:
            self._once((older, newer), "merge-base", "--is-ancestor", older, newer)
        except GitError:
            return False
        return True

    def merge_base(self, one: str, other: str) -> str:
        """The best common ancestor, or an empty string."""
        try:
            return self._once((one, other), "merge-base", one, other).strip()
        except GitError:
            return ""

    def changed_files(self, base: str, head: str) -> list[str]:
        """Paths that differ between two commits."""
        text = self._once((base, head), "diff-tree", "-r", "-z", "--name-only", base, head)
        return [path for path in text.split("\x00") if path]

    def merged_tree(self, base: str, head: str) -> str | None:
        """The tree of a merge of two commits; None when they conflict."""
        try:
            return self._once((base, head), "merge-tree", "--write-tree", base, head).strip()
        except GitError:
            return None

    def commit_tree(self, tree: str, parents: list[str], message: str) -> str:
        """A new commit of a tree."""
        options = [option for parent in parents for option in ("-p", parent)]
        return run_git(self.path, "commit-tree", *options, tree, data=message.encode()).decode().strip()

    def update(self, reference: str, sha: str, old: str | None = None) -> None:
        """Let a reference name another commit. Raises GitError when it is not at ``old`` any more."""
        self._git("update-ref", reference, sha, *([old] if old is not None else []))

    def rename_branch(self, old: str, new: str) -> None:
        """Give a branch another name; HEAD follows it."""
        head = self.head()
        self.update(f"refs/heads/{new}", self.heads()[old])
        self.delete(f"refs/heads/{old}")
        if head == old:
            self.set_head(new)

    def delete(self, reference: str) -> None:
        """Take a reference away."""
        self._git("update-ref", "-d", reference)

    def commit_files(self, branch: str, files: Mapping[str, str | bytes], message: str, when: int) -> str:
        """Add or replace files on a branch in one commit (of that Unix time); the commit's id.

        A file that starts with ``#!`` is executable.
        """
        return self.commit_series(branch, [(files, message, when)])

    def commit_series(self, branch: str, commits: Iterable[tuple[Mapping[str, str | bytes], str, int]]) -> str:
        """Commit one after the other, each as :meth:`commit_files` does, in one process; the newest commit's id."""
        reference = f"refs/heads/{branch}"
        parent = f"from {reference}^0\n".encode() if branch in self.heads() else b""
        stream = []
        for files, message, when in commits:
            stream += [f"commit {reference}\ncommitter {_AUTHOR} {when} +0000\n".encode(), _data(message.encode())]
            stream.append(parent)
            parent = b""  # from here on it is the commit before
            for path, content in sorted(files.items()):
                body = content.encode() if isinstance(content, str) else content
                mode = "100755" if body.startswith(b"#!") else "100644"
                stream += [f"M {mode} inline {path}\n".encode(), _data(body)]
        run_git(self.path, "fast-import", "--quiet", "--force", data=b"".join(stream) + b"\ndone\n")
        return self.heads()[branch]

    def _references(self, prefix: str) -> dict[str, str]:
        loose = dict(self._loose(prefix))  # first, since git packs a reference before it removes its file
        found = dict(self._packed(prefix)) | loose
        return {name.removeprefix(prefix): found[name] for name in sorted(found)}

    def _loose(self, prefix: str) -> Iterator[tuple[str, str]]:
        for folder, _, names in os.walk(self.path / prefix):
            for name in names:
                place = Path(folder, name)
                with suppress(FileNotFoundError):
                    content = place.read_text(encoding="ascii", errors="replace").strip()
                    if _ID.fullmatch(content) and not name.endswith(".lock"):
                        yield os.fsencode(place.relative_to(self.path)).decode(errors="replace"), content

    def _packed(self, prefix: str) -> Iterator[tuple[str, str]]:
        with suppress(FileNotFoundError):
            for line in (self.path / "packed-refs").read_bytes().decode(errors="replace").split("\n"):
                sha, _, name = line.partition(" ")
                if _ID.fullmatch(sha) and name.startswith(prefix):
                    yield name, sha

    def _once(self, objects: tuple[str, ...], *arguments: str) -> str:
        """What git says of these objects; it is remembered where they are named by their ids."""
        if not all(_ID.fullmatch(name) for name in objects):
            return self._git(*arguments)
        if arguments not in self._known:
            self._known[arguments] = self._git(*arguments)
        return self._known[arguments]

    def _git(self, *arguments: str) -> str:
        return run_git(self.path, *arguments).decode(errors="replace")


def _data(content: bytes) -> bytes:
    return f"data {len(content)}\n".encode() + content + b"\n"


def _commit(chunk: str) -> Commit:
    sha, tree, parents, *people, message = chunk.strip("\x00\n").split("\x00", 9)
    author, email, authored, committer, committer_email, committed = people
    return Commit(
        sha=sha,
        tree=tree,
        parents=tuple(parents.split()),
        author_name=author,
        author_email=email,
        authored=authored,
        committer_name=committer,
        committer_email=committer_email,
        committed=committed,
        message=message.rstrip("\n"),
    )


def _entry(line: str) -> Entry:
    head, _, path = line.partition("\t")
    mode, kind, sha, size = head.split()
    return Entry(mode, kind, sha, 0 if size == "-" else int(size), path)
