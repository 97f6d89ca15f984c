"""The infrastructure repository that every sandbox starts with, from the files next to this module."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
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
    """Commit the data files to a branch in two commits, the same on every machine; the newest commit's id."""
    early = {path: body for path, body in files.items() if _LATER not in path}
    late = {path: body for path, body in files.items() if _LATER in path}
    first = early, "infra: stacks, modules and registrations\n", _FIRST
    return bare.commit_series(branch, [first, (late, "notes: add the stack\n", _SECOND)])


def clone_infra(bare: BareRepository, clone: Path, url: str, configuration: dict[str, str]) -> None:
    """Clone the repository beside the server and let ``origin`` be its HTTPS address."""
    environment = git_environment(clone.parent)
    settings = [f"--config={key}={value}" for key, value in {"core.fsync": "none", **configuration}.items()]
    command = ("clone", "--quiet", "--template=", *settings, "--no-hardlinks", str(bare.path), str(clone))
    run_git(clone.parent, *command, environment=environment)
    run_git(clone, "config", "remote.origin.url", url, environment=environment)


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
