"""``newservice sandbox``: the embedded platform in the foreground, and the demonstration."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import click

from generator.base.contained import linked
from generator.base.errors import ExitCode, RefusedError
from generator.cli import flags
from generator.cli.report import Reporter, Result, Surroundings, write_line
from generator.cli.suggestions import folders

MARKER = ".newservice-demo"


@click.group("sandbox")
def sandbox_group() -> None:
    """The embedded platform: Forgejo, GitHub, Woodpecker and Vault on this machine's loopback."""


@sandbox_group.command("start", short_help="Run the embedded platform in the foreground.")
@click.option(
    "--directory",
    metavar="PATH",
    shell_complete=folders,
    help="Where its repositories go.  [default: a new temporary folder]",
)
@click.option("--port", type=int, default=0, help="Port on loopback.  [default: a free one]")
@click.option("--latency", type=float, default=0.0, help="Seconds to wait before every answer.")
@flags.JSON
@click.pass_obj
def start_command(
    reporter: Reporter, /, directory: str | None, port: int, latency: float, json_lines: bool
) -> ExitCode:
    """Run the embedded platform until interrupted, and print how to use it.

    In the background: `newservice sandbox start > sandbox.env &`, and once that file has its lines, `. ./sandbox.env`.
    """
    from generator.sandbox import Sandbox

    root = Path(directory) if directory else Path(tempfile.mkdtemp(prefix="newservice-sandbox-"))
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise RefusedError("sandbox.folder", f"{root} is not an empty folder", "name another with --directory")
    with Sandbox.start(root, port=port, latency=latency) as sandbox:
        here = Surroundings(str(sandbox.profile), str(sandbox.infra), dict(sandbox.urls), sandbox.environment)
        with suppress(KeyboardInterrupt):
            reporter.sandbox(here)
            threading.Event().wait()
    write_line(f"newservice: the embedded platform has ended; its repositories are in {root}", sys.stderr)
    if json_lines:
        reporter.result(Result("success", ExitCode.OK))
    return ExitCode.OK


@sandbox_group.command("demo", short_help="Create a service on the embedded platform, end to end.")
@click.option(
    "--directory",
    metavar="PATH",
    shell_complete=folders,
    default=".demo",
    show_default=True,
    help="Folder for everything that is created.",
)
def demo_command(directory: str) -> ExitCode:
    """Create a service on the embedded platform, look at what exists there, and say where it is."""
    from generator.cli.demo import run_demo  # heavy, and needed here only

    if found := linked(Path(directory)):
        raise found.error
    return run_demo(_fresh(Path(os.path.realpath(directory))))


def _fresh(folder: Path) -> Path:
    """An empty folder: a demonstration's own may be replaced, nobody else's."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARKER).is_file():
            raise RefusedError(
                "demo.folder",
                f"{folder} is not empty and is not an earlier demonstration",
                "name another with --directory",
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKER).write_text("Made by `newservice sandbox demo`; the next one replaces it.\n", encoding="utf-8")
    return folder
