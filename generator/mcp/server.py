"""The server: lists the tools, runs their calls one after the other, and answers everything else meanwhile."""

from __future__ import annotations

import errno
import json
import math
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
import mcp_types as types
from jsonschema import Draft202012Validator, ValidationError
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError

from generator import __version__
from generator.base.children import end_all
from generator.base.errors import ExitCode, NewserviceError, RefusedError, SystemFailure, UsageError
from generator.base.stopping import heard_signals
from generator.cli.report import write_line
from generator.engine.credentials import remember_credentials, vault_token
from generator.mcp.calls import Call, Event
from generator.mcp.lines import Lines, standard_input
from generator.mcp.sources import Sources
from generator.mcp.tools import OUTPUT, Tool, tools
from generator.platform.profile import load_platform
from generator.template.template import Template

_INSTRUCTIONS = (
    "newservice onboards a service onto a platform. Read the tool schema, write answers, call plan until nothing is "
    "refused, and show the plan to a person. {rights} A result is that of the command line: exit_code 0 is done; 2 "
    "wrong answers, all of them listed; 3 something is missing, for a person; 4 refused, for a person; 5 the same call "
    "again continues. A service that exists is changed with change, a repository with code in it is adopted with "
    "adopt_repository. Never pass the value of a secret."
)
_RIGHTS = {
    True: "Then create carries it out at once.",
    False: "This server is read-only: it offers neither create and secrets_push nor a change, update or adoption that "
    "writes.",
}


_LOOKING = {"change": "dry_run", "update": "check", "adopt_repository": "dry_run"}
"""The argument with which a tool changes nothing."""

_GRACE_SECONDS = 10.0
"""How long a server that is asked to end waits for the call under way."""


@dataclass(frozen=True)
class Settings:
    """What is fixed for as long as a server runs: no call can choose another platform, nor more rights or sources."""

    platform: str | None = None
    infra: str | None = None
    allow_writes: bool = False
    sources: Sources = field(default_factory=Sources)

    def flags(self, tool: Tool) -> list[str]:
        """The flags of the command line that every call has."""
        flags = [f"--platform={self.platform}"] if self.platform else []
        return flags + ([f"--infra={self.infra}"] if self.infra and tool.infra else [])


def serve(settings: Settings, *, sandbox: bool = False) -> None:
    """Serve on standard input and output until the input ends; a signal that asks to end ends the process.

    Raises ``SystemFailure`` where standard output can't be written, ``KeyboardInterrupt`` where nobody reads it.
    With ``sandbox`` on an embedded platform that runs as long as the server does. Standard output carries messages
    only: whatever else is written there goes to standard error.
    """
    with ExitStack() as stack:
        chosen = stack.enter_context(_embedded(settings)) if sandbox else settings
        remember_server_credentials(chosen)
        try:
            anyio.run(_serve, chosen, stack.close)
        except BaseExceptionGroup as group:
            raise _unread(group) or group from None


def _unread(group: BaseExceptionGroup[BaseException]) -> BaseException | None:
    """What ends the server where its answers can't be written any more; None for anything else."""
    lost, others = group.split(OSError)
    if others is not None or lost is None:
        return None
    error: BaseException = lost
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, OSError) and error.errno not in (errno.EPIPE, errno.ECONNRESET, errno.EIO):
        message = f"the answers can't be written to standard output: {error.strerror}"
        return SystemFailure("mcp.output", message, "let the client start the server again")
    return KeyboardInterrupt()


def remember_server_credentials(settings: Settings) -> None:
    """Make this server's own credentials known for as long as it runs; what a call learns is forgotten with it."""
    chosen = Path(settings.platform) if settings.platform else None
    with suppress(NewserviceError):  # every call reports it
        remember_credentials(load_platform(Template.installed().platform, chosen, os.environ), os.environ)
    with suppress(NewserviceError):
        vault_token(os.environ)


async def _serve(settings: Settings, close: Callable[[], None]) -> None:
    service = _Service(settings)
    server = service.server()
    with anyio.open_signal_receiver(*heard_signals()) as signals:
        async with anyio.create_task_group() as group:

            async def end() -> None:
                async for _ in signals:
                    with anyio.CancelScope(shield=True):  # the input may end meanwhile
                        await service.end()
                        await anyio.to_thread.run_sync(end_all)
                        await anyio.to_thread.run_sync(close)
                    write_line("newservice: stopped; what was done stays", sys.stderr)
                    os._exit(int(ExitCode.INTERRUPTED))  # a thread reads the input, and nothing can call it back

            group.start_soon(end)
            with standard_input() as stream:
                lines = Lines(stream)
                async with stdio_server(stdin=cast("anyio.AsyncFile[str]", lines)) as (reading, writing):
                    lines.answer_to(writing)
                    await server.run(reading, writing, server.create_initialization_options())
            group.cancel_scope.cancel()


@contextmanager
def _embedded(settings: Settings) -> Iterator[Settings]:
    """The settings on an embedded platform of this server's own, with that one's credentials in the environment."""
    from generator.sandbox import Sandbox  # heavy, and needed here only

    with ExitStack() as stack:
        folder = tempfile.TemporaryDirectory(prefix="newservice-sandbox-", ignore_cleanup_errors=True)
        platform = stack.enter_context(Sandbox.start(Path(stack.enter_context(folder))))
        before = dict(os.environ)
        os.environ.update(platform.environment)
        try:
            yield replace(settings, platform=str(platform.profile), infra=str(platform.infra))
        finally:
            os.environ.clear()
            os.environ.update(before)


def server_of(settings: Settings) -> Server[Any]:
    """A server with the tools that these settings allow."""
    return _Service(settings).server()


class _Service:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        offered = tools(writes=settings.allow_writes, sources=settings.sources)
        self._tools = {tool.name: tool for tool in offered}
        self._withheld = {tool.name for tool in tools(writes=True)} - set(self._tools)
        # A command takes credentials out of the environment, which is one for the whole process, and is one writer.
        self._turn = anyio.Lock()
        self._call: Call | None = None
        self._ending = False

    def server(self) -> Server[Any]:
        """What speaks the protocol."""
        return Server(
            "newservice",
            version=__version__,
            title="newservice",
            instructions=_INSTRUCTIONS.format(rights=_RIGHTS[self._settings.allow_writes]),
            on_list_tools=self.list_tools,
            on_call_tool=self.call_tool,
        )

    async def end(self) -> None:
        """Interrupt the call that is under way and those that wait for their turn; wait a little for them to end."""
        self._ending = True
        if self._call:
            self._call.stop()
        with anyio.move_on_after(_GRACE_SECONDS):
            async with self._turn:
                pass

    async def list_tools(self, _: Any, __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        """All tools, in the order in which they are used."""
        return types.ListToolsResult(tools=[_described(tool) for tool in self._tools.values()])

    async def call_tool(self, context: Any, asked: types.CallToolRequestParams) -> types.CallToolResult:
        """Run a tool; errors are reported in its result."""
        given = asked.arguments or {}
        if asked.name not in self._tools and asked.name not in self._withheld:
            raise MCPError(types.INVALID_PARAMS, f"there is no tool {asked.name}")
        refusal = self._refusal(asked.name, given)
        if refusal is not None:
            call = Call()
            call.refuse(refusal)
            return _result(call)
        tool = self._tools[asked.name]
        command, *rest = tool.line(given)
        line = [command, *self._settings.flags(tool), *rest]
        async with self._turn:
            self._call = Call()
            if self._ending:
                self._call.stop()
            try:
                return await _run(self._call, context, line, given.get("answers"), partial(tool.guard, given))
            finally:
                self._call = None

    def _refusal(self, name: str, given: Mapping[str, Any]) -> UsageError | RefusedError | None:
        """Why a call is not made at all."""
        looks_only = not self._settings.allow_writes
        looking = _LOOKING.get(name)
        if name in self._withheld or (looks_only and looking and given.get(looking, True) is not True):
            return RefusedError(
                "mcp.read_only",
                f"this server is read-only, and {name} would write",
                "a person may start it with --allow-writes; plan, status, verify, secrets_show, change and "
                "adopt_repository with dry_run, and update with check work here",
            )
        try:
            for key in ("seeds", "replace"):
                self._settings.sources.check_names(given.get(key))
        except (UsageError, RefusedError) as error:
            return error
        wrong = [_wrong(error) for error in Draft202012Validator(self._tools[name].schema).iter_errors(given)]
        if wrong:
            return UsageError("usage", f"{name}: {'; '.join(sorted(wrong))}", "see the input schema of the tool")
        return None


def _wrong(error: ValidationError) -> str:
    """What is wrong with an argument, without repeating it: it may be a secret given by mistake."""
    place = error.json_path.removeprefix("$").lstrip(".") or "arguments"
    if error.validator in ("additionalProperties", "required"):  # these contain names only
        return f"{place}: {error.message}"
    rule = {"type": "must be of type", "pattern": "must match", "minLength": "must have a length of at least"}
    return f"{place}: {rule.get(str(error.validator), f'must obey {error.validator}')} {error.validator_value}"


async def _run(
    call: Call, context: Any, line: list[str], answers: Mapping[str, Any] | None, guard: Callable[[], None]
) -> types.CallToolResult:
    """Run a command line in a thread.

    A cancelled call ends where it waits or reports something, as if a person had interrupted it.
    """

    async def watch() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            call.stop()

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        async with _progress(context) as call.on_event:
            await anyio.to_thread.run_sync(call.run, line, answers, guard)
        group.cancel_scope.cancel()
    return _result(call)


@asynccontextmanager
async def _progress(context: Any) -> AsyncIterator[Callable[[Event], None]]:
    """A function that reports steps, checks and progress to a client; any thread may call it, and none waits."""
    count = _Count()
    token = anyio.lowlevel.current_token()
    sending, receiving = anyio.create_memory_object_stream[tuple[float, int | None, str]](math.inf)

    def tell(event: Event) -> None:
        if words := count(event):
            with suppress(RuntimeError, anyio.BrokenResourceError, anyio.ClosedResourceError):  # nobody hears any more
                anyio.from_thread.run_sync(sending.send_nowait, words, token=token)

    async def pass_on() -> None:
        async with receiving:
            async for number, total, words in receiving:
                await context.session.report_progress(number, total, words)

    async with anyio.create_task_group() as group:
        group.start_soon(pass_on)
        async with sending:
            yield tell


class _Count:
    """How far a command is, by its events."""

    def __init__(self) -> None:
        self._number = 0.0
        self._total: int | None = None

    def __call__(self, event: Event) -> tuple[float, int | None, str] | None:
        """A number that grows with every report, how many steps there are in all, and words; None for no report."""
        if event["event"] == "plan":
            self._total = len(event["steps"]) or None
        if event["event"] not in ("step", "check", "progress"):
            return None
        step = 1.0 if event["event"] == "step" or self._total is None else 0.001
        self._number = round(self._number + step, 3)
        return self._number, self._total, f"{event['id']}: {event['summary']}" if "id" in event else event["summary"]


def _result(call: Call) -> types.CallToolResult:
    document = call.document()
    text = json.dumps(document, ensure_ascii=False)
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)], structured_content=document, is_error=call.failed
    )


def _described(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.schema,
        output_schema=OUTPUT,
        annotations=types.ToolAnnotations(
            title=tool.title,
            read_only_hint=not tool.writes,
            destructive_hint=tool.edits,
            idempotent_hint=True,
            open_world_hint=tool.name != "schema",
        ),
    )
