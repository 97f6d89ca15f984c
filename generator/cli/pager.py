"""The person's pager, for texts that are longer than the screen."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile

from generator.cli.report import write_line


def page(text: str) -> None:
    """Show a text in the person's pager, or print it without one. Returns once the pager has ended in any way.

    The pager is the one program that is left on the terminal with us: a Ctrl-C there is for it. Raises
    ``KeyboardInterrupt`` for every other signal.
    """
    command = _pager()
    environ = {"LESS": "FRX", **os.environ}  # colours; a text that fits is printed, and stays
    if command:
        try:
            with _ctrl_c_is_the_pager_s():
                _run(command, text, environ)
        except OSError:
            command = []
    if not command:
        write_line(text, sys.stdout)


def _run(command: list[str], text: str, environ: dict[str, str]) -> None:
    with TemporaryFile() as file:  # no pipe: what a pager leaves running could keep that open, and us waiting
        file.write(text.encode("utf-8", "replace"))
        file.seek(0)
        process = subprocess.Popen(command, stdin=file, env=environ)
    try:
        process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise


def _pager() -> list[str]:
    """The pager's command; nothing where the text is better printed."""
    try:
        words = shlex.split(os.environ.get("PAGER", ""))
    except ValueError:  # no command at all
        return []
    if not words:
        words = [] if os.environ.get("TERM") in ("", "dumb", "emacs", None) else ["less"]
    program = shutil.which(words[0]) if words else None
    return [program, *words[1:]] if program else []


@contextmanager
def _ctrl_c_is_the_pager_s() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, lambda *_: None)  # not ignored: the pager would inherit that
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
