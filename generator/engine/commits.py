"""Trees of commits: in a clone on this machine, or on the forge. Reading only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from generator.base.contained import A_SUBMODULE, Obstacle, link_at
from generator.clients.forgejo import Forgejo
from generator.clients.git import Repository
from generator.infra_repo.fingerprints import Blob
from generator.infra_repo.trees import Blobs, obstacle_among


@dataclass(frozen=True)
class Commit:
    """Files of a commit in a clone on this machine."""

    repository: Repository
    sha: str

    def read(self, path: str) -> bytes | None:
        """Content of a file in the commit."""
        return self.repository.file(self.sha, path)

    def executable(self, path: str) -> bool:
        """Whether a file of the commit is executable."""
        return self.repository.executable(self.sha, path)

    def obstacle(self, path: str) -> Obstacle | None:
        """What is in the way of a file in the commit."""
        return self.repository.obstacle(self.sha, path)

    def paths(self, folder: str) -> list[str]:
        """Paths of the files below a folder."""
        return self.repository.paths(self.sha, folder)


@dataclass(frozen=True)
class RemoteCommit:
    """Files of a commit on the forge, for commits that no clone here has.

    ``cache`` has contents by their ids, which saves requests: most files of a commit that is missing here
    are here anyway.
    """

    forgejo: Forgejo
    owner: str
    name: str
    sha: str
    cache: Blobs | None = None

    def read(self, path: str) -> bytes | None:
        """Content of a file in the commit; takes at most one request."""
        if self.cache is not None:
            blob = self._blobs.get(path)
            if blob is None or blob.link or blob.submodule:
                return None
            content = self.cache.blob(blob.id)
            if content is not None:
                return content
        return self.forgejo.file(self.owner, self.name, path, self.sha)

    def executable(self, path: str) -> bool:
        """Whether a file of the commit is executable; takes one request for the commit's listing."""
        return path in self._blobs and self._blobs[path].executable

    def obstacle(self, path: str) -> Obstacle | None:
        """What is in the way of a file in the commit, such as a link; takes the same request."""
        return obstacle_among(path, self._blobs, self._kept, self.paths)

    def _kept(self, path: str) -> Obstacle | None:
        """A link or a submodule; None for a plain file."""
        blob = self._blobs[path]
        if not blob.link:
            return Obstacle(path, A_SUBMODULE) if blob.submodule else None
        content = self.cache.blob(blob.id) if self.cache is not None else None
        return link_at(path, content or self.forgejo.file(self.owner, self.name, path, self.sha) or b"")

    def paths(self, folder: str) -> list[str]:
        """Paths of the files below a folder."""
        return [path for path in self._blobs if path.startswith(f"{folder.rstrip('/')}/")]

    @cached_property
    def _blobs(self) -> dict[str, Blob]:
        return self.forgejo.tree(self.owner, self.name, self.sha)
