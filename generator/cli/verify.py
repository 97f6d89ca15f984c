"""``newservice verify``: checks that a service is alive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import click

from generator.base.checks import CheckState
from generator.base.errors import ExitCode, NotAliveError, PreflightError, RefusedError, SystemFailure
from generator.cli.following import MERGE
from generator.cli.options import Answering
from generator.cli.plan import before_the_first_write
from generator.cli.recorded import recorded
from generator.cli.report import Reporter, Result
from generator.cli.session import Session, common_options, open_session
from generator.clients.registry import Registry
from generator.engine import applied
from generator.engine.change import Change
from generator.engine.connections import open_registry, open_run
from generator.engine.context import Run
from generator.engine.project import Project
from generator.lifecycle.verify import Look, Rhythm, follow, look
from generator.lifecycle.verify.follow import TIMEOUT_SECONDS
from generator.lifecycle.verify.gates import SITE
from generator.template.answers import Answers

RHYTHM = Rhythm()
"""How ``--wait`` pauses between two looks."""


@click.command("verify", cls=Answering)
@click.option("--wait", "waits", is_flag=True, help="Keep checking until it is alive or something has failed.")
@click.option(
    "--timeout",
    type=click.IntRange(min=0),
    metavar="SECONDS",
    help=f"How long --wait keeps checking.  [default: {TIMEOUT_SECONDS}]",
)
@click.pass_obj
def verify_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """Check whether a service is alive, read only.

    The mirror is at the canonical commit, that commit's build and its image's deploy pipeline are green, the image is
    in the registry, the secrets are in Vault, and stack, registrations, docs and monitors are on the infra
    repository's default branch. Its addresses are requested as a stranger would: a page that is open although the
    answers close it comes first. Answers are found as by status. Exit code 7 if a check fails.
    """
    if options["timeout"] is not None and not options["waits"]:
        raise click.UsageError("--timeout is for --wait")
    with open_session(reporter, {**options, "no_provision": False}, keep_sandbox=False) as session:
        with before_the_first_write():
            known = recorded(session, "verify")
        answers = session.answers({**known.in_force, **session.given()})
        change = known.change if len(session.given()) <= 1 else None
        also = [system for system in change.wanted.systems if system != "vault"] if change else ()
        with before_the_first_write(), opened(session, answers, also) as (run, registry):
            seen = _look(session, run, registry)
            for check in seen.checks:
                session.reporter.check(check)
            for check in seen.checks:
                if check.code:
                    session.reporter.error(NotAliveError(check.code, check.summary, check.hint))
            result = _result(run, seen)
            if change is not None:
                result = _with_progress(session, run, change, result)
        session.reporter.result(result)
        return result.exit_code


common_options(verify_command, offline=False)


@contextmanager
def opened(session: Session, answers: Answers, also: Iterable[str] = ()) -> Iterator[tuple[Run, Registry | None]]:
    """Connections to everything that these answers are in, and to the systems ``also`` named."""
    systems = [system for system in answers.systems if system != "vault"]  # nothing is filled with the others
    with open_run(
        session.project(answers),
        session.infra,
        environ=session.environ,
        progress=session.reporter.progress,
        needed=systems,
        also=also,
        helpful=["woodpecker"] if session.platform.infra.pipeline else [],
    ) as run:
        if not answers.delivery.tags:
            yield run, None
            return
        with open_registry(session.platform, session.environ) as registry:
            yield run, registry


def _look(session: Session, run: Run, registry: Registry | None) -> Look:
    if not session.options["waits"]:
        return look(run, registry)
    asked = session.options["timeout"]
    seconds = TIMEOUT_SECONDS if asked is None else asked
    return follow(lambda: look(run.fresh(), registry), seconds, session.reporter.progress, RHYTHM)


def _with_progress(session: Session, run: Run, change: Change, result: Result) -> Result:
    """The result with what is left of a change: the service is judged by the answers in force."""
    from generator.lifecycle.change import under_way

    project = Project(session.template, session.platform, change.wanted, session.service_dir(change.name))
    try:
        progress = under_way(run.fresh().of(project), change)
    except (SystemFailure, PreflightError, RefusedError):  # what can't be seen is among the checks already
        return result
    if progress is None:
        return result
    closing = f"{result.closing}; {progress.state}"
    following = progress.finished_by(progress.steps)
    return replace(result, next=tuple(dict.fromkeys((*result.next, *following))), closing=closing)


def _result(run: Run, seen: Look) -> Result:
    urls = {"site": run.answers.site} if run.answers.site else {}
    if seen.alive:
        return Result("success", ExitCode.OK, run.name, urls, closing="alive")
    hints, merging = {check.id: check.hint for check in seen.unwell if check.hint}, None
    following = tuple(dict.fromkeys(hints.values()))
    if any(check.id == applied.STACK for check in seen.unwell):  # all of it is still to be done
        merging, merge = run.project.checklist, hints.pop(applied.STACK, MERGE)
        later = {applied.ID, applied.DEPLOY, *(item.id for item in seen.unwell if item.id == SITE and not item.code)}
        first = [hint for id_, hint in hints.items() if hint != merge and id_ not in later]
        following = (*dict.fromkeys(first), *merging.around([merge]))
    if seen.blind:
        return Result("error", ExitCode.PREFLIGHT, run.name, urls, following, "nothing could be seen")
    if seen.may_come:
        following += (f"newservice verify {run.name} --wait",)
    ids = [check.id for check in seen.unwell]
    failed = [check.id for check in seen.checks if check.state is CheckState.FAILED]
    closing = f"not alive: {', '.join(failed)} failed" if failed else f"not alive yet: {', '.join(ids)}"
    return Result("partial", ExitCode.NOT_ALIVE, run.name, urls, following, closing, merging)
