"""Health checks as probes. Pure."""

from __future__ import annotations

import re
from typing import Any

from generator.lifecycle.importing.nodes import Node
from generator.lifecycle.importing.process import split
from generator.lifecycle.importing.scope import Scope
from generator.lifecycle.importing.sizes import number, seconds

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:]*\]|[^/:\s'\"]+)(?::(?P<port>[0-9]{1,5}))?(?P<path>/[^\s'\"|;&>)\\]*)?",
    re.IGNORECASE,
)
_PATH = re.compile(r"/(?!/)[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*", re.ASCII)


def map_probe(scope: Scope) -> None:
    """The answer ``probe``."""
    draft, check = scope.draft, scope.service.get("healthcheck")
    if draft.answers.get("port", 0) == 0:
        if check.get("test").value is not None:
            draft.omit("probe", "the health check: without a port nothing is asked", check)
        return
    usual = scope.conventions.value("proposals", "probe")
    test = check.get("test")
    words = split(test) if test.value is not None else None
    if check.get("disable").text.lower() == "true" or words == ["NONE"]:
        draft.put(
            "probe",
            usual,
            check,
            assumed="the image's own health check is off; that the port takes connections is enough",
        )
        return
    if words is None:
        draft.put(
            "probe", usual, None, assumed="the file has no health check; that the port takes connections is enough"
        )
        return
    text = " ".join(words[1:] if words[:1] in (["CMD"], ["CMD-SHELL"]) else words)
    path, why = _path(scope, text)
    probe: dict[str, Any] = {"kind": "http", "path": path} if path else {"kind": usual}
    timing = _timing(check)
    value: Any = {**probe, **timing} if path or timing else usual
    draft.put("probe", value, test, assumed=why)
    if not path:
        draft.omit("probe", f"the command of the health check: {why}", test)


def _path(scope: Scope, text: str) -> tuple[str, str]:
    """The path that a check asks for, and what is assumed; no path where it asks for none of the service's port."""
    program = next(
        (word for word in re.split(r"[\s/;&|()]+", text) if word in scope.conventions.value("health", "http")), ""
    )
    plain = re.sub(r"(?<![^\s'\"])(localhost|127\.0\.0\.1|0\.0\.0\.0)(?=:[0-9])", r"http://\1", text)
    found = next((item for item in _URL.finditer(plain) if _own(scope, item["host"])), None)
    if found is None or not program:
        return "", "the pod is asked over the network, and this runs a program in it"
    if not found["port"] and plain[found.end("host") :].startswith(":"):
        return "", "its port is a variable of the container"
    port = int(found["port"] or (443 if found["scheme"].lower() == "https" else 80))
    if port != scope.draft.answers.get("port"):
        return "", f"it asks port {port}, and the service's is {scope.draft.answers.get('port')}"
    if found["scheme"].lower() == "https":
        return "", "it asks with TLS, and a probe does not"
    path = found["path"] or "/"
    if any(scope.conventions.assigned_secrets(path)):
        return "", "a secret stands in its address"
    return (path, "") if _PATH.fullmatch(path) else ("", "its path has characters that a probe's has not")


def _own(scope: Scope, host: str) -> bool:
    return host in scope.conventions.value("health", "itself") or scope.hosts.get(host) == scope.name


def _timing(check: Node) -> dict[str, int]:
    """The timing of a check, as far as a probe has it."""
    found: dict[str, int] = {}
    start = seconds(check.get("start_period").text)
    if 0 < start <= 3600:
        found["startup_seconds"] = start
    for key, name in (("period_seconds", "interval"), ("timeout_seconds", "timeout")):
        if 0 < (value := seconds(check.get(name).text)) <= 3600:
            found[key] = value
    if 0 < (retries := number(check.get("retries").text) or 0) <= 100:
        found["failures"] = retries
    return found
