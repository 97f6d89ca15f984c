"""What scripts rely on: exit codes, JSON lines, what goes where, and that nobody is asked without a terminal."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from generator.base.errors import ExitCode
from generator.cli.commands import COMMANDS, group
from generator.sandbox import FaultKind, Status
from tests.answers import QUESTIONS, RICH, SMALLEST, UPSTREAM
from tests.checkout import commit_all, infra_checkout
from tests.full import full
from tests.invoke import Command, Desk
from tests.test_onboarding import ALL_STEPS
from tests.world import Completed, World

KEYS = {
    "plan": {"service", "digest", "files", "registrations", "steps"},
    "step": {"id", "status", "elapsed_ms", "summary"},
    "progress": {"summary"},
    "error": {"code", "question", "message", "hint", "choices"},
    "result": {"status", "exit_code", "service", "urls", "next"},
}
OPTIONAL = {"plan": {"notes", "diffs", "answers", "seeds", "checklist", "gates"}, "result": {"checklist"}}


def keeps_the_interface(completed: Completed) -> bool:
    """Every line is an object of the interface, and the last one is the only result."""
    for line in completed.out.splitlines():
        event = json.loads(line)
        assert event.pop("schema") == 1
        kind = event.pop("event")
        assert set(event) - OPTIONAL.get(kind, set()) == KEYS[kind], kind
        _CHECKS.get(kind, lambda item: None)(event)
    assert completed.result["status"] in ("success", "unchanged", "partial", "refused", "error")
    assert (completed.code == 0) == (completed.result["status"] in ("success", "unchanged")) or completed.of(
        "step"
    ) == []
    assert completed.code in set(ExitCode)
    return True


def _check_plan(event: dict[str, Any]) -> None:
    assert event["digest"].startswith("sha256:")
    for item in event["files"]:
        assert set(item) == {"repo", "path", "action"}
        assert item["repo"] in ("service", "infra")
        assert item["action"] in ("create", "update", "unchanged", "conflict")
    for item in event["registrations"]:
        assert set(item) == {"id", "path", "action"}
        assert item["action"] in ("add", "present", "update", "remove")
    for item in event["steps"]:
        assert set(item) == {"id", "system", "state", "action", "summary"}
        assert item["id"] in ALL_STEPS
        assert item["state"] in ("absent", "present", "drifted", "foreign", "unknown")
        assert item["action"] in ("create", "update", "none", "refuse")


def _check_step(event: dict[str, Any]) -> None:
    assert event["id"] in ALL_STEPS
    assert event["status"] in ("done", "unchanged", "failed", "skipped")
    assert isinstance(event["elapsed_ms"], int)
    assert event["elapsed_ms"] >= 0


def _check_error(event: dict[str, Any]) -> None:
    assert event["code"]
    assert event["code"] == event["code"].lower()
    assert event["message"]
    assert event["hint"]
    assert event["choices"] is None or all(isinstance(choice, str) for choice in event["choices"])


_CHECKS: dict[str, Any] = {"plan": _check_plan, "step": _check_step, "error": _check_error}


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


@pytest.fixture
def desk(tmp_path: Path, command: Command) -> Desk:
    desk = Desk(tmp_path / "desk", command)
    desk.folder.mkdir()
    desk.prepare()
    return desk


# --- JSON lines and exit codes -----------------------------------------------------------------------------


def test_a_whole_life_in_json(world: World) -> None:
    """Planned, looked at, created, run again, looked at again: every line keeps to the interface."""
    name = str(RICH["name"])
    planned = world.run("plan", RICH, "--diff")
    assert keeps_the_interface(planned)
    assert (planned.code, planned.result["status"]) == (0, "success")
    assert [item["id"] for item in planned.of("plan")[0]["steps"]] == ALL_STEPS
    assert "+++ b/stacks/city-guide/main.tf" in planned.of("plan")[0]["diffs"]["stacks/city-guide/main.tf"]

    dry = world.run("create", RICH, "--dry-run")
    assert keeps_the_interface(dry)
    assert (dry.code, dry.result["status"]) == (0, "success")
    assert dry.of("step") == []

    created = world.run("create", RICH)
    assert keeps_the_interface(created)
    assert (created.code, created.result["status"]) == (0, "success")
    assert sorted(item["id"] for item in created.of("step")) == sorted(ALL_STEPS)  # told as they end
    assert created.result["next"]
    assert created.err == ""

    again = world.run("create", RICH)
    assert keeps_the_interface(again)
    assert (again.code, again.result["status"]) == (0, "unchanged")

    for looked in (world.run("plan", RICH), world.run("create", RICH, "--dry-run"), world.run("status", RICH, name)):
        assert keeps_the_interface(looked)
        assert (looked.code, looked.result["status"]) == (0, "unchanged")
    assert looked.result["next"] == created.result["next"]  # status says what a person still has to do

    lifeless = world.run("verify", RICH, name)
    assert lifeless.code == 7
    merge = "review and merge the pull request in the infra repository"
    assert {*created.result["next"][:-1]} - {merge} <= {*lifeless.result["next"]}
    assert lifeless.result["checklist"] == created.result["checklist"]


def test_status_before_and_on_the_way(world: World) -> None:
    name = str(UPSTREAM["name"])
    before = world.run("status", UPSTREAM, name)
    assert keeps_the_interface(before)
    assert (before.code, before.result["status"]) == (0, "partial")
    assert {item["state"] for item in before.of("plan")[0]["steps"]} == {"absent"}


def test_a_system_that_fails_on_the_way_is_5_and_partial(world: World) -> None:
    world.sandbox.faults.add("forgejo", "POST", "/pulls$", None, Status(500, "out of order"))
    completed = world.run("create", UPSTREAM)
    assert keeps_the_interface(completed)
    assert (completed.code, completed.result["status"]) == (5, "partial")
    assert [(item["id"], item["status"]) for item in completed.of("step")] == [
        ("infra.commit", "done"),
        ("infra.pull_request", "failed"),
    ]
    (error,) = completed.of("error")
    assert error["code"] == "forgejo.failed"
    assert "out of order" in error["message"]
    world.sandbox.faults.clear()
    assert world.run("create", UPSTREAM).result["status"] == "success"


def test_a_failure_skips_what_comes_after(world: World) -> None:
    world.sandbox.faults.add("github", "POST", "/user/repos$", None, FaultKind.RESET_BEFORE)
    completed = world.run("create", SMALLEST)
    assert keeps_the_interface(completed)
    assert completed.code == 5
    statuses = {item["id"]: item["status"] for item in completed.of("step")}
    assert statuses["forgejo.repository"] == "done"
    assert statuses["github.repository"] == "failed"
    after = ALL_STEPS[ALL_STEPS.index("github.repository") + 1 : ALL_STEPS.index("infra.commit")]
    assert {statuses[step] for step in after} == {"skipped"}
    assert statuses["infra.pull_request"] == "skipped"


def test_a_system_that_can_not_be_seen_writes_nothing(world: World) -> None:
    world.sandbox.faults.add("woodpecker", "*", "", 100, Status(503, "down"))
    completed = world.run("create", SMALLEST)
    assert keeps_the_interface(completed)
    assert completed.code in (3, 5)
    assert completed.result["status"] == "error"
    assert world.sandbox.journal.writes() == []


def test_missing_credentials_are_3(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in world.sandbox.environment:
        monkeypatch.delenv(name)
    completed = world.run("create", SMALLEST)
    assert keeps_the_interface(completed)
    assert completed.code == 3


def test_a_folder_that_is_no_clone_is_3(world: World) -> None:
    (world.folder / "empty").mkdir()
    completed = world.run("create", SMALLEST, "--infra", str(world.folder / "empty"))
    assert keeps_the_interface(completed)
    assert completed.code == 3
    assert completed.of("error")[0]["code"] == "infra.no_clone"


def test_somebody_elses_is_4(world: World) -> None:
    world.sandbox.forgejo.create_repository("viktor", str(SMALLEST["name"]), files={"README.md": "mine"})
    completed = world.run("create", SMALLEST)
    assert keeps_the_interface(completed)
    assert (completed.code, completed.result["status"]) == (4, "refused")


def test_files_only_keeps_the_interface(desk: Desk) -> None:
    for completed in (desk.create(SMALLEST, command="plan"), desk.create(SMALLEST), desk.create(SMALLEST)):
        assert keeps_the_interface(completed)
    assert completed.result["status"] == "unchanged"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["frobnicate"], "usage"),
        (["create", "--frobnicate"], "usage"),
        (["create", "--port"], "usage"),
        (["plan", "a", "b"], "usage"),
        (["create"], "answer.missing"),
        (["plan"], "answer.missing"),
        (["status"], "usage.name"),
        (["status", "nobody", "--no-provision"], "status.unknown"),
        (["create", "--sandbox", "--platform", "x.yml"], "usage.sandbox"),
        (["create", "--platform", "nothing.yml"], "platform.unreadable"),
        (["create", "--answers", "nothing.yml"], "answers.unreadable"),
        (["create", "notes", "--title", "Notes", "--description", "Keeps notes", "--set", "x"], "answer.pair"),
    ],
)
def test_wrong_usage_is_2_in_json_too(command: Command, workdir: Path, arguments: list[str], code: str) -> None:
    completed = command(arguments[0], "--json", *arguments[1:])
    assert keeps_the_interface(completed)
    assert (completed.code, completed.result["status"]) == (2, "error")
    assert {error["code"] for error in completed.of("error")} == {code}
    assert completed.err == ""
    assert list(workdir.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["create", "notes", "--description", "x", "--title", "--dry-run"],
        ["create", "notes", "--title", "T", "--description", "D", "--service-dir", "--dry-run"],
        ["plan", "--env", "--no-provision"],
        ["update", "--to", "--check"],
        ["remove", "notes", "--platform", "--dry-run"],
        ["fleet", "update", "--only", "--dry-run"],
        ["init", "--domain", "--no-check"],
    ],
)
def test_no_flag_is_taken_for_the_value_of_another(command: Command, workdir: Path, arguments: list[str]) -> None:
    """A text that is missing, such as an unset variable of a script, never undoes the flag after it."""
    completed = command(*arguments, "--json")
    (error,) = completed.of("error")
    assert (completed.code, error["code"]) == (2, "usage.value")
    assert error["message"].startswith(f"{arguments[-2]} has no value: {arguments[-1]} ")
    assert list(workdir.iterdir()) == []


@pytest.mark.parametrize("flag", ["--infra", "--platform", "--answers", "--service-dir", "--out"])
def test_an_empty_path_is_no_path(command: Command, workdir: Path, flag: str) -> None:
    """An unset variable names no folder, least of all the default one."""
    completed = command("plan", "notes", "--title", "T", "--description", "D", "--no-provision", "--json", flag, "")
    (error,) = completed.of("error")
    assert (completed.code, error["code"], error["message"]) == (2, "usage.value", f"{flag} has no value")


def test_an_answers_file_of_json_may_escape_any_character(desk: Desk) -> None:
    path = desk.folder / "answers.json"
    path.write_text(json.dumps({**SMALLEST, "title": "Notes \U0001f600"}))
    places = ("--infra", desk.infra, "--service-dir", desk.service)
    assert desk.command("plan", "--answers", path, "--no-provision", "--json", *places).code == 0


def test_everything_that_is_wrong_is_reported_at_once(command: Command, workdir: Path) -> None:
    """What can't be read beside what is wrong and what is missing, and keys that are no text."""
    (workdir / "answers.yml").write_text("tier: huge\n5: x\n")
    flags = ["--set", "cpu", "--set", "nope", "--env", "X", "--secrets", "hunter2-value", "--memory", "lots"]
    completed = command("plan", "notes", "--json", "--no-provision", "--answers", workdir / "answers.yml", *flags)
    assert {(item["code"], item["question"]) for item in completed.of("error")} == {
        ("answer.pair", "cpu"), ("answer.pair", None), ("answer.pair", "env"), ("answer.pair", "secrets"),
        ("answer.unknown", "5"), ("answer.missing", "title"), ("answer.missing", "description"),
        ("answer.invalid", "tier"), ("answer.invalid", "memory"),
    }  # fmt: skip
    assert "hunter2" not in completed.out


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["plna"], "did you mean plan? see `newservice --help`"),
        (["plan", "--titel", "x"], "did you mean --title? see `newservice plan --help`"),
        (["fleet", "list", "--jsn"], "did you mean --json? see `newservice fleet list --help`"),
        (["frobnicate"], "see `newservice --help`"),
    ],
)
def test_the_way_out_of_wrong_usage_names_what_is_near(command: Command, arguments: list[str], hint: str) -> None:
    (error,) = command(*arguments, "--json").of("error")
    assert error["hint"] == hint


def test_a_fault_of_ours_is_1_and_names_its_report(
    command: Command, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import generator.cli.session

    def broken(*arguments: object) -> None:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(generator.cli.session, "load_questions", broken)
    completed = command("plan", "--json")
    assert keeps_the_interface(completed)
    assert completed.code == 1
    (error,) = completed.of("error")
    assert error["code"] == "internal"
    report = Path(error["hint"].rpartition(" ")[2])
    assert "ZeroDivisionError: by nothing" in report.read_text()
    report.unlink()


# --- text for people ---------------------------------------------------------------------------------------


def text(desk: Desk, *arguments: str) -> Completed:
    desk.folder.joinpath("answers.yml").write_text(yaml.safe_dump(RICH))
    places = ("--answers", desk.folder / "answers.yml", "--infra", desk.infra, "--service-dir", desk.service)
    return desk.command(*arguments, *places, "--no-provision")


def test_results_go_to_standard_output_and_everything_else_to_standard_error(desk: Desk) -> None:
    completed = text(desk, "create")
    assert completed.code == 0
    for part in ("Plan for city-guide", "Service repository (", " create)", "+ build.yml", "Registrations", "Next"):
        assert part in completed.out
    assert completed.out.endswith("city-guide: done\n")
    assert completed.err == ""
    again = text(desk, "create")
    assert again.out.endswith("city-guide: nothing to do, everything exists\n")


def test_errors_go_to_standard_error(command: Command) -> None:
    completed = command("create", "--tier", "auxx", "--verbose")
    assert completed.code == 2
    assert completed.out == ""
    for part in ("4 answers to correct", "name is missing", "did you mean aux?", "(error code answers.invalid)"):
        assert part in completed.err


def test_diffs_are_shown_when_asked_for(desk: Desk) -> None:
    assert "+++ b/" not in text(desk, "plan").out
    completed = text(desk, "plan", "--diff")
    assert "--- a/.claude/reference/service-catalog.md\n+++ b/.claude/reference/service-catalog.md\n" in completed.out
    assert "--- /dev/null\n+++ b/stacks/city-guide/main.tf\n" in completed.out


def test_quiet_is_quiet(desk: Desk) -> None:
    completed = text(desk, "create", "--quiet")
    assert (completed.code, completed.out, completed.err) == (0, "", "")
    assert "is missing" in desk.command("create", "--quiet").err


def test_nothing_is_coloured(desk: Desk) -> None:
    completed = text(desk, "create")
    assert "\x1b" not in completed.out + completed.err


# --- help --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["create", "plan"])
def test_help_tells_every_questions_flag_with_its_text_choices_and_default(command: Command, name: str) -> None:
    completed = command(name, "--help")
    assert (completed.code, completed.err) == (0, "")
    words = " ".join(completed.out.split())
    for question in QUESTIONS:
        if question.public:
            assert f" {question.option} " in words, question.name
            assert question.help in words, question.name
    assert "public|none" in words.replace(" ", "")
    assert "[default: 256Mi]" in words


@pytest.mark.parametrize("name", ["adopt-repository", "verify", "change", "remove"])
def test_what_looks_at_the_systems_offers_no_work_without_them(command: Command, name: str) -> None:
    assert "--no-provision" not in command(name, "--help").out
    assert command(name, "notes", "--no-provision").code == 2


def test_commands_come_in_the_order_of_a_services_life() -> None:
    life = ["create", "adopt-repository", "import", "plan", "apply", "status", "verify", "change", "update", "remove"]
    assert [name for name in COMMANDS if name in life] == life
    text = (Path(__file__).parents[1] / "docs" / "reference" / "cli.md").read_text()
    sections = re.findall(r"^## `newservice ([a-z-]+)", text, re.MULTILINE)
    assert list(dict.fromkeys(sections)) == list(COMMANDS)


def test_every_command_has_help(command: Command) -> None:
    completed = command("--help")
    assert completed.code == 0
    for name, entry in COMMANDS.items():
        item = group.get_command(click.Context(group), name)
        assert item is not None
        assert item.name == name
        assert f"{name} {entry.help}" in " ".join(completed.out.split())
        assert command(name, "--help").code == 0
        assert command(name, "-h").code == 0


def test_without_a_command_it_is_create_with_its_flags(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "answers.yml"
    file.write_text(yaml.safe_dump(SMALLEST))
    places = ["--infra", str(desk.infra), "--service-dir", str(desk.service)]
    arguments = ["--answers", str(file), *places, "--no-provision", "--dry-run", "--json"]
    completed, meant = desk.command(*arguments), desk.command("create", *arguments)
    assert completed.code == meant.code == 0
    assert completed.out == meant.out
    wrong = desk.command("--json", "--no-provision").of("error")
    assert {"name", "title"} <= {item["question"] for item in wrong}


def test_version(command: Command) -> None:
    completed = command("--version")
    assert completed.code == 0
    assert completed.out.startswith("newservice, version ")


LOADED = """
import sys
from generator.cli import main
try:
    main(sys.argv[1:])
finally:
    print("loaded", *sorted({name.partition(".")[0] for name in sys.modules}))
"""


def loaded(*arguments: str) -> set[str]:
    """The packages that a command has imported when it ends."""
    completed = subprocess.run([sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stderr
    return set(completed.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize("flag", ["--version", "--help"])
def test_nothing_heavy_is_loaded_to_say_who_one_is(flag: str) -> None:
    heavy = {
        "copier",
        "git",
        "github",
        "httpx",
        "jinja2",
        "prompt_toolkit",
        "pydantic",
        "questionary",
        "requests",
        "rich",
        "yaml",
    }
    assert not loaded(flag) & heavy


COMMANDS_LOADED = """
import sys
import click
from generator.cli.commands import COMMANDS, group
for name in COMMANDS:
    group.get_command(click.Context(group), name)
    print(name, *sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_no_command_brings_what_only_its_work_needs() -> None:
    """As a shell's completion and ``COMMAND --help`` import them; each line has the commands before it as well."""
    heavy = {"copier", "git", "github", "httpx", "mcp", "prompt_toolkit", "questionary", "requests", "rich", "tenacity"}
    completed = subprocess.run([sys.executable, "-c", COMMANDS_LOADED], capture_output=True, text=True, check=True)
    found = {name: heavy.intersection(modules) for name, *modules in map(str.split, completed.stdout.splitlines())}
    assert found == {name: set() for name in COMMANDS}


@full
def test_files_load_no_clients_and_nothing_loads_copier(tmp_path: Path) -> None:
    infra = infra_checkout(tmp_path / "infra")
    answers = tmp_path / "answers.yml"
    answers.write_text(yaml.safe_dump(RICH))
    places = ["--answers", str(answers), "--infra", str(infra), "--service-dir", str(tmp_path / "x")]
    heavy = {"copier", "git", "github", "httpx", "pydantic", "requests", "rich"}
    for command in ("plan", "create"):
        assert not loaded(command, "--no-provision", *places) & heavy
    stack = infra / "stacks" / RICH["name"]
    assert (stack / ".copier-answers.yml").is_file()
    commit_all(infra, "stack")
    assert "copier" not in loaded("update", "--check", str(stack))
    assert "copier" not in loaded("fleet", "status", "--offline", "--infra", str(infra))


# --- without a terminal ------------------------------------------------------------------------------------


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks a question here asks in vain."""
    import generator.wizard

    def asked(*arguments: object, **options: object) -> None:
        raise AssertionError("a question was asked")

    for name in ("open_prompter", "confirm"):
        monkeypatch.setattr(generator.wizard, name, asked)


@pytest.mark.usefixtures("nobody")
def test_nobody_is_asked_without_a_terminal(command: Command, desk: Desk) -> None:
    assert command("create").code == 2
    assert text(desk, "create").code == 0


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize("flag", ["--non-interactive", "--json"])
def test_nobody_is_asked_who_does_not_want_to_be(
    desk: Desk, flag: str, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert command("create", flag).code == 2
    assert text(desk, "create", flag, "--yes").code == 0


def test_a_process_without_input_does_not_hang(tmp_path: Path) -> None:
    """The real thing once: no terminal at all, and standard input that stays open."""
    reading, writing = os.pipe()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "generator", "create"],
            stdin=reading,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
        )
    finally:
        os.close(reading)
        os.close(writing)
    assert done.returncode == 2
    assert "name is missing" in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


@full
def test_a_reader_that_goes_away_interrupts(tmp_path: Path) -> None:
    """``newservice schema | head``: no trace, and never the exit code of a success or of a fault."""
    process = subprocess.Popen(
        [sys.executable, "-m", "generator", "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    )
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate()
    assert process.returncode == ExitCode.INTERRUPTED
    assert err == b""


# --- the embedded platform ----------------------------------------------------------------------------------


def test_the_sandbox_says_how_to_use_it_until_it_is_stopped(tmp_path: Path) -> None:
    start = [sys.executable, "-m", "generator", "sandbox", "start", "--directory", str(tmp_path / "here"), "--json"]
    with subprocess.Popen(start, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        completed = json.loads(process.stdout.readline())
        assert completed["event"] == "sandbox"
        assert {"github", "forgejo", "woodpecker", "vault"} <= set(completed["urls"])
        plan = [sys.executable, "-m", "generator", "plan", "--json", "--platform", completed["profile"]]
        answered = subprocess.run(
            [*plan, "--infra", completed["infra"], *(f"--{name}={value}" for name, value in SMALLEST.items())],
            env={**os.environ, **completed["environment"]},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert answered.returncode == 0, answered.stderr
        process.terminate()
        last = json.loads(process.stdout.readlines()[-1])
    assert (last["event"], last["status"], process.returncode) == ("result", "success", 0)
