"""``newservice change``: other answers for a service that exists, and everything that follows from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from generator.base.errors import ExitCode, UsageError
from generator.cli import flags
from generator.cli.create import confirm, outcome_of
from generator.cli.following import proof
from generator.cli.options import Answering, question_options
from generator.cli.plan import before_the_first_write, refuse, rehearsed_plan
from generator.cli.recorded import check_name
from generator.cli.report import LEFT_OPEN, Reporter, Result
from generator.cli.session import Session, open_session
from generator.engine.change import Change
from generator.engine.checklist import Checklist
from generator.engine.context import Run
from generator.engine.executor import Outcome
from generator.engine.plan import Plan
from generator.infra_repo.entries import by_hand
from generator.lifecycle.change import Begun, Checkout, Wish, begin, change_of, contents, find_checkouts, follow_branch
from generator.template.amendment import Amendment
from generator.template.questions import Question, load_questions
from generator.template.template import Template

if TYPE_CHECKING:
    from generator.engine.versions import Versions

Agree = Callable[[Session, Plan], None]
"""Returns when a person agrees to a plan; raises otherwise."""


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
    flags.CHECKOUT,
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
    needed. On a terminal, without flags, it shows them for review. Maps, and lists whose entries have a name, are
    merged with the recorded ones; --unset removes an entry, and --replace replaces all of them. Each repository that
    changes gets a pull request; an open one gets another commit. Without a change, it finishes one that stopped.
    """
    with open_session(reporter, {**options, "no_provision": False}, keep_sandbox=False) as session:
        session.check_typing()
        name = _name(session)
        wish = _wish(session, name)
        asks = session.interactive and not (options["yes"] or options["dry_run"])
        with _opened(session, name) as service:
            if asks and not wish.amendment.touched and not wish.undo:
                from generator.cli.change_talk import talk  # heavy, and needed with a terminal only

                return talk(session, service)
            return change(session, service, wish, confirm)


question_options(load_questions(Template.installed()), recorded=True)(change_command)


@dataclass(frozen=True)
class Service:
    """A service that exists, as its stack records it.

    The ``installed`` template with its ``questions`` judges what a change loses and opens.
    """

    versions: Versions
    begun: Begun
    installed: Template
    questions: tuple[Question, ...]


@contextmanager
def _opened(session: Session, name: str) -> Iterator[Service]:
    """What is recorded of a service; from here on the session uses the version that made its stack."""
    from generator.engine.connections import open_clone, open_forge  # heavy, with all its clients
    from generator.engine.versions import Versions
    from generator.template.releases import Releases

    installed, questions = session.template, session.questions
    versions = Versions(Releases(), session.platform)
    clone = open_clone(session.platform, session.infra)
    try:
        with open_forge(session.platform, session.environ, session.reporter.progress) as forge:
            with before_the_first_write():
                begun = begin(session.platform, versions, forge, clone, name)
            session.look_back(begun.recorded)
            yield Service(versions, begun, installed, questions)
    finally:
        clone.close()


def change(
    session: Session,
    service: Service,
    wish: Wish,
    agree: Agree,
    begins: Callable[[], None] = lambda: None,
) -> ExitCode:
    """Plan, show, and carry out once ``agree`` returns; it raises if the person wants something else.

    ``begins`` is called right before the first write. Raises whatever prevents the plan.
    """
    with before_the_first_write():
        wanted = change_of(service.versions, service.begun, wish)
        for item in wanted.differing:
            session.reporter.change(item)
        opened = _pass_gates(session, service, wanted, wish.amendment)
        also = [system for system in (wanted.served or wanted.before).systems if system != "vault"]
        run = replace(session.run(wanted.wanted, also=also), opens=opened)
        steps = _steps(wanted)
        plan = _plan(session, run, wanted, steps)
        checkouts = find_checkouts(run, wanted, session.options["checkouts"])
    session.reporter.plan(plan, title="Change of", diffs=bool(session.options["diffs"]))
    if plan.conflicts or any(item.action == "refuse" for item in plan.registrations):
        result = _conflicting(wanted, plan)
    else:
        refuse(session, wanted.wanted, plan)
        if session.options["dry_run"]:
            result = _looked(wanted, plan)
        else:
            result = _carried_out(session, _Work(run, wanted, plan, steps, checkouts), agree, begins)
    session.reporter.result(result)
    return result.exit_code


def _pass_gates(session: Session, service: Service, wanted: Change, asked: Amendment) -> bool:
    """Whether a private service may become public. Raises where something is lost or opened without consent.

    What waits for review already is not asked about again, unless a private service becomes public. A person at a
    terminal types the names of what is lost and opened, where no flag does.
    """
    from generator.template.gates import check_gates, losses, openings

    options, template, questions = session.options, service.installed, service.questions
    merged = bool(service.begun.line.merged)
    accepted, opens = tuple(options["accepted"]), bool(options["opened"])
    lost = losses(template, questions, wanted.before, wanted.wanted) if merged else ()
    opened = openings(template, questions, wanted.before, wanted.wanted)
    publishes = wanted.before.private_image and not wanted.wanted.private_image
    if merged and wanted.waits:  # what is proposed already was agreed to then
        proposed = service.begun.maker.answers(service.begun.recorded)
        agreed = {*losses(template, questions, wanted.before, proposed)}
        lost = tuple(loss for loss in lost if loss not in agreed or loss.place in accepted)
        allowed = {*openings(template, questions, wanted.before, proposed)} if not publishes else set()
        opened = tuple(opening for opening in opened if opening not in allowed)
    if session.interactive and not (options["yes"] or options["dry_run"]):
        from generator.wizard import agree_to  # heavy, and needed with a terminal only

        missing = {loss.place: loss for loss in lost if loss.place not in accepted}
        for place, loss in missing.items():
            if agree_to(f"This change loses {loss.what}. Save it first: {loss.backup}", place):
                accepted = (*accepted, place)
        if opened and not opens:
            opens = all(agree_to(f"This change opens something: {item.what}", item.question) for item in opened)
    check_gates(lost, opened, accepted, opened=opens)
    return opens and _publishes(wanted, asked)


def _publishes(wanted: Change, asked: Amendment) -> bool:
    """Whether the change makes a private service public. A copy that a person closed stays closed by any other one.

    An open onboarding records only the newest answers: there it is what the person asks for.
    """
    if wanted.wanted.private_image:
        return False
    return wanted.before.private_image or (wanted.onboarding and "image_visibility" in asked.given)


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
    given = session.differing()
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


def _steps(wanted: Change) -> tuple[Any, ...]:
    from generator.engine.steps import steps_of  # heavy, with all its clients

    steps = steps_of(wanted)
    return (*steps.wanted, *steps.gone)


def _plan(session: Session, run: Run, wanted: Change, steps: Sequence[Any]) -> Plan:
    from generator.engine.credentials import refuse_secrets
    from generator.engine.onboarding import Shown, observe

    refuse_secrets(wanted.wanted.values)
    merging: list[Checklist] = []

    def shown(view: Run) -> Shown:
        merging.append(_merging(view, wanted))
        return contents(view, wanted)

    plan = observe(steps, run, (*wanted.wanted.notes, *session.seed_notes), shown)
    plan = rehearsed_plan(session, plan, run.fresh().infra_base)
    refuse_secrets(wanted.wanted.values, words=False)  # what was read of Vault meanwhile
    return replace(plan, checklist=merging[0] if merging and not plan.changes_nothing else None)


@dataclass(frozen=True)
class _Work:
    """A change that was planned, and the checkouts that follow it."""

    run: Run
    change: Change
    plan: Plan
    steps: tuple[Any, ...]
    checkouts: tuple[Checkout, ...]


def _conflicting(wanted: Change, plan: Plan) -> Result:
    refused = [item for item in plan.registrations if item.action == "refuse"]
    paths = [*(item.path for item in plan.conflicts), *(item.path for item in refused)]
    closing = f"people edited what the change touches: {', '.join(dict.fromkeys(paths))}; nothing was written"
    following = (
        "in a clone, newservice update with the same answers leaves git's conflict markers to resolve",
        *(f"{item.path}: {hint}" for item in refused for hint in by_hand([item])),
    )
    return Result("refused", ExitCode.CONFLICT, wanted.name, next=following, closing=closing)


def _looked(wanted: Change, plan: Plan) -> Result:
    if plan.changes_nothing:
        return Result("unchanged", ExitCode.OK, wanted.name, _urls(plan), closing=_nothing(plan))
    return Result("success", ExitCode.OK, wanted.name, closing="this is a plan; nothing was written")


def _carried_out(session: Session, work: _Work, agree: Agree, begins: Callable[[], None]) -> Result:
    from generator.engine.onboarding import course
    from generator.lifecycle.doctor import preflight, require

    run, plan, wanted = work.run, work.plan, work.change
    if plan.changes_nothing:
        _follow(session, work)
        return Result("unchanged", ExitCode.OK, wanted.name, _urls(plan), plan.to_do, closing=_nothing(plan))
    way = course(work.steps, run)
    require(way.look_ahead(partial(preflight, run, plan)))
    agree(session, plan)
    session.typed_seeds(wanted.wanted)
    begins()
    outcome = outcome_of(session, way, session.reporter.step)
    if outcome.exit_code is ExitCode.OK:
        _follow(session, work)
    return _result(work, outcome)


def _follow(session: Session, work: _Work) -> None:
    """Switch the checkouts that the person named to the change's branch."""
    for checkout in work.checkouts:
        session.reporter.progress(follow_branch(work.run.fresh(), work.change, checkout))


def _result(work: _Work, outcome: Outcome) -> Result:
    name, plan = work.change.name, work.plan
    if outcome.exit_code is not ExitCode.OK:
        again = "run the same command again to continue"
        return Result("partial", outcome.exit_code, name, next=(again,))
    urls = _requests({step.id: step.summary for step in outcome.steps})
    reviews = tuple(f"review and merge {url}" for url in urls.values())
    merging = _merging(work.run.fresh(), work.change) if reviews else None
    following = (*plan.to_do, *(merging.around(reviews) if merging else reviews), proof(name))
    status = "success" if outcome.wrote else "unchanged"
    return Result(status, ExitCode.OK, name, urls, following, LEFT_OPEN if plan.to_do else "", merging or None)


def _merging(view: Run, wanted: Change) -> Checklist:
    """What surrounds the merge."""
    from generator.engine.steps.change.infra import observe_stack, to_do

    if not wanted.wanted.stacked:
        return Checklist()
    return to_do(view, wanted, observe_stack(view, wanted).whole)


def _urls(plan: Plan) -> dict[str, str]:
    return _requests({step.id: step.decision.summary for step in plan.steps})


def _requests(summaries: Mapping[str, str]) -> dict[str, str]:
    """The addresses of the pull requests, by the key under which a result names them."""
    keys = {"infra.change_request": "pull_request", "service.change_request": "service_pull_request"}
    found = {key: summaries.get(step, "").split(" ")[0] for step, key in keys.items()}
    return {key: url for key, url in found.items() if url.startswith("http")}


def _nothing(plan: Plan) -> str:
    return "the change waits for its merge" if _urls(plan) else "nothing differs from what the service has"
