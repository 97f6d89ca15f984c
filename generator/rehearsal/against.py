"""A rehearsal beside the pipeline's own plan: where the two disagree. Pure, but for reading the file."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.base.errors import UsageError
from generator.rehearsal.changes import UNKNOWN, Rehearsal, ResourceChange, read_plan

_LARGEST = 256 << 20
"""Bytes of a plan: the largest that Terraform wrote of real stacks have some megabytes."""
_NOTHING = "nothing"
_HINT = "write it with `terraform show -json PLAN > FILE`, where PLAN is the file of `terraform plan -out=PLAN`"


@dataclass(frozen=True)
class Disagreement:
    """One address of which the rehearsal and the plan say different things; ``nothing`` is no change.

    ``only_ours`` and ``only_theirs``: attributes that change in one of them alone, where both change the resource.
    """

    address: str
    ours: str
    theirs: str
    only_ours: tuple[str, ...] = ()
    only_theirs: tuple[str, ...] = ()

    def as_document(self) -> dict[str, Any]:
        """The disagreement as JSON; what does not apply is left out."""
        found: dict[str, Any] = {"address": self.address, "ours": self.ours, "theirs": self.theirs}
        lists = {"only_ours": self.only_ours, "only_theirs": self.only_theirs}
        return found | {name: list(paths) for name, paths in lists.items() if paths}

    def __str__(self) -> str:
        if self.ours != self.theirs:
            return f"{self.address}: rehearsed {self.ours}, planned {self.theirs}"
        parts = (("rehearsed", self.only_ours), ("planned", self.only_theirs))
        said = "; ".join(f"only {who}: {', '.join(paths)}" for who, paths in parts if paths)
        return f"{self.address}: {self.ours} in both, {said}"


def read_real_plan(file: Path) -> dict[str, Any]:
    """A plan as ``terraform show -json`` writes it. Raises ``UsageError`` for any other file, and one that failed."""
    try:
        with file.open("rb") as stream:
            content = stream.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError("rehearsal.plan", f"{file} can't be read: {error.strerror}", _HINT) from None
    if len(content) > _LARGEST:
        raise UsageError("rehearsal.plan", f"{file} is larger than {_LARGEST >> 20} MiB", _HINT)
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise UsageError("rehearsal.plan", f"{file} is not JSON", _HINT) from None
    _check(found, f"{file}")
    plan: dict[str, Any] = found
    return plan


def compare(rehearsal: Rehearsal, plan: Mapping[str, Any], stateful: Collection[str] = ()) -> tuple[Disagreement, ...]:
    """Where a rehearsal and the pipeline's ``plan``, as ``terraform show -json`` has it, disagree, by address.

    Values that are known after apply only are left out: the rehearsal has none to compare. Raises ``UsageError`` where
    ``plan`` is none.
    """
    _check(plan, "the plan")
    if rehearsal.refused or rehearsal.unrecorded:
        return (Disagreement(rehearsal.stack, "refused" if rehearsal.refused else "not possible", "planned"),)
    ours = {change.address: change for change in rehearsal.changes}
    theirs = {change.address: change for change in read_plan(plan, stateful)}
    pairs = ((address, ours.get(address), theirs.get(address)) for address in sorted({*ours, *theirs}))
    found = (_compared(address, one, other) for address, one, other in pairs)
    return tuple(item for item in found if item)


def _check(found: Any, where: str) -> None:
    if not isinstance(found, Mapping) or not isinstance(found.get("format_version"), str):
        raise UsageError("rehearsal.plan", f"{where} is no plan of Terraform's in JSON", _HINT)
    changes = found.get("resource_changes", [])
    if "planned_values" not in found or not isinstance(changes, list) or not all(map(_is_change, changes)):
        raise UsageError("rehearsal.plan", f"{where} is JSON of Terraform's, but no plan, such as a state", _HINT)
    if found.get("errored"):
        raise UsageError(
            "rehearsal.plan",
            f"{where} is of a plan that failed: not everything is in it",
            "see why the pipeline failed",
        )


def _is_change(item: Any) -> bool:
    if not isinstance(item, Mapping) or not all(isinstance(item.get(key), str) for key in ("address", "mode", "type")):
        return False
    change = item.get("change")
    return (
        isinstance(change, Mapping) and isinstance(change.get("actions"), list) and {"before", "after"} <= set(change)
    )


def _compared(address: str, ours: ResourceChange | None, theirs: ResourceChange | None) -> Disagreement | None:
    said = (ours.action if ours else _NOTHING, theirs.action if theirs else _NOTHING)
    if said[0] != said[1]:
        return None if _unknown_only(ours, theirs) else Disagreement(address, *said)
    one, other = _paths(ours), _paths(theirs)
    unknown = _paths(ours, known=False) | _paths(theirs, known=False)
    only = (tuple(sorted(left - right - unknown)) for left, right in ((one, other), (other, one)))
    found = Disagreement(address, *said, *only)
    return found if found.only_ours or found.only_theirs else None


def _unknown_only(ours: ResourceChange | None, theirs: ResourceChange | None) -> bool:
    """Whether one of them has an update of nothing but values that are known after apply, and the other has none."""
    (found, *more) = [change for change in (ours, theirs) if change]
    return not more and found.action == "update" and bool(found.attributes) and not _paths(found)


def _paths(change: ResourceChange | None, *, known: bool = True) -> set[str]:
    attributes = change.attributes if change else ()
    return {item.path for item in attributes if (item.after != UNKNOWN) is known}
