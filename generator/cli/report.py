"""Results of commands, and the interface of reporters; ``json_lines`` and ``text`` implement it."""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from generator.base.errors import ExitCode, NewserviceError
from generator.base.stopping import held

if TYPE_CHECKING:  # `newservice --help` needs none of these, and they take a while
    from generator.base.checks import Check
    from generator.base.findings import Finding
    from generator.base.parallel import StepResult
    from generator.engine.checklist import Checklist
    from generator.engine.plan import Plan
    from generator.fleet.findings import Finding as TreeFinding
    from generator.rehearsal.changes import Rehearsal
    from generator.template.amendment import AnswerChange

LEFT_OPEN = "nothing is left for newservice; a person fills in what is named above"
"""Closes a command that did all it could, where values are left to a person."""


@dataclass(frozen=True)
class Result:
    """The last word of a command; ``closing`` says it to people where the status alone would not.

    ``checklist`` is for programs: the part of ``next`` that surrounds a merge, by phase.
    """

    status: str
    exit_code: ExitCode
    service: str = ""
    urls: dict[str, str] = field(default_factory=dict)
    next: tuple[str, ...] = ()
    closing: str = ""
    checklist: Checklist | None = None
    answers: str = ""
    """The answers file that was written."""


@dataclass(frozen=True, kw_only=True)
class TemplateVersion:
    """A version of the template: a release, or the installed one where that is none.

    ``state`` is released, differs or unreleased; ``published`` present, absent or foreign, where that was looked at.
    """

    version: str
    tree: str
    state: str
    installed: bool
    tag: str | None = None
    released: str | None = None
    commit: str | None = None
    published: str | None = None


@dataclass(frozen=True)
class Surroundings:
    """An embedded platform that runs: where its profile and its clone are, its addresses, and its own credentials.

    They open nothing else, so they are shown in clear text.
    """

    profile: str
    infra: str
    urls: dict[str, str]
    environment: dict[str, str]


class Reporter(ABC):
    """Reports what happens.

    ``service`` is the name that the command is about, as soon as it is known; ``wrote`` whether anything was written.
    ``ending``: the result is being reported, and no signal may cut it short. ``concluded`` is the exit code
    that they named; nothing is printed after them, by any thread.
    """

    service = ""
    wrote = False
    ending = False
    concluded: ExitCode | None = None

    def __init__(self) -> None:
        self._turn = threading.RLock()

    @abstractmethod
    def plan(self, plan: Plan, *, title: str = "Plan for", answers: bool = False, diffs: bool = False) -> None:
        """A plan, before anything is done; for people under ``title``, and with the answers that it is made from."""

    @abstractmethod
    def change(self, change: AnswerChange) -> None:
        """An answer of an existing service changes; before the plan."""

    @abstractmethod
    def rehearsal(self, rehearsal: Rehearsal) -> None:
        """What Terraform would do with a stack, outside of a plan."""

    def begun(self, step: str) -> None:  # noqa: B027 - most have nothing to report
        """The step of this id is under way."""

    @abstractmethod
    def step(self, result: StepResult) -> None:
        """A step is through."""

    @abstractmethod
    def check(self, check: Check) -> None:
        """Something was looked at."""

    @abstractmethod
    def template_version(self, version: TemplateVersion) -> None:
        """A version of the template."""

    @abstractmethod
    def tree(self, finding: TreeFinding) -> None:
        """A tree of the fleet was looked at, or is through."""

    @abstractmethod
    def sandbox(self, surroundings: Surroundings) -> None:
        """An embedded platform runs."""

    def answers_schema(self, document: dict[str, Any]) -> None:  # noqa: B027 - as text it is a file, not a report
        """The JSON Schema of the answers."""

    def finding(self, finding: Finding) -> None:  # noqa: B027 - most commands have none
        """Something was found in a file that others wrote."""

    def answers(self, document: Mapping[str, Any], text: str) -> None:  # noqa: B027 - as above
        """Answers from such a file; ``text`` is the answers file, where it is shown in place of written."""

    @abstractmethod
    def progress(self, text: str) -> None:
        """Something takes a while."""

    @abstractmethod
    def error(self, error: NewserviceError) -> None:
        """Something went wrong."""

    def result(self, result: Result) -> None:
        """The command is through; exactly once, last. A second result is dropped."""
        with self._turn, held():
            if self.concluded is None:
                self.last_words(result)
                self.concluded = result.exit_code

    @abstractmethod
    def last_words(self, result: Result) -> None:
        """Print the result."""

    def line(self, text: str, stream: TextIO) -> None:
        """Print a line, unless the result was printed."""
        with self._turn:
            if self.concluded is None:
                write_line(text, stream)


def json_text(value: Any, stream: TextIO, indent: int | None = None) -> str:
    """A value as JSON for ``stream``. Where that can't take every character they are escaped as JSON does it."""
    plain = str(stream.encoding or "").lower().replace("-", "").replace("_", "") in ("", "utf8")
    return json.dumps(value, indent=indent, ensure_ascii=not plain)


def write_line(text: str, stream: TextIO) -> None:
    """The only place that prints. A signal does not cut a line in two, and no thread writes into another's."""
    with held():
        stream.write(text + "\n")
        stream.flush()
