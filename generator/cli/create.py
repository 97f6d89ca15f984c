"""``newservice create``: ask, plan, confirm, render, register, provision."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import click

from generator.base.errors import ExitCode, UsageError
from generator.base.parallel import StepResult
from generator.base.stopping import held
from generator.cli import flags
from generator.cli.faults import as_reported
from generator.cli.following import around_the_merge, proof
from generator.cli.options import Answering
from generator.cli.plan import observed_plan, planned, refuse
from generator.cli.recorded import continued, forget_kept
from generator.cli.report import LEFT_OPEN, Reporter, Result
from generator.cli.session import Session, common_options, open_session
from generator.engine.answers_file import answers_place
from generator.engine.context import Run
from generator.engine.executor import Course, Outcome, unchanged
from generator.engine.files_only import write_files
from generator.engine.onboarding import course
from generator.engine.plan import Plan
from generator.engine.steps import steps_between
from generator.lifecycle.doctor import preflight, require
from generator.template.answers import Answers


@click.command("create", cls=Answering)
@click.pass_obj
def create_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """Ask for missing answers, show the plan, confirm, and create the service.

    What exists already stays as it is: the same command again continues a run that stopped, and changes nothing when
    everything exists.
    """
    with open_session(reporter, options, keep_sandbox=True) as session:
        if session.interactive:
            refuse_quiet(session.options)
            from generator.cli.start import start  # heavy, and needed with a terminal only

            return start(session)
        return create(session, session.answers(continued(session)), confirm)


common_options(create_command)
flags.TEMPLATE(create_command)


def create(
    session: Session,
    answers: Answers,
    agree: Callable[[Session, Plan], None],
    begin: Callable[[], None] = lambda: None,
) -> ExitCode:
    """Plan, show, and carry out once ``agree`` returns; it raises if the person wants something else.

    ``begin`` is called right before the first write. Raises whatever prevents the plan.
    """
    if not session.options["dry_run"]:
        session.check_typing()
    plan = observed_plan(session, answers)
    session.reporter.plan(plan, answers=not session.interactive, diffs=bool(session.options["diffs"]))
    refuse(session, answers, plan)
    if session.options["dry_run"]:
        session.reporter.result(planned(plan))
        return ExitCode.OK
    return execute(session, answers, plan, begin, agree)


def execute(
    session: Session,
    answers: Answers,
    plan: Plan,
    begin: Callable[[], None] = lambda: None,
    agree: Callable[[Session, Plan], None] | None = None,
) -> ExitCode:
    """Carry out a plan that was shown and is not refused, after confirmation, and report the outcome.

    ``begin`` is called right before the first write. Raises what ``agree`` raises, which is ``confirm`` where nothing
    else is said.
    """
    way = None
    if not session.options["no_provision"]:
        run = session.run(answers)
        way = course(steps_between(None, answers, direct=session.direct).wanted, run)
    if not plan.changes_nothing:
        if way is not None:
            require(way.look_ahead(partial(preflight, run, plan)))
        (agree or confirm)(session, plan)
        if way is not None:
            session.typed_seeds(answers)
        begin()
    with nullcontext() if way is not None else held():  # files are written in a moment
        result = _files(session, answers, plan) if way is None else _provision(session, run, plan, way)
        session.reporter.result(result)
    return result.exit_code


def confirm(session: Session, plan: Plan | None) -> None:  # noqa: ARG001 - what agrees to a plan may look at it
    """Ask a person for confirmation. Raises ``click.Abort`` for a no, ``UsageError`` if nobody can be asked.

    Without a terminal, running the command counts as confirmation.
    """
    if session.options["yes"] or session.options["non_interactive"] or not sys.stdin.isatty():
        return
    if not session.interactive:
        raise UsageError(
            "usage.confirmation",
            "the plan can't be confirmed where its output goes",
            "look at the plan first, then give --yes",
        )
    refuse_quiet(session.options)
    from generator.wizard import confirm as ask

    if not ask("Carry out this plan?"):
        raise click.Abort


def refuse_quiet(options: Mapping[str, Any]) -> None:
    """Nobody agrees to a plan that is not shown. Raises ``UsageError``."""
    if options.get("quiet") and not options.get("yes") and not options.get("dry_run"):
        raise UsageError(
            "usage.confirmation",
            "a plan that --quiet doesn't show can't be confirmed",
            "leave --quiet out; or look at the plan first, then give --yes with it",
        )


def _files(session: Session, answers: Answers, plan: Plan) -> Result:
    project = session.project(answers)
    write_files(project, session.infra, plan)
    if plan.changes_nothing:
        return Result("unchanged", ExitCode.OK, answers.name)
    urls = {"stack": str(session.infra / project.stack_prefix)}
    if answers.owned:
        urls["repository"] = str(project.service_dir)
    following = ("review the files; create without --no-provision makes them a repository and a pull request",)
    return Result("success", ExitCode.OK, answers.name, urls, following)


_RECORDING = ("infra.commit", "service.adoption_commit")
"""The steps after which a repository records the answers."""


def _provision(session: Session, run: Run, plan: Plan, way: Course) -> Result:
    def report(step: StepResult) -> None:
        session.reporter.step(step)
        if step.id in _RECORDING and step.status in ("done", "unchanged"):
            forget_kept(session, run.name)

    if plan.changes_nothing:
        outcome = Outcome(tuple(unchanged(plan)))
        for step in outcome.steps:
            report(step)
    else:
        outcome = outcome_of(session, way, report)
    return _result(session, outcome, run, plan.to_do)


def outcome_of(session: Session, way: Course, report: Callable[[StepResult], None]) -> Outcome:
    """Carry out steps, and report each and what stopped them."""
    outcome = way.execute(report, session.reporter.begun)
    if outcome.failure:
        session.reporter.error(as_reported(outcome.failure))
    return outcome


def _result(session: Session, outcome: Outcome, run: Run, to_do: tuple[str, ...]) -> Result:
    if outcome.exit_code is ExitCode.OK:
        status, urls = "success" if outcome.wrote else "unchanged", _urls(outcome, run)
        following = (*to_do, *_following(run, urls, wrote=outcome.wrote))
        closing = LEFT_OPEN if to_do else ""
        open_ = run.project.checklist if "pull_request" in urls else None
        return Result(status, outcome.exit_code, run.name, urls, following, closing, open_)
    again = "run the same command again to continue"
    if (kept := session.kept) is not None and kept.exists():
        found = kept == answers_place(run.name, Path.cwd())  # where the command looks by itself
        words = *(() if found else ("--answers", str(kept))), *flags.chosen_template(session.options)
        again = f"{session.again(run.name, *run.project.places, *words)} continues"
    return Result("partial", outcome.exit_code, run.name, {}, (again,))


def _following(run: Run, urls: Mapping[str, str], *, wrote: bool) -> tuple[str, ...]:
    """What a person does next: everything around the merge, or, where nothing is to be merged, a look."""
    first = (f"review and merge {urls['service_pull_request']}",) if "service_pull_request" in urls else ()
    if "pull_request" in urls:
        return (*first, *around_the_merge(run.project))
    if first:
        return (*first, proof(run.name))
    return (proof(run.name),) if wrote else ()


def _urls(outcome: Outcome, run: Run) -> dict[str, str]:
    urls = {}
    if run.answers.owned:
        urls["repository"] = run.platform.forgejo.web_url(run.name)
        urls["mirror"] = run.platform.github.web_url(run.name)
        if run.answers.ci:
            urls["actions"] = urls["mirror"] + "/actions"
    requests = {"infra.pull_request": "pull_request", "service.adoption_request": "service_pull_request"}
    for step in outcome.steps:
        if step.id in requests and step.summary.startswith("http"):
            urls[requests[step.id]] = step.summary
    if run.answers.site:
        urls["site"] = run.answers.site
    return urls
