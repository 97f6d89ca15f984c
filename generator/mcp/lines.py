"""The lines that an agent sends, within bounds: what is no message gets an error, and the next one is read."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

import anyio
import anyio.to_thread
import mcp_types as types
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from generator.base.external import ExternalTextError, read_json

LONGEST, MOST_VALUES = 256 << 10, 5_000
"""Bytes and values of one line: far more than any service's answers need, and looked at in a moment."""

# Where clients write the id of a request: behind members that are plain texts, or last. It is looked for in a line that
# no parser reads, so that whoever waits for an answer gets one.
_ID = rb'"id"\s*:\s*(\d{1,15}|"[^"\\]{1,200}")\s*'
_FIRST = re.compile(rb'\s*\{(?:\s*"\w{1,20}"\s*:\s*"[^"\\]{0,200}"\s*,){0,5}\s*' + _ID + rb"[,}]")
_LAST = re.compile(rb",\s*" + _ID + rb"\}\s*\Z")
_END = 1000


class Lines:
    """The messages in a stream of lines, each as text, to be iterated over once.

    ``answers`` takes the errors for what is none, from when it is set on; they wait for it.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._ready = anyio.Event()
        self._answers: Any = None

    def answer_to(self, answers: Any) -> None:
        """Set where errors are sent."""
        self._answers = answers
        self._ready.set()

    async def __aiter__(self) -> AsyncIterator[str]:
        while line := await anyio.to_thread.run_sync(self._stream.readline, LONGEST + 1):
            if len(line) > LONGEST:
                tail = part = line[-_END:]
                while part and not part.endswith(b"\n"):
                    part = await anyio.to_thread.run_sync(self._stream.readline, LONGEST)
                    tail = (tail + part)[-_END:]
                ends = line[:_END] + tail
                await self._refuse(ends, types.PARSE_ERROR, f"a message is at most {LONGEST >> 10} KiB long")
            elif line.strip():
                try:
                    read_json(line, MOST_VALUES)
                    types.jsonrpc_message_adapter.validate_json(line, by_name=False)
                except ExternalTextError as error:
                    await self._refuse(line, types.PARSE_ERROR, f"this line can't be read: {error}")
                except ValidationError:
                    await self._refuse(line, types.INVALID_REQUEST, "this line is not a message of JSON-RPC 2.0")
                else:
                    yield line.decode()

    async def _refuse(self, line: bytes, code: int, message: str) -> None:
        await self._ready.wait()
        error = types.JSONRPCError(jsonrpc="2.0", id=_id_of(line), error=types.ErrorData(code=code, message=message))
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):  # nobody hears any more
            await self._answers.send(SessionMessage(error))


def _id_of(line: bytes) -> int | str | None:
    """The id of a request that was not understood, if it can be found."""
    found = _FIRST.match(line) or _LAST.search(line, max(0, len(line) - _END))
    text = found[1].decode(errors="replace") if found else ""
    return text[1:-1] if text.startswith('"') else int(text) if text else None


@contextmanager
def standard_input() -> Iterator[BinaryIO]:
    """Standard input for this server alone: what it calls meanwhile, and every child, finds it empty."""
    own = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 3)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    try:
        yield os.fdopen(own, "rb", closefd=False)  # a thread may still read from it
    finally:
        os.dup2(own, 0)
