"""Whether the infra repository's pipeline has applied a service's stack: observed on Woodpecker, and judged.

No one looks at the cluster from here. What is known of the Deployment is what this pipeline says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from generator.base.checks import Check, CheckState
from generator.base.errors import PreflightError
from generator.engine.change import change_branch

if TYPE_CHECKING:  # importing the clients takes a while
    from generator.clients.forgejo import PullRequest
    from generator.clients.woodpecker import Pipeline, Registration
    from generator.engine.context import Run

ID = "infra.pipeline"
STACK, DEPLOY = "infra.stack", "deploy.pipeline"
"""Checks of what comes before the pipeline, and after it."""

_PATIENCE_SECONDS = 900
"""After a merge, its run appears within this time; later it is one that nobody will see."""


@dataclass(frozen=True)
class MergeFacts:
    """What is known of the pipeline that a merge starts.

    ``merges``: merging starts one on this platform. ``stacked``: the stack is on the default branch. ``seen``: this
    token has the right to see the ``registration``, or there is a token at all. ``merge`` is the newest merged pull
    request of the service, None where none is known; ``run`` the newest pipeline of its commit, or of a later one that
    changed the stack. ``by_hand`` applies the stack without it, and ``now`` is the time.
    """

    repository: str
    merges: bool = True
    stacked: bool = False
    registration: Registration | None = None
    merge: PullRequest | None = None
    run: Pipeline | None = None
    address: str = ""
    by_hand: str = ""
    skip: str = ""
    now: datetime | None = None


def observe_merge(run: Run) -> MergeFacts:
    """Look at the newest merge of the service and at its pipeline; no more than what the facts before it need."""
    infra = run.platform.infra
    repository, pipeline = f"{run.owner}/{run.infra_repository}", infra.pipeline
    head = run.infra_heads().get(infra.branch)
    stacked = head is not None and run.infra_state(head).made_by_us
    by_hand, now = infra.apply_command(run.name), datetime.now(UTC)
    skip = pipeline.skip if pipeline else ""
    if pipeline is None or not stacked or run.systems.woodpecker is None:
        return MergeFacts(repository, pipeline is not None, stacked, by_hand=by_hand, skip=skip, now=now)
    woodpecker = run.systems.woodpecker
    registration = run.once("infra registration", lambda: woodpecker.lookup(repository))
    if registration is not None and registration.full_name.lower() != repository.lower():
        registration = None  # it has had that name, and is another repository now
    if registration is None or not registration.active:
        return MergeFacts(repository, True, stacked, registration, by_hand=by_hand, skip=skip, now=now)
    number = registration.id
    merge = _newest(run.once("infra requests", lambda: run.forgejo.pull_requests(run.owner, run.infra_repository)), run)
    listed = run.once("infra pipelines", lambda: woodpecker.pipelines(number, pages=2))
    ours = _of_merge(listed, merge, infra.branch, run.project.stack_prefix)
    if ours is not None and ours.status not in ("success", *_GOING):
        ours = woodpecker.pipeline(number, ours.number)  # the list has no steps
    address = f"{run.platform.woodpecker.url}/repos/{number}/pipeline/{ours.number}" if ours else ""
    return MergeFacts(repository, True, stacked, registration, merge, ours, address, by_hand, skip, now)


_GOING = ("created", "pending", "running", "started", "blocked")


def _newest(pulls: Iterable[PullRequest], run: Run) -> PullRequest | None:
    """The newest merged pull request of the stack or of its change."""
    heads, base = (run.infra_branch, change_branch(run.name)), run.platform.infra.branch
    merged = [pull for pull in pulls if pull.merged and pull.branch in heads and pull.base == base]
    return max(merged, key=lambda pull: pull.merged_at, default=None)


def _of_merge(listed: Sequence[Pipeline], merge: PullRequest | None, branch: str, stack: str) -> Pipeline | None:
    """The newest push pipeline of the merge, or of a later push that changed the stack."""
    pushes = [item for item in listed if item.event == "push" and item.branch == branch]
    first = min((item.number for item in pushes if merge and item.commit == merge.merge_commit), default=None)
    if merge is None or first is None:
        return None
    found = [
        item
        for item in pushes
        if item.commit == merge.merge_commit
        or (item.number > first and any(path.startswith(stack) for path in item.files))
    ]
    return max(found, key=lambda item: item.number)


def judge_merge(facts: MergeFacts) -> Check:
    """Check that the merge's pipeline succeeded. Unknown where it can't be seen: that alone is no fault. Pure."""
    again = f"apply it by hand: {facts.by_hand}" if facts.by_hand else "apply it by hand"
    if not facts.merges:
        return Check(ID, CheckState.SKIPPED, "merging applies nothing on this platform: a person applies the stack")
    if not facts.stacked:
        return Check(ID, CheckState.WAITING, "not applied yet: the stack is not merged, and the merge starts it")
    if facts.registration is None:
        summary = f"unknown: Woodpecker shows no registration of {facts.repository} to this token, or there is no token"
        return Check(ID, CheckState.UNKNOWN, summary, "look on Woodpecker whether the merge's pipeline succeeded")
    if not facts.registration.active:
        summary = f"{facts.repository} is switched off on Woodpecker: merging applies nothing"
        return Check(ID, CheckState.FAILED, summary, f"switch it on there, or {again}")
    if facts.merge is None:
        summary = f"unknown: no merged pull request of the stack is known, so neither is the run of {facts.repository}"
        return Check(ID, CheckState.UNKNOWN, summary, "look on Woodpecker whether the stack was applied")
    if facts.run is None:
        return _unseen(facts, again)
    said = f"pipeline {facts.run.number} of {facts.repository} ({facts.run.commit[:8]})"
    if facts.run.going:
        return Check(ID, CheckState.WAITING, f"not applied yet: {said} is {facts.run.status}, {facts.address}")
    if facts.run.status == "blocked":
        summary = f"not applied yet: {said} waits for approval, {facts.address}"
        return Check(ID, CheckState.WAITING, summary, "approve it on Woodpecker")
    if facts.run.status != "success":
        why = f", {facts.run.why}" if facts.run.why else ""
        hint = "read its log, fix the reason, and run the pipeline again on Woodpecker"
        summary = f"not applied: {said} ended with {facts.run.status}{why}, {facts.address}"
        return Check(ID, CheckState.FAILED, summary, hint)
    return Check(ID, CheckState.OK, f"{said}: success, {facts.address}")


def _unseen(facts: MergeFacts, again: str) -> Check:
    """No run of the merge is listed: it is about to start, was skipped, or is older than the list."""
    assert facts.merge is not None  # noqa: S101 - what calls this
    short, word = facts.merge.merge_commit[:8], f", as after a merge with {facts.skip}" if facts.skip else ""
    if _seconds_since(facts.merge.merged_at, facts.now) < _PATIENCE_SECONDS:
        summary = f"not applied yet: no pipeline of {facts.repository} for {short} has started"
        return Check(ID, CheckState.WAITING, summary, f"it starts soon after the merge; if none does{word}, {again}")
    summary = f"unknown: no pipeline of {facts.repository} for {short} is among the newest ones{word}"
    return Check(ID, CheckState.UNKNOWN, summary, f"look on Woodpecker whether it was applied; if not, {again}")


def _seconds_since(moment: str, now: datetime | None) -> float:
    """How long ago a moment of the forge's was; endless where it says none."""
    try:
        then = datetime.fromisoformat(moment)
        return ((now or datetime.now(UTC)) - then).total_seconds()
    except (TypeError, ValueError):
        return float("inf")


def waits_for(run: Run) -> str:
    """Why a deploy would find nothing, of a stack that is merged; empty where that can't be seen."""
    try:
        return unapplied(judge_merge(observe_merge(run)))
    except PreflightError:  # the token's rights are no reason
        return ""


def unapplied(check: Check, *, stacked: bool = True) -> str:
    """Why nothing can be deployed to yet, in a few words; empty where the stack is applied, or nothing says otherwise.

    ``check`` is that of the merge; ``stacked``: the stack is on the default branch.
    """
    if not stacked:
        return "the stack is not merged"
    return "its pipeline has not succeeded" if check.state in (CheckState.WAITING, CheckState.FAILED) else ""
