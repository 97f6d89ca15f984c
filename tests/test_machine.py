"""Unusual machines: no home, output that is lost, places that can't be written, signals at the first moment."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from generator.base import folders
from generator.base.checks import CheckState
from generator.engine.credentials import vault_token
from generator.lifecycle.doctor.gathering import attempt
from generator.lifecycle.doctor.infra import judge_clone, observe_clone
from generator.platform.profile import load_platform
from generator.sandbox import FaultKind
from generator.template.template import Template
from tests.answers import SMALLEST
from tests.checkout import git, infra_checkout
from tests.full import few
from tests.invoke import Desk
from tests.processes import until
from tests.world import Completed, World

FOLDERS = ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account without HOME and without an entry, as in a container that runs under any number."""
    for name in FOLDERS:
        monkeypatch.delenv(name, raising=False)

    def unknown(number: int) -> pwd.struct_passwd:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)


# --- what never ends -----------------------------------------------------------------------------------------


def wait_for_settings(desk: Desk) -> None:
    """A file of the person's settings is one that nobody writes."""
    os.mkfifo(desk.folder / "pipe", 0o600)
    (Path.home() / ".gitconfig").write_text(f"[include]\n\tpath = {desk.folder / 'pipe'}\n")


def wait_for_clone(desk: Desk) -> None:
    (desk.infra / ".git" / "config").unlink()
    os.mkfifo(desk.infra / ".git" / "config", 0o600)


@pytest.mark.parametrize("wait", few(1, [wait_for_settings, wait_for_clone]))
def test_a_pipe_that_git_reads_is_not_waited_for(desk: Desk, wait: Callable[[Desk], None]) -> None:
    """Git itself waits for it without end."""
    wait(desk)
    began = time.monotonic()
    completed = desk.create(SMALLEST)
    (error,) = completed.of("error")
    assert completed.code in (3, 5)
    assert (error["code"], "took too long" in error["message"]) == ("git.failed", True)
    assert "include.path" in error["hint"]
    assert time.monotonic() - began < 60
    assert not desk.service.exists()


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_a_token_file_that_is_none_is_not_waited_for(tmp_path: Path, kind: str) -> None:
    place = tmp_path / ".vault-token"
    if kind == "pipe":
        os.mkfifo(place, 0o600)
    elif kind == "device":
        place.symlink_to("/dev/zero")
    else:
        place.mkdir()
    assert vault_token({"HOME": str(tmp_path)}) is None


@pytest.mark.parametrize("to", ["pipe", "/dev/zero", "/dev/random"])
@pytest.mark.parametrize("place", ["--answers", "--platform", "apply", "kept answers", "--seed", "service", "record"])
def test_nothing_that_newservice_reads_is_waited_for(desk: Desk, place: str, to: str) -> None:
    path = desk.folder / ("nothing.answers.yml" if place == "kept answers" else "given.yml")
    if place == "service":
        path = desk.service / "README.md"
    elif place == "record":
        path = desk.infra / "stacks" / "nothing" / ".copier-answers.yml"
    path.parent.mkdir(exist_ok=True, parents=True)
    if to == "pipe":
        os.mkfifo(path, 0o600)
    else:
        path.symlink_to(to)
    commands: dict[str, tuple[str | Path, ...]] = {
        "apply": ("apply", path, "--json"),
        "--seed": ("create", "nothing", "--no-provision", "--json", "--seed", f"token=file:{path}"),
        "kept answers": ("create", "nothing", "--no-provision", "--json", "--non-interactive", "--infra", desk.infra),
        "record": ("update", path.parent, "--check", "--json"),
    }
    if place == "service":
        completed = desk.create(SMALLEST)
    else:
        words = ("create", "nothing", "--no-provision", "--json", "--non-interactive", place, path)
        completed = desk.command(*commands.get(place, words))
    assert completed.code in (2, 4), completed.out


# --- no home -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("homeless")
def test_files_are_planned_and_written_without_a_home(desk: Desk) -> None:
    assert (folders.home(), folders.config_folder(), folders.state_folder(), folders.cache_folder()) == (None,) * 4
    assert desk.create(SMALLEST, command="plan").code == 0
    assert desk.create(SMALLEST).code == 0
    assert desk.command("templates", "--json").code == 0
    assert desk.command("schema", "--json").code == 0


@pytest.mark.usefixtures("homeless")
def test_a_service_is_created_without_a_home(world: World) -> None:
    assert world.run("create", SMALLEST).code == 0
    assert world.command("doctor").code == 0


@pytest.mark.usefixtures("homeless")
def test_init_says_what_is_missing_without_a_home(desk: Desk) -> None:
    facts = ("--domain", "acme.example", "--forgejo-owner", "acme", "--github-owner", "Acme", "--no-check", "--json")
    completed = desk.command("init", *facts)
    (error,) = completed.of("error")
    assert (completed.code, error["code"]) == (2, "platform.no_home")
    assert "--out" in error["hint"]
    place = desk.folder / "mine.yml"
    assert desk.command("init", *facts, "--out", place).code == 0
    assert place.is_file()


@pytest.mark.usefixtures("homeless")
@pytest.mark.parametrize("value", ["", "relative", "./here"])
def test_a_home_that_is_not_absolute_is_none(value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Else a token would be read from whatever folder a person is in."""
    monkeypatch.chdir(tmp_path)
    for folder in (tmp_path, tmp_path / "relative", tmp_path / "here"):
        folder.mkdir(exist_ok=True)
        (folder / ".vault-token").write_text("a-token-of-somebody-4711\n")
    monkeypatch.setenv("HOME", value)
    monkeypatch.setenv("XDG_STATE_HOME", value)
    assert folders.home() is None
    assert folders.state_folder() is None
    assert vault_token(os.environ) is None
    assert folders.expanded("~/x") == Path("~/x")


def test_a_home_that_is_a_file_disturbs_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    (desk.folder / "home").write_text("")
    for name in FOLDERS[1:]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(desk.folder / "home"))
    assert desk.create(SMALLEST).code == 0


# --- output that is lost -----------------------------------------------------------------------------------

LINES = ["--version", "schema", "schema --json", "--help", "completion bash", "templates --json", "create --help"]


def in_shell(folder: Path, line: str, streams: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    """The command in a process of its own, with streams as a shell's redirections make them."""
    words = f"{sys.executable} -m generator {line} {streams}"
    return subprocess.run(
        ["sh", "-c", words], cwd=folder, capture_output=True, timeout=60, check=False, env={**os.environ, **environ}
    )


@pytest.mark.parametrize("line", few(3, LINES))
@pytest.mark.parametrize("streams", [">&-", ">/dev/full"])
def test_output_that_is_lost_is_no_success(tmp_path: Path, line: str, streams: str) -> None:
    done = in_shell(tmp_path, line, streams)
    assert done.returncode == 5
    assert b"the output is incomplete, for it can't be written" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("streams", ["2>&-", "2>/dev/full", "<&-"])
def test_a_stream_that_takes_nothing_is_not_missed(tmp_path: Path, streams: str) -> None:
    done = in_shell(tmp_path, "schema --json", streams)
    assert (done.returncode, json.loads(done.stdout.splitlines()[-1])["exit_code"]) == (0, 0)


@pytest.mark.parametrize(
    "line", ["plan --answers {answers}", "plan --answers /nothing", "create --nothing", "schema --nothing"]
)
def test_nothing_is_lost_with_standard_error_where_the_output_is_json(desk: Desk, line: str) -> None:
    """So that its exit code says what happened: whatever a program needs to know is a line of the output."""
    answers = desk.folder / "answers.yml"
    answers.write_text(json.dumps(SMALLEST))
    words = f"{line.format(answers=answers)} --json"
    words += f" --no-provision --infra {desk.infra} --service-dir {desk.service}" if "plan" in line else ""
    heard, deaf = in_shell(desk.folder, words, ""), in_shell(desk.folder, words, "2>/dev/full")
    assert (heard.stderr, heard.returncode) == (b"", deaf.returncode)
    assert [json.loads(item)["event"] for item in heard.stdout.splitlines()] == [
        json.loads(item)["event"] for item in deaf.stdout.splitlines()
    ]


@pytest.mark.parametrize("encoding", few(2, ["ascii", "latin-1", "utf-8"]))
@pytest.mark.parametrize("line", ["schema", "schema --json"])
def test_json_is_json_in_every_encoding(tmp_path: Path, encoding: str, line: str) -> None:
    done = in_shell(tmp_path, line, "", PYTHONIOENCODING=encoding)
    assert done.returncode == 0
    for part in done.stdout.splitlines() if "--json" in line else [done.stdout]:
        json.loads(part.decode(encoding))


def test_words_that_are_not_ascii_are_json_on_an_ascii_stream(desk: Desk) -> None:
    answers = desk.folder / "answers.yml"
    answers.write_text(json.dumps({**SMALLEST, "description": "Notizen für Änderungen ☕"}))
    places = f"--answers {answers} --infra {desk.infra} --service-dir {desk.service}"
    done = in_shell(desk.folder, f"plan --no-provision {places} --diff --json", "", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done
    assert "Änderungen ☕" in json.dumps([json.loads(item) for item in done.stdout.splitlines()], ensure_ascii=False)


# --- places that can't be written --------------------------------------------------------------------------


def test_a_place_that_can_not_be_written_is_no_fault_of_ours(desk: Desk) -> None:
    (desk.folder / "file").write_text("")
    completed = desk.command("sandbox", "demo", "--directory", desk.folder / "file" / "below")
    assert completed.code == 3
    assert "file/below: Not a directory" in completed.err
    assert "fault of newservice" not in completed.err


def test_without_a_temporary_folder_that_is_said(desk: Desk) -> None:
    script = (
        "import sys, tempfile\n"
        "def none(*_, **__):\n"
        "    raise FileNotFoundError(2, 'No usable temporary directory found in [...]')\n"
        "tempfile._get_default_tempdir = none\n"
        "sys.argv = ['newservice', 'sandbox', 'start', '--json']\n"
        "from generator.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, cwd=desk.folder)
    completed = Completed(done.returncode, done.stdout, done.stderr)
    assert (completed.result["exit_code"], completed.of("error")[0]["code"]) == (3, "machine.files")
    assert "TMPDIR" in completed.of("error")[0]["hint"]


# --- signals -----------------------------------------------------------------------------------------------

NUMBERS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]


@pytest.fixture
def heard() -> Iterator[None]:
    """Signals as a terminal's processes have them."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in NUMBERS}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("number", few(2, NUMBERS))
@pytest.mark.parametrize("flags", [["--json"], []])
def test_a_signal_while_the_command_is_being_imported(tmp_path: Path, number: signal.Signals, flags: list[str]) -> None:
    line = [sys.executable, "-X", "importtime", "-m", "generator", "schema", *flags]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert process.stderr is not None
    for text in process.stderr:
        if "generator.base.errors" in text:  # long before it listens by itself
            break
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    if flags:
        assert Completed(130, out, err).result["next"] == ["run the same command again"]
    else:
        assert "stopped; nothing was written" in err


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize(
    ("command", "method", "words"),
    [("plan", "GET", "notes-app: stopped; nothing was written"), ("create", "POST", "notes-app: stopped part-way")],
)
def test_an_interrupted_command_says_stopped(world: World, command: str, method: str, words: str) -> None:
    path = "git-receive-pack" if method == "POST" else "/api/v1/repos"
    world.sandbox.faults.add("forgejo", method, path, 1, FaultKind.HOLD)
    line = [word for word in world.arguments(command, SMALLEST) if word != "--json"]
    process = world.launch(*line)
    world.sandbox.wait_until_held()
    os.killpg(process.pid, signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    world.sandbox.drop_held()
    assert process.returncode == 130
    assert [item for item in err.splitlines() if "stopped" in item][-1].startswith(words), (out, err)
    assert "again" in out
    assert "Traceback" not in err


@pytest.mark.usefixtures("heard")
def test_an_embedded_platform_on_which_nothing_was_created_is_removed(tmp_path: Path) -> None:
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps(SMALLEST))
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "generator", "create", "--sandbox", "--yes", "--json", "--answers", str(answers)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    until(lambda: list(temporary.glob("newservice-sandbox-*/platform.yml")))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    completed = Completed(process.returncode, out, err)
    if not completed.of("step"):  # it was quick enough
        assert completed.result["exit_code"] == 130
        assert list(temporary.iterdir()) == []


# --- clones that git refuses, in doctor --------------------------------------------------------------------

PLATFORM = load_platform(Template.installed().platform, None, {})
BRANCH = PLATFORM.infra.branch


def no_head(clone: Path) -> None:
    (clone / ".git" / "HEAD").unlink()


def broken_head(clone: Path) -> None:
    (clone / ".git" / "HEAD").write_text("no reference\n")


def broken_reference(clone: Path) -> None:
    (clone / ".git" / "refs" / "heads" / BRANCH).write_text("no id\n")


def no_objects(clone: Path) -> None:
    for path in (clone / ".git" / "objects").rglob("*"):
        if path.is_file():
            path.unlink()


def another_version(clone: Path) -> None:
    git(clone, "config", "core.repositoryFormatVersion", "99")


def a_worktree_without_its_repository(clone: Path) -> None:
    moved = clone.with_name("moved")
    git(clone, "worktree", "add", "--quiet", str(moved), "-b", "other")
    shutil.rmtree(clone)
    moved.rename(clone)


def no_work_tree(clone: Path) -> None:
    git(clone, "config", "core.bare", "true")


def settings_that_include_themselves(clone: Path) -> None:
    with (clone / ".git" / "config").open("a") as config:
        config.write(f"[include]\n\tpath = {clone}/.git/config\n")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (no_head, "not a git repository"),
        (broken_head, "not a git repository"),
        (broken_reference, "broken ref"),
        (no_objects, "missing object"),
        (another_version, "found 99"),
        (a_worktree_without_its_repository, "not a git repository"),
        (no_work_tree, "must be run in a work tree"),
        (settings_that_include_themselves, "include depth"),
    ],
)
def test_doctor_shows_git_s_own_message(tmp_path: Path, damage: Callable[[Path], None], words: str) -> None:
    clone = tmp_path / "infra"
    infra_checkout(clone)
    damage(clone)
    check = found(clone)
    assert (check.state, words in check.summary) == (CheckState.FAILED, True), check
    assert "fsck" in check.hint


def test_doctor_says_why_changed_files_are_unknown(tmp_path: Path) -> None:
    """The checkout is not used, so an index that is damaged hinders nothing."""
    clone = tmp_path / "infra"
    infra_checkout(clone)
    git(clone, "remote", "add", "origin", PLATFORM.forgejo.clone_url(PLATFORM.infra.repository))
    (clone / ".git" / "index").write_bytes(b"no index")
    check = found(clone)
    assert check.state is CheckState.OK, check
    assert "index file smaller than expected" in check.summary


def found(clone: Path) -> Any:
    def look() -> Any:
        return judge_clone(observe_clone(clone, BRANCH, {**os.environ, "LC_ALL": "C"}), clone, PLATFORM)

    return attempt("infra.clone", look)


HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}},
}


@pytest.mark.parametrize(
    ("streams", "code"), [(">/dev/full", 5), (">&-", 5), ("| head -c 0; exit ${PIPESTATUS[0]}", 130)]
)
def test_a_server_whose_answers_are_lost_is_no_fault(tmp_path: Path, streams: str, code: int) -> None:
    (tmp_path / "hello").write_text(json.dumps(HELLO) + "\n")
    words = f"{sys.executable} -m generator mcp < hello {streams}"
    done = subprocess.run(["bash", "-c", words], cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert (done.returncode, b"fault of newservice" in done.stderr) == (code, False), done
