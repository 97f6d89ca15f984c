"""The generated services as processes, with the routes that tests of slow and large transfers ask."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import httpx

from tests.processes import until

PYTHON_ROUTES = """
import asyncio

from fastapi import Request
from fastapi.responses import StreamingResponse

from app.__main__ import main
from app.main import app


@app.get("/download")
async def download(pieces: int, size: int, wait: float = 0) -> StreamingResponse:
    async def body():
        for _ in range(pieces):
            yield b"x" * size
            await asyncio.sleep(wait)

    return StreamingResponse(body())


@app.post("/upload")
async def upload(request: Request) -> dict[str, int]:
    size = 0
    async for piece in request.stream():
        size += len(piece)
    return {"size": size}


@app.get("/wait")
async def wait(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "whole"


if __name__ == "__main__":
    main()
"""

GO_ROUTES = """package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

func number(r *http.Request, name string) float64 {
	value, _ := strconv.ParseFloat(r.URL.Query().Get(name), 64)
	return value
}

func addRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /download", func(w http.ResponseWriter, r *http.Request) {
		piece := strings.Repeat("x", int(number(r, "size")))
		for range int(number(r, "pieces")) {
			if _, err := io.WriteString(w, piece); err != nil {
				return
			}
			if wait := number(r, "wait"); wait > 0 {
				_ = http.NewResponseController(w).Flush()
				time.Sleep(time.Duration(wait * float64(time.Second)))
			}
		}
	})
	mux.HandleFunc("POST /upload", func(w http.ResponseWriter, r *http.Request) {
		size, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, `{"size":%d}`, size)
	})
	mux.HandleFunc("GET /wait", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Duration(number(r, "seconds") * float64(time.Second)))
		fmt.Fprint(w, `"whole"`)
	})
}
"""


@dataclass(frozen=True)
class Program:
    """What starts a service: its words, its folder, and its environment."""

    words: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def started(self, **environment: str) -> Iterator[Process]:
        """The service under way on a free port, ended whatever happens."""
        variables = {"PATH": os.environ["PATH"], "PORT": "0", "DRAIN_SECONDS": "0", **self.environment, **environment}
        with subprocess.Popen(
            self.words, cwd=self.folder, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as popen:
            process = Process(popen)
            try:
                yield process
            finally:
                popen.kill()

    def run(self, *words: str, **environment: str) -> tuple[int, str]:
        """Run another command of the same image to its end: its exit code and what it wrote."""
        variables = {"PATH": os.environ["PATH"], **self.environment, **environment}
        done = subprocess.run(
            words, cwd=self.folder, env=variables, capture_output=True, text=True, timeout=60, check=False
        )
        return done.returncode, done.stdout + done.stderr


class Process:
    """A service under way. What it writes is read in a thread, so that it never waits for a reader."""

    def __init__(self, popen: subprocess.Popen[str]) -> None:
        self.popen = popen
        self.lines: list[str] = []
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.popen.stdout
        self.lines.extend(iter(self.popen.stdout.readline, ""))

    @property
    def port(self) -> int:
        """The port that it listens on, as its log says."""
        found = until(lambda: re.findall(r"(?:listening on port |0\.0\.0\.0:|\[::\]:)(\d+)", "".join(self.lines)), 60)
        return int(found[0])

    def client(self, timeout: float = 30) -> httpx.Client:
        """A client of it."""
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=timeout, trust_env=False)

    def peak_mebibytes(self) -> int:
        """The most memory that it has had."""
        status = Path(f"/proc/{self.popen.pid}/status").read_text(encoding="utf-8")
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) // 1024

    def end(self, within: float = 30) -> int:
        """Send SIGTERM, and wait: the exit code, 0 for a process that ends itself with the signal after it was done."""
        self.popen.send_signal(signal.SIGTERM)
        return self.ended(within)

    def ended(self, within: float = 30) -> int:
        """Wait for its end: the exit code, as above."""
        code = self.popen.wait(timeout=within)
        self._reader.join(timeout=10)
        return 0 if code == -signal.SIGTERM and "Finished server process" in "".join(self.lines) else code


def python_program(python: Path, tree: Path, folder: Path) -> Program:
    """The web service in Python with the routes above."""
    shutil.copytree(tree, folder, dirs_exist_ok=True)
    (folder / "routes.py").write_text(PYTHON_ROUTES, encoding="utf-8")
    return Program((str(python), "routes.py"), folder, {"PYTHONDONTWRITEBYTECODE": "1"})


def go_program(files: Mapping[str, str], folder: Path, environment: Mapping[str, str]) -> Program:
    """The web service in Go with the routes above, built."""
    server = files["server.go"].replace(
        "mux := http.NewServeMux()\n", "mux := http.NewServeMux()\n\taddRoutes(mux)\n", 1
    )
    for path, text in {**files, "server.go": server, "routes.go": GO_ROUTES}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    flags = "-X main.version=v1.2.3"
    done = subprocess.run(
        ["go", "build", "-ldflags", flags, "-o", str(folder / "service"), "."],
        cwd=folder,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Program((str(folder / "service"),), folder)
