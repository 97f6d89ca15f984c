"""Compares what the command made of a Compose file with what must hold. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from generator.lifecycle.importing.conventions import Conventions

from .corpus import SECRET, Application
from .found import Imported
from .losses import lost

TOKENS = {"postgres": "{pg_host}", "mysql": "{mysql_host}"}
PORTS = {"postgres": "5432", "mysql": "3306"}
"""What of a connection may as well stand in ``env``."""

PLAIN = ("name", "image", "image_source", "port", "kind", "host", "tier", "gpu")
MAPS = ("run_as", "hardening", "homepage")


def wrong(application: Application, imported: Imported) -> list[str]:
    """Everything that is not as it must be: a line for each."""
    if imported.code not in (0, 8):
        return [f"exit {imported.code}: {[finding.message for finding in imported.said('error')]}"]
    expected = application.expected
    checks = (_answers, _process, _volumes, _variables, _database, _redis, _questions)
    found = [line for check in checks for line in check(expected, imported)]
    found += lost(application, imported)
    if SECRET in imported.output:
        found.append(f"leak: {_around(imported.output)}")
    if (imported.code == 0) is bool(imported.missing):
        found.append(f"exit {imported.code} with {len(imported.missing)} questions left")
    return found


def _answers(expected: Mapping[str, Any], imported: Imported) -> Iterator[str]:
    answers = imported.answers
    for key in PLAIN:
        if key in expected and answers.get(key) not in _any_of(expected[key]):
            yield f"{key}: {answers.get(key)!r}, not {expected[key]!r}"
    if "described" in expected and answers.get("description") != expected["described"]:
        yield f"description: {answers.get('description')!r}"
    for key in MAPS:
        found = answers.get(key) or {}
        if any(found.get(part) != value for part, value in expected.get(key, {}).items()):
            yield f"{key}: {found!r}, not {expected[key]!r}"


def _process(expected: Mapping[str, Any], imported: Imported) -> Iterator[str]:
    answers = imported.answers
    words = [*answers.get("command", []), *answers.get("args", [])]
    if "words" in expected and words != expected["words"]:
        yield f"command and args: {words!r}"
    probe = answers.get("probe")
    probe = probe if isinstance(probe, Mapping) else {"kind": probe, "path": "/healthz"}
    if any(probe.get(part) != value for part, value in expected.get("probe", {}).items()):
        yield f"probe: {probe!r}, not {expected['probe']!r}"


def _volumes(expected: Mapping[str, Any], imported: Imported) -> Iterator[str]:
    found = imported.answers.get("volumes", [])
    volumes = {volume["mount"].rstrip("/"): volume.get("kind", "encrypted") for volume in found}
    wanted = expected.get("volumes", {})
    for mount, kind in wanted.items():
        if volumes.get(mount) not in _any_of(kind):
            yield f"volume {mount}: {volumes.get(mount)}, not {kind}"
    for mount in volumes.keys() - wanted.keys():
        yield f"volume {mount}: {volumes[mount]}, and there should be none"


def _variables(expected: Mapping[str, Any], imported: Imported) -> Iterator[str]:
    secrets, env = set(imported.answers.get("secrets", {})), imported.answers.get("env", {})
    wanted = set(expected.get("secrets", []))
    yield from (f"secrets: {variable} is not one" for variable in sorted(wanted - secrets))
    known = wanted | set(expected.get("attention", []))
    yield from (f"secrets: {variable} is none" for variable in sorted(secrets - known))
    for variable, value in expected.get("env", {}).items():
        if variable not in env or not _same(env[variable], value):
            yield f"env {variable}: {env.get(variable)!r}, not {value!r}"


def _database(expected: Mapping[str, Any], imported: Imported) -> Iterator[str]:
    if "database" not in expected:
        return
    wanted = expected["database"] if isinstance(expected["database"], Mapping) else {"engine": expected["database"]}
    found = imported.answers.get("database", "none")
    got = found if isinstance(found, Mapping) else {"engine": found, "env": {"DATABASE_URL": "dsn"}}
    if got["engine"] != wanted["engine"]:
        yield f"database: {found!r}, not {wanted['engine']}"
    elif any(got.get(key) != wanted[key] for key in ("name", "role") if key in wanted):
        yield f"database: {found!r}, not {wanted!r}"
    elif wanted.get("env"):
        yield from _connection(wanted, got.get("env", {}), imported.answers.get("env", {}))


def _connection(wanted: Mapping[str, Any], held: Mapping[str, str], env: Mapping[str, Any]) -> Iterator[str]:
    engine = wanted["engine"]
    for variable, part in wanted["env"].items():
        instead = {"host": TOKENS[engine], "port": PORTS[engine]}.get(part)
        if held.get(variable) != part and (instead is None or str(env.get(variable)) != instead):
            yield f"database: {variable} is {held.get(variable, env.get(variable))!r}, not {part}"
    tables = Conventions.installed().value("databases", engine, "own")
    own = {name for names in tables.values() for name in names}  # in a file that both services read
    for variable in sorted(held.keys() - wanted["env"].keys() - own):
        yield f"database: {variable} is {held[variable]}, and nothing says so"


def _redis(expected: Mapping[str, Any], imported: Imported) -> Iterator[str]:
    found = imported.answers.get("redis", False) is not False
    if found is not ("redis" in expected):
        yield f"redis: {found}"
        return
    env = imported.answers.get("env", {})
    for variable in expected.get("redis", []):
        held = variable == "REDIS_URL" or "{redis_host}" in str(env.get(variable))
        if not held and not imported.names(variable):
            yield f"redis: {variable} is {env.get(variable)!r}"


def _questions(expected: Mapping[str, Any], imported: Imported) -> Iterator[str]:
    asked = {finding.question.rsplit(".", 1)[-1] for finding in imported.said("missing")}
    wanted = set(expected["missing"])
    yield from (f"missing: {question} is not asked" for question in sorted(wanted - asked))
    more = asked - wanted - set(expected.get("attention", []))
    yield from (f"missing: {question} is asked" for question in sorted(more))
    for feature in expected.get("unexpressed", []):
        if not imported.names(feature, "unexpressed"):
            yield f"unexpressed: {feature} is not listed"
    for what in expected.get("attention", []):
        if not imported.names(what):
            yield f"attention: nothing is said of {what}"


def _any_of(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _same(found: Any, wanted: str) -> bool:
    text = str(found).lower() if isinstance(found, bool) else str(found)
    if wanted.startswith("~"):
        return re.fullmatch(wanted[1:], text) is not None
    return text == wanted or (isinstance(found, bool) and text == wanted.lower())


def _around(output: str) -> str:
    at = output.index(SECRET)
    return output[max(0, at - 60) : at].replace("\n", " ") + "…"
