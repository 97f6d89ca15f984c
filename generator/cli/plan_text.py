"""A plan as people read it: files as a tree, registrations, steps, notes; and its diffs. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from generator.base.lazy_import import lazily
from generator.cli.screen import SIGNS
from generator.infra_repo.tree_diff import content_of
from generator.template.files import File

if TYPE_CHECKING:
    import difflib
    import json

    from generator.engine.plan import Plan
else:
    difflib, json = lazily("difflib"), lazily("json")


def plan_lines(plan: Plan, title: str, *, answers: bool = False) -> Iterable[str]:
    """The plan, line by line; with ``answers`` what they are in the end, defaults among them."""
    yield f"{title} {plan.service}"
    yield from _files(plan)
    yield from _registrations(plan)
    yield from _steps(plan)
    if answers and plan.basis:
        yield "\nAnswers"
        yield "  " + "; ".join(_answers(plan.basis.answers))
    yield from (f"\nNote: {note}" for note in plan.notes)


def seed_lines(plan: Plan) -> Iterable[str]:
    """What a person sees last before saying yes: the sources of all values, where any of them is a person's own."""
    if not any(seed.read_here or seed.kind == "prompt" for seed in plan.seeds):
        return
    yield "\nSecrets"
    width = max(len(seed.shown_name) for seed in plan.seeds)
    yield from (f"  {seed.shown_name:<{width}}  {seed.shown}" for seed in plan.seeds)
    yield "  The service will be able to read these values. Carry this out only if every source is meant for it."


def _answers(answers: Mapping[str, Any]) -> Iterable[str]:
    """Every answer that says something, as it would be written on a command line."""
    for name, value in answers.items():
        if value not in ("none", False, {}, [], ""):
            plain = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield f"{name} {plain}"


def plan_diffs(plan: Plan) -> Iterable[tuple[str, str]]:
    """Unified diffs of all files and registrations that would change."""
    for item in plan.files:
        if item.action in ("create", "update", "conflict"):
            after = item.after if item.written else item.wanted or item.after
            yield item.path, _diff(item.path, _text(item.before), _text(after))
        elif item.action == "delete" and item.before is not None:
            yield item.path, _diff(item.path, _text(item.before), "")
    for change in plan.registrations:
        if change.before != change.after:
            yield change.path, _diff(change.path, change.before, change.after)


def _text(file: File | None) -> str:
    return content_of(file).decode("utf-8", "replace")


def _diff(path: str, before: str, after: str) -> str:
    lines = difflib.unified_diff(
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
        lines.append(f"  {'  ' * len(folders)}{SIGNS[changes[path]]} {name}")
    return lines


def _files(plan: Plan) -> Iterable[str]:
    for repo, title in (("service", "Service repository"), ("infra", "Infra repository")):
        changes = {item.path: str(item.shown) for item in plan.files if item.repo == repo}
        if changes:
            counts = ", ".join(f"{number} {action}" for action, number in Counter(changes.values()).items())
            yield f"\n{title} ({counts})"
            yield from _tree(changes)


def _registrations(plan: Plan) -> Iterable[str]:
    if plan.registrations:
        yield "\nRegistrations"
    for item in plan.registrations:
        left = item.action == "update" and item.before == item.after
        note = "differs, left alone" if left else item.action
        sign = "=" if left else SIGNS[item.action]
        yield f"  {sign} {item.id:<16} {item.path} ({note})"


def _steps(plan: Plan) -> Iterable[str]:
    if plan.steps:
        yield "\nSteps"
    for step in plan.steps:
        decision = step.decision
        yield f"  {SIGNS[decision.action.value]} {step.id:<24} {decision.state.value:<8} {decision.summary}"
