"""Text for people: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TextIO

from generator.base.checks import Check, CheckState
from generator.base.errors import AnswersError, ExitCode, NewserviceError
from generator.base.secrets import redact
from generator.base.terminal_text import visible
from generator.cli.report import Reporter, Result, Surroundings, TemplateVersion
from generator.cli.screen import SIGNS, coloured, folded, paint, paint_diff

if TYPE_CHECKING:
    from generator.base.findings import Finding
    from generator.base.parallel import StepResult
    from generator.cli.live import LiveSteps
    from generator.engine.plan import Plan
    from generator.fleet.findings import Finding as TreeFinding
    from generator.rehearsal.changes import Rehearsal
    from generator.template.amendment import AnswerChange


class TextReporter(Reporter):
    """Text for people: results on standard output, everything else on standard error."""

    def __init__(
        self, *, quiet: bool = False, verbose: bool = False, out: TextIO | None = None, err: TextIO | None = None
    ) -> None:
        super().__init__()
        self._quiet = quiet
        self._verbose = verbose
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self._steps: tuple[str, ...] = ()
        self._live: LiveSteps | None = None
        self._ended: list[StepResult] = []
        self._printed = False
        self._answers_shown = False

    def plan(self, plan: Plan, *, title: str = "Plan for", answers: bool = False, diffs: bool = False) -> None:
        """Files as a tree, registrations, steps; at the end, where values of secrets come from."""
        self._steps = tuple(step.id for step in plan.steps)
        if self._quiet:
            return
        from generator.cli.plan_text import plan_diffs, plan_lines, seed_lines  # `newservice --version` needs none

        if self._answers_shown:
            self._say("")
            self._answers_shown = False
        self._say("\n".join(plan_lines(plan, title, answers=answers)))
        for _, text in plan_diffs(plan) if diffs else ():
            self._say("\n" + text.rstrip("\n"), paint_diff, fold=False)
        for line in seed_lines(plan):
            self._say(line)

    def change(self, change: AnswerChange) -> None:
        """One line an answer: old and new, or what is added or removed."""
        if self._quiet:
            return
        if not self._answers_shown:
            self._say("Answers")
        self._answers_shown = True
        place, old, new = f"{change.place:<24}", _answer(change.old), _answer(change.new)
        if change.old is None or change.new is None:
            self._say(f"  + {place}  {new}" if change.old is None else f"  - {place}  {old}")
        else:
            self._say(f"  ~ {place}  {old} -> {new}")

    def rehearsal(self, rehearsal: Rehearsal) -> None:
        """Every change, by address."""
        if not self._quiet:
            from generator.cli.rehearsal_text import rehearsal_lines  # `newservice --version` needs none

            self._say("\n".join(rehearsal_lines([rehearsal], whole=True)).lstrip("\n"))

    def begun(self, step: str) -> None:
        """On a terminal the steps are shown while they are under way."""
        if self._live is None and not self._quiet and step in self._steps and self._err.isatty():
            from generator.cli.live import LiveSteps  # heavy, and needed with a terminal only

            live = LiveSteps(self._steps, self._err)
            self._live = live if live.fits else None
        if self._live:
            self._live.begun(step)

    def step(self, result: StepResult) -> None:
        """One line a step."""
        self.wrote |= result.status == "done"
        if self._live is None:
            self._tell(result)
            return
        self._ended.append(result)
        self._live.ended(result)
        if self._live.through:
            self._close()

    def _close(self) -> None:
        """The steps that were shown while they were under way, as lines that stay."""
        if self._live is not None:
            self._live.close()
            self._live = None
            for result in self._ended:
                self._tell(result)
            self._ended.clear()

    def _tell(self, result: StepResult) -> None:
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
        line = f"  {sign} {version.version:<10} {(version.released or version.state)[:10]:<10}"
        if version.installed:
            line += "  installed"
        self._say(line + (f"  at the template address: {version.published}" if version.published else ""))

    def tree(self, finding: TreeFinding) -> None:
        """A line, and below it what matters of it."""
        from generator.fleet.report import lines_of, tone  # heavy, and about a fleet only

        self.wrote |= finding.wrote
        if not (self._quiet and tone(finding.state) == "good"):
            self._say("\n".join(lines_of(finding)))

    def sandbox(self, surroundings: Surroundings) -> None:
        """Comments and ``export`` lines, for another terminal to read as they are."""
        lines = [f"# {name}: {url}" for name, url in surroundings.urls.items()]
        lines.append("# in another terminal, these lines and then: newservice create")
        variables = {**surroundings.environment, "NEWSERVICE_PLATFORM": surroundings.profile}
        lines += [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
        lines.append("unset VAULT_NAMESPACE")
        self.line("\n".join(lines), self._out)

    def finding(self, finding: Finding) -> None:
        """One line each; where an answer comes from is in the file, and shown with ``--verbose``."""
        if self._quiet or (finding.kind == "origin" and not self._verbose):
            return
        where = f"  ({finding.origin})" if finding.origin else ""
        self._say(
            f"  {_FINDING_SIGNS[finding.kind]} {finding.question:<24} {finding.kind:<11} {finding.message}{where}"
        )

    def answers(self, document: Mapping[str, Any], text: str) -> None:  # noqa: ARG002 - for programs
        """The answers file, where it is not written."""
        if text and not self._quiet:
            self._say("\n" + text.rstrip("\n"), fold=False)

    def progress(self, text: str) -> None:
        """One line, where people want to see it."""
        if not self._quiet:
            line = f"    {text} ..."
            if self._live:
                self._live.note(line)
            else:
                self._note(line)

    def error(self, error: NewserviceError) -> None:
        """What, where, what next."""
        self._close()
        self._note(f"newservice: {error.message}")
        if isinstance(error, AnswersError):
            for problem in error.problems:
                self._note(f"  - {problem.message}")
                if problem.hint:
                    self._note(f"    {problem.hint}")
        for line in error.hint.split("\n"):
            self._note(f"  {line}")
        if self._verbose:
            self._note(f"  (error code {error.code})")

    def last_words(self, result: Result) -> None:
        """What exists and what a person still has to do; with ``--quiet`` only where nothing else was printed."""
        self._close()
        if self._quiet:
            if result.exit_code is not ExitCode.OK and not self._printed:
                self._note(self._closing(result))
            return
        if result.urls:
            self._say("")
            width = max(len(name) for name in result.urls)
            for name, url in result.urls.items():
                self._say(f"  {name:<{width}}  {url}")
        if result.next:
            self._say("\nNext")
            for number, line in enumerate(result.next, 1):
                below = line.replace("\n", f"\n{' ' * (len(str(number)) + 4)}")
                self._say(f"  {number}. {below}", fold=False)  # it may be a command, to be copied
        closing = "\n" + self._closing(result)
        if result.exit_code is ExitCode.OK:
            self._say(closing)
        else:
            self._note(closing)

    @staticmethod
    def _closing(result: Result) -> str:
        name = result.service + ": " if result.service else ""
        return f"{name}{result.closing or _CLOSING[result.status]}"

    def _say(self, text: str, paint: Callable[[str], str] = paint, *, fold: bool = True) -> None:
        self._write(text, self._out, paint, fold=fold)

    def _note(self, text: str) -> None:
        self._write(text, self._err, paint, fold=True)

    def _write(self, text: str, stream: TextIO, paint: Callable[[str], str], *, fold: bool) -> None:
        shown = visible(redact(text))  # names, files and other systems' words may hold commands for a terminal
        shown = folded(shown) if fold and stream.isatty() else shown
        self._printed = True
        self.line(paint(shown) if coloured(stream) else shown, stream)


_CHECK_SIGNS = {
    CheckState.OK: "=",
    CheckState.WAITING: "~",
    CheckState.FAILED: "!",
    CheckState.UNKNOWN: "?",
    CheckState.SKIPPED: ".",
}

_FINDING_SIGNS = {
    "origin": "=",
    "assumed": "~",
    "missing": "!",
    "unexpressed": "-",
    "secret": "*",
    "found": "=",
    "proposed": "+",
}

_CLOSING = {
    "success": "done",
    "unchanged": "nothing to do, everything exists",
    "partial": "stopped part-way; the same command continues",
    "refused": "refused; nothing was written",
    "error": "nothing was written",
}


def _answer(value: Any) -> str:
    """An answer on one line."""
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
