"""Vault's token, health and KV v2."""

from __future__ import annotations

from generator.sandbox import Sandbox
from tests.sandbox.conftest import Api

MERGE = {"Content-Type": "application/merge-patch+json"}


def test_token_and_health(vault: Api) -> None:
    assert vault("GET", "/auth/token/lookup-self").json()["data"]["policies"]
    assert vault("GET", "/sys/health", headers={"X-Vault-Token": ""}).json()["sealed"] is False
    for token in ("", "wrong"):
        refused = vault("GET", "/secret/data/viktor", headers={"X-Vault-Token": token})
        assert (refused.status_code, refused.json()) == (403, {"errors": ["permission denied"]})


def test_seeded_secrets(sandbox: Sandbox, vault: Api) -> None:
    personal = vault("GET", "/secret/data/viktor").json()["data"]["data"]
    assert personal == {
        "forgejo_token": sandbox.tokens.forgejo,
        "forgejo_git_token": sandbox.tokens.forgejo_git,
        "github_pat": sandbox.tokens.github,
        "registry_token": sandbox.tokens.registry,
    }
    shared = vault("GET", "/secret/data/ci/global").json()["data"]["data"]
    assert shared == {"woodpecker_api_token": sandbox.tokens.woodpecker, "slack_webhook": sandbox.tokens.slack}


def test_versions_and_check_and_set(vault: Api) -> None:
    absent = vault("GET", "/secret/data/demo")
    assert (absent.status_code, absent.json()) == (404, {"errors": []})
    create = {"data": {"a": "1"}, "options": {"cas": 0}}
    assert vault("POST", "/secret/data/demo", json=create).json()["data"]["version"] == 1
    clash = vault("POST", "/secret/data/demo", json=create)
    assert clash.status_code == 400
    assert clash.json() == {"errors": ["check-and-set parameter did not match the current version"]}
    patch = {"data": {"b": "2"}, "options": {"cas": 1}}
    assert vault("PATCH", "/secret/data/demo", json=patch, headers=MERGE).json()["data"]["version"] == 2
    assert vault("PATCH", "/secret/data/demo", json=patch, headers=MERGE).status_code == 400
    assert vault("PATCH", "/secret/data/none", json={"data": {}}, headers=MERGE).status_code == 404
    assert vault("PATCH", "/secret/data/demo", json=patch).status_code == 415
    current = vault("GET", "/secret/data/demo").json()["data"]
    assert (current["data"], current["metadata"]["version"]) == ({"a": "1", "b": "2"}, 2)
    assert vault("GET", "/secret/data/demo", params={"version": 1}).json()["data"]["data"] == {"a": "1"}
    assert vault("GET", "/secret/metadata/demo").json()["data"]["current_version"] == 2


def test_lists(vault: Api) -> None:
    assert vault("LIST", "/secret/metadata/").json()["data"]["keys"] == ["ci/", "viktor"]
    assert vault("GET", "/secret/metadata/ci", params={"list": "true"}).json()["data"]["keys"] == ["global"]
    assert vault("LIST", "/secret/metadata/nothing").status_code == 404
