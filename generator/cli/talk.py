"""``create`` and ``change`` with a person at the terminal: review, plan, and again until it is right."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from generator.base.errors import ExitCode, NewserviceError, RefusedError, UsageError
from generator.base.secrets import redact
from generator.base.stopping import Terminated
from generator.cli.flags import chosen_template, places
from generator.cli.options import is_stream
from generator.cli.pager import page
from generator.cli.plan_text import plan_diffs
from generator.cli.recorded import kept_file
from generator.cli.report import Result
from generator.cli.screen import coloured, paint_diff
from generator.cli.session import Session
from generator.engine.plan import Plan
from generator.template.answers import Answers
from generator.wizard import Begun, Choice, Conversation, Stopped, begin
from generator.wizard.layout import plain

Agree = Callable[[Session, Plan], None]
Begin = Callable[[], None]
Create = Callable[[Session, Answers, Agree, Begin], ExitCode]
Attempt = Callable[[Mapping[str, Any], Agree, Begin], ExitCode]
"""Plans with the answers of a conversation and carries the plan out, once the person agrees."""


class _Changed(Exception):  # noqa: N818 - a wish, no error
    """The person wants other answers than those of the plan."""


def talk(session: Session, create: Create, given: Mapping[str, Any], begun: Begun | None = None) -> ExitCode:
    """Ask what ``given`` does not answer, let the person review, and create.

    If a plan is not possible, the person can change the answers. ``begun`` is what was said before. Raises what
    ``create`` raises once something was written, or with ``--yes``; ``BackToStart`` where there is something to go back
    to.
    """
    conversation = begin(
        session.template,
        session.questions,
        given,
        session.platform,
        _taken_up(session, given),
        given.keys() - on_the_line(session),
        session.facts,
        begun,
        session.own_facts,
    )

    def attempt(given: Mapping[str, Any], agree: Agree, begin: Begin) -> ExitCode:
        return create(session, session.answers(given), agree, begin)

    try:
        return Person(session, conversation).try_until_right(attempt)
    except Stopped as stopped:
        return _kept(session, stopped.kept) if stopped.kept else report_stop(session)


def _taken_up(session: Session, given: Mapping[str, Any]) -> Path | None:
    """The file that the answers come from, if they come from one."""
    chosen = session.options["answers_file"]
    return Path(chosen) if chosen and not is_stream(chosen) else kept_file(str(given.get("name", "")))


def on_the_line(session: Session) -> set[str]:
    """The questions that the command line itself answers."""
    options = session.options
    flags = {item.name for item in session.questions if options.get(f"answer_{item.name}") not in (None, ())}
    sets = {pair.partition("=")[0].split(".")[0] for pair in options["sets"]}
    return flags | sets | ({"name"} if options["name"] else set())


class Person:
    """The person at the terminal, and whether anything is written: from then on an interruption is one of the work."""

    def __init__(self, session: Session, conversation: Conversation) -> None:
        self._session, self._conversation, self._begun = session, conversation, False

    def try_until_right(self, attempt: Attempt) -> ExitCode:
        """Ask, let the person review, and attempt it, until it is carried out. Raises ``Stopped``."""
        try:
            given = self._conversation.ask()
            self._session.reporter.service = str(given.get("name", ""))
            again = self._session.options["yes"]
            while True:
                if not again:
                    given = self._conversation.review()
                again = False
                try:
                    return attempt(given, self._agree, self._begin)
                except _Changed:
                    continue
                except NewserviceError as error:
                    if self._begun or self._session.options["yes"]:
                        raise
                    again = self._stands_in_the_way(error) is Choice.AGAIN
        except (KeyboardInterrupt, EOFError, click.Abort) as error:
            if self._begun or isinstance(error, Terminated):
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

    def _begin(self) -> None:
        self._begun = True
        if self._session.options["no_provision"] or not self._conversation.keeps:  # all or nothing; recorded already
            return
        try:
            self._session.kept = self._conversation.save()
        except UsageError as error:
            self._session.reporter.progress(f"the answers are not kept: {error.message}")

    def _stands_in_the_way(self, error: NewserviceError) -> Choice:
        """Report it and ask what to do; otherwise it ends the command."""
        self._session.reporter.error(error)
        try:
            return self._conversation.choose(plan=False)
        except Stopped as stopped:
            if stopped.kept is None:
                raise _reported(self._session, error) from None
            raise


def _reported(session: Session, error: NewserviceError) -> click.exceptions.Exit:
    """End the command after an error that was reported already."""
    status = "refused" if isinstance(error, RefusedError) else "error"
    session.reporter.result(Result(status, error.exit_code, session.reporter.service))
    return click.exceptions.Exit(int(error.exit_code))


def _kept(session: Session, path: Path) -> ExitCode:
    """The result when the answers were saved: how to continue."""
    seeds = [word for seed in session.options["seeds"] for word in ("--seed", seed)]
    here = path.parent == Path.cwd()
    file = path.name if here else str(path)
    again = session.again("", "--answers", file, *places(session.options), *chosen_template(session.options), *seeds)
    closing = f"stopped; the answers are saved in {f'./{path.name}' if here else path}, and nothing else was written"
    name = session.reporter.service
    session.reporter.result(Result("refused", ExitCode.INTERRUPTED, name, {}, (again,), closing))
    return ExitCode.INTERRUPTED


def report_stop(session: Session) -> ExitCode:
    """The result when a person stopped before anything was written."""
    result = Result("refused", ExitCode.INTERRUPTED, session.reporter.service, closing="stopped; nothing was written")
    session.reporter.result(result)
    return ExitCode.INTERRUPTED


def show_diffs(plan: Plan) -> None:
    """All diffs in the person's pager, as text that no terminal takes for commands."""
    text = redact("\n".join(text for _, text in plan_diffs(plan)) or "nothing changes")
    shown = "\n".join(plain(line.replace("\t", "    ")) for line in text.split("\n"))
    page(paint_diff(shown) if coloured(sys.stdout) else shown)
