"""The first question of a person at the terminal: what the service starts from, and what each answer leads to."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import generator.wizard
from tests.adoption.histories import a_clone, on_forgejo
from tests.answers import SMALLEST
from tests.wizard.script import BACK, ENTER, STOP, Script
from tests.world import Completed, World

START, REPOSITORY, COMPOSE = "What do you start from?", "Repository", "Docker Compose file"
REVIEW, DECIDE = "Your answers", "Carry it out?"
CARRY_OUT = ((REVIEW, ENTER), (DECIDE, "carry it out"))
FILE = """
services:
  app:
    image: ghcr.io/example/papers:2.1
    depends_on: [db]
    ports: ["8000:8000"]
    environment:
      DATABASE_HOST: db
      DATABASE_PASSWORD: sdfjhskjdfh3874skjh
      SITE: "https://${DOMAIN:?}/papers"
      COLOUR: blue
  db:
    image: postgres:16
    environment: {POSTGRES_USER: papers, POSTGRES_DB: papers, POSTGRES_PASSWORD: sdfjhskjdfh3874skjh}
  reads: {image: "ghcr.io/example/reads:1"}
"""
Say = Callable[..., Completed]


@pytest.fixture
def say(world: World, monkeypatch: pytest.MonkeyPatch) -> Say:
    """The command with a person at the terminal; everything of the script has to be asked."""
    monkeypatch.chdir(world.folder)

    def start(script: Script, *arguments: str) -> Completed:
        with monkeypatch.context() as patch:
            patch.setattr("sys.stdin.isatty", lambda: True, raising=False)
            patch.setattr("sys.stdout.isatty", lambda: True, raising=False)
            patch.setattr(generator.wizard, "open_prompter", lambda: script)
            places = ("--platform", str(world.sandbox.profile), "--infra", str(world.sandbox.infra))
            completed = world.tell([*arguments, *places])
        assert script.through, completed
        return completed

    return start


def test_new_code_is_the_default_and_settles_where_the_image_comes_from(say: Say, world: World) -> None:
    script = Script((START, ENTER), ("name", "notes-app"), ("description", "Keeps notes"), *CARRY_OUT, enter=True)
    done = say(script, "create")
    assert done.code == 0, done
    assert script.asked[0] == START
    assert "image_source" not in script.asked
    assert [option.title for option in script.shown[START]] == ["new code", "existing code", "an image"]
    assert world.canonical("notes-app").bare.file(world.branch, "pyproject.toml")


@pytest.mark.parametrize(
    "settled",
    [
        ("--image-source", "owned"),
        ("--language", "go"),
        ("--image", "nginx:1", "--image-source", "upstream"),
        ("--template", "3.0.0"),
    ],
)
def test_what_was_given_settles_it(say: Say, settled: tuple[str, ...]) -> None:
    script = Script(("name", STOP), enter=True)
    assert say(script, "create", *settled).code == 130
    assert START not in script.asked


def test_a_service_that_was_begun_is_not_asked_again(say: Say, world: World) -> None:
    assert world.run("create", SMALLEST).code == 0
    script = Script((REVIEW, STOP), enter=True)
    assert say(script, "create", str(SMALLEST["name"])).code == 130
    assert START not in script.asked


def test_existing_code_leads_into_the_adoption(say: Say, world: World) -> None:
    """A wrong name is asked again; what was found is shown with its place, and only what is open is asked."""
    on_forgejo(world)
    begin = [(START, "existing code"), (REPOSITORY, "nowhere"), (REPOSITORY, "./nothing"), (REPOSITORY, "invoices")]
    script = Script(*begin, ("ci_test", "none"), *CARRY_OUT, enter=True)
    done = say(script, "create")
    assert done.code == 0, done
    assert "there is no repository viktor/nowhere" in script.text_said
    assert "neither a name, OWNER/NAME nor a clone" in script.text_said
    assert "port found 8000 (Dockerfile:3)" in " ".join(done.err.split() + done.out.split())
    assert not {"name", "title", "description", "language", "port", "dockerfile"} & set(script.asked)
    canonical = world.canonical("invoices")
    (pull,) = canonical.pulls.values()
    recorded = yaml.safe_load(canonical.bare.file(pull.head, ".copier-answers.yml") or b"")
    assert (recorded["adopted"], recorded["port"], recorded["ci_test"]) == (True, 8000, "none")
    assert canonical.description.endswith("(adopted by newservice)")
    again = say(Script((REVIEW, ENTER), enter=True), "adopt-repository", "invoices")
    assert again.code == 0, again


def test_what_no_file_says_is_asked_with_the_reason(say: Say, world: World) -> None:
    """A clone without a Dockerfile: its command has two candidates, and neither is it."""
    clone = a_clone(world, "bookbox")
    for name in ("Dockerfile", "app/__main__.py"):
        (clone / name).unlink()
    for name in ("main.py", "run.py"):
        (clone / name).write_text('if __name__ == "__main__":\n    pass\n')
    subprocess.run(["git", "add", "--all"], cwd=clone, check=True)
    subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qm", "x"], cwd=clone, check=True)
    begin = [(START, "existing code"), (REPOSITORY, "./bookbox")]
    choose = [("ci_test", BACK), (REPOSITORY, ENTER), ("ci_test", "none"), ("command", BACK), ("ci_test", "none")]
    again = [("command", "something else ..."), ("description", "Keeps books")]
    script = Script(
        *begin, *choose, *again, ("port", "8000"), ("command", ""), ("command", "flask run"), *CARRY_OUT, enter=True
    )
    done = say(script, "create")
    assert done.code == 0, done
    assert "2 commands may start it" in script.text_said
    assert "does not say on which port" in script.text_said
    assert "the proposed Dockerfile needs one" in script.text_said
    canonical = world.canonical("bookbox")
    (pull,) = canonical.pulls.values()
    assert b'CMD ["flask", "run"]' in (canonical.bare.file(pull.head, "Dockerfile") or b"")


def test_an_image_comes_from_a_compose_file(say: Say, world: World) -> None:
    """The file answers what it can, with the place; the secret's value goes nowhere, and what is missing is asked."""
    (world.folder / "compose.yaml").write_text(FILE)
    which = "Which of its services?"
    begin = [(START, "an image"), (COMPOSE, "nowhere.yaml"), (COMPOSE, "compose.yaml"), (which, BACK)]
    begin += [(COMPOSE, ENTER), (which, "app")]
    site = [("env", "add ..."), ("env: name", "SITE"), ("env: SITE", "https://{host}/papers"), ("env", "done")]
    script = Script(*begin, ("description", "Finds letters"), *site, *CARRY_OUT, enter=True)
    done = say(script, "create")
    assert done.code == 0, done
    assert "nowhere.yaml" in script.text_said
    assert not {"image", "image_source", "port"} & set(script.asked)
    head = "newservice/papers"
    recorded = yaml.safe_load(world.infra.bare.file(head, "stacks/papers/.copier-answers.yml") or b"")
    assert recorded["image"] == "ghcr.io/example/papers:2.1"
    assert recorded["env"]["COLOUR"] == "blue"
    assert recorded["env"]["SITE"] == "https://{host}/papers"
    assert recorded["database"]["engine"] == "postgres"
    assert "sdfjhskjdfh3874skjh" not in done.out + done.err + script.text_said + str(recorded)


def test_an_image_without_a_file_is_asked_about_as_before(say: Say) -> None:
    script = Script((START, "an image"), (COMPOSE, ENTER), ("image", STOP), enter=True)
    assert say(script, "create", "--name=reader", "--title=R", "--description=R").code == 130
    assert "language" not in script.asked


def test_going_back_leads_to_the_first_question_and_loses_nothing(say: Say) -> None:
    """From a repository, from a file, and from the questions; there it stays."""
    there = [(START, BACK), (START, "existing code"), (REPOSITORY, BACK), (START, "an image"), (COMPOSE, BACK)]
    typed = [(START, "new code"), ("name", "notes-app"), ("title", BACK), ("name", BACK)]
    script = Script(*there, *typed, (START, "an image"), (COMPOSE, ENTER), ("name", STOP), enter=True)
    assert say(script, "create").code == 130
    assert "this is the first question" in script.text_said
    assert script.proposed["name"] == "notes-app"


@pytest.mark.parametrize("where", [START, REPOSITORY, "ci_test"])
def test_stopping_there_writes_nothing(say: Say, world: World, where: str) -> None:
    on_forgejo(world)
    before = [(START, "existing code"), (REPOSITORY, "invoices"), ("ci_test", STOP)]
    at = [START, REPOSITORY, "ci_test"].index(where)
    done = say(Script(*before[:at], (where, STOP)), "create")
    assert (done.code, "stopped; nothing was written" in done.out + done.err) == (130, True)
    assert not [item for item in world.sandbox.journal if item.method not in ("GET", "HEAD")]


def test_saved_answers_of_an_adoption_continue_as_one(say: Say, world: World) -> None:
    on_forgejo(world)
    script = Script((START, "existing code"), (REPOSITORY, "invoices"), (REVIEW, "save and stop"), enter=True)
    done = say(script, "create")
    assert done.code == 130, done
    assert "newservice adopt-repository invoices --answers invoices.answers.yml" in done.out
    script = Script(*CARRY_OUT, enter=True)
    done = say(script, "adopt-repository", "invoices", "--answers", "invoices.answers.yml")
    assert done.code == 0, done
    assert set(script.asked) == {REVIEW, DECIDE}
    assert not Path(world.folder / "invoices.answers.yml").exists() or "answers" in done.out
