"""An update from a version before 3 loses no volume, stops no job that runs, and adds what nobody has to ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from generator.base.errors import AnswersError
from generator.engine.project import Project
from generator.engine.recorded import read_recorded
from generator.engine.versions import Versions
from generator.infra_repo.trees import Files
from generator.platform.profile import load_platform
from generator.template.amendment import Amendment
from generator.template.answers import Answers, resolve
from generator.template.releases import Releases
from tests.answers import QUESTIONS, SMALLEST, TEMPLATE

MEDIA = {"name": "media", "mount": "/media", "kind": "nfs"}
JOB: dict[str, Any] = {"name": "tidy", "schedule": "@daily", "command": ["tidy"]}
ADOPTED = {"deployment": "old"}
NOTE = "nothing ever stops the jobs tidy"


def updated(given: dict[str, Any] | None = None, **recorded: Any) -> Answers:
    """The answers of a service that an earlier version recorded, with what is answered now."""
    return resolve(TEMPLATE, QUESTIONS, given or {}, recorded={**SMALLEST, "names": {}, "hardening": {}, **recorded})


def test_a_critical_service_on_the_file_server_is_asked_and_keeps_its_volume() -> None:
    with pytest.raises(AnswersError) as caught:
        updated(tier="core", volumes=[MEDIA])
    (problem,) = caught.value.problems
    assert (problem.code, problem.question) == ("answer.missing", "volumes")
    assert "no longer valid" in problem.message
    assert "critical: false" in problem.message
    answered = updated({"volumes": [{**MEDIA, "critical": False}]}, tier="core", volumes=[MEDIA])
    assert answered.context["drives"][0]["path"] == "/srv/nfs/notes-app/media"
    moved = updated({"tier": "edge"}, tier="core", volumes=[MEDIA])
    assert moved.values["volumes"] == [MEDIA]


def test_jobs_that_ran_without_a_deadline_keep_none_and_are_named() -> None:
    answers = updated(cronjobs=[JOB])
    assert answers.values["job_deadline"] == 0
    assert [job["deadline_seconds"] for job in answers.context["jobs"]] == [None]
    assert [note for note in answers.notes if NOTE in note]
    again = resolve(TEMPLATE, QUESTIONS, {}, recorded=answers.values)
    assert again.values["job_deadline"] == 0
    asked = updated({"job_deadline": 600}, cronjobs=[JOB])
    assert [job["deadline_seconds"] for job in asked.context["jobs"]] == [600]
    assert not [note for note in asked.notes if NOTE in note]


def test_a_service_that_gets_its_first_job_later_has_a_deadline_for_it() -> None:
    answers = updated()
    assert answers.values["job_deadline"] == 3600
    later = resolve(TEMPLATE, QUESTIONS, {"cronjobs": [JOB]}, recorded=answers.values)
    assert [job["deadline_seconds"] for job in later.context["jobs"]] == [3600]


def test_an_answer_of_an_adopted_stack_follows_no_other(tmp_path: Path) -> None:
    """It is what a new service would have, and stays when something else changes."""
    platform = load_platform(TEMPLATE.platform, environ={})
    answers = resolve(TEMPLATE, QUESTIONS, {**SMALLEST, "cronjobs": [JOB], "names": ADOPTED, "job_deadline": 3600})
    project = Project(TEMPLATE, platform, answers, tmp_path)
    tree = Files({f"{project.stack_prefix}{file.path}": file.content for file in project.stack_files({})})
    recorded = read_recorded(tree, project.stack_prefix)
    maker = Versions(Releases(), platform).unreleased(TEMPLATE)
    assert maker.follow(recorded, Amendment({"memory": "300Mi"})).keys() == {"memory_limit"}


def test_a_new_service_has_one_and_an_adopted_one_keeps_what_it_has() -> None:
    new = resolve(TEMPLATE, QUESTIONS, {**SMALLEST, "cronjobs": [JOB]})
    assert [job["deadline_seconds"] for job in new.context["jobs"]] == [3600]
    adopted = resolve(TEMPLATE, QUESTIONS, {**SMALLEST, "cronjobs": [JOB], "names": ADOPTED})
    assert [job["deadline_seconds"] for job in adopted.context["jobs"]] == [None]
