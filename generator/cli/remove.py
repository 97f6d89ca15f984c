"""``newservice remove``: take away what newservice made and nobody has changed since, after showing it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

import click

from generator.base.errors import ExitCode, RefusedError, UsageError
from generator.cli import flags
from generator.cli.faults import as_reported
from generator.cli.plan import before_the_first_write, refuse
from generator.cli.recorded import Known, check_name, kept_file, recorded, unknown
from generator.cli.report import Reporter, Result
from generator.cli.session import Session, open_session
from generator.engine.change import Change
from generator.engine.checklist import after_removal
from generator.engine.commits import RemoteCommit
from generator.engine.connections import Forge, open_forge, open_run
from generator.engine.context import Run
from generator.engine.executor import unchanged
from generator.engine.ownership import of_tree
from generator.engine.plan import Action, Decision, Plan, State
from generator.engine.project import BRANCH_PREFIX
from generator.engine.recorded import Recorded, read_recorded
from generator.engine.steps import steps_between
from generator.engine.steps.removal.base import is_kept
from generator.engine.steps.removal.by_proposal import REMOVAL_PREFIX
from generator.engine.to_do import to_apply
from generator.lifecycle.removal.carry import Carried, carry_out, observe, written
from generator.lifecycle.removal.rights import check_rights
from generator.template.answers import Answers
from generator.template.files import ANSWERS_FILE

LIMIT = 100
"""How many files, registrations and things one removal may take without ``--limit``."""


@click.command("remove")
@flags.shared(
    flags.SERVICE,
    flags.answers("The answers that it was created with, if none are found."),
    flags.platform(),
    flags.infra(),
    flags.service_dir("Where the service's folder is.  [default: ./NAME]"),
)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=LIMIT,
    show_default=True,
    metavar="NUMBER",
    help="Refuse to remove more files, registrations and things than this.",
)
@flags.shared(
    flags.yes("Do not ask for the name again; required without a terminal."),
    flags.dry_run("Show what would be removed and what would stay; remove nothing."),
    flags.NON_INTERACTIVE,
    flags.JSON,
    flags.diff("Show the diffs of what would leave the infra repository as well."),
    flags.VERBOSE,
    flags.quiet(),
)
@click.pass_obj
def remove_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """Show what newservice created for a service and nobody has changed since, and remove it after confirmation.

    Whatever was changed stays, with what depends on it, and is reported. A stack that was merged is removed by a pull
    request; run the same command again once that is merged. The folder on this machine is left alone.
    """
    with open_session(reporter, {**options, "no_provision": False}, keep_sandbox=False) as session:
        _check_name(session)
        with before_the_first_write():
            known = _known(session)
        if known is None:
            result = Result("unchanged", ExitCode.OK, reporter.service, closing="nothing of it exists any more")
        else:
            answers = session.answers({**known.in_force, **session.given()})
            result = _remove(session, answers, known.waiting)
        session.reporter.result(result)
        return result.exit_code


def _remove(session: Session, answers: Answers, change: Change | None) -> Result:
    with _open(session, answers, change.wanted.systems if change else ()) as run:
        removals = steps_between(answers, None, change).gone
        with before_the_first_write():
            plan = observe(removals, run)
            session.reporter.plan(plan, title="Removal of", diffs=bool(session.options["diffs"]))
            refuse(session, answers, plan)
            check_rights(run, plan, written(plan))
        _check_limit(session, plan)
        if session.options["dry_run"]:
            return _planned(run, plan)
        if not written(plan):
            for step in unchanged(plan):
                session.reporter.step(step)
            return _result(run, plan, Carried(()))
        _confirm(session, answers.name)
        outcome = carry_out(removals, run, plan, session.reporter.step, session.reporter.begun)
        if outcome.failure:
            session.reporter.error(as_reported(outcome.failure))
        return _result(run, plan, outcome)


@contextmanager
def _open(session: Session, answers: Answers, also: Iterable[str]) -> Iterator[Run]:
    project, progress = session.project(answers), session.reporter.progress
    with open_run(project, session.infra, environ=session.environ, progress=progress, also=also) as run:
        yield run


def _check_name(session: Session) -> None:
    """Raise for a name that is the platform's own before anything is asked, or for one that can't be a service's."""
    name = str(session.options["name"] or "")
    if not name:
        raise UsageError("usage.name", "remove needs the service's name", "newservice remove NAME")
    session.reporter.service = name
    if name == session.platform.infra.repository:
        raise RefusedError("answer.protected", f"{name} is the infra repository", "it is never removed")
    check_name(session, name)


def _known(session: Session) -> Known | None:
    """The answers that the service was made with; None where its history shows that all of it was removed.

    Raises ``UsageError`` for a service that never existed, ``RefusedError`` for a repository of that name which is not
    newservice's.
    """
    try:
        return recorded(session, "remove")
    except UsageError as error:
        if error.code != "status.unknown":
            raise
    name = str(session.options["name"])
    owner, infra = session.platform.forgejo.owner, session.platform.infra
    with open_forge(session.platform, session.environ) as forge:
        found = read_recorded(RemoteCommit(forge.api, owner, name, session.platform.forgejo.branch))
        if found:
            return Known(session.look_back(found)) if of_tree(found, name).ours else _refuse_unknown(f"{owner}/{name}")
        if ended := _ended(forge, owner, name, session.platform.forgejo.branch):
            return Known(session.look_back(ended))
        path = infra.stack(name)
        commits = forge.api.commits(owner, infra.repository, infra.branch, path=path.rstrip("/"), limit=1)
        if commits and commits[0].parents:  # a removed stack: its answers are in the history
            found = read_recorded(RemoteCommit(forge.api, owner, infra.repository, commits[0].parents[0]), path)
        if of_tree(found, name).ours:
            return Known(session.look_back(found))
        if forge.api.repository(owner, name) is not None:
            _refuse_unknown(f"{owner}/{name}")
        proposed = (f"{BRANCH_PREFIX}{name}", f"{REMOVAL_PREFIX}{name}")
        if any(forge.api.newest_pull_request(owner, infra.repository, infra.branch, head) for head in proposed):
            return None
    raise unknown(session, name)


def _ended(forge: Forge, owner: str, name: str, branch: str) -> Recorded | None:
    """What an adopted repository recorded before newservice's files were taken out of it."""
    commits = forge.api.commits(owner, name, branch, path=ANSWERS_FILE, limit=1)
    if not commits or not commits[0].parents:
        return None
    found = read_recorded(RemoteCommit(forge.api, owner, name, commits[0].parents[0]))
    return found if of_tree(found, name).ours and found.values.get("adopted") is True else None


def _refuse_unknown(repository: str) -> NoReturn:
    raise RefusedError(
        "remove.unknown",
        f"{repository} exists, and nothing says with which answers it was created",
        "give the answers with --answers; newservice removes only what it can compare",
    )


def _check_limit(session: Session, plan: Plan) -> None:
    count = len(plan.files) + len(plan.registrations) + len(written(plan))
    limit = int(session.options["limit"])
    if count > limit:
        raise RefusedError(
            "remove.limit",
            f"{count} files, registrations and things would be removed, and {limit} is the limit",
            f"look at the plan; if it is right, give --limit {count}",
        )


def _confirm(session: Session, name: str) -> None:
    """Let a person type the name. Raises ``UsageError`` where nobody can, ``click.Abort`` for anything else."""
    if session.options["yes"]:
        return
    if not session.interactive:
        raise UsageError("usage.confirmation", "nobody can confirm the removal here", "give --yes, or --dry-run first")
    typed = click.prompt(f"Type {name} to remove it", default="", show_default=False, err=True)
    if typed.strip() != name:
        raise click.Abort


def _planned(run: Run, plan: Plan) -> Result:
    following = _to_do(plan, {})
    if not written(plan):
        pending = _pending(run, plan)
        return Result("unchanged", ExitCode.OK, plan.service, {}, (*following, *pending), "nothing would be removed")
    if run.answers.owned and not run.answers.adopted and run.project.service_dir.exists():
        following += (f"{run.project.service_dir} would be left alone, and so would images in the registry",)
    return Result("success", ExitCode.OK, plan.service, {}, following, "this is a plan; nothing was removed")


def _result(run: Run, plan: Plan, outcome: Carried) -> Result:
    if outcome.exit_code is not ExitCode.OK:
        status = "refused" if outcome.exit_code is ExitCode.REFUSED and not outcome.wrote else "partial"
        again = "run the same command again to continue"
        return Result(status, outcome.exit_code, run.name, {}, (*_left(outcome.left), again))
    following, urls = [*_to_do(plan, outcome.left)], {}
    requests = {"infra.removal_request": "pull_request", "service.removal_request": "service_pull_request"}
    for step in outcome.steps:
        if step.id in requests and step.summary.startswith("http"):
            urls[requests[step.id]] = step.summary
    done = {step.id for step in outcome.steps if step.status == "done"}
    place = run.project.service_dir
    if done & {"infra.removal_request", "service.removal_request"}:
        what = "the stack's removal" if "infra.removal_request" in done else "the removal of newservice's files"
        closing = f"{what} waits for review, and everything else for its merge"
        return Result("success", ExitCode.OK, run.name, urls, tuple(following), closing)
    stays = {step.id for step in plan.steps if is_kept(step.decision)} | set(outcome.left)
    if run.answers.owned and not run.answers.adopted and place.exists() and "forgejo.repository" not in stays:
        following.append(
            f"{place} is left alone: delete it if it is not needed, or move it away to create {run.name} again"
        )
    if (kept := kept_file(run.name)) and not stays:
        following.append(f"{kept} is left alone: delete it if {run.name} is not to be created again")
    if "github.repository" in done:
        following.append(f"images of {run.answers.image_reference} stay in the registry")
    pending = _pending(run, plan) if not outcome.left else []
    status, closing = "success" if outcome.wrote else "unchanged", _closing(outcome, stays, pending=bool(pending))
    return Result(status, ExitCode.OK, run.name, urls, (*following, *pending), closing)


def _pending(run: Run, plan: Plan) -> list[str]:
    """What a person does after the merge that took the stack out; nothing where no stack was ever merged.

    Whether it was done can't be seen from here.
    """
    steps = {step.id: step.decision for step in plan.steps}
    request = steps.get("infra.removal_request")
    if request is None:
        return []
    if request.state is not State.ABSENT or request.action is not Action.NONE or is_kept(steps["infra.removal_commit"]):
        return []
    infra, path = run.platform.infra, run.project.stack_prefix.rstrip("/")
    if not run.forgejo.commits(run.owner, infra.repository, infra.branch, path=path, limit=1):
        return []
    merging = after_removal(infra, to_apply(infra, run.project.registrations))
    namespace, db = run.answers.context["namespace"], run.answers.context["db"]
    return [
        f"check that the namespace {namespace} is gone: a stack that was not destroyed before the merge still runs",
        *(f"{task.line}, if that was not done after the merge" for task in merging.after),
        *([f"drop the database {db['name']} and its role by hand, if nobody needs them"] if db else []),
    ]


def _closing(outcome: Carried, stays: Collection[str], *, pending: bool) -> str:
    """The end in one line.

    ``stays`` are the ids of what someone changed, before the plan or since; ``pending``: a person may have work left.
    """
    if outcome.left:
        done = "removed the rest; " if outcome.wrote else ""
        return f"{done}not all that was shown is gone, these stay: {', '.join(outcome.left)}"
    if not outcome.wrote and pending and not stays:
        return "nothing is left for newservice to remove; what is named above may still be pending"
    if not outcome.wrote:
        return "nothing that is newservice's alone was left to remove" if stays else "nothing was left to remove"
    return f"removed what is newservice's{'; the rest stays' if stays else ''}"


def _to_do(plan: Plan, left: Mapping[str, Decision]) -> tuple[str, ...]:
    """What a person still has to do, for each step: as planned, or as it turned out."""
    planned = [line for step in plan.steps if step.id not in left for line in step.decision.to_do]
    return tuple(dict.fromkeys([*planned, *_left(left)]))


def _left(left: Mapping[str, Decision]) -> list[str]:
    """The reasons why things that should be removed stay."""
    return [line for item in left.values() for line in item.to_do or (item.summary,)]
