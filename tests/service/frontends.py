"""The programs of the frontends' real servers: Node.js with a built SvelteKit service, and Caddy."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .node import NODE, Workshop, toolchain


def new_workshop(folder: Path) -> Workshop:
    """An empty folder below ``folder`` with Node.js at hand; skips the test where there is none."""
    found = toolchain()
    if not found:
        pytest.skip(f"Node.js {'.'.join(map(str, NODE))} or newer and npm are neither on PATH nor in this environment")
    (folder / "service").mkdir()
    return Workshop(folder / "service", *found)


def caddy_program() -> str:
    """The static site's server; skips the test where there is none."""
    found = shutil.which("caddy", path=f"{os.environ['PATH']}:{Path(sys.executable).parent}")
    if not found:
        pytest.skip("caddy is neither on PATH nor in this environment")
    return found


@contextmanager
def running(
    workshop: Workshop, lines: list[dict[str, Any]], *arguments: str, **environment: str
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The built server, for Node.js with ``arguments``; every line that it writes must be JSON and lands in ``lines``.

    Yields its address and its process, which gets SIGTERM at the end.
    """
    command = [workshop.node, *(arguments or ("bin/server.js",))]
    with subprocess.Popen(
        command,
        cwd=workshop.folder,
        env={"PORT": "0", "DRAIN_SECONDS": "0", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout
        try:
            for line in process.stdout:
                lines.append(json.loads(line))
                if "Listening on" in lines[-1]["message"]:
                    break
            yield lines[-1]["message"].split()[-1].replace("0.0.0.0", "127.0.0.1"), process
            process.send_signal(signal.SIGTERM)
            lines += [json.loads(line) for line in process.stdout]
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()
