"""Redis or Valkey beside an application: the shared one takes its place, and its variables follow. Pure."""

from __future__ import annotations

import re

from generator.base.secrets import learn, learn_addresses
from generator.lifecycle.importing.companions import Used
from generator.lifecycle.importing.conventions import whole
from generator.lifecycle.importing.nodes import Node


def map_redis(used: Used) -> None:
    """The answer ``redis``, and the variables that name its host and the service's index."""
    scope, draft = used.scope, used.scope.draft
    draft.put("redis", True, used.image)
    addressed = [_address(used, name, node) for name, node in scope.variables.items()]
    others = _stems_of_others(used)
    rest = {name: node for name, node in scope.variables.items() if name not in used.taken}
    beside = {name: node for name, node in rest.items() if not name.startswith(others)}
    indexed = [_beside(used, name, node) for name, node in beside.items()]
    draft.assume(
        "redis",
        f"the service {used.key} ({used.image.text}) is left out, and the shared Redis takes its place",
        used.image,
    )
    if used.what.also:
        draft.omit("redis", f"{used.image.text} has {used.what.also}, which the shared Redis may lack", used.image)
    if not used.taken:
        missing = "nothing in the environment says how the application finds Redis: answer env with its variables"
        draft.miss("redis", missing, used.image)
    elif not any([*addressed, *indexed]):
        draft.assume(
            "redis",
            "no variable names the index, so the application takes 0, which others may use: look for such a setting, "
            "and give it {redis_index}",
            used.image,
        )


def _stems_of_others(used: Used) -> tuple[str, ...]:
    """How variables begin that are about another Redis of the file."""
    scope = used.scope
    found = ((name, scope.hosts.get(node.text.partition(":")[0])) for name, node in scope.variables.items())
    hosts = [name for name, key in found if key not in (None, used.key, scope.name)]
    return tuple(name.rpartition("_")[0] + "_" for name in hosts if "_" in name)


def _address(used: Used, name: str, node: Node) -> bool:
    """Whether a variable holds an address, which names the index as well."""
    draft, port = used.scope.draft, used.facts["port"]
    if found := used.url(node.text):
        used.taken.add(name)
        learn_addresses(node.text)
        if name != used.facts["variable"]:
            scheme = found["scheme"].replace("rediss", "redis")
            value = f"{scheme}://{used.token}:{port}/{{redis_index}}{found['query'] or ''}"
            draft.put_entry("env", name, value, node, assumed="it holds the address of the shared Redis")
        return True
    if used.names_host(name, node.text):
        used.taken.add(name)
        value = used.token + (f":{port}" if ":" in node.text else "")
        draft.put_entry("env", name, value, node, assumed="it holds the host of the shared Redis")
    return False


def _beside(used: Used, name: str, node: Node) -> bool:
    """Whether a variable holds the index alone; one with a password is left out."""
    draft = used.scope.draft
    if not re.search(used.facts["words"], name[:200], re.IGNORECASE):
        return False
    if whole(used.facts["index"], name) and node.text.isdecimal():
        used.taken.add(name)
        draft.put_entry("env", name, "{redis_index}", node, assumed="it holds the index that the service gets")
        return True
    if used.part_by_name(name) == "password" or used.scope.conventions.secret_by_name(name):
        used.taken.add(name)
        learn(node.text, name)
        draft.assume("redis", f"{name} is left out: the shared Redis has no password", node)
    return False
