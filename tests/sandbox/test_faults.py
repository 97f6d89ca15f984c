"""Each kind of fault, at the request it is meant for, and nowhere else."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from github import Github

from generator.sandbox import FaultKind, Sandbox, Status
from generator.sandbox.faults import CONNECTION_KINDS, HANDSHAKE_KINDS
from tests.sandbox.conftest import Api, Git

USERS = {"forgejo": "/user", "github": "/user", "woodpecker": "/user", "vault": "/auth/token/lookup-self"}


@pytest.fixture
def apis(forgejo: Api, github: Api, woodpecker: Api, vault: Api) -> dict[str, Api]:
    return {"forgejo": forgejo, "github": github, "woodpecker": woodpecker, "vault": vault}


@pytest.fixture
def fresh(sandbox: Sandbox) -> Iterator[Api]:
    """Forgejo, a new connection for every request."""
    context = ssl.create_default_context(cafile=str(sandbox.ca_file))
    with httpx.Client(verify=context, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)) as client:
        headers = {"Authorization": f"token {sandbox.tokens.forgejo}"}
        yield Api(sandbox, client, "forgejo.sandbox.test", "/api/v1", headers)


def outcome(api: Api, method: str = "GET", path: str = "/user", **options: object) -> int | str:
    """Status of a request, or what became of its connection."""
    try:
        return api(method, path, **options).status_code
    except httpx.ConnectError as error:
        return _cause(error)
    except httpx.TimeoutException:
        return "timeout"
    except httpx.TransportError:
        return "reset"


def _cause(error: BaseException) -> str:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ConnectionRefusedError):
            return "refused"
        if isinstance(seen, ssl.SSLCertVerificationError):
            return "wrong certificate"
        if isinstance(seen, ssl.SSLError):
            return "tls"
        seen = seen.__cause__ or seen.__context__
    return "no connection"


# --- when -----------------------------------------------------------------------------------------------------


def test_once_and_so_many_times(sandbox: Sandbox, forgejo: Api) -> None:
    once = sandbox.faults.add("forgejo", "GET", "/user$", 1, FaultKind.SERVER_ERROR)
    assert [outcome(forgejo) for _ in range(3)] == [500, 200, 200]
    twice = sandbox.faults.add("*", "*", "", 2, FaultKind.BAD_GATEWAY)
    assert [outcome(forgejo) for _ in range(3)] == [502, 502, 200]
    assert (once.hits, twice.hits) == (1, 2)


def test_the_request_after_so_many_others(sandbox: Sandbox, forgejo: Api) -> None:
    sandbox.faults.add("forgejo", "GET", "/user$", 1, FaultKind.SERVER_ERROR, after=2)
    assert outcome(forgejo, path="/version") == 200
    assert [outcome(forgejo) for _ in range(4)] == [200, 200, 500, 200]


def test_until_cleared(sandbox: Sandbox, forgejo: Api) -> None:
    fault = sandbox.faults.add("forgejo", "GET", "/user$", None, FaultKind.SERVER_ERROR, after=1)
    assert [outcome(forgejo) for _ in range(4)] == [200, 500, 500, 500]
    assert outcome(forgejo, path="/version") == 200
    sandbox.faults.clear()
    assert outcome(forgejo) == 200
    assert fault.hits == 3


def test_spreading_to_the_whole_system(sandbox: Sandbox, forgejo: Api, woodpecker: Api) -> None:
    sandbox.faults.add("*", "GET", "/user$", None, FaultKind.SERVER_ERROR, spreads=True)
    assert outcome(forgejo, path="/version") == 200
    assert outcome(forgejo) == 500
    assert outcome(forgejo, path="/version") == 500
    assert outcome(woodpecker, path="/user/repos") == 200


def test_a_query_tells_requests_apart(sandbox: Sandbox, forgejo: Api) -> None:
    sandbox.faults.add("forgejo", "GET", "/branches$", 1, FaultKind.SERVER_ERROR, query="^page=2$")
    assert outcome(forgejo, path="/repos/viktor/infra/branches?page=1") == 200
    assert outcome(forgejo, path="/repos/viktor/infra/branches?page=2") == 500


def test_a_fault_that_was_not_reached_says_so(sandbox: Sandbox, forgejo: Api) -> None:
    fault = sandbox.faults.add("forgejo", "GET", "/user$", 1, FaultKind.SERVER_ERROR, after=1)
    outcome(forgejo)
    assert fault.hits == 0


# --- connections ----------------------------------------------------------------------------------------------

TOLD = {
    FaultKind.TLS_FAILURE: "tls",
    FaultKind.WRONG_AUTHORITY: "wrong certificate",
    FaultKind.WRONG_NAME: "wrong certificate",
}


def test_handshakes_of_one_system_fail(sandbox: Sandbox, forgejo: Api, vault: Api) -> None:
    """On a kept connection as well: that request is dropped unseen, and the next connections fail."""
    assert set(TOLD) == HANDSHAKE_KINDS
    for kind, completed in TOLD.items():
        assert outcome(forgejo) == 200
        sandbox.faults.add("forgejo", "POST", "/user/repos$", 1, kind)
        assert outcome(forgejo) == 200
        made = [outcome(forgejo, "POST", "/user/repos", json={"name": kind.name.lower()}) for _ in range(3)]
        assert made == ["reset", completed, 201]

        sandbox.faults.add("forgejo", "GET", "/user$", None, kind)
        assert [outcome(forgejo) for _ in range(4)] == ["reset", completed, completed, completed]
        assert outcome(vault, path=USERS["vault"]) == 200
        sandbox.faults.clear()


def test_no_kept_connection_helps(sandbox: Sandbox, forgejo: Api) -> None:
    """A client with several connections may try again on another one: that is dropped as well."""
    for kind, completed in ((FaultKind.TLS_FAILURE, "tls"), (FaultKind.REFUSED, "refused")):
        with ThreadPoolExecutor(2) as pool:
            sandbox.pause()
            both = [pool.submit(outcome, forgejo) for _ in range(2)]
            sandbox.wait_until_held(2)
            sandbox.resume()
            assert [each.result() for each in both] == [200, 200]
        sandbox.faults.add("forgejo", "GET", "/user$", 1, kind, seconds=60)
        assert [outcome(forgejo) for _ in range(3)] == ["reset", "reset", completed]
        sandbox.faults.clear()


def test_handshakes_fail_without_waiting_for_a_request(sandbox: Sandbox, fresh: Api) -> None:
    sandbox.faults.break_handshakes("forgejo", FaultKind.TLS_FAILURE, 2)
    assert [outcome(fresh) for _ in range(3)] == ["tls", "tls", 200]


def test_refused_until_cleared(sandbox: Sandbox, forgejo: Api, fresh: Api, pygithub: Github) -> None:
    """There is one address: nobody gets a new connection, and the dropped request was never acted on."""
    assert pygithub.get_user().login
    sandbox.faults.add("forgejo", "POST", "/user/repos$", None, FaultKind.REFUSED)
    made = [outcome(forgejo, "POST", "/user/repos", json={"name": "demo"}) for _ in range(3)]
    assert made == ["reset", "refused", "refused"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", sandbox.port))
    assert outcome(fresh) == "refused"
    assert pygithub.get_user().login  # on its own connection, which was open before
    assert "viktor/demo" not in sandbox.forgejo.repositories
    sandbox.faults.clear()
    assert outcome(forgejo, "POST", "/user/repos", json={"name": "demo"}) == 201


def test_refused_for_a_while(sandbox: Sandbox, fresh: Api) -> None:
    started = time.monotonic()
    sandbox.faults.add("forgejo", "GET", "/user$", 1, FaultKind.REFUSED, seconds=0.2)
    assert [outcome(fresh), outcome(fresh)] == ["reset", "refused"]
    while outcome(fresh) == "refused":
        assert time.monotonic() - started < 20
    assert outcome(fresh) == 200
    assert time.monotonic() - started >= 0.2


def test_refused_at_once_again_and_again(sandbox: Sandbox, fresh: Api) -> None:
    for _ in range(5):
        sandbox.faults.refuse()
        assert outcome(fresh) == "refused"
        sandbox.faults.clear()
        assert outcome(fresh) == 200


def test_stop_while_refusing_leaves_nothing_behind(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with Sandbox.start(tmp_path / "sandbox") as sandbox:
        sandbox.faults.refuse()
    assert set(threading.enumerate()) == before
    with Sandbox.start(tmp_path / "another", port=sandbox.port) as again:
        assert again.port == sandbox.port


# --- answers --------------------------------------------------------------------------------------------------


def test_resets_before_and_after_acting(sandbox: Sandbox, forgejo: Api) -> None:
    sandbox.faults.add("forgejo", "POST", "", 1, FaultKind.RESET_BEFORE)
    assert outcome(forgejo, "POST", "/user/repos", json={"name": "one"}) == "reset"
    sandbox.faults.add("forgejo", "POST", "", 1, FaultKind.RESET_AFTER)
    assert outcome(forgejo, "POST", "/user/repos", json={"name": "two"}) == "reset"
    assert "viktor/one" not in sandbox.forgejo.repositories
    assert "viktor/two" in sandbox.forgejo.repositories


def test_timeouts_before_and_after_acting(sandbox: Sandbox, forgejo: Api) -> None:
    """No answer comes, whether it acted or not; others are served meanwhile."""
    for name, kind in (("one", FaultKind.TIMEOUT_BEFORE), ("two", FaultKind.TIMEOUT_AFTER)):
        sandbox.faults.add("forgejo", "POST", "", 1, kind)
        assert outcome(forgejo, "POST", "/user/repos", json={"name": name}, timeout=0.3) == "timeout"
        assert outcome(forgejo) == 200
    assert "viktor/one" not in sandbox.forgejo.repositories
    assert "viktor/two" in sandbox.forgejo.repositories


def test_clearing_drops_what_waits_for_an_answer(sandbox: Sandbox, forgejo: Api) -> None:
    fault = sandbox.faults.add("forgejo", "GET", "/user$", 1, FaultKind.TIMEOUT_BEFORE)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(outcome, forgejo)
        while not fault.hits:
            assert not waiting.done()
        sandbox.faults.clear()
        assert waiting.result() == "reset"


def test_a_malformed_answer_comes_after_acting(sandbox: Sandbox, forgejo: Api) -> None:
    sandbox.faults.add("forgejo", "*", "", 3, FaultKind.MALFORMED)
    made = forgejo("POST", "/user/repos", json={"name": "demo"})
    assert (made.status_code, made.headers["content-type"]) == (201, "application/json; charset=utf-8")
    assert made.text.startswith('{"id":')
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        made.json()
    assert "viktor/demo" in sandbox.forgejo.repositories
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        forgejo("GET", "/user").json()
    gone = forgejo("DELETE", "/repos/viktor/demo")  # a 204: it has no body to break
    assert (gone.status_code, gone.text) == (200, '{"')
    assert "viktor/demo" not in sandbox.forgejo.repositories


def test_pages_instead_of_answers(sandbox: Sandbox, forgejo: Api) -> None:
    for kind, status in ((FaultKind.HTML_200, 200), (FaultKind.BAD_GATEWAY, 502)):
        sandbox.faults.add("forgejo", "POST", "", 1, kind)
        answer = forgejo("POST", "/user/repos", json={"name": "demo"})
        assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
        assert answer.text.startswith("<!DOCTYPE html>")
    assert "viktor/demo" not in sandbox.forgejo.repositories


def test_an_answer_written_by_hand(sandbox: Sandbox, forgejo: Api) -> None:
    sandbox.faults.add("forgejo", "GET", "", 1, Status(503, "busy", headers={"Retry-After": "7"}))
    answer = forgejo("GET", "/user")
    assert (answer.status_code, answer.text, answer.headers["retry-after"]) == (503, "busy", "7")


WORDS = [
    (FaultKind.UNAUTHORIZED, "forgejo", 401, "user does not exist [uid: 0, name: ]"),
    (FaultKind.UNAUTHORIZED, "github", 401, "Bad credentials"),
    (FaultKind.UNAUTHORIZED, "woodpecker", 401, "User not authorized"),
    (FaultKind.UNAUTHORIZED, "vault", 403, "invalid token"),
    (FaultKind.FORBIDDEN, "forgejo", 403, "required scope(s): [read:repository]"),
    (FaultKind.FORBIDDEN, "github", 403, "Resource not accessible by personal access token"),
    (FaultKind.FORBIDDEN, "woodpecker", 403, "User not authorized"),
    (FaultKind.FORBIDDEN, "vault", 403, "permission denied"),
    (FaultKind.NOT_FOUND, "forgejo", 404, "The target couldn't be found."),
    (FaultKind.NOT_FOUND, "github", 404, "Not Found"),
    (FaultKind.NOT_FOUND, "woodpecker", 404, ""),
    (FaultKind.NOT_FOUND, "vault", 404, '{"errors":[]}'),
    (FaultKind.SERVER_ERROR, "forgejo", 500, '"message":""'),
    (FaultKind.SERVER_ERROR, "github", 500, "Server Error"),
    (FaultKind.SERVER_ERROR, "woodpecker", 500, ""),
    (FaultKind.SERVER_ERROR, "vault", 500, "internal error"),
    (FaultKind.TOO_MANY, "forgejo", 429, "Too Many Requests"),
    (FaultKind.TOO_MANY, "github", 429, "secondary rate limit"),
    (FaultKind.TOO_MANY, "vault", 429, "rate limit quota exceeded"),
]


def test_each_system_has_its_own_words(sandbox: Sandbox, apis: dict[str, Api]) -> None:
    for kind, system, status, completed in WORDS:
        fault = sandbox.faults.add(system, "GET", "", 1, kind, seconds=3)
        answer = apis[system]("GET", USERS[system])
        where = f"{kind.name} of {system}"
        assert (answer.status_code, fault.hits) == (status, 1), where
        assert completed in answer.text, where
        assert bool(completed) == bool(answer.content), where
        assert answer.headers.get("retry-after") == ("3" if kind is FaultKind.TOO_MANY else None), where
        assert apis[system]("GET", USERS[system]).status_code == 200, where


def test_limits_of_github(sandbox: Sandbox, github: Api) -> None:
    """Both are a 403, as a missing right is; only the headers and the words tell them apart."""
    sandbox.faults.add("github", "GET", "", 1, FaultKind.SECONDARY_LIMIT, seconds=60)
    secondary = github("GET", "/user")
    assert (secondary.status_code, secondary.headers["retry-after"]) == (403, "60")
    assert int(secondary.headers["x-ratelimit-remaining"]) > 0
    assert "secondary rate limit" in secondary.json()["message"]

    sandbox.faults.add("github", "GET", "", 1, FaultKind.PRIMARY_LIMIT, seconds=60)
    primary = github("GET", "/user")
    assert (primary.status_code, primary.headers["x-ratelimit-remaining"]) == (403, "0")
    assert 0 < int(primary.headers["x-ratelimit-reset"]) - time.time() <= 61
    assert "retry-after" not in primary.headers

    sandbox.faults.add("github", "GET", "", 1, FaultKind.FORBIDDEN)
    scope = github("GET", "/user")
    assert scope.headers["x-accepted-github-permissions"]
    assert int(scope.headers["x-ratelimit-remaining"]) > 0


def test_git_meets_them_too(sandbox: Sandbox, git: Git) -> None:
    url = git.url("forgejo", "viktor/infra.git")
    for kind in (FaultKind.UNAUTHORIZED, FaultKind.FORBIDDEN, FaultKind.SERVER_ERROR, *CONNECTION_KINDS):
        fault = sandbox.faults.add("forgejo", "GET", "/info/refs$", None, kind)
        assert git("ls-remote", url, check=False).returncode != 0, kind
        assert fault.hits >= 1, kind
        sandbox.faults.clear()
        assert git("ls-remote", url, check=False).returncode == 0, kind


# --- holding --------------------------------------------------------------------------------------------------


def test_hold_after_acting(sandbox: Sandbox, forgejo: Api) -> None:
    sandbox.faults.add("forgejo", "POST", "/user/repos$", 1, FaultKind.HOLD_AFTER)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(outcome, forgejo, "POST", "/user/repos", json={"name": "one"})
        sandbox.wait_until_held()
        assert "viktor/one" in sandbox.forgejo.repositories
        second = pool.submit(outcome, forgejo, "POST", "/user/repos", json={"name": "two"})
        sandbox.wait_until_held(2)
        assert "viktor/two" not in sandbox.forgejo.repositories
        sandbox.resume()
        assert (first.result(), second.result()) == (201, 201)


def test_what_is_held_can_be_dropped(sandbox: Sandbox, forgejo: Api) -> None:
    sandbox.faults.add("forgejo", "POST", "/user/repos$", 1, FaultKind.HOLD)
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(outcome, forgejo, "POST", "/user/repos", json={"name": "one"})
        sandbox.wait_until_held()
        sandbox.drop_held()
        assert held.result() == "reset"
    assert "viktor/one" not in sandbox.forgejo.repositories
    assert outcome(forgejo, "POST", "/user/repos", json={"name": "one"}) == 201


def test_latency_is_each_requests_own(tmp_path: Path) -> None:
    """Twenty at once take as long as one, not twenty times as long."""
    with Sandbox.start(tmp_path / "sandbox", latency=0.3) as sandbox:
        context = ssl.create_default_context(cafile=str(sandbox.ca_file))
        with httpx.Client(verify=context, trust_env=False, base_url=sandbox.urls["github_api"]) as client:

            def ask(_: int) -> float:
                started = time.monotonic()
                client.get("/user")
                return time.monotonic() - started

            started = time.monotonic()
            with ThreadPoolExecutor(20) as pool:
                each = list(pool.map(ask, range(20)))
            assert min(each) >= 0.3
            assert time.monotonic() - started < 20 * 0.3 / 2
