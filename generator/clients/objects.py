"""Reads many git objects at a time: a fleet is read without a process for each file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO

from generator.clients.git import Remote, Repository, network
from generator.clients.git.process import failure, git_process
from generator.clients.git.reading import LARGEST
from generator.clients.git.repository import LoggedCommit
from generator.infra_repo.fingerprints import EXECUTABLE, SUBMODULE, Blob

NO_FILE = Blob("0" * 40)
"""The id that git uses for the content of a missing file."""


class Objects(Repository):
    """A repository's objects. No method keeps a helper process, so forked processes can use it too."""

    @classmethod
    def of(cls, repository: Repository) -> Objects:
        """The objects of ``repository``; closing either closes both."""
        objects = cls(repository.path, repository.git_dir, repository._reader, repository.signing_key)
        objects.ask_in = repository.ask_in
        return objects

    def listing(self, sha: str, folder: str = "") -> dict[str, str]:
        """Blob ids by path, for all files of a commit or those below a folder."""
        return {path: blob for path, (mode, blob) in self.entries(sha, folder).items() if mode != SUBMODULE}

    def entries(self, sha: str, folder: str = "") -> dict[str, tuple[str, str]]:
        """Git's mode and id by path, for all files and submodules of a commit or those below a folder."""
        output = self._git("ls-tree", "-r", "-z", sha, *(["--", folder] if folder else []))
        entries = (entry.split("\t", 1) for entry in output.split("\0") if entry)
        return {path: (head.split(" ")[0], head.split(" ")[2]) for head, path in entries}

    def contents(self, ids: Iterable[str]) -> dict[str, bytes]:
        """Contents by id; objects that are missing, or larger than ``LARGEST``, are left out.

        Raises ``SystemFailure`` if git fails.
        """
        sizes = self.sizes(ids)
        return dict(_batch(self._asked("--batch", [sha for sha, size in sizes.items() if size <= LARGEST])))

    def sizes(self, ids: Iterable[str]) -> dict[str, int]:
        """Sizes in bytes by id; missing objects are left out. Raises ``SystemFailure`` if git fails."""
        output = self._asked("--batch-check", list(dict.fromkeys(ids))).decode()
        found = (line.split() for line in output.splitlines())
        return {parts[0]: int(parts[2]) for parts in found if len(parts) == 3}

    def _asked(self, how: str, ids: Sequence[str]) -> bytes:
        if not ids:
            return b""
        command = ("cat-file", how, "--buffer")
        ended = git_process(self.path, *command, given="".join(f"{sha}\n" for sha in ids).encode())
        if ended.status:
            raise failure(self.path, command, ended.without_output)
        return ended.out

    def changes(self, base: str, head: str) -> dict[str, Blob]:
        """Files of ``head`` that differ from ``base``, by path; ``NO_FILE`` for one that was deleted."""
        output = self._git("diff-tree", "-r", "-z", "--no-renames", base, head).split("\0")
        pairs = [(entry.split(" "), path) for entry, path in zip(output[::2], output[1::2], strict=False) if entry]
        return {path: Blob(entry[3], entry[1] == EXECUTABLE) for entry, path in pairs}

    def own_commits(self, head: str, base: str) -> list[LoggedCommit]:
        """Commits that ``head`` has and ``base`` lacks, the newest first."""
        output = self._git("log", "-z", "--format=%H%x01%P%x01%B", head, f"^{base}", "--")
        return [LoggedCommit.of(entry) for entry in output.split("\0") if entry.strip()]

    def common(self, one: str, other: str) -> str:
        """The newest common ancestor of two commits; empty if there is none."""
        asked = ("merge-base", one, other)
        ended = git_process(self.path, *asked)
        if ended.status not in (0, 1):
            raise failure(self.path, asked, ended)
        return ended.out.decode().strip()

    def changed_in(self, folder: str) -> list[str]:
        """Paths of the working tree below a folder that have changes which are not committed."""
        return self.dirty([folder]) if (self.path / folder).exists() else []

    @property
    def shallow(self) -> bool:
        """Whether part of the history is missing."""
        return self._git("rev-parse", "--is-shallow-repository").strip() == "true"

    def push_branches(self, remote: Remote, url: str, heads: Mapping[str, str]) -> None:
        """Push commits by branch to ``url``, not atomically and none by force.

        Raises ``SystemFailure`` when one is rejected, which says nothing about the others; or when the forge can't be
        reached.
        """
        pairs = [f"{sha}:refs/heads/{branch}" for branch, sha in heads.items()]
        network.push(self._store(), remote, url, pairs)

    def fetch_branches(self, remote: Remote, url: str, branches: Sequence[str], *, depth: int = 0) -> None:
        """Fetch branches' objects, without moving references: only ``depth`` commits of each, or all history."""
        shallow = [f"--depth={depth}"] if depth else ["--unshallow"] if self.shallow else []
        names = [f"refs/heads/{branch}" for branch in branches]
        network.fetch(self._store(tips=True), remote, url, names, *shallow)


def _batch(output: bytes) -> Iterable[tuple[str, bytes]]:
    stream = BytesIO(output)
    while header := stream.readline().split():
        if len(header) == 3:
            content = stream.read(int(header[2]))
            stream.read(1)
            yield header[0].decode(), content
