"""The providers as servers that Terraform attaches to: gRPC on Unix sockets in a private folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc  # type: ignore[import-untyped]

from generator.rehearsal.provider.calls import Provider
from generator.rehearsal.provider.records import Address
from generator.rehearsal.provider.stand_ins import StandIns

_LARGEST = 64 << 20
"""Bytes of a message: Terraform's own bound."""


def serve(providers: Iterable[Address], stand_ins: Callable[[], StandIns]) -> list[Any]:
    """Start a server for each provider; they end with the process."""
    return [_serve(provider, stand_ins) for provider in providers]


def _serve(address: Address, stand_ins: Callable[[], StandIns]) -> Any:
    options = [("grpc.max_receive_message_length", _LARGEST), ("grpc.max_send_message_length", _LARGEST)]
    server = grpc.server(ThreadPoolExecutor(max_workers=4), options=options)
    calls = Provider(address.record, stand_ins).calls()
    handlers = {name: grpc.unary_unary_rpc_method_handler(_answering(answer)) for name, answer in calls.items()}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("tfplugin6.Provider", handlers),))
    server.add_insecure_port(f"unix:{address.socket}")
    server.start()
    return server


def _answering(answer: Callable[[bytes], bytes]) -> Callable[[bytes, object], bytes]:
    return lambda request, _: answer(request)
