"""Read the facts for each check, through the run's own observations where it has them. Never writes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from generator.base.errors import PreflightError, SystemFailure
from generator.clients.registry import Registry
from generator.engine.context import Run
from generator.engine.delivery import Delivery, own_pipeline
from generator.engine.plan import Action, Decision
from generator.engine.steps import infra
from generator.engine.steps.base import Step
from generator.engine.steps.forgejo import ForgejoMirror, same_address
from generator.engine.steps.github import GitHubRepository
from generator.infra_repo.entries import RegistrationChange
from generator.lifecycle.verify.build import ImageFacts, MirrorFacts, PipelineFacts, RunFacts, newest_run
from generator.lifecycle.verify.gates import Cause
from generator.lifecycle.verify.infra import InfraFacts


def observe_mirror(run: Run) -> MirrorFacts:
    """The head of the branch on Forgejo and on GitHub, and the push mirrors from one to the other."""
    canonical = run.canonical_head()
    seen = canonical is not None and run.mirror_repository() is not None
    mirrored = run.mirror_heads().get(run.platform.forgejo.branch) if seen else None
    wanted = run.platform.github.clone_url(run.name)
    mirrors = [item for item in run.push_mirrors() if same_address(item.address, wanted)] if seen else []
    errors = tuple(item.last_error for item in mirrors if item.last_error)
    return MirrorFacts(run.mirror, canonical, seen, mirrored, len(mirrors), errors)


def refusal(run: Run, *, well: bool) -> Decision | None:
    """Why ``create`` would refuse the mirror; None where it would not, or can't see it.

    Of one that is ``well`` only its name matters. Raises ``RefusedError`` for a renamed branch.
    """
    mirror = run.mirror_repository() if well else None
    if mirror is not None and mirror.full_name.lower() == run.mirror.lower():
        return None
    run.canonical_answers()
    steps: tuple[Step[Any], ...] = (GitHubRepository(), ForgejoMirror())
    with suppress(SystemFailure, PreflightError):
        for step in steps:
            decision = step.decide(run, step.observe(run))
            if decision.action is Action.REFUSE:
                return decision
    return None


def observe_run(run: Run, sha: str, workflow: str | None) -> RunFacts:
    """The runs of a commit, why the newest failed, and, if there are none, whether Actions are enabled."""
    facts = RunFacts(sha, run.github.runs(run.mirror, sha))
    newest = newest_run(facts, workflow)
    if newest is None:
        return RunFacts(sha, facts.runs, enabled=_enabled(run))
    red = newest.status == "completed" and newest.conclusion != "success"
    return RunFacts(sha, facts.runs, run.github.failed_jobs(run.mirror, newest.id) if red else ())


def _enabled(run: Run) -> bool | None:
    try:
        return run.github.runs_actions(run.mirror)
    except PreflightError:  # only administrators are allowed to see it
        return None


def observe_image(registry: Registry, delivery: Delivery) -> ImageFacts:
    """What the token can read of the image, and what is public."""
    first = delivery.tags[0]
    try:
        digests = {tag: registry.digest(delivery.image, tag) for tag in delivery.tags}
    except PreflightError as error:
        if error.code != "registry.forbidden":
            raise
        return ImageFacts({}, open=False, refusal=error)
    found = any(digests.values())
    seen = found and registry.digest(delivery.image, first, anonymous=True) is not None
    return ImageFacts(digests, open=seen)


def observe_pipeline(run: Run, delivery: Delivery) -> PipelineFacts:
    """The registration's pipelines, and the steps of the one that deploys the commit."""
    registration = run.registration()
    if registration is None or not registration.active:
        return PipelineFacts(registration)
    create = run.project.command("create")
    pipelines = run.woodpecker.pipelines(registration.id)
    ours = own_pipeline(pipelines, delivery)
    # The list has no steps, and what a pipeline is may change between two requests: the later one counts.
    ours = run.woodpecker.pipeline(registration.id, ours.number) if ours else None
    return PipelineFacts(registration, pipelines, ours, create)


def observe_infra(run: Run) -> InfraFacts:
    """What the default branch has of the service, and the open pull request if something is missing there."""
    branch = run.platform.infra.branch
    sha = run.infra_heads().get(branch)
    state = run.infra_state(sha) if sha else None
    facts = InfraFacts(branch, run.project.stack_prefix.rstrip("/"), state, again=run.project.command("create"))
    if state is None or state.complete:
        return facts
    found = run.pull_request()
    if found is None or found.state != "open":
        return facts
    return replace(facts, pull_request=found.url, stuck=infra.observe_infra(run).stuck)


def observe_cause(run: Run) -> Cause:
    """What the default branch has of the service's gates, to explain one that is not as the answers say."""
    facts = observe_infra(run)
    if facts.state is None or not facts.state.made_by_us:
        return Cause(facts.stack, facts.branch, merged=False)
    edited = tuple(item.path for item in facts.state.files if item.differs and item.path.endswith(".tf"))
    return Cause(facts.stack, facts.branch, merged=True, edited=edited, change=facts.state.change)


def read_stack(run: Run) -> str:
    """All Terraform of the stack on the default branch; empty if it is not there."""
    sha = run.infra_heads().get(run.platform.infra.branch)
    if sha is None:
        return ""
    tree = run.infra_tree(sha)
    files = [path for path in tree.paths(run.project.stack_prefix.rstrip("/")) if path.endswith(".tf")]
    return "\n".join((tree.read(path) or b"").decode("utf-8", "replace") for path in files)


def entries(run: Run, facts: InfraFacts, purpose: str) -> Sequence[RegistrationChange]:
    """The registrations of one purpose, as the default branch has them."""
    wanted = {item.id for item in run.project.registrations if item.purpose == purpose}
    return [item for item in facts.state.registrations if item.id in wanted] if facts.state else []
