"""Compares what the command made of a Compose file with what must hold. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from generator.lifecycle.importing.conventions import Conventions

from .corpus import SECRET, Application

TOKENS = {"postgres": "{pg_host}", "mysql": "{mysql_host}"}
PORTS = {"postgres": "5432", "mysql": "3306"}
"""What of a connection may as well stand in ``env``."""


@dataclass(frozen=True)
class Finding:
    """Something that the command says: its kind, the question that it is about, the words, and the place in the file."""

    kind: str
    question: str
    message: str
    origin: str = ""

    @property
    def path(self) -> str:
        """The place without file and line."""
        return self.origin.partition(" ")[2]


@dataclass(frozen=True)
class Imported:
    """What came out: the exit code, the answers, and all that is said of them; ``output`` is every byte of it."""

    code: int
    answers: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    output: str = ""

    def said(self, *kinds: str) -> list[Finding]:
        return [finding for finding in self.findings if not kinds or finding.kind in kinds]

    @property
    def missing(self) -> set[str]:
        return {finding.question for finding in self.said("missing")}


def wrong(application: Application, imported: Imported) -> list[str]:
    """Everything that is not as it must be: a line for each."""
    if imported.code not in (0, 8):
        return [f"exit {imported.code}"]
    found = [*_answers(application.expected, imported), *_connections(application.expected, imported)]
    found += [*_questions(application.expected, imported), *_lost(application, imported)]
    if SECRET in imported.output:
        found.append(f"leak: {_around(imported.output)}")
    if (imported.code == 0) is bool(imported.missing):
        found.append(f"exit {imported.code} with {len(imported.missing)} questions left")
    return found


def _answers(expected: Mapping[str, Any], imported: Imported) -> Iterator[str]:
    answers = imported.answers
    for key in ("name", "image", "image_source", "port", "kind", "host", "tier", "gpu"):
        if key in expected and answers.get(key) not in _any_of(expected[key]):
            yield f"{key}: {answers.get(key)!r}, not {expected[key]!r}"
    if "described" in expected and answers.get("description") != expected["described"]:
        yield f"description: {answers.get('description')!r}"
    for key in ("run_as", "hardening", "homepage"):
        for part, value in expected.get(key, {}).items():
            if (answers.get(key) or {}).get(part) != value:
                yield f"{key}: {answers.get(key)!r}, not {expected[key]!r}"
                break
    words = [*answers.get("command", []), *answers.get("args", [])]
    if "words" in expected and words != expected["words"]:
        yield f"command and args: {words!r}"
    if "probe" in expected:
        probe = answers.get("probe")
        probe = probe if isinstance(probe, Mapping) else {"kind": probe, "path": "/healthz"}
        if any(probe.get(part) != value for part, value in expected["probe"].items()):
            yield f"probe: {answers.get('probe')!r}, not {expected['probe']!r}"
    volumes = {volume["mount"].rstrip("/"): volume.get("kind", "encrypted") for volume in answers.get("volumes", [])}
    wanted = expected.get("volumes", {})
    for mount, kind in wanted.items():
        if volumes.get(mount) not in _any_of(kind):
            yield f"volume {mount}: {volumes.get(mount)}, not {kind}"
    for mount in volumes.keys() - wanted.keys():
        yield f"volume {mount}: {volumes[mount]}, and there should be none"
    for variable in expected.get("secrets", []):
        if variable not in answers.get("secrets", {}):
            yield f"secrets: {variable} is not one"
    for variable in set(answers.get("secrets", {})) - set(expected.get("secrets", [])) - set(expected.get("attention", [])):
        yield f"secrets: {variable} is none"
    env = answers.get("env", {})
    for variable, value in expected.get("env", {}).items():
        if variable not in env or not _same(env[variable], value):
            yield f"env {variable}: {env.get(variable)!r}, not {value!r}"


def _connections(expected: Mapping[str, Any], imported: Imported) -> Iterator[str]:
    if "database" in expected:
        wanted = expected["database"] if isinstance(expected["database"], Mapping) else {"engine": expected["database"]}
        found = imported.answers.get("database", "none")
        got = found if isinstance(found, Mapping) else {"engine": found, "env": {"DATABASE_URL": "dsn"}}
        if got["engine"] != wanted["engine"]:
            yield f"database: {found!r}, not {wanted['engine']}"
        elif wanted["engine"] != "none":
            yield from _variables(wanted, got, imported)
    env = imported.answers.get("env", {})
    for variable in expected.get("redis", []):
        if imported.answers.get("redis", False) is False:
            yield "redis: none"
            return
        held = variable == "REDIS_URL" or "{redis_host}" in str(env.get(variable)) or "REDIS_URL" in str(env.get(variable))
        if not held and not _named(variable, imported):
            yield f"redis: {variable} is {env.get(variable)!r}"
    if expected.get("redis") == [] and imported.answers.get("redis", False) is False:
        yield "redis: none"
    if "redis" not in expected and imported.answers.get("redis", False) is not False:
        yield "redis: there should be none"


def _variables(wanted: Mapping[str, Any], got: Mapping[str, Any], imported: Imported) -> Iterator[str]:
    env = imported.answers.get("env", {})
    held = got.get("env", {})
    for variable, part in wanted.get("env", {}).items():
        instead = {"host": TOKENS[wanted["engine"]], "port": PORTS[wanted["engine"]]}.get(part)
        if held.get(variable) != part and (instead is None or str(env.get(variable)) != instead):
            yield f"database: {variable} is {held.get(variable, env.get(variable))!r}, not {part}"
    tables = Conventions.installed().value("databases", wanted["engine"], "own")
    own = {name for names in tables.values() for name in names}  # in a file that both services read
    for variable in sorted(set(held) - set(wanted.get("env", {})) - own):
        if wanted.get("env"):
            yield f"database: {variable} is {held[variable]}, and nothing says so"


def _questions(expected: Mapping[str, Any], imported: Imported) -> Iterator[str]:
    asked = {finding.question.rsplit(".", 1)[-1] for finding in imported.said("missing")}
    wanted = set(expected["missing"])
    for question in sorted(wanted - asked):
        yield f"missing: {question} is not asked"
    for question in sorted(asked - wanted - set(expected.get("attention", []))):
        yield f"missing: {question} is asked"
    for feature in expected.get("unexpressed", []):
        if not _named(feature, imported, "unexpressed"):
            yield f"unexpressed: {feature} is not listed"
    for what in expected.get("attention", []):
        if not _named(what, imported):
            yield f"attention: nothing is said of {what}"


def _named(what: str, imported: Imported, *kinds: str) -> bool:
    """Whether something other than an answer's plain origin speaks of it."""
    pattern = re.compile(rf"(?<![A-Za-z0-9]){re.escape(what)}(?![A-Za-z0-9_])", re.IGNORECASE)
    said = [finding for finding in imported.said(*kinds) if finding.kind != "origin"]
    return any(pattern.search(f"{finding.question} {finding.message} {finding.path}") for finding in said)


def _lost(application: Application, imported: Imported) -> Iterator[str]:
    """What the file says and nothing speaks of: each other service, and each key and item of the one that is taken.

    Keys and labels that ``templates/import.yml`` lists as meaningless on the platform are no loss.
    """
    taken = application.expected["service"]
    for name in application.compose["services"]:
        if name != taken and not _named(name, imported):
            yield f"lost: the service {name}"
    needless = Conventions.installed().words("ignored")
    for key, value in application.service.items():
        path = f"services.{taken}.{key}"
        if key in needless or key in ("depends_on", "links"):
            continue
        if key in _ITEMS and value:
            yield from (f"lost: {path}: {item}" for item in _ITEMS[key](application, imported, path, value))
        elif key in ("cap_drop", "security_opt", "read_only") and imported.answers.get("hardening"):
            continue
        elif key == "secrets" and "/run/secrets/" in str(application.service.get("environment")):
            continue  # the variables that name the files are looked for
        elif value and not _switched_off(value) and not _spoken(path, imported) and not _named(key, imported):
            yield f"lost: {path}"


def _lost_variables(application: Application, imported: Imported, path: str, value: Any) -> Iterator[str]:
    if path.endswith("env_file"):
        entries = value if isinstance(value, list) else [value]
        files = [entry["path"] if isinstance(entry, Mapping) else entry for entry in entries]
        lines = [line for name in files for line in application.lines(name)]
        names = [line.partition("=")[0].strip() for line in lines if "=" in line and not line.startswith("#")]
    else:
        names = [str(item).partition("=")[0] for item in value]
    answers = imported.answers
    database = answers.get("database")
    held = {*answers.get("env", {}), *answers.get("secrets", {})}
    held |= set(database.get("env", {})) if isinstance(database, Mapping) else {"DATABASE_URL"} if database else set()
    held |= {"REDIS_URL"} if answers.get("redis") else set()
    return (name for name in names if name not in held and not _named(name, imported))


def _lost_volumes(_: Application, imported: Imported, path: str, value: Any) -> Iterator[str]:
    mounts = {volume["mount"].rstrip("/") for volume in imported.answers.get("volumes", [])}
    for at, item in enumerate([value] if isinstance(value, str) else value):
        parts = [item["target"]] if isinstance(item, Mapping) else item.split(":")
        if not {part.rstrip("/") for part in parts} & mounts and not _spoken(f"{path}[{at}]", imported):
            yield str(parts[-1])


def _lost_ports(_: Application, imported: Imported, path: str, value: Any) -> Iterator[str]:
    for at, item in enumerate(value):
        text = str(item.get("target") if isinstance(item, Mapping) else item).partition("/")[0].rpartition(":")[2].strip("-}")
        if _named(f"port {text}", imported):
            continue
        if text != str(imported.answers.get("port")) and not _spoken(f"{path}[{at}]", imported):
            yield text


def _lost_labels(_: Application, imported: Imported, path: str, value: Any) -> Iterator[str]:
    conventions = Conventions.installed()
    for item in value:
        name = str(item).partition("=")[0]
        known = conventions.first(conventions.value("labels"), "names", name)
        if known is None and not _named(name, imported):
            yield name


_ITEMS = {
    "environment": _lost_variables,
    "env_file": _lost_variables,
    "volumes": _lost_volumes,
    "tmpfs": _lost_volumes,
    "ports": _lost_ports,
    "expose": _lost_ports,
    "labels": _lost_labels,
}


def _spoken(path: str, imported: Imported) -> bool:
    """Whether something is said of a place, or of what is below it."""
    return any(re.match(rf"{re.escape(path)}(?![A-Za-z0-9_-])", finding.path) for finding in imported.findings)


def _switched_off(value: Any) -> bool:
    return value == {"disable": False} or (isinstance(value, str) and value.startswith("${"))


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
