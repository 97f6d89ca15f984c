"""From a Compose file to the answers of one service. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generator.lifecycle.importing.choice import chosen, name_of
from generator.lifecycle.importing.conventions import Companion, Conventions
from generator.lifecycle.importing.draft import Draft
from generator.lifecycle.importing.environment import map_environment
from generator.lifecycle.importing.exposure import map_exposure
from generator.lifecycle.importing.health import map_probe
from generator.lifecycle.importing.images import map_image
from generator.lifecycle.importing.nodes import Node
from generator.lifecycle.importing.process import map_process
from generator.lifecycle.importing.project import Project
from generator.lifecycle.importing.scope import Scope
from generator.lifecycle.importing.storage import map_volumes

_HANDLED = frozenset(
    (
        "image",
        "build",
        "ports",
        "expose",
        "environment",
        "env_file",
        "volumes",
        "tmpfs",
        "command",
        "entrypoint",
        "user",
    )
    + ("healthcheck", "deploy", "mem_limit", "mem_reservation", "cpus", "secrets", "read_only", "cap_drop", "cap_add")
    + (
        "security_opt",
        "devices",
        "gpus",
        "runtime",
        "scale",
        "labels",
        "depends_on",
        "links",
        "external_links",
        "network_mode",
    )
    + ("extends", "platform")
)


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
            "auth",
            "the single sign-on comes before every request, which is the default; answer auth where the application has its own login",
        )
    _rest(scope)
    _others(scope)
    return draft, key


def _rest(scope: Scope) -> None:
    """The keys that no answer is made of."""
    draft, conventions, service = scope.draft, scope.conventions, scope.service
    reasons = conventions.value("unexpressed")
    for key, node in service.entries.items():
        if key in _HANDLED or key in conventions.words("ignored") or key.startswith("x-"):
            continue
        if (
            node.value is None
            or node.text.lower() == "false"
            or (not node.text and not node.items and not node.entries)
        ):
            continue
        draft.omit("", f"{key}: {reasons.get(key, 'newservice does not know this key')}", node)
    _network(scope)
    platform = service.get("platform")
    if platform.text and platform.text not in ("linux/amd64", "linux"):
        draft.omit("", f"platform {platform.text[:40]}: the cluster's nodes are linux/amd64", platform)
    for item in service.get("secrets").items:
        draft.assume("secrets", "secrets as files are not expressed; the variables that name them are, see there", item)
    deploy = service.get("deploy")
    for key, node in deploy.entries.items():
        if key not in (
            "resources",
            "replicas",
            "labels",
            "restart_policy",
            "mode",
            "update_config",
            "rollback_config",
            "endpoint_mode",
        ):
            draft.omit("", f"deploy.{key}: the cluster decides about it", node)
    for key, node in scope.project.root.entries.items():
        if key in ("configs", "models") and node.entries:
            draft.omit("", f"{key} at the top of the file are not expressed", node)


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
    image = node.get("image").text or "built from code"
    if what is None:
        return f"the service {key} ({image}): an answers file describes one service; import it by itself with --service {key}, or run it in extra.tf"
    if what.role == "provided":
        return f"the service {key} ({image}) is left out: its part is that of {what.what}"
    if what.role == "not_shared":
        return f"the service {key} ({image}): the platform shares no such service ({what.what}); run it in extra.tf, or as a service of its own"
    kind = "redis" if what.what == "redis" else "database"
    return (
        "" if kind in expressed else f"the service {key} ({image}) is left out: nothing says that the service uses it"
    )
