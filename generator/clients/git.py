"""Git through GitPython; the one module that imports it.

Nothing here touches a checkout that a person works in: commits for the infra repository are built from objects,
and a new service's repository is made beside its place and moved there whole. No command of ours runs a program of
the person's (hooks, monitors, filters), and only a push or fetch sees a token.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # a missing git is told where it is needed, not on import

from git import (
    BadName,
    BadObject,
    Git,
    GitCommandError,
    GitCommandNotFound,
    InvalidGitRepositoryError,
    NoSuchPathError,
    Repo,
)

from generator.errors import PreflightError, RefusedError, SystemFailure
from generator.platform import Platform
from generator.render import File
from generator.secret import Secret, masked_variables

FALLBACK_AUTHOR = {"name": "newservice", "email": "newservice@localhost"}

# Whatever the person's configuration says: no program of theirs, no rewriting of what is stored.
_PLAIN = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.attributesFile": os.devnull,
    "core.autocrlf": "false",
    "commit.gpgSign": "false",
}

_NO_OBJECT = "0" * 40
"""What an index calls a path that is to be taken out."""

# What git says of failures that another attempt does not mend.
_PERMANENT = (
    "authentication failed",
    "error: 401",
    "error: 403",
    "error: 404",
    "not found",
    "certificate",
    "hook declined",
    "does not appear to be a git repository",
)

# Answers git's question for a password from the environment: never on a command line, never stored.
_HELPER = (
    '!f() { test "$1" = get || exit 0; '
    'printf \'username=%s\\npassword=%s\\n\' "$NEWSERVICE_GIT_USER" "$NEWSERVICE_GIT_TOKEN"; }; f'
)


@dataclass(frozen=True)
class Remote:
    """How git reaches the canonical forge: over the load balancer, with a token that only the child process sees."""

    platform: Platform
    user: str
    token: Secret

    @property
    def longest(self) -> float:
        """Seconds after which a git that talks to the forge is ended: a cut answer can make it wait for ever."""
        return 10 * float(self.platform.connection["timeout_seconds"])

    def environment(self, url: str) -> dict[str, str]:
        """The child's environment: no prompt, no configuration of the person's, https only, the pinned address.

        The token is offered to the forge's own address and to no other, whatever a rewriting rule says. Settings name
        the whole ``url``: for git the most exact one counts, and the clone's own configuration may name hosts.
        """
        parts = urlsplit(self.platform.url("forgejo"))
        settings = {
            **_PLAIN,
            "credential.helper": "",
            f"credential.{parts.scheme}://{parts.netloc}.helper": _HELPER,
            f"http.{url}.followRedirects": "false",
            # A forge that stops talking is given up; git itself would wait for ever.
            f"http.{url}.lowSpeedLimit": "1",
            f"http.{url}.lowSpeedTime": str(max(1, round(self.platform.connection["timeout_seconds"]))),
            f"http.{url}.sslVerify": "true",
        }
        pin = self.platform.pin("forgejo")
        if pin:
            # Git can move the address but not the port: the profile's port must be the URL's own.
            settings[f"http.{url}.curloptResolve"] = f"{parts.hostname}:{pin.port}:{pin.address}"
            settings[f"http.{url}.proxy"] = ""  # a proxy would resolve the name itself
        environment = {
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ALLOW_PROTOCOL": parts.scheme,
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",  # what went wrong is told apart by git's own words
            "NEWSERVICE_GIT_USER": self.user,
            "NEWSERVICE_GIT_TOKEN": self.token.reveal(),
            **_settings(settings),
        }
        if self.platform.ca_file:
            environment["GIT_SSL_CAINFO"] = self.platform.ca_file  # wins over the person's own setting
        return environment


@dataclass(frozen=True)
class Signature:
    """Who makes a commit and when, where that is not the person who runs newservice, now."""

    name: str
    email: str
    when: datetime

    @property
    def environment(self) -> dict[str, str]:
        """The same as git's variables."""
        said = {"NAME": self.name, "EMAIL": self.email, "DATE": f"@{int(self.when.timestamp())} +0000"}
        return {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in said.items()}


class Repository:
    """A repository on this machine."""

    def __init__(self, repo: Repo) -> None:
        self._repo = repo
        self._reading = threading.RLock()  # one helper process of git's answers for all threads
        repo.git.update_environment(**_settings(_PLAIN), **masked_variables(os.environ))

    @classmethod
    def open(cls, path: Path) -> Repository | None:
        """The repository whose working tree is ``path``; None where there is none."""
        try:
            return cls(Repo(path, search_parent_directories=False))
        except (InvalidGitRepositoryError, NoSuchPathError):
            return None
        except GitCommandNotFound as error:
            raise _no_git() from error

    @classmethod
    def around(cls, path: Path) -> Repository | None:
        """The repository that ``path`` is in; None where there is none."""
        try:
            return cls(Repo(path, search_parent_directories=True))
        except (InvalidGitRepositoryError, NoSuchPathError):
            return None
        except GitCommandNotFound as error:
            raise _no_git() from error

    def close(self) -> None:
        """End the helper processes that git keeps for reading objects."""
        self._repo.close()

    @property
    def path(self) -> Path:
        """The working tree."""
        return Path(self._repo.working_dir)

    @property
    def git_dir(self) -> Path:
        """Where git keeps this working tree's own state."""
        return Path(self._repo.git_dir)

    def head(self, ref: str = "HEAD") -> str | None:
        """Commit id of a reference, or None."""
        try:
            with self._reading:
                return str(self._repo.commit(ref).hexsha)
        except (ValueError, BadName, BadObject, IndexError):
            return None
        except GitCommandNotFound as error:
            raise _no_git() from error

    def has(self, sha: str) -> bool:
        """Whether the commit is in this repository."""
        return self.head(sha) == sha

    def dirty(self, paths: Iterable[str]) -> list[str]:
        """Those of ``paths`` that have changes which are not committed."""
        wanted = list(paths)
        if not wanted:
            return []
        told = self._git("status", "--porcelain=v1", "-z", "--untracked-files=all", "--", *wanted)
        return [entry[3:] for entry in told.split("\0") if entry]

    def mark_unmerged(self, versions: Mapping[str, tuple[bytes | None, bytes | None, bytes | None]]) -> None:
        """Tell the index that files are in conflict, as a merge does: git commits none of them until they are added.

        By path: what both sides come from, ours, and theirs; None where a side has no such file.
        """
        lines = []
        for path, contents in versions.items():
            staged = self._git("ls-files", "--stage", "-z", "--", path).split(" ", 1)[0] or "100644"
            lines.append(f"0 {_NO_OBJECT}\t{path}")
            for stage, content in enumerate(contents, 1):
                if content is not None:
                    stored = self._git("hash-object", "-w", "--stdin", istream=BytesIO(content)).strip()
                    lines.append(f"{staged} {stored} {stage}\t{path}")
        self._git(
            "update-index", "-z", "--index-info", istream=BytesIO("".join(f"{line}\0" for line in lines).encode())
        )

    def file(self, sha: str, path: str) -> bytes | None:
        """Content of a file in a commit, or None."""
        with self._reading:
            try:
                blob = self._repo.commit(sha).tree / path
            except KeyError:
                return None
            return bytes(blob.data_stream.read()) if blob.type == "blob" else None

    def blob(self, sha: str) -> bytes | None:
        """Content of a blob by its id, or None where this repository lacks it."""
        try:
            with self._reading:
                return bytes(self._repo.odb.stream(bytes.fromhex(sha)).read())
        except (BadName, BadObject, ValueError):
            return None

    def executable(self, sha: str, path: str) -> bool:
        """Whether a file is executable in a commit."""
        return self._git("ls-tree", sha, "--", path).startswith("100755")

    def reset_index(self, paths: Iterable[str]) -> None:
        """Let the index have these paths as the last commit has them; the working tree stays as it is."""
        self._git("reset", "--quiet", "--", *paths)

    def paths(self, sha: str, folder: str) -> list[str]:
        """Paths of all files below a folder in a commit."""
        told = self._git("ls-tree", "-r", "-z", "--name-only", sha, "--", folder)
        return [path for path in told.split("\0") if path]

    def commit_onto(
        self,
        base: str,
        files: Iterable[File],
        message: str,
        merged: Iterable[str] = (),
        removed: Iterable[str] = (),
        tree: str = "",
    ) -> str:
        """Make a commit with ``files`` and without the paths ``removed`` on top of ``base`` and return its id.

        ``merged`` are further parents; ``tree`` is what to begin with instead of the base's own files.

        Works on objects and an index of its own: the checkout, its index and its branches stay as they are.
        """
        tree = self._tree(tree or base, files, removed)
        return self._committed(tree, (base, *merged), message, self._author())

    def commit_alone(self, files: Iterable[File], parents: Iterable[str], message: str, signature: Signature) -> str:
        """Make a commit of exactly ``files`` and return its id, which is the same on every machine."""
        settings = _settings({**_PLAIN, "i18n.commitEncoding": "utf-8"})
        return self._committed(self._tree("--empty", files), parents, message, {**settings, **signature.environment})

    def _tree(self, beginning: str, files: Iterable[File], removed: Iterable[str] = ()) -> str:
        """The tree that begins as another one, with ``files`` and without the paths ``removed``."""
        with tempfile.TemporaryDirectory(prefix="newservice-") as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self._git("read-tree", beginning, env=index)
            entries = [*self._stored(files, Path(folder)), *(f"0 {_NO_OBJECT}\t{path}" for path in removed)]
            listed = BytesIO("".join(f"{entry}\0" for entry in entries).encode())
            self._git("update-index", "-z", "--index-info", istream=listed, env=index)
            return self._git("write-tree", env=index).strip()

    def _committed(self, tree: str, parents: Iterable[str], message: str, environment: Mapping[str, str]) -> str:
        told = self._git(
            *("commit-tree", tree, "-F", "-"),
            *(word for parent in parents for word in ("-p", parent)),
            istream=BytesIO(message.encode()),
            env=environment,
        )
        return told.strip()

    def _stored(self, files: Iterable[File], folder: Path) -> list[str]:
        """Store the files' contents; what an index says of each. Two processes for all, however many there are."""
        files = list(files)
        for number, file in enumerate(files):
            (folder / str(number)).write_bytes(file.content)
        paths = BytesIO("".join(f"{folder / str(number)}\n" for number in range(len(files))).encode())
        blobs = self._git("hash-object", "-w", "--no-filters", "--stdin-paths", istream=paths).split()
        modes = ("100755" if file.executable else "100644" for file in files)
        return [f"{mode} {blob}\t{file.path}" for mode, blob, file in zip(modes, blobs, files, strict=True)]

    def merge(self, ours: str, theirs: str) -> tuple[str, list[str]]:
        """The tree that merging two commits gives, and the paths in it that conflict. Nothing is moved."""
        command = ["git", "merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", ours, theirs]
        status, out, said = self._repo.git.execute(
            command, with_extended_output=True, with_exceptions=False, strip_newline_in_stdout=False
        )
        if status not in (0, 1):
            raise SystemFailure("git.failed", f"git merge-tree in {self.path} failed: {said}", "run it again")
        tree, *conflicting = [part for part in str(out).split("\0") if part]
        return tree, conflicting

    def commit_all(self, message: str) -> None:
        """Commit every file of the working tree, those that the person's global ignores name as well."""
        self._git("add", "--all", "--force")
        self._git("commit", "--quiet", "--no-verify", "-m", message, env=self._author())

    def name_origin(self, url: str) -> None:
        """Name the canonical address ``origin``, unless there is an ``origin`` already."""
        if "origin" not in [remote.name for remote in self._repo.remotes]:
            self._repo.create_remote("origin", url)

    def push(self, remote: Remote, url: str, sha: str, branch: str) -> None:
        """Push a commit to a branch of ``url``, never by force.

        Raises ``SystemFailure`` when it is rejected or the forge can't be reached.
        """
        self._remote(remote, url, "push", "--porcelain", url, f"{sha}:refs/heads/{branch}")

    def push_references(self, remote: Remote, url: str, references: Mapping[str, str]) -> None:
        """Push commits under full names (``refs/tags/...``) to ``url``: all of them or none, and none by force.

        Raises ``SystemFailure`` when one is rejected or the forge can't be reached.
        """
        pairs = [f"{sha}:{name}" for name, sha in references.items()]
        self._remote(remote, url, "push", "--porcelain", "--atomic", url, *pairs)

    def delete_branch(self, remote: Remote, url: str, sha: str, branch: str) -> None:
        """Delete a branch of ``url`` that is still at ``sha``: one that has moved on is left alone.

        Raises ``SystemFailure`` when it is rejected or the forge can't be reached.
        """
        reference = f"refs/heads/{branch}"
        self._remote(remote, url, "push", "--porcelain", f"--force-with-lease={reference}:{sha}", url, f":{reference}")

    def fetch(self, remote: Remote, url: str, branch: str) -> None:
        """Bring a branch's objects here; no reference and no checkout of the person's is moved."""
        self._remote(remote, url, "fetch", "--no-tags", "--no-write-fetch-head", url, f"refs/heads/{branch}")

    def _remote(self, remote: Remote, url: str, verb: str, *arguments: str) -> None:
        environment = remote.environment(url)
        real = self._git("ls-remote", "--get-url", url, env=environment).strip()
        if real != url:
            raise RefusedError(
                "git.rewritten",
                f"the configuration of {self.path} sends {url} elsewhere (url.*.insteadOf)",
                "take that rule out of the clone's own configuration; a token is sent to the forge only",
            )
        try:
            self._git(verb, *arguments, env=environment, longest=remote.longest)
        except SystemFailure as error:
            heals = not any(word in error.message.lower() for word in _PERMANENT)
            raise SystemFailure(error.code, error.message, error.hint, passing=heals) from None

    def _author(self) -> dict[str, str]:
        """Nothing where git knows who commits, else a name that says who did."""
        try:
            self._git("var", "GIT_COMMITTER_IDENT")
        except SystemFailure:
            roles = ("AUTHOR", "COMMITTER")
            return {f"GIT_{role}_{key.upper()}": value for role in roles for key, value in FALLBACK_AUTHOR.items()}
        return {}

    def _git(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        istream: BytesIO | None = None,
        longest: float | None = None,
    ) -> str:
        return _run(self._repo.git, *arguments, env=env, istream=istream, longest=longest)


def merges(ours: bytes, common: bytes, theirs: bytes) -> bool:
    """Whether git can merge two versions of a file by itself, given what both come from."""
    return not merge_file(ours, common, theirs)[1]


def merge_file(ours: bytes, common: bytes, theirs: bytes) -> tuple[bytes, bool]:
    """Two versions of a file merged, given what both come from; and whether conflicts are marked in it.

    A file that is no text conflicts as a whole and stays as ``ours``.
    """
    with tempfile.TemporaryDirectory(prefix="newservice-") as folder:
        for name, content in (("ours", ours), ("common", common), ("theirs", theirs)):
            (Path(folder) / name).write_bytes(content)
        labels = [word for label in ("before updating", "last update", "after updating") for word in ("-L", label)]
        command = ["git", "merge-file", "-p", "--quiet", *labels, "ours", "common", "theirs"]
        status, merged, _ = Git(folder).execute(
            command,
            with_extended_output=True,
            with_exceptions=False,
            stdout_as_string=False,
            strip_newline_in_stdout=False,
        )
    if status > 127:  # git says so of what it can't merge at all
        return ours, True
    assert isinstance(merged, bytes)  # noqa: S101 - asked for above
    return merged, status != 0


@contextmanager
def scratch_repository() -> Iterator[Repository]:
    """An empty repository without a working tree, for commits that go elsewhere; it goes at the end."""
    with tempfile.TemporaryDirectory(prefix="newservice-", ignore_cleanup_errors=True) as folder:
        # Ids are the same for everybody, whatever kind of object the person's configuration prefers.
        _run(Git(folder), "init", "--quiet", "--bare", "--template=", "--object-format=sha1", env=_settings(_PLAIN))
        repository = Repository(Repo(folder))
        try:
            yield repository
        finally:
            repository.close()


def create_repository(place: Path, files: Iterable[File], branch: str, message: str, origin: str) -> None:
    """Make a repository with one commit at ``place``, all or nothing: it is built beside it and moved there.

    ``place`` must not exist or be an empty folder. Raises ``SystemFailure`` when the folder can't be written, or
    when another run was quicker.
    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with _draft(place) as draft:
            write_files(draft, files)
            _commit(draft, branch, message, origin)
            draft.replace(place)
    except OSError as error:
        quicker = error.errno in (errno.ENOTEMPTY, errno.EEXIST)
        told = "another run made it meanwhile" if quicker else f"it can't be written: {error.strerror}"
        raise SystemFailure("service.folder", f"{place}: {told}", "run the same command again") from error


def adopt_folder(place: Path, files: Iterable[File], branch: str, message: str, origin: str) -> None:
    """Turn a folder that holds our rendered files into a repository with one commit; ``files`` win over theirs.

    Raises ``SystemFailure`` when the folder can't be written.
    """
    try:
        write_files(place, files)
        _commit(place, branch, message, origin)
    except OSError as error:
        told = f"{place} can't be written: {error.strerror}"
        raise SystemFailure("service.folder", told, "run the same command again") from error


def write_files(folder: Path, files: Iterable[File]) -> None:
    """Write files below ``folder``, making folders as needed."""
    for file in files:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
        target.chmod(0o755 if file.executable else 0o644)


def _commit(folder: Path, branch: str, message: str, origin: str) -> None:
    # An empty template: the person's would bring hooks of theirs.
    _run(Git(folder), "init", "--quiet", "--template=", f"--initial-branch={branch}", env=_settings(_PLAIN))
    repository = Repository(Repo(folder))
    try:
        repository.commit_all(message)
        repository.name_origin(origin)
    finally:
        repository.close()


@contextmanager
def _draft(place: Path) -> Iterator[Path]:
    """A private folder beside ``place``; what killed runs left of theirs is taken away."""
    prefix = f".{place.name}.newservice-"
    for stale in place.parent.glob(f"{prefix}*"):
        with _locked(stale) as free:
            if free:
                shutil.rmtree(stale, ignore_errors=True)
    with (
        tempfile.TemporaryDirectory(prefix=prefix, dir=place.parent, ignore_cleanup_errors=True) as folder,
        _locked(Path(folder)),
    ):
        draft = Path(folder) / place.name
        draft.mkdir()
        yield draft


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Hold a folder's lock while a run works in it; whether it was free. The lock goes with its process."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield False
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        free = True
    except OSError:
        free = False
    try:
        yield free
    finally:
        os.close(handle)


def _settings(settings: Mapping[str, str]) -> dict[str, str]:
    """Configuration by environment, which wins over every file."""
    environment = {"GIT_CONFIG_COUNT": str(len(settings))}
    for index, (key, value) in enumerate(settings.items()):
        environment[f"GIT_CONFIG_KEY_{index}"] = key
        environment[f"GIT_CONFIG_VALUE_{index}"] = value
    return environment


def _no_git() -> PreflightError:
    return PreflightError("git.missing", "git was not found on this machine", "install git 2.39 or newer")


def _run(
    git: Git,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    istream: BytesIO | None = None,
    longest: float | None = None,
) -> str:
    stream = None
    if istream is not None:
        # A real file: GitPython hands the stream to the child as it is.
        stream = tempfile.TemporaryFile()  # noqa: SIM115 - closed below
        stream.write(istream.getvalue())
        stream.seek(0)
    try:
        told = git.execute(
            ["git", *arguments],
            istream=stream,
            env={**masked_variables(os.environ), **(env or {})},
            strip_newline_in_stdout=False,
            kill_after_timeout=longest,
        )
    except GitCommandNotFound as error:
        raise _no_git() from error
    except GitCommandError as error:
        said = str(error.stderr).replace("stderr:", "") + str(error.stdout).replace("stdout:", "")
        told = " ".join(said.replace("'", "").split())[:500]
        place = next((argument for argument in arguments if argument.startswith("https://")), git.working_dir)
        raise SystemFailure(
            "git.failed",
            f"git {arguments[0]} with {place} failed: {told or f'status {error.status}'}",
            "nothing is lost: mend what is named here and run the same command again",
        ) from None
    finally:
        if stream is not None:
            stream.close()
    return str(told)
