"""``newservice status``: every step's state as observed now."""

from __future__ import annotations

from typing import Any

import click

from generator.changes import recorded_answers
from generator.cli.plan import observed_plan
from generator.cli.report import Reporter, Result
from generator.cli.session import Session, common_options, open_session
from generator.clients.git import Repository
from generator.errors import ExitCode, UsageError
from generator.trees import Commit, Folder, Tree


@click.command("status", short_help="Show the state of every step as it is now.")
@click.pass_obj
def status_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """Show every step's state, read only.

    The answers are those that the service was made with: from its folder, or from the infra clone; flags,
    --set and --answers win over them.
    """
    with open_session(reporter, options, keep_sandbox=False) as session:
        given = {**_recorded(session), **session.given()}
        plan = observed_plan(session, session.answers(given))
        session.reporter.plan(plan, diffs=bool(options["diffs"]))
        status = "unchanged" if plan.changes_nothing else "partial"
        if plan.refusals:
            status = "refused"
        session.reporter.result(Result(status, ExitCode.OK, plan.service))
        return ExitCode.OK


common_options(status_command)


def _recorded(session: Session) -> dict[str, Any]:
    """The answers that the service was made with; none where it can't be found and answers were given."""
    name = session.options["name"]
    if not name:
        raise UsageError("usage.name", "status needs the service's name", "newservice status NAME")
    stack = f"{session.platform.data['infra']['stacks']}/{name}/"
    places: list[tuple[Tree, str]] = [(Folder(session.infra), stack)]
    clone = Repository.open(session.infra)
    heads = [
        f"refs/remotes/origin/newservice/{name}",
        f"refs/remotes/origin/{session.platform.data['infra']['branch']}",
    ]
    places += [(Commit(clone, sha), stack) for head in heads if clone and (sha := clone.head(head))]
    places.append((Folder(session.service_dir(name)), ""))
    for tree, prefix in places:
        found = recorded_answers(tree, prefix)
        if found and found.get("name") == name:
            public = {question.name for question in session.questions if question.public}
            return {key: value for key, value in found.items() if key in public}
    if session.options["answers_file"] or session.options["sets"]:
        return {}
    raise UsageError(
        "status.unknown",
        f"there are no answers for {name} in {session.service_dir(name)} or in {session.infra}",
        "run it where the service's folder is, name --infra, or give the answers with --answers",
    )
