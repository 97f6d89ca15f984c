"""What the tokens of GitHub, Woodpecker and Vault lack."""

from __future__ import annotations

import json
from typing import Any

import pytest

from generator.base.checks import CheckState
from generator.sandbox.faults import FaultKind, Status
from generator.sandbox.vault import Token as VaultToken
from tests.doctor.clinic import CANARIES, FAILED, OK, UNKNOWN, WAITING, Clinic, completed


@pytest.mark.parametrize("lacks", ["repo", "workflow"])
def test_a_scope_that_githubs_token_lacks(clinic: Clinic, lacks: str) -> None:
    clinic.sandbox.github.tokens[CANARIES["github"]].scopes -= {lacks}
    check = clinic()["github.scopes"]
    assert (check.state, check.summary) == (FAILED, f"the token lacks {lacks}")
    assert lacks in check.hint
    assert "GITHUB_TOKEN" in check.hint


def test_a_fine_grained_token_is_never_called_right(
    clinic: Clinic, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it may do can't be read: the list to look at, and neither success nor failure."""
    token = clinic.sandbox.github.tokens[CANARIES["github"]]
    token.fine_grained = True
    arguments = ["doctor", "--platform", str(clinic.profile), "--infra", str(clinic.sandbox.infra), "--json"]
    code, out, _ = completed(arguments, capsys)
    events = [json.loads(line) for line in out.splitlines()]
    (check,) = [item for item in events if item.get("id") == "github.scopes"]
    assert (code, check["state"], events[-1]["status"]) == (0, "unknown", "partial")
    assert all(word in check["hint"] for word in ("Administration", "Secrets", "Workflows", "all repositories"))
    assert events[-1]["next"] == [f"github.scopes: {check['hint']}"]
    for refused in ("secrets=read", "administration=read", "actions=read", "contents=read"):
        token.refused = {refused}
        found = clinic()["github.scopes"]
        assert found.state is FAILED
        assert refused in found.summary
    monkeypatch.setattr(clinic.sandbox.github, "repositories", {})
    assert clinic()["github.scopes"].state is UNKNOWN


def test_an_owner_on_github_who_is_not_the_tokens(clinic: Clinic) -> None:
    clinic.changes = {"github": {"owner": "guild"}}
    assert clinic.wrong() == {"github.owner": FAILED}
    member: dict[str, Any] = {"state": "active", "role": "member", "permissions": {"can_create_repository": True}}
    for change, state in (
        ({}, OK),
        ({"permissions": {"can_create_repository": False}}, FAILED),
        ({"state": "pending"}, FAILED),
        ({"permissions": None, "role": "admin"}, OK),
    ):
        clinic.sandbox.faults.clear()
        body = json.dumps({**member, **change})
        clinic.sandbox.faults.add("github", "GET", "/memberships/", 1, Status(200, body, "application/json"))
        assert clinic()["github.owner"].state is state, change


def test_few_requests_left_on_github(clinic: Clinic) -> None:
    core = {"resources": {"core": {"limit": 5000, "used": 4990, "remaining": 10, "reset": 4102444800}}}
    clinic.sandbox.faults.add("github", "GET", "/rate_limit", 9, Status(200, json.dumps(core), "application/json"))
    assert clinic.wrong() == {"github.limit": WAITING}


def test_woodpeckers_user(clinic: Clinic) -> None:
    clinic.sandbox.woodpecker.admins.clear()
    check = clinic()["woodpecker.scopes"]
    assert check.state is OK
    assert "not an administrator" in check.summary


@pytest.mark.parametrize(
    ("status", "state", "expected"),
    [
        (429, OK, "standby"),
        (473, OK, "standby"),
        (472, FAILED, "disaster"),
        (501, FAILED, "initial"),
        (503, FAILED, "seal"),
    ],
)
def test_vaults_health(clinic: Clinic, status: int, state: CheckState, expected: str) -> None:
    clinic.sandbox.vault.health = status
    checks = clinic()
    assert checks["vault.reachable"].state is state
    assert expected in checks["vault.reachable"].summary
    others = [check.id for check in checks.values() if not check.well and not check.id.startswith("vault.")]
    assert others == []


@pytest.mark.parametrize(
    ("held", "lacks"), [({"read"}, "create, update"), ({"create", "read"}, "update"), (set(), "create")]
)
def test_vaults_capabilities(clinic: Clinic, held: set[str], lacks: str) -> None:
    """Where services' secrets go; the person's own path stays readable."""
    clinic.sandbox.vault.tokens[CANARIES["vault"]] = VaultToken(
        rules={"secret/data/*": held, "secret/data/viktor": {"read"}}
    )
    check = clinic()["vault.scopes"]
    assert check.state is FAILED
    assert lacks in check.summary


@pytest.mark.parametrize(
    ("mount", "kind", "expected"),
    [("kv1", "kv", "KV version 1"), ("ssh", "ssh", "type ssh"), ("nope", "", "nothing is mounted")],
)
def test_vaults_mount(clinic: Clinic, mount: str, kind: str, expected: str) -> None:
    """Only what goes there is in doubt: the person's own tokens are in another mount."""
    if kind:
        clinic.sandbox.vault.mount(mount, kind=kind, version=1)
    clinic.changes = {"vault": {"mount": mount}}
    try:
        checks = clinic()
        assert clinic.wrong() == {"vault.mount": FAILED, "vault.scopes": UNKNOWN}
    finally:
        clinic.sandbox.vault.namespace("").mounts.pop(mount, None)
    assert expected in checks["vault.mount"].summary
    assert "vault.mount" in checks["vault.scopes"].summary


def test_vaults_namespace(clinic: Clinic) -> None:
    clinic.environ["VAULT_NAMESPACE"] = "nobody"
    wrong = clinic.wrong()
    assert wrong.items() >= {"vault.mount": FAILED, "vault.scopes": UNKNOWN}.items()
    clinic.changes = {"vault": {"namespace": "team"}}
    assert clinic.wrong() == {"vault.token": FAILED, "vault.mount": UNKNOWN, "vault.scopes": UNKNOWN}


def test_vaults_token(clinic: Clinic) -> None:
    token = clinic.sandbox.vault.tokens[CANARIES["vault"]]
    token.seconds = 600
    assert clinic.wrong() == {"vault.token": WAITING}
    token.seconds, token.rules = 0, {"*": {"root"}}
    assert clinic.wrong() == {}
    clinic.sandbox.faults.add("vault", "POST", "capabilities-self", 1, FaultKind.UNAUTHORIZED)
    assert clinic.wrong() == {"vault.scopes": FAILED}


WRITER = {"create", "read", "update"}


@pytest.mark.parametrize(
    "rules",
    [
        {"secret/data/*": WRITER},
        {"secret/*": WRITER},
        {"*": WRITER, "auth/token/lookup-self": set(), "sys/capabilities-self": set()},
        {"secret/data/*": {"root"}},
        {"secret/data/*": WRITER | {"delete", "list", "patch"}, "sys/capabilities-self": {"read"}},
    ],
    ids=["the secrets alone", "the mount", "all but itself", "root there", "another verb"],
)
def test_a_token_without_the_default_policy_works(clinic: Clinic, rules: dict[str, set[str]]) -> None:
    """Neither what it is nor what it may do can be asked: it reads, and claims no right to write."""
    clinic.sandbox.vault.tokens[CANARIES["vault"]] = VaultToken(["services"], rules=rules)
    clinic.sandbox.journal.clear()
    checks = clinic()
    assert {name: check.state for name, check in checks.items() if not check.well} == {"vault.scopes": UNKNOWN}
    assert "`default`" in checks["vault.token"].summary
    assert "may read secret/" in checks["vault.scopes"].summary
    asked = {item.path for item in clinic.sandbox.journal.find("vault") if item.method != "GET"}
    assert asked == {"/v1/sys/capabilities-self"}


@pytest.mark.parametrize("held", [{"create", "update"}, {"list"}, set()], ids=["writes", "lists", "nothing"])
def test_a_token_that_may_not_ask_and_not_read(clinic: Clinic, held: set[str]) -> None:
    rules = {"secret/data/*": held, "secret/data/viktor": {"read"}}
    clinic.sandbox.vault.tokens[CANARIES["vault"]] = VaultToken(["services"], rules=rules)
    checks = clinic()
    assert checks["vault.token"].state is OK
    assert checks["vault.scopes"].state is FAILED
    assert "not allowed to read secret/" in checks["vault.scopes"].summary


def test_the_uses_of_a_token_that_may_not_look_itself_up(clinic: Clinic) -> None:
    """They show when they are spent."""
    rules = {"secret/data/*": WRITER}
    clinic.sandbox.vault.tokens[CANARIES["vault"]] = VaultToken(["services"], rules=rules, uses=2)
    checks = clinic()
    assert checks["vault.token"].state is OK
    assert (checks["vault.scopes"].state, checks["vault.scopes"].code) == (FAILED, "vault.unauthorized")


@pytest.mark.parametrize(
    ("change", "state", "code", "words"),
    [
        ({"uses": 1}, FAILED, "vault.token_ends", "no uses left"),
        ({"uses": 2}, FAILED, "vault.token_ends", "1 uses left"),
        ({"uses": 20}, FAILED, "vault.token_ends", "19 uses left"),
        ({"uses": 500}, OK, "", "policies"),
        ({"uses": -1}, FAILED, "vault.unauthorized", "has no uses left"),
        ({"seconds": 60, "renewable": False}, FAILED, "vault.token_ends", "60 seconds"),
        ({"seconds": 60}, WAITING, "", "expires in 1 minutes"),
        ({"seconds": 0, "renewable": False}, OK, "", "policies"),
    ],
)
def test_a_token_that_ends(clinic: Clinic, change: dict[str, Any], state: CheckState, code: str, words: str) -> None:
    """It is never reported as one that lacks a scope."""
    clinic.sandbox.vault.tokens[CANARIES["vault"]] = VaultToken(**change)
    check = clinic()["vault.token"]
    assert (check.state, check.code) == (state, code)
    assert words in check.summary
    assert bool(check.hint) == (state is not OK)
