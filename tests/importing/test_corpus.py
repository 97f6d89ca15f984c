"""Compose files of known applications, imported and completed: what their documentation says holds in the answers."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from generator.sandbox.infra_repository import FILES as SANDBOX
from tests.full import few, full
from tests.invoke import Command, Desk
from tests.stack.rendering import answers as complete
from tests.stack.rendering import files
from tests.stack.validate import Validator

from .corpus import Application, applications
from .importing import completed, import_application
from .judging import wrong
from .reported import KNOWN

SAMPLE = 12
"""Applications whose answers are created from in the usual run."""


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


def test_there_are_enough_applications() -> None:
    assert len(applications()) >= 60


@pytest.mark.parametrize("application", applications(), ids=str)
def test_the_answers_are_what_the_documentation_says(application: Application, command: Command, tmp_path: Path) -> None:
    assert wrong(application, import_application(command, application, tmp_path)) == KNOWN.get(application.name, [])
