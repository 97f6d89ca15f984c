"""Forgejo's migration of a repository from GitHub: all of its references, or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from generator.sandbox import Sandbox
from tests.sandbox.conftest import Api

MIGRATE = "/repos/migrate"


def options(sandbox: Sandbox, **changes: Any) -> dict[str, Any]:
    given = {
        "clone_addr": f"https://localhost:{sandbox.port}/ViktorBarzin/demo.git",
        "auth_token": sandbox.tokens.github,
        "service": "github",
        "repo_owner": "viktor",
        "repo_name": "demo",
        "private": True,
        "lfs": True,
    }
    return {**given, **changes}


@pytest.fixture(autouse=True)
def _repository(sandbox: Sandbox) -> None:
    made = sandbox.github.create_repository("ViktorBarzin", "demo", private=True, files={"README.md": "x\n"})
    made.bare.update("refs/heads/next", made.bare.heads()["main"])
    made.bare.update("refs/tags/v1", made.bare.heads()["main"])


def test_everything_comes_along(sandbox: Sandbox, forgejo: Api) -> None:
    made = forgejo("POST", MIGRATE, json=options(sandbox, description="A demo"), timeout=60)
    assert made.status_code == 201
    shown = made.json()
    assert (shown["empty"], shown["private"], shown["description"]) == (False, True, "A demo")
    assert shown["default_branch"] == "main"
    ours, theirs = sandbox.forgejo.repository("viktor/demo"), sandbox.github.repository("ViktorBarzin/demo")
    assert ours.bare.references() == theirs.bare.references()


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"clone_addr": "https://forge.example.test/x/y.git"}, 422, "You can not import from disallowed hosts."),
        ({"clone_addr": "/srv/x.git"}, 422, "You are not allowed to import local repositories."),
        ({"clone_addr": ""}, 422, "[CloneAddr]: Required"),
        ({"repo_owner": "nobody"}, 422, "user does not exist"),
        ({"repo_name": "a b"}, 422, "[RepoName]: AlphaDashDot"),
    ],
)
def test_what_is_refused_leaves_nothing(
    sandbox: Sandbox, forgejo: Api, changes: dict[str, str], status: int, message: str
) -> None:
    answer = forgejo("POST", MIGRATE, json=options(sandbox, **changes), timeout=60)
    assert answer.status_code == status
    assert message in answer.json()["message"]
    assert sandbox.tokens.github not in answer.text
    assert "viktor/demo" not in sandbox.forgejo.repositories


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"auth_token": "wrong"}, 422, "Authentication failed"),
        ({"clone_addr": "https://localhost:PORT/ViktorBarzin/nothing.git"}, 500, ""),
        ({"clone_addr": "https://localhost:PORT/ViktorBarzin/nothing.git", "service": "git"}, 422, "Migration failed"),
    ],
)
def test_what_fails_leaves_an_empty_repository(
    sandbox: Sandbox, forgejo: Api, changes: dict[str, str], status: int, message: str
) -> None:
    said = {key: value.replace("PORT", str(sandbox.port)) for key, value in changes.items()}
    answer = forgejo("POST", MIGRATE, json=options(sandbox, **said), timeout=60)
    assert answer.status_code == status
    assert message in answer.json()["message"]
    assert sandbox.tokens.github not in answer.text
    assert forgejo("GET", "/repos/viktor/demo").json()["empty"]
    assert forgejo("POST", MIGRATE, json=options(sandbox), timeout=60).status_code == 409


def test_a_name_is_taken_once(sandbox: Sandbox, forgejo: Api) -> None:
    assert forgejo("POST", MIGRATE, json=options(sandbox), timeout=60).status_code == 201
    assert forgejo("POST", MIGRATE, json=options(sandbox), timeout=60).status_code == 409
