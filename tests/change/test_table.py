"""Kinds of answers, changed one at a time: afterwards all is as if the service had been created with the new ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from generator.sandbox import Sandbox
from tests.answers import RICH, SMALLEST, UPSTREAM
from tests.change.forge import change, differing, merge_all, state, waiting
from tests.full import few
from tests.world import World

RICH = {**RICH, "auth": "required", "access": ["Home Server Admins"]}
RICH.pop("auth_reason")


@dataclass(frozen=True)
class Row:
    """A change: the answers that the service has, the flags, and the answers that differ in the end (None: gone)."""

    id: str
    had: dict[str, Any]
    flags: tuple[str, ...]
    then: dict[str, Any]
    where: tuple[str, ...] = ("infra",)

    @property
    def wanted(self) -> dict[str, Any]:
        """All answers in the end."""
        return {key: value for key, value in {**self.had, **self.then}.items() if value is not None}


def row(id_: str, had: dict[str, Any], *flags: str, where: tuple[str, ...] = ("infra",), **then: Any) -> Row:
    return Row(id_, had, flags, then, where)


VOLUME = {"name": "data", "mount": "/data"}
CACHE = {"name": "cache", "mount": "/cache"}
JOB = {"name": "tidy", "schedule": "0 3 * * *", "command": ["tidy"]}
HOOK = RICH["carveouts"][0]
ENV = RICH["env"]
BOTH = ("infra", "service")

ROWS = [
    row("memory", RICH, "--memory", "512Mi", memory="512Mi"),
    row("memory limit", RICH, "--memory-limit", "2Gi", memory_limit="2Gi"),
    row("title", RICH, "--title", "Town Guide", title="Town Guide", where=BOTH),
    row("description", RICH, "--description", "Guides through towns", description="Guides through towns",
        where=BOTH),
    row("tier", UPSTREAM, "--tier", "edge", tier="edge"),
    row("variable added", RICH, "--env", "OTHER=1", env={**ENV, "OTHER": "1"}),
    row("variable changed", RICH, "--env", "LOG_LEVEL=debug", env={**ENV, "LOG_LEVEL": "debug"}),
    row("variable removed", RICH, "--unset", "env.LOG_LEVEL", env={"DATABASE_HOST": "{pg_host}"}),
    row("variables replaced", RICH, "--replace", "env", "--env", "ONE=1", env={"ONE": "1"}),
    row("secret added", RICH, "--set", "secrets.ZONE=zone", secrets={**RICH["secrets"], "ZONE": "zone"}),
    row("first secret", SMALLEST, "--set", "secrets.ZONE=zone", secrets={"ZONE": "zone"}),
    row("volume added", RICH, "--set", 'volumes=[{"name": "cache", "mount": "/cache"}]', volumes=[VOLUME, CACHE]),
    row("volume grows", RICH, "--set", 'volumes=[{"name": "data", "mount": "/data", "size": "5Gi"}]',
        volumes=[{**VOLUME, "size": "5Gi"}]),
    row("volume removed", {**RICH, "volumes": [VOLUME, CACHE]}, "--unset", "volumes.cache", "--accept-loss",
        "volumes.cache", volumes=[VOLUME]),
    row("first volume", SMALLEST, "--set", 'volumes=[{"name": "data", "mount": "/data"}]', volumes=[VOLUME]),
    row("database added", SMALLEST, "--db", "postgres", where=BOTH, database="postgres"),
    row("database removed", RICH, "--db", "none", "--unset", "env.DATABASE_HOST", "--accept-loss", "database",
        where=BOTH, database="none", env={"LOG_LEVEL": "info"}),
    row("gate opened", RICH, "--auth", "app", "--auth-reason", "its own login", "--open", auth="app",
        auth_reason="its own login"),
    row("groups widened", RICH, "--set", 'access=["Home Server Admins", "Guests"]', "--open",
        access=["Home Server Admins", "Guests"]),
    row("path opened", {**RICH, "carveouts": []}, "--set",
        'carveouts=[{"name": "hooks", "paths": ["/hooks"], "auth": "none", "reason": "signed webhooks", '
        '"probe_path": "/hooks/ping"}]', "--open", carveouts=[HOOK]),
    row("path closed", RICH, "--unset", "carveouts.hooks", carveouts=[]),
    row("rate limit", RICH, "--set", "rate_limit.average=70", rate_limit={"average": 70, "burst": 300}),
    row("host", RICH, "--host", "guide", host="guide", where=BOTH),
    row("port", RICH, "--port", "9000", port=9000, where=BOTH),
    row("made public", RICH, "--image-visibility", "public", "--open", where=BOTH, image_visibility="public"),
    row("made private", {**RICH, "image_visibility": "public"}, "--image-visibility", "private", where=BOTH,
        image_visibility="private"),
    row("CI off", RICH, "--no-ci", ci=False, where=BOTH),
    row("CI on", {**RICH, "ci": False}, "--ci", ci=True, where=BOTH),
    row("image", UPSTREAM, "--image", "ghcr.io/example/reader:1.5.0", image="ghcr.io/example/reader:1.5.0"),
    row("no longer a site", UPSTREAM, "--kind", "worker", kind="worker"),
    row("a site", {**UPSTREAM, "kind": "worker"}, "--kind", "web", "--open", kind="web"),
    row("parked", RICH, "--replicas", "0", replicas=0),
    row("woken", {**RICH, "replicas": 0}, "--replicas", "1", replicas=1),
    row("at home only", SMALLEST, "--dns", "lan", dns="lan", where=BOTH),
]  # fmt: skip
"""Rows of the table."""

QUICK = ("made public", "CI off")
"""Those that ``make test`` runs: files of both repositories, both forges, Woodpecker and Actions."""
CHOSEN = sorted(ROWS, key=lambda row: row.id not in QUICK)


@pytest.fixture
def other(
    tmp_path: Path, authority: trustme.CA, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """A second platform, on which nothing happened yet."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    with Sandbox.start(tmp_path / "second", authority=authority) as sandbox:
        yield World(sandbox, folder, capsys, monkeypatch)


def created(world: World, given: dict[str, Any]) -> None:
    world.enter()
    assert world.run("create", given).code == 0
    world.merge(str(given["name"]))


@pytest.mark.parametrize("row", few(len(QUICK), CHOSEN), ids=lambda row: row.id.replace(" ", "_"))
def test_it_is_as_if_created_so(world: World, other: World, row: Row) -> None:
    name = str(row.had["name"])
    created(world, row.had)

    done = change(world, name, *row.flags)

    assert done.code == 0, done.out + done.err
    assert waiting(world, name) == [{"infra": world.infra.name, "service": name}[place] for place in row.where]
    again = change(world, name, *row.flags)
    assert (again.code, again.result["status"]) == (0, "unchanged"), again.out
    merge_all(world, name)
    assert change(world, name).code == 0  # removes what is no longer used
    last = change(world, name)
    assert (last.code, last.result["status"]) == (0, "unchanged"), last.out
    found = state(world, name)
    created(other, row.wanted)
    expected = state(other, name)
    assert differing(found, expected) == ""
