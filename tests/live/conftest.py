"""Real servers on loopback, where the environment names their programs; see docs/how-to/live-tests.md."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.sandbox import Sandbox
from tests.live.compare import Pair, Side
from tests.live.forgejo import Forgejo
from tests.live.openbao import OpenBao
from tests.live.platform import LiveWorld, Servers, move_infra
from tests.live.woodpecker import Agent, Woodpecker

# Read before every test is given an environment of its own.
_PROGRAMS = {
    name: os.environ.get(f"NEWSERVICE_LIVE_{name}", "")
    for name in ("WOODPECKER", "FORGEJO", "OPENBAO", "WOODPECKER_AGENT")
}
_HERE = Path(__file__).parent

OTHER = "somebody-else"
READER = frozenset({"read:repository", "read:user"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them are live, and those of one worker stay together: the servers start once."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.live)
            item.add_marker(pytest.mark.xdist_group("live"))


def _program(name: str) -> str:
    binary = _PROGRAMS[name]
    if not binary:
        pytest.skip(f"NEWSERVICE_LIVE_{name} names no program: there is no real {name.title()} here")
    return binary


@pytest.fixture(scope="session")
def live_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The embedded platform, of which the real servers take their places."""
    with Sandbox.start(tmp_path_factory.mktemp("live") / "platform") as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def woodpecker(request: pytest.FixtureRequest) -> Iterator[Woodpecker]:
    """A real Woodpecker."""
    binary = _program("WOODPECKER")
    sandbox: Sandbox = request.getfixturevalue("live_sandbox")
    server = Woodpecker(binary, sandbox.root.parent / "woodpecker", sandbox, sandbox.platform.github.owner)
    yield server
    server.stop()


@pytest.fixture
def agent(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Agent]:
    """An agent of the real Woodpecker."""
    binary = _program("WOODPECKER_AGENT")
    made = Agent(binary, tmp_path / "agent", request.getfixturevalue("woodpecker"))
    yield made
    made.stop()


@pytest.fixture(scope="session")
def forgejo(request: pytest.FixtureRequest) -> Iterator[Forgejo]:
    """A real Forgejo, with the infra repository."""
    binary = _program("FORGEJO")
    sandbox: Sandbox = request.getfixturevalue("live_sandbox")
    server = Forgejo(binary, sandbox.root.parent / "forgejo", sandbox, sandbox.platform.forgejo.owner)
    try:
        move_infra(sandbox, server)
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def pair(forgejo: Forgejo, live_sandbox: Sandbox) -> Pair:
    """Both servers with the same people: the owner, the owner with a token that only reads, and somebody else."""
    stand_in = live_sandbox.forgejo
    stand_in.add_token("reader-token", forgejo.user, "reader", set(READER))
    stand_in.add_token("other-token", OTHER, "newservice", set(stand_in.tokens[live_sandbox.tokens.forgejo].scopes))
    real = {
        "owner": forgejo.token,
        "reader": forgejo.add_token(forgejo.user, "reader", READER),
        "other": forgejo.add_user(OTHER),
        "wrong": "0" * 40,
    }
    mock = {
        "owner": live_sandbox.tokens.forgejo,
        "reader": "reader-token",
        "other": "other-token",
        "wrong": "0" * 40,
    }
    names = {"me": forgejo.user, "github": live_sandbox.urls["github"]}
    return (
        Side(forgejo.passage, "/api/v1", {who: f"token {token}" for who, token in real.items()}, dict(names)),
        Side(stand_in, "/api/v1", {who: f"token {token}" for who, token in mock.items()}, dict(names)),
    )


@pytest.fixture(scope="session")
def openbao(request: pytest.FixtureRequest) -> Iterator[OpenBao]:
    """A real OpenBao."""
    binary = _program("OPENBAO")
    sandbox: Sandbox = request.getfixturevalue("live_sandbox")
    server = OpenBao(binary, sandbox.root.parent / "openbao", sandbox)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Servers:
    """Whatever real servers there are: at least one."""
    servers = ("WOODPECKER", "FORGEJO", "OPENBAO")
    if not any(_PROGRAMS[name] for name in servers):
        pytest.skip(f"no program is named by any of {', '.join(f'NEWSERVICE_LIVE_{name}' for name in servers)}")
    found = {name: request.getfixturevalue(name.lower()) if _PROGRAMS[name] else None for name in servers}
    return Servers(woodpecker=found["WOODPECKER"], forgejo=found["FORGEJO"], openbao=found["OPENBAO"])


@pytest.fixture
def live(
    servers: Servers,
    live_sandbox: Sandbox,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> LiveWorld:
    """The command, on a platform of real servers as far as there are any."""
    monkeypatch.chdir(tmp_path)
    world = LiveWorld(live_sandbox, tmp_path, capsys, monkeypatch, servers)
    world.enter()
    return world
