"""The whole conversation with a person who is a script: questions, review, what is kept; no terminal."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.version import Version

import generator.wizard
from generator.base.errors import AnswersError
from generator.engine.versions import Versions
from generator.platform.profile import load_platform
from generator.template.releases import Releases
from generator.wizard import ask_again, ask_text, begin, confirm
from generator.wizard.conversation import Choice, Conversation, Stopped
from tests.answers import QUESTIONS, SMALLEST, TEMPLATE, UPSTREAM
from tests.wizard.script import BACK, ENTER, STOP, Script

PLATFORM = load_platform(TEMPLATE.platform, environ={})
REVIEW, NEEDS = "Your answers", "What does it need?"
KEEP = "Save the answers in ./notes-app.answers.yml?"


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
    conversation = talk(Script((REVIEW, "save and stop"), enter=True), **SMALLEST)
    conversation.ask()
    with pytest.raises(Stopped) as stopped:
        conversation.review()
    kept = workdir / "notes-app.answers.yml"
    assert stopped.value.kept == kept
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    answers = yaml.safe_load(kept.read_text())
    again = talk(Script(), **answers)
    assert again.ask() == answers
    again = talk(Script(("Carry it out?", "save and stop")), **answers)
    with pytest.raises(Stopped) as stopped:
        again.choose(plan=True)
    assert stopped.value.kept == workdir / "notes-app.answers-2.yml"
    again = talk(Script(("What now?", "stop")), **answers)
    with pytest.raises(Stopped) as stopped:
        again.choose(plan=False)
    assert stopped.value.kept is None


ELSEWHERE = "Save the answers where?"


def test_where_nothing_can_be_written_the_person_goes_on(talk: Any, workdir: Path) -> None:
    replies = [(REVIEW, "save and stop"), (ELSEWHERE, BACK), (REVIEW, ENTER)]
    plan = [("Carry it out?", "save and stop"), (ELSEWHERE, BACK), ("Carry it out?", "stop")]
    script = Script(*replies, *plan, (KEEP, ENTER), (ELSEWHERE, "nowhere"), enter=True)
    conversation = talk(script, **SMALLEST)
    conversation.ask()
    conversation.folder = workdir / "gone"
    assert conversation.review() == SMALLEST
    with pytest.raises(Stopped) as stopped:
        conversation.choose(plan=True)
    assert stopped.value.kept is None
    assert script.through
    assert script.text_said.count("can't be written") == 3


def test_what_the_folder_can_not_hold_goes_home_to_a_named_place_or_onto_the_screen(
    talk: Any, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C, yes, in a folder that can't be written: nothing that was typed is lost."""
    home = workdir / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))

    def stop(*replies: tuple[str, Any]) -> tuple[Path | None, Script]:
        script = Script(("name", "notes-app"), ("title", STOP), (KEEP, ENTER), *replies)
        conversation = talk(script)
        conversation.folder = workdir / "gone"
        with pytest.raises(KeyboardInterrupt):
            conversation.ask()
        kept = conversation.stopped().kept
        assert script.through
        return kept, script

    kept, script = stop((ELSEWHERE, ENTER))
    assert kept == home / "notes-app.answers.yml"
    assert yaml.safe_load(kept.read_text()) == {"name": "notes-app"}
    assert "~/notes-app.answers.yml" in str(script.shown[ELSEWHERE])
    named = [(ELSEWHERE, "somewhere else ..."), ("File or folder", str(workdir / "gone" / "x"))]
    kept, _ = stop(*named, (ELSEWHERE, "somewhere else ..."), ("File or folder", "~"))
    assert kept == home / "notes-app.answers-2.yml"
    kept, _ = stop((ELSEWHERE, "somewhere else ..."), ("File or folder", "mine.yml"))
    assert kept == workdir / "mine.yml"
    kept, script = stop((ELSEWHERE, "on the screen"))
    assert kept is None
    assert "name: notes-app\n" in script.said


def test_ctrl_c_inside_of_an_answer_keeps_what_is_right_of_it(talk: Any, workdir: Path) -> None:
    """What was ticked and not reached is no answer yet: it is asked when the file is taken up."""
    entries = [("env: name", "A"), ("env: A", "1"), ("env", "add ..."), ("env: name", "B"), ("env: B", "2")]
    script = Script((NEEDS, ["env", "secrets"]), *entries, ("env", STOP), (KEEP, ENTER), enter=True)
    conversation = talk(script, **SMALLEST)
    with pytest.raises(KeyboardInterrupt):
        conversation.ask()
    assert conversation.stopped().kept == workdir / "notes-app.answers.yml"
    answers = yaml.safe_load((workdir / "notes-app.answers.yml").read_text())
    assert answers["env"] == {"A": "1", "B": "2"}
    assert answers["volumes"] == []
    assert not {"secrets", "memory"} & answers.keys()


def test_what_is_proposed_for_a_ticked_question_is_kept_only_once_it_is_taken(talk: Any) -> None:
    script = Script((NEEDS, ["database"]), ("database", STOP), enter=True)
    conversation = talk(script, **SMALLEST)
    with pytest.raises(KeyboardInterrupt):
        conversation.ask()
    assert script.shown["database"][1].value == ("postgres",)
    assert "database" not in conversation.interview.kept


def test_ctrl_c_inside_of_a_form_on_the_review_keeps_what_is_right_of_it(talk: Any) -> None:
    change = [(REVIEW, "change an answer ..."), ("Change which answer?", "Listing homepage")]
    script = Script(*change, ("homepage", "icon"), ("homepage: icon", "map"), ("homepage", STOP), enter=True)
    conversation = talk(script, **SMALLEST)
    conversation.ask()
    with pytest.raises(KeyboardInterrupt):
        conversation.review()
    assert conversation.interview.kept["homepage"] == {"enabled": True, "icon": "map"}


def test_a_menu_that_was_only_looked_at_is_no_answer(talk: Any) -> None:
    """Its default goes with what it is derived from: a job without a command is right for kind cronjob alone."""
    back = [("kind", "cronjob"), (NEEDS, []), ("memory", ENTER), ("cronjobs", BACK), ("memory", BACK), (NEEDS, BACK)]
    again = [("image_visibility", BACK), ("language", BACK), ("image_source", BACK), ("kind", "web")]
    script = Script(*back, *again, enter=True)
    conversation = talk(script, **SMALLEST)
    assert conversation.ask() == SMALLEST
    assert script.through
    assert "without command or args" not in script.text_said


def test_a_default_that_is_wrong_is_asked_and_stands_on_the_review(talk: Any) -> None:
    """The host comes from the name, and the platform's own hosts belong to nobody else."""
    script = Script(("host", ENTER), ("host", "numbers"), ("dns", ENTER), enter=True)
    conversation = talk(script, **{**SMALLEST, "name": "grafana"})
    assert conversation.ask()["host"] == "numbers"
    assert "host: 'grafana' belongs to the platform itself; choose another host" in script.text_said
    assert "host" in {row.question.name for row in conversation.interview.review}
    script = Script(("name", "default"), ("title", ENTER), ("description", "x"), ("namespace", "plain"), enter=True)
    conversation = talk(script)
    assert conversation.ask()["namespace"] == "plain"
    assert script.asked.index("namespace") == 3
    assert "leave it out" not in script.text_said


def test_after_a_refused_plan_it_can_be_tried_again_and_stopping_offers_to_keep(talk: Any, workdir: Path) -> None:
    now = [("What now?", "try again"), ("What now?", ENTER), ("What now?", "stop"), (KEEP, ENTER)]
    script = Script(("description", "Keeps notes"), *now, enter=True)
    conversation = talk(script, name="notes-app", title="Notes")
    conversation.ask()
    assert [conversation.choose(plan=False) for _ in range(2)] == [Choice.AGAIN, Choice.CHANGE]
    with pytest.raises(Stopped) as stopped:
        conversation.choose(plan=False)
    assert stopped.value.kept == workdir / "notes-app.answers.yml"


def test_what_is_wrong_in_a_file_that_was_edited_by_hand_is_asked(
    monkeypatch: pytest.MonkeyPatch, workdir: Path
) -> None:
    written = """
        {title: 5, tier: auxx, env: {1A: x, DAY: 2026-01-01, N: }, command: [1], volumes: data, redis: [1],
        homepage: {icn: map, icon: map}, outage_page: maybe}
    """
    day = [("env", "remove ..."), ("env: remove", "1A"), ("env", "change DAY"), ("env: DAY", ENTER)]
    env = [*day, ("env", "change N"), ("env: N", ""), ("env", ENTER)]
    disk = [("volumes 1: name", "data"), ("volumes 1: kind", ENTER), ("volumes 1: mount", "/data")]
    given = {**SMALLEST, **yaml.safe_load(written)}
    replies = [("title", ENTER), ("tier", ENTER), ("command", "1"), *env, *disk]
    script = Script(*replies, enter=True)
    monkeypatch.setattr(generator.wizard, "open_prompter", lambda: script)
    found = begin(TEMPLATE, QUESTIONS, given, PLATFORM, None, given.keys() - {"name"}).ask()
    assert script.through
    assert found["title"] == "5"
    assert found["env"] == {"DAY": "2026-01-01", "N": ""}
    assert found["command"] == ["1"]
    assert found["homepage"] == {"icon": "map"}
    assert found["outage_page"] is False
    assert "must be one of" in script.text_said
    with pytest.raises(AnswersError):  # what a flag says is told, and so is a question that there is not
        begin(TEMPLATE, QUESTIONS, given, PLATFORM, None, given.keys() - {"tier"})
    with pytest.raises(AnswersError):
        begin(TEMPLATE, QUESTIONS, {**SMALLEST, "memroy": "1Gi"}, PLATFORM, None, {"memroy"})


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


def test_what_was_given_wrong_is_reported_before_anything_is_asked(talk: Any) -> None:
    with pytest.raises(AnswersError):
        talk(Script(), tier="auxx")


def test_what_was_given_and_becomes_wrong_is_asked_again(talk: Any) -> None:
    script = Script(("kind", "worker"), ("language", "go"), enter=True)
    conversation = talk(script, **SMALLEST, language="svelte")
    assert conversation.ask()["language"] == "go"
    assert "svelte does not go with kind worker" in script.text_said


def test_questions_of_an_update_can_be_gone_back_to(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(("image", "nginx:1"), ("access", BACK), ("image", "nginx:2"), ("access", ENTER))
    monkeypatch.setattr(generator.wizard, "open_prompter", lambda: script)
    recorded = {key: value for key, value in UPSTREAM.items() if key != "image"}
    found = ask_again(TEMPLATE, QUESTIONS, ["image", "access"], {}, {"platform": TEMPLATE.platform}, recorded)
    assert found == {"image": "nginx:2", "access": ["Home Server Admins"]}


def test_small_prompts_of_other_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(("Domain", ""), ("Domain", "acme.example"), ("Sure?", True), ("Sure?", BACK), ("Sure?", ENTER))
    monkeypatch.setattr(generator.wizard, "open_prompter", lambda: script)
    found = ask_text("Domain", "x", lambda text: "" if text else "is needed", "Where services are found. " * 5)
    assert found == "acme.example"
    assert "is needed" in script.text_said
    assert [confirm("Sure?") for _ in range(3)] == [True, False, False]


@pytest.mark.parametrize("version", [release.version for release in Releases().all], ids=str)
def test_every_earlier_version_can_be_asked_with_enter_alone(monkeypatch: pytest.MonkeyPatch, version: Version) -> None:
    maker, script = Versions(Releases(), PLATFORM).maker(version), Script(enter=True)
    monkeypatch.setattr(generator.wizard, "open_prompter", lambda: script)
    conversation = begin(maker.template, maker.questions, dict(SMALLEST), PLATFORM, facts=maker.facts(PLATFORM))
    conversation.ask()
    assert conversation.review() == SMALLEST
    assert {"env", "secrets", "volumes"} <= {option.value for option in script.shown[NEEDS]}
