"""A platform on which the same command runs over and over, each time undisturbed by the time before."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

import pytest
import yaml

from generator.infra_repo.registrations import register
from generator.sandbox.forgejo.state import Repository
from generator.sandbox.github.state import Repository as Mirror
from generator.sandbox.repositories import BareRepository, run_git
from generator.template.answers import Answers, resolve
from generator.template.questions import Question
from generator.template.template import Template
from tests.faults.checkpoint import Checkpoint
from tests.faults.commands import CREATE, Command
from tests.faults.requests import Asked, asked
from tests.world import Completed, World

RETRY = {"attempts": 3, "first_seconds": 0.1, "longest_seconds": 3}

PATIENT, HURRIED = 20, 1
"""Seconds to wait for an answer: on a busy machine, and where none will come."""

SETTLING = ("generator.engine.executor.SETTLING_SECONDS", "generator.engine.steps.forgejo.SETTLING_SECONDS")


@dataclass
class Course:
    """The world of a matrix, and what an undisturbed run of the command makes of it."""

    world: World
    command: Command
    before: Checkpoint
    requests: list[Asked] = field(default_factory=list)
    goal: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def lay(cls, world: World, command: Command = CREATE) -> Course:
        """Run the command once without any fault: that is what every other run is held against."""
        for name in SETTLING:
            world.monkeypatch.setattr(name, 1.0)
        world.sandbox.forgejo.mirrors.longest = PATIENT  # well below what the checks wait for mirrors
        _leave_out_what_no_fault_reaches(world)
        command.prepare(world)
        course = cls(world, command, Checkpoint.of(world))
        course.start_again()
        course.wait_for_answers(PATIENT)
        completed = course.run()
        assert completed.code == 0, completed.out
        course.world.sandbox.forgejo.wait_for_mirrors()
        course.requests = asked(world.sandbox.journal)
        course.goal = course.state()
        return course

    def run(self) -> Completed:
        return self.world.tell(self.command.words(self.world))

    def state(self) -> dict[str, Any]:
        """What exists, git by its trees, and secrets as far as they are not made up anew each time."""
        sandbox = self.world.sandbox
        sandbox.forgejo.wait_for_mirrors()
        found: dict[str, Any] = {}
        for name, canonical in sandbox.forgejo.repositories.items():
            pulls = sorted((item.head, item.base, item.state, item.title) for item in canonical.pulls.values())
            mirrors = [(item.remote_address, item.sync_on_commit, item.interval) for item in canonical.mirrors]
            found[f"forgejo {name}"] = (_trees(canonical.bare), pulls, mirrors, _flags(canonical))
            copies = [item for item in sandbox.github.repositories.values() if item.name == canonical.name]
            found[f"same commits as {name}"] = [_accepted(item.bare) == _accepted(canonical.bare) for item in copies]
        for name, mirror in sandbox.github.repositories.items():
            secrets = {key: sandbox.github.secret(mirror.full_name, key) for key in sorted(mirror.secrets)}
            found[f"github {name}"] = (sorted(_accepted(mirror.bare)), secrets, len(mirror.hooks), _flags(mirror))
        rows = [(row.full_name, row.active, sorted(row.secrets)) for row in sandbox.woodpecker.repositories.values()]
        found["woodpecker"] = sorted(rows)
        found["vault"] = {path: _properties(versions[-1]) for path, versions in sandbox.vault.secrets.items()}
        found["vault notes"] = {path: sorted(notes) for path, notes in sandbox.vault.notes.items()}
        return found

    def start_again(self) -> None:
        """Restore the platform to its state before the command, and forget the requests so far."""
        self.before.restore()
        self.world.sandbox.journal.clear()

    def secrets(self) -> list[str]:
        """Every value that nobody may ever see."""
        sandbox = self.world.sandbox
        seeded = [str(value) for versions in sandbox.vault.secrets.values() for value in versions[-1].data.values()]
        return [*vars(sandbox.tokens).values(), *seeded]

    def wait_for_answers(self, seconds: int) -> None:
        """How long the command waits for an answer from now on."""
        profile = self.world.sandbox.profile
        given = yaml.safe_load(profile.read_text())
        given["connection"] |= {"timeout_seconds": seconds, "mirror_timeout_seconds": 2 * seconds, "retry": RETRY}
        profile.write_text(yaml.safe_dump(given, sort_keys=False))


def _flags(repository: Repository | Mirror) -> tuple[object, ...]:
    return (repository.private, repository.archived, repository.description, repository.default_branch)


def _accepted(bare: BareRepository) -> dict[str, str]:
    """The branches that a mirror must have: those that wait for a review may reach it later."""
    return {name: commit for name, commit in bare.heads().items() if not name.startswith("newservice")}


def _trees(bare: BareRepository) -> tuple[list[str], str]:
    """The branches with their trees, and how many commits there are."""
    listed = run_git(bare.path, "for-each-ref", "--format=%(refname:lstrip=2) %(tree)", "refs/heads/").decode()
    return listed.splitlines(), run_git(bare.path, "rev-list", "--count", "--branches").decode().strip()


def _properties(version: Any) -> Any:
    """The properties of a secret; values that newservice makes up differ each time."""
    given = {name: value for name, value in version.data.items() if " " in str(value)}
    return "deleted" if version.deleted else (sorted(version.data), given)


def _leave_out_what_no_fault_reaches(world: World) -> None:
    """Answers are resolved once, and entries are placed once into the same text; YAML is read by its quick reader: half
    of the time of thousands of runs."""
    world.monkeypatch.setattr("yaml.safe_load", partial(yaml.load, Loader=yaml.CSafeLoader))
    world.monkeypatch.setattr("generator.infra_repo.entries.register", lru_cache(4096)(register))
    known: dict[str, Answers] = {}

    def resolved(template: Template, questions: tuple[Question, ...], given: Any, facts: Any) -> Answers:
        key = json.dumps([given, facts], sort_keys=True, default=str)
        if key not in known:
            known[key] = resolve(template, questions, given, facts)
        return known[key]

    world.monkeypatch.setattr("generator.cli.session.resolve", resolved)


@pytest.fixture
def course(request: pytest.FixtureRequest, world: World) -> Course:
    """The course of ``create``, or of the command that the test has as a parameter."""
    command = request.getfixturevalue("command") if "command" in request.fixturenames else CREATE
    return Course.lay(world, command)
