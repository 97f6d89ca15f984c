"""``newservice adopt-repository``: a repository with history gets the CI, mirror and deploy path of a new service."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from generator.base.errors import ExitCode, Problem, UsageError
from generator.base.findings import Finding as Reported
from generator.cli.create import confirm, create
from generator.cli.options import Answering
from generator.cli.plan import before_the_first_write
from generator.cli.recorded import adopted_before, check_name, continued, incomplete
from generator.cli.report import Reporter
from generator.cli.session import Session, common_options, open_session
from generator.cli.suggestions import folders
from generator.engine.plan import Plan
from generator.infra_repo.trees import Folder

if TYPE_CHECKING:
    from generator.lifecycle.adoption.facts import Finding, OpenQuestion


@click.command("adopt-repository", cls=Answering)
@click.argument("target", required=False, metavar="[PATH|NAME]", shell_complete=folders)
@click.option("--commit", "direct", is_flag=True, help="Commit to the branch itself instead of a pull request.")
@click.pass_obj
def adopt_repository_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """Take over a repository with its history: mirror, secrets, registration, workflow and pipeline.

    NAME is a repository on Forgejo, else one on GitHub, which Forgejo then fetches; PATH is a clone of it, or one that
    has no remote and is pushed. Only what is missing is written, in a pull request: files that exist stay as they are.
    What is taken over is shown first, and marked only after a yes. The same command again continues a run that stopped.
    """
    target, direct = options.pop("target"), options.pop("direct")
    if not target:
        raise UsageError(
            "usage.name", "adopt-repository needs a name or a clone's path", "newservice adopt-repository NAME"
        )
    with open_session(reporter, {**options, "no_provision": False}, keep_sandbox=True) as session:
        session.adopts, session.direct = True, direct
        _find(session, target)
        given = continued(session)
        if session.interactive and (given.get("stack") != "existing" or incomplete(session, given)):
            from generator.cli.talk import talk  # heavy, and needed with a terminal only

            return talk(session, create)
        return create(session, session.answers(given), _agree)


common_options(adopt_repository_command, named=False, offline=False)


def _find(session: Session, text: str) -> None:
    """Find the repository and, where nothing records its answers yet, what it says about them."""
    from generator.engine.connections import open_forge  # heavy, with all its clients
    from generator.lifecycle.adoption.findings import answers_in
    from generator.lifecycle.adoption.source import origin_of, target_of

    target = target_of(session.platform, text)
    session.options = {**session.options, "name": target.name}
    if target.clone is not None and not session.options["service_dir"]:
        session.options = {**session.options, "service_dir": str(target.clone)}
    session.history = target.clone if target.alone else None
    session.reporter.service = target.name
    check_name(session, target.name)
    session.own_facts["adopted"] = True
    with before_the_first_write(), open_forge(session.platform, session.environ, session.reporter.progress) as forge:
        if adopted_before(session, forge, target.name):
            return
        origin = origin_of(session.platform, forge, target)
        given = session.given()
        findings, questions = answers_in(session.template, session.platform, origin, target.name)
        findings += _stack(session, target.name)
        for finding in findings:
            if finding.question not in given:
                session.found[finding.question] = finding.value
                session.reporter.finding(_reported(finding))
    stack = given.get("stack", session.found.get("stack"))
    unused = {"port"} if stack == "existing" else set()
    unused |= {"dockerfile"} if "context" in given else set()  # it is the one in that folder
    _settle(session, [item for item in questions if item.question not in {*given, *unused}])


def _reported(found: Finding) -> Reported:
    """An answer that was found, as events report it: nothing else says where it is from."""
    value = found.value if isinstance(found.value, str) else json.dumps(found.value, ensure_ascii=False)
    return Reported("origin", found.question, value, found.origin)


def _stack(session: Session, name: str) -> list[Finding]:
    """That people made the service's stack, where the clone of the infra repository has one: nothing records it."""
    from generator.lifecycle.adoption.facts import Finding

    stacks = session.platform.infra.stacks
    made = name in Folder.behind(session.infra).folders(stacks)
    return [Finding("stack", "existing", f"{stacks}/{name} of the infra repository")] if made else []


def _settle(session: Session, questions: Sequence[OpenQuestion]) -> None:
    """Let a person choose where the repository leaves several answers; else they are reported with all others."""
    if not session.interactive:
        session.leave_open(
            Problem("answer.missing", item.question, f"{item.question}: {item.reason}", _ways(item))
            for item in questions
        )
        return
    from generator.wizard import open_prompter  # heavy, and needed with a terminal only
    from generator.wizard.prompter import Option

    prompter = open_prompter()
    for item in questions:
        options = [Option(found.value, f"{found.value} ({found.origin})") for found in item.candidates]
        if options:
            session.found[item.question] = prompter.select(f"{item.question}: {item.reason}", options)


def _ways(item: OpenQuestion) -> str:
    """The flags that answer a question, to be copied."""
    return f"give one of: {'; '.join(item.flags)}" if item.flags else f"give --{item.question.replace('_', '-')}"


def _agree(session: Session, plan: Plan) -> None:
    """Let a person agree. Raises ``UsageError`` where nobody can: what exists is marked only after a yes."""
    if not session.options["yes"] and not session.interactive:
        raise UsageError(
            "usage.confirmation",
            "nobody can agree here to what is taken over",
            "look at the plan first (--dry-run), then give --yes",
        )
    confirm(session, plan)
