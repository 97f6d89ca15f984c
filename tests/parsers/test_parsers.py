"""No text is a fault of newservice: it is read, or refused with the error that the parser documents, in seconds."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import examples
from tests.parsers.targets import TARGETS, Target

LONGEST_SECONDS = 2.0


def withstands(target: Target, text: str) -> None:
    """Raise unless the parser returns or refuses ``text`` as it documents, and soon."""
    began = time.process_time()
    with suppress(*target.documented):
        target.run(text)
    took = time.process_time() - began
    assert took < LONGEST_SECONDS, f"{took:.1f} s for {text[:200]!r}"


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=examples(30), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_parser_withstands_any_text(name: str, data: st.DataObject) -> None:
    withstands(TARGETS[name], data.draw(TARGETS[name].texts))
