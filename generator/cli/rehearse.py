"""``newservice rehearse``: what Terraform would do with a change, without cluster, state or credentials."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from generator.base.errors import ExitCode, PreflightError, UsageError
from generator.cli import flags
from generator.cli.plan import before_the_first_write
from generator.cli.recorded import check_name
from generator.cli.report import Reporter, Result
from generator.cli.session import Session, open_session
from generator.cli.suggestions import services
from generator.rehearsal.changes import Rehearsal

if TYPE_CHECKING:
    from generator.lifecycle.rehearsing import Pair


@click.command("rehearse")
@click.argument("what", metavar="[NAME|PATH]", required=False, shell_complete=services)
@click.option("--base", metavar="REVISION", help="What is applied, for a PATH.  [default: HEAD]")
@click.option("--all", "whole", is_flag=True, help="Every stack below PATH, as if nothing were applied yet.")
@click.option(
    "--fail-on",
    "failing",
    type=click.Choice(["replace", "destroy"]),
    multiple=True,
    help="Exit with 8 where something is replaced or destroyed; may be repeated.",
)
@click.option("--against", metavar="FILE", help="The pipeline's plan, as terraform show -json prints it: compare both.")
@flags.shared(flags.platform(), flags.infra(), flags.JSON, flags.VERBOSE, flags.quiet())
@click.pass_obj
def rehearse_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """Show what Terraform would do with a change: added, changed, replaced, destroyed, by address.

    For a PATH in a checkout of the infra repository (with a slash, or a dot), the change is what differs there from
    --base, in every stack below PATH that it reaches; for the NAME of a service, its open pull request. Real Terraform
    plans it, with stand-ins for the providers: no cluster, state or credentials. Only newservice's cache is written.
    """
    with open_session(reporter, {**options, "sandbox": False, "no_provision": False}, keep_sandbox=False) as session:
        _require_extra()
        with before_the_first_write(), _pairs(session) as pairs:
            rehearsals = list(_rehearsed(session, pairs))
        result = _result(session, rehearsals)
        session.reporter.result(result)
        return result.exit_code


def _require_extra() -> None:
    from generator.rehearsal import MISSING, available

    if not available():
        raise PreflightError("rehearsal.missing", MISSING, "pip install 'newservice[rehearsal]'")


@contextmanager
def _pairs(session: Session) -> Iterator[Iterator[Pair]]:
    """The stacks that are to be rehearsed, each before and after."""
    from generator.lifecycle.rehearsing import pairs_of_checkout, pairs_of_service  # heavy, with all its clients

    what = str(session.options["what"] or ".")
    if "/" in what or what in (".", ".."):
        yield pairs_of_checkout(session.platform, Path(what), session.options["base"], whole=session.options["whole"])
        return
    if session.options["base"] or session.options["whole"]:
        raise UsageError(
            "rehearsal.path",
            f"--base and --all go with a PATH, and {what} is the name of a service",
            f"leave them out, or name a folder of a checkout, such as ./stacks/{what}",
        )
    from generator.engine.connections import open_clone, open_forge

    session.reporter.service = what
    check_name(session, what)
    clone = open_clone(session.platform, session.infra)
    try:
        with open_forge(session.platform, session.environ, session.reporter.progress) as forge:
            yield pairs_of_service(session.platform, forge, clone, what)
    finally:
        clone.close()


def _rehearsed(session: Session, pairs: Iterator[Pair]) -> Iterator[Rehearsal]:
    from generator.engine.rehearsed import opened

    with opened(session.platform) as rehearsals:
        for pair in pairs:
            found = rehearsals.rehearse(pair.stack, pair.before, pair.after)
            session.reporter.rehearsal(found)
            yield found


def _result(session: Session, rehearsals: list[Rehearsal]) -> Result:
    service, failing = session.reporter.service, session.options["failing"]
    refused = [item.stack for item in rehearsals if item.refused]
    unknown = [item.stack for item in rehearsals if item.unrecorded]
    actions = {"replace": "replace", "destroy": "delete"}
    failed = [item.stack for item in rehearsals if item.count(*(actions[name] for name in failing))]
    if session.options["against"]:
        return _compared(session, rehearsals)
    if refused or failed:
        reasons = [f"Terraform refuses {', '.join(refused)}"] if refused else []
        reasons += [f"{' or '.join(failing)} in {', '.join(failed)}"] if failed else []
        return Result("success", ExitCode.FINDINGS, service, closing="; ".join(reasons))
    left = f"; not rehearsed: {', '.join(unknown)}" if unknown else ""
    if not any(item.changes for item in rehearsals):
        return Result("unchanged", ExitCode.OK, service, closing=f"Terraform would change nothing{left}")
    return Result("success", ExitCode.OK, service, closing=f"this is a rehearsal; nothing was written{left}")


def _compared(session: Session, rehearsals: list[Rehearsal]) -> Result:
    """How far the pipeline's own plan says the same."""
    from generator.rehearsal.against import compare, read_real_plan

    if len(rehearsals) != 1:
        raise UsageError(
            "rehearsal.against",
            f"--against compares one stack, and {len(rehearsals)} were rehearsed",
            "name the stack's folder, or the service",
        )
    differing = compare(rehearsals[0], read_real_plan(Path(session.options["against"])))
    for item in differing:
        session.reporter.progress(str(item))
    if differing:
        closing = f"the pipeline's plan differs in {len(differing)} place{'s' * (len(differing) > 1)}"
        return Result("success", ExitCode.FINDINGS, session.reporter.service, closing=closing)
    return Result("unchanged", ExitCode.OK, session.reporter.service, closing="the pipeline's plan says the same")
