"""Builds trees from objects, without a checkout or an index; the number of processes does not grow with the files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from generator.clients.git.process import failure, git_process, local_environment, run_git
from generator.clients.git.reading import lost
from generator.clients.git.trees import Entry, changed, folders_of
from generator.infra_repo.fingerprints import mode_of
from generator.template.files import File


def build_tree(repository: Path, beginning: str, files: Iterable[File], removed: Iterable[str] = ()) -> str:
    """Store the tree ``beginning`` (or an empty one) with ``files`` and without the paths ``removed``; returns its id.

    ``beginning`` is a commit's or a tree's id. Raises ``SystemFailure`` if git fails, or if part of it is missing here.
    """
    files = list(files)
    blobs = _stored(repository, "blob", [file.content for file in files])
    changes: dict[str, Entry | None] = {
        file.path: (mode_of(file), blob) for file, blob in zip(files, blobs, strict=True)
    }
    changes |= dict.fromkeys(removed)
    before = _folders(repository, beginning, folders_of(changes)) if beginning else {}
    try:
        tree, objects = changed(before, changes)
    except KeyError as error:
        raise lost(repository, error.args[0]) from None
    if _stored(repository, "tree", list(objects.values())) != list(objects):
        raise AssertionError("git calls a tree by another id")
    return tree


def _folders(repository: Path, beginning: str, folders: Iterable[str]) -> dict[str, bytes]:
    """The trees of those folders that exist, read by one process."""
    asked = {folder: os.fsencode(f"{beginning}:{folder}" if folder else f"{beginning}^{{tree}}") for folder in folders}
    command = ("cat-file", "--batch", "-z")
    ended = git_process(repository, *command, given=b"".join(name + b"\0" for name in asked.values()))
    if ended.status:
        raise failure(repository, command, ended.without_output)
    found: dict[str, bytes] = {}
    at = 0
    for folder, name in asked.items():
        missing = name + b" missing\n"
        if ended.out.startswith(missing, at):
            at += len(missing)
            continue
        begin = ended.out.index(b"\n", at) + 1
        _, kind, size = ended.out[at:begin].split()
        at = begin + int(size) + 1
        if kind == b"tree":
            found[folder] = ended.out[begin : at - 1]
    if "" not in found:
        raise lost(repository, beginning)
    return found


def _stored(repository: Path, kind: str, contents: Sequence[bytes]) -> list[str]:
    """Store objects of a kind and return their ids. One process for all of them."""
    with tempfile.TemporaryDirectory(prefix="newservice-") as name:
        paths = [Path(name) / str(number) for number in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        given = "".join(f"{path}\n" for path in paths).encode()
        command = ("hash-object", "-t", kind, "-w", "--no-filters", "--stdin-paths")
        return run_git(repository, *command, environment=local_environment(), given=given).split()
