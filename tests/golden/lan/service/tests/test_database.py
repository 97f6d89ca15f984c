"""Readiness without a database: answers, and doesn't crash."""

import pytest
from fastapi.testclient import TestClient

from app.database import VARIABLES, connection_arguments
from app.main import app


@pytest.fixture(autouse=True)
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)


def test_not_ready_when_no_database_is_configured() -> None:
    assert TestClient(app).get("/readyz").status_code == 503


def test_not_ready_when_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "app.database.connection_arguments", lambda _: {"host": "127.0.0.1", "port": "1"}
    )
    assert TestClient(app).get("/readyz").status_code == 503


def test_connection_comes_from_the_environment() -> None:
    environ = {variable: argument for argument, variable in VARIABLES.items()}
    assert connection_arguments(environ) == {argument: argument for argument in VARIABLES}
