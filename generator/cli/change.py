"""``newservice change``: other answers for a service that exists, and everything that follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import click

from generator.base.errors import ExitCode, UsageError
from generator.cli import flags
from generator.cli.create import confirm, outcome_of
from generator.cli.following import proof
from generator.cli.options import Answering, collect, question_options
from generator.cli.plan import before_the_first_write, refuse
from generator.cli.recorded import check_name
from generator.cli.report import LEFT_OPEN, Reporter, Result
from generator.cli.session import Session, open_session
from generator.engine.change import Change
from generator.engine.context import Run
from generator.engine.executor import Outcome
from generator.engine.plan import Plan
from generator.lifecycle.change import Begun, Wish, begin, change_of, contents
from generator.template.amendment import Amendment
from generator.template.questions import load_questions
from generator.template.template import Template


@click.command("change", cls=Answering)
@flags.shared(flags.SERVICE, flags.answers("The answers that are to be different, as YAML or JSON."))
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="KEY=VALUE",
    help="One answer, or one field of an entry, such as volumes.data.limit=10Gi; wins over --answers.",
)
@flags.shared(flags.UNSET, flags.REPLACE)
@click.option("--undo", is_flag=True, help="Restore the answers from before the last merged change.")
@flags.shared(
    flags.ACCEPT_LOSS,
    flags.OPEN,
    click.option("--seed", "seeds", multiple=True, metavar="PROPERTY=env:VAR|file:PATH|prompt|later",
                 help="Where a new secret's first value comes from; without it a missing value is generated."),
    flags.platform(),
    flags.infra(),
    flags.yes(),
    flags.dry_run("Show what would change; write nothing."),
    flags.NON_INTERACTIVE,
    flags.JSON,
    flags.diff(),
    flags.VERBOSE,
    flags.quiet(),
)  # fmt: skip
@click.pass_obj
def change_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """Change the answers of a service that exists: stack, shared files, service repository and systems, in one plan.

    It begins with the answers that the stack records, on the default branch or in the open pull request; no checkout is
    needed. Maps, and lists whose entries have a name, are merged with the recorded ones; --unset removes an entry, and
    --replace replaces all of them. Each repository that changes gets a pull request; an open one gets another commit.
    Without a change, it finishes one that stopped.
    """
    with open_session(reporter, {**options, "no_provision": False}, keep_sandbox=False) as session:
        session.check_typing()
        result = _change(session)
        session.reporter.result(result)
        return result.exit_code


question_options(load_questions(Template.installed()), recorded=True)(change_command)


def _change(session: Session) -> Result:
    options = session.options
    with before_the_first_write():
        change = _planned(session)
        for item in change.differing:
            session.reporter.change(item)
        run = replace(_run(session, change), opens=bool(options["opened"]) and not change.wanted.private_image)
        steps = _steps(change)
        plan = _plan(session, run, change, steps.wanted + steps.gone)
    session.reporter.plan(plan, title="Change of", diffs=bool(options["diffs"]))
    if plan.conflicts or _blocked(plan):
        return _conflicting(change, plan)
    refuse(session, change.wanted, plan)
    if options["dry_run"]:
        return _looked(change, plan)
    return _carried_out(session, run, change, plan, steps.wanted + steps.gone)


def _planned(session: Session) -> Change:
    """The change that the options ask for, its gates passed."""
    from generator.engine.connections import open_clone, open_forge  # heavy, with all its clients
    from generator.engine.versions import Versions
    from generator.template.gates import check_gates, losses, openings
    from generator.template.releases import Releases

    options, name = session.options, _name(session)
    wish = _wish(session, name)
    installed, questions = session.template, session.questions
    versions = Versions(Releases(), session.platform)
    clone = open_clone(session.platform, session.infra)
    try:
        with open_forge(session.platform, session.environ, session.reporter.progress) as forge:
            begun = begin(session.platform, versions, forge, clone, name)
            change = change_of(versions, begun, wish)
    finally:
        clone.close()
    merged = bool(begun.line.merged)
    lost = losses(installed, questions, change.before, change.wanted) if merged else ()
    opened = openings(installed, questions, change.before, change.wanted)
    check_gates(lost, opened, options["accepted"], opened=bool(options["opened"]))
    _look_back(session, begun)
    return change


def _look_back(session: Session, begun: Begun) -> None:
    """From here on use the version that made the stack."""
    session.look_back(begun.recorded)


def _name(session: Session) -> str:
    name = str(session.options["name"] or "")
    if not name:
        raise UsageError("usage.name", "change needs the service's name", "newservice change NAME")
    session.reporter.service = name
    check_name(session, name)
    return name


def _wish(session: Session, name: str) -> Wish:
    """What the options ask for. Raises ``UsageError`` where they exclude each other."""
    options = session.options
    given = collect(session.questions, options, options["sets"], options["answers_file"], None)
    if given.get("name") == name:
        del given["name"]
    amendment = Amendment(given, tuple(options["unset"]), frozenset(options["replaced"]))
    if options["undo"] and amendment.touched:
        raise UsageError(
            "change.undo",
            "--undo restores the earlier answers, and others are given as well",
            "undo first, then change; or leave --undo out",
        )
    return Wish(amendment, bool(options["undo"]))


def _run(session: Session, change: Change) -> Run:
    also = [system for system in change.before.systems if system != "vault"]  # nothing is removed there
    return session.run(change.wanted, also=also)


def _steps(change: Change) -> Any:
    from generator.engine.steps import steps_of  # heavy, with all its clients

    return steps_of(change)


def _plan(session: Session, run: Run, change: Change, steps: tuple[Any, ...]) -> Plan:
    from generator.engine.credentials import refuse_secrets
    from generator.engine.onboarding import observe

    refuse_secrets(change.wanted)
    return observe(steps, run, (*change.wanted.notes, *session.seed_notes), partial(contents, change=change))


def _blocked(plan: Plan) -> bool:
    """Whether someone's edit of an entry is in the way."""
    return any(item.action == "refuse" for item in plan.registrations)


def _conflicting(change: Change, plan: Plan) -> Result:
    paths = [item.path for item in plan.conflicts]
    paths += [item.path for item in plan.registrations if item.action == "refuse"]
    listed = ", ".join(dict.fromkeys(paths))
    closing = f"people edited what the change touches: {listed}; nothing was written"
    following = ("in a clone, newservice update with the same answers leaves git's conflict markers to resolve",)
    return Result("refused", ExitCode.CONFLICT, change.name, next=following, closing=closing)


def _looked(change: Change, plan: Plan) -> Result:
    if plan.changes_nothing:
        return Result("unchanged", ExitCode.OK, change.name, _urls(plan), closing=_nothing(plan))
    return Result("success", ExitCode.OK, change.name, closing="this is a plan; nothing was written")


def _carried_out(session: Session, run: Run, change: Change, plan: Plan, steps: tuple[Any, ...]) -> Result:
    from generator.engine.onboarding import course
    from generator.lifecycle.doctor import preflight, require

    if plan.changes_nothing:
        return Result("unchanged", ExitCode.OK, change.name, _urls(plan), plan.to_do, closing=_nothing(plan))
    way = course(steps, run)
    require(way.look_ahead(partial(preflight, run, plan)))
    confirm(session, plan)
    session.typed_seeds(change.wanted)
    outcome = outcome_of(session, way, session.reporter.step)
    return _result(change, run, plan, outcome)


def _result(change: Change, run: Run, plan: Plan, outcome: Outcome) -> Result:
    if outcome.exit_code is not ExitCode.OK:
        again = f"run newservice change {change.name} again to continue"
        return Result("partial", outcome.exit_code, change.name, next=(again,))
    urls = _requests({step.id: step.summary for step in outcome.steps})
    reviews = tuple(f"review and merge {url}" for url in urls.values())
    first, afterwards = (_before(change), _afterwards(run, change)) if reviews else ((), ())
    following = (*plan.to_do, *first, *reviews, *afterwards, proof(change.name))
    status = "success" if outcome.wrote else "unchanged"
    return Result(status, ExitCode.OK, change.name, urls, following, LEFT_OPEN if plan.to_do else "")


def _before(change: Change) -> tuple[str, ...]:
    """What a person does before the merge."""
    from generator.engine.steps.change.infra import before_merge

    return before_merge(change)


def _afterwards(run: Run, change: Change) -> tuple[str, ...]:
    """What a person does after the merge."""
    from generator.engine.steps.change.infra import observe_stack, to_do

    view = run.fresh()
    return to_do(view, change, observe_stack(view, change).whole)


def _urls(plan: Plan) -> dict[str, str]:
    return _requests({step.id: step.decision.summary for step in plan.steps})


def _requests(summaries: Mapping[str, str]) -> dict[str, str]:
    """The addresses of the pull requests, by the key under which a result names them."""
    keys = {"infra.change_request": "pull_request", "service.change_request": "service_pull_request"}
    found = {key: summaries.get(step, "").split(" ")[0] for step, key in keys.items()}
    return {key: url for key, url in found.items() if url.startswith("http")}


def _nothing(plan: Plan) -> str:
    return "the change waits for its merge" if _urls(plan) else "nothing differs from what the service has"
