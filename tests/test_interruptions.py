"""Ctrl-C and its like at any moment: exit code 130, a message, one result, and no program left behind.

A signal to the whole process group is what a terminal sends.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import generator
from generator.base import children
from generator.base.errors import ExitCode
from generator.base.stopping import APART_SECONDS
from generator.fleet.pool import mapped
from generator.sandbox import FaultKind
from tests.answers import SMALLEST, UPSTREAM
from tests.checkout import git
from tests.full import few, full
from tests.processes import descendants, failing_git, kill_all, until, words_of
from tests.world import Completed, World

NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def _heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Signals as a terminal's processes have them: who runs tests may ignore some, and what it starts would as well."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in NUMBERS}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def ended(process: subprocess.Popen[str], known: Sequence[int] = ()) -> Completed:
    """How it ended and what it told; of what it had started, nothing runs any more."""
    try:
        out, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        kill_all(process)
        raise
    left = [words for pid in known if (words := words_of(pid))]
    assert not left, left
    assert "Traceback" not in err
    assert "fault of newservice" not in out + err
    return Completed(process.returncode, out, err)


def interrupted(completed: Completed) -> dict[str, Any]:
    assert completed.code == ExitCode.INTERRUPTED, completed
    result = completed.result
    assert result["exit_code"] == ExitCode.INTERRUPTED
    assert any("run the same command again" in line for line in result["next"]), completed
    return result


@pytest.mark.parametrize("number", few(1, NUMBERS))
def test_an_interruption_in_a_commit_lets_it_finish(
    world: World, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git is in a session of its own: no signal of the terminal reaches it."""
    tools, hit = world.folder / "tools", world.folder / "hit"
    script = f"trap 'touch {hit}' INT HUP TERM; touch {world.folder}/begun; sleep 1"
    with monkeypatch.context() as patch:
        patch.setenv("PATH", failing_git(tools, "commit", script))
        process = world.start("create", SMALLEST)
    until(lambda: (world.folder / "begun").exists())
    known = descendants(process.pid)
    os.killpg(process.pid, number)
    completed = ended(process, known)
    assert interrupted(completed)["status"] == "partial"
    steps = {step["id"]: step["status"] for step in completed.of("step")}
    assert steps["service.commit"] == "done", completed.out
    assert steps["service.push"] == "skipped"
    assert not hit.exists()
    assert not list((world.folder / "notes-app" / ".git").rglob("*.lock"))
    assert world.run("create", SMALLEST).code == 0


@pytest.mark.parametrize("number", few(1, NUMBERS))
def test_an_interruption_while_a_system_keeps_silent(world: World, number: signal.Signals) -> None:
    world.sandbox.faults.add("forgejo", "GET", "", 1, FaultKind.HOLD)
    process = world.start("plan", SMALLEST)
    world.sandbox.wait_until_held()
    os.killpg(process.pid, number)
    completed = ended(process)
    world.sandbox.drop_held()
    assert interrupted(completed)["status"] == "refused"  # nothing was written
    assert len(completed.events) == 1


LEFT_BEHIND = """
import atexit, sys, threading
from generator.cli import main
class Canary:
    def __del__(self):
        print("Python shuts down", flush=True)
sys.modules["canary"] = Canary()
threading.Thread(target=threading.Event().wait, daemon=True).start()
class Registering(list):
    def __iter__(self):
        atexit.register(print, "what was registered is done", flush=True)
        return super().__iter__()
main(Registering(["no-such-command"]))
"""


def test_a_thread_that_is_left_behind_is_not_ended_by_force() -> None:
    """Python's own shutdown does that, and aborts the process now and then; what was registered for the end is done."""
    left = subprocess.run([sys.executable, "-c", LEFT_BEHIND], capture_output=True, text=True, timeout=60, check=False)
    assert left.returncode == ExitCode.USAGE
    assert left.stdout.splitlines()[-1] == "what was registered is done"


@full
def test_a_push_that_hangs_is_ended(world: World) -> None:
    """Nobody waits for it longer than the grace, and nothing of git's outlives the command."""
    world.sandbox.faults.add("forgejo", "POST", "git-receive-pack", 1, FaultKind.HOLD)
    process = world.start("create", SMALLEST)
    world.sandbox.wait_until_held()
    known = until(lambda: [pid for pid in descendants(process.pid) if "git-remote-https" in words_of(pid)])
    assert {os.getsid(pid) for pid in known} != {process.pid}
    os.killpg(process.pid, signal.SIGINT)
    completed = ended(process, known)
    world.sandbox.drop_held()
    interrupted(completed)
    world.sandbox.faults.clear()
    assert world.run("create", SMALLEST).code == 0


@pytest.mark.parametrize("pause", few(1, [0.02, 0.0, APART_SECONDS + 0.1]))
def test_a_storm_of_signals_ends_with_one_result(world: World, pause: float) -> None:
    world.sandbox.faults.add("forgejo", "POST", "git-receive-pack", 1, FaultKind.HOLD)
    process = world.start("create", SMALLEST)
    world.sandbox.wait_until_held()
    known = descendants(process.pid)
    begun = time.monotonic()
    while process.poll() is None and time.monotonic() - begun < 4:
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(pause)
    completed = ended(process, known)
    world.sandbox.drop_held()
    interrupted(completed)
    assert {step["status"] for step in completed.of("step")} >= {"failed", "skipped"}


@pytest.mark.parametrize("number", few(1, NUMBERS))
def test_an_interruption_while_verify_waits(world: World, number: signal.Signals) -> None:
    world.have(UPSTREAM)
    process = world.start("verify", UPSTREAM, str(UPSTREAM["name"]), "--wait", "--timeout", "120")
    assert process.stdout is not None
    first = process.stdout.readline()  # it has looked once
    os.killpg(process.pid, number)
    completed = ended(process)
    interrupted(Completed(completed.code, first + completed.out, completed.err))


def test_a_second_interruption_waits_for_nothing(world: World) -> None:
    world.sandbox.faults.add("forgejo", "POST", "git-receive-pack", 1, FaultKind.HOLD)
    process = world.start("create", SMALLEST)
    world.sandbox.wait_until_held()
    known = descendants(process.pid)
    begun = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(APART_SECONDS + 0.1)
    os.killpg(process.pid, signal.SIGINT)
    completed = ended(process, known)
    assert time.monotonic() - begun < 5, "the grace is five seconds, and ending a program may take two"
    world.sandbox.drop_held()
    interrupted(completed)


@pytest.mark.parametrize("moment", few(2, [0.0, 0.1, 0.2, 0.4, 0.8]))
def test_an_interruption_at_any_moment_of_a_start(desk: Any, moment: float) -> None:
    """From when the command listens: before, Python itself is being started."""
    line = [sys.executable, "-X", "importtime", "-m", "generator", "schema", "--json"]
    process = subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=desk.folder
    )
    assert process.stderr is not None
    for text in process.stderr:
        if "generator.cli.json_lines" in text:
            break
    time.sleep(moment)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    completed = Completed(process.returncode, out, err)
    assert completed.result["exit_code"] == completed.code
    assert completed.code in (0, 130)
    assert "Traceback" not in err


# --- programs of ours --------------------------------------------------------------------------------------

WORK = """
import signal, sys, time
from generator.base.children import end_all, run
from generator.base.stopping import interrupt_on_signals
interrupt_on_signals(lambda: False)
print("begun", flush=True)
try:
    ended = run(["sh", "-c", sys.argv[1]])
    print("ended", ended.status, ended.out.decode(), flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
finally:
    end_all()
"""


def running(script: str) -> subprocess.Popen[str]:
    """A process of ours that runs a shell's script as a program, in a group as a terminal has it."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORK, script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


@pytest.mark.parametrize(
    "script",
    few(
        1,
        [
            "trap '' TERM INT HUP; sleep 61; sleep 62",
            "sleep 60",
            "(trap '' TERM INT HUP; sleep 63) & sleep 64",
            "sleep 65 & exec 1>&- 2>&-; wait",
        ],
    ),
)
def test_a_program_and_all_that_it_started_end_with_an_interruption(script: str) -> None:
    process = running(script)
    known = until(lambda: [pid for pid in descendants(process.pid) if "sleep" in words_of(pid)])
    os.killpg(process.pid, signal.SIGINT)
    assert ended(process, known).out == "interrupted\n"


def test_a_program_has_a_session_of_its_own_and_no_terminal() -> None:
    completed = children.run(["sh", "-c", "ps -o sid= -o pid= -p $$; cat /dev/tty"])
    session, pid = completed.out.split()
    assert session == pid
    assert b"/dev/tty" in completed.err


def test_a_program_that_reads_nothing_of_what_it_is_given_is_no_broken_pipe_of_ours() -> None:
    completed = children.run(["sh", "-c", "exec 0<&-; echo well; exit 3"], given=b"x" * 1_000_000)
    assert (completed.status, completed.out) == (3, b"well\n")


# --- the fleet ---------------------------------------------------------------------------------------------

SHARED = """
import os, sys, time
from generator.fleet.pool import mapped
from generator.base.stopping import interrupt_on_signals
interrupt_on_signals(lambda: False)
def work(number):
    if number:
        time.sleep(30)
    return number
print("begun", flush=True)
try:
    mapped(work, range(9), 3, 2)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize("number", few(1, NUMBERS))
def test_work_that_is_shared_ends_in_all_its_processes(number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SHARED],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    known = until(lambda: len(found := descendants(process.pid)) == 2 and found)
    until(lambda: all(os.getsid(pid) == pid for pid in known))
    os.killpg(process.pid, number)
    completed = ended(process, known)
    assert completed.out == "begun\ninterrupted\n"
    assert completed.err == ""


def reported_by_the_last(number: int) -> int:
    if number == 8:
        raise ZeroDivisionError
    return number


def test_work_that_fails_here_leaves_no_process() -> None:
    with pytest.raises(ZeroDivisionError):
        mapped(reported_by_the_last, range(9), 3, 2)
    assert descendants(os.getpid()) == []


# --- nobody reads ------------------------------------------------------------------------------------------


@full
def test_a_command_whose_last_words_nobody_takes_can_still_be_ended(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "generator", "schema"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        start_new_session=True,
    )
    until(lambda: Path(f"/proc/{process.pid}/wchan").read_text().startswith("pipe") or _writes(process.pid))
    begun = time.monotonic()
    while process.poll() is None and time.monotonic() - begun < 30:
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.3)
    assert process.returncode == ExitCode.INTERRUPTED
    assert process.stdout is not None
    assert process.stderr is not None
    json.dumps([process.stdout.read().decode(), process.stderr.read().decode()])
    process.stdout.close()
    process.stderr.close()


def _writes(pid: int) -> bool:
    """Whether the process is in a write: system call 1 or 64."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/syscall").read_text().split()[0] in ("1", "64")
    return False


# --- the embedded platform ---------------------------------------------------------------------------------


@pytest.mark.parametrize("number", few(1, NUMBERS))
@pytest.mark.parametrize("flags", few(1, [["--json"], []]))
def test_a_platform_that_is_interrupted_has_ended_well(
    tmp_path: Path, number: signal.Signals, flags: list[str]
) -> None:
    line = [sys.executable, "-m", "generator", "sandbox", "start", "--directory", str(tmp_path / "here"), *flags]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    first = process.stdout.readline()
    os.killpg(process.pid, number)
    completed = ended(process)
    assert completed.code == 0
    assert "the embedded platform has ended" in completed.err
    if flags:
        assert Completed(0, first + completed.out, "").result["status"] == "success"
    else:
        assert all(text.startswith(("#", "export ")) for text in (first + completed.out).splitlines()), (
            "it is read by a shell"
        )


@full
def test_a_demonstration_that_is_interrupted_says_so(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "generator", "sandbox", "demo", "--directory", str(tmp_path / "here")]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stderr is not None
    first = process.stderr.readline()
    os.killpg(process.pid, signal.SIGINT)
    completed = ended(process)
    assert completed.code == ExitCode.INTERRUPTED
    assert "the same command continues" in completed.err or "run the same command again" in completed.out, (
        first,
        completed,
    )


# --- one place ---------------------------------------------------------------------------------------------


def test_programs_are_started_in_one_place() -> None:
    """What is started elsewhere would hear of Ctrl-C, and could be left behind."""
    root = Path(generator.__file__).parent
    ways = re.compile(r"\b(subprocess|Popen|os\.fork|os\.system|os\.posix_spawn|os\.exec|pty\.|multiprocessing)\b")
    found = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if any(ways.search(line) for line in path.read_text().splitlines() if "import" in line or "(" in line)
    }
    assert found == {
        "base/children.py",
        "cli/pager.py",
        "fleet/pool.py",
        "template/releases.py",
    }  # the last one cleans up after pool


def test_a_kill_between_the_move_and_the_commit_is_completed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is in its place then, as a repository without a commit."""
    place, mark = world.folder / str(SMALLEST["name"]), world.folder / "killed"
    script = f'[ "$PWD" = {place} ] && [ ! -e {mark} ] && touch {mark} && kill -9 $PPID && exit 1'
    with monkeypatch.context() as patch:
        patch.setenv("PATH", failing_git(world.folder / "bin", "commit-tree", script))
        process = world.start("create", SMALLEST)
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert git(place, "rev-list", "--all") == ""
    assert (place / "README.md").exists()
    completed = world.run("create", SMALLEST)
    assert completed.result["status"] == "success", completed
    assert git(place, "status", "--porcelain") == ""
    assert world.inventory(place.name)["same commit"]
    assert not [path for path in world.folder.iterdir() if ".newservice-" in path.name]
