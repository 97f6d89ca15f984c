"""Runs the checks that apply to a service's answers, once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from generator.base.checks import Check, CheckState
from generator.base.errors import AnswersError, NewserviceError, PreflightError, RefusedError, SystemFailure
from generator.base.memo import run_parallel
from generator.clients.registry import Registry
from generator.engine import applied
from generator.engine.context import Run
from generator.engine.delivery import Delivery
from generator.engine.steps.vault import VaultSecrets
from generator.lifecycle.verify import observe
from generator.lifecycle.verify.build import (
    PipelineFacts,
    judge_image,
    judge_images,
    judge_mirror,
    judge_pipeline,
    judge_run,
)
from generator.lifecycle.verify.gates import SITE, judge_door, judge_gates
from generator.lifecycle.verify.infra import judge_entries, judge_secrets, judge_stack, judge_watchers
from generator.lifecycle.verify.knock import observe_doors

CHECKS = (
    "mirror.commit",
    "ci.run",
    "image.tags",
    "deploy.pipeline",
    "vault.secrets",
    "infra.stack",
    "infra.pipeline",
    "infra.registrations",
    "infra.docs",
    "infra.monitors",
    SITE,
)
"""The checks, in the order in which a change travels. A gate that is not as the answers say comes before all others."""

# GitHub's answer doesn't say this: both 403 and 404 mean missing or not allowed.
_RUNS_SCOPE = "to read runs the token needs the scope repo (fine-grained: Actions, read)"


@dataclass(frozen=True)
class Look:
    """The result of all checks at one moment. ``passing``: ids of those that failed for what may be temporary."""

    checks: tuple[Check, ...]
    passing: frozenset[str] = frozenset()

    @property
    def alive(self) -> bool:
        """Whether every check that applies is well; for the merge's pipeline it is enough that it can't be seen."""
        return not self.unwell

    @property
    def unwell(self) -> list[Check]:
        """The checks that keep the service from being alive; failures first."""
        order = (CheckState.FAILED, CheckState.UNKNOWN, CheckState.WAITING)
        found = [check for check in self.checks if not check.well]
        counted = [check for check in found if (check.id, check.state) != (applied.ID, CheckState.UNKNOWN)]
        return sorted(counted, key=lambda check: order.index(check.state))

    @property
    def blind(self) -> bool:
        """Whether no system could be observed; the service's own site is none."""
        applying = [check for check in self.checks if check.state is not CheckState.SKIPPED and check.id != SITE]
        return bool(applying) and all(check.state is CheckState.UNKNOWN for check in applying)

    @property
    def may_come(self) -> bool:
        """Whether waiting makes sense: something is pending or temporarily unobservable, and nothing has failed."""
        states = {check.state for check in self.checks}
        return CheckState.FAILED not in states and (CheckState.WAITING in states or bool(self.passing))


def look(run: Run, registry: Registry | None) -> Look:
    """Observe every system once, in parallel. ``registry`` is None where the service builds no image."""
    deploys: list[_Deploy] = []
    groups = run_parallel(lambda: _build(run, registry, deploys), lambda: _infra(run), lambda: [_site(run)])
    by_id = {item.check.id: item for group in groups for item in group}
    merge, stack = by_id[applied.ID].check, by_id["infra.stack"].check.state
    stacked = stack in (CheckState.OK, CheckState.UNKNOWN, CheckState.SKIPPED)  # one made by hand may be there
    reason = applied.unapplied(merge, stacked=stacked)
    for deploy in deploys:
        by_id["deploy.pipeline"] = deploy(reason)
    ordered = sorted((by_id[id_] for id_ in CHECKS), key=lambda item: not (item.check.id == SITE and item.check.code))
    return Look(tuple(item.check for item in ordered), frozenset(item.check.id for item in ordered if item.passing))


@dataclass(frozen=True)
class _Seen:
    check: Check
    passing: bool = False


_Deploy = Callable[[str], _Seen]
"""The judgement of the deploy pipeline, given why there is nothing to deploy to yet."""


def _build(run: Run, registry: Registry | None, deploys: list[_Deploy]) -> list[_Seen]:
    """The checks from commit to deployment. Later ones know about the build: what it has not built is not missing.

    That of the deployment goes to ``deploys`` where it depends on whether the stack is applied.
    """
    answers = run.answers
    if not answers.owned:
        reason = "third-party image: the service has no repository"
        return [_skipped(id_, reason) for id_ in ("mirror.commit", "ci.run", "image.tags", "deploy.pipeline")]
    mirror = _check("mirror.commit", lambda: _mirror(run))
    sha = _head(run)
    if sha is None:
        return [mirror, *(_unbuilt(run, id_) for id_ in ("ci.run", "image.tags", "deploy.pipeline"))]
    delivery = Delivery.of(answers.delivery, sha)
    ci = _ci(run, sha, delivery)
    image = _image(run, registry, delivery, ci.check.state)
    if reason := _not_applying(run, "deploy.pipeline"):
        return [mirror, ci, image, _skipped("deploy.pipeline", reason)]
    deploys.append(_pipeline(run, delivery, ci.check.state))
    return [mirror, ci, image]


def _mirror(run: Run) -> Check:
    """The mirror's check; where something is wrong that ``create`` would refuse, such as another name, that is it."""
    check = judge_mirror(observe.observe_mirror(run))
    refused = observe.refusal(run, well=check.well)
    return replace(check, state=CheckState.FAILED, summary=refused.summary, hint=refused.hint) if refused else check


def _head(run: Run) -> str | None:
    """The canonical commit; None if it does not exist or can't be seen, which ``mirror.commit`` reports."""
    try:
        return run.canonical_head()
    except (SystemFailure, PreflightError, RefusedError):
        return None


def _unbuilt(run: Run, id_: str) -> _Seen:
    reason = _not_applying(run, id_)
    if reason:
        return _skipped(id_, reason)
    return _Seen(Check(id_, CheckState.UNKNOWN, "not known without the canonical commit: see mirror.commit"))


def _not_applying(run: Run, id_: str) -> str:
    """Why a check does not apply to these answers; empty if it does."""
    delivery = run.answers.delivery
    builder = "only CI of the repository's own" if delivery.variables else "no CI"
    reasons = {
        "ci.run": "" if delivery.workflow else f"{builder} builds the image (ci: false)",
        "image.tags": "" if delivery.tags else "a commit in the stack names the tag, and no CI builds the image",
        "deploy.pipeline": "" if delivery.variables else "no pipeline deploys these answers",
    }
    return reasons[id_]


def _ci(run: Run, sha: str, delivery: Delivery) -> _Seen:
    if reason := _not_applying(run, "ci.run"):
        return _skipped("ci.run", reason)
    try:
        return _Seen(judge_run(observe.observe_run(run, sha, delivery.workflow), delivery.workflow))
    except SystemFailure as error:
        return _unknown("ci.run", error)
    except PreflightError as error:
        return _Seen(Check("ci.run", CheckState.UNKNOWN, error.message, f"{error.hint}; {_RUNS_SCOPE}"))


def _image(run: Run, registry: Registry | None, delivery: Delivery, ci: CheckState) -> _Seen:
    if reason := _not_applying(run, "image.tags"):
        return _skipped("image.tags", reason)
    assert registry is not None  # noqa: S101 - opened wherever there are tags to ask for
    private = run.answers.private_image

    def judged(each: Delivery) -> Check:
        return judge_image(observe.observe_image(registry, each), each, private=private, ci=ci)

    return _check("image.tags", lambda: judge_images(run_parallel(*(partial(judged, each) for each in delivery.each))))


def _pipeline(run: Run, delivery: Delivery, ci: CheckState) -> _Deploy:
    """Observed now, and judged once it is known whether the stack is applied."""
    facts: list[PipelineFacts] = []

    def observed() -> Check:
        facts.append(observe.observe_pipeline(run, delivery))
        return judge_pipeline(facts[0], delivery, ci)

    seen = _check("deploy.pipeline", observed)
    return lambda reason: _Seen(judge_pipeline(facts[0], delivery, ci, reason)) if facts else seen


def _infra(run: Run) -> list[_Seen]:
    ids = ("infra.stack", applied.ID, "infra.registrations", "infra.docs", "infra.monitors")
    if not run.answers.stacked:
        reason = "the stack is made by hand: newservice does not know what is in it"
        return [_skipped(id_, reason) for id_ in ("vault.secrets", *ids)]
    secrets = _secrets(run)
    try:
        merge = _check(applied.ID, lambda: applied.judge_merge(applied.observe_merge(run)))
        facts = observe.observe_infra(run)
        watched = judge_watchers(run.answers.watchers, observe.read_stack(run))
    except (SystemFailure, PreflightError, AnswersError) as error:
        return [secrets, *(_unknown(id_, error) for id_ in ids)]
    return [
        secrets,
        merge,
        _Seen(judge_stack(facts)),
        _Seen(judge_entries("infra.registrations", facts, observe.entries(run, facts, ""))),
        _Seen(judge_entries("infra.docs", facts, observe.entries(run, facts, "docs"))),
        _Seen(judge_entries("infra.monitors", facts, observe.entries(run, facts, "monitor"), watched)),
    ]


def _secrets(run: Run) -> _Seen:
    if "vault" not in run.answers.systems:
        return _skipped("vault.secrets", "the answers list none under secrets")
    step = VaultSecrets()
    return _check("vault.secrets", lambda: judge_secrets(step.decide(run, step.observe(run))))


def _site(run: Run) -> _Seen:
    """What strangers meet at the service's addresses; that it could not be seen may pass."""
    sign_on, doors = run.platform.sign_on, run.answers.doors
    if doors is None:
        why = "the template that made it (before 3.0.0) does not say which addresses it has and what gates each"
        return _skipped(SITE, f"{why}; update the service")
    if not doors:
        return _skipped(SITE, "it has no address: these answers are not for a web service")
    if sign_on is None:
        return _skipped(SITE, "the platform profile names no single sign-on (sign_on)")
    try:
        judged = [judge_door(sight, sign_on) for sight in observe_doors(run.platform, doors)]
    except PreflightError as error:
        return _unknown(SITE, error)
    stack = run.project.stack_prefix.rstrip("/")
    check = judge_gates(judged, lambda: _remedy(run), f"see that {stack} is merged and applied")
    return _Seen(check, passing=check.state is CheckState.UNKNOWN)


def _remedy(run: Run) -> str:
    try:
        return observe.observe_cause(run).remedy
    except (SystemFailure, PreflightError, AnswersError):  # reported by infra.stack
        return f"compare the ingress of {run.project.stack_prefix.rstrip('/')} with the answers, and apply it"


def _check(id_: str, judged: Callable[[], Check]) -> _Seen:
    try:
        return _Seen(judged())
    except (SystemFailure, PreflightError) as error:
        return _unknown(id_, error)
    except RefusedError as error:
        return _Seen(Check(id_, CheckState.FAILED, error.message, error.hint))


def _unknown(id_: str, error: NewserviceError) -> _Seen:
    passing = isinstance(error, SystemFailure) and error.passing
    return _Seen(Check(id_, CheckState.UNKNOWN, error.message, error.hint), passing)


def _skipped(id_: str, reason: str) -> _Seen:
    return _Seen(Check(id_, CheckState.SKIPPED, reason))
