"""What the tokens must be allowed to do, as far as this is known before the first write."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from generator.base.checks import Check, CheckState
from generator.engine.context import Run
from generator.engine.ownership import is_adopted_mirror
from generator.engine.plan import Plan
from generator.engine.steps.github import mirror_description
from generator.lifecycle.doctor.forgejo import judge_scopes, observe_tokens
from generator.lifecycle.doctor.preflight import require
from generator.lifecycle.doctor.rules import check_removal


def check_rights(run: Run, plan: Plan, written: Collection[str]) -> None:
    """Raise ``PreflightError`` if a token is known to lack the right to delete what is to be removed.

    So it does if a rule on branches rejects a push, or if a commit is to be signed and can't be.
    """
    require(_checks(run, written))
    require(check_removal(run, plan, written))


def _checks(run: Run, written: Collection[str]) -> Iterator[Check]:
    if "github.repository" in written and not _unmarks(run):
        scopes = run.github.account().scopes
        if scopes is not None and "delete_repo" not in scopes:  # None: a fine-grained token does not list them
            source = run.credentials["github"].source
            summary, hint = "the token lacks delete_repo", f"give the token in {source} the scope delete_repo"
            yield Check("github.scopes", CheckState.FAILED, summary, hint)
    if "forgejo.repository" in written and not run.answers.adopted:
        listed, token = observe_tokens(run.forgejo, run.owner), run.credentials["forgejo"]
        # Since Forgejo 15 a deletion needs the scope of the owner's kind (routers/api/v1/repo/repo.go).
        kind = "write:organization" if listed.foreign(run.owner) else "write:user"
        yield judge_scopes(
            "forgejo.scopes", listed, token.value, (kind, "write:repository", "read:issue"), token.source
        )


def _unmarks(run: Run) -> bool:
    """Whether the mirror is one that people made: it stays, and only its description changes."""
    mirror = run.mirror_repository() if run.answers.adopted else None
    return mirror is not None and is_adopted_mirror(mirror, mirror_description(run))
