"""Terraform at work in a process of its own; see ``worker.py``, which is what it runs."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generator.base import children
from generator.base.errors import SystemFailure
from generator.rehearsal.layout import Layout
from generator.rehearsal.provider.records import addresses, reattached

_KEPT = ("LANG", "LC_ALL", "LD_LIBRARY_PATH")
"""The variables of the environment that Terraform gets: no credential is among them, nor leads to one."""
_LONGEST = 55
"""Characters of a folder for temporary files: with what follows, a socket's address has 100, and macOS takes 103."""


class Terraform:
    """One process, for one job after the other, with a stand-in for each of ``providers`` and of those recorded."""

    def __init__(self, providers: frozenset[str] = frozenset()) -> None:
        self.providers = providers
        self._folder = _folder()
        self._number = 0
        sockets = self._folder / "sockets"
        sockets.mkdir(mode=0o700)
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | {
            "CHECKPOINT_DISABLE": "1",
            "HOME": str(self._folder),
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "TF_CLI_CONFIG_FILE": str(self._offline()),
            "TF_IN_AUTOMATION": "1",
            "TF_REATTACH_PROVIDERS": reattached(addresses(sockets, providers), os.getpid()),
            "TMPDIR": str(self._folder),
        }
        command = [sys.executable, "-P", "-m", "generator.rehearsal.worker", str(sockets), *sorted(providers)]
        pipes = {"stdin": children.PIPE, "stdout": children.PIPE, "stderr": children.DEVNULL}
        try:
            self._process = children.start(command, self._folder, environment, **pipes)
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def _offline(self) -> Path:
        """A configuration by which Terraform installs nothing: what has no stand-in is missing."""
        file, none = self._folder / "terraform.rc", self._folder / "none"
        none.mkdir()
        only = f"provider_installation {{\n  filesystem_mirror {{\n    path = {json.dumps(str(none))}\n  }}\n}}\n"
        file.write_text(only, encoding="utf-8")
        return file

    def run(self, before: Layout | None, after: Layout, state: str | None = None) -> dict[str, Any]:
        """Apply ``before`` to an empty state, unless the ``state`` is known already, and plan ``after``.

        Raises ``SystemFailure`` where the process ends early. The result has the ``state`` and the
        ``plan``, or the ``side`` that Terraform refuses and its ``diagnostics``. After an interruption it has ended.
        """
        self._number += 1
        folder = self._folder / str(self._number)
        for side, layout in (("before", before if state is None else None), ("after", after)):
            _write(folder / side, layout.files if layout else {})
        requested = {"before": dict(before.requested) if before else {}, "after": dict(after.requested)}
        job = {"folder": str(folder), "stack": after.stack, "state": state, "before": before is not None}
        try:
            return self._answer({**job, "requested": requested})
        except BaseException:
            self.close()  # its answer would be taken for that of the next job
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _answer(self, job: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None  # noqa: S101 - both are pipes
        assert self._process.stdout is not None  # noqa: S101
        try:
            self._process.stdin.write(json.dumps(job).encode() + b"\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = b""
        if not line:
            raise SystemFailure(
                "rehearsal.ended",
                "Terraform's process ended in the middle of a rehearsal",
                "run the command again; without newservice[rehearsal] it works as before, but shows no rehearsal",
            )
        found: dict[str, Any] = json.loads(line)
        return found

    @property
    def ended(self) -> bool:
        """Whether the process takes no more jobs."""
        return self._process.poll() is not None

    def close(self) -> None:
        """End the process, and remove what it worked on."""
        try:
            children.end(self._process)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)


def _folder() -> Path:
    """A folder of its own for the process, with a path that is short enough for a socket's address."""
    short = len(tempfile.gettempdir()) <= _LONGEST
    return Path(tempfile.mkdtemp(prefix="newservice-rehearsal-", dir=None if short else "/tmp"))  # noqa: S108


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
