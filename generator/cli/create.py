"""``newservice create``: ask, plan, confirm, render, register, provision."""

from __future__ import annotations

import sys
from typing import Any

import click

from generator.answers import Answers
from generator.cli.faults import as_told
from generator.cli.plan import observed_plan, planned, refuse
from generator.cli.report import Reporter, Result
from generator.cli.session import Session, common_options, open_session
from generator.errors import ExitCode, UsageError
from generator.local import write_files
from generator.onboarding import open_run
from generator.plan import Plan
from generator.provision import Outcome, carry_out, unchanged
from generator.run import Run
from generator.steps import steps_for


@click.command("create", short_help="Create a service, or continue one that was begun.")
@click.pass_obj
def create_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """Ask what is missing, show the plan, confirm, and make the service real.

    What is there already stays as it is: the same command again continues a run that stopped, and changes
    nothing when everything is there.
    """
    with open_session(reporter, options, keep_sandbox=True) as session:
        answers = _ask(session)
        plan = observed_plan(session, answers)
        session.reporter.plan(plan, diffs=bool(options["diffs"]))
        refuse(session, answers, plan)
        if options["dry_run"]:
            session.reporter.result(planned(plan))
            return ExitCode.OK
        if not plan.changes_nothing:
            confirm(session)
        result = _files(session, answers, plan) if options["no_provision"] else _provision(session, answers, plan)
        session.reporter.result(result)
        return result.exit_code


common_options(create_command)


def _ask(session: Session) -> Answers:
    given = session.given()
    if session.interactive:
        from generator.wizard import ask  # heavy, and needed with a terminal only

        given = ask(session.template, session.questions, given, {"platform": session.platform.facts})
    return session.answers(given)


def confirm(session: Session) -> None:
    """Ask a person for a yes. Raises ``click.Abort`` for a no, ``UsageError`` where nobody can be asked.

    Without a terminal the command itself is the yes.
    """
    if session.options["yes"] or session.options["non_interactive"] or not sys.stdin.isatty():
        return
    if not session.interactive:
        raise UsageError(
            "usage.confirmation", "the plan can't be confirmed where its output goes", "give --yes, or --dry-run first"
        )
    from generator.wizard import confirm as ask

    if not ask("Carry out this plan?"):
        raise click.Abort


def _files(session: Session, answers: Answers, plan: Plan) -> Result:
    project = session.project(answers)
    write_files(project, session.infra, plan)
    if plan.changes_nothing:
        return Result("unchanged", ExitCode.OK, answers.name)
    urls = {"stack": str(session.infra / project.stack_prefix)}
    if answers.owned:
        urls["repository"] = str(project.service_dir)
    following = (
        "review the files; the same command without --no-provision makes them a repository and a pull request",
    )
    return Result("success", ExitCode.OK, answers.name, urls, following)


def _provision(session: Session, answers: Answers, plan: Plan) -> Result:
    with open_run(
        session.project(answers),
        session.infra,
        seeds=session.seeds(answers),
        environ=session.environ,
        progress=session.reporter.progress,
    ) as run:
        if plan.changes_nothing:
            outcome = Outcome(tuple(unchanged(plan)))
            for result in outcome.steps:
                session.reporter.step(result)
        else:
            outcome = carry_out(steps_for(answers), run, session.reporter.step)
        if outcome.failure:
            session.reporter.error(as_told(outcome.failure))
        return _result(outcome, run)


def _result(outcome: Outcome, run: Run) -> Result:
    if outcome.exit_code is ExitCode.OK:
        status, urls = "success" if outcome.wrote else "unchanged", _urls(outcome, run)
        following = _next(run) if outcome.wrote or "pull_request" in urls else ()
        return Result(status, outcome.exit_code, run.name, urls, following)
    following = ("run the same command again to continue",)
    return Result("partial", outcome.exit_code, run.name, {}, following)


def _urls(outcome: Outcome, run: Run) -> dict[str, str]:
    urls = {}
    if run.answers.owned:
        urls["repository"] = run.platform.service_url(run.name).removesuffix(".git")
        urls["mirror"] = run.platform.mirror_url(run.name).removesuffix(".git")
        if run.answers["ci"]:
            urls["actions"] = urls["mirror"] + "/actions"
    pull_request = next(step.summary for step in outcome.steps if step.id == "infra.pull_request")
    if pull_request.startswith("http"):
        urls["pull_request"] = pull_request
    if run.answers["site"]:
        urls["site"] = run.answers["site"]
    return urls


def _next(run: Run) -> tuple[str, ...]:
    return ("review and merge the pull request in the infra repository", *run.project.to_do)
