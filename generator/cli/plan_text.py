"""A plan as people read it: files as a tree, registrations, steps, notes; and its diffs. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from generator.base.lazy_import import lazily
from generator.cli.rehearsal_text import rehearsal_lines
from generator.cli.screen import SIGNS
from generator.infra_repo.fingerprints import mode_of
from generator.infra_repo.texts import is_utf8
from generator.infra_repo.tree_diff import FileChange, content_of
from generator.template.files import File

if TYPE_CHECKING:
    import difflib
    import json

    from generator.engine.checklist import Checklist, Task
    from generator.engine.plan import Plan
else:
    difflib, json = lazily("difflib"), lazily("json")


def plan_lines(plan: Plan, title: str, *, answers: bool = False) -> Iterable[str]:
    """The plan, line by line; with ``answers`` what they are in the end, defaults among them."""
    yield f"{title} {plan.service}"
    yield from _files(plan)
    yield from _registrations(plan)
    yield from _gates(plan)
    yield from rehearsal_lines(plan.rehearsals)
    yield from _steps(plan)
    if plan.checklist:
        yield from _around_the_merge(plan.checklist)
    if answers and plan.basis:
        yield "\nAnswers"
        yield "  " + "; ".join(_answers(plan.basis.answers))
    yield from (f"\nNote: {note}" for note in plan.notes)


def _around_the_merge(checklist: Checklist) -> Iterable[str]:
    """What surrounds the merge, by phase; each command on lines of its own, to be copied."""
    if checklist.before:
        yield "\nBefore the merge, by hand"
        yield from _numbered(checklist.before)
    if checklist.pipeline:
        yield f"\nThe merge\n  {checklist.applied}"
    if checklist.after:
        yield "\nAfter the merge, by hand"
        yield from _numbered(checklist.after)


def _numbered(tasks: Iterable[Task]) -> Iterable[str]:
    for number, task in enumerate(tasks, 1):
        indent = "\n" + " " * (len(str(number)) + 4)
        yield f"  {number}. {task.text.replace(chr(10), indent)}"


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
            yield item.path, _file_diff(item.path, item.before, after)
        elif item.action == "delete" and item.before is not None:
            yield item.path, _file_diff(item.path, item.before, None)
    for change in plan.registrations:
        if change.before != change.after:
            yield change.path, _diff(change.path, change.before, change.after)


def _file_diff(path: str, before: File | None, after: File | None) -> str:
    """The difference of two files as git shows it: their modes where these say something, then their lines."""
    modes = list(_modes(before, after))
    head = "".join(f"{line}\n" for line in (f"diff --git a/{path} b/{path}", *modes)) if modes else ""
    one, other = content_of(before), content_of(after)
    if one == other:
        return head
    if is_utf8(one) and is_utf8(other):
        return head + _diff(path, one.decode("utf-8"), other.decode("utf-8"))
    names = f"a/{path}" if before else "/dev/null", f"b/{path}" if after else "/dev/null"
    return f"{head}Binary files {names[0]} and {names[1]} differ\n"


def _modes(before: File | None, after: File | None) -> Iterable[str]:
    if before and after and before.executable != after.executable:
        yield from (f"old mode {mode_of(before)}", f"new mode {mode_of(after)}")
    elif after and after.executable and before is None:
        yield f"new file mode {mode_of(after)}"


def _diff(path: str, before: str, after: str) -> str:
    lines = difflib.unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        f"a/{path}" if before else "/dev/null",
        f"b/{path}",
    )
    return "".join(line if line.endswith("\n") else line + "\n\\ no newline at end of file\n" for line in lines)


def _tree(changes: dict[str, FileChange]) -> list[str]:
    """Paths as an indented tree with a sign for each file, and how its executable bit changes."""
    lines: list[str] = []
    shown: list[str] = []
    for path in sorted(changes, key=lambda item: item.split("/")):
        *folders, name = path.split("/")
        same = 0
        while same < min(len(shown), len(folders)) and shown[same] == folders[same]:
            same += 1
        lines += [f"  {'  ' * depth}{folder}/" for depth, folder in enumerate(folders) if depth >= same]
        shown = folders
        lines.append(f"  {'  ' * len(folders)}{SIGNS[changes[path].shown]} {name}{_BITS[changes[path].executable]}")
    return lines


_BITS = {None: "", True: " (now executable)", False: " (no longer executable)"}


def _files(plan: Plan) -> Iterable[str]:
    for repo, title in (("service", "Service repository"), ("infra", "Infra repository")):
        changes = {item.path: item for item in plan.files if item.repo == repo}
        if changes:
            actions = Counter(item.shown for item in changes.values())
            counts = ", ".join(f"{number} {action}" for action, number in actions.items())
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


def _gates(plan: Plan) -> Iterable[str]:
    """Every path with what gates it; what everybody comes through stands out."""
    rows = [
        (f"https://{gate['host']}{path}", gate["auth"], _who(gate)) for gate in plan.gates for path in gate["paths"]
    ]
    if rows:
        yield "\nGates"
    width = max((len(address) for address, _, _ in rows), default=0)
    yield from (f"  {address:<{width}}  {auth:<8}  {who}".rstrip() for address, auth, who in rows)


def _who(gate: Mapping[str, Any]) -> str:
    who = "open to everybody" if gate["open"] else ", ".join(gate["access"])
    place = (" on the internet" if gate["public"] else " on the home networks") if gate["open"] else ""
    return f"{who}{place}{': ' if who and gate['reason'] else ''}{gate['reason'] or ''}"


def _steps(plan: Plan) -> Iterable[str]:
    if plan.steps:
        yield "\nSteps"
    for step in plan.steps:
        decision = step.decision
        yield f"  {SIGNS[decision.action.value]} {step.id:<24} {decision.state.value:<8} {decision.summary}"
