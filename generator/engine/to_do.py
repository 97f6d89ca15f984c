"""What a person does around a merge: from the template's ``apply.yml`` and from the registrations. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from generator.engine.checklist import STACK_ORDER, Checklist, Task, by_hand_first, checklist
from generator.infra_repo.entries import RegistrationChange
from generator.infra_repo.registrations import Registration
from generator.infra_repo.tree_diff import FileChange
from generator.platform.profile import InfraRepository
from generator.template.files import ANSWERS_FILE
from generator.template.template import Template, parse_yaml

_CODE = re.compile(r"\[\[(.*?)\]\]|\[%(.*?)%\]", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_]+")
_NOT_ANSWERS = frozenset({"platform"})


def all_tasks(
    infra: InfraRepository,
    template: Template,
    context: Mapping[str, Any],
    registrations: Iterable[Registration],
    branch: str,
) -> Checklist:
    """Everything around the merge of a new stack, which ``branch`` proposes."""
    applying = list(to_apply(infra, registrations))
    return checklist(infra, _tasks_of(template, _merging(infra, context, applying, branch, new=True)), applying)


def after_merge(
    infra: InfraRepository,
    before: tuple[Template, Mapping[str, Any]],
    after: tuple[Template, Mapping[str, Any]],
    registrations: Iterable[Registration],
    files: Iterable[FileChange],
    entries: Iterable[RegistrationChange],
    branch: str = "",
) -> Checklist:
    """What surrounds the merge of a change of a stack: only what files, entries and answers require.

    ``before`` and ``after`` are versions of the template, each with the context of its answers; ``registrations`` those
    of both. ``branch`` proposes the change, where newservice knows it.
    """
    names = (before[1].keys() & after[1].keys()) - _NOT_ANSWERS  # what a later template has more is no change
    changed = {name for name in names if before[1].get(name) != after[1].get(name)}
    moved = {(item.id, item.path) for item in entries if item.action in ("add", "update", "remove")}
    paths = [item.path for item in files if item.written or item.action in ("delete", "conflict")]
    files_change = any(not path.endswith(ANSWERS_FILE) for path in paths)
    applying = list(to_apply(infra, (item for item in registrations if (item.id, item.path) in moved)))
    start, goal = _merging(infra, before[1], (), branch), _merging(infra, after[1], applying, branch)
    wanted = _about_the_new(start, after[0], goal)
    own = _required(wanted, _tasks_of(before[0], start), changed, files=files_change)
    return checklist(infra, own, applying)


def to_apply(infra: InfraRepository, registrations: Iterable[Registration]) -> Iterator[Task]:
    """What is to be applied because of registrations."""
    for item in registrations:
        if item.apply_note:
            stack, line = infra.stack_of(item.path), f"apply {item.apply_note}"
            yield Task(item.order, line, stack=stack, targets=item.targets)


def _merging(
    infra: InfraRepository, context: Mapping[str, Any], applying: Iterable[Task], branch: str, *, new: bool = False
) -> Mapping[str, Any]:
    """The context with what ``apply.yml`` may know of the merge: its branch, and what is applied by hand before it.

    ``new``: it adds the stack.
    """
    first = [task.stack for task in by_hand_first(infra, list(applying))]
    merging = {"applies": infra.pipeline is not None, "new": new, "branch": branch, "by_hand": first}
    return {**context, "merging": {**merging, "apply": infra.apply, "file_server": infra.file_server}}


def _tasks_of(template: Template, context: Mapping[str, Any]) -> Iterator[Task]:
    """What ``apply.yml`` of a version of the template asks for with these answers."""
    path = template.root / "templates" / "apply.yml"
    for number, item in enumerate(parse_yaml(path.read_text(encoding="utf-8")) if path.is_file() else ()):
        condition = item.get("when")
        if condition is None or parse_yaml(template.render(condition, context)):
            texts = item["do"], item.get("run", "")
            code = " ".join(match[1] or match[2] for match in _CODE.finditer(f"{condition or ''}{''.join(texts)}"))
            line, command = (template.render(text, context).strip() for text in texts)
            own = str(context["name"]) if item["order"] == STACK_ORDER else ""
            reads = frozenset(_NAME.findall(code))
            yield Task(item["order"], line, command, reads, condition is None, number, own)


def _about_the_new(before: Mapping[str, Any], template: Template, after: Mapping[str, Any]) -> Iterator[Task]:
    """What these answers ask for; where an answer is a list, only because of what is new in it."""
    lists = {name: value for name, value in after.items() if isinstance(value, list)}
    known = {name: before[name] for name in lists if isinstance(before.get(name), list)}
    new = {name: [item for item in lists[name] if item not in known[name]] for name in known}
    asked = {task.number: task for task in _tasks_of(template, {**after, **new})}
    return (task if task.always else asked[task.number] for task in _tasks_of(template, after) if task.number in asked)


def _required(tasks: Iterable[Task], before: Iterable[Task], changed: Iterable[str], *, files: bool) -> Iterator[Task]:
    """Those of ``tasks`` that a change needs: new ones, those that depend on ``changed`` answers.

    ``before`` are those of the earlier answers. ``files``: the stack's own files change as well.
    """
    lines, names = {task.line for task in before}, frozenset(changed)
    return (task for task in tasks if (files if task.always else task.line not in lines or task.reads & names))
