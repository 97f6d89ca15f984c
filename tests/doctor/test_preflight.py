"""The same proof before the first write."""

from __future__ import annotations

import pytest

from generator.base.checks import Check
from generator.base.errors import ExitCode, PreflightError
from generator.clients.github import Account
from generator.engine.connections import open_run
from generator.engine.plan import Action, Decision, Plan, State, StepPlan
from generator.engine.project import Project
from generator.lifecycle.doctor import github, preflight, require
from generator.sandbox.faults import FaultKind
from generator.sandbox.vault import Token as VaultToken
from generator.template.template import Template
from tests.answers import RICH, answer
from tests.doctor.clinic import CANARIES, FAILED, OK, UNKNOWN, Clinic
from tests.full import few


def _plan(*writes: tuple[str, str]) -> Plan:
    """A plan that writes only so much; ``writes`` are steps with their systems."""
    absent = Decision(State.ABSENT, Action.CREATE, "to do")
    return Plan("city-guide", (), (), tuple(StepPlan(name, system, absent) for name, system in writes))


EVERYTHING = (
    ("vault.secrets", "vault"), ("forgejo.repository", "forgejo"), ("github.secrets", "github"),
    ("github.repository", "github"), ("woodpecker.registration", "woodpecker"), ("infra.commit", "forgejo"),
)  # fmt: skip


def _before(clinic: Clinic, *writes: tuple[str, str]) -> dict[str, Check]:
    project = Project(Template.installed(), clinic.platform, answer(RICH), clinic.folder / "service")
    with open_run(project, clinic.sandbox.infra, environ=clinic.environ) as run:
        clinic.sandbox.journal.clear()
        checks = preflight(run, _plan(*writes))
    assert not clinic.sandbox.journal.writes()
    return {check.id: check for check in checks}


def test_what_is_proven_before_the_first_write(clinic: Clinic) -> None:
    checks = _before(clinic, *EVERYTHING)
    assert {check.state for check in checks.values()} == {OK}
    assert list(checks) == [
        "forgejo.scopes", "forgejo_git.scopes", "forgejo.infra", "github.scopes", "github.owner",
        "woodpecker.token", "vault.token", "vault.mount", "vault.scopes",
    ]  # fmt: skip
    require(checks.values())
    asked = [(item.system, item.path.rpartition("/")[2]) for item in clinic.sandbox.journal]
    assert sorted(set(asked)) == [
        ("forgejo", "branch_protections"), ("forgejo", "infra"), ("forgejo", "tokens"), ("forgejo", "user"),
        ("github", "user"), ("vault", "capabilities-self"), ("vault", "city-guide"), ("vault", "lookup-self"),
        ("woodpecker", "user"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("held", "lacks"),
    [
        ({"create", "read", "update"}, ""),
        ({"root"}, ""),
        ({"read"}, "create or update"),
        ({"create", "update"}, "read"),
        (set(), "create or update, read"),
    ],
)
def test_a_vault_token_that_may_not_ask_tries_before_the_first_write(
    clinic: Clinic, held: set[str], lacks: str
) -> None:
    """It lacks the policy ``default``. Nothing is stored by trying."""
    rules = {"secret/data/*": held, "secret/data/viktor": {"read"}}
    clinic.sandbox.vault.tokens[CANARIES["vault"]] = VaultToken(["services"], rules=rules)
    before = clinic.sandbox.vault.stored()
    check = _before(clinic, ("vault.secrets", "vault"))["vault.scopes"]
    assert check.state is (FAILED if lacks else OK)
    assert (f"not allowed to {lacks} secret/" if lacks else "tried") in check.summary
    assert clinic.sandbox.vault.stored() == before


def test_nothing_is_asked_where_nothing_is_to_do(clinic: Clinic) -> None:
    assert _before(clinic) == {}
    assert len(clinic.sandbox.journal) == 0


def test_missing_scopes_refuse_together(clinic: Clinic) -> None:
    clinic.sandbox.forgejo.tokens[CANARIES["forgejo"]].scopes = {"write:repository", "read:user"}
    clinic.sandbox.github.tokens[CANARIES["github"]].scopes -= {"workflow"}
    checks = _before(clinic, *EVERYTHING)
    with pytest.raises(PreflightError) as caught:
        require(checks.values())
    assert (caught.value.code, caught.value.exit_code) == ("forgejo.scope", ExitCode.PREFLIGHT)
    assert all(word in caught.value.message for word in ("write:user", "workflow"))
    assert all(word in caught.value.hint for word in ("write:user, write:repository", "GITHUB_TOKEN"))


def test_only_what_is_needed_is_asked_for(clinic: Clinic) -> None:
    """A push needs no right to create repositories."""
    clinic.sandbox.forgejo.tokens[CANARIES["forgejo"]].scopes = {"write:repository", "read:user"}
    checks = _before(clinic, ("service.push", "forgejo"))
    assert {name: check.state for name, check in checks.items()} == {"forgejo.scopes": OK}


@pytest.mark.parametrize(
    "kind", few(1, [FaultKind.SERVER_ERROR, FaultKind.HTML_200, FaultKind.MALFORMED, FaultKind.NOT_FOUND])
)
def test_a_system_that_fails_refuses_nothing(clinic: Clinic, kind: FaultKind) -> None:
    """It proves nothing against its token: the steps will meet the failure, and say so."""
    for path in ("/tokens$", "/repos/viktor/infra$", "capabilities-self$", "lookup-self$", "/ui/mounts/", "/api/user$"):
        clinic.sandbox.faults.add("*", "*", path, 9, kind)
    checks = _before(clinic, *(write for write in EVERYTHING if write[1] != "github"))
    states = {name: check.state for name, check in checks.items()}
    if kind is FaultKind.NOT_FOUND:
        assert states.pop("forgejo.infra") is FAILED  # what is not there can't be pushed to
    assert set(states.values()) == {UNKNOWN}


def test_github_fine_grained_before_the_first_write(clinic: Clinic) -> None:
    clinic.sandbox.github.tokens[CANARIES["github"]].fine_grained = True
    checks = _before(clinic, ("forgejo.mirror", "forgejo"))
    assert checks["github.scopes"].state is UNKNOWN
    require(checks.values())
    assert github.judge_fine_grained(["secrets=read"], "X").state is FAILED
    assert github.judge_packages(Account("me", None), "X").state is FAILED
