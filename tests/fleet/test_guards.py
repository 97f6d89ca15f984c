"""Guards of the infra repository: what is held against an update, and what counts as no answer at all."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

import pytest

from generator.base.secrets import Secret
from generator.clients.objects import Objects
from generator.fleet import script
from generator.fleet.findings import Finding, Place, State
from generator.fleet.guards import Guard, open_checks
from generator.fleet.planning import Task, Verb
from generator.fleet.snapshot import Snapshot
from generator.platform.profile import Platform
from generator.template.files import File
from tests.answers import TEMPLATE
from tests.fleet.conftest import Yard

STACK = "stacks/app/"
SCRIPT = "scripts/look.py"
RUN = [sys.executable, SCRIPT, "<stack>"]
READ = "import pathlib, sys\nwords = pathlib.Path(sys.argv[1], 'main.tf').read_text()\n"


class Nothing:
    """Objects of no repository: all that is read was read before."""

    def contents(self, ids: Iterable[str]) -> dict[str, bytes]:
        return dict.fromkeys(ids, b"")


@pytest.fixture(autouse=True)
def _no_terraform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)


def completed(source: str | None, *, before: str = "old\n", after: str = "new\n", run: list[str] | None = None) -> str:
    """What a guard with this source holds against an update; ``skipped: `` and why where it was not asked."""
    files = {f"{STACK}main.tf": before.encode(), "scripts/other.py": b""}
    if source is not None:
        files[SCRIPT] = source.encode()
    return reported_of(files, after, run or RUN)


def reported_of(files: Mapping[str, bytes], after: str, run: list[str]) -> str:
    contents = {str(number): content for number, content in enumerate(files.values())}
    ids = dict(zip(files, contents, strict=True))
    snapshot = Snapshot(cast(Objects, Nothing()), "", ids, frozenset(), contents)
    place = Place("app", "stack", "owner/infra", STACK)
    path = f"{STACK}main.tf"
    was = {path: files[path]}
    task = Task(Finding(place, State.WAITING), Verb.PUSH, files=(File(path, after.encode()),), before=was)
    platform = Platform.of({**TEMPLATE.platform, "checks": [{"run": run, "needs": []}]}, "the profile")
    with open_checks(snapshot, platform, 1) as checks:
        skipped = [item for item in checks.skipped if "terraform" not in item]
        return f"skipped: {skipped[0]}" if skipped else checks.failures([task]).get(0, "")


def test_a_guard_that_is_content() -> None:
    assert completed("print('well')") == ""


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("import nothere", "ModuleNotFoundError"),
        ("import os; os.kill(os.getpid(), 9)", "status -9"),
        ("import sys; sys.exit(127)", "status 127"),
    ],
)
def test_one_that_can_not_be_run_passes_nothing(source: str, wanted: str) -> None:
    said = completed(source)
    assert said.startswith("look.py can't be run: ")
    assert wanted in said


def test_one_whose_program_is_not_there_passes_nothing() -> None:
    assert "can't be run: [Errno 2]" in completed("", run=["no-such-program-anywhere", "<stack>"])


def test_one_that_takes_too_long_passes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "LONGEST_SECONDS", 0.5)
    assert "look.py can't be run: it took longer" in completed("import threading; threading.Event().wait(60)")


def test_one_that_the_repository_does_not_have_is_reported_as_skipped() -> None:
    assert completed(None) == f"skipped: look.py: the infra repository has no {SCRIPT}"


def test_one_that_could_not_be_run_before_excuses_nothing() -> None:
    source = READ + "if 'old' in words: import nothere\nsys.exit('new is wrong')"
    assert completed(source) == "look.py: new is wrong"


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("'main.tf:' + str(len(words)) + ': is wrong'", ""),  # the same, on another line
        ("'is wrong: ' + words", "look.py: is wrong: new"),
        ("'is wrong' + (chr(10) + 'and worse') * ('new' in words)", "look.py: is wrong / and worse"),
        ("'is wrong' + (chr(10) + 'and worse') * ('old' in words)", ""),
    ],
)
def test_what_it_said_before_is_excused_and_no_more(words: str, wanted: str) -> None:
    assert completed(f"{READ}sys.exit({words})", after="new, and more\n").startswith(wanted)
    assert bool(completed(f"{READ}sys.exit({words})", after="new, and more\n")) == bool(wanted)


@pytest.mark.parametrize(
    ("run", "path"),
    [
        (["python3", "scripts/look.py", "<stack>"], "scripts/look.py"),
        (["python3", "-I", "./scripts/look.py"], "scripts/look.py"),
        (["scripts/look.sh"], "scripts/look.sh"),
        (["terraform", "validate"], ""),
        (["bash", "-c", "scripts/look.sh <stack>"], ""),
        (["/usr/bin/env", "python3"], ""),
        (["tflint"], ""),
    ],
)
def test_a_script_is_the_repositorys(run: list[str], path: str) -> None:
    assert Guard(tuple(run), ()).script == path


def test_no_secret_reaches_a_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = Secret("canary-of-the-guards")
    monkeypatch.setenv("CI_DEPLOY_KEY", "unknown-to-newservice")
    monkeypatch.setenv("VIRTUAL_ENV", secret.reveal())
    reported_names = "sys.exit(' '.join(name for name, value in os.environ.items() if value) if 'new' in words else 0)"
    said = completed(f"import os\n{READ}{reported_names}")
    assert "PATH" in said
    assert "CI_DEPLOY_KEY" not in said
    assert "VIRTUAL_ENV" not in said


def test_what_was_not_checked_is_reported(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Guard((sys.executable, "scripts/gone.py", "<stack>"), ("scripts",))
    monkeypatch.setattr("generator.fleet.guards.guards_of", lambda platform: (gone,))
    monkeypatch.setattr("shutil.which", lambda name: None)
    report = yard.world.folder / "report.txt"
    assert yard.fleet("update", "--only", "app-000", "--report", str(report)).code == 0
    (pull,) = yard.pulls("app-000")
    for text in (report.read_text(), pull.body.replace("\\", "")):
        assert "gone.py: the infra repository has no scripts/gone.py" in text
        assert "terraform fmt" in text


@pytest.mark.parametrize(
    ("does", "wanted"),
    [
        ("exit 0", ""),
        ("grep -lr new . | sed s,./,, && exit 3", f"{STACK}main.tf is not as terraform fmt wants it"),
        ("grep -qr new . && exit 2; exit 0", f"{STACK}main.tf is not as terraform fmt wants it"),
        ("exit 2", ""),  # it could not be read before either
        ("exit 127", "terraform fmt can't be run: status 127"),
        ("kill -9 $$", "terraform fmt can't be run: status -9"),
    ],
)
def test_the_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str, wanted: str) -> None:
    program = tmp_path / "terraform"
    program.write_text(f"#!/bin/sh\n{does}\n")
    program.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda name: str(program))
    assert completed("") == wanted
