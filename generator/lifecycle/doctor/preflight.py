"""The same checks before the first write of a run, only for what its plan is about to do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from generator.base.checks import Check, CheckState
from generator.base.errors import PreflightError
from generator.base.memo import quietly
from generator.engine.context import Run
from generator.engine.plan import Action, Plan
from generator.engine.steps.vault import path as vault_path
from generator.lifecycle.doctor import forgejo, github, rules, vault
from generator.lifecycle.doctor.gathering import Part, attempt, gather

_UNSEEN = CheckState.UNKNOWN
"""A system that fails to answer here proves nothing against its token; the steps themselves will meet it."""


def preflight(run: Run, plan: Plan) -> list[Check]:
    """What can be proven of the tokens that ``plan`` will write with; nothing if it writes nothing.

    The systems are asked at the same time, with one request each for a person's own repositories.
    """
    writes = {step.id: step.decision.action for step in plan.steps if step.decision.action in _WRITES}
    systems = {step.system for step in plan.steps if step.id in writes}
    return gather(_parts(run, plan, writes, systems))


def require(checks: Iterable[Check]) -> None:
    """Raise a ``PreflightError`` that names everything that is certainly missing."""
    failed = [check for check in checks if check.state is CheckState.FAILED]
    if failed:
        system = failed[0].id.partition(".")[0].partition("_")[0]
        code = failed[0].code if failed[0].code else f"{system}.scope"
        raise PreflightError(
            code,
            "; ".join(f"{check.id}: {check.summary}" for check in failed),
            "; ".join(dict.fromkeys(check.hint for check in failed if check.hint)),
        )


_WRITES = (Action.CREATE, Action.UPDATE)


def _parts(run: Run, plan: Plan, writes: Collection[str], systems: Collection[str]) -> Iterator[Part]:
    if "forgejo" in systems:
        yield Part((), lambda: _forgejo(run, writes))
    if "forgejo.repository" in writes:
        yield Part((), lambda: _login(run))
    if {"infra.commit", "infra.pull_request", "infra.change_commit", "infra.change_request"} & set(writes):
        yield _single("forgejo.infra", lambda: _infra(run))
    if rules.COMMITS & set(writes):
        yield Part((), lambda: _worst(rules.RULES, lambda: list(rules.check_rules(run, plan, writes))))
        yield Part((), lambda: _worst(rules.SIGNING, lambda: list(rules.check_signing(run, plan, writes))))
    if "github" in systems or "forgejo.mirror" in writes:
        yield Part((), lambda: _github(run, writes))
    if "woodpecker" in systems:
        yield _single("woodpecker.token", lambda: _woodpecker(run))
    if "vault.secrets" in writes:
        source = "VAULT_TOKEN or the file that `vault login` leaves"
        yield _single("vault.token", lambda: vault.check_token(run.vault, source))
        yield _single("vault.mount", lambda: vault.check_mount(run.vault, vault_path(run)))
        yield _single("vault.scopes", lambda: vault.check_capabilities(run.vault, vault_path(run), source, trying=True))


def _single(name: str, look: Callable[[], Check]) -> Part:
    return Part((name,), lambda: [attempt(name, look, _UNSEEN)])


def _worst(name: str, look: Callable[[], list[Check]]) -> list[Check]:
    """Of checks of one kind the first that is not well, else the last."""
    found = attempt(name, look, _UNSEEN)
    if isinstance(found, Check):
        return [found]
    return [check for check in found if not check.well][:1] or found[-1:]


def _forgejo(run: Run, writes: Collection[str]) -> Iterator[Check]:
    """The main token's scopes and owner, and CI's token from the same list."""
    main, create = run.credentials["forgejo"], "forgejo.repository" in writes
    listed = attempt("forgejo.scopes", lambda: forgejo.observe_tokens(run.forgejo, run.owner), _UNSEEN)
    if isinstance(listed, Check):
        yield listed
        return
    needed = forgejo.needed_scopes(organisation=listed.foreign(run.owner), create=create)
    yield forgejo.judge_scopes("forgejo.scopes", listed, main.value, needed, main.source)
    if create and listed.foreign(run.owner):
        yield attempt("forgejo.owner", lambda: forgejo.check_owner(run.forgejo, listed.login, run.owner), _UNSEEN)
    pushing = run.credentials.get("forgejo_git")
    if pushing is not None and "github.secrets" in writes:
        others = listed.without_refusals()
        yield forgejo.judge_scopes("forgejo_git.scopes", others, pushing.value, forgejo.PUSH_SCOPES, pushing.source)


def _login(run: Run) -> list[Check]:
    """Look up the token's user, whom creating a repository needs, beside the other checks; it yields no check."""
    quietly(run.forgejo.login)()
    return []


def _infra(run: Run) -> Check:
    return forgejo.check_infra(run.forgejo, run.owner, run.infra_repository, run.credentials["forgejo"].source)


def _github(run: Run, writes: Collection[str]) -> Iterator[Check]:
    source = run.credentials["github"].source
    account = attempt("github.scopes", run.github.account, _UNSEEN)
    if isinstance(account, Check):
        yield account
        return
    yield attempt("github.scopes", lambda: github.check_scopes(run.github, account, source), _UNSEEN)
    if "github.repository" in writes:
        owner = run.platform.github.owner
        yield attempt("github.owner", lambda: github.check_owner(run.github, account, owner), _UNSEEN)


def _woodpecker(run: Run) -> Check:
    """Elsewhere Woodpecker treats an invalid token as anonymous: only this request refuses it."""
    login = run.woodpecker.account().login
    return Check("woodpecker.token", CheckState.OK, f"{login}, from {run.credentials['woodpecker'].source}")
