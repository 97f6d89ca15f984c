"""Which services of the fleet a command is about. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from generator.base.errors import UsageError
from generator.base.external import MOST_JSON_BYTES, read_bounded, read_json
from generator.fleet.findings import RETRIED, Place, State

_SHARD = re.compile(r"([1-9]\d*)/([1-9]\d*)")


@dataclass(frozen=True)
class Selection:
    """Name patterns (empty: all), one of several shards, and the trees named in an earlier report (None: all)."""

    only: tuple[str, ...] = ()
    shard: tuple[int, int] = (1, 1)
    retried: frozenset[tuple[str, str]] | None = None

    def has(self, place: Place) -> bool:
        """Whether a tree is selected."""
        return self.names(place.name) and (self.retried is None or (place.name, place.layer) in self.retried)

    def names(self, name: str) -> bool:
        """Whether a service is selected, regardless of an earlier report."""
        number, count = self.shard
        hashed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])  # the same on every machine
        return hashed % count == number - 1 and self.fits(name)

    def fits(self, name: str) -> bool:
        """Whether a name matches one of the patterns, in whichever shard it is."""
        return not self.only or any(fnmatchcase(name, item) for item in self.only)


def parse_shard(text: str) -> tuple[int, int]:
    """The shard and the number of shards: ``2/3`` is the second of three. Raises ``UsageError`` otherwise."""
    found = _SHARD.fullmatch(text)
    if found is None or int(found[1]) > int(found[2]):
        raise UsageError(
            "fleet.shard",
            f"--shard {text} is no shard",
            "write 1/3, 2/3 and 3/3 for the three shards of three workers",
        )
    return int(found[1]), int(found[2])


def read_failed(path: Path) -> frozenset[tuple[str, str]]:
    """Name and layer of the trees that failed, or were not begun, in an earlier report. Raises ``UsageError``."""
    try:
        document = read_json(read_bounded(path, MOST_JSON_BYTES))
        services: Sequence[dict[str, str]] = document["services"]
        return frozenset((item["name"], item["layer"]) for item in services if State(item["state"]) in RETRIED)
    except OSError as error:
        raise UsageError("fleet.report", f"{path} can't be read: {error.strerror}", "check --retry") from error
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise UsageError(
            "fleet.report", f"{path} is not a fleet report", "name a file that --report made, ending in .json"
        ) from error
