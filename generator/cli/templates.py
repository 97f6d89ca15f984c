"""``newservice templates``: the released versions; and, for maintainers, releasing and publishing them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from generator.base.errors import ExitCode, RefusedError, UsageError
from generator.base.stopping import held
from generator.cli import flags
from generator.cli.faults import as_reported
from generator.cli.fleet import fleet_options, open_fleet
from generator.cli.plan import before_the_first_write, planned
from generator.cli.report import Reporter, Result, TemplateVersion
from generator.cli.session import open_session
from generator.engine.connections import open_forge
from generator.engine.executor import unchanged
from generator.engine.plan import Plan, State
from generator.fleet.findings import exit_code
from generator.fleet.preview import check_preview, preview
from generator.lifecycle.publication.publisher import Publisher
from generator.lifecycle.publication.state import Address, Publication, Seen, tag_of
from generator.template.releases import FOLDER, Releases
from generator.template.template import PACKAGE, Template


class _ListByDefault(click.Group):
    """``newservice templates`` is its ``list``, flags and all."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Put ``list`` before flags that no subcommand comes before."""
        named = bool(args) and (not args[0].startswith("-") or args[0] in context.help_option_names)
        return super().parse_args(context, args if named else ["list", *args])


@click.group("templates", cls=_ListByDefault)
def templates_group() -> None:
    """The template's released versions, which all come with newservice. Without a command: list."""


@templates_group.command("list", short_help="List the released versions.")
@click.option("--published", is_flag=True, help="Check as well which of them are at the profile's template address.")
@flags.shared(flags.platform(), flags.JSON, flags.VERBOSE, flags.quiet())
@click.pass_obj
def list_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """List the released versions, and how the installed template relates to them.

    Without --published no network is used.
    """
    releases, template = Releases(), Template.installed()
    seen = _seen(reporter, options, releases) if options["published"] else None
    for version in _versions(releases, template, seen):
        reporter.template_version(version)
    standing = releases.standing(template)
    next_, relation = _STANDING[standing.state]
    closing = f"template {standing.version} is installed; {relation}"
    reporter.result(Result("success", ExitCode.OK, next=next_, closing=closing))
    return ExitCode.OK


_STANDING: dict[str, tuple[tuple[str, ...], str]] = {
    "released": ((), "it matches its release"),
    "differs": (
        ("raise the default of template_version in copier.yml: a release never changes",),
        "it differs from the release of that version",
    ),
    "unreleased": (("newservice templates release",), "it is not released yet"),
}


@templates_group.command("release", short_help="For maintainers: release the checkout's template.")
@flags.shared(flags.dry_run("Show what would be done, and nothing else."), flags.JSON, flags.VERBOSE, flags.quiet())
@click.pass_obj
def release_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """Release the template of this checkout under the version that copier.yml names.

    Writes an archive and a line of the index, to be committed with the template. Before that, copier renders small
    services, and the release is refused if its files differ from newservice's.
    """
    releases, template = Releases(), Template.installed()
    if template.root == PACKAGE / "_template":
        raise UsageError(
            "template.no_checkout",
            "releases are made in a checkout of newservice",
            "clone its repository, run it there",
        )
    version = releases.next_version(template)
    from generator.template.release_check import check_template  # heavy, with copier, and needed here only

    reporter.progress("rendering samples with copier, to compare them")
    count = check_template(template)
    added, changed, removed = releases.changes(template)
    summary = f"{added} files added, {changed} changed, {removed} removed; {count} samples rendered alike"
    if options["dry_run"]:
        result = Result(
            "success", ExitCode.OK, closing=f"template {version} can be released: {summary}; nothing was written"
        )
    else:
        with held():
            releases.add(template, datetime.now(UTC))
            reporter.wrote = True
        following = (
            f"commit {PACKAGE.name}/{FOLDER.name} together with the template",
            "newservice templates publish",
        )
        result = Result("success", ExitCode.OK, next=following, closing=f"template {version} is released: {summary}")
    for line in _versions(releases, template, None):
        reporter.template_version(line)
    reporter.result(result)
    return ExitCode.OK


@templates_group.command("publish", short_help="For maintainers: publish all releases at the template address.")
@flags.shared(
    flags.platform(),
    flags.SANDBOX,
    flags.dry_run("Show what would be done, and nothing else."),
    flags.JSON,
    flags.VERBOSE,
    flags.quiet(),
)
@click.pass_obj
def publish_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """Publish all releases, each as a commit with its tag, at the profile's template address on Forgejo.

    Writes the branch templates and the tags of releases, in one push that is never forced; a missing repository is
    created as private. Refused when one of those is something else. What exists already stays as it is.
    """
    with open_session(reporter, options, keep_sandbox=not options["dry_run"]) as session:
        publication = Publication(Releases(), Address.of(session.platform))
        reporter.service = publication.address.name
        with open_forge(session.platform, session.environ, reporter.progress) as forge:
            publisher = Publisher(publication, forge)
            with before_the_first_write():
                seen = publisher.look()
                plan = publisher.plan(seen)
            reporter.plan(plan)
            _refuse(plan)
            result = planned(plan) if options["dry_run"] else _published(reporter, publisher, plan)
            if result.exit_code is ExitCode.OK:
                result = replace(result, next=(*plan.to_do, *_closed(publication.address, seen)))
        reporter.result(result)
        return result.exit_code


@templates_group.command("preview", short_help="For maintainers: what a template would do to every service.")
@click.option(
    "--template",
    "root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="PATH",
    help="A folder with copier.yml and templates/.  [default: the installed template]",
)
@fleet_options()
@click.pass_obj
def preview_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """Try every service's update to a template that is not released, and keep nothing of it.

    Each is clean, changed (with its files), in conflict, asked something, or broken: the template can't be rendered.
    """
    template = Template(options["root"].resolve()) if options["root"] else Template.installed()
    with open_fleet(reporter, options, "templates preview") as opened, before_the_first_write():
        check_preview(template)
        found = preview(opened.fleet, template, reporter.tree)
        return opened.tell(found, exit_code(found), template=template.version)


def _published(reporter: Reporter, publisher: Publisher, plan: Plan) -> Result:
    """Carry out the plan, if there is anything to do."""
    if plan.changes_nothing:
        for step in unchanged(plan):
            reporter.step(step)
        return Result("unchanged", ExitCode.OK, plan.service)
    outcome = publisher.carry_out(reporter.step)
    if outcome.failure:
        reporter.error(as_reported(outcome.failure))
    if outcome.exit_code is ExitCode.OK:
        return Result("success" if outcome.wrote else "unchanged", ExitCode.OK, plan.service)
    refused = outcome.exit_code is ExitCode.REFUSED and not outcome.wrote
    again = ("run the same command again to continue",)
    return Result("refused" if refused else "partial", outcome.exit_code, plan.service, next=again)


def _refuse(plan: Plan) -> None:
    if plan.refusals:
        raise RefusedError(
            f"{plan.refusals[0].id}.refused",
            "; ".join(step.decision.summary for step in plan.refusals),
            "; ".join(step.decision.hint for step in plan.refusals),
        )


def _closed(address: Address, before: Seen) -> tuple[str, ...]:
    """What a plain ``copier update`` needs if the templates' repository is private."""
    if before.repository is not None and not before.repository.private:
        return ()
    note = (
        f"{address} is private: a plain copier update needs an account on Forgejo "
        "that may read it; newservice itself has every release and needs none"
    )
    return (note,)


def _seen(reporter: Reporter, options: Mapping[str, Any], releases: Releases) -> Seen:
    """What exists at the profile's template address."""
    with open_session(reporter, options, keep_sandbox=False) as session:
        publication = Publication(releases, Address.of(session.platform))
        with open_forge(session.platform, session.environ, reporter.progress) as forge, before_the_first_write():
            return Publisher(publication, forge).look()


def _versions(releases: Releases, template: Template, seen: Seen | None) -> Iterator[TemplateVersion]:
    """A line for each release, and one for the installed template if it is not released."""
    standing = releases.standing(template)
    for release in releases.all:
        commit = releases.commits[release.version]
        there = seen.references.get(tag_of(release)) if seen else None
        yield TemplateVersion(
            version=str(release.version),
            tag=release.tag,
            released=release.released.isoformat(),
            tree=release.tree,
            commit=commit,
            state="released",
            installed=standing.state == "released" and standing.version == str(release.version),
            published=None if seen is None else _state_of(there, commit).value,
        )
    if standing.state != "released":
        yield TemplateVersion(version=standing.version, tree=standing.tree, state=standing.state, installed=True)


def _state_of(there: str | None, wanted: str) -> State:
    if there is None:
        return State.ABSENT
    return State.PRESENT if there == wanted else State.FOREIGN
