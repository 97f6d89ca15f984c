"""Recorded answers and what is to be different."""

from __future__ import annotations

from typing import Any

import pytest

from generator.base.errors import AnswersError
from generator.template.amendment import Amendment, AnswerChange, differences

LOGS = {"name": "logs", "mount": "/logs"}
NAMED = {"engine": "postgres", "name": "other"}
DATA, CACHE = {"name": "data", "mount": "/data", "size": "2Gi"}, {"name": "cache", "mount": "/cache"}
PROBE = {"kind": "http", "path": "/healthz"}
ADDRESSES = {"namespace": "a"}
RECORDED = {
    "name": "notes",
    "memory": "256Mi",
    "env": {"TZ": "Europe/Sofia", "LOG_LEVEL": "info"},
    "volumes": [DATA, CACHE],
    "paths": ["/", "/api"],
    "probe": PROBE,
    "database": "postgres",
    "names": {"addresses": ADDRESSES},
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
        (Amendment({"probe": {"readiness": {"failures": 5}}}), "probe", {**PROBE, "readiness": {"failures": 5}}),
        (Amendment({"names": {"addresses": {"ingress": "b"}}}), "names", {"addresses": ADDRESSES | {"ingress": "b"}}),
        (Amendment(unset=("names.addresses.namespace",)), "names", {"addresses": {}}),
        (Amendment(unset=("volumes.data.size",)), "volumes", [{"name": "data", "mount": "/data"}, CACHE]),
        (Amendment({"env": {}}, replaced=frozenset({"env"})), "env", {}),
        (Amendment({"cronjobs": []}), "cronjobs", []),
        (Amendment(unset=("env.TZ", "env.TZ")), "env", {"LOG_LEVEL": "info"}),
        (Amendment({"volumes": {"data": {"size": "9Gi"}}}), "volumes", [{**DATA, "size": "9Gi"}, CACHE]),
        (Amendment({"volumes": {"logs": {"mount": "/logs"}}}), "volumes", [DATA, CACHE, LOGS]),
        (Amendment({"volumes": {"name": "data"}}), "volumes", {"name": "data"}),
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
        (Amendment(unset=("env.LOGLEVEL",)), "no entry 'LOGLEVEL' is recorded", "did you mean LOG_LEVEL?"),
        (Amendment(unset=("volumes.nothing",)), "no entry 'nothing' is recorded", "it has data, cache"),
        (Amendment(unset=("volumes.",)), "no entry '' is recorded", "it has data, cache"),
        (Amendment(unset=("memory.x",)), "no entry 'x' is recorded", "it has no entries"),
        (Amendment(unset=("memory",)), "it names no entry", "give memory another value"),
        (Amendment(unset=("volumes",)), "it names no entry", "--unset volumes.ENTRY"),
        (Amendment(unset=("memry.x",)), "no entry 'x' is recorded", "it has no entries"),
        (Amendment({"env": {"TZ": "UTC"}}, ("env.TZ",)), "it is given as well", "leave one of them out"),
        (Amendment({"env": {}}), "env is given empty", "--replace env removes all of them"),
        (Amendment({"volumes": []}), "volumes is given empty", "--unset volumes.ENTRY one"),
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
        ("env.TZ", "volumes.cache"),
    ).applied(RECORDED)
    assert differences(RECORDED, after) == (
        AnswerChange("memory", "256Mi", "1Gi"),
        AnswerChange("env.TZ", "Europe/Sofia", None),
        AnswerChange("env.A", None, "1"),
        AnswerChange("volumes.data", DATA, {**DATA, "size": "9Gi"}),
        AnswerChange("volumes.cache", CACHE, None),
        AnswerChange("probe", {"kind": "http", "path": "/healthz"}, "tcp"),
    )
    assert differences(RECORDED, RECORDED) == ()
    assert differences({"env": {"A": True}}, {"env": {"A": 1}}) == (AnswerChange("env.A", True, 1),)
    assert differences({"redis": True}, {"redis": 1}) == (AnswerChange("redis", True, 1),)
