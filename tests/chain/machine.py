"""The machine that a job runs on: a home, programs on PATH, and the record of their calls."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from generator.sandbox import Sandbox

PROGRAMS = Path(__file__).with_name("programs.py")


class Machine:
    """A machine below ``folder``; nothing of this process's environment reaches its jobs.

    ``programs`` of ``programs.py`` are on PATH, before the real ``needed`` and the system's; ``stored`` by
    "place/name" lie ready and are put on PATH by a job.
    """

    def __init__(
        self, folder: Path, programs: Iterable[str], needed: Iterable[str], stored: Iterable[str] = ()
    ) -> None:
        self.folder = folder
        self.home = folder / "home"
        self._calls = folder / "calls.jsonl"
        self._store = folder / "store"
        self._bin = folder / "bin"
        self.home.mkdir(parents=True)
        self._calls.touch()
        for name in programs:
            self._install(self._bin / name, [str(PROGRAMS), name])
        self._install(self._bin / "python3", [])
        for place in stored:
            self._install(self._store / place, [str(PROGRAMS), Path(place).name])
        real = [str(Path(path).parent) for path in map(shutil.which, needed) if path]
        self._path = os.pathsep.join(dict.fromkeys([str(self._bin), *real, *os.defpath.split(os.pathsep)]))

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every job."""
        ruff = Path(sys.executable).parent / "ruff"
        return {
            "PATH": self._path,
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "NO_COLOR": "1",  # act gives its jobs a terminal, GitHub none
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "CHAIN_CALLS": str(self._calls),
            "CHAIN_PYTHON": sys.executable,
            "CHAIN_RUFF": str(ruff),
            "CHAIN_STORE": str(self._store),
        }

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Every call of a stand-in, in order."""
        return [json.loads(line) for line in self._calls.read_text(encoding="utf-8").splitlines()]

    def arguments(self, program: str) -> list[list[str]]:
        """The arguments of each call of one program."""
        return [call["arguments"] for call in self.calls if call["program"] == program]

    def inputs(self, action: str) -> list[dict[str, str]]:
        """The inputs of each call of one marketplace action."""
        return [call["inputs"] for call in self.calls if call["program"] == action]

    def forget(self) -> None:
        """Start a new record."""
        self._calls.write_text("", encoding="utf-8")

    def find(self, sandbox: Sandbox) -> None:
        """Let curl and git find the sandbox's systems at their pinned address, and trust its certificates."""
        pins = [f"{urlsplit(url).hostname}:{sandbox.port}:127.0.0.1" for url in sandbox.urls.values()]
        resolve = [f'resolve = "{pin}"' for pin in dict.fromkeys(pins)]
        (self.home / ".curlrc").write_text("\n".join([f'cacert = "{sandbox.ca_file}"', *resolve, ""]), encoding="utf-8")
        pinned = "".join(f'\tcurloptResolve = "{pin}"\n' for pin in dict.fromkeys(pins))
        (self.home / ".gitconfig").write_text(f'[http]\n\tsslCAInfo = "{sandbox.ca_file}"\n{pinned}', encoding="utf-8")

    @staticmethod
    def _install(path: Path, arguments: list[str]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        options = ["-IS"] if arguments else []
        command = shlex.join([sys.executable, *options, *arguments])
        path.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
        path.chmod(0o755)
