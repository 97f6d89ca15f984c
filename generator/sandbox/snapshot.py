"""Save the contents of a sandbox to a folder, and restore a new sandbox from one.

The folder has a JSON document for each system, ``sandbox.json`` with port and tokens, ``profile.yml`` where the
sandbox stands in for another platform, and one git bundle with the contents of all repositories. Every secret in it is
in clear: they are the sandbox's own. Not saved: Vault's settings, and its mounts and namespaces beside the profile's,
faults, the journal, tokens for a pull, OAuth applications, and the certificate authority, which each start issues for
itself.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from generator.sandbox.documents import Documents
from generator.sandbox.forgejo import state as forgejo
from generator.sandbox.github import state as github
from generator.sandbox.numbers import Numbers
from generator.sandbox.registry import Image
from generator.sandbox.repositories import BareRepository, git_environment, run_git
from generator.sandbox.vault import Token as VaultToken
from generator.sandbox.vault import Version
from generator.sandbox.woodpecker import state as woodpecker

if TYPE_CHECKING:
    from generator.sandbox.sandbox import Sandbox

SCHEMA = 1
"""Version of the folder's format."""

_KIND = "newservice sandbox"
_BUNDLE = "repositories.bundle"
_PARALLEL = 4
HELD: Mapping[str, Mapping[str, Any]] = {
    "forgejo": {
        "users": dict[str, int],
        "organisations": dict[str, dict[str, bool]],
        "tokens": dict[str, forgejo.Token],
        "repositories": dict[str, forgejo.Repository],
        "visibilities": dict[str, str],
        "force_private": bool,
        "signers": str,
        "token_ids": Numbers,
        "ids": Numbers,
        "pull_ids": Numbers,
    },
    "github": {
        "users": dict[str, int],
        "tokens": dict[str, github.Token],
        "repositories": dict[str, github.Repository],
        "private_repositories": bool,
        "ids": Numbers,
        "hook_ids": Numbers,
    },
    "woodpecker": {
        "users": dict[str, str],
        "admins": set[str],
        "repositories": dict[int, woodpecker.Repository],
        "global_secrets": dict[str, woodpecker.Secret],
        "new_status": str,
        "ids": Numbers,
        "secret_ids": Numbers,
        "pipeline_ids": Numbers,
    },
    "vault": {
        "health": int,
        "tokens": dict[str, VaultToken],
        "secrets": dict[str, list[Version]],
        "notes": dict[str, dict[str, str]],
    },
    "registry": {"silent": bool, "images": dict[str, Image], "manifests": dict[str, bytes]},
}
"""What each system holds, by the names of its attributes, which are the names in its document."""


@dataclass(frozen=True)
class Saved:
    """A folder that :func:`save` made: the port and the tokens, and the profile of the platform, if it has its own."""

    folder: Path
    port: int
    tokens: Mapping[str, str]
    profile: Path | None


def save(sandbox: Sandbox, folder: Path) -> None:
    """Save a sandbox to a folder, which is created. Raises FileExistsError if it exists and is not empty."""
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    head = {"kind": _KIND, "schema": SCHEMA, "port": sandbox.port, "tokens": asdict(sandbox.tokens)}
    _write(folder / "sandbox.json", head)
    if sandbox.given:
        (folder / "profile.yml").write_text(yaml.safe_dump(dict(sandbox.given), sort_keys=False), encoding="utf-8")
    documents = Documents(_repositories(sandbox.root))
    for system, held in HELD.items():
        attributes = {name: getattr(getattr(sandbox, system), name) for name in held}
        _write(folder / f"{system}.json", documents.write(attributes))
    _bundle(sandbox, folder / _BUNDLE)


def read(folder: Path) -> Saved:
    """Read a folder that :func:`save` made. Raises ValueError for any other, or for one of another format."""
    try:
        head = json.loads((folder / "sandbox.json").read_text(encoding="utf-8"))
        kind, schema = head["kind"], head["schema"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{folder} does not hold a saved sandbox") from error
    if (kind, schema) != (_KIND, SCHEMA):
        raise ValueError(f"{folder} was saved in format {schema}, but this version reads format {SCHEMA}")
    profile = folder / "profile.yml"
    return Saved(folder, int(head["port"]), dict(head["tokens"]), profile if profile.is_file() else None)


def fill(sandbox: Sandbox, saved: Saved) -> None:
    """Give a sandbox that was just constructed everything that was saved.

    Raises ValueError for a document that does not fit, GitError for a damaged bundle.
    """
    documents = Documents(_repositories(sandbox.root))
    for system, held in HELD.items():
        document = json.loads((saved.folder / f"{system}.json").read_text(encoding="utf-8"))
        if unknown := document.keys() - held.keys():
            raise ValueError(f"{system}.json has unknown attributes {sorted(unknown)}")
        for name in document:  # attributes that an earlier version did not save keep their initial values
            setattr(getattr(sandbox, system), name, documents.read(held[name], document[name]))
    _unbundle(sandbox, documents.heads, saved.folder / _BUNDLE)


def _bundle(sandbox: Sandbox, target: Path) -> None:
    """All repositories in one bundle, so that what several of them hold is stored once."""
    scratch = BareRepository.create(sandbox.root / "saving.git", "main")
    try:
        for name, bare, commits in _contents(sandbox):
            wanted = [f"refs/{kind}/*:refs/{name}/{kind}/*" for kind in ("heads", "tags")]
            wanted += [f"{sha}:refs/{name}/commits/{sha}" for sha in commits if bare.resolve(sha)]
            _fetch(scratch, bare.path, wanted)
        if run_git(scratch.path, "for-each-ref"):
            # One thread, for the same bundle each time.
            run_git(scratch.path, "-c", "pack.threads=1", "bundle", "create", "--quiet", str(target.resolve()), "--all")
    finally:
        shutil.rmtree(scratch.path)


def _unbundle(sandbox: Sandbox, heads: Mapping[BareRepository, str], source: Path) -> None:
    """Create each repository with its own contents only."""
    scratch, root = BareRepository.create(sandbox.root / "restoring.git", "main"), _repositories(sandbox.root)
    try:
        if source.is_file():
            run_git(scratch.path, "fetch", "--quiet", str(source.resolve()), "refs/*:refs/*")
        references = run_git(scratch.path, "for-each-ref", "--format=%(refname)").decode().split()

        def restore(bare: BareRepository) -> None:
            name = bare.path.relative_to(root).as_posix()
            BareRepository.create(bare.path, heads[bare])
            own = [reference for reference in references if reference.startswith(f"refs/{name}/")]
            # A commit that only a closed pull request names has no reference of its own.
            wanted = [ref if "/commits/" in ref else f"{ref}:refs/{ref.removeprefix(f'refs/{name}/')}" for ref in own]
            if wanted:
                _fetch(bare, scratch.path, wanted)

        with ThreadPoolExecutor(_PARALLEL) as pool:
            list(pool.map(restore, heads))
    finally:
        shutil.rmtree(scratch.path)


def _contents(sandbox: Sandbox) -> Iterator[tuple[str, BareRepository, list[str]]]:
    """Every repository: its path, and the commits that pull requests name, whose branches may be gone."""
    root = _repositories(sandbox.root)
    for asked in sandbox.forgejo.repositories.values():
        named = ((pull.head_sha, pull.base_sha, pull.merge_commit) for pull in asked.pulls.values())
        commits = sorted({sha for shas in named for sha in shas if sha})
        yield asked.bare.path.relative_to(root).as_posix(), asked.bare, commits
    for mirror in sandbox.github.repositories.values():
        yield mirror.bare.path.relative_to(root).as_posix(), mirror.bare, []


def _fetch(bare: BareRepository, source: Path, wanted: Iterable[str]) -> None:
    environment = git_environment(bare.path) | {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "uploadpack.allowAnySHA1InWant",
        "GIT_CONFIG_VALUE_0": "true",
    }
    command = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc", str(source), *wanted)
    run_git(bare.path, *command, environment=environment)


def _repositories(root: Path) -> Path:
    return root / "repositories"


def _write(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    path.chmod(0o600)
