"""Companion databases: replaced by the shared ones, with the application's variables rewritten. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from generator.lifecycle.importing.conventions import Companion, whole
from generator.lifecycle.importing.nodes import Node
from generator.lifecycle.importing.scope import Scope, variables_of

_URL = re.compile(
    r"(?P<jdbc>jdbc:)?(?P<scheme>[a-z][a-z0-9+.-]*)://(?:[^/@\s]*@)?(?P<host>[^:/?#@\s]+)(?::(?P<port>[^/?#\s]*))?"
    r"(?:/(?P<path>[^?#\s]*))?(?P<query>\?\S*)?",
    re.ASCII | re.IGNORECASE,
)
_END = re.compile(r"(HOST|HOSTNAME|HOSTS|SERVER|ADDR|ADDRESS)$", re.IGNORECASE)


@dataclass
class Used:
    """A companion that the application uses. ``taken``: the variables that say something about it."""

    scope: Scope
    key: str
    what: Companion
    env: dict[str, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    @property
    def service(self) -> Node:
        """The companion's service."""
        return self.scope.project.services[self.key]

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """The tables about its kind."""
        engine = self.what.what
        found: Mapping[str, Any] = self.scope.conventions.value(
            *(["redis"] if engine == "redis" else ["databases", engine])
        )
        return found

    @cached_property
    def own(self) -> Mapping[str, Node]:
        """What its own variables say: user, password and name."""
        variables = variables_of(self.scope.project, self.key)
        parts = self.facts.get("own", {})
        return {part: variables[name] for part, names in parts.items() for name in names if name in variables}

    def is_host(self, text: str) -> bool:
        """Whether a text is a name of it."""
        return self.scope.hosts.get(text) == self.key

    def url(self, text: str) -> re.Match[str] | None:
        """An address that leads to it."""
        found = _URL.fullmatch(text)
        return (
            found if found and self.is_host(found["host"]) and whole(self.facts["schemes"], found["scheme"]) else None
        )

    def part_by_name(self, name: str) -> str:
        """What a variable of this name holds of a connection; empty for nothing."""
        parts = self.scope.conventions.value("parts")
        return next((part for part, pattern in parts.items() if whole(pattern, name)), "")

    def names_host(self, name: str, text: str) -> bool:
        """Whether a variable holds its host, alone or with a port."""
        host, _, port = text.partition(":")
        if not self.is_host(host) or (port and not port.isdecimal()):
            return False
        engine = host in self.scope.conventions.words("engine_words") and not port
        return self.part_by_name(name) == "host" or not engine and self.part_by_name(name) in ("", "name")


def map_database(used: Used) -> None:
    """The answer ``database``, and which variables hold what of the connection."""
    scope, draft = used.scope, used.scope.draft
    stems = []
    answer: dict[str, Any] = {"engine": used.what.what}
    for name, node in scope.variables.items():
        if found := used.url(node.text):
            _address(used, answer, name, node, found)
        elif used.names_host(name, node.text):
            _host(used, name, node)
            stems.append(_END.sub("", name))
    for name, node in scope.variables.items():
        part = "" if name in used.taken else _part(used, name, node, [stem for stem in stems if stem])
        if part:
            used.env[name] = part
            used.taken.add(name)
    if used.env:
        answer["env"] = dict(used.env)
    draft.put("database", answer if len(answer) > 1 else used.what.what, used.service.get("image"))
    for name in used.env:
        draft.origins[f"database.env.{name}"] = scope.variables[name].origin
    _remarks(used)


def _address(used: Used, answer: dict[str, Any], name: str, node: Node, found: re.Match[str]) -> None:
    draft = used.scope.draft
    used.taken.add(name)
    if found["jdbc"]:  # it holds neither user nor password
        token, port = f"{{{_token(used)}}}", used.facts["port"]
        value = f"jdbc:{found['scheme']}://{token}:{port}/{_own_name(used)}{found['query'] or ''}"
        draft.put_entry("env", name, value, node, assumed="the address of the shared database stands in it")
        return
    scheme = found["scheme"].lower()
    if answer.setdefault("dsn_scheme", scheme) != scheme:
        draft.miss(
            f"database.env.{name}", f"it begins with {scheme}, and another one with {answer['dsn_scheme']}", node
        )
        return
    used.env[name] = "dsn"
    if found["query"]:
        draft.assume(f"database.env.{name}", "the options after ? in the address are left out", node)


def _host(used: Used, name: str, node: Node) -> None:
    used.taken.add(name)
    if ":" in node.text:
        value = f"{{{_token(used)}}}:{used.facts['port']}"
        used.scope.draft.put_entry("env", name, value, node, assumed="the shared database's host stands in it")
    else:
        used.env[name] = "host"


def _part(used: Used, name: str, node: Node, stems: list[str]) -> str:
    """What a variable beside the host holds of the connection."""
    part = used.part_by_name(name)
    if part in ("", "host"):
        return ""
    words = used.scope.conventions.value("database_words")
    near = bool(re.search(words, name[:200], re.IGNORECASE)) or any(name.startswith(stem) for stem in stems)
    own = used.own.get(part)
    same = own is not None and (own.text == node.text != "" or ("$" in own.raw and own.raw == node.raw))
    if part == "port":
        return "port" if near and (node.text == str(used.facts["port"]) or node.open) else ""
    if part == "name" and node.text.lower() in used.scope.conventions.words("engine_words") and not same:
        return ""
    written = own is not None and "$" in own.raw and own.raw == node.raw
    return part if (near and (same or own is None or bool(node.open) or part == "password")) or written else ""


def _remarks(used: Used) -> None:
    """What a person should know about the shared database in place of the file's own."""
    draft, image = used.scope.draft, used.service.get("image")
    draft.assume(
        "database",
        f"the service {used.key} ({image.text}) is left out: the shared database takes its place. Data in it is not moved: "
        "dump it there, and restore it here",
        image,
    )
    if used.what.also:
        draft.omit(
            "database",
            f"{image.text} has {used.what.also}, which the shared database may lack: ask for it first",
            image,
        )
    if not used.env and "database" not in str(used.taken):
        draft.miss(
            "database",
            "nothing in the environment says how the application finds its database: answer database with env, the "
            "variables of host, user, password and name",
            image,
        )
    elif used.env and not {"dsn", "password"} & set(used.env.values()):
        draft.assume("database", "no variable holds the password, which the shared database changes by itself", image)
    for volume in used.service.get("volumes").items:
        if "/docker-entrypoint-initdb.d" in volume.text or "/docker-entrypoint-initdb.d" in volume.get("target").text:
            draft.omit("database", "scripts that prepare the database are not run: run them once by hand", volume)
    for key in ("command", "entrypoint"):
        if (node := used.service.get(key)).value is not None:
            draft.omit("database", f"settings of the database's server ({key}) do not reach the shared one", node)


def _token(used: Used) -> str:
    return {"postgres": "pg_host", "mysql": "mysql_host", "redis": "redis_host"}[used.what.what]


def _own_name(used: Used) -> str:
    return str(used.scope.draft.answers.get("name", "")).replace("-", "_")


def map_redis(used: Used) -> None:
    """The answer ``redis``, and the variables that name its host and index."""
    scope, draft = used.scope, used.scope.draft
    draft.put("redis", True, used.service.get("image"))
    image, port = used.service.get("image"), used.facts["port"]
    index = False
    for name, node in scope.variables.items():
        if found := used.url(node.text):
            used.taken.add(name)
            index = True
            if name != used.facts["variable"]:
                scheme = found["scheme"] if found["scheme"].lower() != "rediss" else "redis"
                value = f"{scheme}://{{redis_host}}:{port}/{{redis_index}}{found['query'] or ''}"
                draft.put_entry("env", name, value, node, assumed="the address of the shared Redis stands in it")
        elif used.names_host(name, node.text):
            used.taken.add(name)
            value = "{redis_host}" + (f":{port}" if ":" in node.text else "")
            draft.put_entry("env", name, value, node, assumed="the host of the shared Redis stands in it")
    for name, node in scope.variables.items():
        if name in used.taken or not re.search("redis|valkey|cache|broker|queue", name[:200], re.IGNORECASE):
            continue
        if whole(used.facts["index"], name) and node.text.isdecimal():
            used.taken.add(name)
            index = True
            draft.put_entry("env", name, "{redis_index}", node, assumed="the index that the service gets stands in it")
        elif used.part_by_name(name) == "password" and "redis" in name.lower():
            used.taken.add(name)
            draft.assume("redis", f"{name} is left out: the shared Redis has no password", node)
    draft.assume("redis", f"the service {used.key} ({image.text}) is left out: the shared Redis takes its place", image)
    if used.what.also:
        draft.omit("redis", f"{image.text} has {used.what.also}, which the shared Redis may lack", image)
    if used.taken and not index:
        draft.assume(
            "redis",
            "no variable names the index, so the application takes 0, which others may use: look for such a setting, and "
            "give it {redis_index}",
            image,
        )
    if not used.taken:
        draft.miss(
            "redis",
            "nothing in the environment says how the application finds Redis: answer env with the variables",
            image,
        )
