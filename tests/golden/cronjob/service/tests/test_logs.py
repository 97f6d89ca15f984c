"""Structured logs."""

import json
import logging
import sys

from app.logs import JsonFormatter


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
