"""``newservice status``: every step's state as observed now."""

from __future__ import annotations

from typing import Any

import click

from generator.base.errors import ExitCode
from generator.cli.following import after_the_pull_request, proof
from generator.cli.options import Answering
from generator.cli.plan import before_the_first_write, observed_plan
from generator.cli.recorded import recorded
from generator.cli.report import LEFT_OPEN, Reporter, Result
from generator.cli.session import common_options, open_session
from generator.engine.plan import Plan
from generator.engine.project import Project


@click.command("status", cls=Answering)
@click.pass_obj
def status_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """Show every step's state, read only.

    The answers are those that the service was created with: from its folder, the infra clone or the forge; flags,
    --set and --answers override them.
    """
    with open_session(reporter, options, keep_sandbox=False) as session:
        with before_the_first_write():
            given = {**recorded(session, "status"), **session.given()}
        answers = session.answers(given)
        plan = observed_plan(session, answers)
        session.reporter.plan(plan, title="State of", diffs=bool(options["diffs"]))
        result = _result(plan, session.project(answers))
        session.reporter.result(result)
        return result.exit_code


common_options(status_command)


def _result(plan: Plan, project: Project) -> Result:
    if plan.changes_nothing:
        open_ = any(step.id == "infra.pull_request" and step.decision.summary.startswith("http") for step in plan.steps)
        following = after_the_pull_request(project) if open_ else (proof(plan.service),) if plan.steps else ()
        closing = LEFT_OPEN if plan.to_do else "everything exists" + (", and waits for its merge" if open_ else "")
        return Result("unchanged", ExitCode.OK, plan.service, next=(*plan.to_do, *following), closing=closing)
    if plan.unknown:
        return Result("error", ExitCode.PREFLIGHT, plan.service, closing="not everything could be seen")
    if plan.refusals:
        return Result("refused", ExitCode.OK, plan.service, closing="something exists that newservice must not touch")
    closing = "something is missing; create adds it"
    return Result("partial", ExitCode.OK, plan.service, next=(project.command("create"),), closing=closing)
