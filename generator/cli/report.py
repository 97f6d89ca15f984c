"""What people and agents are told: text on a terminal, or one JSON object a line. The only place that prints."""

from __future__ import annotations

import json
import os
import sys
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from difflib import unified_diff
from typing import Any, TextIO

from generator.checks import Check, CheckState
from generator.errors import AnswersError, ExitCode, NewserviceError
from generator.fleet.findings import Finding
from generator.fleet.report import lines_of, tone
from generator.plan import Plan
from generator.schedule import StepResult
from generator.secret import redact

SCHEMA = 1
"""Version of the JSON objects."""


LEFT_OPEN = "nothing is left for newservice; a person fills in what is named above"
"""Closes a command that did all it could, where values are left to a person."""


@dataclass(frozen=True)
class Result:
    """The last word of a command; ``closing`` says it to people where the status alone would not."""

    status: str
    exit_code: ExitCode
    service: str = ""
    urls: dict[str, str] = field(default_factory=dict)
    next: tuple[str, ...] = ()
    closing: str = ""


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


class Reporter(ABC):
    """Tells what happens.

    ``service`` is the name that the command is about, as soon as it is known; ``wrote`` whether a step was done.
    """

    service = ""
    wrote = False

    @abstractmethod
    def plan(self, plan: Plan, *, diffs: bool = False) -> None:
        """A plan, before anything is done."""

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
    def tree(self, finding: Finding) -> None:
        """A tree of the fleet was looked at, or is through."""

    @abstractmethod
    def progress(self, text: str) -> None:
        """Something takes a while."""

    @abstractmethod
    def error(self, error: NewserviceError) -> None:
        """Something went wrong."""

    @abstractmethod
    def result(self, result: Result) -> None:
        """The command is through; exactly once, last."""


class JsonReporter(Reporter):
    """One JSON object a line on standard output; people's text goes to standard error."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout

    def plan(self, plan: Plan, *, diffs: bool = False) -> None:
        """The plan as the interface has it, and diffs where asked for."""
        extra: dict[str, Any] = {"notes": list(plan.notes)} if plan.notes else {}
        if diffs:
            extra["diffs"] = dict(plan_diffs(plan))
        self._write("plan", **{"service": plan.service, "digest": plan.digest, **plan.as_document(), **extra})

    def step(self, result: StepResult) -> None:
        """A step's result."""
        self.wrote |= result.status == "done"
        self._write("step", id=result.id, status=result.status, elapsed_ms=result.elapsed_ms, summary=result.summary)

    def check(self, check: Check) -> None:
        """One check's outcome."""
        self._write("check", id=check.id, state=check.state.value, summary=check.summary, hint=check.hint)

    def template_version(self, version: TemplateVersion) -> None:
        """A version of the template."""
        self._write("template", **asdict(version))

    def tree(self, finding: Finding) -> None:
        """One tree."""
        self.wrote |= finding.wrote
        self._write("service", **finding.document())

    def progress(self, text: str) -> None:
        """A line of progress."""
        self._write("progress", summary=text)

    def error(self, error: NewserviceError) -> None:
        """One object for each problem."""
        if isinstance(error, AnswersError):
            for item in error.problems:
                choices = list(item.choices) if item.choices else None
                self._write(
                    "error",
                    code=item.code,
                    question=item.question,
                    message=item.message,
                    hint=item.hint,
                    choices=choices,
                )
            return
        self._write("error", code=error.code, question=None, message=error.message, hint=error.hint, choices=None)

    def result(self, result: Result) -> None:
        """The last object."""
        self._write(
            "result",
            status=result.status,
            exit_code=int(result.exit_code),
            service=result.service,
            urls=result.urls,
            next=list(result.next),
        )

    def _write(self, event: str, **content: Any) -> None:
        line = json.dumps({"event": event, "schema": SCHEMA, **_redacted(content)}, ensure_ascii=False)
        _print(line, self._out)


def _print(text: str, stream: TextIO) -> None:
    """Nobody listening, or a full disk behind the output, is no reason to stop in the middle of the work."""
    try:
        print(text, file=stream, flush=True)
    except OSError:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _redacted(value: Any) -> Any:
    """Every text in ``value`` without secrets; before it becomes JSON, which writes some characters otherwise."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {_redacted(key): _redacted(item) for key, item in value.items()}
    return [_redacted(item) for item in value] if isinstance(value, list) else value


class TextReporter(Reporter):
    """Text for people: results on standard output, everything else on standard error."""

    def __init__(self, *, quiet: bool = False, verbose: bool = False) -> None:
        self._quiet = quiet
        self._verbose = verbose

    def plan(self, plan: Plan, *, diffs: bool = False) -> None:
        """Files as a tree, registrations, steps."""
        if self._quiet:
            return
        lines = [f"Plan for {plan.service}", *_files(plan), *_registrations(plan), *_steps(plan)]
        lines += [f"\nNote: {note}" for note in plan.notes]
        if diffs:
            lines += ["\n" + text.rstrip("\n") for _, text in plan_diffs(plan)]
        self._say("\n".join(lines))

    def step(self, result: StepResult) -> None:
        """One line a step."""
        self.wrote |= result.status == "done"
        if self._quiet and result.status != "failed":
            return
        seconds = f"{result.elapsed_ms / 1000:5.1f} s"
        self._note(f"  {_SIGNS[result.status]} {result.id:<24} {result.status:<9} {seconds}  {result.summary}")

    def check(self, check: Check) -> None:
        """One line a check, and the remedy below it."""
        if self._quiet and check.well:
            return
        self._say(f"  {_CHECK_SIGNS[check.state]} {check.id:<24} {check.state.value:<8} {check.summary}")
        if check.hint and not check.well:
            self._say(f"      {check.hint}")

    def template_version(self, version: TemplateVersion) -> None:
        """One line a version."""
        if self._quiet:
            return
        sign = "*" if version.installed else " "
        told = f"  {sign} {version.version:<10} {(version.released or version.state)[:10]:<10}"
        if version.installed:
            told += "  installed"
        self._say(told + (f"  at the template address: {version.published}" if version.published else ""))

    def tree(self, finding: Finding) -> None:
        """A line, and below it what matters of it."""
        self.wrote |= finding.wrote
        if not (self._quiet and tone(finding.state) == "good"):
            self._say("\n".join(lines_of(finding)))

    def progress(self, text: str) -> None:
        """One line, where people want to see it."""
        if not self._quiet:
            self._note(f"    {text} ...")

    def error(self, error: NewserviceError) -> None:
        """What, where, what next."""
        self._note(f"newservice: {error.message}")
        if isinstance(error, AnswersError):
            for problem in error.problems:
                self._note(f"  - {problem.message}")
                if problem.hint:
                    self._note(f"    {problem.hint}")
        if error.hint:
            self._note(f"  {error.hint}")
        if self._verbose:
            self._note(f"  (error code {error.code})")

    def result(self, result: Result) -> None:
        """What exists and what a person still has to do."""
        if self._quiet:
            return
        if result.urls:
            self._say("")
            width = max(len(name) for name in result.urls)
            for name, url in result.urls.items():
                self._say(f"  {name:<{width}}  {url}")
        if result.next:
            self._say("\nNext")
            for number, line in enumerate(result.next, 1):
                self._say(f"  {number}. {line}")
        name = result.service + ": " if result.service else ""
        closing = f"\n{name}{result.closing or _CLOSING[result.status]}"
        if result.exit_code is ExitCode.OK:
            self._say(closing)
        else:
            self._note(closing)

    def _say(self, text: str) -> None:
        _print(redact(text), sys.stdout)

    def _note(self, text: str) -> None:
        _print(redact(text), sys.stderr)


_SIGNS = {
    "create": "+", "update": "~", "delete": "-", "none": "=", "refuse": "!", "unchanged": "=", "conflict": "!",
    "add": "+", "present": "=", "remove": "-", "done": "+", "failed": "!", "skipped": ".",
}  # fmt: skip

_CHECK_SIGNS = {
    CheckState.OK: "=",
    CheckState.WAITING: "~",
    CheckState.FAILED: "!",
    CheckState.UNKNOWN: "?",
    CheckState.SKIPPED: ".",
}

_CLOSING = {
    "success": "done",
    "unchanged": "nothing to do, everything is there",
    "partial": "stopped on the way; the same command continues",
    "refused": "refused; nothing was written",
    "error": "nothing was written",
}


def plan_diffs(plan: Plan) -> Iterable[tuple[str, str]]:
    """Unified diffs of all files and registrations that would change."""
    for item in plan.files:
        if item.action in ("create", "update", "conflict"):
            before = (item.before or b"").decode("utf-8", "replace")
            yield item.path, _diff(item.path, before, item.file.content.decode("utf-8", "replace"))
        elif item.action == "delete" and item.before is not None:
            yield item.path, _diff(item.path, item.before.decode("utf-8", "replace"), "")
    for change in plan.registrations:
        if change.before != change.after:
            yield change.path, _diff(change.path, change.before, change.after)


def _diff(path: str, before: str, after: str) -> str:
    lines = unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        f"a/{path}" if before else "/dev/null",
        f"b/{path}",
    )
    return "".join(line if line.endswith("\n") else line + "\n\\ no newline at end of file\n" for line in lines)


def _tree(changes: dict[str, str]) -> list[str]:
    """Paths as an indented tree with a sign for each file."""
    lines: list[str] = []
    shown: list[str] = []
    for path in sorted(changes, key=lambda item: item.split("/")):
        *folders, name = path.split("/")
        same = 0
        while same < min(len(shown), len(folders)) and shown[same] == folders[same]:
            same += 1
        lines += [f"  {'  ' * depth}{folder}/" for depth, folder in enumerate(folders) if depth >= same]
        shown = folders
        lines.append(f"  {'  ' * len(folders)}{_SIGNS[changes[path]]} {name}")
    return lines


def _files(plan: Plan) -> Iterable[str]:
    for repo, title in (("service", "Service repository"), ("infra", "Infra repository")):
        changes = {item.path: str(item.action) for item in plan.files if item.repo == repo}
        if changes:
            told = ", ".join(f"{number} {action}" for action, number in Counter(changes.values()).items())
            yield f"\n{title} ({told})"
            yield from _tree(changes)


def _registrations(plan: Plan) -> Iterable[str]:
    if plan.registrations:
        yield "\nRegistrations"
    for item in plan.registrations:
        told = "differs, left alone" if item.action == "update" else item.action
        sign = "=" if item.action == "update" else _SIGNS[item.action]
        yield f"  {sign} {item.id:<16} {item.path} ({told})"


def _steps(plan: Plan) -> Iterable[str]:
    if plan.steps:
        yield "\nSteps"
    for step in plan.steps:
        decision = step.decision
        yield f"  {_SIGNS[decision.action.value]} {step.id:<24} {decision.state.value:<8} {decision.summary}"
