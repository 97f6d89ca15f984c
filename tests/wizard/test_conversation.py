"""The whole conversation with a person who is a script: questions, review, what is kept; no terminal."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

import generator.wizard
from generator.errors import AnswersError
from generator.platform import load_platform
from generator.wizard import ask_anew, ask_text, begin, confirm
from generator.wizard.conversation import Choice, Conversation, Stopped
from tests.answers import QUESTIONS, SMALLEST, TEMPLATE, UPSTREAM
from tests.wizard.script import BACK, ENTER, STOP, Script

PLATFORM = load_platform(TEMPLATE.platform, environ={})
REVIEW, NEEDS = "These are the answers", "What does it need?"
KEEP = "Keep the answers in ./notes-app.answers.yml?"


@pytest.fixture
def talk(monkeypatch: pytest.MonkeyPatch, workdir: Path) -> Any:
    def start(script: Script, **given: Any) -> Conversation:
        monkeypatch.setattr(generator.wizard, "open_prompter", lambda: script)
        return begin(TEMPLATE, QUESTIONS, given, PLATFORM)

    return start


def test_back_at_the_first_question_stays_there(talk: Any) -> None:
    script = Script(("name", BACK), ("name", "notes-app"), ("title", BACK), ("name", ENTER), ("title", STOP))
    with pytest.raises(KeyboardInterrupt):
        talk(script).ask()
    assert script.proposed["name"] == "notes-app"
    assert "this is the first question" in script.text_said
    assert (
        "built-in profile homelab" in script.text_said or "platform homelab (the built-in profile" in script.text_said
    )


def test_a_list_that_was_begun_is_there_when_the_question_comes_again(talk: Any) -> None:
    replies = [("env: name", "A"), ("env: A", "1"), ("env", BACK), (NEEDS, ENTER), ("env", ENTER), ("memory", STOP)]
    script = Script((NEEDS, ["env"]), *replies, enter=True)
    conversation = talk(script, **SMALLEST)
    with pytest.raises(KeyboardInterrupt):
        conversation.ask()
    assert conversation.interview.result["env"] == {"A": "1"}


def test_a_change_on_the_review_can_be_taken_back_with_what_follows_of_it(talk: Any) -> None:
    change = [(REVIEW, "change an answer ..."), ("Change which answer?", "Exposure auth"), ("auth", "app")]
    script = Script(*change, ("auth_reason", BACK), *change, ("auth_reason", "a login"), (REVIEW, ENTER), enter=True)
    conversation = talk(script, **SMALLEST)
    conversation.ask()
    assert conversation.review() == {**SMALLEST, "auth": "app", "auth_reason": "a login"}
    assert "this follows from auth" in script.text_said
    script = Script(*change, ("auth_reason", BACK), (REVIEW, ENTER), enter=True)
    conversation = talk(script, **SMALLEST)
    conversation.ask()
    assert conversation.review() == SMALLEST


def test_the_review_shows_everything_by_group_and_more_shows_the_rest(talk: Any) -> None:
    replies = [(REVIEW, "more questions ..."), ("Answer which question?", "Data replicas"), ("replicas", "2")]
    done = [("Answer which question?", "done"), (REVIEW, BACK), (REVIEW, ENTER)]
    script = Script(*replies, *done, enter=True)
    conversation = talk(script, **SMALLEST)
    conversation.ask()
    assert conversation.review()["replicas"] == 2
    said = " ".join(script.said[-20:])
    for part in ("Keeps notes", "required", "Home Server Admins", "replicas", "Exposure"):
        assert part in said


def test_answers_are_kept_from_the_review_and_from_the_plan(talk: Any, workdir: Path) -> None:
    conversation = talk(Script((REVIEW, "keep and stop"), enter=True), **SMALLEST)
    conversation.ask()
    with pytest.raises(Stopped) as stopped:
        conversation.review()
    kept = workdir / "notes-app.answers.yml"
    assert stopped.value.kept == kept
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    answers = yaml.safe_load(kept.read_text())
    again = talk(Script(), **answers)
    assert again.ask() == answers
    again = talk(Script(("Carry it out?", "keep and stop")), **answers)
    with pytest.raises(Stopped) as stopped:
        again.choose(plan=True)
    assert stopped.value.kept == workdir / "notes-app.answers-2.yml"
    again = talk(Script(("What now?", "stop")), **answers)
    with pytest.raises(Stopped) as stopped:
        again.choose(plan=False)
    assert stopped.value.kept is None


def test_where_nothing_can_be_written_the_person_goes_on(talk: Any, workdir: Path) -> None:
    keep = [(REVIEW, "keep and stop"), (REVIEW, ENTER), ("Carry it out?", "keep and stop"), ("Carry it out?", "stop")]
    script = Script(*keep, (KEEP, ENTER), enter=True)
    conversation = talk(script, **SMALLEST)
    conversation.ask()
    conversation.folder = workdir / "gone"
    assert conversation.review() == SMALLEST
    with pytest.raises(Stopped):
        conversation.choose(plan=True)
    assert conversation.stopped().kept is None
    assert script.through
    assert script.text_said.count("can't be written") == 3


def test_enter_at_the_plan_never_carries_it_out(talk: Any) -> None:
    script = Script(("Carry it out?", ENTER), ("Carry it out?", BACK), ("Carry it out?", "carry it out"))
    conversation = talk(script, **SMALLEST)
    assert [conversation.choose(plan=True) for _ in range(3)] == [Choice.DIFFS, Choice.CHANGE, Choice.CARRY_OUT]


@pytest.mark.parametrize(("reply", "kept"), [(ENTER, True), (False, False), (STOP, False), (BACK, False)])
def test_after_an_interruption_answers_are_kept_only_by_a_yes(
    talk: Any, workdir: Path, reply: object, kept: bool
) -> None:
    conversation = talk(Script(("name", "notes-app"), ("title", STOP), (KEEP, reply)))
    with pytest.raises(KeyboardInterrupt):
        conversation.ask()
    assert bool(conversation.stopped().kept) is kept
    assert [path.name for path in workdir.iterdir()] == ["notes-app.answers.yml"] * kept


def test_who_typed_nothing_is_not_asked_to_keep_it(talk: Any) -> None:
    assert talk(Script(), **SMALLEST).stopped().kept is None


def test_what_was_given_wrong_is_told_before_anything_is_asked(talk: Any) -> None:
    with pytest.raises(AnswersError):
        talk(Script(), tier="auxx")


def test_what_was_given_and_becomes_wrong_is_asked_again(talk: Any) -> None:
    script = Script(("kind", "worker"), ("language", "go"), enter=True)
    conversation = talk(script, **SMALLEST, language="svelte")
    assert conversation.ask()["language"] == "go"
    assert "answers HTTP and nothing else" in script.text_said


def test_questions_of_an_update_can_be_gone_back_to(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(("image", "nginx:1"), ("access", BACK), ("image", "nginx:2"), ("access", ENTER))
    monkeypatch.setattr(generator.wizard, "open_prompter", lambda: script)
    recorded = {key: value for key, value in UPSTREAM.items() if key != "image"}
    found = ask_anew(TEMPLATE, QUESTIONS, ["image", "access"], {}, {"platform": TEMPLATE.platform}, recorded)
    assert found == {"image": "nginx:2", "access": ["Home Server Admins"]}


def test_small_prompts_of_other_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(("Domain", ""), ("Domain", "acme.example"), ("Sure?", True), ("Sure?", BACK), ("Sure?", ENTER))
    monkeypatch.setattr(generator.wizard, "open_prompter", lambda: script)
    found = ask_text("Domain", "x", lambda text: "" if text else "is needed", "Where services are found. " * 5)
    assert found == "acme.example"
    assert "is needed" in script.text_said
    assert [confirm("Sure?") for _ in range(3)] == [True, False, False]
