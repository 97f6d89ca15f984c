"""Commits with symbolic links, submodules and folders, which a sandbox's forge has no reason to make."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping

from generator.sandbox.repositories import BareRepository


def commit_links(
    bare: BareRepository, branch: str, links: Mapping[str, str], moved: Iterable[tuple[str, str]] = ()
) -> str:
    """Put links (where they lead, by path) in the place of what is there, which ``moved`` keeps elsewhere; the id."""
    lines = [f"R {old} {new}\n" for old, new in moved]
    lines += [f"D {path}\n" for path in links]
    lines += [f"M 120000 inline {path}\ndata {len(to.encode())}\n{to}\n" for path, to in links.items()]
    return _commit(bare, branch, lines)


def commit_kinds(bare: BareRepository, branch: str, kinds: Mapping[str, str]) -> str:
    """Put a folder, a submodule or a file (the kind, by path) in the place of what is there; the commit's id."""
    lines = [f"D {path}\n" for path in kinds]
    for path, kind in kinds.items():
        if kind == "submodule":
            lines.append(f"M 160000 {'1' * 40} {path}\n")
        else:
            lines.append(f"M 100644 inline {path}{'/kept' if kind == 'folder' else ''}\ndata 6\ntheirs\n")
    return _commit(bare, branch, lines)


def _commit(bare: BareRepository, branch: str, lines: list[str]) -> str:
    reference = f"refs/heads/{branch}"
    head = f"commit {reference}\ncommitter P <p@example.test> 1790000000 +0000\ndata 5\nlinks\nfrom {reference}^0\n"
    lines = [head, *lines]
    command = ["git", "-C", str(bare.path), "fast-import", "--quiet", "--force"]
    subprocess.run(command, input="".join(lines).encode(), check=True, capture_output=True)
    return bare.heads()[branch]
