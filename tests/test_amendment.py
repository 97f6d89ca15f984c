"""Recorded answers and what is to be different."""

from __future__ import annotations

from typing import Any

import pytest

from generator.base.errors import AnswersError
from generator.template.amendment import Amendment, AnswerChange, differences

LOGS = {"name": "logs", "mount": "/logs"}
NAMED = {"engine": "postgres", "name": "other"}
DATA, CACHE = {"name": "data", "mount": "/data", "size": "2Gi"}, {"name": "cache", "mount": "/cache"}
RECORDED = {
    "name": "notes",
    "memory": "256Mi",
    "env": {"TZ": "Europe/Sofia", "LOG_LEVEL": "info"},
    "volumes": [DATA, CACHE],
    "paths": ["/", "/api"],
    "probe": {"kind": "http", "path": "/healthz"},
    "database": "postgres",
}


@pytest.mark.parametrize(
    ("amendment", "question", "expected"),
    [
        (Amendment({"memory": "1Gi"}), "memory", "1Gi"),
        (Amendment({"env": {"PUID": "1000"}}), "env", {"TZ": "Europe/Sofia", "LOG_LEVEL": "info", "PUID": "1000"}),
        (Amendment({"env": {"TZ": "UTC"}}), "env", {"TZ": "UTC", "LOG_LEVEL": "info"}),
        (Amendment({"env": {"TZ": "UTC"}}, replaced=frozenset({"env"})), "env", {"TZ": "UTC"}),
        (Amendment(unset=("env.LOG_LEVEL",)), "env", {"TZ": "Europe/Sofia"}),
        (Amendment({"env": {"A": "1"}}, unset=("env.TZ",)), "env", {"LOG_LEVEL": "info", "A": "1"}),
        (Amendment({"volumes": [LOGS]}), "volumes", [DATA, CACHE, LOGS]),
        (Amendment({"volumes": [{**DATA, "size": "9Gi"}]}), "volumes", [{**DATA, "size": "9Gi"}, CACHE]),
        (Amendment(unset=("volumes.data",)), "volumes", [CACHE]),
        (Amendment({"paths": ["/only"]}), "paths", ["/only"]),
        (Amendment({"probe": "tcp"}), "probe", "tcp"),
        (Amendment({"probe": {"path": "/live"}}), "probe", {"kind": "http", "path": "/live"}),
        (Amendment({"database": NAMED}), "database", NAMED),
        (Amendment({"cronjobs": [{"name": "nightly"}]}), "cronjobs", [{"name": "nightly"}]),
        (Amendment(unset=("database",)), "database", None),
    ],
)  # fmt: skip
def test_what_follows(amendment: Amendment, question: str, expected: Any) -> None:
    before = {**RECORDED}
    after = amendment.applied(RECORDED)
    assert after.get(question) == expected
    assert {key: value for key, value in after.items() if key != question} == {
        key: value for key, value in RECORDED.items() if key != question
    }
    assert before == RECORDED


@pytest.mark.parametrize(
    ("amendment", "message", "hint"),
    [
        (Amendment(unset=("env.LOGLEVEL",)), "'env' has no entry LOGLEVEL", "did you mean LOG_LEVEL?"),
        (Amendment(unset=("volumes.nothing",)), "'volumes' has no entry nothing", "it has data, cache"),
        (Amendment(unset=("memory.x",)), "'memory' has no entry x", "it has no entries"),
        (Amendment(unset=("memry",)), "'memry' is not recorded", "did you mean memory?"),
        (Amendment(replaced=frozenset({"env"})), "--replace env: no value is given", "--set env="),
    ],
)
def test_what_is_refused(amendment: Amendment, message: str, hint: str) -> None:
    with pytest.raises(AnswersError) as caught:
        amendment.applied(RECORDED)
    assert message in caught.value.problems[0].message
    assert hint in caught.value.problems[0].hint


def test_all_that_is_wrong_is_reported_at_once() -> None:
    with pytest.raises(AnswersError) as caught:
        Amendment(unset=("env.A", "env.B"), replaced=frozenset({"args"})).applied(RECORDED)
    assert len(caught.value.problems) == 3


def test_differences_name_each_entry() -> None:
    after = Amendment(
        {"memory": "1Gi", "env": {"A": "1"}, "volumes": [{**DATA, "size": "9Gi"}], "probe": "tcp"},
        ("env.TZ", "volumes.cache", "database"),
    ).applied(RECORDED)
    assert differences(RECORDED, after) == (
        AnswerChange("memory", "256Mi", "1Gi"),
        AnswerChange("env.TZ", "Europe/Sofia", None),
        AnswerChange("env.A", None, "1"),
        AnswerChange("volumes.data", DATA, {**DATA, "size": "9Gi"}),
        AnswerChange("volumes.cache", CACHE, None),
        AnswerChange("probe", {"kind": "http", "path": "/healthz"}, "tcp"),
        AnswerChange("database", "postgres", None),
    )
    assert differences(RECORDED, RECORDED) == ()
    assert differences({"redis": True}, {"redis": 1}) == (AnswerChange("redis", True, 1),)
