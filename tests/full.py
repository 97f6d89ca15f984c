"""What ``make test`` leaves out and ``make test-all`` runs: tests that take long and rarely fail alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

full = pytest.mark.full
"""A test, or one of its parameters, for ``make test-all``."""


def few(number: int, values: Iterable[Any], *, apart: bool = False) -> list[Any]:
    """Parameters of a test: this many as they are, and the others for ``make test-all``.

    ``apart``: each value is a tuple with one item for each argument of the test.
    """
    sets = [value if apart else (value,) for value in values]
    return [pytest.param(*values, marks=[full] if at >= number else []) for at, values in enumerate(sets)]
