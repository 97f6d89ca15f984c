"""Structured logs."""

import json
import logging
import sys

import pytest

from app.logs import JsonFormatter, is_worth_logging


def record(message: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord("app", logging.INFO, __file__, 1, message, args, sys.exc_info())


def test_a_record_is_one_line_of_json() -> None:
    line = JsonFormatter().format(record("said %s", 'two\nlines and a "quote"'))
    assert "\n" not in line
    entry = json.loads(line)
    assert entry["message"] == 'said two\nlines and a "quote"'
    assert entry["level"] == "info"


def test_an_exception_comes_with_its_traceback() -> None:
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        entry = json.loads(JsonFormatter().format(record("failed")))
    assert "RuntimeError: broken" in entry["exception"]


@pytest.mark.parametrize(
    ("path", "status", "logged"),
    [("/healthz?deep=1", 200, False), ("/healthz", 500, True), ("/", 200, True)],
)
def test_probes_that_went_well_are_not_logged(path: str, status: int, logged: bool) -> None:
    access = record('%s - "%s %s HTTP/%s" %d', "127.0.0.1:1", "GET", path, "1.1", status)
    assert is_worth_logging(access) is logged
