"""Git's objects, many at a time: what a fleet is read from, without a process for each file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

from generator.clients.git import Remote, Repository, network
from generator.clients.git.process import failure, git_process
from generator.infra_repo.fingerprints import EXECUTABLE, Blob

NO_FILE = Blob("0" * 40)
"""What git calls the content of a file that is not there."""


@dataclass(frozen=True)
class Told:
    """A commit, as its branch tells of it."""

    id: str
    parents: tuple[str, ...]
    message: str


class Objects(Repository):
    """A repository's objects. No method keeps a helper process, so that forked processes may use it as well."""

    @classmethod
    def of(cls, repository: Repository) -> Objects:
        """The objects of a repository, which is closed with it."""
        return cls(repository.path, repository.git_dir, repository._reader)

    def listing(self, sha: str, folder: str = "") -> dict[str, str]:
        """Ids of the contents by path, of all files of a commit or of those below a folder."""
        return {path: blob for path, (_, blob) in self.entries(sha, folder).items()}

    def entries(self, sha: str, folder: str = "") -> dict[str, tuple[str, str]]:
        """The same with git's modes: mode and id by path."""
        told = self._git("ls-tree", "-r", "-z", sha, *(["--", folder] if folder else []))
        entries = (entry.split("\t", 1) for entry in told.split("\0") if entry)
        return {path: (head.split(" ")[0], head.split(" ")[2]) for head, path in entries if " blob " in head}

    def contents(self, ids: Iterable[str]) -> dict[str, bytes]:
        """Contents by id, read by one process; what is not here is left out. Raises ``SystemFailure``."""
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            return {}
        command = ("cat-file", "--batch", "--buffer")
        ended = git_process(self.path, *command, given="".join(f"{sha}\n" for sha in wanted).encode())
        if ended.status:
            raise failure(self.path, command, ended.without_output)
        return dict(_batch(ended.out))

    def changes(self, base: str, head: str) -> dict[str, Blob]:
        """Files in ``head`` by path, where they differ from ``base``; ``NO_FILE`` where one is gone."""
        told = self._git("diff-tree", "-r", "-z", "--no-renames", base, head).split("\0")
        pairs = [(entry.split(" "), path) for entry, path in zip(told[::2], told[1::2], strict=False) if entry]
        return {path: Blob(entry[3], entry[1] == EXECUTABLE) for entry, path in pairs}

    def own_commits(self, head: str, base: str) -> list[Told]:
        """Commits that ``head`` has and ``base`` lacks, the newest first."""
        told = self._git("log", "-z", "--format=%H%x01%P%x01%B", head, f"^{base}", "--")
        parts = (entry.split("\x01", 2) for entry in told.split("\0") if entry.strip())
        return [Told(sha, tuple(parents.split()), message) for sha, parents, message in parts]

    def common(self, one: str, other: str) -> str:
        """The newest commit that both come from; empty where there is none."""
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
        """Whether a part of the history is not here."""
        return self._git("rev-parse", "--is-shallow-repository").strip() == "true"

    def push_branches(self, remote: Remote, url: str, heads: Mapping[str, str]) -> None:
        """Push commits by branch to ``url``, each for itself and none by force.

        Raises ``SystemFailure`` when one is rejected, which says nothing about the others; or when the forge can't be
        reached.
        """
        pairs = [f"{sha}:refs/heads/{branch}" for branch, sha in heads.items()]
        network.push(self._store(), remote, url, pairs)

    def fetch_branches(self, remote: Remote, url: str, branches: Sequence[str], *, depth: int = 0) -> None:
        """Bring branches' objects here, no reference is moved: ``depth`` commits of each only, or all history."""
        shallow = [f"--depth={depth}"] if depth else ["--unshallow"] if self.shallow else []
        names = [f"refs/heads/{branch}" for branch in branches]
        network.fetch(self._store(tips=True), remote, url, names, *shallow)


def _batch(told: bytes) -> Iterable[tuple[str, bytes]]:
    stream = BytesIO(told)
    while header := stream.readline().split():
        if len(header) == 3:
            content = stream.read(int(header[2]))
            stream.read(1)
            yield header[0].decode(), content
