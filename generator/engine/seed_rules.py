"""Which sources no service's secret may come from: credentials and keys that open more than that service.

The tables are ``seed_rules.yml``; the profile's own variables and newservice's own files come on top. Links are
followed to see where a file really is; nothing is opened, and no variable is read but those that say where folders are.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from generator.base.errors import RefusedError
from generator.base.folders import config_folder, state_folder
from generator.engine.seeds import Seed
from generator.platform.profile import BUILT_IN, Platform
from generator.template.template import PACKAGE, parse_yaml

OWN_VALUE = "a service can read its secrets: make a value for this service alone, in a variable or file of its own"
"""The way out of every refusal."""


def refuse_sources(seeds: Iterable[Seed], environ: Mapping[str, str], platform: Platform | None = None) -> None:
    """Raise ``RefusedError`` for a source that holds a credential, or a person's or the machine's keys.

    A file is judged by its name as given and by where its links lead, so one with further names (hard links) is
    refused. Without a ``platform`` only the tables count.
    """
    for seed in seeds:
        if seed.kind == "env" and (holds := _credential(seed.place, platform)):
            raise RefusedError("seed.credential", f"{seed.label}{seed.shown_place} holds {holds}", OWN_VALUE)
        if seed.kind == "file" and (holds := _keys(seed.place, environ, platform)):
            raise RefusedError("seed.place", f"{seed.label}{seed.shown_place} is where {holds} would be", OWN_VALUE)
        seed.check_single()


def credential_variables(environ: Iterable[str], platform: Platform) -> list[str]:
    """Which of these variables hold a credential."""
    return [name for name in environ if _credential(name, platform)]


@cache
def _table() -> dict[str, list[dict[str, Any]]]:
    table: dict[str, list[dict[str, Any]]] = parse_yaml(
        (PACKAGE / "engine" / "seed_rules.yml").read_text(encoding="utf-8")
    )
    return table


def _credential(variable: str, platform: Platform | None) -> str:
    """Which credential a variable holds; empty for none."""
    for source in platform.connection.credentials.values() if platform else ():
        if source.environment == variable:
            return f"the platform's credential {source.name}"
    return _listed(variable)


@lru_cache(maxsize=512)
def _listed(variable: str) -> str:
    """What the table says that a variable holds; a command asks it of its whole environment."""
    for item in _table()["variables"]:
        if any(fnmatchcase(variable, name) for name in item["names"]):
            return str(item["holds"])
    return ""


def _keys(place: str, environ: Mapping[str, str], platform: Platform | None) -> str:
    """What is kept where a file is, in a closed place; empty in any other."""
    names = {_parts(os.path.abspath(place)), _parts(os.path.realpath(place))}
    for closed, holds in _closed(environ, platform):
        if any(_covers(closed, name) for name in names):
            return holds
    return ""


def _closed(environ: Mapping[str, str], platform: Platform | None) -> Iterator[tuple[tuple[str, ...], str]]:
    """All closed places, as given and as links lead to them, each with what is kept there."""
    for path in _own(platform):
        yield from ((name, "newservice's own files") for name in _both(str(path)))
    for item in _table()["places"]:
        for path in item["paths"]:
            yield from ((name, item["holds"]) for name in _expanded(path, environ))


def _expanded(path: str, environ: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    if path.startswith("/"):
        yield from _both(path)
    elif path.startswith("$"):
        variable, _, rest = path[1:].partition("/")
        for base in filter(None, environ.get(variable, "").split(os.pathsep)):
            yield from _both(os.path.join(base, rest) if rest else base)
    else:
        yield _parts(path)  # in every folder, and where a link in a person's home leads
        yield from (_parts(os.path.realpath(home / path)) for home in _homes(environ))


def _own(platform: Platform | None) -> Iterator[Path]:
    """The folders of configuration and state, and what the profile in force is made of."""
    yield from filter(None, (config_folder(), state_folder()))
    if platform and platform.source != BUILT_IN:
        yield Path(platform.source)
    if platform and platform.connection.ca_file:
        yield Path(platform.connection.ca_file)
    if platform and platform.connection.signing_key:
        yield platform.connection.signing_key


def _homes(environ: Mapping[str, str]) -> set[Path]:
    """The home that the environment names and that of the account; ``sudo`` may leave another one's name there."""
    homes = {Path(environ["HOME"])} if environ.get("HOME") else set()
    with suppress(KeyError):  # an account without an entry, as in some containers
        homes.add(Path(pwd.getpwuid(os.getuid()).pw_dir))
    return homes


def _both(path: str) -> Iterator[tuple[str, ...]]:
    yield _parts(os.path.abspath(path))
    yield _parts(os.path.realpath(path))


def _parts(path: str) -> tuple[str, ...]:
    """A path by its folders, in small letters: some file systems take both for the same."""
    return Path(path.casefold()).parts


def _covers(closed: tuple[str, ...], name: tuple[str, ...]) -> bool:
    """Whether a file is the closed place or below it; a relative place is looked for in every folder."""
    if closed[:1] == ("/",):
        return name[: len(closed)] == closed
    return any(name[at : at + len(closed)] == closed for at in range(len(name) - len(closed) + 1))
