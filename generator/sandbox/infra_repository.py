"""The infrastructure repository that every sandbox starts with, from the files next to this module."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from generator.platform.profile import Platform
from generator.sandbox.repositories import BareRepository, git_environment, run_git
from generator.template.template import Template

FILES = Path(__file__).parent / "infra"
_FIRST, _SECOND = 1_781_000_000, 1_781_100_000
# What the second commit adds, so that the history has more than one.
_LATER = "/notes/"


def infra_files(platform: Platform | None = None) -> dict[str, bytes]:
    """The data files by path, under the names that ``platform`` has for things (without one: the built-in one's)."""
    if platform is None:
        return dict(_data_files())
    theirs = _in_words_of(platform.facts, Template.installed().platform)
    return {theirs(path): theirs(body.decode()).encode() for path, body in _data_files().items()}


@cache
def _data_files() -> Mapping[str, bytes]:
    return {
        path.relative_to(FILES).as_posix(): path.read_bytes()
        for path in sorted(FILES.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def commit_infra(bare: BareRepository, branch: str, files: Mapping[str, bytes]) -> str:
    """Commit the data files to a branch in two commits, the same on every machine; the newest commit's id.

    Into an empty repository: most processes that start one sandbox start many, and git makes the same of them.
    """

    def make() -> None:
        early = {path: body for path, body in files.items() if _LATER not in path}
        late = {path: body for path, body in files.items() if _LATER in path}
        first = early, "infra: stacks, modules and registrations\n", _FIRST
        bare.commit_series(branch, [first, (late, "notes: add the stack\n", _SECOND)])

    _made_again(bare.path, ("bare", branch, bare.head(), *files.items()), {}, make)
    return bare.heads()[branch]


def clone_infra(bare: BareRepository, clone: Path, url: str, configuration: dict[str, str]) -> None:
    """Clone the repository beside the server and let ``origin`` be its HTTPS address."""

    def make() -> None:
        environment = git_environment(clone.parent)
        settings = [f"--config={key}={value}" for key, value in {"core.fsync": "none", **configuration}.items()]
        command = ("clone", "--quiet", "--template=", *settings, "--no-hardlinks", str(bare.path), str(clone))
        run_git(clone.parent, *command, environment=environment)
        run_git(clone, "config", "remote.origin.url", url, environment=environment)

    key = ("clone", bare.head(), *bare.references().items(), *configuration.items())
    _made_again(clone, key, {".git/config": url}, make)


@dataclass(frozen=True)
class _Folder:
    """A folder as it was made: its folders, and its files with what they hold and their modes.

    ``own``: a text that each has of its own, by the file that it is in.
    """

    folders: tuple[str, ...]
    files: Mapping[str, tuple[bytes, int]]
    own: Mapping[str, str]

    @classmethod
    def of(cls, place: Path, own: Mapping[str, str]) -> _Folder:
        found = [(path.relative_to(place).as_posix(), path) for path in sorted(place.rglob("*"))]
        files = {name: (path.read_bytes(), path.stat().st_mode & 0o777) for name, path in found if path.is_file()}
        return cls(tuple(name for name, path in found if path.is_dir()), files, own)

    def write(self, place: Path, own: Mapping[str, str]) -> None:
        os.makedirs(place, exist_ok=True)
        for name in self.folders:
            with suppress(FileExistsError):
                os.mkdir(f"{place}/{name}")
        for name, (content, mode) in self.files.items():
            if name in own:
                content = content.replace(self.own[name].encode(), own[name].encode())
            file = os.open(f"{place}/{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
            with os.fdopen(file, "wb", buffering=0) as opened:
                opened.write(content)


_made: dict[tuple[object, ...], _Folder] = {}
_MOST = 16
"""Folders that are kept: of a few platforms, with and without services."""


def _made_again(place: Path, key: tuple[object, ...], own: Mapping[str, str], make: Callable[[], None]) -> None:
    """Let ``make`` make a folder, or write it as it was made for the same ``key`` before."""
    found = _made.get(key)
    if found is not None:
        found.write(place, own)
        return
    make()
    if len(_made) < _MOST:
        _made[key] = _Folder.of(place, own)


def _in_words_of(wanted: Mapping[str, Any], known: Mapping[str, Any]) -> Callable[[str], str]:
    """Puts one platform's names in the place of another's, in paths and in texts."""
    words = {known["domain"]: wanted["domain"], known["lan_domain"]: wanted["lan_domain"]}
    for module, source in known["modules"].items():
        words |= {source: wanted["modules"][module], _in_tree(source): _in_tree(wanted["modules"][module])}
    for engine, facts in known["databases"].items():
        old, new = facts["connection"], wanted["databases"][engine]["connection"]
        for form in ('vault_database_secret_backend_connection" "{}"', "vault_database_secret_backend_connection.{}."):
            words[form.format(old)] = form.format(new)
    words[f'mount = "{known["vault"]["mount"]}"'] = f'mount = "{wanted["vault"]["mount"]}"'
    words[f"{known['infra']['stacks']}/"] = f"{wanted['infra']['stacks']}/"
    words |= _tiers(list(known["tiers"]), list(wanted["tiers"]))
    words = {old: new for old, new in words.items() if old != new}
    found = re.compile("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)) or "(?!)")
    return lambda text: found.sub(lambda match: words[match[0]], text)


def _in_tree(source: str) -> str:
    """A module's folder in the repository, from what a stack gives as its source."""
    return posixpath.normpath(posixpath.join("a/stack", source))


def _tiers(known: list[str], wanted: list[str]) -> dict[str, str]:
    """The map of tiers, as it is in the files, and each use of one; the last is used where there are fewer."""
    if known == wanted:
        return {}
    words = {_table(known): _table(wanted)}
    return words | {f"tiers.{name}": f"tiers.{wanted[min(i, len(wanted) - 1)]}" for i, name in enumerate(known)}


def _table(tiers: list[str]) -> str:
    width = max(map(len, tiers))
    return "".join(f'    {name:{width}} = "{number}-{name}"\n' for number, name in enumerate(tiers))
