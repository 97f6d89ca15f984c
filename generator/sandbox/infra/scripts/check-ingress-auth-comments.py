#!/usr/bin/env python3
# ruff: noqa: T201 - a script for people's terminals
"""Every ingress without single sign-on says why, in the comment right above its auth line.

usage: check-ingress-auth-comments.py PATH | --all
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

OPEN_TIER = re.compile(r'^\s*auth\s*=\s*"(app|none)"\s*$')
MENTION = re.compile(r'auth\s*=\s*"(\w+)"')


def explained(lines: list[str], index: int, tier: str) -> bool:
    """Whether the comment block that ends above a line mentions the tier."""
    while index > 0 and lines[index - 1].lstrip().startswith("#"):
        index -= 1
        if tier in MENTION.findall(lines[index]):
            return True
    return False


def unexplained(folder: Path) -> list[str]:
    """The open auth lines below a folder that nobody has explained."""
    found = []
    for path in sorted(folder.rglob("*.tf")):
        lines = path.read_text(encoding="utf-8").splitlines()
        for index, line in enumerate(lines):
            tier = OPEN_TIER.match(line)
            if tier and not explained(lines, index, tier[1]):
                found.append(f'{path}:{index + 1}: auth = "{tier[1]}" has no comment above it that says why')
    return found


def main() -> int:
    """Check one folder or all stacks; 0 when everything is explained, 1 when not, 2 for a wrong path."""
    parser = argparse.ArgumentParser(description="Check the comments above open auth tiers.")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("path", nargs="?", type=Path)
    where.add_argument("--all", action="store_true")
    asked = parser.parse_args()
    folder = Path("stacks") if asked.all else asked.path
    if not folder.is_dir():
        print(f"{folder} is no folder", file=sys.stderr)
        return 2
    problems = unexplained(folder)
    if problems:
        print("\n".join(problems), file=sys.stderr)
        print('write "# auth = \\"<tier>\\": <reason>" on the line above each', file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
