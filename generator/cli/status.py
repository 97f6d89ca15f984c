"""``newservice status``: every step's state as observed now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from generator.changes import recorded_answers
from generator.cli.plan import before_the_first_write, observed_plan
from generator.cli.report import Reporter, Result
from generator.cli.session import Session, common_options, open_session
from generator.errors import ExitCode, UsageError
from generator.onboarding import open_forgejo
from generator.plan import Plan
from generator.run import BRANCH_PREFIX
from generator.trees import Folder, RemoteCommit


@click.command("status", short_help="Show the state of every step as it is now.")
@click.pass_obj
def status_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """Show every step's state, read only.

    The answers are those that the service was made with: from its folder, the infra clone or the forge; flags,
    --set and --answers win over them.
    """
    with open_session(reporter, options, keep_sandbox=False) as session:
        with before_the_first_write():
            given = {**_recorded(session), **session.given()}
        plan = observed_plan(session, session.answers(given))
        session.reporter.plan(plan, diffs=bool(options["diffs"]))
        result = _result(plan)
        session.reporter.result(result)
        return result.exit_code


common_options(status_command)


def _result(plan: Plan) -> Result:
    if plan.changes_nothing:
        return Result("unchanged", ExitCode.OK, plan.service, closing="everything is there")
    if plan.unknown:
        return Result("error", ExitCode.PREFLIGHT, plan.service, closing="not everything could be seen")
    if plan.refusals:
        return Result("refused", ExitCode.OK, plan.service, closing="something there is not newservice's to touch")
    return Result("partial", ExitCode.OK, plan.service, closing="something is missing; create adds it")


def _recorded(session: Session) -> dict[str, Any]:
    """The answers that the service was made with; none where it can't be found and answers were given."""
    name = session.options["name"]
    if not name:
        raise UsageError("usage.name", "status needs the service's name", "newservice status NAME")
    public = {question.name for question in session.questions if question.public}
    for found in _answers_files(session, name):
        if found and found.get("name") == name:
            return {key: value for key, value in found.items() if key in public}
    if len(session.given()) > 1:
        return {}
    raise UsageError(
        "status.unknown",
        f"there are no answers for {name}: not in {session.service_dir(name)}, and no stack here or on the forge",
        "check the name, or give the answers with --answers",
    )


def _answers_files(session: Session, name: str) -> Iterator[dict[str, Any] | None]:
    """Where a service's answers stand: its folder, the infra clone, and the forge's branches."""
    infra = session.platform.data["infra"]
    stack = f"{infra['stacks']}/{name}/"
    yield recorded_answers(Folder(session.service_dir(name)))
    yield recorded_answers(Folder(session.infra), stack)
    if session.options["no_provision"]:
        return
    owner = session.platform.owner("forgejo")
    with open_forgejo(session.platform, session.environ) as forgejo:
        for branch in (infra["branch"], f"{BRANCH_PREFIX}{name}"):
            yield recorded_answers(RemoteCommit(forgejo, owner, infra["repository"], branch), stack)
