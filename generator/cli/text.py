"""Text for people: results on standard output, everything else on standard error."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from generator.checks import Check, CheckState
from generator.cli.plan_text import SIGNS, plan_diffs, plan_lines
from generator.cli.report import Reporter, Result, TemplateVersion, write_line
from generator.errors import AnswersError, ExitCode, NewserviceError
from generator.secret import redact

if TYPE_CHECKING:
    from generator.fleet.findings import Finding
    from generator.plan import Plan
    from generator.schedule import StepResult


class TextReporter(Reporter):
    """Text for people: results on standard output, everything else on standard error."""

    def __init__(self, *, quiet: bool = False, verbose: bool = False) -> None:
        self._quiet = quiet
        self._verbose = verbose

    def plan(self, plan: Plan, *, diffs: bool = False) -> None:
        """Files as a tree, registrations, steps."""
        if self._quiet:
            return
        lines = list(plan_lines(plan))
        if diffs:
            lines += ["\n" + text.rstrip("\n") for _, text in plan_diffs(plan)]
        self._say("\n".join(lines))

    def step(self, result: StepResult) -> None:
        """One line a step."""
        self.wrote |= result.status == "done"
        if self._quiet and result.status != "failed":
            return
        seconds = f"{result.elapsed_ms / 1000:5.1f} s"
        self._note(f"  {SIGNS[result.status]} {result.id:<24} {result.status:<9} {seconds}  {result.summary}")

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
        from generator.fleet.report import lines_of, tone  # heavy, and about a fleet only

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
        write_line(redact(text), sys.stdout)

    def _note(self, text: str) -> None:
        write_line(redact(text), sys.stderr)


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
