"""What a person does once an update is merged: only what the changed files, entries and answers require. Pure."""

from __future__ import annotations

from packaging.version import Version

from generator.engine.to_do import after_merge
from generator.lifecycle.update.plan import Upgrade, Upgrader


def to_do(upgrader: Upgrader, upgrade: Upgrade) -> tuple[str, ...]:
    """Folders to create and stacks to apply, in the order that works; nothing for a service's repository."""
    recorded, answers = upgrade.recorded, upgrade.answers
    if recorded.layer != "stack":
        return ()
    old, new = upgrader.made_by(recorded), upgrader.maker(Version(upgrade.to))
    before = old.answers(recorded)
    known = [*old.registrations(before), *new.registrations(answers)]
    ends = (old.template, before.context), (new.template, answers.context)
    return after_merge(*ends, known, upgrade.files, upgrade.entries)
