"""How ``kubernetes_manifest`` and ``kubectl_manifest`` plan: objects of Kubernetes in one attribute. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import yaml

from generator.rehearsal.provider.planning import Planned
from generator.rehearsal.provider.values import UNKNOWN
from generator.rehearsal.provider.wire import Path

_IDENTITY: tuple[Path, ...] = (("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"))

_NAMED = ("api_version", "kind", "name", "namespace")
_COMPUTED = {"yaml_body_parsed", "yaml_incluster"}
KEPT = {"kubernetes_manifest"}
"""Types that nothing replaces once they were imported."""


def _manifest(planned: Planned, prior: Any) -> Planned:
    """``object`` is what the cluster has: the manifest, as far as anyone can tell without it."""
    state = dict(planned.state)
    if prior is None:
        return Planned({**state, "object": state["manifest"]})
    if state["manifest"] == prior["manifest"]:
        return Planned({**state, "object": prior["object"]}, planned.replaced_by)
    before, after = _inner(prior["manifest"]), _inner(state["manifest"])
    changed = [("manifest", *place) for place in _IDENTITY if _at(before, place) != _at(after, place)]
    return Planned({**state, "object": state["manifest"]}, (*planned.replaced_by, *changed))


def _kubectl(planned: Planned, prior: Any) -> Planned:
    state = dict(planned.state)
    if state.get("yaml_body") is UNKNOWN:
        return Planned({**state, **dict.fromkeys(_COMPUTED & state.keys(), UNKNOWN)}, planned.replaced_by)
    found = _parsed(state.get("yaml_body"))
    if found is None:
        return planned
    metadata = dict(found.get("metadata") or {})
    if state.get("override_namespace"):
        metadata["namespace"] = state["override_namespace"]
    known = {
        "api_version": found.get("apiVersion"),
        "kind": found.get("kind"),
        "name": metadata.get("name"),
        "namespace": metadata.get("namespace") or "",
        "yaml_body_parsed": yaml.safe_dump(_masked({**found, "metadata": metadata}, state.get("sensitive_fields"))),
    }
    state |= {name: value for name, value in known.items() if name in state}
    if prior is None:
        return Planned(state, planned.replaced_by)
    changed: list[Path] = [(name,) for name in _NAMED if name in state and prior.get(name) != state[name]]
    return Planned(state, (*planned.replaced_by, *changed))


def _masked(document: Mapping[str, Any], fields: Any) -> Any:
    """A document without what is secret in it: the fields named, or the data of a Secret."""
    secret = (document.get("apiVersion"), document.get("kind")) == ("v1", "Secret")
    masked: Any = document
    for field in fields if isinstance(fields, list) and fields else ["data"] * secret:
        masked = _without(masked, tuple(str(field).split(".")))
    return masked


def _without(value: Any, path: tuple[str, ...]) -> Any:
    if not isinstance(value, dict) or path[0] not in value:
        return value
    inner = "(sensitive value)" if len(path) == 1 else _without(value[path[0]], path[1:])
    return {**value, path[0]: inner}


def _parsed(body: Any) -> Mapping[str, Any] | None:
    if not isinstance(body, str):
        return None
    try:
        found = yaml.safe_load(body)
    except yaml.YAMLError:
        return None
    return found if isinstance(found, dict) else None


def _inner(dynamic: Any) -> Any:
    """The value itself of one whose type only Terraform knows."""
    return dynamic[1] if isinstance(dynamic, list) and len(dynamic) == 2 else dynamic


def _at(value: Any, path: Path) -> Any:
    for step in path:
        if value is UNKNOWN:
            return UNKNOWN
        value = value.get(step) if isinstance(value, dict) else None
    return value


PLANS: Mapping[str, Callable[[Planned, Any], Planned]] = {
    "kubernetes_manifest": _manifest,
    "kubectl_manifest": _kubectl,
}
"""By the resource's type: what it changes in a plan made by its schema."""
