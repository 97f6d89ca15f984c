"""Start and stop, the profile, the load balancer, the journal, and the ways to hold or break answers."""

from __future__ import annotations

import socket
import ssl
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import yaml

from generator.sandbox import FaultKind, Sandbox, Status
from tests.sandbox.conftest import Api, Git

PROFILE = Path(__file__).parents[2] / "templates" / "platform.yml"


def test_profile_overrides_only_what_differs(sandbox: Sandbox) -> None:
    default = yaml.safe_load(PROFILE.read_text())
    profile = yaml.safe_load(sandbox.profile.read_text())

    def unknown(mine: dict[str, object], theirs: dict[str, object], path: str = "") -> list[str]:
        found = []
        for key, value in mine.items():
            if key not in theirs:
                found.append(path + key)
            elif isinstance(value, dict):
                inner = theirs[key]
                assert isinstance(inner, dict)
                found += unknown(value, inner, f"{path}{key}.")
            elif theirs[key] == value and path + key != "connection.load_balancer.systems":
                found.append(f"{path}{key} is the default")
        return found

    assert unknown(profile, default) == []
    assert profile["connection"]["load_balancer"]["port"] == sandbox.port
    assert profile["github"]["api_url"] == f"https://localhost:{sandbox.port}/api/v3"
    assert Path(profile["connection"]["infra_clone"]) == sandbox.infra


def test_everything_is_private_to_its_owner(sandbox: Sandbox) -> None:
    assert stat.S_IMODE(sandbox.root.stat().st_mode) == 0o700
    assert stat.S_IMODE(sandbox.profile.stat().st_mode) == 0o600


def test_stop_leaves_nothing_behind(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    sandbox = Sandbox.start(tmp_path / "sandbox")
    context = ssl.create_default_context(cafile=str(sandbox.ca_file))
    with socket.create_connection(("127.0.0.1", sandbox.port)) as raw:
        idle = context.wrap_socket(raw, server_hostname="forgejo.sandbox.test")
        # A client that never says a word must not keep the platform alive.
        silent = socket.create_connection(("127.0.0.1", sandbox.port))
        sandbox.stop()
        assert idle.recv(1) == b""
        idle.close()
        silent.close()
    assert set(threading.enumerate()) == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", sandbox.port))


def test_chosen_tokens_and_port(tmp_path: Path) -> None:
    with Sandbox.start(tmp_path / "one", tokens={"forgejo": "canary"}) as first:
        assert first.environment["FORGEJO_TOKEN"] == "canary"
        assert "canary" not in repr(first.tokens)
        with pytest.raises(OSError, match="in use"):
            Sandbox.start(tmp_path / "two", port=first.port)
    with pytest.raises(ValueError, match="forge"):
        Sandbox.start(tmp_path / "three", tokens={"forge": "x"})
    with Sandbox.start(tmp_path / "four", port=first.port) as again:
        assert again.port == first.port


def test_two_sandboxes_have_the_same_history_and_refuse_to_share_a_folder(tmp_path: Path) -> None:
    heads = []
    for name in ("one", "two"):
        with Sandbox.start(tmp_path / name) as started:
            heads.append(started.forgejo.repository("viktor/infra").bare.heads())
    assert heads[0] == heads[1]
    with pytest.raises(FileExistsError):
        Sandbox.start(tmp_path / "one")


def test_concurrent_clients(sandbox: Sandbox, forgejo: Api) -> None:
    def create(number: int) -> int:
        return forgejo("POST", "/user/repos", json={"name": f"demo-{number % 10}"}).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(create, range(20)))
    assert statuses == [201] * 10 + [409] * 10


def test_certificates_belong_to_their_names(sandbox: Sandbox) -> None:
    context = ssl.create_default_context(cafile=str(sandbox.ca_file))
    for name in ("forgejo.sandbox.test", "ci.sandbox.test", "vault.sandbox.test", "localhost"):
        with (
            socket.create_connection(("127.0.0.1", sandbox.port)) as raw,
            context.wrap_socket(raw, server_hostname=name) as secured,
        ):
            assert secured.getpeercert()["subjectAltName"] == (("DNS", name),)  # type: ignore[index]
    with (
        socket.create_connection(("127.0.0.1", sandbox.port)) as raw,
        pytest.raises(ssl.SSLError, match="unrecognized name"),
    ):
        context.wrap_socket(raw, server_hostname="other.sandbox.test")


def test_unknown_host_and_keep_alive(sandbox: Sandbox, forgejo: Api) -> None:
    assert forgejo("GET", "/version", headers={"Host": "nobody.sandbox.test"}).status_code == 404
    for _ in range(2):
        stream = forgejo("GET", "/version").extensions["network_stream"]
        assert stream.get_extra_info("is_readable") is False
    assert sandbox.journal.find("forgejo")[0].server_name == "forgejo.sandbox.test"


def test_chunked_and_gzipped_bodies(forgejo: Api) -> None:
    import gzip

    def chunks() -> list[bytes]:
        return [b'{"name":', b'"chunked"}']

    made = forgejo("POST", "/user/repos", content=iter(chunks()), headers={"Content-Type": "application/json"})
    assert made.status_code == 201
    zipped = gzip.compress(b'{"name":"zipped"}')
    made = forgejo("POST", "/user/repos", content=zipped, headers={"Content-Encoding": "gzip"})
    assert made.json()["name"] == "zipped"


def test_a_request_that_breaks_off_is_none(sandbox: Sandbox) -> None:
    """Its client was killed in the middle of the body: the server never hears the rest, and does nothing."""
    context = ssl.create_default_context(cafile=str(sandbox.ca_file))
    with socket.create_connection(("127.0.0.1", sandbox.port)) as raw:
        client = context.wrap_socket(raw, server_hostname="forgejo.sandbox.test")
        head = f"POST /api/v1/user/repos HTTP/1.1\r\nHost: forgejo.sandbox.test:{sandbox.port}\r\n"
        client.sendall(f'{head}Content-Length: 40\r\n\r\n{{"name": "demo"}}'.encode())
        client.close()
    sandbox.settle()
    assert list(sandbox.journal) == []


def test_journal_tells_reads_from_writes(sandbox: Sandbox, forgejo: Api, git: Git) -> None:
    forgejo("GET", "/user")
    forgejo("POST", "/user/repos", json={"name": "demo"})
    git("clone", "--quiet", git.url("forgejo", "viktor/infra.git"), "copy")
    writes = sandbox.journal.writes()
    assert [(entry.system, entry.path, entry.status) for entry in writes] == [("forgejo", "/api/v1/user/repos", 201)]
    assert writes[0].request_body == b'{"name":"demo"}'
    assert b'"full_name":"viktor/demo"' in writes[0].response_body
    assert writes[0].request_content_type == "application/json"
    assert sandbox.journal.find("forgejo", "POST", "git-upload-pack$")
    everything = "".join(map(repr, sandbox.journal))
    assert sandbox.tokens.forgejo not in everything


def test_pause_holds_before_acting(sandbox: Sandbox, forgejo: Api) -> None:
    sandbox.pause()
    answers: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: answers.append(forgejo("POST", "/user/repos", json={"name": "held"})))
    thread.start()
    sandbox.wait_until_held()
    assert "viktor/held" not in sandbox.forgejo.repositories
    sandbox.resume()
    thread.join()
    assert answers[0].status_code == 201
    assert "viktor/held" in sandbox.forgejo.repositories


def test_stop_drops_what_is_held(tmp_path: Path) -> None:
    with Sandbox.start(tmp_path / "sandbox") as sandbox:
        context = ssl.create_default_context(cafile=str(sandbox.ca_file))
        failures: list[Exception] = []

        def ask() -> None:
            try:
                httpx.post(f"https://localhost:{sandbox.port}/api/v3/user/repos", verify=context, trust_env=False)
            except httpx.TransportError as error:
                failures.append(error)

        sandbox.pause()
        thread = threading.Thread(target=ask)
        thread.start()
        sandbox.wait_until_held()
    thread.join()
    assert len(failures) == 1


def test_faults(sandbox: Sandbox, forgejo: Api, woodpecker: Api) -> None:
    sandbox.faults.add("forgejo", "POST", "/user/repos$", 1, Status(503, "busy"))
    sandbox.faults.add("forgejo", "POST", "/user/repos$", 1, FaultKind.RESET_BEFORE)
    sandbox.faults.add("forgejo", "*", "/user/repos$", 1, "reset after acting")
    sandbox.faults.add("woodpecker", "GET", "/user$", 1, FaultKind.HTML_200)
    answer = forgejo("POST", "/user/repos", json={"name": "demo"})
    assert (answer.status_code, answer.text) == (503, "busy")
    with pytest.raises(httpx.TransportError):
        forgejo("POST", "/user/repos", json={"name": "demo"})
    assert "viktor/demo" not in sandbox.forgejo.repositories
    with pytest.raises(httpx.TransportError):
        forgejo("POST", "/user/repos", json={"name": "demo"})
    assert "viktor/demo" in sandbox.forgejo.repositories
    assert forgejo("POST", "/user/repos", json={"name": "demo"}).status_code == 409
    assert "html" in woodpecker("GET", "/user").headers["content-type"]
    assert woodpecker("GET", "/user").json()["login"] == "ViktorBarzin"


def test_hold_fault_pauses_at_one_request(sandbox: Sandbox, forgejo: Api) -> None:
    sandbox.faults.add("forgejo", "DELETE", "/repos/", 1, FaultKind.HOLD)
    forgejo("POST", "/user/repos", json={"name": "demo"})
    thread = threading.Thread(target=lambda: forgejo("DELETE", "/repos/viktor/demo"))
    thread.start()
    sandbox.wait_until_held()
    assert "viktor/demo" in sandbox.forgejo.repositories
    sandbox.resume()
    thread.join()
    assert "viktor/demo" not in sandbox.forgejo.repositories
