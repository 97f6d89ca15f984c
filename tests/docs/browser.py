"""The site in a headless browser: a page beside it, on loopback, opens each page at a width and tells what it sees."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",  # without anything to do it would end at once
)
SECONDS = 90
HARNESS = "harness.html"


def browser() -> str:
    """The browser of this machine, or an empty string."""
    return next((found for name in NAMES if (found := shutil.which(name))), "")


@dataclass(frozen=True)
class Visit:
    """A page to open, at each width in pixels, and what to search for there, if anything."""

    page: str
    widths: tuple[int, ...]
    query: str = ""


@dataclass(frozen=True)
class Seen:
    """What a visit saw: how wide the page came out at each width, what it fetched, and where its search led."""

    page: str
    widths: tuple[int, ...]
    wide: tuple[int, ...]
    fetched: tuple[str, ...]
    results: tuple[str, ...]


class _Handler(SimpleHTTPRequestHandler):
    """The site's files, and a place for what was seen."""

    def __init__(self, *arguments: Any, completed: queue.Queue[Any], **more: Any) -> None:
        self._told = completed
        super().__init__(*arguments, **more)

    def do_POST(self) -> None:
        self._told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def _served(folder: Path, completed: queue.Queue[Any]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, completed=completed, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def _browsing(address: str, profile: Path) -> Iterator[None]:
    process = subprocess.Popen(
        [browser(), *FLAGS, f"--user-data-dir={profile}", "--window-size=1400,2000", address],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def look(site: Path, visits: Sequence[Visit], profile: Path) -> list[Seen]:
    """Make all visits. ``site`` is a folder that the harness may be written into; ``profile`` is the browser's."""
    (site / HARNESS).write_text(_harness(visits), encoding="utf-8")
    completed: queue.Queue[Any] = queue.Queue()
    with _served(site, completed) as address, _browsing(f"{address}/{HARNESS}", profile):
        try:
            seen = completed.get(timeout=SECONDS)
        except queue.Empty:
            raise AssertionError(f"{browser()} told nothing in {SECONDS} seconds") from None
    return [_seen(item) for item in seen]


def _seen(completed: dict[str, Any]) -> Seen:
    return Seen(completed["page"], *(tuple(completed[key]) for key in ("widths", "wide", "fetched", "results")))


def _harness(visits: Sequence[Visit]) -> str:
    given = json.dumps([[visit.page, visit.widths, visit.query] for visit in visits])
    script = (Path(__file__).parent / "harness.js").read_text(encoding="utf-8")
    head = '<!doctype html><meta charset="utf-8"><title>harness</title>'
    return f"{head}<script>const visits = {given};\n{script}</script>"
