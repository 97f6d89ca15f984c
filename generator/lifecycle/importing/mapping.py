"""From a Compose file to the answers of one service. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generator.base.secrets import learn, learn_addresses
from generator.lifecycle.importing.choice import chosen, name_of
from generator.lifecycle.importing.conventions import Companion, Conventions
from generator.lifecycle.importing.draft import Draft
from generator.lifecycle.importing.environment import map_environment
from generator.lifecycle.importing.exposure import map_exposure
from generator.lifecycle.importing.health import map_probe
from generator.lifecycle.importing.images import map_image
from generator.lifecycle.importing.merging import as_pairs
from generator.lifecycle.importing.nodes import Node
from generator.lifecycle.importing.process import map_process
from generator.lifecycle.importing.project import Project
from generator.lifecycle.importing.scope import Scope, variables_of
from generator.lifecycle.importing.storage import map_volumes


def draft_of(
    project: Project, conventions: Conventions, platform: Mapping[str, Any], given: Mapping[str, Any], service: str = ""
) -> tuple[Draft, str]:
    """The answers for one service of a project, each with its origin and everything else that was found; its key.

    ``given`` are answers that win, ``service`` is the one that a person named. Raises ``UsageError`` where there is
    no such service.
    """
    key, why = chosen(project, conventions, service)
    scope = Scope(project, conventions, key, platform, Draft(given))
    draft = scope.draft
    _learn(scope)
    found, node = name_of(project, conventions, key)
    if found:
        draft.put("name", found, node)
    else:
        draft.miss("name", "nothing in the file is a name for the service", scope.service)
    if why:
        draft.assume("name", why, scope.service)
    title = " ".join(word.capitalize() for word in str(draft.answers.get("name", "")).split("-"))
    if title:
        draft.put("title", title, None, assumed="the service's name as a title")
    map_exposure(scope)
    if "description" not in draft.answers:
        draft.miss("description", "no Compose file says what a service does: answer it in a line")
    map_image(scope.service, draft)
    map_process(scope)
    map_environment(scope)
    map_volumes(scope)
    map_probe(scope)
    if draft.answers.get("kind") == "web":
        draft.assume(
            "auth", "the single sign-on comes before every request; answer auth where the application has its own login"
        )
    _rest(scope)
    _others(scope)
    return draft, key


def _learn(scope: Scope) -> None:
    """Make every secret of the project known, whatever becomes of it, so that none is ever shown."""
    for name, text in scope.project.variables.items():
        if scope.is_secret(name, Node(text, raw=text)):
            learn(text, name)
            learn_addresses(text)
    for key in scope.project.services:
        service = scope.project.services[key]
        for name, node in (*variables_of(scope.project, key).items(), *as_pairs(service.get("labels")).items()):
            learn_addresses(node.text)
            if scope.is_secret(name, node):
                learn(node.text, name)
        for node in service.flat():
            learn_addresses(node.text)
        for place in (("command",), ("entrypoint",), ("healthcheck", "test")):
            for node in service.get(*place).flat():
                for name, value in scope.conventions.assigned_secrets(node.text):
                    learn(value, name)


def _rest(scope: Scope) -> None:
    """The keys that no answer is made of."""
    draft, conventions, service = scope.draft, scope.conventions, scope.service
    reasons = conventions.value("unexpressed")
    known = {*conventions.words("answered"), *conventions.words("ignored")}
    for key, node in service.entries.items():
        if key not in known and not key.startswith("x-") and node.plain() not in (None, "", False, "false", [], {}):
            draft.omit("", f"{key}: {reasons.get(key, 'newservice does not know this key')}", node)
    _network(scope)
    _secret_files(scope)
    platform = service.get("platform")
    if platform.text not in ("", "linux", "linux/amd64"):
        draft.omit("", f"platform {platform.text[:40]}: the cluster's nodes are linux/amd64", platform)
    for key, node in service.get("deploy").entries.items():
        if key not in conventions.words("deployment"):
            draft.omit("", f"deploy.{key}: the cluster decides about it", node)
    for key in ("configs", "models"):
        if (node := scope.project.root.get(key)).entries:
            draft.omit("", f"{key} at the top of the file are not expressed", node)


def _secret_files(scope: Scope) -> None:
    """Secrets that Compose mounts as files, and that no variable names."""
    files = {node.text for node in scope.variables.values()}
    for item in scope.service.get("secrets").items:
        name = item.get("target").text or item.get("source").text if item.is_map else item.text
        place = name if name.startswith("/") else scope.conventions.value("secrets", "mount") + name
        if place not in files:
            missing = f"the secret {name[:60]} is a file, {place[:100]}: answers put secrets into variables"
            scope.draft.omit("secrets", missing, item)


def _network(scope: Scope) -> None:
    node = scope.service.get("network_mode")
    if node.text == "host":
        scope.draft.omit(
            "port", "network_mode host: pods have a network of their own, and only the port is reached", node
        )
    elif node.text.startswith(("service:", "container:")):
        scope.draft.omit("", f"network_mode {node.text[:60]}: pods share no network with others", node)


def _others(scope: Scope) -> None:
    """The services that do not come along."""
    expressed = {"redis"} if scope.draft.answers.get("redis") else set()
    if scope.draft.answers.get("database"):
        expressed.add("database")
    for key, what in scope.others.items():
        node = scope.project.services[key]
        words = _words(key, node, what, expressed)
        if words:
            scope.draft.omit("", words, node)


def _words(key: str, node: Node, what: Companion | None, expressed: set[str]) -> str:
    """What a person should know about a service that does not come along; empty for nothing."""
    service = f"the service {key} ({node.get('image').text or 'built from code'})"
    if what is None:
        alone = f"import it by itself with --service {key}, or write it into extra.tf"
        return f"{service}: an answers file describes one service; {alone}"
    if what.role == "provided":
        return f"{service} is left out: its part is that of {what.what}"
    if what.role == "not_shared":
        alone = "write it into extra.tf, or make it a service of its own"
        return f"{service}: the platform shares no such service ({what.what}); {alone}"
    kind = "redis" if what.what == "redis" else "database"
    return "" if kind in expressed else f"{service} is left out: nothing says that the service uses it"
