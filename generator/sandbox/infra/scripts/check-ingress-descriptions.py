#!/usr/bin/env python3
# ruff: noqa: T201 - a script for people's terminals
"""Every ingress with a tile on the dashboard has a description.

usage: check-ingress-descriptions.py PATH | --all
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

CALL = re.compile(r'^module "([^"]+)" \{', re.MULTILINE)
BRACE = re.compile("[{}]")
INGRESS = re.compile(r'^\s*source\s*=\s*"[^"]*ingress_factory"', re.MULTILINE)
HIDDEN = re.compile(r'homepage_enabled\s*=\s*false|"gethomepage\.dev/enabled"\s*=\s*"false"')
DESCRIBED = re.compile(r'"gethomepage\.dev/description"\s*=')
# Annotations that somebody else hands in can't be judged here.
HANDED_IN = re.compile(r"extra_annotations\s*=\s*[^{\s]")


def calls(text: str) -> Iterator[tuple[str, str]]:
    """The name and the text of each call of a module. Braces are counted in strings and comments, too."""
    for call in CALL.finditer(text):
        depth, end = 1, len(text)
        for brace in BRACE.finditer(text, call.end()):
            depth += 1 if brace[0] == "{" else -1
            if depth == 0:
                end = brace.start()
                break
        yield call[1], text[call.end() : end]


def undescribed(folder: Path) -> Iterator[str]:
    """The ingresses below a folder that have a tile without words."""
    for path in sorted(folder.rglob("*.tf")):
        for name, body in calls(path.read_text(encoding="utf-8")):
            settled = any(pattern.search(body) for pattern in (HIDDEN, DESCRIBED, HANDED_IN))
            if INGRESS.search(body) and not settled:
                yield f'{path}: module "{name}" has no "gethomepage.dev/description"'


def main() -> int:
    """Check one folder or all stacks; 0 when all are described, 1 when not, 2 for a wrong path."""
    parser = argparse.ArgumentParser(description="Check the descriptions of ingresses.")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("path", nargs="?", type=Path)
    where.add_argument("--all", action="store_true")
    asked = parser.parse_args()
    folder = Path("stacks") if asked.all else asked.path
    if not folder.is_dir():
        print(f"{folder} is no folder", file=sys.stderr)
        return 2
    problems = list(undescribed(folder))
    if problems:
        print("\n".join(problems), file=sys.stderr)
        print("describe it in extra_annotations, or set homepage_enabled = false", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
