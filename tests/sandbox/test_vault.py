"""Vault's token, health, mounts and namespaces."""

from __future__ import annotations

from typing import Any

import pytest

from generator.sandbox import Sandbox
from generator.sandbox.vault import Token
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
    assert vault("POST", "/secret/delete/demo", json={"versions": [2]}).status_code == 204
    deleted = {"data": {"c": "3"}, "options": {"cas": 2}}
    assert vault("PATCH", "/secret/data/demo", json=deleted, headers=MERGE).status_code == 404


def test_lists(vault: Api) -> None:
    assert vault("LIST", "/secret/metadata/").json()["data"]["keys"] == ["ci/", "viktor"]
    assert vault("GET", "/secret/metadata/ci", params={"list": "true"}).json()["data"]["keys"] == ["global"]
    assert vault("LIST", "/secret/metadata/nothing").status_code == 404


# --- mounts ----------------------------------------------------------------------------------------------------


def ui_mount(vault: Api, path: str, **headers: str) -> tuple[int, dict[str, Any]]:
    answer = vault("GET", f"/sys/internal/ui/mounts/{path}", headers={"X-Vault-Namespace": "", **headers})
    return answer.status_code, answer.json()


@pytest.mark.parametrize("path", ["team/kv", "team/kv/", "team/kv/x", "team/kv/ci/global"])
def test_any_path_leads_to_its_mount(sandbox: Sandbox, vault: Api, path: str) -> None:
    sandbox.vault.mount("team/kv")
    sandbox.vault.mount("team/kv2", version=1)
    status, completed = ui_mount(vault, path)
    assert (status, completed["data"]["path"], completed["data"]["type"]) == (200, "team/kv/", "kv")
    assert completed["data"]["options"] == {"version": "2"}
    assert ui_mount(vault, "team/kv2/x")[1]["data"]["options"] == {"version": "1"}
    assert ui_mount(vault, "cubbyhole/x")[1]["data"]["type"] == "cubbyhole"


def test_a_missing_mount_looks_like_one_that_may_not_be_seen(sandbox: Sandbox, vault: Api) -> None:
    sandbox.vault.mount("kv")
    sandbox.vault.tokens[sandbox.tokens.vault] = Token(rules={"kv/*": set(), "secret/data/x": {"read"}})
    completed = "preflight capability check returned 403, please ensure client's policies grant access to path"
    for path in ("nope/x", "kv/x", "team"):
        assert ui_mount(vault, path) == (403, {"errors": [f'{completed} "{path}/"']})
    assert ui_mount(vault, "secret/other")[0] == 200
    assert vault("GET", "/sys/internal/ui/mounts/secret", headers={"X-Vault-Token": "wrong"}).status_code == 403


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_404_for_a_missing_mount_has_words(vault: Api, method: str) -> None:
    answer = vault(method, "/nope/data/x", json={"data": {}})
    completed = 'no handler for route "nope/data/x". route entry not found.'
    assert (answer.status_code, answer.json()) == (404, {"errors": [completed]})


def test_kv_version_1_stores_whatever_it_is_sent(sandbox: Sandbox, vault: Api) -> None:
    """What is meant for version 2 is junk there, and is reported as success."""
    engine = sandbox.vault.mount("kv1", version=1)
    missing = vault("GET", "/kv1/data/x")
    assert (missing.status_code, missing.json()) == (404, {"errors": []})
    body = {"options": {"cas": 0}, "data": {"token": "value"}}
    assert vault("POST", "/kv1/data/x", json=body).status_code == 204
    assert vault("POST", "/kv1/metadata/x", json={"custom_metadata": {"a": "b"}}).status_code == 204
    assert engine.stored() == {"data/x": body, "metadata/x": {"custom_metadata": {"a": "b"}}}
    assert vault("GET", "/kv1/data/x").json()["data"] == body
    assert vault("LIST", "/kv1/").json()["data"]["keys"] == ["data/", "metadata/"]
    assert vault("PATCH", "/kv1/data/x", json=body, headers=MERGE).status_code == 405
    assert vault("POST", "/kv1/x", json={}).status_code == 400
    assert vault("DELETE", "/kv1/data/x").status_code == 204
    assert set(engine.stored()) == {"metadata/x"}


def test_other_engines_know_no_secrets(sandbox: Sandbox, vault: Api) -> None:
    sandbox.vault.mount("ssh", kind="ssh")
    for method in ("GET", "POST"):
        answer = vault(method, "/ssh/data/x", json={"data": {}})
        assert (answer.status_code, answer.json()) == (404, {"errors": ["1 error occurred:\n\t* unsupported path\n\n"]})
    assert vault("POST", "/cubbyhole/data/x", json={"a": "b"}).status_code == 204
    assert vault("GET", "/cubbyhole/data/x").json()["data"] == {"a": "b"}


@pytest.mark.parametrize(("first", "second"), [("kv", "kv/team"), ("team/kv", "team"), ("kv", "kv"), ("x", "sys")])
def test_mounts_never_lie_within_each_other(sandbox: Sandbox, first: str, second: str) -> None:
    """As the real router refuses them (vault/router.go, MountConflict)."""
    sandbox.vault.mount(first)
    with pytest.raises(ValueError, match="path is already in use at "):
        sandbox.vault.mount(second)
    sandbox.vault.unmount(first)
    sandbox.vault.mount(f"{first}-other")


# --- namespaces --------------------------------------------------------------------------------------------------


def test_namespaces_have_stores_of_their_own(sandbox: Sandbox, vault: Api) -> None:
    for name in ("team", "a/b"):
        sandbox.vault.namespace(name).mount("secret")
    for name in ("", "team", "a/b/", "/a/b"):
        there = {"X-Vault-Namespace": name}
        assert vault("GET", "/secret/data/x", headers=there).status_code == (200 if name == "/a/b" else 404)
        if name != "/a/b":
            assert vault("POST", "/secret/data/x", json={"data": {"in": name}}, headers=there).status_code == 200
    held = {path: value[0] for path, value in sandbox.vault.stored().items() if path.endswith("/x")}
    assert held == {
        "secret/x": [{"in": ""}],
        "team: secret/x": [{"in": "team"}],
        "a/b: secret/x": [{"in": "a/b/"}],
    }
    assert vault("GET", "/a/b/secret/data/x").json()["data"]["data"] == {"in": "a/b/"}  # in the path itself
    nested = {"X-Vault-Namespace": "a"}
    assert vault("GET", "/b/secret/data/x", headers=nested).json()["data"]["data"] == {"in": "a/b/"}


def test_an_unknown_namespace_and_one_for_health(sandbox: Sandbox, vault: Api) -> None:
    sandbox.vault.namespace("team")
    unknown = vault("GET", "/secret/data/x", headers={"X-Vault-Namespace": "nobody"})
    assert (unknown.status_code, unknown.json()) == (404, {"errors": ["namespace not found"]})
    assert vault("GET", "/sys/health", headers={"X-Vault-Namespace": "team"}).status_code == 400
    assert ui_mount(vault, "secret/x", **{"X-Vault-Namespace": "team"})[0] == 403


def test_a_token_is_good_in_its_namespace_and_below(sandbox: Sandbox, vault: Api) -> None:
    """Its policies write paths as they are seen from there."""
    for name in ("team", "team/ci"):
        sandbox.vault.namespace(name).mount("kv")
    rules = {"kv/data/*": {"read"}, "ci/kv/data/*": {"create", "read"}, "ci/sys/capabilities-self": {"update"}}
    sandbox.vault.tokens[sandbox.tokens.vault] = Token(rules=rules, namespace="team")
    asked = {"paths": ["kv/data/x"]}
    held = {
        name: vault("POST", "/sys/capabilities-self", json=asked, headers={"X-Vault-Namespace": name})
        for name in ("", "team", "team/ci")
    }
    assert held[""].status_code == 403
    assert held["team"].json()["data"]["kv/data/x"] == ["read"]
    assert held["team/ci"].json()["data"]["kv/data/x"] == ["create", "read"]


def test_the_community_edition_passes_over_namespaces(sandbox: Sandbox, vault: Api) -> None:
    """It does not refuse the header (http/handler.go: every request goes to the root namespace)."""
    sandbox.vault.community = True
    there = {"X-Vault-Namespace": "nobody"}
    assert vault("GET", "/secret/data/viktor", headers=there).status_code == 200
    assert ui_mount(vault, "secret/x", **there) == ui_mount(vault, "secret/x")
    assert vault("GET", "/sys/health", headers=there).status_code == 200
