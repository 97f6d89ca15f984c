"""``newservice apply``: carry out a saved plan, unless something has changed since."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from generator.base.errors import ExitCode, RefusedError, UsageError
from generator.base.terminal_text import visible
from generator.cli import flags
from generator.cli.create import execute
from generator.cli.plan import apply_line, kept, observed_plan, refuse
from generator.cli.recorded import planned_for
from generator.cli.report import Reporter
from generator.cli.session import Session, open_session
from generator.cli.suggestions import files
from generator.engine.plan import Plan
from generator.engine.plan_drift import basis_moved, plan_moved
from generator.engine.plan_file import read_plan, write_plan
from generator.engine.plan_inputs import basis_of
from generator.engine.saved_plan import SavedPlan, content_digest
from generator.engine.seeds import parse_seed
from generator.template.answers import Answers


@click.command("apply")
@click.argument("file", metavar="FILE", shell_complete=files)
@flags.shared(
    flags.platform("The platform profile; it must be the plan's."),
    flags.infra("The clone of the infra repository, if it is the plan's."),
    flags.service_dir("Where the service's repository goes, if it is the plan's."),
    click.option(
        "--seed",
        "seeds",
        multiple=True,
        metavar="PROPERTY=env:VAR|file:PATH",
        help="Repeats a source of a plan that another person made, or you elsewhere.",
    ),
    flags.yes(),
    flags.NON_INTERACTIVE,
    flags.JSON,
    flags.diff(),
    flags.VERBOSE,
    flags.quiet(),
)
@click.pass_obj
def apply_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """Carry out the plan in FILE, if nothing that it depends on has changed since.

    Answers, folders and the sources of secrets are the plan's; repeat the sources with --seed for a plan that was made
    by another person or on another machine. The same command again continues a run that stopped.
    """
    path = Path(options["file"]).absolute()
    saved = read_plan(path)
    reporter.service = saved.service
    with _session(reporter, options, saved) as session:
        _check_sources(session, path, saved, options["seeds"])
        planned_for(session, saved.service, saved.basis.template)
        now = basis_of(session.template, session.platform, saved.basis.answers, session.environ)
        _refuse_moved(path, basis_moved(saved.basis, now))
        answers = session.answers(saved.basis.answers)
        session.check_typing()
        plan = observed_plan(session, answers)
        session.reporter.plan(plan, answers=True, diffs=bool(options["diffs"]))
        if not plan.unknown:
            _refuse_moved(path, _moved(session, answers, saved, plan))
        refuse(session, answers, plan)
        return execute(session, answers, plan, lambda: _begin(session, path, saved))


@contextmanager
def _session(reporter: Reporter, options: Mapping[str, Any], saved: SavedPlan) -> Iterator[Session]:
    """A session as the plan was made in. Raises ``UsageError`` where a flag names another folder than the plan."""
    for flag, place in (("infra", saved.infra), ("service_dir", saved.service_dir)):
        chosen = options[flag]
        if chosen and os.path.realpath(chosen) != os.path.realpath(place):
            raise UsageError(
                "plan.place",
                f"--{flag.replace('_', '-')} names {chosen}, and the plan is for {place}",
                "leave the flag out, or make a new plan",
            )
    theirs = {
        "infra": str(saved.infra),
        "service_dir": str(saved.service_dir),
        "no_provision": not saved.provision,
        "seeds": saved.seeds,
    }
    with open_session(reporter, {**options, **theirs}, keep_sandbox=False) as session:
        yield session


def _check_sources(session: Session, path: Path, saved: SavedPlan, repeated: tuple[str, ...]) -> None:
    """Check that the plan's sources of secrets may be read here; nothing is read yet.

    Raises ``UsageError`` for a flag that is not a source of the plan, and ``RefusedError`` if a file has become a link
    to another, or if a plan that was made elsewhere names a source that no flag repeats: its author must not choose
    what is read here.
    """
    _refuse_moved(
        path,
        [
            f"the file of {seed.shown_name} is {seed.shown_place} now, the plan was made with another file"
            for seed, planned in zip(session.sources, saved.seeds, strict=False)
            if str(seed) != planned
        ],
    )
    given = [parse_seed(pair).anywhere for pair in repeated]
    for seed in given:
        if seed not in session.sources:
            raise UsageError(
                "plan.seed",
                f"--seed {seed.shown_name}: the plan does not name {seed.shown_source} for it",
                "repeat the plan's sources as it shows them, or make a new plan",
            )
    wanted = [seed for seed in session.sources if seed.read_here]
    if saved.own or all(seed in given for seed in wanted):
        return
    sources = [f"{seed.shown_name} {seed.shown}" for seed in wanted]
    raise RefusedError(
        "plan.foreign",
        "\n  ".join([f"{path} was not made by you on this machine, and reads values from here:", *sources]),
        "the service will be able to read them; if every one is meant for it, repeat them: "
        + visible(apply_line(path, session.options["platform"], map(str, wanted)), kept=""),
    )


def _moved(session: Session, answers: Answers, saved: SavedPlan, plan: Plan) -> list[str]:
    """What has changed since the plan was made, apart from what a plan that was begun did itself."""
    now = kept(session, answers, plan)
    before_number = {}
    if saved.begun:
        files = session.project(answers).service_files(0)
        before_number = {file.path: content_digest(file.content) for file in files}
    return plan_moved(saved, now, before_number)


def _refuse_moved(path: Path, moved: list[str]) -> None:
    if moved:
        raise RefusedError(
            "plan.moved",
            "\n  ".join([f"{path} no longer matches what exists now:", *moved]),
            "make a new plan (newservice plan --out), look at it, and apply that",
        )


def _begin(session: Session, path: Path, saved: SavedPlan) -> None:
    """Note in the file that its plan is being carried out: only then may things exist by its own doing."""
    if saved.begun:
        return
    try:
        write_plan(path, saved.started)
    except UsageError as error:
        note = "so this plan can't be continued if it is interrupted; create with the same answers can"
        session.reporter.progress(f"{error.message}, {note}")
