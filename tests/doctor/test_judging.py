"""Judging alone, without any system."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from generator.base.checks import Check, CheckState
from generator.base.errors import PreflightError
from generator.base.secrets import Secret
from generator.clients.forgejo import AccessToken
from generator.lifecycle.doctor import connection, forgejo, infra, reach
from generator.lifecycle.doctor.connection import Line, Place
from generator.lifecycle.doctor.forgejo import Listed
from generator.lifecycle.doctor.gathering import Part, attempt, gather
from generator.platform.profile import Pin, load_platform
from generator.template.template import Template
from tests.doctor.clinic import FAILED, OK, SKIPPED, UNKNOWN


def _entry(*scopes: str, limited: bool = False) -> AccessToken:
    return AccessToken("mine", "12345678", frozenset(scopes), limited)


@pytest.mark.parametrize(
    ("listed", "state"),
    [
        (Listed("me", (_entry("write:user", "write:repository"),)), OK),
        (Listed("me", (_entry("write:user"),)), FAILED),
        (Listed("me", (_entry("all", limited=True),)), FAILED),
        (Listed("me", ()), UNKNOWN),
        (Listed("me", None), UNKNOWN),
        (Listed("", None, ("read:user",)), FAILED),
    ],
)
def test_what_a_list_proves(listed: Listed, state: CheckState) -> None:
    needed = forgejo.needed_scopes(organisation=False)
    check = forgejo.judge_scopes("forgejo.scopes", listed, Secret("value-12345678"), needed, "FORGEJO_TOKEN")
    assert check.state is state
    assert bool(check.hint) is (state is not OK)


def test_scopes_in_a_refusal() -> None:
    completed = (
        "forgejo: GET x answered 403: token does not have at least one of required scope(s): [read:user write:x]"
    )
    assert forgejo.refused_scopes(PreflightError("forgejo.forbidden", completed)) == ("read:user", "write:x")
    assert forgejo.refused_scopes(PreflightError("forgejo.forbidden", "403: only the user may")) == ()


@pytest.mark.parametrize(
    ("system", "status", "body", "state"),
    [
        ("forgejo", 403, {"message": "sign in"}, OK),
        ("forgejo", 200, {"message": "no version"}, FAILED),
        ("forgejo", 404, {"message": "not found"}, FAILED),
        ("github", 404, {"message": "Rate limiting is not enabled."}, OK),
        ("github", 200, None, FAILED),
        ("woodpecker", 200, {"version": "3.17.0"}, OK),
        ("woodpecker", 401, {"message": "no"}, FAILED),
        ("vault", 200, {"version": "1"}, FAILED),
        ("vault", 404, {"sealed": False}, FAILED),
        ("registry", 200, {}, OK),
        ("registry", 401, {"message": "no"}, FAILED),
    ],
)
def test_who_answers(system: str, status: int, body: dict[str, Any] | None, state: CheckState) -> None:
    check = reach.judge(system, reach.Answer(status, "application/json", body))
    assert check.state is state
    assert bool(check.hint) is (state is not OK)


def test_plain_http_leaves_this_machine_never() -> None:
    far = Place("forgejo.test", "192.0.2.1", 80, plain=True)
    assert connection.judge_certificate("forgejo", far, Line(), 0).state is FAILED
    near = Place("localhost", "127.0.0.1", 3000, plain=True)
    assert connection.judge_certificate("forgejo", near, Line(), 0).state is SKIPPED


def test_git_can_not_be_led_to_another_port() -> None:
    forge = Place("forgejo.test", "192.0.2.1", 8443, pinned=True, own_port=443)
    check = connection.judge_balancer(Pin("192.0.2.1", 8443), "", forge)
    assert check.state is FAILED
    assert "8443" in check.summary
    assert connection.judge_balancer(Pin("192.0.2.1", 443), "", forge).state is OK


@pytest.mark.parametrize("error", [RuntimeError("ours"), SystemExit("ours")])
def test_a_fault_of_ours_is_not_hidden(error: BaseException) -> None:
    def broken() -> list[Check]:
        raise error

    with pytest.raises(type(error), match="ours"):
        gather([Part(("a.b",), broken), Part(("c",), lambda: [Check("c", OK, "there")])])


def test_the_time_is_up() -> None:
    """What waits is told as failed, what comes after it as not proven; nobody waits for it."""
    released = threading.Event()

    def slow() -> Iterator[Check]:
        yield Check("a.first", OK, "there")
        released.wait(30)

    checks = gather([Part(("a.first", "a.second", "a.third"), slow)], 0.05)
    released.set()
    assert [check.state for check in checks] == [OK, FAILED, UNKNOWN]
    assert "a.second" in checks[2].summary


def test_an_attempt() -> None:
    def fail() -> str:
        raise KeyError("login")

    found = attempt("x.y", fail, UNKNOWN)
    assert isinstance(found, Check)
    assert (found.id, found.state) == ("x.y", UNKNOWN)
    assert attempt("x.y", lambda: 5) == 5


def test_infra_addresses() -> None:
    clone = infra.Clone(("ssh://git@host/a/infra.git", "git@host:a/infra", "../infra/"), True, 0, None)
    platform = load_platform(Template.installed().platform, None, {})
    for remote in clone.remotes:
        only = dataclasses.replace(clone, remotes=(remote,))
        assert infra.judge_clone(only, Path("x"), platform).state is OK
    assert infra.judge_clone(dataclasses.replace(clone, remotes=()), Path("x"), platform).state is FAILED
