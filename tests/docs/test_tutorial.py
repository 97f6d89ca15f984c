"""The tutorial is carried out as it is written, command by command."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.full import full
from tests.pages import page

ASKED = {"newservice create\n"}
"""What a person answers; the wizard has tests of its own."""
TOLD = {"newservice remove notes-app\n": "newservice remove notes-app --yes\n"}
"""What a person confirms."""
BEFORE = "newservice --version"
"""In the block that installs newservice."""
START = "newservice sandbox start"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder in which the sandbox runs, and its output stands in ``platform.env``."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "newservice").write_text(f'#!/bin/sh\nexec {sys.executable} -m generator "$@"\n', encoding="utf-8")
    (programs / "newservice").chmod(0o755)
    folder = tmp_path / "tutorial"
    folder.mkdir()
    command = next(text for text in blocks() if text.startswith(START)).split("|")[0].split()
    process = subprocess.Popen(
        [sys.executable, "-m", "generator", *command[1:]],
        cwd=folder,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        with (folder / "platform.env").open("w", encoding="utf-8") as file:
            for line in lines:
                file.write(line)
                if line.startswith("export NEWSERVICE_PLATFORM="):
                    break
        yield folder
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def environment(folder: Path) -> dict[str, str]:
    root = Path(__file__).parent.parent.parent
    return {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(root)}


def blocks() -> list[str]:
    return [text for info, text in page("docs/tutorial.md").fences if info == "sh"]


def script() -> str:
    """All commands in their order, without those that people answer."""
    completed = [text for text in blocks() if BEFORE not in text and not text.startswith(START) and text not in ASKED]
    whole = "".join(completed)
    for line, other in TOLD.items():
        assert line in whole
        whole = whole.replace(line, other)
    return f"set -e\n{whole}"


@full
@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash on this machine")
def test_every_command_of_the_tutorial_works(place: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", script()],
        cwd=place,
        env=environment(place.parent),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "nothing to do, everything exists" in done.stdout
    assert "stacks/notes-app/ingress.tf" in done.stdout
    assert "Notes -> Field notes" in done.stdout
    assert not (place / "platform" / "repositories" / "forgejo" / "viktor" / "notes-app.git").exists()
