"""A plan: what would be done, bound to what was seen by a digest. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from generator.engine.checklist import Checklist
from generator.engine.plan_inputs import Basis
from generator.engine.seeds import Seed
from generator.infra_repo.entries import RegistrationChange
from generator.infra_repo.tree_diff import FileChange, content_of
from generator.rehearsal.changes import Rehearsal


class State(StrEnum):
    """How a thing that must exist was found."""

    ABSENT = "absent"
    PRESENT = "present"
    DRIFTED = "drifted"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"


class Action(StrEnum):
    """What is to be done about it."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    NONE = "none"
    REFUSE = "refuse"


@dataclass(frozen=True)
class Decision:
    """What one step found and is going to do; ``hint`` is the way out of a refusal, ``code`` what went wrong.

    ``to_do`` is what a person has to do although nothing is left, or will be left, for newservice. ``seeds`` are the
    sources of the secrets that are missing.
    """

    state: State
    action: Action
    summary: str
    hint: str = ""
    code: str = ""
    to_do: tuple[str, ...] = ()
    seeds: tuple[Seed, ...] = ()


@dataclass(frozen=True)
class StepPlan:
    """One step of the plan."""

    id: str
    system: str
    decision: Decision

    @property
    def refused(self) -> bool:
        """Whether it must not be carried out."""
        return self.decision.action is Action.REFUSE


@dataclass(frozen=True)
class Plan:
    """Files, registrations and steps for one service; ``basis`` is what it was made from.

    ``checklist`` is what surrounds the merge that it leads to, and ``gates`` is every way into the service, as the
    template's computed value of this name has them. ``rehearsals`` say what Terraform would do; they are no part of
    what the plan is bound to.
    """

    service: str
    files: tuple[FileChange, ...]
    registrations: tuple[RegistrationChange, ...]
    steps: tuple[StepPlan, ...]
    notes: tuple[str, ...] = ()
    basis: Basis | None = None
    checklist: Checklist | None = None
    gates: tuple[Mapping[str, Any], ...] = ()
    rehearsals: tuple[Rehearsal, ...] = ()

    @property
    def digest(self) -> str:
        """Changes whenever its basis, or anything that was seen or is going to be written, changes."""
        seen = {
            "basis": self.basis.as_document() if self.basis else None,
            "document": self.as_document(),
            "contents": [hashlib.sha256(change.content).hexdigest() for change in self.files],
            "before": [hashlib.sha256(content_of(change.before)).hexdigest() for change in self.files],
            "registered": [hashlib.sha256(change.after.encode()).hexdigest() for change in self.registrations],
        }
        return "sha256:" + hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()

    @property
    def refusals(self) -> list[StepPlan]:
        """Steps that would harm something which is not ours."""
        return [step for step in self.steps if step.decision.state is not State.UNKNOWN and step.refused]

    @property
    def unknown(self) -> list[StepPlan]:
        """Steps whose system could not be seen."""
        return [step for step in self.steps if step.decision.state is State.UNKNOWN]

    @property
    def conflicts(self) -> list[FileChange]:
        """Files that exist and differ."""
        return [change for change in self.files if change.action == "conflict"]

    @property
    def changes_nothing(self) -> bool:
        """Whether everything exists already."""
        if self.steps:
            return all(step.decision.action is Action.NONE for step in self.steps)
        written = all(change.shown == "unchanged" for change in self.files)
        return written and all(change.action in ("present", "update") for change in self.registrations)

    @property
    def to_do(self) -> tuple[str, ...]:
        """What a person has to do for the steps, once they are taken."""
        return tuple(line for step in self.steps for line in step.decision.to_do)

    @property
    def seeds(self) -> tuple[Seed, ...]:
        """Where the values of the secrets that the steps add come from."""
        return tuple(seed for step in self.steps for seed in step.decision.seeds)

    def as_document(self) -> dict[str, Any]:
        """The plan as the interface's JSON object, without event and digest; ``gates`` only where any exist."""
        gates = {"gates": [dict(gate) for gate in self.gates]} if self.gates else {}
        return {
            "service": self.service,
            "files": [_as_document(item) for item in self.files],
            "registrations": [{"id": item.id, "path": item.path, "action": item.action} for item in self.registrations],
            "steps": [
                {
                    "id": item.id,
                    "system": item.system,
                    "state": item.decision.state.value,
                    "action": item.decision.action.value,
                    "summary": item.decision.summary,
                }
                for item in self.steps
            ],
            **gates,
        }


def _as_document(item: FileChange) -> dict[str, Any]:
    """A file of the plan; ``executable`` only where that changes, whatever becomes of the content."""
    changed = {} if item.executable is None else {"executable": item.executable}
    return {"repo": item.repo, "path": item.path, "action": item.shown, **changed}


def build_plan(
    service: str,
    *,
    files: Iterable[FileChange],
    registrations: Iterable[RegistrationChange],
    steps: Iterable[StepPlan],
    notes: Iterable[str] = (),
    gates: Iterable[Mapping[str, Any]] = (),
) -> Plan:
    """Put together what was rendered, registered and decided."""
    return Plan(service, tuple(files), tuple(registrations), tuple(steps), tuple(notes), gates=tuple(gates))
