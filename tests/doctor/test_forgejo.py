"""Credentials that are missing or wrong, and what Forgejo's tokens lack."""

from __future__ import annotations

import pytest

from generator.base.checks import Check
from generator.clients.forgejo import Rights
from generator.lifecycle.doctor import forgejo
from generator.sandbox.faults import Status
from tests.doctor.clinic import CANARIES, FAILED, OK, SYSTEMS, UNKNOWN, Clinic


def test_everything_is_reported_where_nothing_is_there(clinic: Clinic) -> None:
    """No git, no clone, no credential: all in one go, and what is there is told beside it."""
    clinic.environ = {"PATH": str(clinic.folder), "HOME": str(clinic.folder)}
    checks = clinic(clinic.folder / "nothing")
    failed = {name for name, check in checks.items() if check.state is FAILED}
    tokens = {f"{name}.token" for name in CANARIES}
    assert failed == {"tools.git", "infra.clone"} | tokens
    for source in clinic.platform.connection.credentials.values():
        assert source.environment in checks[f"{source.name}.token"].hint
        assert source.vault in checks[f"{source.name}.token"].hint
    assert "vault login" in checks["vault.token"].hint
    assert "git 2.39" in checks["tools.git"].hint
    assert str(clinic.sandbox.urls["forgejo"]) in checks["infra.clone"].hint
    assert all(checks[f"{name}.reachable"].state is OK for name in SYSTEMS)
    assert checks["github.scopes"] == Check("github.scopes", UNKNOWN, "not proven: see github.token")


@pytest.mark.parametrize("name", [name for name in CANARIES if name not in ("vault", "registry", "forgejo_git")])
def test_a_missing_credential_hides_nothing(clinic: Clinic, name: str) -> None:
    """Neither its variable nor Vault has it."""
    source = clinic.platform.connection.credentials[name]
    del clinic.environ[source.environment]
    path, _, key = source.vault.partition("#")
    del clinic.sandbox.vault.secrets[path.removeprefix("secret/")][-1].data[key]
    wrong = clinic.wrong()
    assert wrong.pop(f"{name}.token") is FAILED
    assert set(wrong.values()) <= {UNKNOWN}
    assert all(item.startswith((f"{name}.", "forgejo_git.")) for item in wrong)


def test_credentials_from_vault(clinic: Clinic) -> None:
    """All of them are found there, and told with their path; main tokens serve where there is no other."""
    for source in clinic.platform.connection.credentials.values():
        clinic.environ.pop(source.environment)
    checks = clinic()
    assert {name for name, check in checks.items() if not check.well} == set()
    assert "Vault's secret/viktor#forgejo_token" in checks["forgejo.token"].summary
    reads = clinic.sandbox.journal.find("vault", "GET", "/v1/secret/data/")
    assert len(reads) == len({exchange.path for exchange in reads})


def test_ci_and_the_registry_with_the_main_tokens(clinic: Clinic) -> None:
    for name in ("forgejo_git", "registry"):
        source = clinic.platform.connection.credentials[name]
        clinic.environ.pop(source.environment)
        path, _, key = source.vault.partition("#")
        del clinic.sandbox.vault.secrets[path.removeprefix("secret/")][-1].data[key]
    checks = clinic()
    assert all(check.well for check in checks.values())
    assert "FORGEJO_TOKEN; CI gets all" in checks["forgejo_git.token"].summary
    clinic.sandbox.github.tokens[CANARIES["github"]].scopes = {"repo", "workflow"}
    checks = clinic()
    assert checks["registry.token"].state is FAILED
    assert "read:packages" in checks["registry.token"].hint
    assert "without delete_repo" in checks["github.scopes"].summary


@pytest.mark.parametrize("name", ["forgejo", "forgejo_git", "github", "woodpecker", "vault"])
def test_a_token_that_is_not_accepted(clinic: Clinic, name: str) -> None:
    variable = "VAULT_TOKEN" if name == "vault" else clinic.platform.connection.credentials[name].environment
    clinic.environ[variable] = "not-the-right-one-at-all"
    checks = clinic()
    assert checks[f"{name}.token"].state is FAILED
    assert variable in checks[f"{name}.token"].hint + checks[f"{name}.token"].summary
    assert {check.id.partition(".")[0] for check in checks.values() if not check.well} <= {name, "forgejo_git"}
    assert checks[f"{name}.scopes"].state in (UNKNOWN, FAILED)


def test_a_token_that_can_not_be_one(clinic: Clinic) -> None:
    clinic.environ["GITHUB_TOKEN"] = "two\nlines"
    wrong = clinic.wrong()
    assert wrong.pop("github.token") is FAILED
    assert set(wrong.values()) == {UNKNOWN}


@pytest.mark.parametrize(
    ("scopes", "lacks"),
    [
        ({"write:repository", "read:user"}, "write:user"),
        ({"write:user", "read:repository"}, "write:repository"),
        ({"write:user", "write:organization"}, "write:repository"),
        ({"write:repository"}, "read:user"),
    ],
)
def test_a_scope_that_forgejos_token_lacks(clinic: Clinic, scopes: set[str], lacks: str) -> None:
    clinic.sandbox.forgejo.tokens[CANARIES["forgejo"]].scopes = scopes
    check = clinic()["forgejo.scopes"]
    assert check.state is FAILED
    assert lacks in check.summary
    assert "write:user, write:repository" in check.hint
    assert "FORGEJO_TOKEN" in check.hint


def test_forgejos_all_is_everything(clinic: Clinic) -> None:
    clinic.sandbox.forgejo.tokens[CANARIES["forgejo"]].scopes = {"all"}
    assert clinic.wrong() == {}


@pytest.mark.parametrize("limit", ["public-only", "repositories"])
def test_a_limited_token_never_administers(clinic: Clinic, limit: str) -> None:
    token = clinic.sandbox.forgejo.tokens[CANARIES["forgejo"]]
    if limit == "repositories":
        token.repositories = ["infra"]
    else:
        token.scopes = {*token.scopes, "public-only"}
    check = clinic()["forgejo.scopes"]
    assert check.state is FAILED
    assert "for all repositories" in check.hint


def test_the_token_of_ci(clinic: Clinic) -> None:
    clinic.sandbox.forgejo.tokens[CANARIES["forgejo_git"]].scopes = {"read:repository"}
    assert clinic.wrong() == {"forgejo_git.scopes": FAILED}
    clinic.sandbox.forgejo.tokens[CANARIES["forgejo_git"]].scopes = {"write:issue"}
    assert clinic.wrong() == {"forgejo_git.scopes": FAILED}
    clinic.sandbox.forgejo.add_token(CANARIES["forgejo_git"], "somebody", "bot", {"write:repository"})
    assert clinic.wrong() == {"forgejo_git.scopes": UNKNOWN}


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_closed_list_of_tokens_proves_nothing(clinic: Clinic, status: int) -> None:
    """Older servers give the list for a password only."""
    answer = Status(status, '{"message":"auth required"}', "application/json")
    clinic.sandbox.faults.add("forgejo", "GET", "/users/viktor/tokens", 9, answer)
    assert set(clinic.wrong().items()) >= {("forgejo_git.scopes", UNKNOWN)}
    check = clinic()["forgejo.scopes"]
    assert check.state is (FAILED if status == 404 else UNKNOWN)
    assert check.hint


def test_an_organisation_that_owns(clinic: Clinic) -> None:
    """Its members create with another scope, and only if they may."""
    sandbox, guild = clinic.sandbox, {"forgejo": {"owner": "guild"}}
    clinic.changes = guild
    checks = clinic()
    assert checks["forgejo.owner"].state is FAILED
    assert "neither viktor" in checks["forgejo.owner"].summary
    assert checks["forgejo.infra"].state is FAILED
    sandbox.forgejo.organisations["guild"] = {"viktor": False}
    sandbox.forgejo.create_repository("guild", "infra", files={"a": "b"}, branch="master")
    try:
        assert clinic.wrong() == {"forgejo.owner": FAILED}
        sandbox.forgejo.organisations["guild"] = {"viktor": True}
        assert clinic.wrong() == {}
        sandbox.forgejo.tokens[CANARIES["forgejo"]].scopes = {"read:user", "write:repository"}
        wrong = clinic.wrong()
        assert wrong == {"forgejo.scopes": FAILED, "forgejo.owner": UNKNOWN}
    finally:
        del sandbox.forgejo.repositories["guild/infra"]


def test_an_infra_repository_that_can_not_be_pushed_to(clinic: Clinic) -> None:
    repository = clinic.sandbox.forgejo.repository("viktor/infra")
    repository.archived = True
    try:
        assert clinic.wrong() == {"forgejo.infra": FAILED}
    finally:
        repository.archived = False
    assert forgejo.judge_infra(Rights(push=False, archived=False), "a/b", "X").state is FAILED
