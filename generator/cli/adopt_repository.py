"""``newservice adopt-repository``: a repository with history gets the CI, mirror and deploy path of a new service."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from generator.base.errors import ExitCode, Problem, UsageError
from generator.base.findings import Finding as Found
from generator.base.findings import FindingKind
from generator.base.stopping import Terminated
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
    from generator.wizard import Begun
    from generator.wizard.prompter import Prompter


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
        session.direct = direct
        if session.interactive:
            return _with_a_person(session, target)
        _leave_open(session, find(session, target))
        return take_over(session)


common_options(adopt_repository_command, named=False, offline=False)


def _with_a_person(session: Session, target: str) -> ExitCode:
    from generator.cli.talk import report_stop  # heavy, and needed with a terminal only
    from generator.wizard import Begun, open_prompter, opening_of
    from generator.wizard.conversation import open_with
    from generator.wizard.prompter import Back

    prompter = open_prompter()
    open_with(prompter, opening_of(session.platform, f"The existing repository {target}"))
    questions = find(session, target)
    while True:
        try:
            settle(session, questions, prompter)
            break
        except Back:
            prompter.say("  this is the first question")
        except (KeyboardInterrupt, EOFError) as error:
            if isinstance(error, Terminated):
                raise
            return report_stop(session)
    return take_over(session, Begun(opened=True))


def take_over(session: Session, begun: Begun | None = None) -> ExitCode:
    """Plan and carry out what the repository that was found lacks; a person reviews the answers of a stack first.

    ``begun`` is what was said before. Raises what ``create`` raises.
    """
    given = continued(session)
    if session.interactive and (given.get("stack") != "existing" or session.open or incomplete(session, given)):
        from generator.cli.talk import talk  # heavy, and needed with a terminal only
        from generator.wizard import Begun

        return talk(session, create, given, replace(begun or Begun(), open=session.open))
    return create(session, session.answers(given), _agree)


def find(session: Session, text: str) -> list[OpenQuestion]:
    """Find the repository and, where nothing records its answers yet, what it says about them, and does not.

    From here on the session is about adopting it. Raises ``UsageError`` and ``RefusedError`` where it can't be adopted.
    """
    from generator.engine.connections import open_forge  # heavy, with all its clients
    from generator.lifecycle.adoption.findings import answers_in
    from generator.lifecycle.adoption.proposal import DOCKERFILE
    from generator.lifecycle.adoption.source import origin_of, target_of

    target = target_of(session.platform, text)
    session.adopts = text
    session.concerns(target.name, target.clone)
    session.history = target.clone if target.alone else None
    session.reporter.service = target.name
    check_name(session, target.name)
    session.own_facts["adopted"] = True
    with before_the_first_write(), open_forge(session.platform, session.environ, session.reporter.progress) as forge:
        if adopted_before(session, forge, target.name):
            return []
        origin = origin_of(session.platform, forge, target)
        given = session.given()
        findings, questions, proposal = answers_in(session.template, session.platform, origin, target.name)
        findings += _stack(session, target.name)
    for finding in findings:
        if finding.question not in given:
            session.found[finding.question] = finding.value
            _report(session, "found", finding.question, _shown(finding.value), finding.origin)
    if proposal is not None and _wanted(given):
        session.own_facts["proposed"] = dict(proposal.facts)
        questions += proposal.questions
        remarks = "".join(f"; {remark}" for remark in proposal.facts["remarks"])
        text = f"{DOCKERFILE} for {proposal.facts['language']}, which was neither built nor run: read it{remarks}"
        _report(session, "proposed", "dockerfile", text, ", ".join(proposal.facts["origins"]))
    unused = _unused(session, given)
    return [item for item in questions if item.question not in {*given, *unused}]


def _wanted(given: Mapping[str, Any]) -> bool:
    """Whether a Dockerfile at the top would be built: no other one is named."""
    return "dockerfile" not in given and given.get("context", ".") == "." and given.get("ci", True) is not False


def _unused(session: Session, given: Mapping[str, Any]) -> set[str]:
    """Questions that need no answer."""
    unused = {"dockerfile"} if "context" in given else set()  # it is the one in that folder
    unused |= {"dockerfile", "context", "ci_test"} if given.get("ci") is False else set()
    stack, proposed = given.get("stack", session.found.get("stack")), session.own_facts.get("proposed")
    portless = given.get("kind") == "cronjob" or (stack == "existing" and not proposed)
    return unused | ({"port"} if portless else set())


def _report(session: Session, kind: FindingKind, question: str, message: str, origin: str) -> None:
    session.reporter.finding(Found(kind, question, message, origin))


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _stack(session: Session, name: str) -> list[Finding]:
    """That people made the service's stack, where the clone of the infra repository has one: nothing records it."""
    from generator.lifecycle.adoption.facts import Finding

    stacks = session.platform.infra.stacks
    made = name in Folder.behind(session.infra).folders(stacks)
    return [Finding("stack", "existing", f"{stacks}/{name} of the infra repository")] if made else []


def _leave_open(session: Session, questions: Sequence[OpenQuestion]) -> None:
    """Report what the repository does not say together with everything else that is missing."""
    session.leave_open(
        Problem("answer.missing", item.question, f"{item.question}: {item.reason}", _ways(item)) for item in questions
    )


def settle(session: Session, questions: Sequence[OpenQuestion], prompter: Prompter) -> None:
    """Let a person choose where the repository leaves several answers; what is left is asked with everything else.

    Raises ``Back`` when the person goes back from the first of them.
    """
    from generator.wizard.asking import say  # heavy, and needed with a terminal only
    from generator.wizard.prompter import Back, Option

    session.open = {item.question: (item.reason,) for item in questions if not item.candidates}
    choices = [item for item in questions if item.candidates]
    at, other = 0, Option(None, "something else ...")
    while at < len(choices):
        item = choices[at]
        known = _explained(session, item.question)
        options = [
            Option(found.value, _words(found.value), known.get(str(found.value)) or found.origin)
            for found in item.candidates
        ]
        prompter.say("")
        say(prompter, f"{item.question}: {item.reason}")
        try:
            chosen = prompter.select(item.question, options if known else [*options, other])
            at += 1
        except Back:
            if at == 0:
                raise
            at -= 1
            continue
        session.found.pop(item.question, None)
        session.open = {name: reasons for name, reasons in session.open.items() if name != item.question}
        if chosen is None:
            session.open = {**session.open, item.question: (item.reason,)}
        else:
            session.found[item.question] = chosen


def _explained(session: Session, name: str) -> Mapping[str, str]:
    """What the choices of a question lead to."""
    from generator.wizard.wording import explained  # heavy, and needed with a terminal only

    question = next(item for item in session.questions if item.name == name)
    context = {**session.template.constants, "platform": session.facts}
    return explained(session.template, question, context) if question.choices else {}


def _words(value: Any) -> str:
    return shlex.join(value) if isinstance(value, list) else str(value)


def _ways(item: OpenQuestion) -> str:
    """The flags that answer a question, to be copied."""
    flags = item.flags or (f"--{item.question.replace('_', '-')}",)
    return f"give {'one of: ' if len(flags) > 1 else ''}{'; '.join(flags)}"


def _agree(session: Session, plan: Plan) -> None:
    """Let a person agree. Raises ``UsageError`` where nobody can: what exists is marked only after a yes."""
    if not session.options["yes"] and not session.interactive:
        raise UsageError(
            "usage.confirmation",
            "nobody can agree here to what is taken over",
            "look at the plan first (--dry-run), then give --yes",
        )
    confirm(session, plan)
