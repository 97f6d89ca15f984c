"""``create`` with a person who is a script, in this process: what is said, how it ends, and what is left behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import generator.wizard
from tests.checkout import git, infra_checkout
from tests.invoke import Command
from tests.wizard.script import ENTER, STOP, Script
from tests.world import Completed

NAMED = ("--name=notes-app", "--title=Notes", "--description=Keeps notes")
ALL = (*NAMED, "--tier=aux", "--kind=cronjob", "--image-source=upstream", "--image=nginx:1", "--memory=64Mi")
NOTHING_NEEDED = (
    *("--env={}", "--secrets={}", "--db=none", "--volumes=[]"),
    *("--catalog-section=Optional", "--cronjobs=name=run,schedule=@daily"),
)
KEEP = "Save the answers in ./notes-app.answers.yml?"
REVIEW, DECIDE, NOW = "Your answers", "Carry it out?", "What now?"


@pytest.fixture
def create(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], workdir: Path) -> Any:
    """The command with such a person; everything of the script has to be asked."""
    infra_checkout(workdir / "infra")
    command = Command(capsys)

    def start(script: Script, *arguments: str | Path, places: bool = True) -> Completed:
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
        monkeypatch.setattr(generator.wizard, "open_prompter", lambda: script)
        completed = command("create", *(("--no-provision", "--infra", workdir / "infra") if places else ()), *arguments)
        assert script.through, completed
        return completed

    return start


@pytest.mark.parametrize("replies", [[(REVIEW, STOP)], [(REVIEW, ENTER), (DECIDE, "stop")]], ids=["Ctrl-C", "stop"])
def test_who_stops_is_not_refused(create: Any, replies: list[tuple[str, Any]]) -> None:
    completed = create(Script(*replies), *ALL, *NOTHING_NEEDED)
    assert completed.code == 130
    assert "notes-app: stopped; nothing was written" in completed.err
    assert "refused" not in completed.err


def test_a_plan_that_is_refused_is_tried_again_once_it_can_be(create: Any, workdir: Path) -> None:
    """Who gave everything is at a menu as well: what stands in the way is taken away, and tried again."""
    (workdir / "notes-app.txt").write_text("")
    inside = workdir / "infra" / "x"

    class Person(Script):
        def _reply(self, label: str) -> Any:
            if label == NOW:
                link.unlink()
            return super()._reply(label)

    link = workdir / "service"
    link.symlink_to(inside)
    person = Person((REVIEW, ENTER), (NOW, "try again"), (DECIDE, "carry it out"))
    owned = ("--image-source=owned", "--language=go", "--image-visibility=public")
    given = (item for item in (*ALL, *NOTHING_NEEDED) if "image" not in item)
    completed = create(person, *given, *owned, "--service-dir", link)
    assert completed.code == 0, completed
    assert f"{link} is a symbolic link to {inside}" in completed.err
    assert (link / ".copier-answers.yml").is_file()


def test_stopping_at_a_refused_plan_ends_as_refused(create: Any, workdir: Path) -> None:
    inside = ("--service-dir", workdir / "infra" / "x")
    script = Script((REVIEW, ENTER), (NOW, "stop"), (KEEP, False), enter=True)
    completed = create(script, *NAMED, *inside)
    assert completed.code == 2
    assert not (workdir / "notes-app.answers.yml").exists()
    script = Script((REVIEW, ENTER), (NOW, "stop"), (KEEP, ENTER), enter=True)
    completed = create(script, *NAMED, *inside)
    assert completed.code == 130
    assert yaml.safe_load((workdir / "notes-app.answers.yml").read_text())["language"] == "python"


def test_answers_that_went_home_are_taken_up_from_there(
    create: Any, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(workdir / "infra"))
    monkeypatch.setattr("tempfile.mkstemp", _only_below(workdir / "infra"))
    replies = [("memory", STOP), (KEEP, ENTER), ("Save the answers where?", ENTER)]
    completed = create(Script(*replies, enter=True), *NAMED)
    assert completed.code == 130
    kept = workdir / "infra" / "notes-app.answers.yml"
    assert f"--answers {kept} --infra" in completed.out
    assert f"the answers are saved in {kept}, and nothing else was written" in completed.err


def _only_below(folder: Path) -> Any:
    from tempfile import mkstemp

    def make(**options: Any) -> tuple[int, str]:
        if Path(options["dir"]) != folder:
            raise PermissionError(13, "Permission denied")
        return mkstemp(**options)

    return make


def test_ctrl_c_where_a_secret_is_typed_keeps_the_answers(
    create: Any, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """He agreed, and nothing is written yet."""

    def stop(_: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(generator.wizard, "ask_secret", stop)
    given = ("--secrets=TOKEN=token", "--seed=token=prompt", "--sandbox")
    script = Script((REVIEW, ENTER), (DECIDE, "carry it out"), (KEEP, ENTER), enter=True)
    completed = create(script, *NAMED, *given, places=False)
    assert completed.code == 130, completed
    assert "the answers are saved in ./notes-app.answers.yml, and nothing else was written" in completed.err
    assert yaml.safe_load((workdir / "notes-app.answers.yml").read_text())["secrets"] == {"TOKEN": "token"}


@pytest.mark.parametrize("way", [str, lambda value: value.encode().hex()], ids=["as it is", "hex"])
def test_a_credential_that_is_typed_is_refused_and_never_saved(
    create: Any, workdir: Path, way: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The person is shown which answer it is, and may correct it; what he saves instead lacks it."""
    token = "ghp_0123456789abcdef"
    monkeypatch.setenv("GITHUB_TOKEN", token)
    written = way(token)
    script = Script(("description", f"Keeps {written}"), (REVIEW, ENTER), (NOW, "stop"), (KEEP, ENTER), enter=True)
    completed = create(script, "--name=notes-app", "--title=Notes")
    assert completed.code in (2, 130), completed
    assert "description: the answer holds a credential" in " ".join((script.text_said + completed.err).split())
    assert "description contains one of your credentials, and is not saved" in script.text_said
    assert written not in (workdir / "notes-app.answers.yml").read_text()
    assert git(workdir / "infra", "status", "--porcelain") == ""


def test_nobody_agrees_to_a_plan_that_is_not_shown(create: Any, workdir: Path) -> None:
    completed = create(Script(), *NAMED, "--quiet")
    assert completed.code == 2
    assert "a plan that --quiet doesn't show can't be confirmed" in completed.err
    assert create(Script(enter=True), *NAMED, "--quiet", "--yes").code == 0
    assert git(workdir / "infra", "status", "--porcelain") != ""


def test_a_file_with_a_wrong_answer_is_taken_up_and_a_wrong_flag_is_reported(create: Any, workdir: Path) -> None:
    file = workdir / "mine.yml"
    file.write_text("{name: notes-app, title: Notes, description: Keeps notes, tier: auxx, port: none}")
    script = Script(("tier", ENTER), ("port", "8081"), (REVIEW, ENTER), (DECIDE, "carry it out"), enter=True)
    completed = create(script, "--answers", file)
    assert completed.code == 0, completed
    assert "must be one of core" in script.text_said
    assert create(Script(), "--answers", file, "--tier=edg").code == 2
    assert create(Script(), "--answers", file, "--set", "tier=edg").code == 2
