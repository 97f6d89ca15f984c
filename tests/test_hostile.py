"""What is given may be anything: names and paths that are none, commands for a terminal, small YAML that is huge."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path

import pytest
import yaml

from generator.base.checks import Check, CheckState
from generator.base.errors import ExitCode, SystemFailure, UsageError
from generator.base.external import MOST_ALIASED
from generator.base.parallel import StepResult
from generator.base.terminal_text import visible
from generator.cli.faults import as_reported
from generator.cli.live import LiveSteps
from generator.cli.report import Result
from generator.cli.text import TextReporter
from generator.engine.plan import build_plan
from generator.infra_repo.tree_diff import FileChange
from generator.template.files import File
from generator.template.notation import read_yaml
from tests.answers import SMALLEST
from tests.checkout import infra_checkout
from tests.invoke import Command

PLAN = ("plan", "reader", "--title", "Reader", "--description", "Reads feeds", "--no-provision")

CONTROLS = "a\x1b[31mb\x07\x9b\u202ec\rd"
SEEN = r"a\x1b[31mb\x07\x9b\u202ec\rd"


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return Command(capsys)


# --- names and paths -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../x", "/etc", "X", "a b", "x" * 5000, "\x1b[31m", "a/../b"])
@pytest.mark.parametrize("asked", ["status", "verify", "remove"])
def test_what_is_no_name_is_refused_before_anything_is_read(command: Command, asked: str, name: str) -> None:
    """``../x`` would be another service's folder."""
    elsewhere = Path("..") / "x"
    elsewhere.mkdir()
    (elsewhere / ".copier-answers.yml").write_text(yaml.safe_dump({**SMALLEST, "name": "x"}))
    given = ["--no-provision"] if asked == "status" else []
    completed = command(asked, name, *given, "--json")
    assert [(error["code"], error["question"]) for error in completed.of("error")] == [("answer.invalid", "name")]
    assert completed.code == 2


@pytest.mark.parametrize(
    "given",
    [
        ("update", "x" * 5000),
        ("update", "a/" * 3000),
        (*PLAN, "--infra", "infra", "--service-dir", "x" * 5000),
        (*PLAN, "--infra", "infra", "--service-dir", "x/" * 2500),
        (*PLAN, "--infra", "x" * 5000),
        ("status", "reader", "--no-provision", "--service-dir", "x" * 5000),
        ("plan", "reader", "--no-provision", "--platform", "x" * 5000),
        ("plan", "--no-provision", "--answers", "x" * 5000),
        ("init", "--domain", "a.b", "--forgejo-owner", "a", "--github-owner", "a", "--no-check", "--out", "x" * 5000),
        ("apply", "x" * 5000),
    ],
    ids=lambda given: f"{given[0]} {given[-2]} {given[-1][:6]}",
)
def test_a_path_that_is_too_long_is_the_persons(command: Command, given: tuple[str, ...]) -> None:
    infra_checkout(Path("infra"))
    completed = command(*given, "--json")
    assert completed.code == 2, completed.out + completed.err
    assert "fault of newservice" not in completed.out + completed.err


def test_only_a_long_name_is_the_persons() -> None:
    long = as_reported(OSError(36, "File name too long", "x" * 5000))
    assert isinstance(long, UsageError)
    assert (long.code, "5000 characters" in long.message, len(long.message) < 120) == ("usage.path", True, True)
    assert as_reported(OSError(5, "Input/output error", "x")).code == "internal"


# --- what a terminal would take for commands -----------------------------------------------------------------


def test_visible() -> None:
    assert visible(CONTROLS) == SEEN
    assert visible("one\n\ttwo\u00a0three é 😀") == "one\n\ttwo\u00a0three é 😀"
    assert visible("one\ntwo", kept="") == r"one\ntwo"
    assert visible(os.fsdecode(b"a\xff")) == r"a\udcff"


@pytest.mark.parametrize(
    "given",
    [
        ("status", CONTROLS, "--no-provision"),
        ("plan", CONTROLS, "--no-provision"),
        ("plan", "reader", "--no-provision", "--set", CONTROLS),
        ("plan", "reader", "--no-provision", "--set", f"{CONTROLS}=1"),
        ("plan", "reader", "--no-provision", "--title", CONTROLS),
        ("plan", "--no-provision", "--answers", CONTROLS),
        ("init", "--set", CONTROLS),
        ("init", "--set", f"{CONTROLS}=1"),
        (CONTROLS,),
    ],
    ids=lambda given: " ".join(word.replace(CONTROLS, "C") for word in given),
)
def test_nothing_given_reaches_the_terminal_as_a_command(command: Command, given: tuple[str, ...]) -> None:
    completed = command(*given)
    assert completed.code == 2
    assert r"\x1b[31m" in completed.out + completed.err
    assert [char for char in completed.out + completed.err if not char.isprintable() and char != "\n"] == []


def test_nothing_of_a_file_does(command: Command) -> None:
    Path("answers.yml").write_text(yaml.safe_dump({**SMALLEST, CONTROLS: 1}))
    completed = command("plan", "--answers", "answers.yml", "--no-provision")
    assert completed.code == 2
    assert SEEN in completed.err
    assert "\x1b" not in completed.err


def test_nothing_of_a_diff_does() -> None:
    out = io.StringIO()
    change = FileChange("infra", "stacks/x/a.tf", "update", File("a.tf", b"old\n"), File("a.tf", b"a\x1b[31mb\tend\n"))
    plan = build_plan("x", files=[change], registrations=(), steps=())
    TextReporter(out=out, err=out).plan(plan, diffs=True)
    assert "+a\\x1b[31mb\tend\n" in out.getvalue()
    assert "\x1b" not in out.getvalue()


def test_nothing_of_a_step_under_way_does() -> None:
    stream = io.StringIO()
    live = LiveSteps(("a",), stream)
    live.ended(StepResult("a", "failed", 10, CONTROLS))
    live.note(CONTROLS)
    assert SEEN in str(live.__rich__())
    assert SEEN in stream.getvalue()


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [io.StringIO, _Terminal])
def test_nothing_that_a_system_says_does(stream: type[io.StringIO], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    out, err = stream(), stream()
    reporter = TextReporter(out=out, err=err)
    reporter.error(SystemFailure("forge.failed", f"the forge says: {CONTROLS}", f"see\tthere {CONTROLS}"))
    reporter.progress(CONTROLS)
    reporter.check(Check("forge", CheckState.FAILED, CONTROLS, CONTROLS))
    reporter.result(Result("error", ExitCode.SYSTEM, "x", {"site": CONTROLS}, (CONTROLS,), CONTROLS))
    completed = out.getvalue() + err.getvalue()
    assert completed.count(SEEN) == 8
    assert "see\tthere" in completed
    assert "\x1b[31mb" not in completed
    assert ("\x1b[" in completed) == (stream is _Terminal)  # our own colours stay


# --- small YAML that is huge ---------------------------------------------------------------------------------


def bomb(levels: int, first: str, inside: str) -> str:
    """Aliases of aliases: nine times as much with each level."""
    lines = [f"a{level}: &a{level} " + inside.format(", ".join([f"*a{level - 1}"] * 9)) for level in range(1, levels)]
    return "\n".join([f"a0: &a0 {first}", *lines])


BOMBS = [bomb(7, "[x, x]", "[{}]"), bomb(7, "{x: 1}", "{{<<: [{}]}}"), bomb(7, "{x: 1}", "{{y: [{}]}}")]


@pytest.mark.parametrize("text", BOMBS, ids=["lists", "merged maps", "maps of lists"])
def test_aliases_have_a_bound(command: Command, text: str) -> None:
    Path("answers.yml").write_text(f"name: reader\n{text}\n")
    began = time.process_time()
    completed = command("plan", "--answers", "answers.yml", "--no-provision", "--json")
    assert completed.code == 2
    (error,) = completed.of("error")
    assert error["code"] == "answers.unreadable"
    assert f"its aliases come to more than {MOST_ALIASED} values" in error["message"]
    assert time.process_time() - began < 2
    inside = "{" + text.replace("\n", ", ") + "}"  # and the same as text, which an answer of lists and maps may be
    Path("answers.yml").write_text(yaml.safe_dump({**SMALLEST, "volumes": inside}))
    completed = command("plan", "--answers", "answers.yml", "--set", f"env={inside}", "--no-provision", "--json")
    assert {error["question"] for error in completed.of("error")} == {"volumes", "env"}
    assert all("its aliases come to more" in error["message"] for error in completed.of("error"))
    assert time.process_time() - began < 3


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("a: &a {b: 1}\nc: *a", {"a": {"b": 1}, "c": {"b": 1}}),
        ("a: &a {b: 1}\nc: {<<: *a, d: 2}", {"a": {"b": 1}, "c": {"b": 1, "d": 2}}),
        (f"[{'1,' * (MOST_ALIASED + 1)}]", [1] * (MOST_ALIASED + 1)),
    ],
    ids=["nothing", "alias", "merge", "long, and all of it written"],
)
def test_what_is_small_or_written_out_is_read(text: str, value: object) -> None:
    assert read_yaml(text) == value


@pytest.mark.parametrize("text", ["&a [*a]", "a: &a {b: [*a]}", "&a {<<: *a}"])
def test_what_holds_itself_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="a value that holds itself"):
        read_yaml(text)


@pytest.mark.parametrize("text", ["[" * 5000, "a: [", "2020-99-99", "a: b\n---\na: b", "!!python/object:os.system {}"])
def test_what_is_no_yaml_is_reported(text: str) -> None:
    with pytest.raises(UsageError, match="is not valid YAML") as caught:
        read_yaml(text)
    assert caught.value.code == "answers.unreadable"
