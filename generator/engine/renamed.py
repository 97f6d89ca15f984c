"""A default branch that somebody renamed on a forge: named as what it is, before its work is taken for another's."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

from generator.base.errors import RefusedError
from generator.engine.commits import RemoteCommit
from generator.engine.ownership import of_tree
from generator.engine.recorded import read_recorded

if TYPE_CHECKING:
    from generator.clients.forgejo import Forgejo
    from generator.engine.context import Run
    from generator.platform.profile import Platform


def refuse_renamed_branch(run: Run) -> None:
    """Raise ``RefusedError`` where the service's branch is gone and the default branch records the service instead."""
    repository, branch = run.canonical(), run.platform.forgejo.branch
    if repository is None or repository.empty or repository.default_branch in ("", branch) or run.canonical_head():
        return
    now = repository.default_branch
    if of_tree(read_recorded(RemoteCommit(run.forgejo, run.owner, run.name, now)), run.name).ours:
        raise RefusedError(
            "forgejo.branch_renamed",
            f"{run.owner}/{run.name} has no branch {branch} any more; its default branch is {now}, which holds this "
            "service: it was renamed",
            f"rename {now} back to {branch} in the repository's settings on Forgejo, then run the same command again; "
            f"if all services of this platform move to {now}, set forgejo.branch in the platform profile",
        )


def refuse_missing_infra_branch(api: Forgejo, platform: Platform, heads: Container[str]) -> None:
    """Raise ``RefusedError`` where the infra repository, with branches ``heads``, lacks the branch of the profile."""
    owner, infra = platform.forgejo.owner, platform.infra
    if infra.branch in heads:
        return
    found = api.repository(owner, infra.repository)
    now = found.default_branch if found and found.default_branch in heads else ""
    if not now:
        raise RefusedError(
            "infra.branch_missing",
            f"{owner}/{infra.repository} has no branch {infra.branch}",
            "correct infra.repository and infra.branch in the platform profile",
        )
    raise RefusedError(
        "infra.branch_missing",
        f"{owner}/{infra.repository} has no branch {infra.branch}; its default branch is {now}",
        f"if it was renamed, set infra.branch: {now} in the platform profile, or rename it back to {infra.branch} on "
        "Forgejo; then run the same command again",
    )
