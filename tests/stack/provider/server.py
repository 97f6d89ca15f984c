"""The server: go-plugin's handshake, then gRPC. It knows its recorded schema and agrees to everything else.

Names, types and nesting are held against the schema by Terraform itself, before it asks the provider; what a real
provider would then check with its own code is not checked here.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]

from .wire import provider_schema

COOKIE = ("TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2")
"""What Terraform puts into the environment of its plugins."""
HANDSHAKE = 1
PROTOCOL = 6
AGREED = ("ValidateProviderConfig", "ValidateResourceConfig", "ValidateDataResourceConfig")
"""Calls whose answer is a list of diagnostics: an empty message is an empty list."""


def serve(record: Path) -> int:
    """Serve a recorded schema until Terraform says stop, or is gone. The exit code."""
    if os.environ.get(COOKIE[0]) != COOKIE[1]:
        print("This is a plugin: Terraform starts it.", file=sys.stderr)  # noqa: T201 - the only place it can be told
        return 1
    stopped = threading.Event()
    schema = provider_schema(json.loads(record.read_text(encoding="utf-8")))
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    server.add_generic_rpc_handlers(_services(schema, stopped))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"{HANDSHAKE}|{PROTOCOL}|tcp|127.0.0.1:{port}|grpc", flush=True)  # noqa: T201 - the handshake
    terraform = os.getppid()
    while not stopped.wait(timeout=1) and os.getppid() == terraform:
        pass
    server.stop(grace=1).wait()
    return 0


def _services(schema: bytes, stopped: threading.Event) -> tuple[Any, ...]:
    """The provider, and go-plugin's own service that ends it. Whatever else is called is answered: unimplemented."""

    def stop(request: bytes, context: object) -> bytes:
        stopped.set()
        return b""

    calls = {"GetProviderSchema": _always(schema), "StopProvider": _always(b""), **dict.fromkeys(AGREED, _always(b""))}
    return _service("tfplugin6.Provider", calls), _service("plugin.GRPCController", {"Shutdown": stop})


def _always(answer: bytes) -> Callable[[bytes, object], bytes]:
    return lambda request, context: answer


def _service(name: str, calls: dict[str, Callable[[bytes, object], bytes]]) -> Any:
    handlers = {call: grpc.unary_unary_rpc_method_handler(answer) for call, answer in calls.items()}
    return grpc.method_handlers_generic_handler(name, handlers)
