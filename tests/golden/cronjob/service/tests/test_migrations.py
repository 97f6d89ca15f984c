"""Migrations: found, in order, and refused where there is no database."""

from importlib.resources import files

import pytest

from app.database import VARIABLES
from app.migrations.__main__ import main


def test_every_file_has_a_name_that_puts_it_in_order() -> None:
    names = [file.name for file in files("app.migrations").iterdir() if file.name.endswith(".sql")]
    assert names
    assert all(name[:4].isdigit() for name in names)
    assert len({name[:4] for name in names}) == len(names)


def test_it_fails_without_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)
    assert main() == 1
