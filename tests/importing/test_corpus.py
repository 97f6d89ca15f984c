"""Compose files of known applications, imported and completed: what their documentation says holds in the answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from generator.sandbox.infra_repository import FILES as SANDBOX
from tests.full import few, full
from tests.invoke import Command, Desk
from tests.stack.rendering import answers, files
from tests.stack.validate import Validator

from .corpus import Application, applications
from .importing import import_application
from .judging import wrong
from .table import PROPERTY, row

LEAST = 60
CREATED = 4
"""Applications that ``create`` is run for in the usual run."""


PARTS = 8
"""So many runs of Terraform, since one with all stacks takes minutes."""


def _mixed(all_of_them: list[Application]) -> list[Application]:
    """All, in an order where neighbours in the alphabet are far from each other."""
    return [application for start in range(20) for application in all_of_them[start::20]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


def test_there_are_enough_applications() -> None:
    assert len(applications()) >= LEAST


@pytest.mark.parametrize("application", applications(), ids=str)
def test_the_answers_are_what_the_documentation_says(
    application: Application, command: Command, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    found = import_application(command, application, tmp_path)
    faults = wrong(application, found)
    record_property(PROPERTY, row(application, found, faults))
    assert not faults


@pytest.mark.parametrize("application", few(CREATED, _mixed(applications())), ids=str)
def test_create_takes_the_answers_when_they_are_complete(application: Application, desk: Desk, tmp_path: Path) -> None:
    found = import_application(desk.command, application, tmp_path)
    done = desk.create(application.completed(found.answers))
    assert done.code == 0, done.out


@full
@pytest.mark.parametrize("part", range(PARTS))
def test_terraform_takes_the_stacks(part: int, command: Command, tmp_path: Path) -> None:
    stacks = {}
    for application in applications()[part::PARTS]:
        (tmp_path / application.name).mkdir()
        found = import_application(command, application, tmp_path / application.name)
        rendered = files(answers(**application.completed(found.answers)).context)
        stacks[application.name] = {name: text for name, text in rendered.items() if name.endswith(".tf")}
    assert not Validator(SANDBOX, tmp_path / "validator").errors(stacks)
