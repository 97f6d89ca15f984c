"""Compares what the command made of a Compose file with what must hold. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .corpus import SECRET, Application

CONNECTION = {"host": "{{{}_host}}", "port": None}
"""Parts of a connection that may as well stand in ``env``: the server's token, and the port."""
TOKENS = {"postgres": "{pg_host}", "mysql": "{mysql_host}"}
PORTS = {"postgres": "5432", "mysql": "3306"}


@dataclass(frozen=True)
class Finding:
    """Something that the command says: ``kind`` is answer, missing, assumed, unexpressed or the like."""

    kind: str
    where: str
    text: str


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
        return {finding.where for finding in self.said("missing")}


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
        else:
            yield from _variables(wanted, got, imported)
    env = imported.answers.get("env", {})
    for variable in expected.get("redis", []):
        if imported.answers.get("redis", False) is False:
            yield "redis: none"
            return
        held = variable == "REDIS_URL" or "{redis_host}" in str(env.get(variable)) or "REDIS_URL" in str(env.get(variable))
        if not held and not _named(variable, imported):
            yield f"redis: {variable} is {env.get(variable)!r}"
    if "redis" not in expected and imported.answers.get("redis", False) is not False:
        yield "redis: there should be none"


def _variables(wanted: Mapping[str, Any], got: Mapping[str, Any], imported: Imported) -> Iterator[str]:
    env = imported.answers.get("env", {})
    held = got.get("env", {})
    for variable, part in wanted.get("env", {}).items():
        instead = {"host": TOKENS[wanted["engine"]], "port": PORTS[wanted["engine"]]}.get(part)
        if held.get(variable) != part and (instead is None or str(env.get(variable)) != instead):
            yield f"database: {variable} is {held.get(variable, env.get(variable))!r}, not {part}"
    for variable in set(held) - set(wanted.get("env", {})):
        if wanted.get("env"):
            yield f"database: {variable} is {held[variable]}, and nothing says so"


def _questions(expected: Mapping[str, Any], imported: Imported) -> Iterator[str]:
    asked = {finding.where.rsplit(".", 1)[-1] for finding in imported.said("missing")}
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
    return any(
        pattern.search(f"{finding.where} {finding.text}") for finding in imported.said(*kinds) if finding.kind != "answer"
    )


def _lost(application: Application, imported: Imported) -> Iterator[str]:
    """What the file says and nothing speaks of: each key of each service, and each item of the one that is taken."""
    said = [finding.where for finding in imported.findings] + [finding.text for finding in imported.findings]
    for name, service in application.compose["services"].items():
        place = f"services.{name}"
        for key, value in service.items():
            if not _spoken(f"{place}.{key}", said):
                yield f"lost: {place}.{key}"
            elif name == application.expected["service"] and key in ("environment", "volumes", "ports", "labels"):
                for item in _items(value):
                    if not _spoken(f"{place}.{key}{item}", said):
                        yield f"lost: {place}.{key}{item}"


def _items(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f".{key}" for key in value]
    return [f".{item.partition('=')[0]}" if isinstance(item, str) and "=" in item else f"[{at}]" for at, item in enumerate(value)]


def _spoken(path: str, said: list[str]) -> bool:
    """Whether a path, or what it is part of or consists of, is named."""
    parts = re.split(r"(?=[.\[])", path)
    above = ["".join(parts[:length]) for length in range(3, len(parts))]
    whole = re.compile(rf"(?<![A-Za-z0-9]){re.escape(path)}(?![A-Za-z0-9_-])")
    ends = [re.compile(rf"(?<![A-Za-z0-9]){re.escape(part)}(?![A-Za-z0-9_.\[-])") for part in above[:-1] or above]
    services = re.compile(rf"(?<![A-Za-z0-9]){re.escape(''.join(parts[:2]))}(?![A-Za-z0-9_.\[-])")
    return any(whole.search(text) or services.search(text) or any(end.search(text) for end in ends) for text in said)


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
