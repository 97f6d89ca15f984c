"""The way to a system: certificates, refused and dead connections, somebody else who answers."""

from __future__ import annotations

import contextlib
import datetime
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from generator.base.checks import CheckState
from generator.lifecycle.doctor import connection
from generator.lifecycle.doctor.connection import Place
from generator.sandbox.faults import FaultKind, Status
from tests.doctor.clinic import FAILED, OK, SYSTEMS, UNKNOWN, WAITING, Clinic
from tests.full import full


@pytest.mark.parametrize(
    ("system", "kind"),
    [
        *((system, FaultKind.WRONG_AUTHORITY) for system in SYSTEMS),
        ("forgejo", FaultKind.WRONG_NAME),
        ("github", FaultKind.TLS_FAILURE),
    ],
)
def test_a_certificate_that_is_not_right(clinic: Clinic, system: str, kind: FaultKind) -> None:
    """No token is sent there, and everything else is told as ever."""
    clinic.sandbox.faults.break_handshakes(system, kind)
    checks = clinic()
    assert checks[f"{system}.certificate"].state is FAILED
    assert checks[f"{system}.reachable"].state is UNKNOWN
    touched = {check.id.partition(".")[0] for check in checks.values() if not check.well}
    assert touched <= {system, "forgejo_git" if system == "forgejo" else system}
    assert [exchange for exchange in clinic.sandbox.journal if exchange.system == system] == []


@contextlib.contextmanager
def certificate_ending(folder: Path, end: datetime.datetime) -> Iterator[Place]:
    """A server on loopback that shows one certificate to each caller."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    begin = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)
    authority.issue_cert("localhost", not_before=begin, not_after=end).configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                connected, _ = server.accept()
                with connected, context.wrap_socket(connected, server_side=True) as secured:
                    secured.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        yield Place("localhost", "127.0.0.1", server.getsockname()[1])
        thread.join()


@pytest.mark.parametrize(("days", "state"), [(-3, FAILED), (5, WAITING), (60, OK)])
def test_the_end_of_a_certificate(tmp_path: Path, days: int, state: CheckState) -> None:
    now = datetime.datetime.now(datetime.UTC)
    with certificate_ending(tmp_path, now + datetime.timedelta(days=days, hours=1)) as place:
        line = connection.observe_line(place, str(tmp_path / "ca.pem"), 10)
    check = connection.judge_certificate("github", place, line, now.timestamp())
    assert check.state is state
    assert ("expired" in check.summary) if days < 0 else (str(days) in check.summary)
    assert bool(check.hint) is (state is not OK)
    assert line.trusted is (days > 0)


def test_refused_connections(clinic: Clinic) -> None:
    """Each system is told, the load balancer first, and what is on this machine is as it is."""
    clinic.sandbox.faults.refuse()
    checks = clinic()
    failed = {name for name, check in checks.items() if check.state is FAILED}
    assert failed == {"loadbalancer", "forgejo_git.token", *(f"{system}.reachable" for system in SYSTEMS)}
    assert {checks[name].state for name in ("tools.git", "profile", "infra.clone", "slack.token")} == {OK}
    assert "FORGEJO_TOKEN" in checks["forgejo.token"].summary
    assert checks["forgejo.token"].state is UNKNOWN


@pytest.mark.parametrize(
    ("system", "path", "kind"),
    [
        ("forgejo", "/version", FaultKind.HTML_200),
        ("forgejo", "/version", FaultKind.BAD_GATEWAY),
        ("github", "/rate_limit", FaultKind.HTML_200),
        ("github", "/rate_limit", FaultKind.RESET_BEFORE),
        ("woodpecker", "/version", FaultKind.HTML_200),
        ("vault", "/health", FaultKind.HTML_200),
        ("registry", "/v2/", FaultKind.HTML_200),
    ],
)
def test_somebody_else_who_answers(clinic: Clinic, system: str, path: str, kind: FaultKind) -> None:
    clinic.sandbox.faults.add(system, "GET", f"{path}$", 1, kind)
    checks = clinic()
    assert checks[f"{system}.reachable"].state is FAILED
    assert checks[f"{system}.token"].state is UNKNOWN
    assert {check.id.partition(".")[0] for check in checks.values() if not check.well} == {system}


@full
def test_a_dead_system_does_not_hold_up_the_others(clinic: Clinic) -> None:
    clinic.changes = {"connection": {"timeout_seconds": 1}}
    clinic.sandbox.faults.add("woodpecker", "GET", "/version$", 1, FaultKind.TIMEOUT_BEFORE)
    started = time.monotonic()
    wrong = clinic.wrong()
    assert wrong == {"woodpecker.reachable": FAILED, "woodpecker.token": UNKNOWN, "woodpecker.scopes": UNKNOWN}
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("system", "path", "check", "kind"),
    [
        ("forgejo", "/api/v1/user$", "forgejo.token", FaultKind.SERVER_ERROR),
        ("forgejo", "/repos/viktor/infra$", "forgejo.infra", FaultKind.MALFORMED),
        ("github", "/user$", "github.token", FaultKind.MALFORMED),
        ("woodpecker", "/user$", "woodpecker.token", FaultKind.HTML_200),
        ("vault", "lookup-self$", "vault.token", FaultKind.SERVER_ERROR),
        ("vault", "capabilities-self$", "vault.scopes", FaultKind.HTML_200),
    ],
)
def test_an_answer_that_is_none(clinic: Clinic, system: str, path: str, check: str, kind: FaultKind) -> None:
    """Told for what was asked; the others are as ever."""
    clinic.sandbox.faults.add(system, "*", path, None, kind)
    checks = clinic()
    assert checks[check].state is FAILED
    assert {item.id.partition(".")[0].partition("_")[0] for item in checks.values() if not item.well} == {system}
    assert checks[f"{system}.reachable"].state is OK


def test_json_of_another_kind(clinic: Clinic) -> None:
    """JSON, but not what the system says: told, and no fault of ours."""
    for system, path in (("woodpecker", "/api/user$"), ("github", "/user$"), ("vault", "lookup-self$")):
        clinic.sandbox.faults.add(system, "GET", path, 1, Status(200, '["x"]', "application/json"))
    wrong = clinic.wrong()
    assert {name for name, state in wrong.items() if state is FAILED} == {
        "woodpecker.token",
        "github.token",
        "vault.token",
    }
