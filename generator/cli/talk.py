"""``create`` with a person at the terminal: questions, review, plan, and again until it is right."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import click

from generator.answers import Answers
from generator.cli.plan_text import plan_diffs
from generator.cli.report import Result
from generator.cli.screen import coloured, paint_diff
from generator.cli.session import Session
from generator.errors import ExitCode, NewserviceError, RefusedError
from generator.plan import Plan
from generator.secret import redact
from generator.wizard import Choice, Conversation, Stopped, begin
from generator.wizard.layout import plain

Create = Callable[[Session, Answers, Callable[[Session, Plan], None]], ExitCode]

_FLAGS = ("platform", "infra", "service_dir", "sandbox", "no_provision")


class _Changed(Exception):  # noqa: N818 - a wish, no error
    """The person wants other answers than those of the plan."""


def talk(session: Session, create: Create) -> ExitCode:
    """Ask, let the person review, and create; what stands in the way of a plan can be answered otherwise.

    Raises what ``create`` raises where there is nothing to change, and ``KeyboardInterrupt`` or ``EOFError`` where
    the person stops and nothing is kept.
    """
    taken_up = session.options["answers_file"]
    path = Path(taken_up) if taken_up and taken_up != "-" else None
    person = _Person(session, begin(session.template, session.questions, session.given(), session.platform, path))
    try:
        return person.create(create)
    except Stopped as stopped:
        if stopped.kept is None:
            raise click.Abort from None
        return _kept(session, stopped.kept)


class _Person:
    """The person at the terminal, and whether he has agreed: from then on an interruption is one of the work."""

    def __init__(self, session: Session, conversation: Conversation) -> None:
        self._session, self._conversation, self._agreed = session, conversation, False

    def create(self, create: Create) -> ExitCode:
        """Until it is carried out, or left."""
        try:
            given = self._conversation.ask()
            self._session.reporter.service = str(given.get("name", ""))
            while True:
                if not self._session.options["yes"]:
                    given = self._conversation.review()
                try:
                    return create(self._session, self._session.answers(given), self._agree)
                except _Changed:
                    continue
                except NewserviceError as error:
                    if self._agreed or self._session.options["yes"] or not self._conversation.interview.touched:
                        raise
                    self._stands_in_the_way(error)
        except (KeyboardInterrupt, EOFError, click.Abort):
            if self._agreed:
                raise
            raise self._conversation.stopped() from None

    def _agree(self, session: Session, plan: Plan) -> None:
        while not session.options["yes"]:
            chosen = self._conversation.choose(plan=True)
            if chosen is Choice.CHANGE:
                raise _Changed
            if chosen is Choice.CARRY_OUT:
                break
            show_diffs(plan)
        self._agreed = True

    def _stands_in_the_way(self, error: NewserviceError) -> None:
        """Tell it, and go back to the review if the person wants to; otherwise it ends the command."""
        self._session.reporter.error(error)
        try:
            self._conversation.choose(plan=False)
        except Stopped as stopped:
            if stopped.kept is None:
                raise _told(self._session, error) from None
            raise


def _told(session: Session, error: NewserviceError) -> click.exceptions.Exit:
    """The end of the command, after an error that was told already."""
    status = "refused" if isinstance(error, RefusedError) else "error"
    session.reporter.result(Result(status, error.exit_code, session.reporter.service))
    return click.exceptions.Exit(int(error.exit_code))


def _kept(session: Session, path: Path) -> ExitCode:
    """The last word where the answers were kept: how to go on."""
    flags = [_flag(name, session.options[name]) for name in _FLAGS if session.options[name]]
    seeds = [word for seed in session.options["seeds"] for word in ("--seed", seed)]
    words = ["newservice", "create", "--answers", path.name, *(word for flag in flags for word in flag), *seeds]
    closing = f"stopped; the answers are kept in ./{path.name}, and nothing else was written"
    name = session.reporter.service
    session.reporter.result(Result("refused", ExitCode.INTERRUPTED, name, {}, (shlex.join(words),), closing))
    return ExitCode.INTERRUPTED


def _flag(name: str, value: object) -> tuple[str, ...]:
    flag = "--" + name.replace("_", "-")
    return (flag,) if value is True else (flag, str(value))


def show_diffs(plan: Plan) -> None:
    """All diffs in the person's pager, as text that no terminal takes for commands."""
    text = redact("\n".join(text for _, text in plan_diffs(plan)) or "nothing changes")
    shown = "\n".join(plain(line.replace("\t", "    ")) for line in text.split("\n"))
    before = os.environ.get("LESS")
    os.environ["LESS"] = before or "FRX"
    try:
        click.echo_via_pager(paint_diff(shown) if coloured(sys.stdout) else shown)
    finally:
        if before is None:
            del os.environ["LESS"]
