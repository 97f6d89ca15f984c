"""``python -m tests.manual``: the table of the manual's rules with today's outcome, and the counts."""

from __future__ import annotations

import sys
from collections import Counter

from tests.manual.evidence import RULES, outcome


def main() -> None:
    """Print a line for each rule, and what is missing."""
    counts: Counter[str] = Counter()
    for rule in RULES:
        found, faults = outcome(rule)
        counts[found] += 1
        sys.stdout.write(f"{found:10} {rule.id:26} {rule.lines:26} {rule.rule}\n")
        for fault in faults:
            sys.stdout.write(f"{'':11}- {' '.join(fault.split())[:200]}\n")
    sys.stdout.write(f"{len(RULES)} rules: {', '.join(f'{number} {name}' for name, number in counts.items())}\n")


if __name__ == "__main__":
    main()
