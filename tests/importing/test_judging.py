"""The judgement notices what is wrong: a report without one of its parts does not pass."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.invoke import Command

from .corpus import SECRET, Application
from .found import Finding, Imported
from .importing import import_application
from .judging import wrong

PAPERLESS = Application("paperless-ngx")


@pytest.fixture
def imported(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Imported:
    return import_application(Command(capsys), PAPERLESS, tmp_path)


def without(imported: Imported, word: str) -> Imported:
    """Without any finding that has a word in it."""

    def kept(finding: Finding) -> bool:
        return word not in f"{finding.question} {finding.message} {finding.origin}"

    return replace(imported, findings=tuple(filter(kept, imported.findings)))


@pytest.mark.parametrize("service", ["broker", "db", "gotenberg", "tika"])
def test_a_service_that_nothing_speaks_of_is_lost(imported: Imported, service: str) -> None:
    assert f"lost: the service {service}" in wrong(PAPERLESS, without(imported, service))


@pytest.mark.parametrize("question", ["env", "secrets", "volumes", "database", "redis", "image", "port"])
def test_an_answer_that_is_missing_is_wrong(imported: Imported, question: str) -> None:
    answers: dict[str, Any] = {key: value for key, value in imported.answers.items() if key != question}
    assert wrong(PAPERLESS, replace(imported, answers=answers))


def test_a_secret_in_the_output_is_a_leak_and_is_not_repeated(imported: Imported) -> None:
    faults = wrong(PAPERLESS, replace(imported, output=f"{imported.output} {SECRET}-value"))
    assert any(fault.startswith("leak: ") for fault in faults)
    assert SECRET not in str(faults)


def test_a_question_that_is_not_asked_is_wrong(imported: Imported) -> None:
    assert "missing: description is not asked" in wrong(PAPERLESS, without(imported, "description"))


def test_a_failure_is_wrong(imported: Imported) -> None:
    assert wrong(PAPERLESS, replace(imported, code=3))
