"""Golden trees hold tests of the services that they are; those are not ours to run."""

from __future__ import annotations

collect_ignore_glob = ["*"]
