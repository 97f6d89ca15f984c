"""A read-only server among hostile checkouts and arguments: it writes, runs and leaks nothing, and stays up.

What the server may write is the person's cache, which lies elsewhere here.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError

from tests.answers import RICH
from tests.checkout import commit_all, git, infra_checkout
from tests.full import few
from tests.invoke import Command, Desk
from tests.test_contained import snapshot
from tests.test_mcp import PLANTED, READ_ONLY, ROOT, Agent, errors, served
from tests.world import World

SECONDS = 60
NAME = str(RICH["name"])
STACK = f"stacks/{NAME}"


class Ground:
    """Folders with canaries: a home, a folder outside, and a checkout with a service, whose files are committed."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.home, self.outside, self.ran = Path.home(), folder / "outside", folder / "ran"
        self.ran.mkdir(parents=True)
        (self.outside / "folder").mkdir(parents=True)
        for place in (
            self.home / ".netrc",
            self.home / ".ssh" / "id",
            self.outside / "file",
            self.outside / "folder" / "main.tf",
        ):
            place.parent.mkdir(exist_ok=True)
            place.write_text(f"# {PLANTED}\n")
        self.desk = Desk(folder, Command(capsys))
        infra_checkout(self.infra)
        assert self.desk.create(RICH).code == 0
        commit_all(self.desk.service, "service")
        commit_all(self.infra, "stack")
        (folder / "answers.yml").unlink()

    @property
    def infra(self) -> Path:
        return self.folder / "infra"

    @property
    def stack(self) -> Path:
        return self.infra / STACK

    def program(self, name: str) -> str:
        """A program that leaves a trace where it runs."""
        path = self.folder / f"program-{name}"
        path.write_text(f"#!/bin/sh\ntouch {self.ran}/{name}\ncat\n")
        path.chmod(0o755)
        return str(path)

    def everything(self) -> list[dict[str, Any]]:
        return [snapshot(place) for place in (self.home, self.folder)]


def linked(place: str, to: str) -> Callable[[Ground], None]:
    def make(ground: Ground) -> None:
        path = ground.folder / place
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.symlink_to(to.format(outside=ground.outside, home=ground.home))

    return make


def pipe(place: str) -> Callable[[Ground], None]:
    def make(ground: Ground) -> None:
        (ground.folder / place).unlink(missing_ok=True)
        os.mkfifo(ground.folder / place)

    return make


def journal(text: str) -> Callable[[Ground], None]:
    def make(ground: Ground) -> None:
        folder = ground.infra / ".git" / "newservice-update"
        folder.mkdir(mode=0o700)
        (folder / "journal.json").write_text(text)
        (folder / "0.before").write_text("forged")

    return make


def answers(text: str) -> Callable[[Ground], None]:
    def make(ground: Ground) -> None:
        (ground.stack / ".copier-answers.yml").write_text(text)

    return make


def programs(ground: Ground) -> None:
    """Settings of the checkout that name programs; hooks as well."""
    names = ("core.pager", "core.editor", "core.sshCommand", "core.askPass", "diff.external", "gpg.program")
    for name in (
        *names,
        "credential.helper",
        "sequence.editor",
        "diff.x.textconv",
        "merge.x.driver",
        "remote.x.uploadpack",
    ):
        git(ground.infra, "config", name, ground.program(name))
    (ground.infra / ".git" / "info").mkdir(exist_ok=True)
    (ground.infra / ".git" / "info" / "attributes").write_text("* diff=x merge=x\n")
    hooks = ground.infra / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-checkout", "pre-commit", "post-index-change", "reference-transaction", "fsmonitor-watchman"):
        shutil.copy(ground.program(name), hooks / name)


CHECKOUTS: dict[str, Callable[[Ground], None]] = {
    "a file that leads out": linked(f"infra/{STACK}/main.tf", "../../../outside/file"),
    "a file that leads home": linked(f"infra/{STACK}/main.tf", "{home}/.netrc"),
    "a file that leads to a process": linked(f"infra/{STACK}/main.tf", "/proc/self/environ"),
    "a file without end": linked(f"infra/{STACK}/main.tf", "/dev/zero"),
    "a record that leads out": linked(f"infra/{STACK}/.copier-answers.yml", "../../../outside/file"),
    "a record without end": linked(f"infra/{STACK}/.copier-answers.yml", "/dev/zero"),
    "a stack that leads out": linked(f"infra/{STACK}", "../../outside/folder"),
    "stacks that lead out": linked("infra/stacks", "../outside"),
    "a shared folder that leads out": linked("infra/docs", "../outside"),
    "a shared file that leads home": linked("infra/docs/architecture/ci-cd.md", "{home}/.ssh/id"),
    "a service that leads home": linked("service", "{home}"),
    "a service's file that leads out": linked("service/README.md", "../outside/file"),
    "a service's file that leads into git": linked("service/README.md", ".git/config"),
    "a pipe for a file": pipe(f"infra/{STACK}/main.tf"),
    "a pipe for a record": pipe(f"infra/{STACK}/.copier-answers.yml"),
    "a pipe for a service's file": pipe("service/README.md"),
    "a forged journal": journal(json.dumps({"../outside/file": {"after": None, "before": "0.before"}})),
    "a damaged journal": journal("{"),
    "a deep journal": journal("[" * 100_000),
    "a record of another kind": answers("- a\n- b\n"),
    "a record that runs": answers("name: !!python/object/apply:os.system ['touch ran/yaml']\n"),
    "a record with commands": answers('name: "$(touch ran/name)"\nlayer: stack\n_commit: "--upload-pack=x"\n'),
    "settings that name programs": programs,
}  # fmt: skip


@pytest.fixture
def ground(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ground:
    return Ground(tmp_path / "ground", capsys)


@asynccontextmanager
async def server(ground: Ground, *arguments: str) -> AsyncIterator[Agent]:
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "generator", "mcp", *arguments],
        cwd=ground.outside.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PLANTED_CANARY": PLANTED},
    )
    with errors(ground.folder.parent / "errors") as file:
        async with Client(stdio_client(parameters, errlog=file)) as client:
            yield Agent(client)


async def asked(agent: Agent, tool: str, /, **given: Any) -> dict[str, Any]:
    """What a tool says; an error of the protocol, which refuses the request, as its only error."""
    with anyio.fail_after(SECONDS):
        try:
            return await agent.call(tool, **given)
        except MCPError as error:
            return {"error": [{"code": str(error.code)}]}


def silent(ground: Ground, agent: Agent) -> None:
    """Nobody heard a canary, and no program ran."""
    said = (ground.folder.parent / "errors").read_text(encoding="utf-8", errors="replace")
    assert [text for text in (*agent.heard, said) if PLANTED in text or "root:x:" in text] == []
    assert os.listdir(ground.ran) == []


@pytest.mark.parametrize("make", few(5, CHECKOUTS.values()), ids=CHECKOUTS)
def test_no_checkout_makes_it_write_run_or_leak(ground: Ground, make: Callable[[Ground], None]) -> None:
    make(ground)
    before = ground.everything()

    async def main() -> None:
        async with server(ground, "--infra", str(ground.infra)) as agent:
            files = {"no_provision": True, "service_dir": str(ground.folder / "service"), "diffs": True}
            codes = []
            for answered in ({**RICH, "memory": "1Gi"}, RICH):
                completed = await asked(agent, "plan", answers=answered, **files)
                codes += [item["code"] for item in completed["error"]]
            for path in (ground.stack, ground.folder / "service"):
                completed = await asked(agent, "update", path=str(path), answers={"memory": "1Gi"}, diffs=True)
                codes += [item["code"] for item in completed["error"]]
            completed = await asked(agent, "status", name=NAME, **files)
            codes += [item["code"] for item in completed["error"]]
            assert "internal" not in codes
            assert (await asked(agent, "schema"))["result"]["exit_code"] == 0
            assert list(await agent.list()) == READ_ONLY
            silent(ground, agent)

    anyio.run(main)
    assert ground.everything() == before


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


FILES = {"no_provision": True}
RUNS = "{{ ''.__class__.__mro__ }}[% include '/etc/passwd' %]"

ARGUMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "a path up": ("update", {"path": "infra/../../outside/folder"}),
    "far up": ("update", {"path": "../" * 50 + "etc"}),
    "a zero byte": ("update", {"path": "infra\0/x"}),
    "a long path": ("update", {"path": "x" * 100_000}),
    "a deep path": ("update", {"path": "a/" * 50_000}),
    "an option": ("update", {"path": "--upload-pack=touch ran/x"}),
    "an option of git": ("update", {"path": "-c core.fsmonitor=touch"}),
    "an address": ("update", {"path": "https://example.test/x.git"}),
    "an address that runs": ("update", {"path": "ext::sh -c touch% ran/x"}),
    "an endless file": ("update", {"path": "/dev/zero"}),
    "a process": ("update", {"path": "/proc/self/environ"}),
    "a process's folder": ("update", {"path": "/proc/self/root/etc", "diffs": True}),
    "a pipe": ("update", {"path": "pipe"}),
    "a pipe for a folder": ("plan", {"answers": RICH, "service_dir": "pipe", **FILES}),
    "a version up": ("update", {"path": f"infra/{STACK}", "to": "../../../../etc/passwd"}),
    "a version that is an option": ("update", {"path": f"infra/{STACK}", "to": "--answers=/etc/passwd"}),
    "an entry up": ("update", {"path": f"infra/{STACK}", "unset": ["env." * 5000, "../x", "__class__"]}),
    "a name up": ("status", {"name": "../outside", **FILES}),
    "a name with a zero byte": ("status", {"name": "x\0y", **FILES}),
    "a name that is an option": ("status", {"name": "--platform=/etc/passwd", **FILES}),
    "a name for a shell": ("status", {"name": "$(touch ran/x)`id`;|&", **FILES}),
    "a long name": ("status", {"name": "x" * 3_000_000, **FILES}),
    "half a character": ("status", {"name": "\\ud800", **FILES}),
    "a name of another kind": ("plan", {"name": {"a": 1}, **FILES}),
    "numbers for texts": ("update", {"path": 7, "to": 1e300, "diffs": "yes"}),
    "nothing": ("update", {"path": None}),
    "a write": ("update", {"path": f"infra/{STACK}", "check": False}),
    "a write by another name": ("create", {"answers": RICH, **FILES}),
    "another platform": ("plan", {"answers": RICH, "platform": "/etc/passwd"}),
    "the home as a service": ("plan", {"answers": RICH, "service_dir": "{home}", **FILES, "diffs": True}),
    "a key as a secret": ("plan", {"answers": RICH, "seeds": {"api_token": "file:{home}/.ssh/id"}, **FILES}),
    "a variable as a secret": ("plan", {"answers": RICH, "seeds": {"api_token": "env:PLANTED_CANARY"}, **FILES}),
    "deep answers": ("plan", {"answers": {"name": "x", "env": nested(60)}, **FILES}),
    "answers as deep as parsers go": ("plan", {"answers": {"name": "x", "env": {"a": nested(220)}}, **FILES}),
    "deeper answers": ("plan", {"answers": {"name": "x", "env": {"a": nested(120)}}, **FILES}),
    "wide answers": ("plan", {"answers": {"name": "x", "env": {str(n): "x" for n in range(200_000)}}, **FILES}),
    "a huge text": ("plan", {"answers": {**RICH, "description": "x" * 20_000_000}, **FILES}),
    "answers that run": ("plan", {"answers": {**RICH, "title": RUNS}, **FILES}),
    "answers with paths": ("plan", {"answers": {**RICH, "name": "../../outside"}, **FILES}),
    "a large number": ("plan", {"answers": {**RICH, "port": 10**300}, **FILES}),
}  # fmt: skip


def test_no_argument_makes_it_write_run_or_leak(ground: Ground) -> None:
    """All of them one after the other: the same server answers to the end."""
    os.mkfifo(ground.folder / "pipe")
    before = ground.everything()

    async def main() -> None:
        async with server(ground, "--infra", str(ground.infra)) as agent:
            codes: dict[str, list[str]] = {}
            for title, (tool, given) in ARGUMENTS.items():
                placed = json.loads(json.dumps(given).replace("{home}", str(ground.home)))
                completed = await asked(agent, tool, **placed)
                codes[title] = sorted({item["code"] for item in completed["error"]})
            harmless = {
                "a pipe for a folder",
                "the home as a service",
                "answers that run",
            }  # plans of new files, as text
            assert {title for title, found in codes.items() if not found} <= harmless
            assert {title: found for title, found in codes.items() if "internal" in found} == {}
            assert (await asked(agent, "schema"))["result"]["exit_code"] == 0
            assert list(await agent.list()) == READ_ONLY
            silent(ground, agent)

    anyio.run(main)
    assert ground.everything() == before


@pytest.mark.parametrize("tool", few(2, ["plan", "verify", "secrets_show", "change", "status"]))
def test_a_hostile_clone_makes_no_look_at_the_systems_write(world: World, ground: Ground, tool: str) -> None:
    """With a platform: nothing is written there either."""
    for name in ("a stack that leads out", "a service that leads home", "a forged journal"):
        CHECKOUTS[name](ground)
    world.sandbox.journal.clear()
    before = ground.everything()

    async def main() -> None:
        arguments = ("--infra", str(ground.infra), "--platform", str(world.sandbox.profile))
        async with server(ground, *arguments) as agent:
            completed = await asked(agent, tool, name=NAME, **({"answers": world.fit(RICH)} if tool == "plan" else {}))
            assert "internal" not in [item["code"] for item in completed["error"]]
            assert (await asked(agent, "schema"))["result"]["exit_code"] == 0
            silent(ground, agent)

    anyio.run(main)
    assert ground.everything() == before
    assert world.sandbox.journal.writes() == []


MESSAGES = {
    "no JSON": b"{\n",
    "no text": b"\xff\xfe\x00\n",
    "deep": b"[" * 200_000 + b"\n",
    "a deep call": b'{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"schema","arguments":{"a":'
    + b"[" * 200_000 + b"]" * 200_000 + b"}}}\n",
    "another method": b'{"jsonrpc":"2.0","id":9,"method":"shell/run","params":{"command":"touch ran/x"}}\n',
    "an id of another kind": b'{"jsonrpc":"2.0","id":{"a":1},"method":"tools/list"}\n',
    "a number too large": b'{"jsonrpc":"2.0","id":1e999,"method":"tools/list"}\n',
    "nothing": b"\n\n\n",
}  # fmt: skip


@pytest.mark.parametrize("message", few(3, MESSAGES.values()), ids=MESSAGES)
def test_no_message_ends_it(ground: Ground, message: bytes) -> None:
    process = served(ground.folder, "-m", "generator", "mcp", "--infra", str(ground.infra))
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        os.write(process.stdin.fileno(), message)
        process.stdin.write(json.dumps({"jsonrpc": "2.0", "id": 77, "method": "ping"}) + "\n")
        process.stdin.flush()
        answer: dict[str, Any] = {}
        while answer.get("id") != 77:
            line = process.stdout.readline()
            assert line, "the server has ended"
            answer = json.loads(line)
        assert answer["result"] == {}
    finally:
        process.communicate(timeout=30)
    assert os.listdir(ground.ran) == []


CALL = '"method":"tools/call","params":{"name":"schema","arguments":{"a":VALUE}}'
VALUES = {
    "deep": "[" * 65 + "]" * 65,
    "deeper than a parser goes": "[" * 250 + "]" * 250,
    "deeper than Python goes": "[" * 100_000 + "]" * 100_000,
    "long": '"' + "x" * 300_000 + '"',
    "longer than is read at once, with other ids": '"' + '\\"id\\":5}' * 100_000 + '"',
    "many": "[" + "1," * 6_000 + "1]",
    "infinite": "1e999",
    "unfinished": "[1",
    "no text": '"\\u0000"',
}


@pytest.mark.parametrize("envelope", ['{"jsonrpc":"2.0","id":"a-9",CALL}', '{CALL,"jsonrpc":"2.0","id":9}'])
def test_whoever_sends_what_is_not_read_is_answered(ground: Ground, envelope: str) -> None:
    """Under the id of the request: nobody waits for ever."""
    process = served(ground.folder, "-m", "generator", "mcp", "--infra", str(ground.infra))
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        for title, value in VALUES.items():
            process.stdin.write(envelope.replace("CALL", CALL.replace("VALUE", value)) + "\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            assert answer["id"] in ("a-9", 9), title
            assert answer["error"]["code"] == -32700, title
    finally:
        process.communicate(timeout=30)
