"""Migrations: found, in order, and refused where there is no database."""

from importlib.resources import files
from unittest.mock import MagicMock

import pytest

from app.database import VARIABLES
from app.migrations.__main__ import main, migrate


def test_every_file_has_a_name_that_puts_it_in_order() -> None:
    names = [file.name for file in files("app.migrations").iterdir() if file.name.endswith(".sql")]
    assert names
    assert all(name[:4].isdigit() for name in names)
    assert len({name[:4] for name in names}) == len(names)


def test_each_file_runs_once_and_is_noted() -> None:
    names = sorted(
        file.name for file in files("app.migrations").iterdir() if file.name.endswith(".sql")
    )
    connection = MagicMock()
    cursor = connection.cursor.return_value.__enter__.return_value
    cursor.fetchone.return_value = (1,)
    cursor.fetchall.return_value = []
    migrate(connection)
    noted = [call.args[1] for call in cursor.execute.call_args_list if len(call.args) == 2]
    assert noted == [(name,) for name in names]
    assert connection.commit.call_count == len(names)
    cursor.fetchall.return_value = noted
    migrate(connection)
    assert connection.commit.call_count == len(names)


def test_it_fails_without_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)
    assert main() == 1
