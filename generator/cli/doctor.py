"""``newservice doctor``: checks everything that newservice needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from generator.base.checks import Check, CheckState, all_well
from generator.base.errors import ExitCode
from generator.cli import flags
from generator.cli.report import Reporter, Result
from generator.cli.session import Session, open_session
from generator.lifecycle.doctor import examine
from generator.platform.profile import advice


@click.command("doctor")
@flags.shared(flags.platform(), flags.SANDBOX, flags.infra(), flags.JSON, flags.VERBOSE, flags.quiet())
@click.pass_obj
def doctor_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """Check what newservice needs, read only: tools, profile, clone, load balancer, each system and its token.

    Everything that is missing is reported at once, each with its remedy.
    """
    with open_session(reporter, options, keep_sandbox=False) as session:
        result = look(session)
    reporter.result(result)
    return result.exit_code


def look(session: Session) -> Result:
    """Run all checks, report each one, and return the result that follows from them."""
    checks = examine(session.platform, session.infra, session.environ)
    for check in checks:
        session.reporter.check(check)
    return result_of(checks, advice(session.platform))


def result_of(checks: Sequence[Check], advised: str) -> Result:
    """The result of all checks: only a failed one means that something is missing.

    ``advised`` is added to the remedies, if there are any.
    """
    remedies = tuple(dict.fromkeys(f"{check.id}: {check.hint}" for check in checks if check.hint and not check.well))
    remedies += (f"profile: {advised}",) if remedies and advised else ()
    if all_well(checks):
        return Result("success", ExitCode.OK, closing="everything is in order")
    if any(check.state is CheckState.FAILED for check in checks):
        return Result("error", ExitCode.PREFLIGHT, next=remedies, closing="something is missing; nothing was written")
    closing = "nothing is missing, but not everything could be proven"
    return Result("partial", ExitCode.OK, next=remedies, closing=closing)
