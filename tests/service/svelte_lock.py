"""Writes the template of SvelteKit's ``package-lock.json`` anew: ``python -m tests.service.svelte_lock``.

npm resolves each combination of answers that changes what is installed; the template is what all of them say, with a
condition around what only some say. To be run after a change of a version in ``package.json.jinja`` or ``web.jinja``,
or to take newer versions within the ranges; needs npm and its registry.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

from generator.template.template import PACKAGE, Template

FOLDER = PACKAGE.parent / "templates" / "service" / "svelte"
LOCK = FOLDER / "package-lock.json.jinja"
REGISTRY = "https://registry.npmjs.org/"

Combination = tuple[bool, str | None, bool]  # whether metrics are scraped, the database's engine, whether it has Redis
COMBINATIONS: tuple[Combination, ...] = tuple(product((True, False), ("postgres", "mysql", None), (True, False)))
REDIS = "redis_db is not none"
POSTGRES = "db and db.engine == 'postgres'"
CONDITIONS: dict[str, frozenset[Combination]] = {
    "scrape": frozenset(each for each in COMBINATIONS if each[0]),
    POSTGRES: frozenset(each for each in COMBINATIONS if each[1] == "postgres"),
    "db and db.engine == 'mysql'": frozenset(each for each in COMBINATIONS if each[1] == "mysql"),
    REDIS: frozenset(each for each in COMBINATIONS if each[2]),
    "not db or db.engine != 'mysql'": frozenset(each for each in COMBINATIONS if each[1] != "mysql"),
}
HEAD = """\
[% from 'templates/macros/web.jinja' import runtime_packages %]
{
  "name": "[[ name ]]",
  "version": "0.1.0",
  "lockfileVersion": 3,
  "requires": true,
  "packages": {
"""
DEPENDENCIES = """\
[% if scrape or db or redis_db is not none %]
      "dependencies": {
        [[ runtime_packages(scrape, db, redis_db, 8) ]]
      },
[% endif %]
"""


def packages_of(template: Template, combination: Combination) -> dict[str, Any]:
    """The packages that npm locks for one combination, by path; "" is the repository itself."""
    scrape, engine, redis = combination
    answers = {
        "name": "name",
        "description": "",
        "scrape": scrape,
        "db": {"engine": engine} if engine else None,
        "redis_db": 0 if redis else None,
    }
    package = template.render((FOLDER / "package.json.jinja").read_text(encoding="utf-8"), answers)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "package.json").write_text(package, encoding="utf-8")
        subprocess.run(["npm", "install", "--package-lock-only"], cwd=folder, check=True, capture_output=True)
        lock = json.loads((Path(folder) / "package-lock.json").read_text(encoding="utf-8"))
    return {path: addressed(path, entry) for path, entry in lock["packages"].items()}


def addressed(path: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """``entry`` with the public registry's address: npm may be told to leave it out, or to ask a mirror."""
    if not path:
        return dict(entry)
    name = path.rpartition("node_modules/")[2]
    address = f"{REGISTRY}{name}/-/{name.rpartition('/')[2]}-{entry['version']}.tgz"
    rest = {key: value for key, value in entry.items() if key != "resolved"}
    return {"version": rest.pop("version"), "resolved": address, **rest}


def written(path: str, entry: Mapping[str, Any]) -> str:
    """One package as npm writes it."""
    lines = json.dumps({path: entry}, indent=2, ensure_ascii=False).splitlines()[1:-1]
    return "".join(f"  {line}\n" for line in lines)


def repository(entry: Mapping[str, Any]) -> str:
    """The repository's own entry, with what follows from the answers left to them."""
    text = written("", {**entry, "name": "[[ name ]]"})
    text = re.sub(r' +"dependencies": \{[^}]*\},\n', lambda _: DEPENDENCIES, text)
    return re.sub(r' +"@types/pg": .*\n', lambda found: f"[% if {POSTGRES} %]\n{found[0]}[% endif %]\n", text)


def merged(locks: Mapping[Combination, Mapping[str, Any]]) -> str:
    """The template of the lock; raises KeyError where no condition of ``CONDITIONS`` tells combinations apart."""
    richest = locks[True, "postgres", True]
    entries = [repository(richest[""])]
    for path in sorted({path for lock in locks.values() for path in lock if path}):
        texts = {combination: written(path, lock[path]) for combination, lock in locks.items() if path in lock}
        for text in dict.fromkeys(texts.values()):
            said = frozenset(combination for combination, other in texts.items() if other == text)
            entries.append(text if said == set(locks) else guarded(text, said))
    assert entries[-1].endswith("    }\n"), "the last package has to be in every lock, for the commas"
    return HEAD + re.sub(r"^    \}\n(?=\[% endif|\[% if|    \")", "    },\n", "".join(entries), flags=re.M) + "  }\n}\n"


def guarded(text: str, said: frozenset[Combination]) -> str:
    """``text`` for the combinations that say it."""
    condition = {combinations: words for words, combinations in CONDITIONS.items()}[said]
    return f"[% if {condition} %]\n{text}[% endif %]\n"


if __name__ == "__main__":
    installed = Template.installed()
    LOCK.write_text(merged({each: packages_of(installed, each) for each in COMBINATIONS}), encoding="utf-8")
