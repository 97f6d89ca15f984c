"""The same answers by flags, by ``--set``, by a file and by the wizard make the same bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.full import full
from tests.invoke import Command, Desk
from tests.wizard.terminal import DOWN, SPACE, Terminal

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of forkpty:DeprecationWarning")

DISK = {"name": "data", "mount": "/data", "size": "2Gi"}
WILD = {
    "W1": "# no comment: {a: [b, \"c\"], d: 'e'} ${HOME} %{if} \\ ",
    "W2": "0123",
    "W3": "yes",
    "W4": "  Grüße 日本 🎉  ",
    "W5": "",
}
"""Texts that YAML or Terraform would take for something else, and blanks that count."""
ANSWERS: dict[str, Any] = {
    "name": "city-guide",
    "title": "City Guide",
    "description": "Guides through cities",
    "tier": "edge",
    "image_visibility": "public",
    "env": {"LOG_LEVEL": "info", "DATABASE_HOST": "{pg_host}", **WILD},
    "memory": "512Mi",
    "secrets": {"API_TOKEN": "api_token"},
    "database": {"engine": "postgres", "dsn_scheme": "postgresql+asyncpg"},
    "volumes": [DISK, {"name": "media", "kind": "nfs", "mount": "/media"}],
    "auth": "app",
    "auth_reason": "its own login",
    "homepage": {"enabled": True, "icon": "map"},
    "catalog_section": "Optional",
    # Under "more":
    "command": ["python", "-m", "app x"],
    "run_as": {"uid": 1000},
    "metrics": {"path": "/numbers", "port": 9000},
    "redis": 7,
    "cronjobs": [{"name": "tidy", "schedule": "@daily", "command": ["true"]}],
    "paths": ["/", "/more"],
    "carveouts": [{"name": "hooks", "paths": ["/hooks"], "reason": "signed webhooks"}],
    "rate_limit": {"average": 50, "burst": 300},
    "network_policy": True,
    "internal_monitor": {"path": "/healthz"},
}


def flags(given: Mapping[str, Any]) -> Iterator[str]:
    for key, value in given.items():
        flag = "--" + {"database": "db"}.get(key, key.replace("_", "-"))
        if value is True:
            yield flag
        elif key in ("command", "paths"):
            yield from (part for word in value for part in (flag, word))
        else:
            yield from (flag, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def sets(given: Mapping[str, Any]) -> Iterator[str]:
    for key, value in given.items():
        yield from ("--set", f"{key}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}")


@pytest.fixture
def made(desk: Desk) -> Callable[..., dict[str, bytes | None]]:
    """The trees that a command line makes on a desk of its own."""

    def make(name: str, *arguments: str) -> dict[str, bytes | None]:
        other = Desk(desk.folder / name, desk.command)
        other.folder.mkdir()
        other.prepare()
        places = ("--infra", other.infra, "--service-dir", other.service)
        completed = desk.command("create", "--no-provision", "--json", *places, *arguments)
        assert completed.code == 0, completed
        return trees(other.folder)

    return make


def trees(folder: Path) -> dict[str, bytes | None]:
    """Everything in the service's repository and in the infra repository."""
    found = Desk(folder, Command(None)).snapshot()  # type: ignore[arg-type]
    return {path: content for path, content in found.items() if path.startswith(("infra/", "service/"))}


def typed(shown: Terminal) -> None:
    """All of ``ANSWERS`` at the prompts: every kind of list, map and form there is."""
    needs = (SPACE, DOWN) * 4
    shown.answers("What do you start from?", ("name", "city-guide"), "title", ("description", "Guides through cities"))
    shown.answers(("tier", "\x1b[A"), "kind", "language", ("image_visibility", DOWN), ("What does it need?", *needs))
    shown.answers(("env: name", "LOG_LEVEL"), ("env: LOG_LEVEL", "info"))
    shown.picks("env", "add ...")
    shown.answers(("env: name", "DATABASE_HOST"), ("env: DATABASE_HOST", "{pg_host}"))
    for name, value in WILD.items():
        shown.picks("env", "add ...")
        shown.answers(("env: name", name), (f"env: {name}", value))
    shown.answers("env", ("memory", "512Mi"))
    shown.answers(("secrets: name", "API_TOKEN"), ("secrets: API_TOKEN", "api_token"), "secrets")
    shown.picks("database", "more settings ...")
    shown.picks("database", "dsn_scheme")
    shown.answers(("database: dsn_scheme", "postgresql+asyncpg"), "database")
    shown.answers(("volumes 1: name", "data"), "volumes 1: kind", ("volumes 1: mount", "/data"))
    shown.picks("volumes 1", "size")
    shown.answers(("volumes 1: size", "2Gi"), "volumes 1")
    shown.picks("volumes", "write it as YAML ...")
    both = "[{name: data, mount: /data, size: 2Gi}, {name: media, kind: nfs, mount: /media}]"
    shown.answers(("volumes (YAML)", both), "backup", "dns", ("auth", DOWN), ("auth_reason", "its own login"))
    shown.picks("homepage", "icon")
    shown.answers(("homepage: icon", "map"), "homepage", ("catalog_section", "Optional"))
    shown.picks("Your answers", "more questions ...")
    more(shown, "Runtime command")
    shown.answers(("command", 'python -m "app x"'))
    more(shown, "Runtime run_as")
    shown.picks("run_as", "uid")
    shown.answers(("run_as: uid", "1000"), "run_as")
    more(shown, "Runtime metrics")
    shown.picks("metrics", "more settings ...")
    shown.picks("metrics", "path")
    shown.answers(("metrics: path", "/numbers"))
    shown.picks("metrics", "port")
    shown.answers(("metrics: port", "9000"), "metrics")
    more(shown, "Data redis")
    shown.picks("redis", "a number ...")
    shown.answers(("redis", "7"))
    more(shown, "Jobs cronjobs")
    shown.answers(("cronjobs 1: name", "tidy"), ("cronjobs 1: schedule", "@daily"), ("cronjobs 1: command", "true"))
    shown.answers("cronjobs 1", "cronjobs")
    more(shown, "Exposure paths")
    shown.picks("paths", "add ...")
    shown.answers(("paths 2", "/more"), "paths")
    more(shown, "Exposure carveouts")
    shown.answers(("carveouts 1: name", "hooks"), ("carveouts 1: paths 1", "/hooks"), "carveouts 1: paths")
    shown.answers("carveouts 1: auth", ("carveouts 1: reason", "signed webhooks"), "carveouts 1", "carveouts")
    more(shown, "Exposure rate_limit")
    shown.picks("rate_limit", "more settings ...")
    shown.answers(("rate_limit: average", "50"), ("rate_limit: burst", "300"), "rate_limit")
    more(shown, "Exposure network_policy")
    shown.asks("network_policy")
    shown.types("y")
    more(shown, "Listing internal_monitor")
    shown.picks("internal_monitor", "more settings ...")
    shown.answers(("internal_monitor: path", "/healthz"), "internal_monitor")


def more(shown: Terminal, question: str) -> None:
    shown.picks("Answer which question?", question)


@full
def test_the_longest_path_makes_what_flags_sets_and_a_file_make(
    folder: Path, terminal: Callable[..., Terminal], made: Callable[..., dict[str, bytes | None]]
) -> None:
    """Every list, map and form, in the short wizard and under "more"; byte for byte."""
    shown = terminal("--service-dir", str(folder / "service"))
    typed(shown)
    shown.answers("Answer which question?", "Your answers")
    shown.picks("Carry it out?", "carry it out")
    code, text = shown.ends()
    assert code == 0, text
    by_wizard = trees(folder)
    assert len(by_wizard) > 40
    answers = folder / "answers.yml"
    answers.write_text(yaml.safe_dump(ANSWERS, sort_keys=False))
    assert made("flags", *flags(ANSWERS)) == by_wizard
    assert made("sets", *sets(ANSWERS)) == by_wizard
    assert made("file", "--answers", str(answers)) == by_wizard
