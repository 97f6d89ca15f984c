"""Tokens that may do less, as the real servers treat them."""

from __future__ import annotations

import pytest

from generator.sandbox import Sandbox
from generator.sandbox.vault import Token
from tests.sandbox.conftest import Api


def test_forgejo_names_the_scopes_that_are_missing(sandbox: Sandbox, forgejo: Api) -> None:
    """The scope comes before existence, existence before rights; all that are listed are needed."""
    sandbox.forgejo.add_token("less", "viktor", "less", {"read:repository", "read:user"})
    less = {"Authorization": "token less"}
    refused = forgejo("POST", "/user/repos", json={"name": "x"}, headers=less)
    completed = "token does not have at least one of required scope(s): [write:user write:repository]"
    assert (refused.status_code, refused.json()["message"]) == (403, completed)
    assert forgejo("PATCH", "/repos/viktor/nothing", json={}, headers=less).status_code == 403
    assert forgejo("GET", "/repos/viktor/nothing", headers=less).status_code == 404
    (entry,) = [item for item in forgejo("GET", "/users/viktor/tokens", headers=less).json() if item["name"] == "less"]
    assert entry["scopes"] == ["read:repository", "read:user"]
    assert entry["token_last_eight"] == "less"


@pytest.mark.parametrize("repositories", [["infra"], None])
def test_a_limited_token_of_forgejo_is_no_administrators(
    sandbox: Sandbox, forgejo: Api, repositories: list[str] | None
) -> None:
    token = sandbox.forgejo.add_token("less", "viktor", "less", {"all"})
    if repositories is None:
        token.scopes.add("public-only")
    token.repositories = repositories
    less = {"Authorization": "token less"}
    assert forgejo("GET", "/repos/viktor/infra", headers=less).status_code == 200
    assert forgejo("GET", "/repos/viktor/infra/push_mirrors", headers=less).status_code == 403
    assert forgejo("PATCH", "/repos/viktor/infra", json={"private": True}, headers=less).status_code == 403


def test_an_organisation_of_forgejo(sandbox: Sandbox, forgejo: Api) -> None:
    sandbox.forgejo.organisations["guild"] = {"viktor": True, "other": False}
    sandbox.forgejo.add_token("others", "other", "others", {"all"})
    others = {"Authorization": "token others"}
    assert forgejo("POST", "/orgs/guild/repos", json={"name": "ours"}).json()["owner"]["login"] == "guild"
    assert forgejo("POST", "/orgs/guild/repos", json={"name": "more"}, headers=others).status_code == 403
    assert forgejo("GET", "/users/viktor/orgs/guild/permissions").json()["can_create_repository"] is True
    assert forgejo("GET", "/users/viktor/orgs/nobody/permissions").status_code == 404
    sandbox.forgejo.add_token("less", "viktor", "less", {"write:user", "write:repository"})
    less = {"Authorization": "token less"}
    assert forgejo("POST", "/orgs/guild/repos", json={"name": "more"}, headers=less).status_code == 403


def test_a_fine_grained_token_of_github(sandbox: Sandbox, github: Api) -> None:
    """It tells no scopes; what it is refused names the permission."""
    token = sandbox.github.tokens[sandbox.tokens.github]
    assert "repo" in github("GET", "/user").headers["X-OAuth-Scopes"]
    token.fine_grained, token.refused = True, {"secrets=read", "administration=write"}
    sandbox.github.create_repository(token.user, "demo")
    assert "X-OAuth-Scopes" not in github("GET", "/user").headers
    assert github("GET", f"/repos/{token.user}/demo").status_code == 200
    for method, path, permission in (
        ("GET", f"/repos/{token.user}/demo/actions/secrets", "secrets=read"),
        ("POST", "/user/repos", "administration=write"),
        ("PATCH", f"/repos/{token.user}/demo", "administration=write"),
    ):
        refused = github(method, path, json={"name": "new"})
        assert refused.status_code == 403
        assert refused.headers["X-Accepted-GitHub-Permissions"] == permission


def test_vaults_policies(sandbox: Sandbox, vault: Api) -> None:
    """The longest path that fits counts."""
    sandbox.vault.tokens[sandbox.tokens.vault] = Token(
        rules={"secret/data/*": {"create", "read"}, "secret/data/viktor": set()}
    )
    asked = vault("POST", "/sys/capabilities-self", json={"paths": ["secret/data/new", "other/x"]}).json()["data"]
    assert asked == {"secret/data/new": ["create", "read"], "other/x": ["deny"]}
    assert vault("POST", "/sys/capabilities-self", json={}).status_code == 400
    assert vault("POST", "/secret/data/new", json={"data": {"a": "1"}}).status_code == 200
    assert vault("POST", "/secret/data/new", json={"data": {"a": "2"}}).status_code == 403
    assert vault("GET", "/secret/data/viktor").status_code == 403


def test_vault_on_a_bad_day(sandbox: Sandbox, vault: Api) -> None:
    for status, sealed in ((429, False), (501, True), (503, True)):
        sandbox.vault.health = status
        completed = vault("GET", "/sys/health")
        assert (completed.status_code, completed.json()["sealed"]) == (status, sealed)
        assert vault("GET", "/secret/data/viktor").status_code == (503 if sealed else 200)
