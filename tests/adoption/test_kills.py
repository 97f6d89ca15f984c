"""An adoption, or its end, that is killed at any of its writes: the same command finishes it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from tests.adoption.histories import GIVEN, merge, on_forgejo, on_github
from tests.faults.commands import Command
from tests.faults.course import Course
from tests.faults.kills import judge, kills, sample
from tests.faults.report import Record, conclude
from tests.world import World

SEED = 20260101


def _adopting(world: World) -> list[str]:
    answers = world.answers({**GIVEN, "title": "Invoices"})
    places = ("--platform", str(world.sandbox.profile), "--infra", str(world.sandbox.infra), "--json")
    return ["adopt-repository", "invoices", "--answers", str(answers), "--yes", *places]


def _removing(world: World) -> list[str]:
    return ["remove", "invoices", "--yes", *_adopting(world)[-5:]]


def _adopted(world: World, history: Callable[[World], None] = on_forgejo) -> None:
    history(world)
    assert world.tell(_adopting(world)).code == 0
    merge(world)


def _changing(world: World) -> None:
    _adopted(world)
    assert world.tell(["change", "invoices", "--set", "context=src", "--yes", *_adopting(world)[-5:]]).code == 0


def _unbuilt(world: World) -> None:
    _adopted(world)
    assert world.tell(_removing(world)).code == 0
    merge(world)


COMMANDS = (
    Command("adopt from Forgejo", on_forgejo, _adopting),
    Command("adopt from GitHub", on_github, _adopting),
    Command("remove, before its merge", _adopted, _removing),
    Command("remove, with a change that waits", _changing, _removing),
    Command("remove, after its merge", _unbuilt, _removing),
    Command("remove of what GitHub had", partial(_adopted, history=on_github), _removing),
)


def test_a_sample_of_the_kills(world: World, record_property: Record) -> None:
    course = Course.lay(world, COMMANDS[1])
    conclude([judge(course, kill) for kill in sample(course.requests, SEED, 2)], record_property)


@pytest.mark.full
@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_every_kill(world: World, command: Command, record_property: Record) -> None:
    course = Course.lay(world, command)
    conclude([judge(course, kill) for kill in kills(course.requests)], record_property)
