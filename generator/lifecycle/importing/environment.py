"""The variables of a service: settings, secrets, and what belongs to the shared databases. Pure."""

from __future__ import annotations

import re

from generator.lifecycle.importing.conventions import whole
from generator.lifecycle.importing.databases import Used, map_database, map_redis
from generator.lifecycle.importing.nodes import Node
from generator.lifecycle.importing.scope import Scope

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def map_environment(scope: Scope) -> None:
    """``env``, ``secrets``, ``database`` and ``redis``."""
    for file in scope.project.env_files.get(scope.name, ()):
        if file.variables is None:
            scope.draft.miss(
                "env",
                f"{file.name or 'env_file'} is not in the Compose file's folder: its variables are not known",
                file.node,
            )
    taken = _companions(scope)
    for name, node in scope.variables.items():
        if name not in taken:
            _variable(scope, name, node)


def _companions(scope: Scope) -> set[str]:
    """The variables that belong to a shared database or to the shared Redis."""
    taken: set[str] = set()
    done: set[str] = set()
    for key, what in scope.others.items():
        if what is None or what.role != "companion" or not _uses(scope, key):
            continue
        kind = "redis" if what.what == "redis" else "database"
        image = scope.project.services[key].get("image")
        if kind in done:
            scope.draft.omit(
                kind, f"the service {key} ({image.text}) is another one, and an answer names one only", image
            )
            continue
        done.add(kind)
        used = Used(scope, key, what)
        (map_redis if kind == "redis" else map_database)(used)
        taken |= used.taken
    return taken


def _uses(scope: Scope, key: str) -> bool:
    """Whether the service uses a companion: it says so, names it, or nobody else could."""
    if key in scope.needs or any(key in scope.mentioned(node.text) for node in scope.variables.values()):
        return True
    users = [name for name, node in scope.project.services.items() if name != key]
    others = [name for name in users if name != scope.name and scope.others.get(name) is None]
    return not others


def _variable(scope: Scope, name: str, node: Node) -> None:
    draft, conventions = scope.draft, scope.conventions
    if not _NAME.fullmatch(name):
        draft.omit("env", f"{name[:60]} is no name of a variable in the cluster", node)
        return
    row = conventions.first(conventions.value("tool_variables"), "names", name)
    if row is not None and row["becomes"] == "nothing":
        return
    if row is not None:
        return  # the labels' mapper reads it
    if (
        (file := conventions.value("secrets", "file_suffix"))
        and name.upper().endswith(file)
        and node.text.startswith(conventions.value("secrets", "mount"))
    ):
        stem = name[: -len(file)]
        draft.secret(
            stem, node, "", f"{name} names a file with a secret: {stem} gets the value itself, if the image knows it"
        )
        draft.assume(f"secrets.{stem}", f"the image takes {stem} in place of {name}", node)
        return
    own = _own_address(scope, name, node)
    if own:
        draft.put_entry("env", name, own, node, assumed="the service's own address stands in it")
        return
    others = list(dict.fromkeys(scope.mentioned(node.text))) if _is_address(scope, name, node.text) else []
    if others:
        draft.miss(
            f"env.{name}", f"it names the service {' and '.join(others)} of the file, which does not come along", node
        )
        return
    if why := scope.is_secret(name, node):
        taken_over = (
            "" if node.open or not node.text else "; the value in the file is not taken over, --seed of create names it"
        )
        draft.secret(name, node, node.text, f"{name} is kept in Vault: {why}{taken_over}")
        return
    if node.open:
        draft.miss(f"env.{name}", f"nothing says what {' and '.join(node.open)} is", node)
        return
    draft.put_entry("env", name, node.text, node)


def _own_address(scope: Scope, name: str, node: Node) -> str:
    """The service's own address, in place of another one that the file names or leaves open."""
    rules = scope.conventions.value("own_address")
    text = node.text
    if not whole(rules["names"], name):
        return ""
    found = re.fullmatch(r"(https?://)?([^/\s:]*)(:[0-9]*)?(/[^\s]*)?", text)
    if found is None:
        return ""
    host, port = found[2], (found[3] or "").removeprefix(":")
    own = whole(rules["local"], host) and port in scope.ports_seen
    if not (own or host in scope.web_hosts or (not host and node.open) or (host and whole(rules["hosts"], host))):
        return ""
    return f"{'https://' if found[1] else ''}{{host}}{found[4] or ''}"


def _is_address(scope: Scope, name: str, text: str) -> bool:
    """Whether a value may name another service: it has the form of an address, or its variable promises one."""
    if "://" in text or re.search(r"[A-Za-z0-9]:[0-9]{2,5}(?![0-9])", text):
        return True
    return text in scope.hosts and scope.conventions.fits("parts", "host", text=name)
