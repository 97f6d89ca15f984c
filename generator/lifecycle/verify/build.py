"""Judges the path from commit to running image: mirror, CI, registry, deploy pipeline. Facts in, checks out. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from generator.base.checks import Check, CheckState
from generator.base.errors import NewserviceError
from generator.clients.github import WorkflowRun
from generator.clients.woodpecker import Pipeline, Registration
from generator.engine.delivery import Delivery

AGAIN = "run `newservice create` with the same answers: it fixes what is missing or wrong"

# States of the build in which its results are not missing: it has not produced them yet.
_NOT_BUILT = (CheckState.WAITING, CheckState.FAILED, CheckState.UNKNOWN)


@dataclass(frozen=True)
class MirrorFacts:
    """The branch's head on Forgejo and on GitHub, and the push mirrors to GitHub with the errors of their last push.

    ``seen``: whether this token sees a mirror repository at all.
    """

    where: str
    canonical: str | None
    seen: bool
    mirrored: str | None
    mirrors: int
    errors: Sequence[str] = ()


def judge_mirror(facts: MirrorFacts) -> Check:
    """Check that GitHub is at the canonical commit, and that a push mirror will bring the next one there."""
    id_ = "mirror.commit"
    if facts.canonical is None:
        return _failed(id_, f"{facts.where}: no commit on Forgejo is visible to this token", AGAIN)
    if not facts.seen:
        return Check(
            id_,
            CheckState.UNKNOWN,
            f"{facts.where}: GitHub shows no repository; it is missing, or the token is not allowed to see it",
            f"the token needs the scope repo (fine-grained: Contents, read); if it has that, {AGAIN}",
        )
    if facts.canonical == facts.mirrored and not facts.mirrors:
        summary = f"{facts.where} is at {facts.canonical[:8]}, but there is no push mirror"
        return _failed(id_, f"{summary}: the next commit stays on Forgejo", AGAIN)
    if facts.canonical == facts.mirrored:
        return Check(id_, CheckState.OK, f"{facts.where} is at {facts.canonical[:8]} on both sides")
    behind = f"{facts.where} is at {(facts.mirrored or 'nothing')[:8]}, Forgejo at {facts.canonical[:8]}"
    if not facts.mirrors:
        return _failed(id_, f"{behind}; no push mirror exists", AGAIN)
    if facts.errors:
        errors = "; ".join(facts.errors)
        return _failed(id_, f"{behind}; the last push of the mirror failed: {errors}", f"fix that, then {AGAIN}")
    return Check(id_, CheckState.WAITING, behind, f"Forgejo pushes soon; if it doesn't, {AGAIN}")


@dataclass(frozen=True)
class RunFacts:
    """The workflow runs that GitHub has of a commit, newest first, and the jobs that failed in the newest of ours.

    ``enabled``: whether Actions are switched on; None where that can't be seen.
    """

    sha: str
    runs: Sequence[WorkflowRun]
    failed_jobs: Sequence[str] = ()
    enabled: bool | None = None


def newest_run(facts: RunFacts, workflow: str | None) -> WorkflowRun | None:
    """The newest run of our workflow for exactly this commit; None if it has none."""
    found = [run for run in facts.runs if run.sha == facts.sha and run.path == workflow]
    return max(found, key=lambda run: run.number, default=None)


def judge_run(facts: RunFacts, workflow: str | None) -> Check:
    """Check that the newest run of our workflow for this commit succeeded; no other run counts."""
    id_, short = "ci.run", facts.sha[:8]
    run = newest_run(facts, workflow)
    if run is None and facts.enabled is False:
        return _failed(id_, f"{short} has no run: Actions are switched off", "switch them on in the mirror's settings")
    if run is None:
        return Check(id_, CheckState.WAITING, f"{short} has no run of {workflow} yet; it appears soon after a push")
    if run.status != "completed":
        return Check(id_, CheckState.WAITING, f"{short}: {run.status.replace('_', ' ')}, {run.url}")
    if run.conclusion == "success":
        return Check(id_, CheckState.OK, f"{short}: success, {run.url}")
    jobs = f" in {', '.join(facts.failed_jobs)}" if facts.failed_jobs else ""
    return _failed(
        id_,
        f"{short}: {run.conclusion.replace('_', ' ') or 'no conclusion'}{jobs}, {run.url}",
        "read its log; push a commit that fixes it, or run it again on GitHub",
    )


@dataclass(frozen=True)
class ImageFacts:
    """Digests by tag as the token sees them; ``open``: whether one of them can be seen without a token.

    ``refusal`` is the registry's error if it refused the token.
    """

    digests: Mapping[str, str | None]
    open: bool
    refusal: NewserviceError | None = None


def judge_image(facts: ImageFacts, delivery: Delivery, *, private: bool, ci: CheckState) -> Check:
    """Whether the commit's tag exists, ``latest`` is the same image, and exactly the intended readers can pull it."""
    id_, name = "image.tags", delivery.image
    missing = [tag for tag in delivery.tags if not facts.digests.get(tag)]
    if missing and ci in _NOT_BUILT:
        return Check(id_, CheckState.WAITING, f"{name} has no {' and no '.join(missing)}: the build makes it")
    if missing and len(missing) == len(delivery.tags):
        return _unseen_image(facts, delivery)
    if missing:
        present = ", ".join(tag for tag in delivery.tags if tag not in missing)
        return _failed(
            id_,
            f"{name} has {present} but no {' and no '.join(missing)}: that is another commit's image",
            "run the build of this commit again",
        )
    if len(set(facts.digests.values())) > 1:
        tags = " and ".join(delivery.tags)
        if ci is CheckState.WAITING:
            return Check(id_, CheckState.WAITING, f"{name}: {tags} are different images as long as the build runs")
        return _failed(
            id_, f"{name}: {tags} are different images", "a later run built another commit; run this one's again"
        )
    return _judge_visibility(facts, delivery, private=private)


def judge_images(checks: Sequence[Check]) -> Check:
    """One check of several images: the worst counts, and what is wrong with each is said."""
    order = (CheckState.FAILED, CheckState.UNKNOWN, CheckState.WAITING)
    worst = min(checks, key=lambda check: order.index(check.state) if check.state in order else len(order))
    said = [check.summary for check in checks if check.well == worst.well]
    return replace(worst, summary="; ".join(said))


def _unseen_image(facts: ImageFacts, delivery: Delivery) -> Check:
    hint = "the token needs the scope read:packages (on GitHub a classic token); if it has that, the image is missing"
    summary = f"{delivery.image}: no tag can be seen: it has none, or the token is not allowed to read it"
    if facts.refusal is not None:
        summary, hint = facts.refusal.message, facts.refusal.hint
    return Check("image.tags", CheckState.UNKNOWN, summary, hint)


def _judge_visibility(facts: ImageFacts, delivery: Delivery, *, private: bool) -> Check:
    id_, name = "image.tags", delivery.image
    settings = "change the package's visibility in its settings"
    if private and facts.open:
        return _failed(
            id_, f"{name} should be private by its answers, but anyone can pull it", f"{settings} to private"
        )
    if not private and not facts.open:
        return _failed(
            id_, f"{name} should be public by its answers, but only a token can pull it", f"{settings} to public"
        )
    return Check(id_, CheckState.OK, f"{name} has {', '.join(delivery.tags)}")


@dataclass(frozen=True)
class PipelineFacts:
    """The registration, its newest pipelines, and the one that deploys the commit, with its steps.

    ``create`` is the command that starts a deploy again.
    """

    registration: Registration | None
    pipelines: Sequence[Pipeline] = ()
    ours: Pipeline | None = None
    create: str = "newservice create"

    @property
    def later(self) -> str:
        """What to do about a deploy that came before the stack was applied."""
        return f"once the stack is applied, `{self.create}` starts the deploy again"


def judge_pipeline(facts: PipelineFacts, delivery: Delivery, ci: CheckState, unapplied: str = "") -> Check:
    """Check that this image's pipeline ran and succeeded, and that no other image was deployed after it.

    ``unapplied`` says why there is nothing to deploy to yet: until then a run that failed is none of the service's.
    """
    id_ = "deploy.pipeline"
    wanted = ", ".join(f"{name}={text}" for name, text in delivery.variables.items() if name not in delivery.fixed)
    if facts.registration is None:
        return _failed(id_, "Woodpecker has no such repository, or the token's user is not allowed to see it", AGAIN)
    if not facts.registration.active:
        return _failed(id_, f"repository {facts.registration.id} is switched off on Woodpecker", AGAIN)
    ours = facts.ours
    if ours is None and ci in _NOT_BUILT:
        return Check(id_, CheckState.WAITING, f"no pipeline with {wanted} yet: the build starts it")
    if ours is None and unapplied:
        return Check(
            id_, CheckState.WAITING, f"not applied yet ({unapplied}), and no pipeline with {wanted}", facts.later
        )
    if ours is None:
        return _failed(
            id_,
            f"Woodpecker started no pipeline with {wanted}",
            "run the build's deploy job again; its workflow file must name this repository's number "
            f"({facts.registration.id}); `{facts.create}` starts it where the image exists",
        )
    if ours.going:
        return Check(id_, CheckState.WAITING, f"pipeline {ours.number} ({wanted}): {ours.status}")
    if ours.status == "blocked":
        return Check(
            id_, CheckState.WAITING, f"pipeline {ours.number} ({wanted}) waits for approval", "approve it on Woodpecker"
        )
    return _judge_ended(facts, ours, delivery, wanted, unapplied)


def _judge_ended(facts: PipelineFacts, ours: Pipeline, delivery: Delivery, wanted: str, unapplied: str) -> Check:
    id_, summary = "deploy.pipeline", f"pipeline {ours.number} ({wanted}): {ours.status}"
    again = "run the pipeline again on Woodpecker"
    if ours.status != "success" and unapplied:
        return Check(
            id_,
            CheckState.WAITING,
            f"not applied yet ({unapplied}), so {summary} found nothing to deploy to",
            facts.later,
        )
    if ours.status != "success":
        why = f", {ours.why}" if ours.why else ""
        hint = f"it may have run before the stack was applied: `{facts.create}` starts it again"
        return _failed(id_, f"{summary}{why}", f"{hint}; if it fails then, read its log and fix it")
    if not any(state == "success" for _, state in ours.steps):
        return _failed(id_, f"{summary}, but no step of it has run", again)
    later = [
        item
        for item in facts.pipelines
        if item.number > ours.number and delivery.rivals(item.variables) and (item.going or item.status == "success")
    ]
    if later:
        other = ", ".join(
            f"{name}={later[0].variables[name]}" for name in delivery.variables if name not in delivery.fixed
        )
        return _failed(id_, f"{summary}, but pipeline {later[0].number} deployed {other} after it", again)
    return Check(id_, CheckState.OK, summary)


def _failed(id_: str, summary: str, hint: str) -> Check:
    return Check(id_, CheckState.FAILED, summary, hint)
