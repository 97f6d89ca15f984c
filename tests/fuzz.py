"""How many examples property tests take: a few in ``make test``, thousands in ``make fuzz``.

``make fuzz`` sets ``HYPOTHESIS_PROFILE=fuzz``. A test says with ``examples`` how many it takes otherwise.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

THOROUGH = 2000
"""Examples of each text field under the profile ``fuzz``."""
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "default")

settings.register_profile(
    "fuzz",
    max_examples=THOROUGH,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
if PROFILE == "fuzz":
    settings.load_profile("fuzz")


def examples(usual: int, *, texts: int = 1) -> int:
    """``max_examples`` of a test that takes ``usual`` ones in ``make test``, each with so many ``texts`` of a field."""
    return max(usual, -(-THOROUGH // texts)) if PROFILE == "fuzz" else usual
