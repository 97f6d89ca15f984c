"""``newservice plan``: what ``create`` would do, and nothing else."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from generator.base.errors import ExitCode, PreflightError, RefusedError, SystemFailure, UsageError
from generator.base.stopping import held
from generator.cli import flags
from generator.cli.following import shown
from generator.cli.options import Answering
from generator.cli.recorded import continued
from generator.cli.report import Reporter, Result
from generator.cli.session import Session, common_options, open_session
from generator.cli.suggestions import files
from generator.engine.credentials import refuse_secrets
from generator.engine.files_only import check_writable, plan_files
from generator.engine.plan import Plan
from generator.engine.plan_file import check_place, write_plan
from generator.engine.plan_inputs import basis_of
from generator.engine.rehearsed import rehearse
from generator.engine.saved_plan import SavedPlan, keep
from generator.engine.working_tree import WorkingTree
from generator.infra_repo.trees import Listing
from generator.template.answers import Answers


@click.command("plan", cls=Answering)
@click.pass_obj
def plan_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """Show the files, the registrations and the remote steps of a service, with the state of each as observed.

    Nothing is written, locally or remotely, except the file that --out names (and once, with sources of secrets, the
    key that marks your own plans). Answers come from flags, --set and --answers.
    """
    out = Path(options["out"]).absolute() if options["out"] else None
    if out and options["sandbox"]:
        raise UsageError(
            "usage.out", "--out and --sandbox exclude each other: that platform ends with this call", "give one of them"
        )
    with open_session(reporter, options, keep_sandbox=False) as session:
        answers = session.answers(continued(session))
        if out:
            check_place(out, session.service_dir(answers.name))
        plan = observed_plan(session, answers)
        session.reporter.plan(plan, answers=True, diffs=bool(options["diffs"]))
        refuse(session, answers, plan)
        result = planned(plan)
        with held():
            if out:
                saved = kept(session, answers, plan)
                marked = write_plan(out, saved)
                result = _kept_result(session, result, out, () if marked else saved.seeds)
            session.reporter.result(result)
        return ExitCode.OK


common_options(plan_command)
flags.TEMPLATE(plan_command)
click.option("--out", metavar="FILE", shell_complete=files, help="Save the plan to a file, for apply.")(plan_command)


def kept(session: Session, answers: Answers, plan: Plan) -> SavedPlan:
    """The plan as a file keeps it, with where it is to be carried out and where the values of secrets are."""
    return keep(
        plan,
        provision=not session.options["no_provision"],
        service_dir=session.service_dir(answers.name),
        infra=session.infra.absolute(),
        seeds=tuple(map(str, session.sources)),
    )


def _kept_result(session: Session, result: Result, out: Path, seeds: tuple[str, ...]) -> Result:
    """The last word, with the command that carries the plan out; ``seeds`` are the sources that it has to repeat."""
    command = apply_line(out, session.options.get("platform"), seeds)
    return replace(result, next=(command,), closing=f"this is a plan, saved in {out}; nothing else was written")


def apply_line(path: Path, platform: str | None, seeds: Iterable[str] = ()) -> str:
    """The command that carries a saved plan out, with the sources of secrets that it has to repeat."""
    words = ["--platform", platform] if platform else []
    words += [word for seed in seeds for word in ("--seed", seed)]
    return shlex.join(["newservice", "apply", str(path), *words])


def planned(plan: Plan) -> Result:
    """The last word of a command that only looks."""
    if plan.changes_nothing:
        return Result("unchanged", ExitCode.OK, plan.service)
    return Result("success", ExitCode.OK, plan.service, closing="this is a plan; nothing was written")


def observed_plan(session: Session, answers: Answers) -> Plan:
    """The plan for these answers: from the systems, or from folders only with ``--no-provision``.

    It is bound to newservice, template, profile and answers as well as to what was seen. Raises ``PreflightError``
    where a system fails while it is looked at: nothing was written yet.
    """
    refuse_secrets(answers.values)
    session.seeds(answers)  # a source without a value is reported before any system is contacted
    project, notes = session.project(answers), (*answers.notes, *session.template_notes, *session.seed_notes)
    basis = basis_of(session.template, session.platform, answers.public, session.environ)
    if session.options["no_provision"]:
        plan = replace(plan_files(project, session.infra, notes), basis=basis)
        plan = rehearsed_plan(session, plan, lambda: WorkingTree.behind(session.infra))
        return replace(plan, checklist=shown(plan, project))
    from generator.engine.onboarding import observe  # heavy, with all its clients, and not needed for files only
    from generator.engine.steps import steps_between

    with before_the_first_write():
        steps = steps_between(None, answers, direct=session.direct).wanted
        run = session.run(answers)
        plan = replace(observe(steps, run, notes), basis=basis)
        plan = rehearsed_plan(session, plan, run.fresh().infra_base)
    refuse_secrets(answers.values, words=False)  # what was read of Vault meanwhile
    return replace(plan, checklist=shown(plan, project))


def rehearsed_plan(session: Session, plan: Plan, tree: Callable[[], Listing]) -> Plan:
    """The plan with what Terraform would do, ``tree`` being the infra repository as it is applied."""
    if plan.unknown or plan.conflicts or plan.changes_nothing:
        return plan
    found = rehearse(session.platform, tree, plan.files, plan.registrations, session.environ)
    return replace(plan, rehearsals=found.rehearsals, notes=(*plan.notes, *found.notes))


@contextmanager
def before_the_first_write() -> Iterator[None]:
    """A system that fails now fails before anything was written."""
    try:
        yield
    except SystemFailure as error:
        raise PreflightError(error.code, error.message, error.hint) from error


def refuse(session: Session, answers: Answers, plan: Plan) -> None:
    """Raise where the plan must not be carried out: trees that would mix, systems unseen, things that are not ours."""
    try:
        _refuse(session, answers, plan)
    except RefusedError as error:
        if session.template_notes and any(item.action == "refuse" for item in plan.registrations):
            error.hint = f"{error.hint}; {_for_another_tree(session)}"
        raise


def _refuse(session: Session, answers: Answers, plan: Plan) -> None:
    place = session.service_dir(answers.name)
    if answers.owned and place.is_relative_to(os.path.realpath(session.infra)):
        raise UsageError(
            "usage.service_dir",
            f"{place} lies inside the infra repository's clone",
            "name another folder with --service-dir, or run newservice elsewhere",
        )
    if plan.unknown:
        first = plan.unknown[0].decision
        summaries = "; ".join(dict.fromkeys(step.decision.summary for step in plan.unknown))
        raise PreflightError(first.code, summaries, first.hint)
    if plan.refusals:
        raise RefusedError(
            f"{plan.refusals[0].id}.refused",
            "; ".join(dict.fromkeys(step.decision.summary for step in plan.refusals)),
            "; ".join(dict.fromkeys(step.decision.hint for step in plan.refusals)),
        )
    if session.options["no_provision"]:
        with before_the_first_write():
            check_writable(session.project(answers), session.infra, plan)


def _for_another_tree(session: Session) -> str:
    """What to do where an earlier version of the template has no place for an entry."""
    return (
        f"template {session.template.version} was made for an infra repository that has this place: leave --template "
        "out for the newest version, or name the entry in registrations.skip of the platform profile"
    )
