"""A rehearsal as people read it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from generator.rehearsal.changes import Rehearsal, ResourceChange

_SIGNS = {"create": "+", "update": "~", "replace": "!", "delete": "-", "move": ">", "import": "<", "forget": "."}
_COUNTED = (
    ("create", "to add"),
    ("update", "to change"),
    ("replace", "to replace"),
    ("delete", "to destroy"),
    ("move", "to move"),
    ("import", "to import"),
    ("forget", "to forget"),
)
_MOST = 12
"""Attributes of one resource that are shown; the rest are counted."""


def rehearsal_lines(rehearsals: Iterable[Rehearsal], *, whole: bool = False) -> Iterator[str]:
    """What Terraform would do, a heading for each stack; with ``whole`` what is added is listed too."""
    for rehearsal in rehearsals:
        yield f"\nTerraform in {rehearsal.stack}: {summary(rehearsal)}"
        yield from _refusals(rehearsal)
        for change in rehearsal.changes:
            if whole or change.action != "create":
                yield from change_lines(change)


def summary(rehearsal: Rehearsal) -> str:
    """How many changes there are of each kind, in a line."""
    if rehearsal.unrecorded:
        return f"not rehearsed: newservice has no record of {', '.join(rehearsal.unrecorded)}"
    if rehearsal.refused:
        where = "the stack as it would be" if rehearsal.side == "after" else "the stack as it is"
        return f"it refuses {where}"
    counts = [f"{number} {words}" for action, words in _COUNTED if (number := rehearsal.count(action))]
    restarts = sum(change.restarts for change in rehearsal.changes)
    counts += [f"{restarts} restart{'s' * (restarts > 1)}"] if restarts else []
    return ", ".join(counts) or "nothing changes"


def _refusals(rehearsal: Rehearsal) -> Iterator[str]:
    yield from (f"  ! {refusal}" for refusal in rehearsal.refused)


def change_lines(change: ResourceChange) -> Iterator[str]:
    """One resource, and below it its attributes and what follows."""
    marks = [
        f"moved from {change.previous}" if change.previous else "",
        f"because of {', '.join(change.replaced_by)}" if change.replaced_by else "",
        "restarts" if change.restarts else "",
        "holds data" if change.loses else "",
    ]
    verb = "replaced " if change.action == "replace" else ""
    notes = "; ".join(filter(None, marks))
    yield f"  {_SIGNS[change.action]} {change.address}{f'  ({verb}{notes})' if verb or notes else ''}"
    for attribute in change.attributes[:_MOST]:
        yield f"      {attribute.path}: {attribute.before or 'none'} -> {attribute.after or 'none'}"
    if len(change.attributes) > _MOST:
        yield f"      and {len(change.attributes) - _MOST} more"
    if change.effect:
        yield f"      {change.effect}"
