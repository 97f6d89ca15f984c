"""``newservice status``: every step's state as observed now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from generator.base.errors import ExitCode
from generator.cli.following import around_the_merge, proof
from generator.cli.options import Answering
from generator.cli.plan import before_the_first_write, observed_plan
from generator.cli.recorded import recorded
from generator.cli.report import LEFT_OPEN, Reporter, Result
from generator.cli.session import Session, common_options, open_session
from generator.engine.change import Change
from generator.engine.credentials import refuse_secrets
from generator.engine.plan import Plan
from generator.engine.project import Project

if TYPE_CHECKING:
    from generator.lifecycle.change import Progress


@click.command("status", cls=Answering)
@click.pass_obj
def status_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """Show every step's state, read only.

    The answers are those that the service was created with: from its folder, the infra clone or the forge; flags,
    --set and --answers override them.
    """
    with open_session(reporter, options, keep_sandbox=False) as session:
        with before_the_first_write():
            known = recorded(session, "status")
        if (
            known.change is None or len(session.given()) > 1
        ):  # other answers than the recorded ones: no change begins there
            answers, progress = session.answers({**known.in_force, **session.given()}), None
            plan = replace(observed_plan(session, answers), checklist=None)  # it is the end of what is said
        else:
            answers = known.change.wanted
            plan, progress = _observed(session, known.change)
        session.reporter.plan(plan, title="State of", diffs=bool(options["diffs"]))
        result = _result(plan, session.project(answers), progress)
        session.reporter.result(result)
        return result.exit_code


common_options(status_command)


def _observed(session: Session, change: Change) -> tuple[Plan, Progress | None]:
    """The state of a service whose stack is known, and of its change."""
    from generator.lifecycle.change import observe_with  # heavy, with all its clients

    refuse_secrets(change.wanted.values)
    session.seeds(change.wanted)  # a source without a value is reported before any system is contacted
    with before_the_first_write():
        run = session.run(change.wanted)
        return observe_with(run, change, (*change.wanted.notes, *session.seed_notes))


def _result(plan: Plan, project: Project, progress: Progress | None) -> Result:
    if progress is not None and not plan.unknown:
        waits, closing = plan.changes_nothing, progress.state
        closing += "" if waits or progress.stopped(plan.steps) else "; something else is missing, which create adds"
        following = (*plan.to_do, *progress.finished_by(plan.steps))
        return Result("unchanged" if waits else "partial", ExitCode.OK, plan.service, next=following, closing=closing)
    if plan.changes_nothing:
        open_ = any(step.id == "infra.pull_request" and step.decision.summary.startswith("http") for step in plan.steps)
        following = around_the_merge(project) if open_ else (proof(plan.service),) if plan.steps else ()
        closing = LEFT_OPEN if plan.to_do else "everything exists" + (", and waits for its merge" if open_ else "")
        merging = project.checklist if open_ else None
        following = (*plan.to_do, *following)
        return Result("unchanged", ExitCode.OK, plan.service, next=following, closing=closing, checklist=merging)
    if plan.unknown:
        return Result("error", ExitCode.PREFLIGHT, plan.service, closing="not everything could be seen")
    if plan.refusals:
        return Result("refused", ExitCode.OK, plan.service, closing="something exists that newservice must not touch")
    closing = "something is missing; create adds it"
    return Result("partial", ExitCode.OK, plan.service, next=(project.command("create"),), closing=closing)
