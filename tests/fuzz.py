"""How many examples property tests take: a few in ``make test``, more in ``make test-all``, thousands in ``make fuzz``.

The last two set ``HYPOTHESIS_PROFILE``. A test says with ``examples`` how many it takes in ``make test-all``.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

THOROUGH = 2000
"""Examples of each text field under the profile ``fuzz``."""
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "default")
FEWER = 3
"""``make test`` takes one in so many of the usual examples."""

settings.register_profile(
    "fuzz",
    max_examples=THOROUGH,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("few", max_examples=settings().max_examples // FEWER)
if PROFILE != "all":
    settings.load_profile("fuzz" if PROFILE == "fuzz" else "few")


def examples(usual: int, *, texts: int = 1) -> int:
    """``max_examples`` of a test that takes ``usual`` ones in ``make test-all``, each with so many ``texts``."""
    if PROFILE == "fuzz":
        return max(usual, -(-THOROUGH // texts))
    return usual if PROFILE == "all" else -(-usual // FEWER)
