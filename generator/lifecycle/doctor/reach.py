"""Whether the real server answers, asked without a token at a path that each server answers in its own way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from generator.base.checks import Check, CheckState
from generator.base.lazy_import import lazily
from generator.clients.transport import http_client
from generator.platform.profile import Platform

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazily("httpx")

# Woodpecker answers unknown paths with a page and 200: the answer must be its own JSON.
_PATHS = {
    "forgejo": "/api/v1/version",
    "github": "/rate_limit",
    "woodpecker": "/version",
    "vault": "/v1/sys/health",
    "registry": "/v2/",
}
_TITLES = {
    "forgejo": "Forgejo",
    "github": "GitHub",
    "woodpecker": "Woodpecker",
    "vault": "Vault",
    "registry": "the registry",
}

# Vault's states by status (API documentation, /sys/health): those that serve requests, or hand them on.
_VAULT_SERVES = {200: "active", 429: "standby", 473: "performance standby"}
_VAULT_DOES_NOT = {
    472: ("is the standby of a disaster recovery", "use the address of the active cluster"),
    501: ("is not initialised", "initialise it (`vault operator init`)"),
    503: ("is sealed", "unseal it (`vault operator unseal`)"),
}


@dataclass(frozen=True)
class Answer:
    """A server's answer, or why there was none. ``body`` is None where it is not a JSON object."""

    status: int = 0
    kind: str = ""
    body: dict[str, Any] | None = None
    failure: str = ""


def observe(platform: Platform, system: str, url: str) -> Answer:
    """Ask once, without any credential. Raises ``PreflightError`` for an invalid address."""
    try:
        with _client(platform, system, url) as client:
            response = client.get(_PATHS[system])
    except httpx.TimeoutException:
        return Answer(failure="no answer in time")
    except httpx.HTTPError as error:
        return Answer(failure=str(error) or type(error).__name__)
    try:
        body = response.json()
    except ValueError:
        body = None
    kind = response.headers.get("content-type", "").partition(";")[0] or "no content type"
    return Answer(response.status_code, kind, body if isinstance(body, dict) else None)


def judge(system: str, answer: Answer) -> Check:
    """Whether it was the server itself, and whether it is ready."""
    name, title = f"{system}.reachable", _TITLES[system]
    if answer.failure:
        return Check(name, CheckState.FAILED, f"{title} does not answer: {answer.failure}", "check that it is up")
    if system == "vault":
        return _judge_vault(answer)
    if answer.body is not None and _is_itself(system, answer.status, answer.body):
        detail = str(answer.body.get("version", "")) if answer.status == httpx.codes.OK else "wants a sign-in first"
        return Check(name, CheckState.OK, f"{title} answers{f' ({detail})' if detail else ''}")
    return _another_server(system, answer)


def _is_itself(system: str, status: int, body: dict[str, Any]) -> bool:
    """Whether this is that server's answer: an open one, or its refusal of an anonymous request.

    Forgejo with REQUIRE_SIGNIN_VIEW hides even its version; a GitHub server may have no limits (404), or private mode;
    a registry asks for a token, in the format of the OCI distribution specification.
    """
    if system == "woodpecker":
        return status == httpx.codes.OK and "version" in body
    if system == "registry":
        return status == httpx.codes.OK or (status == httpx.codes.UNAUTHORIZED and "errors" in body)
    key = "version" if system == "forgejo" else "resources"
    closed = (401, 403) if system == "forgejo" else (401, 403, 404, 429)
    return (status == httpx.codes.OK and key in body) or (status in closed and "message" in body)


def _judge_vault(answer: Answer) -> Check:
    name = "vault.reachable"
    if answer.body is None or "sealed" not in answer.body:
        return _another_server("vault", answer)
    if answer.status in _VAULT_DOES_NOT:
        problem, remedy = _VAULT_DOES_NOT[answer.status]
        return Check(name, CheckState.FAILED, f"Vault {problem}", remedy)
    if answer.status not in _VAULT_SERVES:
        return _another_server("vault", answer)
    state = f"{_VAULT_SERVES[answer.status]}, {answer.body.get('version') or 'version not reported'}"
    return Check(name, CheckState.OK, f"Vault answers ({state})")


def _another_server(system: str, answer: Answer) -> Check:
    title = _TITLES[system]
    summary = f"{_PATHS[system]} answers {answer.status} with {answer.kind}, which is not {title}'s answer"
    if answer.status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return Check(f"{system}.reachable", CheckState.FAILED, summary, f"check that {title} is up behind its proxy")
    remedy = f"check the address of {system} in the profile; a proxy or a sign-in page may be in front of it"
    return Check(f"{system}.reachable", CheckState.FAILED, summary, remedy)


def _client(platform: Platform, system: str, url: str) -> httpx.Client:
    return http_client(platform, system, {"Accept": "application/json"}, "", url)
