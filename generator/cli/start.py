"""``create`` with a person at the terminal, from the first question on: what the service starts from.

Each choice leads to the functions of its own command: ``create``, ``adopt-repository``, and ``import compose`` before
``create``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from generator import wizard
from generator.base.errors import AnswersError, ExitCode, NewserviceError, RefusedError, UsageError
from generator.base.secrets import forgotten_afterwards
from generator.base.stopping import Terminated
from generator.cli.adopt_repository import find, settle, take_over
from generator.cli.create import create
from generator.cli.recorded import continued
from generator.cli.session import Session
from generator.cli.talk import on_the_line, report_stop, talk
from generator.lifecycle.importing import Imported, imported, services_in
from generator.wizard import Begun, opening_of
from generator.wizard.conversation import open_with
from generator.wizard.interview import Interview
from generator.wizard.prompter import Back, BackToStart, Option, Prompter
from generator.wizard.start import Beginning, ask_beginning, ask_source, beginnings
from generator.wizard.texts import refuse

Way = Callable[[], ExitCode]
"""Everything that follows once a person said what a service starts from."""


def start(session: Session) -> ExitCode:
    """Ask what the service starts from, unless what was given or is recorded says so, and go on from there."""
    given = continued(session)  # from here on the template is that of a service which exists
    choices = beginnings(session.template, given)
    if session.options["no_provision"]:  # an existing repository is on the systems
        choices = tuple(item for item in choices if item.next != "adopt-repository")
    if not choices:
        return talk(session, create, given)
    file_alone = given.keys() - on_the_line(session)
    wizard.check_given(session.template, session.questions, given, {"platform": session.facts}, file_alone)
    return _Start(session, given, choices, wizard.open_prompter()).run()


@dataclass
class _Start:
    """The first question, and what its answers lead to. ``typed`` is what was answered before a person came back."""

    session: Session
    given: Mapping[str, Any]
    choices: tuple[Beginning, ...]
    prompter: Prompter
    typed: Interview | None = None
    chosen: int = 0

    def run(self) -> ExitCode:
        """Ask until the person goes on to the end of one of the ways, or stops."""
        open_with(self.prompter, opening_of(self.session.platform, "A service"))
        while True:
            try:
                way = self._way()
            except Back:
                continue
            except (KeyboardInterrupt, EOFError) as error:
                if isinstance(error, Terminated):
                    raise
                return report_stop(self.session)
            try:
                return way()
            except BackToStart as back:
                self.typed = back.typed or self.typed

    def _way(self) -> Way:
        try:
            self.chosen = ask_beginning(self.session.template, self.prompter, self.choices, self.chosen)
        except Back:
            refuse(self.prompter, ["this is the first question"])
            raise
        choice = self.choices[self.chosen]
        if choice.next == "adopt-repository":
            return self._adopt(choice)
        return self._import(choice) if choice.next == "import-compose" else self._create(choice)

    def _create(self, choice: Beginning) -> Way:
        """The questions of ``create``."""
        begun = Begun(opened=True, returns=True, typed=self.typed)
        return partial(talk, self.session, create, {**choice.answers, **self.given}, begun)

    def _adopt(self, choice: Beginning) -> Way:
        """What ``adopt-repository`` does, with the repository that the person names. Raises ``Back``."""
        target = str(self.given.get("name", ""))
        while True:
            target = ask_source(self.prompter, choice, target)
            session = replace(self.session, own_facts=dict(self.session.own_facts), found={})
            try:
                if not target:
                    raise UsageError("usage.name", "name a repository, or a clone's path", "Ctrl-C stops")
                settle(session, find(session, target), self.prompter)
            except (UsageError, RefusedError, AnswersError) as error:
                refuse(self.prompter, _said(error))
            except Back:
                continue
            else:
                return partial(take_over, session, Begun(opened=True, returns=True))

    def _import(self, choice: Beginning) -> Way:
        """The questions of ``create`` that a Compose file, if there is one, leaves open. Raises ``Back``."""
        path, session = "", self.session
        while path := ask_source(self.prompter, choice, path):
            try:
                with forgotten_afterwards():
                    place = Path(path).expanduser()
                    service = self._service(services_in(place, None), choice)
                    found = imported(
                        place, None, session.template, session.questions, session.facts, self.given, service
                    )
                    for finding in found.draft.findings:
                        session.reporter.finding(finding)
            except (UsageError, RefusedError, AnswersError) as error:
                refuse(self.prompter, _said(error))
                continue
            except Back:
                continue
            begun = Begun(opened=True, returns=True, open=_open(session, found), typed=self.typed)
            return partial(talk, session, create, {**choice.answers, **found.draft.answers}, begun)
        return self._create(choice)

    def _service(self, names: list[str], choice: Beginning) -> str:
        """The service that is meant where a file has several. Raises ``Back``."""
        if len(names) == 1:
            return names[0]
        options = [Option(name, name) for name in names]
        return str(self.prompter.select(choice.which, options))


def _open(session: Session, found: Imported) -> dict[str, tuple[str, ...]]:
    """What the file leaves open of answers that are not asked anyway, by question."""
    answers, questions = found.draft.answers, {item.name: item for item in session.questions if item.public}
    reasons: dict[str, tuple[str, ...]] = {}
    for finding in found.draft.missing:
        name = finding.question.partition(".")[0]
        if name in questions and (name in answers or questions[name].ask is not True):
            reasons[name] = (*reasons.get(name, ()), finding.message)
    return reasons


def _said(error: NewserviceError) -> list[str]:
    problems = error.problems if isinstance(error, AnswersError) else [error]
    return [text for problem in problems for text in (problem.message, problem.hint) if text]
