"""Regenerates pages: their generated parts, and the output of the commands in them."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from docs.builder.codes import CODE, error_codes_part, exit_codes_part
from docs.builder.commands import flags_part, with_all_commands
from docs.builder.events import events_part, steps_part
from docs.builder.manual import manual_part
from docs.builder.parts import Part, regenerate
from docs.builder.profile import credentials_part, profile_part
from docs.builder.questions import keys_part, question_part, with_all_questions
from docs.builder.tools import tools_part
from generator.cli.runner import run_command

ROOT = Path(__file__).parent.parent.parent
PARTS: Mapping[str, Part] = {
    "credentials": credentials_part,
    "error-codes": error_codes_part,
    "events": events_part,
    "exit-codes": exit_codes_part,
    "flags": flags_part,
    "keys": keys_part,
    "manual": manual_part,
    "profile": profile_part,
    "question": question_part,
    "steps": steps_part,
    "tools": tools_part,
}
COMPLETE = {"docs/reference/cli.md": with_all_commands, "docs/reference/questions.md": with_all_questions}
"""Pages with a section for each thing; what is new gets one."""
_CHECKED = re.compile(r"^(?P<open>```console checked\n)(?P<body>.*?)(?P<close>^```$)", re.M | re.S)
_RUN = re.compile(r"^\$ newservice (?P<command>(?:.*\\\n)*.*)\n", re.M)


def pages() -> list[Path]:
    """Every page of the project that people read."""
    top = [ROOT / name for name in ("README.md", "CHANGELOG.md", "AGENTS.md")]
    return [*top, *sorted((ROOT / "docs").rglob("*.md"))]


def regenerated(page: Path) -> str:
    """A page's text with its generated parts as the code has them now."""
    text = page.read_text(encoding="utf-8")
    complete = COMPLETE.get(str(page.relative_to(ROOT)))
    if complete:
        text = complete(text)
    return regenerate(text, PARTS)


def rerun(page: Path) -> str:
    """A page's text with what the commands in its blocks ``console checked`` print now.

    They run in a folder of their own, with a checkout of the sandbox's infra repository at ``../infra``.
    """
    text = page.read_text(encoding="utf-8")
    return _CHECKED.sub(lambda block: block["open"] + _rerun_block(block["body"]) + block["close"], text)


def _rerun_block(body: str) -> str:
    shown = []
    for found in _RUN.finditer(body):
        command = re.sub(r"\\\n\s*", "", found["command"])
        shown.append(f"{found[0]}{printed(shlex.split(command)).strip()}\n")
    return "\n".join(shown)


def printed(arguments: list[str]) -> str:
    """What a command prints, run in this process beside a checkout of the sandbox's infra repository."""
    with tempfile.TemporaryDirectory() as folder, _place(Path(folder)):
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            run_command(arguments)
    return out.getvalue()


@contextlib.contextmanager
def _place(folder: Path) -> Iterator[None]:
    """A folder to work in, beside the checkout; nothing of the person's own configuration counts."""
    (folder / "infra").symlink_to(CODE / "sandbox" / "infra", target_is_directory=True)
    (folder / "work").mkdir()
    home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / ".config"), "NEWSERVICE_PLATFORM": ""}
    wanted = {"COLUMNS": "80", "NO_COLOR": "1", **home}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        with contextlib.chdir(folder / "work"):
            yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
