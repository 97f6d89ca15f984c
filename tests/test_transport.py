"""HTTP as the platform needs it: the pinned address under the real name, and every failure told with its code."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from generator.base.errors import ExitCode, NewserviceError, PreflightError
from generator.clients.patience import Patience
from generator.clients.pinned import PinnedTransport
from generator.clients.transport import Api, http_client, tls_context
from generator.platform.profile import Pin, Platform, load_platform
from generator.sandbox import Sandbox
from generator.sandbox.faults import FaultKind, Status
from tests.answers import TEMPLATE
from tests.full import few

HOSTS = {"forgejo": "forgejo.sandbox.test", "woodpecker": "ci.sandbox.test", "vault": "vault.sandbox.test"}


ONCE = Patience(attempts=1, first=0, longest=0)
PATIENT = Patience(attempts=5, first=0, longest=2)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox.start(tmp_path / "platform") as started:
        yield started


def platform_of(sandbox: Sandbox, **connection: Any) -> Platform:
    return load_platform(TEMPLATE.platform, sandbox.profile, {}).changed({"connection": connection})


def moved_to(sandbox: Sandbox, url: str) -> Platform:
    return platform_of(sandbox).changed({"forgejo": {"url": url}})


@pytest.fixture
def opened() -> Iterator[Callable[..., Api]]:
    """Makes clients that are closed at the end."""
    clients: list[Api] = []

    def make(system: str, platform: Platform, token: str = "", path: str = "/api/v1", patience: Patience = ONCE) -> Api:
        headers = {"Authorization": f"token {token}"} if token else {}
        clients.append(Api(system, http_client(platform, system, headers, path), "MY_TOKEN", patience))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def failure(call: Callable[[], Any]) -> NewserviceError:
    with pytest.raises(NewserviceError) as caught:
        call()
    assert caught.value.hint
    return caught.value


# --- the pinned address ------------------------------------------------------------------------------------


def test_the_connection_goes_to_the_pin_and_says_the_real_name(
    sandbox: Sandbox, opened: Callable[..., Api], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is nowhere in DNS: that the sandbox hears it by SNI and Host is the pin's work."""
    asked: list[Any] = []
    resolve = socket.getaddrinfo

    def spy(host: Any, *arguments: Any, **options: Any) -> Any:
        asked.append(host)
        return resolve(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", spy)
    api = opened("forgejo", platform_of(sandbox), sandbox.tokens.forgejo)
    assert api.read("GET", "/user", dict)["login"] == "viktor"
    (exchange,) = sandbox.journal
    assert (exchange.system, exchange.server_name) == ("forgejo", HOSTS["forgejo"])
    assert set(asked) == {"127.0.0.1"}


def test_the_address_that_a_person_sees_keeps_the_real_name(sandbox: Sandbox) -> None:
    platform = platform_of(sandbox)
    pin = platform.connection.pins.get("forgejo")
    assert pin is not None
    with PinnedTransport(HOSTS["forgejo"], pin, tls_context(platform.connection.ca_file)) as transport:
        request = httpx.Request("GET", f"{platform.forgejo.url}/api/v1/user")
        transport.handle_request(request).close()
        assert request.headers["Host"] == f"{HOSTS['forgejo']}:{sandbox.port}"
        assert request.extensions["sni_hostname"] == HOSTS["forgejo"]


@pytest.mark.parametrize("address", ["https://vault.sandbox.test/v1", "https://127.0.0.1/", "https://example.test/"])
def test_another_host_is_refused_before_anything_is_sent(sandbox: Sandbox, address: str) -> None:
    platform = platform_of(sandbox)
    with http_client(platform, "forgejo", {}) as client, pytest.raises(httpx.UnsupportedProtocol, match="not"):
        client.get(address)
    assert len(sandbox.journal) == 0


def test_a_redirect_is_not_followed(sandbox: Sandbox, opened: Callable[..., Api]) -> None:
    """It could lead the token somewhere else; none of the systems answers its API with one."""
    sandbox.faults.add("forgejo", "GET", "", 1, Status(302))
    api = opened("forgejo", platform_of(sandbox), sandbox.tokens.forgejo)
    error = failure(lambda: api.request("GET", "/user"))
    assert error.code == "forgejo.failed"
    assert "302" in error.message
    with http_client(platform_of(sandbox), "forgejo", {}) as client:
        assert client.follow_redirects is False


def test_what_the_load_balancer_does_not_serve_is_not_pinned(sandbox: Sandbox) -> None:
    with http_client(platform_of(sandbox), "github", {}, "/api/v3") as client:
        assert client.get("/rate_limit").status_code in (200, 401, 404)
    (exchange,) = sandbox.journal
    assert exchange.system == "github"


def test_proxies_of_the_environment_are_not_used(
    sandbox: Sandbox, opened: Callable[..., Api], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert (
        opened("forgejo", platform_of(sandbox), sandbox.tokens.forgejo).read("GET", "/user", dict)["login"] == "viktor"
    )


# --- certificates ------------------------------------------------------------------------------------------


def test_a_certificate_of_no_known_authority_is_refused(sandbox: Sandbox, opened: Callable[..., Api]) -> None:
    api = opened("forgejo", platform_of(sandbox, ca_file=None), sandbox.tokens.forgejo)
    error = failure(lambda: api.request("GET", "/user"))
    assert (error.code, error.exit_code) == ("forgejo.unreachable", ExitCode.SYSTEM)
    assert "certificate" in error.message.lower()
    assert HOSTS["forgejo"] in error.message
    assert len(sandbox.journal) == 0


def test_a_certificate_for_another_name_is_refused(sandbox: Sandbox, opened: Callable[..., Api]) -> None:
    """The address is right and the authority is trusted, but who answers there is not whom we asked for."""
    renamed = moved_to(sandbox, "https://git.other.test")
    error = failure(lambda: opened("forgejo", renamed, sandbox.tokens.forgejo).request("GET", "/user"))
    assert error.code == "forgejo.unreachable"
    assert len(sandbox.journal) == 0


def test_an_authority_that_can_not_be_loaded_is_named(tmp_path: Path) -> None:
    for content in (None, "not a certificate"):
        path = tmp_path / "ca.pem"
        if content:
            path.write_text(content)
        error = failure(lambda: tls_context(str(path)))  # noqa: B023 - called at once
        assert isinstance(error, PreflightError)
        assert error.code == "platform.ca_file"
        assert str(path) in error.message


def test_certificates_and_names_are_always_checked(sandbox: Sandbox) -> None:
    for authority in (None, str(sandbox.ca_file)):
        context = tls_context(authority)
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname


# --- failures ----------------------------------------------------------------------------------------------


def test_an_answer_that_does_not_come_is_a_timeout(sandbox: Sandbox, opened: Callable[..., Api]) -> None:
    api = opened("forgejo", platform_of(sandbox, timeout_seconds=0.2), sandbox.tokens.forgejo)
    sandbox.pause()
    try:
        error = failure(lambda: api.request("GET", "/user"))
    finally:
        sandbox.resume()
    assert (error.code, error.exit_code) == ("forgejo.timeout", ExitCode.SYSTEM)
    assert "GET forgejo.sandbox.test/api/v1/user" in error.message


def test_one_request_may_take_longer_than_the_others(tmp_path: Path, opened: Callable[..., Api]) -> None:
    with Sandbox.start(tmp_path / "slow", latency=0.3) as slow:
        api = opened("forgejo", platform_of(slow, timeout_seconds=0.1), slow.tokens.forgejo)
        assert failure(lambda: api.request("GET", "/user")).code == "forgejo.timeout"
        assert api.request("GET", "/user", timeout=30.0).status_code == 200


def test_an_address_where_nobody_listens_is_unreachable(sandbox: Sandbox, opened: Callable[..., Api]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        balancer = {"address": "127.0.0.1", "port": unused.getsockname()[1], "systems": ["forgejo"]}
        error = failure(
            lambda: opened("forgejo", platform_of(sandbox, load_balancer=balancer), "x").request("GET", "/user")
        )
    assert error.code == "forgejo.unreachable"
    assert "load balancer" in error.hint


@pytest.mark.parametrize("kind", ["reset before acting", "reset after acting"])
def test_a_connection_that_breaks_is_unreachable(sandbox: Sandbox, opened: Callable[..., Api], kind: str) -> None:
    sandbox.faults.add("forgejo", "GET", "", 1, kind)
    api = opened("forgejo", platform_of(sandbox), sandbox.tokens.forgejo)
    assert failure(lambda: api.request("GET", "/user")).code == "forgejo.unreachable"


@pytest.mark.parametrize(
    "kind", few(3, ["reset before acting", "reset after acting", "500", "502", "429", "tls failure"])
)
def test_reading_is_repeated_until_it_heals(sandbox: Sandbox, opened: Callable[..., Api], kind: str) -> None:
    sandbox.faults.add("forgejo", "GET", "", 2, kind, seconds=0)
    api = opened("forgejo", platform_of(sandbox), sandbox.tokens.forgejo, patience=PATIENT)
    assert api.read("GET", "/user", dict)["login"] == "viktor"


@pytest.mark.parametrize(
    ("kind", "sent"), [("reset before acting", 1), ("reset after acting", 1), ("500", 1), ("502", 1), ("429", 2)]
)
def test_a_change_is_sent_again_only_where_it_was_surely_not_made(
    sandbox: Sandbox, opened: Callable[..., Api], kind: str, sent: int
) -> None:
    sandbox.faults.add("forgejo", "POST", "", 1, kind, seconds=0)
    api = opened("forgejo", platform_of(sandbox), sandbox.tokens.forgejo, patience=PATIENT)

    def create() -> httpx.Response:
        return api.request("POST", "/user/repos", json={"name": "notes"})

    if sent == 1:
        assert failure(create).code in ("forgejo.unreachable", "forgejo.failed")
    else:
        assert create().status_code == 201
    assert len(sandbox.journal.find("forgejo", "POST")) == sent
    assert len(sandbox.forgejo.repositories) == 2 - (kind not in ("429", "reset after acting"))


def test_a_certificate_that_is_not_trusted_is_not_asked_for_again(sandbox: Sandbox, opened: Callable[..., Api]) -> None:
    sandbox.faults.break_handshakes("forgejo", FaultKind.WRONG_AUTHORITY, 1)
    api = opened("forgejo", platform_of(sandbox), sandbox.tokens.forgejo, patience=PATIENT)
    error = failure(lambda: api.request("GET", "/user"))
    assert (error.code, "CERTIFICATE_VERIFY_FAILED" in error.message) == ("forgejo.unreachable", True)


def test_a_system_that_asks_for_more_patience_than_there_is_is_not_waited_for(
    sandbox: Sandbox, opened: Callable[..., Api]
) -> None:
    sandbox.faults.add("forgejo", "GET", "", 1, "429", seconds=3600)
    api = opened("forgejo", platform_of(sandbox), sandbox.tokens.forgejo, patience=PATIENT)
    assert "asks to wait 3600 s" in failure(lambda: api.request("GET", "/user")).message
    assert len(sandbox.journal) == 1


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    few(
        3,
        [
            (401, "forgejo.unauthorized", ExitCode.PREFLIGHT),
            (403, "forgejo.forbidden", ExitCode.PREFLIGHT),
            (404, "forgejo.failed", ExitCode.SYSTEM),
            (409, "forgejo.failed", ExitCode.SYSTEM),
            (422, "forgejo.failed", ExitCode.SYSTEM),
            (500, "forgejo.failed", ExitCode.SYSTEM),
            (503, "forgejo.failed", ExitCode.SYSTEM),
        ],
        apart=True,
    ),
)
def test_every_other_status_is_an_error_with_what_the_system_said(
    sandbox: Sandbox, opened: Callable[..., Api], status: int, code: str, exit_code: ExitCode
) -> None:
    body = '{"message": "because of the moon"}'
    sandbox.faults.add("forgejo", "PATCH", "", 1, Status(status, body, "application/json"))
    api = opened("forgejo", platform_of(sandbox), sandbox.tokens.forgejo)
    error = failure(lambda: api.request("PATCH", "/user", json={"a": 1}))
    assert (error.code, error.exit_code) == (code, exit_code)
    assert str(status) in error.message
    assert ("because of the moon" in error.message) == (status != 401)
    if exit_code is ExitCode.PREFLIGHT:
        assert "MY_TOKEN" in error.hint
    assert sandbox.tokens.forgejo not in str(error)


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    few(
        4,
        [
            ('{"message": "of the moon"}', "application/json", "of the moon"),
            ('{"error": "of the moon"}', "application/json", "of the moon"),
            ('{"errors": ["of the moon"]}', "application/json; charset=utf-8", "of the moon"),
            ('{"errors": ["because", "of the moon"]}', "application/vnd.git+json", ": because; of the moon"),
            (json.dumps({"message": "x" * 5000}), "application/json", ": " + "x" * 200),
            ("of\nthe  moon\n", "text/plain", ": of the moon"),
            ("x" * 5000, "text/plain", "x" * 200),
            ("[1]", "application/json", "answered 500"),
            ("{", "application/json", "answered 500"),
            ("<html>a page</html>", "text/html", "answered 500"),
            ("", "text/plain", "answered 500"),
        ],
        apart=True,
    ),
)
def test_what_a_system_says_is_repeated_when_it_is_for_people(
    sandbox: Sandbox, opened: Callable[..., Api], body: str, kind: str, expected: str
) -> None:
    sandbox.faults.add("forgejo", "GET", "", 1, Status(500, body, kind))
    error = failure(lambda: opened("forgejo", platform_of(sandbox), "x").request("GET", "/user"))
    assert error.message.endswith(expected)
    assert len(error.message) < 400


def test_an_allowed_status_is_handed_back(sandbox: Sandbox, opened: Callable[..., Api]) -> None:
    api = opened("forgejo", platform_of(sandbox), sandbox.tokens.forgejo)
    assert api.request("GET", "/repos/viktor/nothing", allow=(404,)).status_code == 404
    assert api.find("GET", "/repos/viktor/nothing", dict) is None
    assert failure(lambda: api.read("GET", "/repos/viktor/nothing", dict)).code == "forgejo.failed"


def test_a_page_where_json_was_asked_for_is_reported(sandbox: Sandbox, opened: Callable[..., Api]) -> None:
    """Woodpecker answers unknown paths with 200 and its web interface."""
    api = opened("woodpecker", platform_of(sandbox), path="/api")
    error = failure(lambda: api.read("GET", "/no/such/path", dict))
    assert error.code == "woodpecker.not_json"
    assert "text/html" in error.message


def test_any_httpx_error_is_reported_as_one_of_ours() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.RemoteProtocolError("not HTTP", request=request)

    with httpx.Client(base_url="https://git.example.test/api/v1", transport=httpx.MockTransport(refuse)) as client:
        error = failure(lambda: Api("forgejo", client, "X", ONCE).request("GET", "/user"))
    assert (error.code, "not HTTP" in error.message) == ("forgejo.unreachable", True)


def test_the_pin_is_one_address_and_port(sandbox: Sandbox) -> None:
    """The port of the URL and that of the load balancer may differ."""
    moved = moved_to(sandbox, f"https://{HOSTS['forgejo']}")
    assert moved.connection.pins.get("forgejo") == Pin("127.0.0.1", sandbox.port)
    with http_client(moved, "forgejo", {"Authorization": f"token {sandbox.tokens.forgejo}"}, "/api/v1") as client:
        response = client.get("/user")
    assert response.json()["login"] == "viktor"
    assert str(response.request.url.port) == str(sandbox.port)
