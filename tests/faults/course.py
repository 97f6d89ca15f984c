"""A platform on which the same service is made over and over, each time undisturbed by the time before."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
import yaml

from generator.sandbox.numbers import Numbers
from generator.template.answers import Answers, resolve
from generator.template.questions import Question
from generator.template.template import Template
from tests.answers import RICH
from tests.faults.requests import Asked, asked
from tests.world import Completed, World

NAME = str(RICH["name"])

RETRY = {"attempts": 3, "first_seconds": 0.1, "longest_seconds": 3}

PATIENT, HURRIED = 20, 1
"""Seconds to wait for an answer: on a busy machine, and where none will come."""

SETTLING = ("generator.engine.executor.SETTLING_SECONDS", "generator.engine.steps.forgejo.SETTLING_SECONDS")


@dataclass
class Course:
    """The world of a matrix, and what an undisturbed run makes of it."""

    world: World
    requests: list[Asked] = field(default_factory=list)
    goal: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def lay(cls, world: World) -> Course:
        """Make the service once without any fault: that is what every other run is held against."""
        course = cls(world)
        course.wait_for_answers(PATIENT)
        for name in SETTLING:
            world.monkeypatch.setattr(name, 1.0)
        _leave_out_what_no_fault_reaches(world.monkeypatch)
        assert course.create().code == 0
        course.world.sandbox.forgejo.wait_for_mirrors()
        course.requests = asked(world.sandbox.journal)
        course.goal = course.state()
        return course

    def create(self) -> Completed:
        return self.world.run("create", RICH)

    def state(self) -> dict[str, Any]:
        """What is there, with the trees of both commits; raises LookupError where something is missing."""
        world = self.world
        found = world.inventory(NAME)
        canonical, infra = world.canonical(NAME).bare, world.infra.bare
        return found | {
            "service tree": canonical.log(world.branch, limit=1)[0].tree,
            "infra tree": infra.log(f"newservice/{NAME}", limit=1)[0].tree,
            "infra branches": sorted(infra.heads()),
            "everywhere": [*sorted(world.sandbox.forgejo.repositories), *sorted(world.sandbox.github.repositories)],
        }

    def start_again(self) -> None:
        """Take away what the last run made, behind the systems' backs, and count from the beginning."""
        world, sandbox = self.world, self.world.sandbox
        sandbox.faults.clear()
        sandbox.resume()
        sandbox.forgejo.wait_for_mirrors()
        for holder in (sandbox.forgejo.repositories, sandbox.github.repositories):
            for key in [key for key in holder if key.endswith(f"/{NAME}")]:
                shutil.rmtree(holder.pop(key).bare.path)
        sandbox.woodpecker.repositories.clear()
        sandbox.woodpecker.ids = Numbers(101)
        sandbox.vault.secrets.pop(NAME, None)
        sandbox.vault.notes.pop(NAME, None)
        world.infra.bare.delete(f"refs/heads/newservice/{NAME}")
        world.infra.pulls.clear()
        for folder in [*world.folder.glob(f".{NAME}*"), world.folder / NAME]:
            shutil.rmtree(folder, ignore_errors=True)
        sandbox.journal.clear()

    def secrets(self) -> list[str]:
        """Every value that nobody may ever see."""
        sandbox = self.world.sandbox
        seeded = sandbox.vault.read(NAME).values() if self.world.has_secret(NAME) else ()
        return [*vars(sandbox.tokens).values(), *map(str, seeded)]

    def wait_for_answers(self, seconds: int) -> None:
        """How long the command waits for an answer from now on."""
        profile = self.world.sandbox.profile
        given = yaml.safe_load(profile.read_text())
        given["connection"] |= {"timeout_seconds": seconds, "mirror_timeout_seconds": 2 * seconds, "retry": RETRY}
        profile.write_text(yaml.safe_dump(given, sort_keys=False))


def _leave_out_what_no_fault_reaches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are resolved once, and YAML is read by its quick reader: half of the time of thousands of runs."""
    monkeypatch.setattr("yaml.safe_load", partial(yaml.load, Loader=yaml.CSafeLoader))
    known: dict[str, Answers] = {}

    def resolved(template: Template, questions: tuple[Question, ...], given: Any, facts: Any) -> Answers:
        key = json.dumps([given, facts], sort_keys=True, default=str)
        if key not in known:
            known[key] = resolve(template, questions, given, facts)
        return known[key]

    monkeypatch.setattr("generator.cli.session.resolve", resolved)


@pytest.fixture
def course(world: World) -> Course:
    return Course.lay(world)
