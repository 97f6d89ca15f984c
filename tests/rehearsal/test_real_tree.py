"""Every stack of a real infra repository, applied and planned again; ``NEWSERVICE_INFRA_CHECKOUT`` names it."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

import pytest

from generator.infra_repo.trees import Folder
from generator.rehearsal.layout import lay_out
from generator.rehearsal.terraform import Terraform
from tests.full import full
from tests.processes import descendants
from tests.stack.infra import named_checkout

SHARE = 0.8
"""Of the stacks: others can't be applied, for faults of their own and for what only the real world knows."""
SECONDS_EACH = 5
MOST_MEMORY = 3 << 19
"""KiB of one process."""


@full
def test_stacks_of_a_real_repository_are_applied_and_planned_without_a_change() -> None:
    checkout = named_checkout()
    if checkout is None:
        pytest.skip("NEWSERVICE_INFRA_CHECKOUT names no checkout of an infra repository")
    tree = Folder(checkout)
    stacks = sorted(folder.name for folder in (checkout / "stacks").iterdir() if any(folder.glob("*.tf")))
    layouts = [lay_out(tree, f"stacks/{name}") for name in stacks]
    terraform = Terraform(frozenset().union(*(layout.providers for layout in layouts)))
    began, empty, memory = time.monotonic(), 0, 0
    try:
        for layout in layouts:
            found = terraform.run(layout, layout)
            changes = [item["change"]["actions"] for item in found.get("plan", {}).get("resource_changes", ())]
            empty += "plan" in found and all(actions in (["no-op"], ["read"]) for actions in changes)
        memory = max(map(peak, descendants(os.getpid())))
    finally:
        terraform.close()
    assert empty >= SHARE * len(stacks)
    assert time.monotonic() - began <= SECONDS_EACH * len(stacks)
    assert memory <= MOST_MEMORY


def peak(pid: int) -> int:
    """The most memory that a process has had, in KiB."""
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
    return 0
