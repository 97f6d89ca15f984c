"""How the process runs: command, user, resources, rights, GPU. Pure."""

from __future__ import annotations

import shlex

from generator.lifecycle.importing.nodes import Node
from generator.lifecycle.importing.scope import VARIABLE, Scope
from generator.lifecycle.importing.sizes import cpu, mebibytes, number, quantity


def map_process(scope: Scope) -> None:
    """``command``, ``args``, ``run_as``, ``cpu``, ``memory``, its limit, ``hardening``, ``gpu`` and ``replicas``."""
    values = {name: node.text for name, node in scope.variables.items()}
    _words(scope, "command", scope.service.get("entrypoint"), values)
    _words(scope, "args", scope.service.get("command"), values)
    _user(scope)
    _resources(scope)
    _rights(scope)
    _gpu(scope)
    for node in (scope.service.get("deploy", "replicas"), scope.service.get("scale")):
        if number(node.text) not in (None, 1):
            scope.draft.put("replicas", number(node.text), node)


def split(node: Node) -> list[str] | None:
    """A command as a list of words, split as a shell would; None where that can't be done."""
    if node.is_list:
        return [item.text for item in node.items]
    try:
        return shlex.split(node.text)
    except ValueError:
        return None


def _words(scope: Scope, question: str, node: Node, values: dict[str, str]) -> None:
    """A command. ``values``: those of the variables so far, to which the secrets in it are added."""
    draft = scope.draft
    if node.value is None:
        return
    words = split(node)
    public = [
        name for item in (node.items or [node]) for name in item.open if not scope.conventions.secret_by_name(name)
    ]
    if words is None:
        draft.miss(question, "its quotes do not match, so that its words are not known", node)
    elif len(words) > _MOST_WORDS:
        draft.miss(question, f"it has more than the {_MOST_WORDS} words that an answer takes", node)
    elif not words:
        draft.omit(question, "it empties what the image has, and an answer can't", node)
    elif others := list(dict.fromkeys(key for word in words for key in scope.addressed(word))):
        missing = f"it names {' and '.join(others)}, another service of the file, which does not come along"
        draft.miss(question, missing, node)
    elif public:
        draft.miss(question, f"nothing says what {' and '.join(public)} is", node)
    else:
        kept = [_word(scope, question, words, number, node, values) for number in range(len(words))]
        if None not in kept:
            draft.put(question, kept, node)


def _word(scope: Scope, question: str, words: list[str], number: int, node: Node, values: dict[str, str]) -> str | None:
    """A word as it is, or with the variable of a secret in place of its value. None where that can't be said."""
    draft, rules = scope.draft, scope.conventions
    item = node.items[number] if node.is_list else node
    named = [use.name for use in item.uses if rules.secret_by_name(use.name)]
    flag, secret = _flagged(scope, words, number, whole_word=bool(named) and node.is_list)
    if not secret:
        if (named and not node.is_list) or any(rules.assigned_secrets(words[number])):
            draft.miss(question, "a secret stands in it: answer it with $(VARIABLE) in place of the value", node)
            return None
        return words[number]
    variable = named[0] if named else flag.strip("-").upper().replace("-", "_")
    variable = variable if VARIABLE.fullmatch(variable) else "ARGUMENT"
    if not named:
        numbered = (variable, *(f"{variable}_{more}" for more in range(2, 2 + _MOST_WORDS * 2)))
        variable = next((name for name in numbered if values.setdefault(name, secret) == secret), variable)
    draft.secret(variable, item, secret, f"{variable} is kept in Vault, and the command names it")
    draft.assume(question, f"$({variable}) stands for the secret", item)
    return words[number].removesuffix(secret) + f"$({variable})"


def _flagged(scope: Scope, words: list[str], number: int, *, whole_word: bool) -> tuple[str, str]:
    """The flag of a secret word, and the secret in it; empty for a word that is none."""
    word, rules = words[number], scope.conventions
    flag, equals, value = word.partition("=")
    before = words[number - 1] if number else ""
    if equals and value and rules.fits("secrets", "flags", text=flag):
        return flag, value
    if rules.fits("secrets", "flags", text=before) and not word.startswith("-"):
        return before, word
    if whole_word and equals:
        return flag, value
    if equals and flag.startswith("-") and rules.secret_by_value(value):
        return flag, value
    return ("", word) if whole_word or rules.secret_by_value(word) else ("", "")


_MOST_WORDS = 50
"""As the shape of the answer has it; more are not looked at one by one."""


def _user(scope: Scope) -> None:
    node, draft = scope.service.get("user"), scope.draft
    if node.value is None:
        return
    if node.open:
        draft.miss("run_as", f"nothing says what {' and '.join(node.open)} is", node)
        return
    words = [{"root": "0"}.get(word, word) for word in node.text.split(":", 1)]
    numbers = [number(word) for word in words]
    if None in numbers:
        draft.omit("run_as", f"{node.text[:40]} is a user by name: answer run_as with its numbers in the image", node)
        return
    run_as = dict(zip(("uid", "gid"), numbers, strict=False))
    if "gid" in run_as and run_as["uid"]:
        run_as["fs_group"] = run_as["gid"]
    draft.put("run_as", run_as, node, assumed="volumes belong to its group as well" if "fs_group" in run_as else "")


def _resources(scope: Scope) -> None:
    service, draft = scope.service, scope.draft
    limits, kept = service.get("deploy", "resources", "limits"), service.get("deploy", "resources", "reservations")
    limit = _first(limits.get("memory"), service.get("mem_limit"))
    reserved = _first(kept.get("memory"), service.get("mem_reservation"))
    if reserved is not None and quantity(reserved.text):
        draft.put("memory", quantity(reserved.text), reserved)
    if limit is not None and quantity(limit.text):
        if reserved is None:
            small = mebibytes(limit.text) <= 256
            draft.put(
                "memory",
                quantity(limit.text) if small else "256Mi",
                limit,
                assumed="the file limits memory, and reserves none",
            )
        draft.put("memory_limit", quantity(limit.text), limit)
    elif reserved is None:
        draft.assume("memory", "the file says nothing about memory, so the default is taken", service)
    if (node := kept.get("cpus")).text and cpu(node.text):
        draft.put("cpu", cpu(node.text), node)
    for node in (limits.get("cpus"), service.get("cpus")):
        if node.text:
            draft.omit("cpu", "there are no CPU limits on the platform", node)
    for node in (limits.get("pids"),):
        if node.text:
            draft.omit("", "the node decides about the number of processes", node)


def _first(*nodes: Node) -> Node | None:
    return next((node for node in nodes if node.text), None)


def _rights(scope: Scope) -> None:
    service, draft = scope.service, scope.draft
    hardening = {}
    if service.get("read_only").text.lower() == "true":
        hardening["read_only_root"] = True
        draft.origins["hardening.read_only_root"] = service.get("read_only").origin
    dropped = [item.text.upper() for item in service.get("cap_drop").items]
    added = service.get("cap_add")
    if "ALL" in dropped and not added.items:
        hardening["drop_capabilities"] = True
    elif dropped:
        draft.omit(
            "hardening",
            "single capabilities that are dropped: an answer drops all of them or none",
            service.get("cap_drop"),
        )
    for item in added.items:
        draft.omit("hardening", f"the capability {item.text[:40]}: an answer adds none", item)
    for item in service.get("security_opt").items:
        if not item.text.startswith("no-new-privileges"):
            draft.omit("hardening", f"security_opt {item.text[:60]}: an answer loosens nothing", item)
        elif "drop_capabilities" not in hardening:
            draft.omit("hardening", "no-new-privileges comes with drop_capabilities: answer hardening with it", item)
    if hardening:
        draft.put("hardening", hardening, _first(service.get("read_only")) or service.get("cap_drop"))


def _gpu(scope: Scope) -> None:
    service, draft = scope.service, scope.draft
    wanted = _gpu_node(service)
    for item in service.get("devices").items:
        text = item.get("source").text if item.is_map else item.text.partition(":")[0]
        if "nvidia" in text:
            wanted = wanted or item
        else:
            draft.omit("", f"the device {text[:60]}: pods get no devices but GPUs", item)
    if wanted is None:
        return
    draft.put("tier", scope.platform["gpu"]["tier"], wanted, assumed="only services of this tier get a GPU")
    draft.put("gpu", True, wanted)
    if scope.platform["gpu"].get("memory"):
        draft.miss("gpu_memory", "the file does not say how much of the GPU's memory it takes, in MiB", wanted)


def _gpu_node(service: Node) -> Node | None:
    """What in a service asks for a GPU."""
    for item in service.get("deploy", "resources", "reservations", "devices").items:
        words = {word.text for word in item.get("capabilities").items} | {item.get("driver").text}
        if words & {"gpu", "nvidia", "compute", "utility"}:
            return item
    for node in (service.get("gpus"), service.get("runtime")):
        if node.items or node.text in ("all", "nvidia"):
            return node
    return None
