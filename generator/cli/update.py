"""``newservice update``: a newer template into one service repository or one stack of a checkout."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from generator.base.errors import AnswersError, ExitCode, UsageError
from generator.base.stopping import held
from generator.cli import flags
from generator.cli.options import Answering, given_flags, is_stream, question_options
from generator.cli.plan import before_the_first_write
from generator.cli.report import Reporter, Result
from generator.cli.session import Session
from generator.cli.suggestions import folders
from generator.engine.checklist import Checklist
from generator.engine.plan import Plan, build_plan
from generator.engine.recorded import Recorded, read_recorded
from generator.engine.working_tree import WorkingTree
from generator.infra_repo.entries import RegistrationChange, by_hand
from generator.lifecycle.update import Upgrade, Upgrader
from generator.lifecycle.update.checkout import Place, alone, carry_out, check_clean, unseen_modes
from generator.lifecycle.update.journal import refuse_interrupted, take_back
from generator.lifecycle.update.to_do import to_do
from generator.template.amendment import Amendment
from generator.template.gates import Consent
from generator.template.questions import load_questions
from generator.template.releases import Releases
from generator.template.template import Template


@click.command("update", cls=Answering)
@click.argument("path", required=False, default=".", shell_complete=folders)
@flags.TO
@click.option("--check", "checks", is_flag=True, help="Report what is behind and what would change; write nothing.")
@click.option("--pull-request", is_flag=True, help="Open a pull request; the checkout stays as it is.")
@flags.shared(
    flags.answers("Answers that are new or change, as YAML or JSON."),
    flags.SETS,
    flags.UNSET,
    flags.REPLACE,
    flags.ACCEPT_LOSS,
    flags.OPEN,
    flags.platform(),
    flags.NON_INTERACTIVE,
    flags.JSON,
    flags.diff("Show the diffs as well."),
    flags.VERBOSE,
    flags.quiet(),
)
@click.pass_obj
def update_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """Merge the newest template into PATH: a clone of a service's repository, or a stack's folder in the infra clone.

    Local edits are kept, entries in shared files are updated as well, and the recorded answers are used again. A flag
    answers a new question, or changes an answer: maps, and lists whose entries have a name, are merged with the
    recorded ones; --unset removes an entry, and --replace replaces all of them. Answers that lose data are refused
    without --accept-loss, and those that open something without --open. Nothing is committed. Where both sides changed
    the same lines, git's conflict markers are left in the file and the exit code is 6. With --pull-request the same is
    proposed on the forge instead, from its default branch; conflicts are reported and nothing is written.
    """
    if options["pull_request"]:
        return _proposed(reporter, options)
    session = Session(options, reporter)
    with session.surroundings(), _opened(Path(options["path"])) as place, alone(place):
        with before_the_first_write():
            if options["checks"]:
                refuse_interrupted(place.repository, options["path"])
            elif found := take_back(place.repository):
                reporter.progress(f"an interrupted update is undone: {', '.join(found)}")
            check_clean(place)
            recorded = read_recorded(place.tree, place.prefix).sound()
            reporter.service = recorded.name
            amendment = _amendment(session, recorded)
            upgrader = Upgrader(Releases(), session.platform)
            upgrade = _planned(session, upgrader, place, recorded, amendment)
            for change in upgrade.differing:
                reporter.change(change)
            reporter.plan(_as_plan(upgrade, place), diffs=bool(options["diffs"]))
            writes = upgrade.changes and not options["checks"]
            if writes:
                check_clean(place, upgrade)
        with held():  # it takes a moment, and is through by then
            if writes:
                carry_out(place, upgrade)
                reporter.wrote = True
            amended = bool(amendment.touched)
            if options["checks"]:
                result = _checked(upgrade, session, amendment)
            else:
                result = _result(place, upgrade, to_do(upgrader, upgrade), amended=amended)
            reporter.result(result)
        return result.exit_code


question_options(load_questions(Template.installed()), recorded=True)(update_command)


def _proposed(reporter: Reporter, options: Mapping[str, Any]) -> ExitCode:
    """Open the pull request of one tree's update, as ``fleet update`` does. Raises ``UsageError`` for other answers."""
    from generator.cli.fleet import carry_out as update_fleet  # heavy, with all its clients
    from generator.cli.fleet import open_fleet
    from generator.fleet.selection import Selection
    from generator.fleet.update import Waves

    with _opened(Path(options["path"])) as place:
        recorded, root, prefix = read_recorded(place.tree, place.prefix).sound(), place.root, place.prefix
    reporter.service = recorded.name
    session = Session(options, reporter)
    if _amendment(session, recorded).touched or options["to"]:
        raise UsageError(
            "update.pull_request",
            "--pull-request brings the newest template with the recorded answers, and something else is given as well",
            f"change answers with newservice change {recorded.name}; or leave --pull-request out",
        )
    infra = str(root) if prefix else None
    chosen = Selection((recorded.name,), retried=frozenset({(recorded.name, recorded.layer)}))
    with open_fleet(reporter, {**options, "infra": infra}, "fleet update", selection=chosen) as opened:
        return update_fleet(opened, Waves(), dry_run=options["checks"])


@contextmanager
def _opened(path: Path) -> Iterator[Place]:
    place = Place.of(path)
    try:
        yield place
    finally:
        place.repository.close()


def _amendment(session: Session, recorded: Recorded) -> Amendment:
    """What flags, ``--set`` and files ask to be different. Raises ``UsageError`` for another name."""
    given = session.differing()
    if given.get("name", recorded.name) != recorded.name:
        raise UsageError(
            "update.rename",
            f"{recorded.name} can't be called {given['name']} by an update",
            "leave the name out, or create a new service under that name",
        )
    return Amendment(given, tuple(session.options["unset"]), frozenset(session.options["replaced"]))


def _planned(session: Session, upgrader: Upgrader, place: Place, recorded: Recorded, amendment: Amendment) -> Upgrade:
    """The update, with a person's answers on the terminal to new questions."""
    to = upgrader.releases.find(session.options["to"]) if session.options["to"] else None
    place_of = place.tree, place.prefix
    consent = Consent(frozenset(session.options["accepted"]), session.options["opened"])
    try:
        return upgrader.plan(*place_of, to=to, amendment=amendment, consent=consent)
    except AnswersError as error:
        missing = [item.question for item in error.problems if item.code == "answer.missing"]
        if not session.interactive or len(missing) < len(error.problems):
            raise
    from generator.wizard import ask_again  # heavy, and needed with a terminal only

    maker = upgrader.maker(to)
    given = ask_again(maker.template, maker.questions, missing, amendment.given, *maker.split(recorded))
    return upgrader.plan(*place_of, to=to, amendment=replace(amendment, given=given), consent=consent)


def _as_plan(upgrade: Upgrade, place: Place) -> Plan:
    """The update as the interface's plan."""
    recorded = upgrade.recorded
    unseen = ", ".join(unseen_modes(upgrade, WorkingTree(place.root).staged))
    staged = f"git sees no executable bits here (core.fileMode), so they are staged: {unseen}"
    return build_plan(
        recorded.name,
        files=upgrade.files,
        registrations=[_shown(item) for item in upgrade.entries],
        steps=(),
        notes=(f"template {_versions(upgrade)}", *upgrade.notes, *((staged,) if unseen else ())),
        gates=upgrade.answers.gates,
    )


def _shown(item: RegistrationChange) -> RegistrationChange:
    """An entry as plans show it: what is kept, or was gone before, needs nothing."""
    return replace(item, action="present") if item.action in ("kept", "absent") else item


def _stays(upgrade: Upgrade) -> bool:
    """Whether the version stays as it is."""
    return str(upgrade.recorded.version) == upgrade.to


def _versions(upgrade: Upgrade) -> str:
    """From which version to which."""
    return f"{upgrade.to}, as before" if _stays(upgrade) else f"{upgrade.recorded.version} -> {upgrade.to}"


def _checked(upgrade: Upgrade, session: Session, amendment: Amendment) -> Result:
    """What ``--check`` found, and the command that does it, with what was answered here."""
    name, versions = upgrade.recorded.name, _versions(upgrade)
    if not upgrade.changes:
        return _nothing(upgrade)
    closing = f"{versions}; " + (
        f"conflicts in {', '.join(upgrade.conflicts)}" if upgrade.conflicts else "no conflicts"
    )
    again = shlex.join(["newservice", "update", session.options["path"], *_flags(session, amendment)])
    return Result("success", ExitCode.OK, name, next=(again, *_by_hand(upgrade)), closing=closing)


def _by_hand(upgrade: Upgrade) -> list[str]:
    """Each entry that is left to a person, and the text to paste where there is one."""
    refused = [item for item in upgrade.entries if item.action == "refuse"]
    return [": ".join((f"by hand: {item.path} ({item.id})", item.reason, *by_hand([item]))) for item in refused]


def _flags(session: Session, amendment: Amendment) -> Iterator[str]:
    """The flags that decide what an update makes, as they were given; answers of a file that is gone as ``--set``."""
    options = session.options
    source = options["answers_file"] or ""
    gone = is_stream(source)
    for flag, key in (("--to", "to"), ("--answers", "answers_file"), ("--platform", "platform")):
        if options[key] and not (gone and key == "answers_file"):
            yield from (flag, str(options[key]))
    kept = amendment if gone else replace(amendment, given={})
    yield from kept.words({question.name for question in session.questions if question.structured})
    for accepted in options["accepted"]:
        yield from ("--accept-loss", accepted)
    if options["opened"]:
        yield "--open"
    if gone:
        return
    for pair in options["sets"]:
        yield from ("--set", pair)
    yield from given_flags(session.questions, options)


def _nothing(upgrade: Upgrade) -> Result:
    return Result("unchanged", ExitCode.OK, upgrade.recorded.name, closing=f"up to date with template {upgrade.to}")


def _result(place: Place, upgrade: Upgrade, merging: Checklist, *, amended: bool) -> Result:
    name, versions = upgrade.recorded.name, _versions(upgrade)
    if not upgrade.changes:
        return _nothing(upgrade)
    if upgrade.conflicts:
        closing = f"{len(upgrade.conflicts)} files are in conflict: {', '.join(upgrade.conflicts)}"
        return Result("partial", ExitCode.CONFLICT, name, next=_ways_out(place, upgrade), closing=closing)
    what = "the new answers" if amended and _stays(upgrade) else "what is about the template"
    new = [item.path for item in upgrade.files if item.before is None and item.written]
    following = (
        *((shlex.join(["git", "-C", str(place.root), "add", "--", *new]),) if new else ()),
        "git diff HEAD" if new else "git diff",
        f"git commit, with {what} alone ({versions})",
        *_around(merging),
    )
    closing = f"template {versions}; nothing was committed"
    return Result("success", ExitCode.OK, name, next=following, closing=closing, checklist=merging or None)


def _around(merging: Checklist) -> tuple[str, ...]:
    """What surrounds the merge, which is the person's own; nothing where nothing is to be applied."""
    if merging.before or merging.pipeline:
        return merging.around(["push it and have it merged"])
    after = merging.around(())
    return (f"push it and have it merged; then {after[0]}", *after[1:]) if after else ()


def _ways_out(place: Place, upgrade: Upgrade) -> tuple[str, ...]:
    files = [item.path for item in upgrade.files if item.action == "conflict"]
    git, own = ["git", "-C", str(place.root)], place.prefix or "."
    back = shlex.join([*git, "restore", "--staged", "--worktree", "--", own, *(file.path for file in upgrade.shared)])
    return (
        *((f"resolve the marked lines in {', '.join(files)}, then git add them",) if files else ()),
        *_by_hand(upgrade),
        f"or undo all of it: {back} && {shlex.join([*git, 'clean', '-fd', '--', own])}",
    )
