"""The core of the wizard: what is asked next, going back, and what falls away; no terminal anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from packaging.version import Version

from generator.lifecycle.update import Upgrader
from generator.platform.profile import load_platform
from generator.template.answers import resolve
from generator.template.releases import Releases
from generator.wizard.interview import NEEDS, Interview
from tests.answers import QUESTIONS, RICH, SMALLEST, TEMPLATE, UPSTREAM, answer
from tests.full import few

SHORTEST = (
    *("name", "title", "description", "tier", "kind", "image_source", "language", "image_visibility"),
    *(NEEDS, "memory", "dns", "auth", "access", "homepage", "catalog_section"),
)


def interview(**given: Any) -> Interview:
    return Interview(TEMPLATE, QUESTIONS, given, {"platform": TEMPLATE.platform})


def go(talk: Interview, until: str = "", **said: Any) -> list[str]:
    """Answer what is asked with what is said, else with the default; the steps that were asked."""
    asked = []
    while (step := talk.step) and step.key != until:
        asked.append(step.key)
        if step.question is None:
            talk.tick(item.name for item in step.offers if item.name in said)
        elif step.key in said:
            talk.answer(step.key, said[step.key])
        else:
            talk.answer(step.key, talk.before(step.key).default(step.question))
    return asked


def test_the_simplest_service_takes_fifteen_answers() -> None:
    talk = interview()
    assert tuple(go(talk, **SMALLEST)) == SHORTEST
    assert talk.result == SMALLEST


@pytest.mark.parametrize(
    ("said", "count"),
    few(
        1,
        [
            (SMALLEST, 15),
            (UPSTREAM, 16),
            ({**UPSTREAM, "kind": "worker"}, 11),
            ({**SMALLEST, "kind": "worker"}, 11),
            ({**SMALLEST, "kind": "cronjob"}, 12),
            ({**SMALLEST, **RICH}, 20),
        ],
        apart=True,
    ),
    ids=["web", "upstream", "upstream worker", "worker", "jobs", "rich"],
)
def test_progress_is_counted_over_what_applies(said: Mapping[str, Any], count: int) -> None:
    talk, numbers = interview(), []
    while step := talk.step:
        numbers.append((step.number, step.total))
        go(talk, until=_after(talk, said), **said)
    assert [number for number, _ in numbers] == list(range(1, count + 1))
    assert numbers[-1] == (count, count)


def _after(talk: Interview, said: Mapping[str, Any]) -> str:
    """The key of the step after the next one."""
    ahead, first = talk.copy(), talk.step
    assert first
    if first.question is None:
        ahead.tick(item.name for item in first.offers if item.name in said)
    else:
        default = talk.before(first.key).default(first.question)
        ahead.answer(first.key, said.get(first.key, default))
    return ahead.step.key if ahead.step else ""


def test_the_number_of_questions_follows_the_answers() -> None:
    talk = interview()
    go(talk, until="kind", **SMALLEST)
    assert talk.step
    before = talk.step.total
    talk.answer("kind", "worker")
    assert talk.step
    assert talk.step.total < before


def test_going_back_goes_over_the_border_of_a_group_and_any_number_of_steps() -> None:
    talk = interview()
    go(talk, until="language", **SMALLEST)
    assert talk.step
    assert talk.step.group == "Image"
    seen = []
    while talk.go_back():
        assert talk.step
        seen.append(talk.step.key)
    assert seen == ["image_source", "kind", "tier", "description", "title", "name"]
    assert talk.said("title") == "Notes"


def test_what_no_longer_applies_falls_away_is_kept_aside_and_comes_back() -> None:
    talk = interview()
    go(talk, **SMALLEST, auth="app", auth_reason="its own login")
    assert talk.result["auth_reason"] == "its own login"
    while talk.step is None or talk.step.key != "kind":
        assert talk.go_back()
    talk.answer("kind", "worker")
    assert "auth" not in go(talk)
    assert not {"auth", "auth_reason"} & talk.result.keys()
    assert not {"auth", "auth_reason"} & talk.kept.keys()
    assert "left out" not in str(resolve(TEMPLATE, QUESTIONS, talk.result, talk.facts).notes)
    talk.set("kind", "web")
    assert talk.result["auth_reason"] == "its own login"


def test_a_default_that_was_accepted_follows_what_it_is_derived_from() -> None:
    talk = interview()
    go(talk, **SMALLEST)
    assert talk.kept["catalog_section"] == "Optional"
    talk.set("tier", "core")
    assert talk.step is None
    assert talk.kept["catalog_section"] == "Active Use"
    assert {row.question.name: row.value for row in talk.review}["catalog_section"] == "Active Use"


def test_a_change_asks_what_it_makes_apply() -> None:
    talk = interview()
    go(talk, **SMALLEST)
    talk.set("auth", "none")
    assert go(talk, auth_reason="a public page") == ["auth_reason", "anubis"]
    assert talk.result == {**SMALLEST, "auth": "none", "auth_reason": "a public page"}


def test_a_change_asks_again_what_it_makes_wrong() -> None:
    talk = interview()
    go(talk, **SMALLEST, tier="core", memory="6Gi")
    talk.set("tier", "aux")
    step = talk.step
    assert step
    assert step.key == "memory"
    assert "more than a container of tier aux may have" in step.wrong[0]
    talk.answer("memory", "1Gi")
    assert talk.step is None


def test_an_answer_that_nobody_asks_for_is_asked_again_when_it_becomes_wrong() -> None:
    talk = interview()
    go(talk, **SMALLEST)
    talk.set("replicas", 3)
    talk.set("volumes", [{"name": "data", "mount": "/data"}])
    step = talk.step
    assert step
    assert step.key == "backup"  # it applies now
    go(talk, until="replicas")
    step = talk.step
    assert step
    assert step.key == "replicas"
    assert "belongs to one pod" in step.wrong[0]


def test_only_what_is_ticked_is_asked_and_what_is_not_is_decided() -> None:
    talk = interview()
    assert {"env", "secrets", "database", "volumes"} & set(go(talk, **SMALLEST, database="postgres")) == {"database"}
    assert talk.kept["env"] == {}
    assert talk.kept["volumes"] == []
    assert talk.kept["database"] == "postgres"
    talk.tick([])
    assert "database" not in talk.result
    talk.tick(["database"])
    assert talk.result["database"] == "postgres"  # it was kept aside


def test_what_is_given_is_neither_asked_nor_offered() -> None:
    talk = interview(**SMALLEST, env={"A": "b"}, dns="lan")
    asked = []
    while step := talk.step:
        asked.append(step.key)
        if step.question is None:
            assert [item.name for item in step.offers] == ["secrets", "database", "volumes"]
        go(talk, until=_after(talk, {}))
    assert not {"name", "title", "description", "env", "dns"} & set(asked)
    rows = {row.question.name: row.value for row in talk.review}
    assert rows["env"] == {"A": "b"}
    assert rows["dns"] == "lan"


def test_a_given_answer_can_be_changed_to_the_default() -> None:
    talk = interview(**SMALLEST, dns="lan")
    go(talk)
    talk.set("dns", "proxied")
    assert talk.result["dns"] == "proxied"


def test_what_is_given_and_does_not_apply_is_left_for_the_checks_to_tell() -> None:
    talk = interview(**SMALLEST, image="nginx:1")
    go(talk)
    assert any("'image' was left out" in note for note in resolve(TEMPLATE, QUESTIONS, talk.result).notes)


@pytest.mark.parametrize("said", few(2, [SMALLEST, UPSTREAM, RICH, {**SMALLEST, "kind": "cronjob"}]))
def test_what_is_kept_is_not_asked_again_and_means_the_same(said: Mapping[str, Any]) -> None:
    talk = interview()
    go(talk, **said)
    again = interview(**talk.kept)
    assert again.step is None
    assert answer(again.result).values == answer(talk.result).values


def test_what_was_not_reached_is_not_kept() -> None:
    talk = interview()
    go(talk, until="memory", **SMALLEST)
    again = interview(**talk.kept)
    assert again.step
    assert again.step.key == "memory"


def test_more_is_what_applies_and_is_not_on_the_review() -> None:
    talk = interview()
    go(talk, **SMALLEST)
    more = {row.question.name: row.value for row in talk.more}
    assert {"namespace", "port", "env", "carveouts", "replicas"} <= more.keys()
    assert more["namespace"] == "notes-app"
    assert not {"image", "gpu", "name", "woodpecker_repo_id"} & more.keys()
    talk.set("replicas", 2)
    assert "replicas" in {row.question.name for row in talk.review}
    public = {item.name for item in QUESTIONS if item.public and talk.before(item.name).applies(item) is not False}
    assert {row.question.name for row in [*talk.review, *talk.more]} == public


def test_an_older_template_is_asked_as_it_was() -> None:
    """A released template's own offers, in their place, and its review."""
    maker = Upgrader(Releases(), load_platform(TEMPLATE.platform, environ={})).maker(Version("2.0.0"))
    talk = Interview(maker.template, maker.questions, {}, {"platform": TEMPLATE.platform})
    asked = go(talk, **SMALLEST)
    assert len(asked) == 18
    assert asked[8:10] == ["port", "what it needs"]
    assert talk.result == SMALLEST
