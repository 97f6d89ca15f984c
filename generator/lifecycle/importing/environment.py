"""The variables of a service: settings, secrets, and what belongs to the shared databases. Pure."""

from __future__ import annotations

import re

from generator.lifecycle.importing.companions import Used
from generator.lifecycle.importing.conventions import expression, whole
from generator.lifecycle.importing.databases import map_database
from generator.lifecycle.importing.images import last_part
from generator.lifecycle.importing.nodes import Node
from generator.lifecycle.importing.redis import map_redis
from generator.lifecycle.importing.scope import Scope, variables_of


def map_environment(scope: Scope) -> None:
    """``env``, ``secrets``, ``database`` and ``redis``."""
    for file in scope.project.env_files.get(scope.name, ()):
        if file.variables is None and file.required:
            missing = f"{file.name or 'the file'} is not in the Compose file's folder: its variables are not known"
            scope.draft.miss("env", missing, file.node)
    for name, node in variables_of(scope.project, scope.name).items():
        if name not in scope.variables:
            scope.draft.omit("env", f"{name[:60]} is no name of a variable in the cluster", node)
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
    return not [other for other, what in scope.others.items() if what is None]


def _variable(scope: Scope, name: str, node: Node) -> None:
    """A variable that belongs to no shared database."""
    if scope.conventions.tool_variable(name):
        return  # for proxies of the host: what it says of host and port is read elsewhere
    if not _secret_file(scope, name, node) and not _address(scope, name, node):
        _setting(scope, name, node)


def _secret_file(scope: Scope, name: str, node: Node) -> bool:
    """Whether a variable names a file that Compose mounts with a secret: another one takes the value itself."""
    rules = scope.conventions.value("secrets")
    if not name.upper().endswith(rules["file_suffix"]) or not node.text.startswith(rules["mount"]):
        return False
    stem = name[: -len(rules["file_suffix"])].rstrip("_")
    scope.draft.secret(stem, node, "", f"{name} names a file with a secret; {stem} holds its value, kept in Vault")
    scope.draft.assume(f"secrets.{stem}", f"the image takes {stem} in place of {name}", node)
    return True


def _address(scope: Scope, name: str, node: Node) -> bool:
    """Whether a variable holds the service's own address, or that of a service that does not come along."""
    if own := _own_address(scope, name, node):
        scope.draft.put_entry("env", name, own, node, assumed="it holds the service's own address")
        return True
    others = list(dict.fromkeys(scope.mentioned(node.text))) if _is_address(scope, name, node.text) else []
    if others:
        missing = f"it names {' and '.join(others)}, another service of the file, which does not come along"
        scope.draft.miss(f"env.{name}", missing, node)
    return bool(others)


def _setting(scope: Scope, name: str, node: Node) -> None:
    draft = scope.draft
    if why := scope.is_secret(name, node):
        taken = "" if node.open or not node.text else "; the value in the file is not copied: name it with --seed"
        draft.secret(name, node, node.text, f"{name} is kept in Vault: {why}{taken}")
    elif node.open:
        draft.miss(f"env.{name}", f"nothing says what {' and '.join(node.open)} is", node)
    elif expression(scope.conventions.value("placeholders")).search(node.text[:2000]):
        draft.miss(f"env.{name}", "what the file says looks like a placeholder", node)
    else:
        draft.put_entry("env", name, node.text, node)


def _own_address(scope: Scope, name: str, node: Node) -> str:
    """The service's own address, in place of another one that the file names or leaves open."""
    rules = scope.conventions.value("own_address")
    text = node.text
    if not whole(rules["names"], name) or whole(rules["others"], name):
        return ""
    found = re.fullmatch(r"(https?://)?([^/\s:]*)(:[0-9]*)?(/[^\s]*)?", text)
    if found is None:
        return ""
    scheme, host, port, path = found[1] or "", found[2], (found[3] or "").removeprefix(":"), found[4] or ""
    if bool(node.open) and not host.strip("."):
        if not whole(rules["sure"], _without_own_name(scope, name)):
            return ""
        scheme = scheme or ("https://" if whole(rules["urls"], name) else "")
    elif not (
        (whole(rules["local"], host) and port in scope.ports_seen)
        or host in scope.web_hosts
        or whole(rules["hosts"], host)
    ):
        return ""
    return f"{'https://' if scheme else ''}{{host}}{path}"


def _without_own_name(scope: Scope, name: str) -> str:
    """A variable's name without the service's before it, as in ``PAPERLESS_URL``."""
    names = (scope.name, scope.service.get("container_name").text, last_part(scope.service.get("image").text))
    own = {re.sub(r"[^a-z0-9]", "", word.lower()) for text in names for word in (text, text.split("-")[0])}
    first, _, rest = name.partition("_")
    return rest.strip("_") if rest and first.lower() in own else name


def _is_address(scope: Scope, name: str, text: str) -> bool:
    """Whether a value may name another service: it has the form of an address, or its variable promises one."""
    if "://" in text or re.search(r"[A-Za-z0-9]:[0-9]{2,5}(?![0-9])", text):
        return True
    return text in scope.hosts and scope.conventions.fits("parts", "host", text=name)
