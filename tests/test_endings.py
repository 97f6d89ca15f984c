"""Every command ends with words and, as JSON, with one result: whatever goes wrong inside, and whoever reads."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from generator.base.errors import ExitCode, SystemFailure
from generator.cli.commands import group
from tests.answers import SMALLEST
from tests.checkout import infra_checkout
from tests.full import few, full
from tests.invoke import Command
from tests.processes import until
from tests.world import Completed, World


def commands(top: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    """The names of all commands that do something."""
    context = click.Context(top)
    for name in top.list_commands(context):
        command = top.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield (*path, name)


def found(path: tuple[str, ...]) -> click.Command:
    command: click.Command = group
    for name in path:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), name) or pytest.fail(name)
    return command


def line_of(path: tuple[str, ...]) -> list[str]:
    """The shortest line that the command takes; as JSON where it can."""
    words = list(path)
    for parameter in found(path).params:
        if isinstance(parameter, click.Argument) and parameter.required:
            words.append(parameter.type.choices[0] if isinstance(parameter.type, click.Choice) else "x")
        if "--json" in parameter.opts:
            words.append("--json")
    return words


ALL = sorted(commands(group))


class Strange(BaseException):
    """What no library should raise, and some do."""


FAILURES: dict[str, tuple[Callable[[], BaseException], ExitCode, str]] = {
    "a fault": (lambda: ZeroDivisionError("x"), ExitCode.INTERNAL, "internal"),
    "no exception": (lambda: Strange("x"), ExitCode.INTERNAL, "internal"),
    "sys.exit(3)": (lambda: SystemExit(3), ExitCode.INTERNAL, "internal"),
    "sys.exit()": (lambda: SystemExit(None), ExitCode.INTERNAL, "internal"),
    "a child's broken pipe": (lambda: BrokenPipeError(errno.EPIPE, "Broken pipe"), ExitCode.INTERNAL, "internal"),
    "a child's broken pipe, too": (lambda: OSError(errno.EPIPE, "Broken pipe"), ExitCode.INTERNAL, "internal"),
    "a system": (lambda: SystemFailure("x.failed", "it failed", "again"), ExitCode.SYSTEM, "x.failed"),
    "Ctrl-C": (KeyboardInterrupt, ExitCode.INTERRUPTED, ""),
    "no": (click.Abort, ExitCode.INTERRUPTED, ""),
    "Ctrl-D": (EOFError, ExitCode.INTERRUPTED, ""),
}


def test_all_commands_are_found() -> None:
    assert {path[0] for path in ALL} == set(group.list_commands(click.Context(group)))
    assert ("fleet", "update") in ALL


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_ends_with_words_and_a_result(
    path: tuple[str, ...], failure: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    error, code, name = FAILURES[failure]

    def fail(*_: Any, **__: Any) -> None:
        raise error()

    monkeypatch.setattr(found(path), "callback", fail)
    line = line_of(path)
    completed = Command(capsys)(*line)
    assert completed.code == code, completed
    if "--json" in line:
        assert completed.result["exit_code"] == code
        assert [item["code"] for item in completed.of("error")] == ([name] if name else [])
    for quiet in ([], ["--quiet"] if any("--quiet" in item.opts for item in found(path).params) else []):
        completed = Command(capsys)(*(word for word in line if word != "--json"), *quiet)
        assert completed.code == code
        assert completed.err.strip(), "not one byte"


def test_what_goes_wrong_on_the_way_out_of_an_interruption_is_no_fault(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        try:
            raise KeyboardInterrupt
        finally:
            raise OSError(errno.ENOTEMPTY, "Directory not empty")

    monkeypatch.setattr(found(("doctor",)), "callback", fail)
    completed = Command(capsys)("doctor", "--json")
    assert (completed.code, completed.of("error")) == (130, [])
    assert completed.result["next"] == ["run the same command again"]


def test_a_fault_after_the_result_is_reported_beside_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from generator.cli.report import Reporter, Result

    def fail(*_: Any, **__: Any) -> None:
        reporter: Reporter = click.get_current_context().obj
        reporter.result(Result("success", ExitCode.OK))
        reporter.progress("nobody hears this")
        reporter.result(Result("error", ExitCode.SYSTEM))
        raise ZeroDivisionError("on the way out")

    monkeypatch.setattr(found(("doctor",)), "callback", fail)
    completed = Command(capsys)("doctor", "--json")
    assert len(completed.events) == 1
    assert completed.result["status"] == "success"
    assert "on the way out" in completed.err


# --- who reads ---------------------------------------------------------------------------------------------

PLANS = ["plan", "--no-provision", "--non-interactive"]


def started(folder: Path, *line: str, **streams: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "generator", *line], cwd=folder, **streams)


@pytest.fixture
def places(tmp_path: Path) -> list[str]:
    """The flags of a plan of files."""
    answers = tmp_path / "answers.yml"
    answers.write_text(yaml.safe_dump(SMALLEST))
    infra_checkout(tmp_path / "infra")
    return ["--answers", str(answers), "--infra", str(tmp_path / "infra"), "--service-dir", str(tmp_path / "service")]


@pytest.mark.parametrize(
    "line", few(2, [["schema"], ["--help"], ["--version"], ["completion", "bash"], ["create", "--help"], ["templates"]])
)
@pytest.mark.parametrize("read", few(1, [0, 1]))
def test_a_reader_that_goes_away_ends_a_command_quietly(tmp_path: Path, line: list[str], read: int) -> None:
    process = started(tmp_path, *line, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    if not read:
        process.stdout.close()
    else:
        process.stdout.read(read)
        process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    code = process.wait(60)
    assert err == b""
    assert code in ((ExitCode.INTERRUPTED,) if not read else (ExitCode.INTERRUPTED, ExitCode.OK))


@pytest.mark.parametrize("flags", few(1, [["--json"], []]))
def test_work_goes_on_without_a_reader(tmp_path: Path, places: list[str], flags: list[str]) -> None:
    """Nothing is left half done; the exit code says that the end is unknown."""
    line = ["create", "--no-provision", "--yes", *places, *flags]
    process = started(tmp_path, *line, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    assert process.returncode == ExitCode.INTERRUPTED
    assert b"Traceback" not in err
    assert (tmp_path / "service" / ".copier-answers.yml").is_file()


def test_nobody_at_standard_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = started(tmp_path, "create", "--json", stdout=subprocess.PIPE, stderr=writing)
    os.close(writing)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 2, "nothing is written there"
    assert json.loads(out.splitlines()[-1])["exit_code"] == 2
    reading, writing = os.pipe()
    os.close(reading)
    process = started(tmp_path, "create", "--non-interactive", stdout=subprocess.PIPE, stderr=writing)
    os.close(writing)
    assert process.communicate(timeout=60)[0] == b""
    assert process.returncode == ExitCode.INTERRUPTED


@pytest.mark.parametrize("flags", few(1, [["--json"], []]))
def test_a_full_disk_behind_the_output_is_reported(tmp_path: Path, places: list[str], flags: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        process = started(tmp_path, *PLANS, *places, *flags, stdout=full, stderr=subprocess.PIPE)
        _, err = process.communicate(timeout=60)
    assert process.returncode == ExitCode.SYSTEM
    assert b"the output is incomplete, for it can't be written: No space left on device" in err


@pytest.mark.parametrize(
    ("closed", "code"), few(2, [("<&-", 0), (">&-", 5), ("2>&-", 0), ("<&- >&- 2>&-", 5)], apart=True)
)
def test_streams_that_are_closed_stop_no_work(tmp_path: Path, places: list[str], closed: str, code: int) -> None:
    """What was to be written there is lost, and that is no success; the work is done all the same."""
    words = " ".join([sys.executable, "-m", "generator", "create", "--no-provision", "--yes", *places])
    done = subprocess.run(["sh", "-c", f"{words} {closed}"], cwd=tmp_path, capture_output=True, timeout=60)
    assert (done.returncode, b"Traceback" in done.stderr) == (code, False), done
    assert (tmp_path / "service" / ".copier-answers.yml").is_file()
    files = [path for path in (tmp_path / "service").rglob("*") if path.is_file()]
    assert not [path for path in files if b"notes-app: done" in path.read_bytes()]


@full
def test_a_slow_reader_of_a_stream_that_does_not_block_has_everything(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    process = started(tmp_path, "schema", "--json", stdout=writing)
    os.close(writing)
    until(lambda: unread(reading) >= fcntl.fcntl(reading, fcntl.F_GETPIPE_SZ) - select.PIPE_BUF)
    with os.fdopen(reading, "rb") as stream:
        out = stream.read()
    assert process.wait(60) == 0
    assert json.loads(out.splitlines()[-1])["event"] == "result"


def unread(pipe: int) -> int:
    """How many bytes wait in a pipe."""
    return int(struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0])


def test_a_result_is_the_last_word_although_threads_go_on(world: World) -> None:
    """A look that is interrupted leaves threads behind, and they have nothing to say any more."""
    from generator.cli.json_lines import JsonReporter
    from generator.cli.report import Result

    world.capsys.readouterr()
    reporter = JsonReporter()
    reporter.result(Result("refused", ExitCode.INTERRUPTED))
    reporter.progress("trying again")
    reporter.error(SystemFailure("x", "y"))
    out, _ = world.capsys.readouterr()
    assert Completed(130, out, "").result["status"] == "refused"
