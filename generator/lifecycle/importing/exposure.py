"""Port, kind, host, paths and tile: how a service is reached, from ports and labels. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from generator.lifecycle.importing.conventions import whole
from generator.lifecycle.importing.draft import property_of
from generator.lifecycle.importing.nodes import Node
from generator.lifecycle.importing.ports import Port, unread
from generator.lifecycle.importing.routes import exposed, routes, server_port
from generator.lifecycle.importing.scope import Scope
from generator.lifecycle.importing.sizes import number


def map_exposure(scope: Scope) -> None:
    """``kind``, ``port``, ``host``, ``paths``, ``homepage``, and what labels of other tools say."""
    _port(scope)
    _host(scope)
    _tile(scope)
    _labels(scope)


def _port(scope: Scope) -> None:
    draft, labels = scope.draft, scope.labels
    named = server_port(labels, scope.conventions) or _tool_port(scope)
    web = _web_port(scope)
    if named is not None:
        draft.put("kind", "web", named)
        draft.put("port", number(named.text), named)
    elif web is not None:
        known = web.target in scope.conventions.words("web_ports")
        node = web.node if web.node.raw.endswith("}") else replace(web.node, uses=())  # the host's port plays no part
        draft.put("kind", "web", node, assumed="" if known else f"port {web.target} is taken for the web")
        draft.put("port", web.target, node)
    elif scope.ports:
        draft.put(
            "kind",
            "worker",
            scope.ports[0].node,
            assumed="none of its ports speaks HTTP, so nothing leads to it from outside",
        )
        tcp = [port for port in scope.ports if port.protocol == "tcp"]
        draft.put("port", tcp[0].target if tcp else 0, scope.ports[0].node)
    else:
        _without_ports(scope)
    _others(scope)


def _without_ports(scope: Scope) -> None:
    draft, service = scope.draft, scope.service
    if found := _guessed(scope):
        node, port, why = found
        draft.put("kind", "web", node, assumed=f"{why} names port {port}")
        draft.put("port", port, node)
        return
    host = service.get("network_mode").text == "host"
    names = scope.conventions.value("own_address", "sure")
    site = any(whole(names, name) for name in scope.variables)
    if exposed(scope.labels, scope.conventions) or scope.web_hosts or host or site or _tile_labels(scope):
        draft.put("kind", "web", service, assumed="it has no ports in the file, and something sends requests to it")
        draft.miss("port", "the file names no port: answer the one that the container listens on", service)
        return
    missing = "the file names no port: answer the one that the container listens on, or kind worker and 0"
    draft.miss("port", missing, service)


def _guessed(scope: Scope) -> tuple[Node, int, str] | None:
    """A port that a health check or a variable names."""
    test = scope.service.get("healthcheck", "test")
    words = " ".join(item.text for item in test.items) or test.text
    if found := re.search(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]):([0-9]{1,5})(?![0-9])", words):
        return test, int(found[1]), "the health check"
    for name, node in scope.variables.items():
        port = number(node.text) if scope.conventions.fits("port_variables", text=name) else None
        if port is not None and 0 < port <= 65535:
            return node, port, f"the variable {name}"
    return None


def _tool_port(scope: Scope) -> Node | None:
    named = (node for name, node in scope.variables.items() if scope.conventions.tool_variable(name) == "port")
    return next((node for node in named if number(node.text) is not None), None)


def _web_port(scope: Scope) -> Port | None:
    """Of several ports the one that most likely speaks HTTP."""
    other = scope.conventions.value("other_ports")
    candidates = [port for port in scope.ports if port.protocol == "tcp" and port.target not in other]
    candidates = [port for port in candidates if not port.exposed] or candidates
    plain = [port for port in candidates if port.target not in scope.conventions.words("tls_ports")]
    for usual in scope.conventions.words("web_ports"):
        if found := next((port for port in plain if port.target == usual), None):
            return found
    return next(iter(plain or candidates), None)


def _others(scope: Scope) -> None:
    draft, taken = scope.draft, scope.draft.answers.get("port")
    other = scope.conventions.value("other_ports")
    seen: set[str] = set()
    for port in scope.ports:
        words = f"{port.target}/{port.protocol}"
        if (port.target == taken and port.protocol == "tcp") or port.node.path in seen or port.exposed:
            continue
        seen.add(port.node.path)
        what = f" ({other[port.target]})" if port.target in other else ""
        draft.omit("port", f"port {words}{what}: an answer names one port, and the ingress takes HTTP only", port.node)
    if taken in scope.conventions.words("tls_ports"):
        draft.assume(
            "port", f"port {taken} usually speaks TLS, and the ingress speaks plain HTTP to its services", scope.service
        )
    for node in unread(scope.service):
        draft.miss("port", f"nothing says what {' and '.join(node.open) or 'this port'} is", node)


def _host(scope: Scope) -> None:
    draft = scope.draft
    every = list(routes(scope.labels, scope.conventions))
    found = [route for route in every if "." in route.host or (route.host.isascii() and route.host.isalnum())]
    first = next((route for route in found if not route.node.open), None)
    if first is None:
        named = next((host for host in scope.web_hosts if "." in host), "")
        if named:
            node = next(node for node in scope.variables.values() if named in node.text)
            draft.put("host", named.partition(".")[0].lower(), node, assumed=f"{named} gets the platform's own domain")
        elif every:
            unnamed = "the host's name is a variable without a value; the service's name is taken"
            draft.assume("host", unnamed, every[0].node)
        return
    label = first.host.partition(".")[0].lower()
    draft.put("host", label, first.node, assumed=f"{first.host} gets the platform's own domain")
    if first.paths and all(path.startswith("/") for path in first.paths):
        draft.put("paths", list(dict.fromkeys(first.paths)), first.node)
    for route in found:
        if route.host != first.host:
            draft.omit("host", f"{route.host}: an answer names one host", route.node)


def _tile_labels(scope: Scope) -> bool:
    return any(scope.conventions.fits("homepage", "names", text=name) for name in scope.labels)


def _tile(scope: Scope) -> None:
    """The tile of the dashboard, from Homepage's labels."""
    draft, known = scope.draft, scope.conventions.value("homepage")
    labels = {name: node for name, node in scope.labels.items() if whole(known["names"], name)}
    tile: dict[str, Any] = {}
    widget: dict[str, Any] = {}
    for name, node in labels.items():
        key = name.partition(".")[2]
        if not (node.text or node.open):
            continue
        if key in known["answers"]:
            draft.put(known["answers"][key], node.text, node)
        elif key in known["tile"]:
            tile[key] = node.text
            draft.origins[f"homepage.{key}"] = node.origin
        elif key.startswith("widget."):
            _widget(scope, widget, key.removeprefix("widget."), node)
        elif key not in known["needless"]:
            draft.omit("homepage", f"{name} has no counterpart", node)
    if widget.get("type"):
        tile["widget"] = widget
    if tile:
        draft.put("homepage", tile, next(iter(labels.values())))


def _widget(scope: Scope, widget: dict[str, Any], key: str, node: Node) -> None:
    draft = scope.draft
    if key == "type":
        widget["type"] = node.text
    elif key == "url":
        draft.assume("homepage.widget", "its address is the service's own in the cluster", node)
    elif scope.is_secret(key, node) or node.open:
        widget.setdefault("credentials", {})[key] = property_of(f"homepage_{key}")
        draft.keep_back(node.text, f"homepage.widget.credentials.{key}", f"{key} of the widget is kept in Vault", node)
    else:
        widget.setdefault("fields", {})[key] = node.text


def _labels(scope: Scope) -> None:
    """What labels of other tools say."""
    draft, table = scope.draft, scope.conventions.value("labels")
    told: set[str] = set()
    for name, node in scope.labels.items():
        row = scope.conventions.first(table, "names", name)
        if row is None:
            draft.omit("", f"the label {name[:80]} has no meaning on the platform", node)
        elif row.get("tool") == "traefik" and scope.conventions.fits("traefik", "middleware", text=name):
            key = ".".join(name.split(".")[:5])
            if key not in told:
                told.add(key)
                draft.omit(
                    "auth",
                    f"{key[:80]}: look what this middleware does, such as a login; the platform has its own",
                    node,
                )
        elif row.get("becomes") not in (None, "nothing"):
            draft.put(row["becomes"], node.text, node)
