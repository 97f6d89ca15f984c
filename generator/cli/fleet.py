"""``newservice fleet``: every service at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from generator.base.errors import ExitCode
from generator.cli import flags
from generator.cli.plan import before_the_first_write
from generator.cli.report import Reporter, Result
from generator.cli.session import Session, open_session
from generator.cli.suggestions import services
from generator.clients.objects import Objects
from generator.engine.connections import open_clone, open_forge
from generator.fleet.findings import Finding, State, counted, exit_code, in_order
from generator.fleet.fleet import Fleet
from generator.fleet.pool import usable_cores
from generator.fleet.report import Report, check_report, summary, tone, write_report
from generator.fleet.selection import Selection, parse_shard, read_failed
from generator.fleet.update import Update, Waves
from generator.template.releases import Releases

_COUNT_CHANGES = ("fleet update", "fleet secrets push")
"""Commands whose ``--limit`` counts the services that they change."""

MOST_NAMES = 5
"""How many names are shown in one line."""


@click.group("fleet")
def fleet_group() -> None:
    """Every service that newservice created, found by the stacks of the infra repository."""


def fleet_options(offline: bool = True) -> Callable[[flags.Command], flags.Command]:
    """The flags that choose services and say how they are reported."""
    return flags.shared(*(item for item in _COMMON if offline or item is not _OFFLINE))


_OFFLINE = click.option("--offline", is_flag=True, help="The infra clone as it is; no network at all.")
_COMMON: list[flags.Flag] = [
    flags.ONLY,
    click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most this many services."),
    click.option("--shard", metavar="I/N", help="One of N parts of the fleet, the same parts on every machine."),
    click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Processes.  [default: one for each core]"),
    _OFFLINE,
    click.option("--report", type=click.Path(path_type=Path), metavar="FILE",
                 help="Write a report as well: .html, .json or .txt."),
    flags.platform(),
    flags.SANDBOX,
    flags.infra(),
    flags.JSON,
    flags.VERBOSE,
    flags.quiet("Only what needs a person."),
]  # fmt: skip


@dataclass
class Opened:
    """A fleet, its session, and the report to be written."""

    fleet: Fleet
    session: Session
    command: str
    report: Path | None

    def tell(
        self,
        findings: Sequence[Finding],
        code: ExitCode,
        following: Sequence[str] = (),
        template: str = "",
        notes: Sequence[str] = (),
        urls: Mapping[str, str] | None = None,
    ) -> ExitCode:
        """Report the result and write the report; ``template`` is the version compared with (default: the newest)."""
        newest = template or str(self.fleet.releases.newest)
        self.write(findings, newest, notes)
        status = "partial" if code else "success" if self.session.reporter.wrote else "unchanged"
        closing = f"template {newest}: {summary(findings)}"
        reporter = self.session.reporter
        reporter.result(Result(status, code, reporter.service, dict(urls or {}), tuple(following), closing))
        return code

    def write(self, findings: Sequence[Finding], template: str = "", notes: Sequence[str] = ()) -> None:
        """Write the report, if one is requested."""
        if self.report is not None:
            newest, platform = template or str(self.fleet.releases.newest), self.fleet.platform.name
            report = Report(self.command, platform, newest, tuple(findings), datetime.now(UTC), tuple(notes))
            write_report(report, self.report)


@contextmanager
def open_fleet(
    reporter: Reporter,
    options: Mapping[str, Any],
    command: str,
    *,
    keep_sandbox: bool = False,
    selection: Selection | None = None,
) -> Iterator[Opened]:
    """The fleet on the platform that the options name. Raises whatever prevents all of it from being seen."""
    report = check_report(options["report"]) if options.get("report") else None
    selection = selection or _selection(options)
    with open_session(reporter, options, keep_sandbox=keep_sandbox) as session, ExitStack() as stack:
        clone = open_clone(session.platform, session.infra)
        stack.callback(clone.close)
        forge = None
        if not options.get("offline"):
            forge = stack.enter_context(open_forge(session.platform, session.environ, reporter.progress))
        jobs = options.get("jobs") or usable_cores()
        updating = command == "fleet update"
        first = None if command in _COUNT_CHANGES else options["limit"]
        fleet = Fleet(
            session.platform, Releases(), Objects.of(clone), forge, selection, first, updating, jobs, reporter.progress
        )
        yield Opened(fleet, session, command, report)


def _selection(options: Mapping[str, Any]) -> Selection:
    retry = options.get("retry")
    return Selection(
        options["only"],
        parse_shard(options["shard"]) if options["shard"] else (1, 1),
        read_failed(Path(retry)) if retry else None,
    )


@fleet_group.command("list", short_help="List all services and their versions.")
@fleet_options()
@click.pass_obj
def list_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """List every service: its stack, its own repository, and each one's template version. Files are not compared.

    A new stack whose pull request waits for review is listed as waiting.
    """
    with open_fleet(reporter, options, "fleet list") as opened:
        fleet = opened.fleet
        with before_the_first_write():
            found = fleet.listed()
        for finding in found:
            reporter.tree(finding)
        return opened.tell(found, ExitCode.OK)


@fleet_group.command("status", short_help="Show the state of every service, per file.")
@fleet_options()
@click.pass_obj
def status_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """Show the state of every service: behind, current, edited by hand (and in which files), in review.

    Reads only. The exit code is 0 whatever is found.
    """
    with open_fleet(reporter, options, "fleet status") as opened:
        fleet = opened.fleet
        with before_the_first_write():
            stacks = fleet.standing()
            found = in_order([*stacks, *fleet.services_standing(fleet.owned(stacks))])
        for finding in found:
            reporter.tree(finding)
        behind = counted(found).get(State.BEHIND.value, 0)
        following = ("newservice fleet update --dry-run", "newservice fleet update")  # the first tells what asks
        return opened.tell(found, ExitCode.OK, following if behind else ())


@fleet_group.command("update", short_help="Open pull requests for every service that is behind.")
@click.option(
    "--canary",
    "canaries",
    multiple=True,
    metavar="NAME",
    shell_complete=services,
    help="Services that come first; may be repeated.  [default: the first that is behind]",
)
@click.option(
    "--wave",
    type=click.IntRange(min=1),
    default=10,
    metavar="N",
    show_default=True,
    help="This many services at a time.",
)
@click.option(
    "--retry",
    type=click.Path(exists=True, dir_okay=False),
    metavar="REPORT.json",
    help="Only what failed or was not started in an earlier report.",
)
@flags.dry_run("Merge and check everything, and push nothing.")
@fleet_options(offline=False)
@click.pass_obj
def update_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """Update every service that is behind to the newest template: a pull request for its stack, one for its repository.

    Local edits are kept. A run can be repeated safely: an open pull request is found again, updated when it is
    outdated, and closed when it is no longer needed. No checkout is touched, and a branch with other people's commits
    is left alone.
    """
    waves = Waves(options["canaries"], options["wave"], options["limit"])
    keep = not options["dry_run"]
    with open_fleet(reporter, options, "fleet update", keep_sandbox=keep) as opened:
        return carry_out(opened, waves, dry_run=options["dry_run"])


def carry_out(opened: Opened, waves: Waves, *, dry_run: bool) -> ExitCode:
    """Update what is selected, and report it; the result names the pull request where there is only one."""
    fleet, reporter = opened.fleet, opened.session.reporter
    assert fleet.forge is not None  # noqa: S101 - there is no --offline here
    update = Update(fleet, fleet.forge, waves, dry_run, reporter.tree)
    with before_the_first_write():
        update.look()
    try:
        found = update.run()
    except BaseException:
        opened.write(in_order(update.findings.values()), notes=update.notes)
        raise
    pulls = [finding.url for finding in found if finding.url]
    urls = {"pull_request": pulls[0]} if len(pulls) == 1 else {}
    return opened.tell(found, exit_code(found), next_steps(found), notes=update.notes, urls=urls)


def next_steps(findings: Sequence[Finding]) -> tuple[str, ...]:
    """What a person does next, once for each kind of thing, and for which services."""
    names: dict[str, list[str]] = {}
    for finding in findings:
        if finding.remedy and tone(finding.state) != "good":
            names.setdefault(finding.remedy, []).append(finding.place.name)
    return tuple(f"{remedy}: {_shortened(list(dict.fromkeys(found)))}" for remedy, found in names.items())


def _shortened(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_NAMES]) + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")
