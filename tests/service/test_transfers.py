"""The services in Go and Python: slow clients, large bodies, signals, and what they depend on coming late."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from generator.template.template import Template
from tests.full import few, full
from tests.processes import until

from . import slow
from .databases import postgres, redis
from .running import Program, go_program, python_program
from .servers import free_port
from .test_go import VARIANTS as GO
from .test_go import Service, answers_for
from .trees import Tree, texts_of

pytestmark = pytest.mark.slow

MEBIBYTE = 2**20
BODY = 200
MOST = 64
"""Mebibytes of a body, and those by which a service may grow with it: what is in flight, and not the body."""


@pytest.fixture(scope="session")
def go_web(template: Template, tmp_path_factory: pytest.TempPathFactory, go_environment: dict[str, str]) -> Program:
    folder = tmp_path_factory.mktemp("go-web")
    Service(folder, go_environment)
    files = dict(texts_of(template, answers_for(GO["web-redis"]).context))
    return go_program(files, folder, go_environment)


@pytest.fixture
def python_web(python: Path, trees: dict[str, Tree], tmp_path: Path) -> Program:
    return python_program(python, trees["web-redis"].root, tmp_path / "service")


@pytest.fixture(params=["go", "python"])
def web(request: pytest.FixtureRequest) -> Program:
    """The web service in each language, with a database and Redis."""
    program: Program = request.getfixturevalue(f"{request.param}_web")
    return program


in_python_first = pytest.mark.parametrize("web", few(1, ["python", "go"]), indirect=True)
in_go_first = pytest.mark.parametrize("web", few(1, ["go", "python"]), indirect=True)
"""One of the languages in ``make test``, where a test waits for seconds."""

# --- Slow clients ---------------------------------------------------------------------------------------------


@in_python_first
def test_headers_that_come_too_slowly_are_cut_off(web: Program) -> None:
    with web.started() as process, socket.create_connection(("127.0.0.1", process.port)) as slow:
        slow.settimeout(1)
        started = time.monotonic()
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: here\r\n")
        ended = False
        while not ended:
            assert time.monotonic() - started < 30, "a client may send headers for ever"
            try:
                slow.sendall(b"X-More: 1\r\n")
                ended = not slow.recv(1000)
            except TimeoutError:
                continue
            except OSError:
                ended = True
        took = time.monotonic() - started
        assert 8 < took < 15
        with process.client() as client:
            assert client.get("/healthz").status_code == 200


@in_go_first
@pytest.mark.parametrize("seconds", [12, pytest.param(75, marks=full)])
def test_a_slow_download_and_a_slow_upload_get_through(web: Program, seconds: int) -> None:
    """Longer than the headers' limit; in full, longer than the minute that servers were once limited to."""

    def pieces() -> Iterator[bytes]:
        for _ in range(seconds * 2):
            yield b"x" * 1000
            time.sleep(0.5)

    with web.started() as process, process.client() as client, ThreadPoolExecutor(2) as pool:
        started = time.monotonic()
        asked = {"pieces": seconds * 2, "size": 1000, "wait": 0.5}
        down = pool.submit(client.get, "/download", params=asked)
        up = pool.submit(client.post, "/upload", content=pieces())
        assert len(down.result().content) == seconds * 2000
        assert up.result().json() == {"size": seconds * 2000}
        assert time.monotonic() - started >= seconds


@in_python_first
def test_large_bodies_stay_out_of_memory(web: Program) -> None:
    def body() -> Iterator[bytes]:
        piece = b"x" * MEBIBYTE
        for _ in range(BODY):
            yield piece

    with web.started() as process, process.client(120) as client:
        client.get("/healthz")
        before = process.peak_mebibytes()
        assert client.post("/upload", content=body()).json() == {"size": BODY * MEBIBYTE}
        up = process.peak_mebibytes()
        assert up - before < MOST
        with client.stream("GET", "/download", params={"pieces": BODY, "size": MEBIBYTE}) as answer:
            time.sleep(2)  # a reader that is slower than what it reads
            assert sum(len(piece) for piece in answer.iter_bytes()) == BODY * MEBIBYTE
        assert process.peak_mebibytes() - before < MOST


# --- The end --------------------------------------------------------------------------------------------------


@in_go_first
def test_sigterm_under_load_loses_no_request(web: Program) -> None:
    """Requests under way finish; new ones are answered until the drain is over, and can't connect after that."""
    with web.started(DRAIN_SECONDS="2", SHUTDOWN_SECONDS="10") as process, ThreadPoolExecutor(30) as pool:
        address = f"http://127.0.0.1:{process.port}"

        def ask(path: str) -> httpx.Response:
            return httpx.get(address + path, timeout=30, trust_env=False)

        under_way = [pool.submit(ask, "/wait?seconds=4") for _ in range(25)]
        time.sleep(1)
        process.popen.send_signal(signal.SIGTERM)
        ended = time.monotonic()
        answered = 0
        while time.monotonic() - ended < 1.5:
            assert ask("/wait?seconds=0").status_code == 200
            answered += 1
        time.sleep(1.2)
        with pytest.raises(httpx.ConnectError):
            ask("/healthz")
        assert [request.result().json() for request in under_way] == ["whole"] * 25
        assert process.ended() == 0
        assert time.monotonic() - ended < 10
        assert answered > 1


@in_python_first
def test_a_kept_connection_is_ended_by_an_answer(web: Program) -> None:
    """A client that keeps its connection would lose the request that it sends while the server closes it."""
    with web.started(DRAIN_SECONDS="1") as process, slow.Load(f"http://127.0.0.1:{process.port}/healthz") as load:
        time.sleep(0.5)
        assert process.end() == 0
    assert set(load.seen) == {"200", "moved"}, load.seen


@in_python_first
def test_a_request_that_outlasts_the_grace_does_not_hold_the_end(web: Program) -> None:
    with web.started(SHUTDOWN_SECONDS="1") as process, ThreadPoolExecutor(1) as pool:
        address = f"http://127.0.0.1:{process.port}/wait?seconds=60"
        asked = pool.submit(httpx.get, address, timeout=30, trust_env=False)
        time.sleep(0.5)
        started = time.monotonic()
        process.end()
        assert time.monotonic() - started < 5
        with contextlib.suppress(httpx.TransportError):
            assert asked.result().status_code >= 500


# --- What it depends on -----------------------------------------------------------------------------------------


def status(client: httpx.Client, path: str) -> tuple[int, str]:
    answer = client.get(path)
    return answer.status_code, answer.json()["status"]


@in_go_first
def test_a_database_and_redis_that_come_late_are_found(web: Program) -> None:
    database, store = free_port(), free_port()
    addresses = {
        "DATABASE_URL": f"postgresql://someone:secret@127.0.0.1:{database}/name?sslmode=disable",
        "REDIS_URL": f"redis://127.0.0.1:{store}/3",
    }
    with web.started(**addresses) as process, process.client() as client:
        assert status(client, "/healthz") == (200, "ok")
        assert status(client, "/readyz") == (503, "database unreachable")
        with postgres(database):
            until(lambda: status(client, "/readyz") == (503, "redis unreachable"), 20)
            with redis(store) as asked:
                until(lambda: status(client, "/readyz") == (200, "ok"), 20)
                assert ["select", "3"] in asked
            until(lambda: status(client, "/readyz") == (503, "redis unreachable"), 20)
            with redis(store):
                until(lambda: status(client, "/readyz") == (200, "ok"), 20)
        assert status(client, "/healthz") == (200, "ok")
        assert process.end() == 0
        assert "secret" not in "".join(process.lines)


def test_the_version_is_shown(web: Program) -> None:
    with web.started(VERSION="v1.2.3") as process, process.client() as client:
        assert 'build_info{version="v1.2.3"} 1' in client.get("/metrics").text


# --- Workers ----------------------------------------------------------------------------------------------------


def hanging_python(python: Path, tree: Tree, folder: Path) -> Program:
    shutil.copytree(tree.root, folder)
    worker = folder / "app" / "worker.py"
    text = worker.read_text(encoding="utf-8")
    assert '    log.info("worked")\n' in text
    worker.write_text(text.replace('    log.info("worked")\n', "    await asyncio.sleep(3600)\n"), encoding="utf-8")
    return Program((str(python), "-m", "app"), folder, {"PYTHONDONTWRITEBYTECODE": "1"})


def hanging_go(template: Template, folder: Path, environment: dict[str, str]) -> Program:
    files = dict(texts_of(template, answers_for({**GO["worker-apart"], "metrics": {"path": "/metrics"}}).context))
    said = '	slog.InfoContext(ctx, "nothing to do yet")\n'
    assert said in files["work.go"]
    files["work.go"] = files["work.go"].replace(said, "	<-ctx.Done()\n")
    return go_program({**files, "server.go": files["server.go"]}, folder, environment)


@pytest.mark.parametrize("language", few(1, ["go", "python"]))
def test_a_worker_that_hangs_becomes_unhealthy_and_still_ends(
    language: str, template: Template, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if language == "go":
        program = hanging_go(template, tmp_path / "service", request.getfixturevalue("go_environment"))
    else:
        tree = request.getfixturevalue("trees")["worker-unmeasured"]
        program = hanging_python(request.getfixturevalue("python"), tree, tmp_path / "service")
    limits = {"INTERVAL_SECONDS": "1", "STALL_SECONDS": "2", "SHUTDOWN_SECONDS": "1"}
    with program.started(**limits) as process, process.client() as client:
        assert status(client, "/healthz") == (200, "ok")
        until(lambda: status(client, "/healthz") == (503, "the work stands still"), 20)
        started = time.monotonic()
        assert process.end() == 0
        assert time.monotonic() - started < 5
