"""What ``make test`` leaves out and ``make test-all`` runs: tests that take long and rarely fail alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

full = pytest.mark.full
"""A test, or one of its parameters, for ``make test-all``."""


def few(number: int, values: Iterable[Any]) -> list[Any]:
    """Parameters of a test: this many as they are, and the others for ``make test-all``."""
    return [pytest.param(value, marks=[full] if at >= number else []) for at, value in enumerate(values)]
