"""``change`` with a person who is a script: the review of recorded answers, the plan, and names typed at a gate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import generator.wizard
from tests.answers import RICH
from tests.change.forge import PREFIX, recorded, waiting
from tests.wizard.script import BACK, ENTER, Script
from tests.world import Completed, World

NAME = RICH["name"]
REVIEW, WHICH, DECIDE, NOW = "Your answers", "Change which answer?", "Carry it out?", "What now?"
ANOTHER = (REVIEW, "change an answer ...")
LOST = "Type database to agree"

Person = Callable[..., Completed]


@pytest.fixture
def person(world: World, monkeypatch: pytest.MonkeyPatch) -> Person:
    """The command with a person at a terminal, for a service that is merged; all of the script has to be asked."""
    world.have(RICH)
    world.merge(NAME)
    platform = ("--platform", str(world.sandbox.profile), "--infra", str(world.sandbox.infra))

    def start(script: Script, *more: str) -> Completed:
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
        monkeypatch.setattr(generator.wizard, "open_prompter", lambda: script)
        before = sorted(Path.cwd().iterdir())
        completed = world.tell(["change", NAME, *platform, *more])
        assert script.through, completed
        assert sorted(Path.cwd().iterdir()) == before, "what is recorded needs no file with answers"
        return completed

    return start


def written(world: World) -> str:
    """What the stack records on the change's branch."""
    return (world.infra.bare.file(f"{PREFIX}{NAME}", f"stacks/{NAME}/.copier-answers.yml") or b"").decode()


def test_an_answer_is_changed_and_what_follows_from_it(world: World, person: Person) -> None:
    """Nothing is asked before the review, which shows the recorded answers; the plan shows old and new."""
    script = Script(ANOTHER, (WHICH, "Runtime memory"), ("memory", "512Mi"), (REVIEW, ENTER), (DECIDE, "carry it out"))
    done = person(script)
    assert done.code == 0, done
    assert script.asked[0] == REVIEW
    assert "City Guide exists; these are its recorded answers." in script.text_said
    assert "Runtime" in script.text_said
    assert script.proposed["memory"] == "256Mi"
    assert "Answers\n" in done.out
    assert " ".join(done.out.split()).count("~ memory 256Mi -> 512Mi ~ memory_limit 512Mi -> 1024Mi") == 1
    assert waiting(world, NAME) == ["infra"]
    assert "memory: 512Mi\nmemory_limit: 1024Mi" in written(world)


def test_a_plan_may_be_changed_again(world: World, person: Person) -> None:
    """Each plan is that of the answers as they are then, from the recorded ones."""
    title = (WHICH, "Service title")
    first = (ANOTHER, (WHICH, "Runtime memory"), ("memory", "512Mi"), (REVIEW, ENTER), (DECIDE, "change an answer"))
    back = (ANOTHER, (WHICH, "Runtime memory"), ("memory", "256Mi"), ANOTHER, title, ("title", "The Guide"))
    done = person(Script(*first, *back, (REVIEW, ENTER), (DECIDE, "carry it out")))
    assert done.code == 0, done
    last = done.out.split("Change of city-guide")[-2]
    assert "City Guide -> The Guide" in last
    assert "memory" not in last.split("Answers")[-1]
    assert "title: The Guide" in written(world)
    assert "memory: 256Mi" in written(world)


def test_another_answer_may_bring_up_a_question(person: Person) -> None:
    """What newly applies is asked at once, and going back undoes all of it."""
    script = Script(ANOTHER, (WHICH, "Service kind"), ("kind", "cronjob"), ("cronjobs", BACK), (REVIEW, "stop"))
    done = person(script)
    assert (done.code, "stopped; nothing was written" in done.err) == (130, True)
    assert "this follows from kind" in script.text_said


def test_who_only_looks_changes_nothing(world: World, person: Person) -> None:
    before = recorded(world, NAME)
    done = person(Script((REVIEW, ENTER)))
    assert (done.code, "nothing differs from what the service has" in done.out) == (0, True), done
    assert person(Script((REVIEW, "stop"))).code == 130
    assert (recorded(world, NAME), waiting(world, NAME)) == (before, [])


def test_a_rename_is_refused_and_the_review_is_back(world: World, person: Person) -> None:
    rename = (ANOTHER, (WHICH, "Service name"), ("name", "town-guide"), (REVIEW, ENTER))
    done = person(Script(*rename, (NOW, "stop")))
    assert done.code == 4
    assert "can't be renamed" in done.err
    assert waiting(world, NAME) == []


def test_what_is_lost_is_typed(world: World, person: Person) -> None:
    """In place of --accept-loss; anything else is a no."""
    gone: list[tuple[str, Any]] = [ANOTHER, (WHICH, "Data database"), ("database", "none"), (REVIEW, ENTER)]
    done = person(Script(*gone, (LOST, "yes"), (NOW, "stop")))
    assert done.code == 4
    assert "--accept-loss database" in done.err
    assert waiting(world, NAME) == []
    script = Script(*gone, (LOST, "database"), (DECIDE, "carry it out"))
    assert person(script).code == 0
    assert "Save it first" in script.text_said
    assert "database: none" in written(world)


def test_flags_on_a_terminal_go_to_the_plan(world: World, person: Person) -> None:
    """No review; the gate and the plan are confirmed."""
    script = Script((LOST, "database"), ("Carry out this plan?", True))
    done = person(script, "--db", "none")
    assert done.code == 0, done
    assert "database                  postgres -> none" in done.out.split("Change of")[0]
    assert "infra" in waiting(world, NAME)


def test_what_is_opened_is_typed(world: World, person: Person) -> None:
    agree = "Type image_visibility to agree"
    refused = person(Script((agree, "y")), "--image-visibility", "public")
    assert (refused.code, "--open" in refused.err) == (4, True)
    assert world.canonical(NAME).private
    done = person(Script((agree, "image_visibility"), ("Carry out this plan?", True)), "--image-visibility", "public")
    assert done.code == 0, done
    assert not world.canonical(NAME).private


def test_a_new_secrets_value_is_typed(world: World, person: Person) -> None:
    """As in create: after the plan was agreed to, twice, without echo."""
    script = Script(("Carry out this plan?", True))
    asked: list[str] = []

    def ask(name: str) -> str:
        asked.append(name)
        return "a-typed-value"

    generator.wizard.ask_secret, before = ask, generator.wizard.ask_secret
    try:
        done = person(script, "--secrets", "MAIL_TOKEN=mail_token", "--seed", "mail_token=prompt")
    finally:
        generator.wizard.ask_secret = before
    assert done.code == 0, done
    assert asked == ["mail_token"]
    assert world.sandbox.vault.read(NAME)["mail_token"] == "a-typed-value"
    assert "a-typed-value" not in done.out + done.err
