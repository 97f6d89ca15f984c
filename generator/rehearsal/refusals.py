"""Why Terraform refuses a configuration, from its diagnostics. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from generator.rehearsal.changes import Refusal

_PLACE = re.compile(r"\bat (\S+\.tf(?:\.json)?):(\d+)")


_MISSING = re.compile(
    r'^Invalid (?:resource type|data source): .*?"(\w+)"|list of available versions for provider ([\w./-]+)'
)


def read_refusals(diagnostics: Sequence[Mapping[str, Any]], stack: str) -> tuple[Refusal, ...]:
    """What the diagnostics of a run in the folder ``stack`` say, each once, with files of the infra repository."""
    refusals = (
        Refusal(raw["summary"], raw.get("detail", ""), f"{_from_root(place[0], stack)}:{place[1]}" if place else "")
        for raw, place in located(diagnostics)
    )
    return tuple(dict.fromkeys(refusals))


def unrecorded(diagnostics: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The providers, and types of theirs, that the diagnostics miss: no stand-in knows them."""
    texts = (f"{raw['summary']}: {' '.join(raw.get('detail', '').split())}" for raw in diagnostics)
    found = (_MISSING.search(text) for text in texts)
    return tuple(sorted({name for match in found if match for name in match.groups() if name}))


def located(diagnostics: Iterable[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], tuple[str, int] | None]]:
    """The diagnostics with their places.

    One without a place is left out where others have one, if it has no detail, or the same summary: then it says that
    something is wrong at all, or what Terraform's own folder has to do with it.
    """
    found = [(raw, place_of(raw)) for raw in diagnostics]
    placed = {raw["summary"] for raw, place in found if place}
    return [
        (raw, place)
        for raw, place in found
        if place or not placed or (raw.get("detail") and raw["summary"] not in placed)
    ]


def place_of(raw: Mapping[str, Any]) -> tuple[str, int] | None:
    """The file and the line of a diagnostic; of a module that can't be read, Terraform says them in words only."""
    if place := raw.get("range"):
        return place["filename"], place["start"]["line"]
    found = _PLACE.search(raw.get("detail", ""))
    return (found[1], int(found[2])) if found else None


def _from_root(file: str, stack: str) -> str:
    return posixpath.normpath(posixpath.join(stack, file))
