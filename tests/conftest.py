"""Every test runs in a home of its own, without the person's git settings and tokens, and may reach loopback only."""

from __future__ import annotations

import ipaddress
import math
import os
import socket
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import trustme

from generator.base.secrets import forgotten_afterwards
from generator.sandbox import Sandbox
from tests.fuzz import PROFILE
from tests.invoke import Command, Desk
from tests.pairwise import SEEDS
from tests.world import Shelf, World

TOKENS = ("FORGEJO", "GITHUB", "WOODPECKER", "VAULT", "SLACK", "REGISTRY", "NEWSERVICE", "COPIER", "GIT_", "TEAM_")


@pytest.fixture(scope="session")
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of all tests of a run: a command in a process of its own finds the templates compiled, as usual."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A new home for each test. Not by ``mktemp``, which looks through thousands of folders for the next number."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in count())


@pytest.fixture(autouse=True)
def _hermetic(_homes: Iterator[Path], _cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    home = next(_homes)
    home.mkdir(mode=0o700)
    for name in list(os.environ):
        if name.startswith(TOKENS) and name != "NEWSERVICE_INFRA_CHECKOUT":
            monkeypatch.delenv(name)
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)  # a second process needn't compile everything again
    for name, value in {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(_cache),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_TERMINAL_PROMPT": "0",
        "NO_COLOR": "1",
        "NEWSERVICE_REHEARSAL": "never",  # a second for each plan; tests/rehearsal asks for it
    }.items():
        monkeypatch.setenv(name, value)
    (home / ".gitconfig").write_text("[user]\n\tname = Tester\n\temail = tester@example.test\n[core]\n\tfsync = none\n")
    with forgotten_afterwards():  # a test's secret may be a word of the next one's
        yield


@pytest.fixture
def own_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache in the test's own home, which nothing wrote to yet: for a test that looks at what is kept there."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(Path.home() / ".cache"))


def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are cores: a good third of a test's time it waits, for git, sockets and moments."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return math.ceil(1.5 * cores)


ASKED_FOR = ("faults", "full")
"""Markers of tests that run only where ``-m`` names them."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    unasked = [name for name in ASKED_FOR if name not in config.option.markexpr]
    left_out = [item for item in items if any(item.get_closest_marker(name) for name in unasked)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        kept = {*items} - {*left_out}
        items[:] = [item for item in items if item in kept]


def pytest_report_header() -> list[str]:
    """What makes a run the same again."""
    return [f"pairwise seeds: {', '.join(map(str, SEEDS))}; hypothesis profile: {PROFILE}"]


class BlockedAddressError(AssertionError):
    """A test tried to leave this machine."""


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def check(address: Any) -> None:
        if isinstance(address, tuple):
            try:
                allowed = ipaddress.ip_address(address[0]).is_loopback
            except ValueError:
                allowed = address[0] == "localhost"
            if not allowed:
                raise BlockedAddressError(f"a test tried to reach {address}")

    def checked_connect(self: socket.socket, address: Any) -> None:
        check(address)
        connect(self, address)

    def checked_connect_ex(self: socket.socket, address: Any) -> int:
        check(address)
        return connect_ex(self, address)

    monkeypatch.setattr(socket.socket, "connect", checked_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", checked_connect_ex)


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the current one."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """One certificate authority for the platforms of a process, which reads it once."""
    return trustme.CA(organization_name="newservice sandbox")


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """The services that tests of this process begin with."""
    return Shelf(tmp_path_factory.mktemp("shelf"))


@pytest.fixture
def world(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    authority: trustme.CA,
    shelf: Shelf,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    """The embedded platform, an empty current folder, and the platform's credentials in the environment.

    The platform is the built-in one, or that of the profile given as the parameter (``both_platforms``).
    """
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    sandbox = Sandbox.start(tmp_path / "platform", profile=getattr(request, "param", None), authority=authority)
    world = World(sandbox, folder, capsys, monkeypatch, shelf=shelf)
    try:
        world.enter()
        yield world
    finally:
        world.sandbox.stop()


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    """A folder with a checkout of an infra repository, and the command without any platform."""
    desk = Desk(tmp_path / "desk", Command(capsys))
    desk.folder.mkdir()
    desk.prepare()
    return desk
