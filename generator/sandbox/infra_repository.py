"""The infrastructure repository that every sandbox starts with, from the files next to this module."""

from __future__ import annotations

from pathlib import Path

from generator.sandbox.repositories import BareRepository, git_environment, run_git

FILES = Path(__file__).parent / "infra"
_FIRST, _SECOND = 1_781_000_000, 1_781_100_000
# What the second commit adds, so that the history has more than one.
_LATER = "stacks/notes/"


def commit_infra(bare: BareRepository, branch: str) -> str:
    """Commit the data files to a branch in two commits, the same on every machine; the newest commit's id."""
    files = {
        path.relative_to(FILES).as_posix(): path.read_bytes()
        for path in sorted(FILES.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    early = {path: body for path, body in files.items() if not path.startswith(_LATER)}
    late = {path: body for path, body in files.items() if path.startswith(_LATER)}
    bare.commit_files(branch, early, "infra: stacks, modules and registrations\n", _FIRST)
    return bare.commit_files(branch, late, "notes: add the stack\n", _SECOND)


def clone_infra(bare: BareRepository, clone: Path, url: str, configuration: dict[str, str]) -> None:
    """Clone the repository beside the server and let ``origin`` be its HTTPS address."""
    environment = git_environment(clone.parent)
    run_git(
        clone.parent,
        *("clone", "--quiet", "--template=", "--no-hardlinks", str(bare.path), str(clone)),
        environment=environment,
    )
    for key, value in ({"remote.origin.url": url} | configuration).items():
        run_git(clone, "config", key, value, environment=environment)
