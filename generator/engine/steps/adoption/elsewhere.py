"""The files of a history that Forgejo does not have yet: on GitHub, or in a clone on this machine. Reading only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from generator.base.contained import A_SUBMODULE, Obstacle, link_at
from generator.clients.git import Repository as Clone
from generator.clients.objects import Objects
from generator.engine.context import Run
from generator.infra_repo.fingerprints import Blob
from generator.infra_repo.trees import Nothing, Tree, obstacle_among


@dataclass(frozen=True)
class _Elsewhere:
    """The files of a commit that Forgejo does not have yet; ``content`` reads one by its id."""

    blobs: Mapping[str, Blob]
    content: Callable[[str], bytes]

    def read(self, path: str) -> bytes | None:
        """Content of a file in the commit."""
        blob = self.blobs.get(path)
        return None if blob is None or blob.link or blob.submodule else self.content(blob.id)

    def executable(self, path: str) -> bool:
        """Whether a file of the commit is executable."""
        return path in self.blobs and self.blobs[path].executable

    def obstacle(self, path: str) -> Obstacle | None:
        """What is in the way of a file in the commit, such as a link."""
        return obstacle_among(path, self.blobs, self._kept, self.paths)

    def _kept(self, path: str) -> Obstacle | None:
        """A link or a submodule; None for a plain file."""
        blob = self.blobs[path]
        if blob.submodule:
            return Obstacle(path, A_SUBMODULE)
        return link_at(path, self.content(blob.id)) if blob.link else None

    def paths(self, folder: str) -> list[str]:
        """Paths of the files below a folder."""
        return [path for path in self.blobs if path.startswith(f"{folder.rstrip('/')}/")]


def tree_of_origin(run: Run) -> Tree:
    """The files that the canonical branch is going to have: those of GitHub, or of a clone on this machine."""
    branch = run.platform.forgejo.branch
    if sha := run.mirror_heads().get(branch):
        listed = run.once(("files on GitHub", sha), lambda: run.github.tree(run.mirror, sha))
        return _Elsewhere(listed, lambda blob: run.github.blob(run.mirror, blob))
    clone = Clone.open(run.history) if run.history else None
    if clone is None:
        return Nothing()
    try:
        head = clone.head(f"refs/heads/{branch}")
        found = Objects.of(clone).entries(head) if head else {}
        blobs_there = {path: Blob.of(sha, mode) for path, (mode, sha) in found.items()}
        contents = Objects.of(clone).contents(blob.id for blob in blobs_there.values())
        return _Elsewhere(blobs_there, lambda blob: contents.get(blob, b""))
    finally:
        clone.close()
