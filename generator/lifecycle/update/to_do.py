"""What surrounds the merge of an update: only what the changed files, entries and answers require. Pure."""

from __future__ import annotations

from packaging.version import Version

from generator.engine.checklist import Checklist
from generator.engine.to_do import after_merge
from generator.lifecycle.update.plan import Upgrade, Upgrader


def to_do(upgrader: Upgrader, upgrade: Upgrade) -> Checklist:
    """Folders to create and stacks to apply, in the order that works; nothing for a service's repository."""
    recorded, answers = upgrade.recorded, upgrade.answers
    if recorded.layer != "stack":
        return Checklist()
    old, new = upgrader.made_by(recorded), upgrader.maker(Version(upgrade.to))
    before = old.answers(recorded)
    known = [*old.registrations(before), *new.registrations(answers)]
    ends = (old.template, before.context), (new.template, answers.context)
    return after_merge(upgrader.platform.infra, *ends, known, upgrade.files, upgrade.entries)
