"""Compose files of known applications, imported: what their documentation says holds in the answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.invoke import Command

from .corpus import Application, applications
from .importing import import_application
from .judging import wrong
from .reported import KNOWN


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


@pytest.mark.parametrize("application", applications(), ids=str)
def test_the_answers_are_what_the_documentation_says(application: Application, command: Command, tmp_path: Path) -> None:
    assert wrong(application, import_application(command, application, tmp_path)) == KNOWN.get(application.name, [])
