"""Builds trees from objects, without a checkout or an index; the number of processes does not grow with the files."""

from __future__ import annotations

import os
import posixpath
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from generator.clients.git.process import failure, git_process, local_environment, run_git
from generator.clients.git.reading import lost
from generator.clients.git.trees import Entry, changed, folders_of
from generator.infra_repo.attributes import ATTRIBUTES, check_filters
from generator.infra_repo.fingerprints import LINK, mode_of
from generator.infra_repo.trees import Files
from generator.template.files import File


def build_tree(
    repository: Path,
    beginning: str,
    files: Iterable[File],
    removed: Iterable[str] = (),
    links: Mapping[str, bytes] = MappingProxyType({}),
) -> str:
    """Store the tree ``beginning`` (or an empty one) with ``files`` and without the paths ``removed``; returns its id.

    ``beginning`` is a commit's or a tree's id; ``links`` are symbolic links, and where they lead. Raises
    ``SystemFailure`` if git fails, or if part of it is missing here; and ``RefusedError`` for a file that git stores
    through a filter in that tree: it would be stored as plain content.
    """
    files = list(files)
    paths = [file.path for file in files]
    before: dict[str, bytes] = {}
    if beginning:
        folders = folders_of([*paths, *removed])
        trees, attributes = _folders(repository, beginning, folders)
        check_filters(attributes, paths)
        before = trees
    entries = [(file.path, mode_of(file), file.content) for file in files]
    entries += [(path, LINK, text) for path, text in links.items()]
    blobs = _stored(repository, "blob", [content for _, _, content in entries])
    stored = zip(entries, blobs, strict=True)
    changes: dict[str, Entry | None] = {path: (mode, blob) for (path, mode, _), blob in stored}
    changes |= dict.fromkeys(removed)
    try:
        tree, objects = changed(before, changes)
    except KeyError as error:
        raise lost(repository, error.args[0]) from None
    if _stored(repository, "tree", list(objects.values())) != list(objects):
        raise AssertionError("git calls a tree by another id")
    return tree


def _folders(repository: Path, beginning: str, folders: Iterable[str]) -> tuple[dict[str, bytes], Files]:
    """The trees of those folders that exist, and their attributes, read by one process."""
    folders = list(folders)
    attributes = [posixpath.join(folder, ATTRIBUTES) for folder in folders]
    names = [f"{beginning}:{folder}" if folder else f"{beginning}^{{tree}}" for folder in folders]
    names += [f"{beginning}:{path}" for path in attributes]
    command = ("cat-file", "--batch", "-z")
    ended = git_process(repository, *command, given=b"".join(os.fsencode(name) + b"\0" for name in names))
    if ended.status:
        raise failure(repository, command, ended.without_output)
    found: dict[str, dict[str, bytes]] = {"tree": {}, "blob": {}}
    at = 0
    for path, name in zip([*folders, *attributes], map(os.fsencode, names), strict=True):
        missing = name + b" missing\n"
        if ended.out.startswith(missing, at):
            at += len(missing)
            continue
        begin = ended.out.index(b"\n", at) + 1
        kind, size = ended.out[at:begin].split()[1:]
        at = begin + int(size) + 1
        found.setdefault(kind.decode(), {})[path] = ended.out[begin : at - 1]
    if "" not in found["tree"]:
        raise lost(repository, beginning)
    return found["tree"], Files(found["blob"])


def _stored(repository: Path, kind: str, contents: Sequence[bytes]) -> list[str]:
    """Store objects of a kind and return their ids. One process for all of them."""
    with tempfile.TemporaryDirectory(prefix="newservice-") as name:
        paths = [Path(name) / str(number) for number in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        given = "".join(f"{path}\n" for path in paths).encode()
        command = ("hash-object", "-t", kind, "-w", "--no-filters", "--stdin-paths")
        return run_git(repository, *command, environment=local_environment(), given=given).split()
