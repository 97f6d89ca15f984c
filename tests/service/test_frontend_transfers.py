"""The static and the SvelteKit service for real: slow clients, large bodies, an end under load, late databases."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from generator.template.template import Template
from tests.answers import render
from tests.full import full

from . import slow
from .conftest import answers_for
from .databases import postgres, redis
from .frontends import caddy_program, new_workshop, running
from .node import Workshop
from .servers import free_port
from .test_static import COMMON as STATIC
from .test_static import answer, serving
from .test_svelte import COMMON as SVELTE
from .test_svelte import MIGRATE
from .test_svelte import answer as text_of
from .trees import Tree

SIZE = 24 * 1024 * 1024
UPLOAD = """
export async function POST({ request }: { request: Request }) {
  let size = 0;
  for await (const piece of request.body ?? []) size += piece.length;
  return Response.json({ size });
}
"""

# A server whose own limit on a whole request is two seconds, and that looks for those which exceed it all the time.
IMPATIENT = """
import http from "node:http";
const make = http.createServer;
const limits = { requestTimeout: 2000, headersTimeout: 2000, connectionsCheckingInterval: 200 };
http.createServer = (...given) => make(limits, ...given);
"""


def ends(process: Any, within: float) -> float:
    """Seconds from the signal to end until the server has ended, as it should."""
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=within) == 0
    return time.monotonic() - started


# --- Static --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def caddy() -> str:
    """The server's program."""
    return caddy_program()


@pytest.fixture(scope="module")
def site(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A site with a large file, and metrics."""
    tree = Tree.write(tmp_path_factory.mktemp("site"), render(template, answers_for(template, STATIC), "service"))
    (tree.root / "site" / "large.bin").write_bytes(b"x" * SIZE)
    return tree


@pytest.mark.parametrize("seconds", [3, pytest.param(75, marks=full)])
def test_a_slow_download_of_the_site_gets_everything(caddy: str, site: Tree, tmp_path: Path, seconds: int) -> None:
    with serving(caddy, site, tmp_path, []) as (url, _):
        assert slow.take(f"{url}/large.bin", seconds) == (200, SIZE, SIZE)


@full
def test_headers_that_never_end_are_given_up(caddy: str, site: Tree, tmp_path: Path) -> None:
    with serving(caddy, site, tmp_path, []) as (url, _):
        assert 9 < slow.never_ask(url, 20) < 15


def test_the_site_ends_after_what_is_under_way(caddy: str, site: Tree, tmp_path: Path) -> None:
    """New requests are answered for a while, then refused; the download that has begun comes to its end."""
    found: list[tuple[int, int, int]] = []
    with serving(caddy, site, tmp_path, [], drain=1) as (url, process):
        download = Thread(target=lambda: found.append(slow.take(f"{url}/large.bin", 4)))
        download.start()
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert answer(f"{url}/")[0] == 200
        time.sleep(1.5)
        with pytest.raises(OSError, match="refused"):
            answer(f"{url}/")
        assert process.poll() is None
        download.join()
        assert process.wait(timeout=5) == 0
    assert found == [(200, SIZE, SIZE)]


def test_no_answer_of_the_site_is_cut_when_it_ends_under_load(caddy: str, site: Tree, tmp_path: Path) -> None:
    with serving(caddy, site, tmp_path, [], drain=1) as (url, process), slow.Load(f"{url}/healthz") as load:
        time.sleep(1)
        took = ends(process, 10)
    assert took < 5
    assert load.seen["200"] > 200
    assert set(load.seen) == {"200", "moved"}, load.seen


# --- SvelteKit -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """The built server, with a large file and a route that takes uploads."""
    workshop = new_workshop(tmp_path_factory.mktemp("workshop"))
    given = {**SVELTE, "database": "postgres", "redis": 3, "migrate_command": MIGRATE}
    tree = Tree.write(tmp_path_factory.mktemp("svelte"), render(template, answers_for(template, given), "service"))
    for path, content in {"src/routes/upload/+server.ts": UPLOAD.encode(), "static/large.bin": b"x" * SIZE}.items():
        (tree.root / path).parent.mkdir(parents=True)
        (tree.root / path).write_bytes(content)
    workshop.take(tree)
    workshop.install()
    workshop.check("run", "build")
    (workshop.folder / "impatient.mjs").write_text(IMPATIENT, encoding="utf-8")
    return workshop


def settings(workshop: Workshop) -> dict[str, str]:
    """What the image's environment says of limits."""
    dockerfile = (workshop.folder / "Dockerfile").read_text(encoding="utf-8")
    words = dict(word.split("=", 1) for word in dockerfile.split() if word.count("=") == 1)
    return {name: words[name] for name in ("BODY_SIZE_LIMIT", "KEEP_ALIVE_TIMEOUT", "SHUTDOWN_TIMEOUT")}


@full
@pytest.mark.slow
@pytest.mark.parametrize("seconds", [5, 75])
def test_slow_transfers_get_through(built: Workshop, seconds: int) -> None:
    """Both ways at once, in a server whose own limit would be two seconds."""
    found: list[Any] = []
    with running(built, [], "--import", "./impatient.mjs", "bin/server.js", **settings(built)) as (url, _):
        upload = Thread(target=lambda: found.append(slow.send(f"{url}/upload", SIZE, seconds)))
        upload.start()
        assert slow.take(f"{url}/large.bin", seconds) == (200, SIZE, SIZE)
        upload.join()
    assert found == [(200, {"size": SIZE})]


@full
@pytest.mark.slow
def test_the_adapters_own_start_would_cut_them_off(built: Workshop) -> None:
    """What the two files beside the build are for: the limits of Node.js and of the adapter."""
    with running(built, [], "--import", "./impatient.mjs", "build", **settings(built)) as (url, _):
        assert slow.send(f"{url}/upload", SIZE, 5)[0] == 408
    with running(built, []) as (url, _):
        assert slow.send(f"{url}/upload", 1024 * 1024, 0)[0] == 413


@full
@pytest.mark.slow
def test_headers_that_never_end_are_given_up_here_too(built: Workshop) -> None:
    with running(built, [], "--import", "./impatient.mjs", "bin/server.js", **settings(built)) as (url, _):
        assert 9 < slow.never_ask(url, 20) < 15


@full
@pytest.mark.slow
def test_it_ends_after_what_is_under_way(built: Workshop) -> None:
    found: list[Any] = []
    with running(built, [], **settings(built), DRAIN_SECONDS="1") as (url, process):
        transfers = [
            Thread(target=lambda: found.append(slow.send(f"{url}/upload", SIZE, 4))),
            Thread(target=lambda: found.append(slow.take(f"{url}/large.bin", 4))),
        ]
        for transfer in transfers:
            transfer.start()
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert text_of(f"{url}/healthz")[0] == 200
        time.sleep(1.5)
        with pytest.raises(OSError, match="refused"):
            text_of(f"{url}/healthz")
        assert process.poll() is None
        for transfer in transfers:
            transfer.join()
        assert process.wait(timeout=5) == 0
    assert sorted(found, key=len) == [(200, {"size": SIZE}), (200, SIZE, SIZE)]


@full
@pytest.mark.slow
def test_no_answer_is_cut_when_it_ends_under_load(built: Workshop) -> None:
    with running(built, [], **settings(built), DRAIN_SECONDS="1") as (url, process):
        with slow.Load(f"{url}/healthz") as load:
            time.sleep(1)
            took = ends(process, 10)
        assert took < 5
    assert load.seen["200"] > 200
    assert set(load.seen) == {"200", "moved"}, load.seen


@full
@pytest.mark.slow
def test_databases_that_come_up_late(built: Workshop) -> None:
    """It serves from the start, says what it waits for, and needs no restart when that is there."""
    ports = {"postgres": free_port(), "redis": free_port()}
    lines: list[dict[str, Any]] = []
    environment = {
        "DATABASE_URL": f"postgresql://role:secret@127.0.0.1:{ports['postgres']}/name",
        "REDIS_URL": f"redis://:secret@127.0.0.1:{ports['redis']}/3",
    }
    with running(built, lines, **environment) as (url, _):
        assert text_of(f"{url}/")[0] == 200
        assert text_of(f"{url}/readyz") == (503, '{"status":"database unreachable"}')
        with postgres(ports["postgres"]):
            assert text_of(f"{url}/readyz") == (503, '{"status":"redis unreachable"}')
            with redis(ports["redis"]):
                assert text_of(f"{url}/readyz") == (200, '{"status":"ok"}')
        assert text_of(f"{url}/readyz")[0] == 503
        assert text_of(f"{url}/healthz")[0] == 200
    said = [line["message"] for line in lines]
    assert (said.count("database unreachable"), said.count("redis unreachable")) == (2, 1)
    assert "secret" not in json.dumps(lines)
