"""One JSON object a line on standard output, for agents and scripts."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TextIO

from generator.base.errors import AnswersError, NewserviceError
from generator.base.secrets import redact, redacted
from generator.cli.report import Reporter, Result, Surroundings, TemplateVersion, json_text

if TYPE_CHECKING:
    from generator.base.checks import Check
    from generator.base.findings import Finding
    from generator.base.parallel import StepResult
    from generator.engine.plan import Plan
    from generator.fleet.findings import Finding as TreeFinding
    from generator.rehearsal.changes import Rehearsal
    from generator.template.amendment import AnswerChange

SCHEMA = 1
"""Version of the JSON objects."""

_FIELD = re.compile(r"[a-z_]+")
"""What the names of fields look like."""


class JsonReporter(Reporter):
    """One JSON object a line on standard output, and nothing on standard error: losing that loses nothing."""

    def __init__(self, out: TextIO | None = None) -> None:
        super().__init__()
        self._out = out or sys.stdout

    def plan(self, plan: Plan, *, title: str = "", answers: bool = True, diffs: bool = False) -> None:  # noqa: ARG002
        """The plan as the interface has it, sources of secrets, the answers that it is made from, and diffs."""
        extra: dict[str, Any] = {"notes": list(plan.notes)} if plan.notes else {}
        if plan.seeds:
            extra["seeds"] = [{"property": seed.shown_name, "source": seed.shown_source} for seed in plan.seeds]
        if plan.checklist:
            extra["checklist"] = plan.checklist.as_document()
        if plan.basis:
            extra["answers"] = dict(plan.basis.answers)
        if diffs:
            from generator.cli.plan_text import plan_diffs

            extra["diffs"] = dict(plan_diffs(plan))
        self._write("plan", **{"service": plan.service, "digest": plan.digest, **plan.as_document(), **extra})
        for rehearsal in plan.rehearsals:
            self.rehearsal(rehearsal)

    def rehearsal(self, rehearsal: Rehearsal) -> None:
        """What Terraform would do with a stack."""
        self._write("rehearsal", **rehearsal.as_document())

    def change(self, change: AnswerChange) -> None:
        """One answer, or one entry of it, old and new."""
        self._write("change", answer=change.place, old=change.old, new=change.new)

    def step(self, result: StepResult) -> None:
        """A step's result."""
        self.wrote |= result.status == "done"
        self._write("step", id=result.id, status=result.status, elapsed_ms=result.elapsed_ms, summary=result.summary)

    def check(self, check: Check) -> None:
        """One check's outcome."""
        more: dict[str, Any] = {"facts": dict(check.facts)} if check.facts else {}
        more |= {"code": check.code} if check.code else {}
        self._write("check", id=check.id, state=check.state.value, summary=check.summary, hint=check.hint, **more)

    def template_version(self, version: TemplateVersion) -> None:
        """A version of the template."""
        self._write("template", **asdict(version))

    def tree(self, finding: TreeFinding) -> None:
        """One tree."""
        self.wrote |= finding.wrote
        self._write("service", **finding.document())

    def sandbox(self, surroundings: Surroundings) -> None:
        """How to use the embedded platform from elsewhere."""
        self._write("sandbox", masked=False, **asdict(surroundings))

    def answers_schema(self, document: dict[str, Any]) -> None:
        """The JSON Schema of the answers, whole."""
        self._write("schema", document=document)

    def finding(self, finding: Finding) -> None:
        """One finding; ``origin`` is null where it has no place in the file."""
        self._write(
            "finding",
            kind=finding.kind,
            question=finding.question or None,
            origin=finding.origin or None,
            message=finding.message,
        )

    def answers(self, document: Mapping[str, Any], text: str) -> None:  # noqa: ARG002 - the name that it has elsewhere
        """The answers, whole."""
        self._write("answers", document=dict(document))

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
                    question=item.question or None,
                    message=item.message,
                    hint=item.hint,
                    choices=choices,
                )
            return
        self._write("error", code=error.code, question=None, message=error.message, hint=error.hint, choices=None)

    def last_words(self, result: Result) -> None:
        """The last object."""
        more: dict[str, Any] = {"checklist": result.checklist.as_document()} if result.checklist else {}
        more |= {"answers": result.answers} if result.answers else {}
        self._write(
            "result",
            status=result.status,
            exit_code=int(result.exit_code),
            service=result.service,
            urls=result.urls,
            next=list(result.next),
            **more,
        )

    def _write(self, event: str, *, masked: bool = True, **content: Any) -> None:
        shown = redacted(content, _redacted_key) if masked else content
        self.line(json_text({"event": event, "schema": SCHEMA, **shown}, self._out), self._out)


def _redacted_key(name: str) -> str:
    """A field's name as it is, for readers rely on it; a path or a variable's name, which are data, as any text."""
    return name if _FIELD.fullmatch(name) else redact(name)
