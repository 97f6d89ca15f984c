#!/usr/bin/env python3
# ruff: noqa: T201 - a script for people's terminals
"""Every group that an ingress lets in is one that there is: a wrong name would keep everybody out.

usage: check-allowed-groups.py PATH | --all
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

# Groups made by hand in the single sign-on's interface.
BY_HAND = {"Home Server Admins", "Friends"}
LISTED = re.compile(r"\ballowed_groups\s*=\s*\[([^\]]*)\]")
TEXT = re.compile(r'"([^"]*)"')
MADE = re.compile(r'resource "authentik_group" "[^"]*" \{[^}]*?\bname\s*=\s*"([^"]*)"')


def known(stacks: Path) -> set[str]:
    """The groups that somebody made by hand, or some stack makes."""
    texts = [path.read_text(encoding="utf-8") for path in stacks.rglob("*.tf")]
    return BY_HAND.union(*(MADE.findall(text) for text in texts))


def unknown(folder: Path, groups: set[str]) -> list[str]:
    """Where a group is let in that is none."""
    found = []
    for path in sorted(folder.rglob("*.tf")):
        listed = LISTED.findall(path.read_text(encoding="utf-8"))
        named = {name for items in listed for name in TEXT.findall(items)}
        found += [f"{path}: there is no group {name}" for name in sorted(named - groups)]
    return found


def main() -> int:
    """Check one folder or all stacks; 0 when all groups are known, 1 when not, 2 for a wrong path."""
    parser = argparse.ArgumentParser(description="Check the groups that ingresses let in.")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("path", nargs="?", type=Path)
    where.add_argument("--all", action="store_true")
    asked = parser.parse_args()
    stacks = Path(__file__).resolve().parents[1] / "stacks"
    folder = stacks if asked.all else asked.path
    if not folder.is_dir():
        print(f"{folder} is no folder", file=sys.stderr)
        return 2
    problems = unknown(folder, known(stacks))
    if problems:
        print("\n".join(problems), file=sys.stderr)
        print(f"correct the name, or add it to BY_HAND in {Path(__file__).name}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
