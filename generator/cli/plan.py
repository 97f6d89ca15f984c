"""``newservice plan``: what ``create`` would do, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from generator.answers import Answers
from generator.cli.report import Reporter, Result
from generator.cli.session import Session, common_options, open_session
from generator.errors import ExitCode, PreflightError, RefusedError, SystemFailure, UsageError
from generator.local import check_writable, plan_files
from generator.onboarding import open_run, refuse_secrets
from generator.plan import Plan
from generator.provision import observe
from generator.steps import steps_for


@click.command("plan", short_help="Show what create would do; write nothing.")
@click.pass_obj
def plan_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """Show the files, the registrations and the remote steps of a service, with the state of each as observed.

    Nothing is written, locally or remotely. Answers come from flags, --set and --answers.
    """
    with open_session(reporter, options, keep_sandbox=False) as session:
        answers = session.answers(session.given())
        plan = observed_plan(session, answers)
        session.reporter.plan(plan, diffs=bool(options["diffs"]))
        refuse(session, answers, plan)
        session.reporter.result(planned(plan))
        return ExitCode.OK


common_options(plan_command)


def planned(plan: Plan) -> Result:
    """The last word of a command that only looks."""
    if plan.changes_nothing:
        return Result("unchanged", ExitCode.OK, plan.service)
    return Result("success", ExitCode.OK, plan.service, closing="this is a plan; nothing was written")


def observed_plan(session: Session, answers: Answers) -> Plan:
    """The plan for these answers: from the systems, or from folders only with ``--no-provision``.

    Raises ``PreflightError`` where a system fails while it is looked at: nothing was written yet.
    """
    refuse_secrets(answers)
    project = session.project(answers)
    seeds = session.seeds(answers)
    if session.options["no_provision"]:
        return plan_files(project, session.infra, answers.notes)
    with (
        before_the_first_write(),
        open_run(
            project, session.infra, seeds=seeds, environ=session.environ, progress=session.reporter.progress
        ) as run,
    ):
        return observe(steps_for(answers), run, answers.notes)


@contextmanager
def before_the_first_write() -> Iterator[None]:
    """A system that fails now fails before anything was written."""
    try:
        yield
    except SystemFailure as error:
        raise PreflightError(error.code, error.message, error.hint) from error


def refuse(session: Session, answers: Answers, plan: Plan) -> None:
    """Raise where the plan must not be carried out: trees that would mix, systems unseen, things that are not ours."""
    place = session.service_dir(answers.name)
    if answers.owned and place.is_relative_to(session.infra.resolve()):
        raise UsageError(
            "usage.service_dir",
            f"{place} lies inside of the infra repository's clone",
            "name a folder of its own with --service-dir, or run newservice elsewhere",
        )
    if plan.unknown:
        first = plan.unknown[0].decision
        told = "; ".join(dict.fromkeys(step.decision.summary for step in plan.unknown))
        raise PreflightError(first.code, told, first.hint)
    if plan.refusals:
        raise RefusedError(
            f"{plan.refusals[0].id}.refused",
            "; ".join(dict.fromkeys(step.decision.summary for step in plan.refusals)),
            "; ".join(dict.fromkeys(step.decision.hint for step in plan.refusals)),
        )
    if session.options["no_provision"]:
        check_writable(session.project(answers), session.infra, plan)
