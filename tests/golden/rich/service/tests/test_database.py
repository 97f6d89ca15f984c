"""A database that is away, or none: noticed, and nothing crashes."""

import asyncio

import pytest

from app.database import VARIABLES, connection_arguments, is_reachable


@pytest.fixture(autouse=True)
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)


def test_not_reachable_when_no_database_is_configured() -> None:
    assert not asyncio.run(is_reachable())


def test_not_reachable_when_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = {"host": "127.0.0.1", "port": "1"}
    monkeypatch.setattr("app.database.connection_arguments", lambda _: arguments)
    assert not asyncio.run(is_reachable())


def test_connection_comes_from_the_environment() -> None:
    environ = {
        "DATABASE_URL": "postgresql+asyncpg://user:p%40ss@db:5432/name",
    }
    assert connection_arguments(environ) == {
        "conninfo": "postgresql://user:p%40ss@db:5432/name",
    }
