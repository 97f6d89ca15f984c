"""``python -m tests.rehearsal.upgrades``: golden services through the template's versions, as the docs' table."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

from packaging.version import Version

from generator.rehearsal import Rehearsal, Rehearsals
from generator.template.template import Template
from tests.upgrade.services import Origin, golden

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "rehearsal.md"
BEGIN, END = "<!-- golden services: begin -->", "<!-- golden services: end -->"
VERSIONS = ("1.0.0", "2.4.1", "3.0.0", Template.installed().version)
"""Steps of major versions, and what comes next."""
_COUNTED = {"create": "added", "update": "changed", "replace": "replaced", "delete": "destroyed", "move": "moved"}


@cache
def origins() -> Mapping[str, Mapping[str, Origin]]:
    """The golden services of each version, by version and case."""
    return {
        version: {one.title.partition(" ")[0]: one for one in golden(version=Version(version))} for version in VERSIONS
    }


def cases() -> list[str]:
    """The golden services that every version knows."""
    known = [set(found) for found in origins().values()]
    return sorted(set.intersection(*known))


def steps(case: str, rehearsals: Rehearsals) -> list[Rehearsal]:
    """What Terraform would do with a service from each version to the next."""
    made = [origins()[version][case] for version in VERSIONS]
    return [
        rehearsals.rehearse(posixpath.normpath(after.prefix("stack")), before.tree("stack"), after.tree("stack"))
        for before, after in pairwise(made)
    ]


def row(case: str, found: Sequence[Rehearsal]) -> str:
    """The table's line of a service."""
    return f"| `{case}` | {' | '.join(map(_cell, found))} |"


def _cell(found: Rehearsal) -> str:
    counted = [f"{found.count(action)} {word}" for action, word in _COUNTED.items() if found.count(action)]
    if found.refused or not counted:
        return "refused" if found.refused else "nothing"
    parts = ["; pods restart" * any(change.restarts for change in found.changes)]
    parts += [f"; replaced: `{change.address}` by `{', '.join(change.replaced_by)}`" for change in found.lost]
    return ", ".join(counted) + "".join(parts)


def head() -> list[str]:
    """The table's first lines."""
    names = [f"{before} to {after}" for before, after in pairwise(VERSIONS)]
    return [f"| service | {' | '.join(names)} |", f"|---{'|---' * len(names)}|"]


def table() -> Iterator[str]:
    """The whole table."""
    yield from head()
    rehearsals = Rehearsals()
    try:
        yield from (row(case, steps(case, rehearsals)) for case in cases())
    finally:
        rehearsals.close()


def shown() -> list[str]:
    """The table's lines in the docs."""
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return rest.partition(END)[0].strip().splitlines()


def main() -> None:
    """Write the table into the docs."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    lines = "\n".join(table())
    PAGE.write_text(f"{before}{BEGIN}\n{lines}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
