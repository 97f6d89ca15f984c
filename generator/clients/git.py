"""Git through GitPython; the one module that imports it.

Nothing here touches a checkout that a person works in: commits for the infra repository are built from objects,
and a new service's repository is made beside its place and moved there whole.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

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

from generator.errors import NewserviceError, PreflightError, SystemFailure
from generator.platform import Platform
from generator.render import File
from generator.secret import Secret

FALLBACK_AUTHOR = {"name": "newservice", "email": "newservice@localhost"}

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

    def environment(self) -> dict[str, str]:
        """The child's environment: no prompt, no other helper, the pinned address, the certificate authority."""
        settings = [
            ("credential.helper", ""),
            ("credential.helper", _HELPER),
            ("core.hooksPath", os.devnull),  # a hook would see the token
            ("http.followRedirects", "false"),
        ]
        pin = self.platform.pin("forgejo")
        if pin:
            # Git can move the address but not the port: the profile's port must be the URL's own.
            settings.append(("http.curloptResolve", f"{self.platform.host('forgejo')}:{pin.port}:{pin.address}"))
        unneeded = [source.environment for source in self.platform.credentials.values()] + ["VAULT_TOKEN"]
        environment = {
            **dict.fromkeys(unneeded, ""),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_COUNT": str(len(settings)),
            "NEWSERVICE_GIT_USER": self.user,
            "NEWSERVICE_GIT_TOKEN": self.token.reveal(),
        }
        for index, (key, value) in enumerate(settings):
            environment[f"GIT_CONFIG_KEY_{index}"] = key
            environment[f"GIT_CONFIG_VALUE_{index}"] = value
        if self.platform.ca_file:
            environment["GIT_SSL_CAINFO"] = self.platform.ca_file  # wins over the person's own setting
        return environment


class Repository:
    """A repository on this machine."""

    def __init__(self, repo: Repo) -> None:
        self._repo = repo

    @classmethod
    def open(cls, path: Path) -> Repository | None:
        """The repository whose working tree is ``path``; None where there is none."""
        try:
            return cls(Repo(path, search_parent_directories=False))
        except (InvalidGitRepositoryError, NoSuchPathError):
            return None
        except GitCommandNotFound as error:
            raise PreflightError(
                "git.missing", "git was not found on this machine", "install git 2.39 or newer"
            ) from error

    def close(self) -> None:
        """End the helper processes that git keeps for reading objects."""
        self._repo.close()

    @property
    def path(self) -> Path:
        """The working tree."""
        return Path(self._repo.working_dir)

    def head(self, ref: str = "HEAD") -> str | None:
        """Commit id of a reference, or None."""
        try:
            return str(self._repo.commit(ref).hexsha)
        except (ValueError, BadName, BadObject, IndexError):
            return None

    def has(self, sha: str) -> bool:
        """Whether the commit is in this repository."""
        return self.head(sha) == sha

    def message(self, ref: str) -> str:
        """Message of a commit."""
        return str(self._repo.commit(ref).message)

    def dirty(self, paths: Iterable[str]) -> list[str]:
        """Those of ``paths`` that have changes which are not committed."""
        wanted = list(paths)
        if not wanted:
            return []
        told: str = self._git("status", "--porcelain=v1", "-z", "--untracked-files=all", "--", *wanted)
        return [entry[3:] for entry in told.split("\0") if entry]

    def file(self, sha: str, path: str) -> bytes | None:
        """Content of a file in a commit, or None."""
        try:
            blob = self._repo.commit(sha).tree / path
        except KeyError:
            return None
        return bytes(blob.data_stream.read()) if blob.type == "blob" else None

    def paths(self, sha: str, folder: str) -> list[str]:
        """Paths of all files below a folder in a commit."""
        told: str = self._git("ls-tree", "-r", "-z", "--name-only", sha, "--", folder)
        return [path for path in told.split("\0") if path]

    def commit_onto(self, base: str, files: Iterable[File], message: str) -> str:
        """Make a commit with ``files`` on top of ``base`` and return its id.

        Works on objects and an index of its own: the checkout, its index and its branches stay as they are.
        """
        with tempfile.TemporaryDirectory(prefix="newservice-") as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self._git("read-tree", base, env=index)
            for file in files:
                blob = self._git("hash-object", "-w", "--stdin", istream=BytesIO(file.content)).strip()
                mode = "100755" if file.executable else "100644"
                self._git("update-index", "--add", "--cacheinfo", f"{mode},{blob},{file.path}", env=index)
            tree = self._git("write-tree", env=index).strip()
        told: str = self._git(
            "commit-tree", tree, "-p", base, "-F", "-", istream=BytesIO(message.encode()), env=self._author()
        )
        return told.strip()

    def commit_all(self, message: str) -> None:
        """Commit every file of the working tree: no hook, signature, global ignore or line ending of the person's."""
        plain = ("-c", f"core.hooksPath={os.devnull}", "-c", "core.autocrlf=false")
        self._git(*plain, "add", "--all", "--force")
        self._git(*plain, "commit", "--quiet", "--no-verify", "--no-gpg-sign", "-m", message, env=self._author())

    def push(self, remote: Remote, url: str, sha: str, branch: str) -> None:
        """Push a commit to a branch of ``url``, never by force.

        Raises ``SystemFailure`` when it is rejected or the forge can't be reached.
        """
        self._remote(remote, "push", "--porcelain", url, f"{sha}:refs/heads/{branch}")

    def fetch(self, remote: Remote, url: str, branch: str) -> None:
        """Bring a branch's objects here; no reference and no checkout of the person's is moved."""
        self._remote(remote, "fetch", "--no-tags", "--no-write-fetch-head", url, f"refs/heads/{branch}")

    def _remote(self, remote: Remote, verb: str, *arguments: str) -> None:
        try:
            self._git(verb, *arguments, env=remote.environment())
        except NewserviceError:
            raise
        except GitCommandError as error:
            told = " ".join(str(error.stderr).replace("stderr:", "").split())
            raise SystemFailure(
                f"git.{verb}_failed",
                f"git {verb} with {remote.platform.host('forgejo')} failed: {told.strip(chr(39) + ' ')[:500]}",
                "nothing is lost: mend what is named here and run the same command again",
            ) from None

    def _author(self) -> dict[str, str]:
        """Nothing where git knows who commits, else a name that says who did."""
        try:
            self._git("var", "GIT_COMMITTER_IDENT")
        except GitCommandError:
            roles = ("AUTHOR", "COMMITTER")
            return {f"GIT_{role}_{key.upper()}": value for role in roles for key, value in FALLBACK_AUTHOR.items()}
        return {}

    def _git(self, *arguments: str, env: Mapping[str, str] | None = None, istream: BytesIO | None = None) -> str:
        return _run(self._repo.git, *arguments, env=env, istream=istream)


def create_repository(place: Path, files: Iterable[File], branch: str, message: str, origin: str) -> Repository:
    """Make a repository with one commit at ``place``, all or nothing: it is built beside it and moved there.

    ``place`` must not exist or be an empty folder.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{place.name}-", dir=place.parent) as folder:
        draft = Path(folder) / place.name
        draft.mkdir()
        write_files(draft, files)
        repo = Repo.init(draft, initial_branch=branch)
        try:
            Repository(repo).commit_all(message)
            repo.create_remote("origin", origin)
        finally:
            repo.close()
        draft.replace(place)
    created = Repository.open(place)
    assert created is not None  # noqa: S101 - it was just made
    return created


def write_files(folder: Path, files: Iterable[File]) -> None:
    """Write files below ``folder``, making folders as needed."""
    for file in files:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
        target.chmod(0o755 if file.executable else 0o644)


def _run(git: Git, *arguments: str, env: Mapping[str, str] | None, istream: BytesIO | None) -> str:
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
            env=dict(env) if env else None,
            strip_newline_in_stdout=False,
        )
    finally:
        if stream is not None:
            stream.close()
    return str(told)
