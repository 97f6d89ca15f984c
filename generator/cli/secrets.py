"""``newservice secrets``: what is known of a service's secrets, and writing them again."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import click

from generator.base.checks import Check, CheckState
from generator.base.errors import ExitCode
from generator.cli import flags
from generator.cli.create import confirm
from generator.cli.faults import as_reported
from generator.cli.plan import before_the_first_write, planned, refuse
from generator.cli.recorded import recorded
from generator.cli.report import Reporter, Result
from generator.cli.session import Session, open_session
from generator.engine.context import Run
from generator.engine.executor import Course, unchanged
from generator.engine.onboarding import course
from generator.engine.plan import Plan
from generator.lifecycle.doctor import preflight, require
from generator.lifecycle.secrets.push import prove, push_plan, push_steps
from generator.lifecycle.secrets.show import show
from generator.template.answers import Answers


@click.group("secrets")
def secrets_group() -> None:
    """The secrets of a service that exists: where each is used, and writing them again. No value is ever shown."""


_SERVICE: list[flags.Flag] = [
    flags.SERVICE,
    flags.answers("The answers that it was created with, if none are found."),
    flags.platform(),
    flags.SANDBOX,
    flags.infra(),
    flags.service_dir("Where the service's folder is.  [default: ./NAME]"),
]


@secrets_group.command("show", short_help="Show where each secret is used and whether it exists.")
@flags.shared(*_SERVICE, flags.NON_INTERACTIVE, flags.JSON, flags.VERBOSE, flags.quiet("Only what is missing."))
@click.pass_obj
def show_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """Show a service's secrets, read only: properties in Vault, Actions secrets of the mirror, Woodpecker's own.

    For each: whether it exists, which resource, variable or workflow uses it, who wrote it as far as that is known,
    and when. Never a value. Exit code 3 if a system can't be seen.
    """
    with open_session(reporter, {**options, "no_provision": False}, keep_sandbox=False) as session:
        with before_the_first_write():
            answers = _answers(session, "secrets show")
            systems = [system for system in answers.systems if system != "vault"]  # no credential of the profile
            checks = show(session.run(answers, systems))
        for check in checks:
            reporter.check(check)
        result = _shown(answers, checks)
        session.reporter.result(result)
        return result.exit_code


def _shown(answers: Answers, checks: Sequence[Check]) -> Result:
    states = {check.state for check in checks}
    following = tuple(dict.fromkeys(check.hint for check in checks if check.hint and not check.well))
    if CheckState.UNKNOWN in states:
        closing = "not everything could be seen"
        return Result("error", ExitCode.PREFLIGHT, answers.name, next=following, closing=closing)
    if states - {CheckState.OK}:
        return Result("partial", ExitCode.OK, answers.name, next=following, closing="something is missing")
    closing = "every secret exists" if checks else "it has no secrets"
    return Result("unchanged", ExitCode.OK, answers.name, closing=closing)


@secrets_group.command("push", short_help="Write the Actions secrets again, or replace a property in Vault.")
@flags.shared(
    flags.SERVICE,
    click.option("--replace", "replacements", multiple=True, metavar="PROPERTY=env:VAR|file:PATH|prompt",
                 help="Replace this property in Vault instead, by what the source holds."),
    *_SERVICE[1:],
    flags.yes(),
    flags.dry_run("Show the plan; write nothing."),
    flags.NON_INTERACTIVE,
    flags.JSON,
    flags.VERBOSE,
    flags.quiet(),
)  # fmt: skip
@click.pass_obj
def push_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """Write the Actions secrets that a service's CI needs again, all of them, from the credentials of the profile.

    With --replace, a property in Vault gets another value instead; other properties stay as they are, and so does the
    old version, whose number and way back are reported. What is not named is never replaced.
    """
    with open_session(reporter, {**options, "no_provision": False}, keep_sandbox=False) as session:
        if not options["dry_run"]:
            session.check_typing()
        with before_the_first_write():
            answers = _answers(session, "secrets push")
        result = _push(session, answers)
        session.reporter.result(result)
        return result.exit_code


def _answers(session: Session, command: str) -> Answers:
    return session.answers({**recorded(session, command).in_force, **session.given()})


def _push(session: Session, answers: Answers) -> Result:
    replacing = bool(session.sources)
    session.seeds(answers)  # a source without a value is reported before any system is contacted
    steps = push_steps(answers, replacing=replacing)
    if not steps:
        return Result("unchanged", ExitCode.OK, answers.name, closing="its CI needs no Actions secrets")
    needed = ["forgejo"] if replacing else ["forgejo", "github", *answers.actions_secrets.values()]
    run = session.run(answers, dict.fromkeys(needed))
    with before_the_first_write():
        plan = push_plan(steps, run, session.seed_notes)
        session.reporter.plan(plan, title="Secrets of")
        refuse(session, answers, plan)
    if session.options["dry_run"]:
        return planned(plan)
    if plan.changes_nothing:
        for step in unchanged(plan):
            session.reporter.step(step)
        return Result("unchanged", ExitCode.OK, plan.service, closing="Vault has these values already")
    way = course(steps, run)
    with before_the_first_write():
        require(way.look_ahead(partial(preflight, run, plan)))
        if not replacing:
            written = set(answers.actions_secrets.values())
            prove(run.platform, {name: run.credentials[name] for name in sorted(written)}, run.patience)
    confirm(session, plan)
    session.typed_seeds(answers)
    return _carried_out(session, run, plan, way)


def _carried_out(session: Session, run: Run, plan: Plan, way: Course) -> Result:
    outcome = way.execute(session.reporter.step, session.reporter.begun)
    if outcome.failure:
        session.reporter.error(as_reported(outcome.failure))
    if outcome.exit_code is not ExitCode.OK:
        following = ("run the same command again to continue",)
        return Result("partial", outcome.exit_code, run.name, next=following)
    status = "success" if outcome.wrote else "unchanged"
    return Result(status, ExitCode.OK, run.name, next=plan.to_do if outcome.wrote else ())
