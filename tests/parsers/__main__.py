"""``python -m tests.parsers MINUTES [TARGET ...]``: each parser for so long, with new texts; prints what it finds."""

from __future__ import annotations

import resource
import sys
import time
import traceback

from hypothesis import HealthCheck, given, seed, settings

from tests.parsers.targets import TARGETS
from tests.parsers.test_parsers import withstands

MOST_MEMORY = 2 << 30
"""Bytes of the whole process: a text that takes more is a crash."""


def run(name: str, seconds: float, first: int) -> tuple[int, list[str]]:
    """How many texts there were, and what was found."""
    target, found, count = TARGETS[name], list[str](), 0
    end, number = time.monotonic() + seconds, first

    while time.monotonic() < end:
        number += 1

        @seed(number)
        @settings(max_examples=500, database=None, deadline=None, suppress_health_check=list(HealthCheck))
        @given(target.texts)
        def examples(text: str) -> None:
            nonlocal count
            if time.monotonic() < end:
                count += 1
                withstands(target, text)

        try:
            examples()
        except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
            found.append(traceback.format_exc()[-1500:])
            if len(found) == 3:
                break
    return count, found


def main(arguments: list[str]) -> int:
    """Run all targets, or those that are named; 1 if one of them failed."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    minutes, names = float(arguments[0]), arguments[1:] or list(TARGETS)
    failed = False
    for name in names:
        began = time.monotonic()
        count, found = run(name, minutes * 60, int(time.time()))
        failed |= bool(found)
        sys.stdout.write(f"{name}: {count} texts in {(time.monotonic() - began) / 60:.1f} min, {len(found)} found\n")
        sys.stdout.write("".join(f"{text}\n" for text in found))
        sys.stdout.flush()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
