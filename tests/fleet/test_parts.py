"""The fleet's small parts: work in several processes, pages that are safe to open, clones of every form."""

from __future__ import annotations

import os
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.base.errors import UsageError
from generator.base.secrets import MASK, Secret
from generator.cli.fleet import fleet_group
from generator.fleet.findings import FileNote, Finding, Place, State
from generator.fleet.guards import guards_of
from generator.fleet.planning import Task, Verb
from generator.fleet.pool import mapped
from generator.fleet.pull_request_text import body
from generator.fleet.report import Report, as_page, as_text
from generator.fleet.source import update_branch
from generator.platform.profile import Platform
from generator.template.files import File
from generator.template.releases import Releases
from tests.answers import TEMPLATE
from tests.fleet.conftest import Yard
from tests.full import full
from tests.pages import page

HOSTILE = "<script>alert(1)</script>\" onload='x' {{ 7 * 7 }}"


def where(number: int) -> tuple[int, int]:
    return number * number, os.getpid()


def dying(number: int) -> int:
    if os.getpid() != PARENT and number == 3:
        os._exit(9)
    return number


PARENT = os.getpid()


@pytest.mark.parametrize("count", [0, 1, 2, 7, 8, 40])
def test_work_is_shared_and_comes_back_in_order(count: int) -> None:
    found = mapped(where, range(count), 3, 2)
    assert [square for square, _ in found] == [number * number for number in range(count)]
    assert len({process for _, process in found}) == min(3, count // 2 + 1, max(count, 0)) or count < 3


def test_a_process_that_dies_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fleet.test_parts.PARENT", os.getpid())
    assert mapped(dying, range(20), 3, 2) == list(range(20))


def test_nothing_is_forked_where_threads_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("threading.active_count", lambda: 2)
    assert {process for _, process in mapped(where, range(20), 3, 2)} == {os.getpid()}


def report(**changes: object) -> Report:
    place = Place(HOSTILE, "stack", "owner/infra", f"stacks/{HOSTILE}/")
    finding = Finding(place, State.CONFLICT, "1.0.0", "2.0.0", (FileNote(HOSTILE, "conflict"),), HOSTILE, url=HOSTILE)
    return Report("fleet update", HOSTILE, "2.0.0", (finding,), datetime.now(UTC))


def test_a_page_shows_text_as_text() -> None:
    text = as_page(report())
    assert "<script" not in text
    assert "onload='x'" not in text
    assert "49" not in re.sub(r"&#\d+;", "", text.split("<body>")[1])
    assert "href=" not in text  # what is no https address is no link
    assert text.count("&lt;script&gt;") >= 5


def test_no_report_holds_a_secret() -> None:
    secret = Secret("canary-of-the-report<&>")
    place = Place("app", "stack", "owner/infra", "stacks/app/")
    finding = Finding(place, State.FAILED, message=f"told: {secret.reveal()}")
    found = Report("fleet update", "homelab", "2.0.0", (finding,), datetime.now(UTC))
    for text in (as_page(found), as_text(found)):
        assert "canary-of-the-report" not in text
        assert MASK in text


def checking(checks: list[Any]) -> Platform:
    return Platform.of({**TEMPLATE.platform, "checks": checks}, "the profile")


@pytest.mark.parametrize("wrong", ["words", {"run": "python3 x"}, {"run": []}, {"run": ["x"], "needs": "scripts"}, {}])
def test_a_guard_that_is_none_is_reported(wrong: object) -> None:
    with pytest.raises(UsageError, match="checks"):
        guards_of(checking([wrong]))


def test_guards_are_the_profiles() -> None:
    named = [{"run": ["python3", "scripts/look.py", "<stack>"], "needs": ["scripts/"]}]
    (guard,) = guards_of(checking(named))
    assert (guard.name, guard.needs) == ("look.py", ("scripts",))
    assert guards_of(checking([])) == ()


@full
def test_a_shallow_clone_is_completed_when_it_has_to_be(yard: Yard, tmp_path: Path) -> None:
    sandbox, name = yard.world.sandbox, yard.made.names[0]
    yard.fleet("update", "--only", name)
    yard.commit({"README.md": "one\n"})
    yard.commit({"README.md": "two\n"})
    clone = tmp_path / "shallow"
    line = ["git", "clone", "--quiet", "--depth=1", f"file://{yard.bare.path}", str(clone)]
    subprocess.run(line, check=True, capture_output=True)
    completed = yard.world.tell(
        ["fleet", "update", "--only", name, "--platform", str(sandbox.profile), "--infra", str(clone), "--json"]
    )
    assert (completed.code, yard.one(completed, name)["action"]) == (0, "found"), completed.out
    assert [pull.head for pull in yard.world.infra.pulls.values()] == [update_branch(name)]


def test_nobodys_checkout_is_touched(yard: Yard) -> None:
    infra = yard.world.sandbox.infra

    def completed(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=infra, check=True, capture_output=True, text=True).stdout

    before = [
        completed("status", "--porcelain"),
        completed("for-each-ref"),
        completed("rev-parse", "HEAD"),
        completed("stash", "list"),
    ]
    assert yard.fleet("update").code == 0
    after = [
        completed("status", "--porcelain"),
        completed("for-each-ref"),
        completed("rev-parse", "HEAD"),
        completed("stash", "list"),
    ]
    assert after == before
    assert not (infra / ".git" / "FETCH_HEAD").exists()


def test_the_pipelines_of_the_guide_call_what_is_there() -> None:
    texts = [text for info, text in page("docs/how-to/fleet.md").fences if info == "yaml"]
    assert len(texts) == 2
    known = fleet_group.commands
    calls = [line for text in texts for line in re.findall(r"newservice fleet (.+)", text)]
    assert len(calls) == 2
    for call in calls:
        command, *words = call.split()
        flags = {flag for option in known[command].params for flag in option.opts}
        assert {word for word in words if word.startswith("--")} <= flags
    assert all(isinstance(yaml.safe_load(text), dict) for text in texts)


USED: list[Releases] = []


def unpacked(number: int) -> int:
    USED.append(Releases())  # kept until the process ends, as a run keeps them
    USED[-1].template(USED[-1].all[0].version)
    return number


def test_no_process_leaves_what_it_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert mapped(unpacked, range(8), 3, 2) == list(range(8))
    assert len(list(tmp_path.iterdir())) == len(USED) < 8
    USED.clear()
    assert list(tmp_path.iterdir()) == []


BUILT_IN = Platform.of(TEMPLATE.platform, "built-in")


def test_a_reports_text_has_no_control_characters() -> None:
    place = Place("app\x1b[31m", "stack", "owner/infra", "stacks/app/")
    finding = Finding(
        place, State.CONFLICT, files=(FileNote("a\x1b]0;b\r", "conflict"),), message="a\x07b", hint="c\x1bd"
    )
    found = as_text(Report("fleet update", "homelab", "2.0.0", (finding,), datetime.now(UTC), ("not\x1b checked",)))
    assert not [char for char in found if not char.isprintable() and char != "\n"]


def test_a_pull_request_says_who_applies_shared_stacks() -> None:
    finding = Finding(Place("app", "stack", "owner/infra", "stacks/app/"), State.WAITING, "1.0.0", "2.0.0")
    task = Task(finding, Verb.PUSH, entries=(FileNote("stacks/vault/main.tf", "update"),))
    assert "It never applies `vault`: apply that by hand, before the merge." in body(task, BUILT_IN.infra)
    assert "Apply the stacks" in body(task, BUILT_IN.changed({"infra": {"pipeline": None}}).infra)


def test_a_pull_request_shows_text_as_text() -> None:
    place = Place("app", "stack", "owner/infra", "stacks/app/")
    hostile = "a`|@all\n# <b>x</b>"
    finding = Finding(place, State.WAITING, "1.0.0", "2.0.0", (FileNote(hostile, "update"),))
    files = (File(hostile, b""),)
    text = body(
        Task(finding, Verb.PUSH, files=files, entries=(FileNote(hostile, "add"),), kept=(hostile,), notes=(hostile,)),
        BUILT_IN.infra,
    )
    assert "| `` a`\\|@all # <b>x</b> `` | update |" in text
    assert text.count("- `` a`|@all # <b>x</b> ``") == 2
    assert "> a\\`\\|\\@all # \\<b>x\\</b>" in text
