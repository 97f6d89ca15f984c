"""JSON events, from what the reporter really writes; and steps."""

from __future__ import annotations

import io
import json
from typing import Any

from docs.builder.parts import Rows, kept, table
from generator.base.checks import Check, CheckState
from generator.base.errors import ExitCode, UsageError
from generator.base.findings import Finding as ComposeFinding
from generator.base.parallel import StepResult
from generator.cli.demo import ANSWERS
from generator.cli.json_lines import JsonReporter
from generator.cli.report import Result, Surroundings, TemplateVersion
from generator.engine.plan import Action, Decision, Plan, State, StepPlan
from generator.engine.plan_inputs import Basis
from generator.engine.seeds import Seed
from generator.engine.steps import Step, steps_between
from generator.fleet.findings import Finding, Place
from generator.fleet.findings import State as TreeState
from generator.rehearsal.changes import Refusal, Rehearsal
from generator.template.amendment import AnswerChange
from generator.template.answers import resolve
from generator.template.questions import load_questions
from generator.template.template import Template


def events() -> dict[str, list[str]]:
    """Every event with its keys: each is reported once, with everything that it can have."""
    out = io.StringIO()
    reporter = JsonReporter(out)
    basis = Basis("0", "1.0.0", "", "", "", {}, {"name": "app"})
    adds = Decision(State.ABSENT, Action.CREATE, "summary", seeds=(Seed("a_property", "generated"),))
    reporter.change(AnswerChange("memory", "256Mi", "1Gi"))
    reporter.plan(
        Plan("app", (), (), (StepPlan("a.step", "a", adds),), ("a note",), basis, gates=({"auth": "none"},)), diffs=True
    )
    reporter.step(StepResult("a.step", "done", 1, "summary"))
    reporter.check(Check("a.check", CheckState.OK, "summary", code="a.code", facts={"a_fact": 1}))
    reporter.template_version(TemplateVersion(version="1.0.0", tree="", state="released", installed=True))
    reporter.tree(Finding(Place("app", "stack", "owner/infra", "stacks/app/"), TreeState.CURRENT))
    reporter.sandbox(Surroundings(profile="", infra="", urls={}, environment={}))
    reporter.answers_schema({})
    reporter.finding(ComposeFinding("missing", "a_question", "message", "a place"))
    reporter.rehearsal(Rehearsal("stacks/app", refused=(Refusal("summary"),), unrecorded=("a_type",)))
    reporter.answers({}, "")
    reporter.progress("text")
    reporter.error(UsageError("a.code", "message", "hint"))
    reporter.result(Result("success", ExitCode.OK, answers="a file"))
    written: list[dict[str, Any]] = [json.loads(line) for line in out.getvalue().splitlines()]
    return {item["event"]: [key for key in item if key not in ("event", "schema")] for item in written}


def events_part(_argument: str, old: Rows) -> str:
    """Every event and its keys; when it comes is kept."""
    lines = []
    for event, keys in events().items():
        cell = f"`{event}`"
        lines.append((cell, kept(old, cell, "when"), ", ".join(f"`{key}`" for key in keys)))
    return table(["event", "when", "keys"], lines)


def steps() -> tuple[Step[Any], ...]:
    """All steps, in order: those of the demonstration, which takes each."""
    template = Template.installed()
    return steps_between(None, resolve(template, load_questions(template), ANSWERS)).wanted


def steps_part(_argument: str, _old: Rows) -> str:
    """Every step, its system, and what must be through before it acts."""
    lines = [
        (f"[`{step.id}`](#{step.id.replace('.', '')})", step.system, ", ".join(f"`{name}`" for name in step.after))
        for step in steps()
    ]
    return table(["step", "system", "begins after"], lines)
