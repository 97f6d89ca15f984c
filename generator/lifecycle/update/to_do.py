"""What a person does once an update is merged: only what the changed files, entries and answers require. Pure."""

from __future__ import annotations

from packaging.version import Version

from generator.engine.to_do import in_order, required, tasks_of, to_apply
from generator.lifecycle.update.plan import Upgrade, Upgrader
from generator.template.files import ANSWERS_FILE

_NOT_ANSWERS = frozenset({"platform"})


def to_do(upgrader: Upgrader, upgrade: Upgrade) -> tuple[str, ...]:
    """Folders to create and stacks to apply, in the order that works; nothing for a service's repository."""
    recorded, answers = upgrade.recorded, upgrade.answers
    if recorded.layer != "stack":
        return ()
    old, new = upgrader.made_by(recorded), upgrader.maker(Version(upgrade.to))
    before = old.answers(recorded)
    entries = {(item.id, item.path) for item in upgrade.entries if item.action in ("add", "update", "remove")}
    known = [*old.registrations(before), *new.registrations(answers)]
    files = [item.path for item in upgrade.files if item.written or item.action in ("delete", "conflict")]
    names = (before.context.keys() | answers.context.keys()) - _NOT_ANSWERS
    changed = {name for name in names if before.context.get(name) != answers.context.get(name)}
    own = required(
        tasks_of(new.template, answers.context),
        list(tasks_of(old.template, before.context)),
        changed,
        files=any(not path.endswith(ANSWERS_FILE) for path in files),
    )
    return in_order([*to_apply(item for item in known if (item.id, item.path) in entries), *own])
