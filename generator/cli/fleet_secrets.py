"""``newservice fleet secrets``: one secret in all services."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import click

from generator.base.errors import ExitCode, UsageError
from generator.cli import flags
from generator.cli.create import confirm
from generator.cli.fleet import Opened, fleet_group, next_steps, open_fleet
from generator.cli.plan import before_the_first_write
from generator.cli.report import Reporter, Result
from generator.cli.suggestions import services
from generator.engine.connections import Mirrors, open_mirrors
from generator.fleet.findings import Finding, State, exit_code, in_order
from generator.fleet.pushed import pushed
from generator.fleet.secrets import SecretPush
from generator.fleet.update import Waves
from generator.lifecycle.secrets.push import prove

__all__ = ["fleet_group"]

JOBS = 2
"""How many mirrors are written to at a time: GitHub wants writes one after the other, and looking takes longer."""


@fleet_group.group("secrets")
def secrets_group() -> None:
    """One secret in all services."""


@secrets_group.command("push", short_help="Write one Actions secret to every service that needs it.")
@click.argument("secret")
@click.option(
    "--canary",
    "canaries",
    multiple=True,
    metavar="NAME",
    shell_complete=services,
    help="Services that come first; may be repeated.  [default: the first that lacks the value]",
)
@click.option("--again", is_flag=True, help="Write also where an earlier run has written this value.")
@flags.shared(
    flags.ONLY,
    click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Write to at most this many services."),
    click.option("--shard", metavar="I/N", help="One of N parts of the fleet, the same parts on every machine."),
    click.option("--jobs", type=click.IntRange(min=1), default=JOBS, metavar="N", show_default=True,
                 help="How many services at a time, after the canaries."),
    flags.dry_run("Show which services would be written to; write nothing."),
    flags.yes(),
    flags.platform(),
    flags.SANDBOX,
    flags.infra(),
    flags.NON_INTERACTIVE,
    flags.JSON,
    flags.VERBOSE,
    flags.quiet("Only what needs a person."),
)  # fmt: skip
@click.pass_obj
def push_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """Write the Actions secret SECRET to the mirrors of all services whose CI needs it, from the profile's credential.

    Canaries come first; if one fails, nothing else is written. The failure of another service stops no other. The
    value is tried on its system before that, where it has one. The same command again continues a run that stopped,
    and writes no value twice: what was done is noted, without the value, in the folder of newservice's state.
    """
    with (
        open_fleet(reporter, {**options, "report": None}, "fleet secrets push", keep_sandbox=False) as opened,
        ExitStack() as stack,
    ):
        with before_the_first_write():
            push = _looked(opened, options, stack)
        found = in_order(push.findings.values())
        if options["dry_run"] or not push.due:
            return _tell(opened, push, found)
        for finding in push.due:
            reporter.tree(finding)
        confirm(opened.session, None)
        try:
            found = push.run()
        except BaseException:
            push.mirrors.patience.stopped.set()  # what is under way begins no other write
            raise
        return _tell(opened, push, found, report=False)


def _looked(opened: Opened, options: dict[str, Any], stack: ExitStack) -> SecretPush:
    """The run with everything observed, and the value proven. Raises what prevents it."""
    session, fleet, secret = opened.session, opened.fleet, str(options["secret"])
    platform, progress = session.platform, session.reporter.progress
    name = platform.actions_secrets.get(secret)
    if name is None:
        known = ", ".join(platform.actions_secrets)
        raise UsageError(
            "fleet.secret", f"no service's CI needs a secret called {secret}", f"the profile's actions_secrets: {known}"
        )
    assert fleet.forge is not None  # noqa: S101 - there is no --offline here
    mirrors: Mirrors = stack.enter_context(
        open_mirrors(fleet.forge, platform, session.infra, [name], session.environ, progress)
    )
    credential = mirrors.credentials[name]
    untried = prove(platform, {name: credential}, mirrors.patience)
    note = stack.enter_context(pushed(platform.github.api_url, platform.github.owner, secret, credential.value))
    waves = Waves(options["canaries"], options["jobs"], options["limit"])
    push = SecretPush(fleet, mirrors, secret, note, waves, options["again"], session.reporter.tree)
    push.look()
    if untried and push.due:
        push.notes.append(f"check the canary's next build: the value in {credential.source} can't be tried beforehand")
    return push


def _tell(opened: Opened, push: SecretPush, findings: Sequence[Finding], *, report: bool = True) -> ExitCode:
    reporter = opened.session.reporter
    for finding in findings if report else ():
        reporter.tree(finding)
    code = exit_code(findings)
    following = dict.fromkeys([*push.notes, *next_steps(findings)])
    status = "partial" if code else "success" if reporter.wrote else "unchanged"
    reporter.result(Result(status, code, next=tuple(following), closing=f"{push.secret}: {_summary(findings)}"))
    return code


def _summary(findings: Sequence[Finding]) -> str:
    """How many services have it, and what became of the others."""
    states = [finding.state for finding in findings]
    written = sum(finding.action == "written" for finding in findings)
    counts = {
        "written": written,
        "had it already": states.count(State.CURRENT) - written,
        "to be written": states.count(State.BEHIND),
        "not begun": states.count(State.PENDING),
        "failed": states.count(State.FAILED),
        "archived": states.count(State.ARCHIVED),
        "without a mirror": states.count(State.MISSING),
        "unreadable": states.count(State.UNREADABLE) + states.count(State.NEWER),
    }
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "no service needs it"
