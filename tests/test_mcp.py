"""``newservice mcp``, driven by the SDK's own client: over real pipes, and in memory."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import mcp_types as types
import pytest
import yaml
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError

from generator.base.checks import Check, CheckState
from generator.base.errors import ExitCode, PreflightError, UsageError
from generator.base.secrets import MASK, forgotten_afterwards, redact
from generator.cli.commands import group
from generator.cli.json_lines import JsonReporter
from generator.cli.report import Result
from generator.lifecycle.verify import Look, Rhythm, follow
from generator.mcp.calls import Call
from generator.mcp.server import Settings, remember_server_credentials, server_of
from generator.mcp.sources import sources
from generator.mcp.tools import tools
from tests.answers import RICH, SMALLEST, UPSTREAM
from tests.checkout import commit_all
from tests.full import few
from tests.invoke import Command, Desk

ROOT = Path(__file__).parents[1]
READ_ONLY = ["schema", "import_compose", "plan", "status", "verify", "secrets_show", "change", "update"]
READ_ONLY += ["adopt_repository"]
WRITING = ["create", "secrets_push"]
DUAL = ["change", "update", "adopt_repository"]
"""They write where that is allowed, and plan elsewhere."""
PLANTED = "planted-value-of-a-secret"
SECRETIVE = {**UPSTREAM, "secrets": {"API_TOKEN": "api_token"}}

both_protocols = pytest.mark.parametrize("mode", ["legacy", "auto"])


@dataclass
class Agent:
    """A client and everything that it was told."""

    client: Client
    heard: list[str] = field(default_factory=list)
    progress: list[tuple[float, float | None, str | None]] = field(default_factory=list)

    async def list(self) -> dict[str, types.Tool]:
        listed = await self.client.list_tools()
        self.heard.append(listed.model_dump_json())
        return {tool.name: tool for tool in listed.tools}

    async def call(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """What a tool says: its events by kind, its result, and whether it is an error."""

        async def follow(progress: float, total: float | None, message: str | None) -> None:
            self.progress.append((progress, total, message))
            self.heard.append(str(message))

        completed = await self.client.call_tool(tool, arguments, progress_callback=follow)
        self.heard.append(completed.model_dump_json())
        (text,) = completed.content
        assert isinstance(text, types.TextContent)
        document: dict[str, Any] = completed.structured_content
        assert json.loads(text.text) == document
        assert set(document) == {"events", "result"}
        result = document["result"]
        assert completed.is_error == (result["exit_code"] != 0)
        assert all(event["event"] != "result" for event in document["events"])
        return {"error": [], "events": document["events"], **_by_kind(document["events"]), "result": result}


def _by_kind(events: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    return {kind: [event for event in events if event["event"] == kind] for kind in {item["event"] for item in events}}


def talk(settings: Settings, wish: Callable[[Agent], Awaitable[None]], mode: str = "auto") -> None:
    """Talk to a server in memory."""

    async def main() -> None:
        async with Client(server_of(settings), mode=mode) as client:
            await wish(Agent(client))

    anyio.run(main)


@contextmanager
def errors(path: Path) -> Iterator[Any]:
    with path.open("w", encoding="utf-8") as file:
        yield file


# --- end to end ---------------------------------------------------------------------------------------------


def test_an_agent_brings_a_service_to_the_sandbox(workdir: Path) -> None:
    """Over pipes: everything that the server offers, on a platform of its own; nobody hears a secret."""
    heard: list[str] = []
    answers = {key: value for key, value in RICH.items() if key not in ("name", "tier")}
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "generator", "mcp", "--sandbox", "--allow-writes", "--allow-seed", "env:API_TOKEN_VALUE"],
        cwd=workdir,
        env={**os.environ, "PYTHONPATH": str(ROOT), "API_TOKEN_VALUE": PLANTED},
    )

    async def wish(agent: Agent) -> None:
        listed = await agent.list()
        assert list(listed) == [*READ_ONLY, *WRITING]
        completed = await agent.call("schema")
        assert completed["schema"][0]["document"]["properties"]["auth"]["x-flag"] == "--auth"

        completed = await agent.call("plan", name="city-guide", answers={"auth": "app", "memory": "lots", "tierr": "x"})
        assert [(item["code"], item["question"]) for item in completed["error"]] == [
            ("answer.unknown", "tierr"), ("answer.missing", "title"), ("answer.missing", "description"),
            ("answer.invalid", "memory"), ("answer.missing", "auth_reason"),
        ]  # fmt: skip
        assert all(item["hint"] for item in completed["error"])
        assert completed["result"]["exit_code"] == 2

        given = {"name": "city-guide", "answers": answers, "seeds": {"api_token": "env:API_TOKEN_VALUE"}}
        completed = await agent.call("plan", **given, diffs=True)
        assert completed["result"]["status"] == "success"
        assert "stacks/city-guide/ingress.tf" in completed["plan"][0]["diffs"]
        assert agent.progress == []

        completed = await agent.call("create", **given)
        assert (completed["result"]["status"], completed["result"]["exit_code"]) == ("success", 0)
        assert {step["status"] for step in completed["step"]} == {"done", "unchanged"}
        numbers = [number for number, _, _ in agent.progress]
        assert numbers == sorted(set(numbers))
        assert {step["id"] for step in completed["step"]} <= {
            words.split(":")[0] for _, _, words in agent.progress if words
        }

        assert (await agent.call("create", **given))["result"]["status"] == "unchanged"
        assert (await agent.call("status", name="city-guide"))["result"]["status"] == "unchanged"
        completed = await agent.call("verify", name="city-guide")
        assert completed["result"]["exit_code"] == 7
        assert {check["id"]: check["state"] for check in completed["check"]}["mirror.commit"] == "ok"
        completed = await agent.call("update", path="city-guide", check=True)
        assert completed["result"]["status"] == "unchanged"

        completed = await agent.call("secrets_show", name="city-guide")
        assert {check["state"] for check in completed["check"]} == {"ok"}
        completed = await agent.call("secrets_push", name="city-guide", dry_run=True)
        assert [step["action"] for step in completed["plan"][0]["steps"]] == ["update"]
        completed = await agent.call("secrets_push", name="city-guide")
        assert [(step["id"], step["status"]) for step in completed["step"]] == [("github.secrets", "done")]
        replaced = {"signing_key": "env:API_TOKEN_VALUE"}
        completed = await agent.call("secrets_push", name="city-guide", replace=replaced)
        assert [(step["id"], step["status"]) for step in completed["step"]] == [("vault.secrets", "done")]
        for source, code in (("env:OTHER_VALUE", "mcp.seed"), ("later", "usage"), (PLANTED, "usage")):
            completed = await agent.call("secrets_push", name="city-guide", replace={"signing_key": source})
            assert [item["code"] for item in completed["error"]] == [code]

        completed = await agent.call("plan", **{**given, "answers": {**answers, "description": PLANTED}})
        assert [item["code"] for item in completed["error"]] == ["answer.secret"]
        completed = await agent.call("plan", name="city-guide", answers=answers, seeds={"api_token": PLANTED})
        assert [item["code"] for item in completed["error"]] == ["usage"]
        heard.extend(agent.heard)

    async def main() -> None:
        with errors(workdir / "errors") as file:
            async with Client(stdio_client(server, errlog=file)) as client:
                await wish(Agent(client))

    anyio.run(main)
    heard.append((workdir / "errors").read_text(encoding="utf-8"))
    assert len(heard) > 20
    assert [text for text in heard if PLANTED in text] == []


def served(workdir: Path, *command: str) -> subprocess.Popen[str]:
    """A server in a process of its own, greeted."""
    process = subprocess.Popen(
        [sys.executable, *command],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=workdir, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    say(process, id=1, method="initialize", params=hello)
    assert json.loads(process.stdout.readline())["result"]["serverInfo"]["name"] == "newservice"
    say(process, method="notifications/initialized")
    return process


def say(process: subprocess.Popen[str], **message: Any) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    process.stdin.flush()


BAD_LINES = {
    "deep": ("[" * 50_000, types.PARSE_ERROR),
    "deep arguments": ('{"jsonrpc":"2.0","id":2,"method":"tools/call","params":' + '{"a":' * 100, types.PARSE_ERROR),
    "a long line": ('{"jsonrpc":"2.0","id":2,"method":"' + "x" * (5 << 20) + '"}', types.PARSE_ERROR),
    "infinite": ('{"jsonrpc":"2.0","id":1e999,"method":"ping"}', types.PARSE_ERROR),
    "half of a character": (r'{"jsonrpc":"2.0","id":2,"method":"\ud800"}', types.PARSE_ERROR),
    "two methods": ('{"jsonrpc":"2.0","id":2,"method":"ping","method":"tools/list"}', types.PARSE_ERROR),
    "digits": ('{"jsonrpc":"2.0","id":' + "9" * 5000 + ',"method":"ping"}', types.PARSE_ERROR),
    "a null character": (r'{"jsonrpc":"2.0","id":2,"method":"ping\u0000"}', types.PARSE_ERROR),
    "words": ("hello", types.PARSE_ERROR),
    "half of a message": ('{"jsonrpc":"2.0","id":2', types.PARSE_ERROR),
    "another protocol": ('{"id":2,"method":"ping"}', types.INVALID_REQUEST),
    "a batch": ('[{"jsonrpc":"2.0","id":2,"method":"ping"}]', types.INVALID_REQUEST),
    "null": ("null", types.INVALID_REQUEST),
}


def test_a_bad_line_gets_an_error_and_the_server_stays_up(workdir: Path) -> None:
    process = served(workdir, "-m", "generator", "mcp")
    assert process.stdin is not None
    assert process.stdout is not None
    for number, (line, code) in enumerate(BAD_LINES.values(), 10):
        process.stdin.write(f"\n{line}\n")
        say(process, id=number, method="ping")
        refused = json.loads(process.stdout.readline())
        named = 2 if line.startswith("{") and '"id":2,' in line else None
        assert (refused["id"], refused["error"]["code"]) == (named, code), line[:80]
        assert len(refused["error"]["message"]) < 200
        assert json.loads(process.stdout.readline()) == {"jsonrpc": "2.0", "id": number, "result": {}}
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")


ENDED = "newservice: stopped; what was done stays"


@pytest.mark.parametrize("number", few(1, [signal.SIGTERM, signal.SIGHUP]))
def test_a_signal_ends_the_server(workdir: Path, number: signal.Signals) -> None:
    process = served(workdir, "-m", "generator", "mcp")
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", f"{ENDED}\n")


WAITS = """
import sys
import generator.mcp.calls
from generator.mcp.server import Settings, serve
from tests.test_mcp import Waiting

generator.mcp.calls.run_command = Waiting(report=lambda text: print(text, file=sys.stderr, flush=True))
serve(Settings())
"""


@pytest.mark.parametrize("ending", few(1, ["end of input", "SIGTERM"]))
def test_a_call_that_waits_ends_with_the_server(ending: str, workdir: Path) -> None:
    process = served(workdir, "-c", WAITS)
    assert process.stdin is not None
    assert process.stderr is not None
    for number in (2, 3):  # the second one waits for its turn
        say(process, id=number, method="tools/call", params={"name": "schema", "arguments": {}})
    assert process.stderr.readline() == "begun\n"
    if ending == "SIGTERM":
        process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert process.returncode == (130 if ending == "SIGTERM" else 0)
    completed = err.splitlines()
    if ending == "SIGTERM":
        assert completed.pop() == ENDED
    assert completed in (["interrupted"], ["interrupted", "interrupted"])  # the second one may have had its turn


# --- what is offered ----------------------------------------------------------------------------------------


@both_protocols
@pytest.mark.parametrize("writes", [False, True])
def test_nothing_that_writes_is_offered_unless_it_is_allowed(mode: str, writes: bool) -> None:
    async def wish(agent: Agent) -> None:
        listed = await agent.list()
        assert list(listed) == READ_ONLY + (WRITING if writes else [])
        for name, tool in listed.items():
            assert tool.annotations is not None
            assert tool.annotations.read_only_hint is not (writes and name in (*WRITING, *DUAL))
            assert tool.annotations.destructive_hint is (writes and name in ("secrets_push", *DUAL))
            assert tool.description
            assert tool.input_schema["additionalProperties"] is False
            assert not {"platform", "sandbox", "infra", "out"} & set(tool.input_schema["properties"])
        for name, looking in (("update", "check"), ("change", "dry_run"), ("adopt_repository", "dry_run")):
            argument = listed[name].input_schema["properties"][looking]
            assert argument.get("type") == ("boolean" if writes else None)
            assert argument.get("const") == (None if writes else True)

    talk(Settings(allow_writes=writes), wish, mode)


@both_protocols
def test_a_server_that_only_looks_refuses_to_write(mode: str, desk: Desk) -> None:
    async def wish(agent: Agent) -> None:
        before = desk.snapshot()
        for name, given in (
            ("create", {"name": "notes", "answers": SMALLEST, "no_provision": True}),
            ("update", {"path": str(desk.infra), "check": False}),
            ("secrets_push", {"name": "notes"}),
            ("change", {"name": "notes", "answers": {"memory": "512Mi"}, "dry_run": False}),
            ("adopt_repository", {"target": "notes", "dry_run": False}),
        ):
            completed = await agent.call(name, **given)
            assert [item["code"] for item in completed["error"]] == ["mcp.read_only"]
            assert completed["result"]["exit_code"] == 4
        assert desk.snapshot() == before

    talk(Settings(infra=str(desk.infra)), wish, mode)


@pytest.mark.parametrize("writes", [False, True])
def test_a_check_takes_no_killed_update_back(writes: bool, desk: Desk) -> None:
    journal = desk.infra / ".git" / "newservice-update" / "journal.json"
    journal.parent.mkdir()
    journal.write_text("{}")

    async def wish(agent: Agent) -> None:
        completed = await agent.call("update", path=str(desk.infra), check=True)
        assert [item["code"] for item in completed["error"]] == ["update.interrupted"]
        assert journal.is_file()

    talk(Settings(allow_writes=writes), wish)


@pytest.mark.parametrize("writes", [False, True])
def test_an_update_only_looks_where_it_must(writes: bool) -> None:
    (update,) = [tool for tool in tools(writes=writes) if tool.name == "update"]
    assert ("--check" in update.line({"path": "x"})) is not writes
    assert "--check" in update.line({"path": "x", "check": True})


def test_there_is_no_other_tool() -> None:
    async def wish(agent: Agent) -> None:
        for name in ("remove", "doctor", ""):
            with pytest.raises(MCPError, match="there is no tool"):
                await agent.client.call_tool(name, {})

    talk(Settings(allow_writes=True), wish)


# --- calls --------------------------------------------------------------------------------------------------


@both_protocols
def test_a_call_says_what_the_command_says(mode: str, desk: Desk) -> None:
    given = {**SMALLEST, "auth": "none", "port": 0, "tier": "huge", "cpu": "x"}
    plain = desk.create(given, command="plan")

    async def wish(agent: Agent) -> None:
        completed = await agent.call("plan", answers=given, no_provision=True, service_dir=str(desk.service))
        assert [*completed["events"], completed["result"]] == plain.events
        assert len(completed["error"]) == 4

    talk(Settings(infra=str(desk.infra)), wish, mode)


@pytest.mark.parametrize("title", ["Notes \U0001f600", "no", "12", "a: b # c", "é\u00a0x"])
def test_any_text_is_an_answer(title: str, desk: Desk) -> None:
    async def wish(agent: Agent) -> None:
        given = {**SMALLEST, "title": title}
        completed = await agent.call(
            "plan", answers=given, no_provision=True, service_dir=str(desk.service), diffs=True
        )
        assert completed["result"]["exit_code"] == 0, completed["error"]
        assert any(title in diff for diff in completed["plan"][0]["diffs"].values())

    talk(Settings(infra=str(desk.infra)), wish)


def test_files_are_written_where_that_is_allowed(desk: Desk) -> None:
    async def wish(agent: Agent) -> None:
        given = {"answers": SMALLEST, "no_provision": True, "service_dir": str(desk.service)}
        assert (await agent.call("create", **given))["result"]["status"] == "success"
        assert (await agent.call("create", **given))["result"]["status"] == "unchanged"

    talk(Settings(infra=str(desk.infra), allow_writes=True), wish)
    assert (desk.service / "README.md").is_file()
    assert any(path.startswith("stacks/notes-app/") for path in desk.changed())


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("plan", {"name": "--out=PLACE/plan", "answers": {}}),
        ("plan", {"name": "--platform=PLACE/other", "answers": {}}),
        ("plan", {"service_dir": "--out=PLACE/plan", "name": "x y", "answers": {}}),
        ("status", {"name": "--sandbox"}),
        ("update", {"path": "--help"}),
        ("update", {"path": ".", "to": "--answers=PLACE/x"}),
    ],
)
def test_an_argument_is_never_taken_for_a_flag(name: str, given: dict[str, Any], desk: Desk) -> None:
    async def wish(agent: Agent) -> None:
        placed = json.loads(json.dumps(given).replace("PLACE", str(desk.folder)))
        completed = await agent.call(name, **placed)
        assert completed["result"]["exit_code"] != 0
        assert [item["code"] for item in completed["error"]] != []
        assert "usage" not in [item["code"] for item in completed["error"]], completed

    before = desk.snapshot()
    talk(Settings(infra=str(desk.infra)), wish)
    assert desk.snapshot() == before


@both_protocols
def test_wrong_arguments_are_reported_at_once_and_not_repeated(mode: str) -> None:
    async def wish(agent: Agent) -> None:
        completed = await agent.call("plan", name=PLANTED.split(), answrs={}, seeds={"token": PLANTED})
        (error,) = completed["error"]
        assert (error["code"], completed["result"]["exit_code"]) == ("usage", 2)
        assert [word for word in ("name", "answrs", "seeds.token") if word not in error["message"]] == []
        assert PLANTED not in "".join(agent.heard)

    talk(Settings(), wish, mode)


# --- one after the other ------------------------------------------------------------------------------------


@dataclass
class Slow:
    """A command that says something, waits, and says something more."""

    started: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    running: int = 0
    most: int = 0
    interrupted: int = 0

    def __call__(self, _: Sequence[str], reporter: JsonReporter) -> ExitCode:
        self.running += 1
        self.most = max(self.most, self.running)
        code = ExitCode.OK
        try:
            reporter.progress("begun")
            self.started.set()
            assert self.go_on.wait(30)
            reporter.progress("gone on")
            reporter.progress("not reached by an interrupted call")
        except KeyboardInterrupt:
            self.interrupted += 1
            code = ExitCode.INTERRUPTED
        self.running -= 1
        reporter.result(Result("success" if code is ExitCode.OK else "partial", code))
        return code


@dataclass
class Waiting:
    """A command that follows what never changes, as ``verify --wait`` does."""

    report: Callable[[str], object] = lambda _: None
    started: threading.Event = field(default_factory=threading.Event)
    interrupted: int = 0

    def __call__(self, line: Sequence[str], reporter: JsonReporter) -> ExitCode:
        code = ExitCode.OK
        try:
            if not self.interrupted or "schema" in line:
                follow(self.look, 20, lambda _: None, Rhythm())
        except KeyboardInterrupt:
            self.interrupted += 1
            self.report("interrupted")
            code = ExitCode.INTERRUPTED
        reporter.result(Result("success" if code is ExitCode.OK else "partial", code))
        return code

    def look(self) -> Look:
        if not self.started.is_set():
            self.report("begun")
        self.started.set()
        return Look((Check("ci.run", CheckState.WAITING, "queued"),))


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    command = Slow()
    monkeypatch.setattr("generator.mcp.calls.run_command", command)
    return command


def test_others_are_answered_while_a_call_runs(slow: Slow) -> None:
    async def wish(agent: Agent) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(agent.call, "schema")
            await anyio.to_thread.run_sync(slow.started.wait, 30)
            await agent.client.session.send_ping()
            assert list(await agent.list()) == READ_ONLY
            assert slow.running == 1
            slow.go_on.set()
        assert [words for _, _, words in agent.progress] == ["begun", "gone on", "not reached by an interrupted call"]

    talk(Settings(), wish, "legacy")


def test_calls_take_turns(slow: Slow) -> None:
    async def wish(agent: Agent) -> None:
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(agent.call, "schema")
            await anyio.to_thread.run_sync(slow.started.wait, 30)
            slow.go_on.set()
        assert slow.most == 1

    talk(Settings(), wish)


def test_a_call_that_is_cancelled_ends_with_the_next_thing_that_it_says(slow: Slow) -> None:
    async def wish(agent: Agent) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(agent.call, "schema")
            await anyio.to_thread.run_sync(slow.started.wait, 30)
            group.cancel_scope.cancel()
        await agent.client.session.send_ping()  # answered after the cancellation was heard
        slow.go_on.set()
        completed = await agent.call("schema")  # its turn comes when the other has ended
        assert completed["result"]["exit_code"] == 0
        assert (slow.interrupted, slow.most) == (1, 1)

    talk(Settings(), wish, "legacy")


def test_a_call_that_waits_ends_when_it_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = Waiting()
    monkeypatch.setattr("generator.mcp.calls.run_command", waiting)

    async def wish(agent: Agent) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(agent.call, "schema")
            await anyio.to_thread.run_sync(waiting.started.wait, 30)
            group.cancel_scope.cancel()
        assert (await agent.call("status", name="x"))["result"]["exit_code"] == 0  # its turn comes at once
        assert waiting.interrupted == 1

    talk(Settings(), wish, "legacy")


def test_a_call_that_is_cancelled_before_it_fails_has_its_error(desk: Desk) -> None:
    call = Call()
    call.stop()
    call.run(["plan", f"--infra={desk.infra}", "--no-provision"], {"auth": "huge"})
    assert {event["event"] for event in call.events} == {"error", "result"}
    assert call.events[-1]["exit_code"] == 2


def test_a_client_that_asks_for_no_progress_hears_none(slow: Slow) -> None:
    slow.go_on.set()
    heard: list[Any] = []

    async def listen(message: Any) -> None:
        heard.append(message)

    async def main() -> None:
        async with Client(server_of(Settings()), mode="legacy", message_handler=listen) as client:
            await client.call_tool("schema", {})

    anyio.run(main)
    assert heard == []


def test_an_interrupted_command_is_reported_as_one(desk: Desk) -> None:
    call = Call()
    call.stop()
    call.run(["plan", "--no-provision", f"--infra={desk.infra}", f"--service-dir={desk.service}"], SMALLEST)
    assert [event["event"] for event in call.events] == ["plan", "result"]
    assert call.events[-1]["exit_code"] == 130


# --- what a call leaves ---------------------------------------------------------------------------------------


def test_what_one_call_learns_is_forgotten_with_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that is a common word is masked in its own call only; the server's own credentials in every one."""
    monkeypatch.setenv("WORD", "stacks")
    given = {**SECRETIVE, "description": "Reads what the stacks say."}

    async def wish(agent: Agent) -> None:
        asked = {"answers": given, "no_provision": True, "service_dir": str(desk.service)}
        completed = await agent.call("plan", **asked, seeds={"api_token": "env:WORD"})
        assert completed["result"]["exit_code"] == 0, completed["error"]
        assert MASK in json.dumps(completed["plan"])
        completed = await agent.call("plan", **asked)
        assert MASK not in json.dumps(completed["plan"])
        assert f"stacks/{given['name']}/main.tf" in {file["path"] for file in completed["plan"][0]["files"]}

    talk(Settings(infra=str(desk.infra), sources=sources(["env:WORD"])), wish)


@pytest.mark.parametrize("writes", [False, True])
def test_every_tool_with_seeds_takes_the_allowed_sources(writes: bool) -> None:
    allowed = sources(["env:WORD"])
    offered = [tool for tool in tools(writes=writes, sources=allowed) if "seeds" in tool.properties]
    assert "change" in {tool.name for tool in offered}
    for tool in offered:
        assert tool.properties["seeds"] == allowed.schema, tool.name
        assert allowed.summary in tool.description, tool.name


def test_the_server_s_own_credentials_are_known_to_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGEJO_TOKEN", PLANTED)
    monkeypatch.setenv("VAULT_TOKEN", f"{PLANTED}-of-vault")
    (Path.home() / ".vault-token").write_text("another-planted-value")
    with forgotten_afterwards():
        assert redact(PLANTED) == PLANTED
        remember_server_credentials(Settings())
        Call().run(["schema"], None)
        assert redact(f"{PLANTED} {PLANTED}-of-vault") == f"{MASK} {MASK}"
        monkeypatch.delenv("VAULT_TOKEN")
        remember_server_credentials(Settings(platform="/none"))  # every call reports that; Vault's own place counts
        assert redact("another-planted-value") == MASK


def test_nothing_of_the_answers_is_left_on_the_disk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def look(line: Sequence[str], reporter: JsonReporter) -> ExitCode:
        (flag,) = [word for word in line if word.startswith("--answers=")]
        assert "Notes" in Path(flag.removeprefix("--answers=")).read_text()
        seen.append(os.listdir(desk.folder))
        reporter.result(Result("success", ExitCode.OK))
        return ExitCode.OK

    monkeypatch.setattr("generator.mcp.calls.run_command", look)
    monkeypatch.setattr("tempfile.tempdir", str(desk.folder))
    Call().run(["plan"], {"title": "Notes"})
    assert seen == [os.listdir(desk.folder)]


def test_an_agent_sees_what_an_update_would_change_in_the_answers(desk: Desk) -> None:
    assert desk.create(RICH).code == 0
    commit_all(desk.infra, "feat: the stack")
    path = str(desk.infra / "stacks" / str(RICH["name"]))
    seen: list[dict[str, Any]] = []

    async def wish(agent: Agent) -> None:
        given = {"answers": {"env": {"ONLY": "1"}}, "replace": ["env"], "unset": ["volumes.data"]}
        refused = await agent.call("update", path=path, check=True, **given)
        assert [error["code"] for error in refused["error"]] == ["change.loss"]
        completed = await agent.call("update", path=path, check=True, accept_loss=["volumes.data"], **given)
        seen.extend(event for event in completed["events"] if event["event"] == "change")

    talk(Settings(infra=str(desk.infra)), wish)
    found = {event["answer"]: (event["old"], event["new"]) for event in seen}
    before = {f"env.{name}": (value, None) for name, value in RICH["env"].items()}
    assert {name: item for name, item in found.items() if name.startswith("env.")} == {
        **before,
        "env.ONLY": (None, "1"),
    }
    assert found["volumes.data"][1] is None


def test_an_update_names_the_command_with_the_answers_themselves(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same again and again, and the command line that it names finds the same."""
    assert desk.create({**RICH, "outage_page": False}).code == 0
    commit_all(desk.infra, "feat: the stack")
    path = str(desk.infra / "stacks" / str(RICH["name"]))
    answers: dict[str, Any] = {
        "outage_page": True,
        "description": "Other words: 'so' # \U0001f600",
        "env": {"A": "1, 2", "B": "no"},
    }
    following: list[str] = []

    async def wish(agent: Agent) -> None:
        for _ in range(2):
            completed = await agent.call("update", path=path, check=True, answers=answers)
            assert completed["result"]["status"] == "success", completed["error"]
            following.extend(completed["result"]["next"])

    talk(Settings(infra=str(desk.infra)), wish)
    first, second = following
    assert first == second
    assert "--answers" not in first
    words = shlex.split(first)
    assert words[:3] == ["newservice", "update", path]
    completed = Command(capsys)(*words[1:], "--json")
    assert completed.result["status"] == "success", completed.out
    recorded = yaml.safe_load(Path(path, ".copier-answers.yml").read_text())
    merged = {**answers, "env": {**RICH["env"], **answers["env"]}}  # a map is merged, as on the command line
    assert {name: recorded[name] for name in merged} == merged
    version = recorded["_commit"].lstrip("v")
    assert completed.result["next"][1] == f"git commit, with the new answers alone ({version}, as before)"


@pytest.mark.parametrize("writes", [False, True])
def test_a_path_that_is_none_has_a_result(writes: bool, desk: Desk) -> None:
    async def wish(agent: Agent) -> None:
        for path in ("a\0b", "x" * 5000, "x" * 300, str(desk.infra / "main.tf" / "x")):
            completed = await agent.call("update", path=path)
            assert [item["code"] for item in completed["error"]] in (["usage.path"], ["update.no_repository"]), (
                completed
            )
            assert completed["result"]["exit_code"] == 2
        completed = await agent.call("plan", answers=SMALLEST, no_provision=True, service_dir="a\0b")
        assert [item["code"] for item in completed["error"]] == ["usage.path"]
        completed = await agent.call("plan", answers=SECRETIVE, seeds={"api_token": "file:a\0b"}, no_provision=True)
        assert [item["code"] for item in completed["error"]] == ["mcp.seed"]

    talk(Settings(infra=str(desk.infra), allow_writes=writes), wish)


def test_a_fault_of_a_guard_has_a_result() -> None:
    call = Call()

    def broken() -> None:
        raise ZeroDivisionError

    call.run(["schema"], None, broken)
    assert [event["event"] for event in call.events] == ["error", "result"]
    assert (call.events[0]["code"], call.events[1]["exit_code"]) == ("internal", 1)
    Path(call.events[0]["hint"].rpartition(" ")[2]).unlink()


# --- the command --------------------------------------------------------------------------------------------


def _run(arguments: list[str]) -> None:
    group.main(arguments, standalone_mode=False, obj=JsonReporter())


def test_without_the_package_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(PreflightError) as completed:
        _run(["mcp"])
    assert completed.value.code == "mcp.missing"
    assert "pip install" in completed.value.hint


def test_the_sandbox_is_a_platform_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    for flags in (["--platform", "x"], ["--infra", "x"]):
        with pytest.raises(UsageError) as completed:
            _run(["mcp", "--sandbox", *flags])
        assert completed.value.code == "usage.sandbox"
    assert Command(capsys)("mcp", "--help").code == 0
