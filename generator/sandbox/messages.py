"""Requests and responses of the sandbox, and the table that finds the handler of a path.

Handlers are methods marked with :func:`route`; a :class:`Router` collects them from the objects it is given and
calls the one that fits, or raises the werkzeug exception that says why none does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar
from urllib.parse import parse_qs

from werkzeug.routing import Map, Rule

JSON = "application/json"
# Where the server puts the TLS server name (SNI) of the connection; no header of that name is taken from outside.
SERVER_NAME = "x-sandbox-server-name"
HTML_PAGE = b"<!DOCTYPE html><html><head><title>sandbox</title></head><body></body></html>\n"

Handler = TypeVar("Handler", bound=Callable[..., "Response"])


@dataclass(frozen=True)
class Request:
    """One HTTP request, its body complete and decoded (chunks, gzip)."""

    method: str
    host: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def header(self, name: str) -> str:
        """The value of a header, or an empty string."""
        return self.headers.get(name.lower(), "")

    def parameter(self, name: str, default: str = "") -> str:
        """The first value of a query parameter, or the default."""
        return parse_qs(self.query, keep_blank_values=True).get(name, [default])[0]

    def json(self) -> Any:
        """The body as JSON; None when it is empty. Raises ValueError when it is something else."""
        return json.loads(self.body) if self.body else None

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object; empty if there is no body. Raises ValueError if it is something else."""
        value = self.json()
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise ValueError("a JSON object is expected")
        return value


@dataclass(frozen=True)
class Response:
    """One HTTP response; ``reset`` drops the connection instead of sending it."""

    status: int
    body: bytes = b""
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    reset: bool = False


def json_response(status: int, value: object, headers: Mapping[str, str] | None = None) -> Response:
    """A response whose body is the value as JSON."""
    body = json.dumps(value, separators=(",", ":")).encode()
    return Response(status, body, f"{JSON}; charset=utf-8", headers or {})


def text_response(status: int, text: str) -> Response:
    """A response of plain text."""
    return Response(status, text.encode(), "text/plain; charset=utf-8")


def html_response(status: int = 200) -> Response:
    """The page that a single-page application answers unknown paths with."""
    return Response(status, HTML_PAGE, "text/html; charset=utf-8")


@dataclass(frozen=True)
class Route:
    """What :func:`route` leaves on a handler."""

    method: str
    path: str
    scopes: tuple[str, ...] | None


@dataclass(frozen=True)
class Match:
    """A handler that fits, its arguments from the path, and the scopes it asks for (None: by category)."""

    handler: Callable[..., Response]
    arguments: Mapping[str, Any]
    scopes: tuple[str, ...] | None


def route(method: str, path: str, *, scopes: tuple[str, ...] | None = None) -> Callable[[Handler], Handler]:
    """Mark a method as the handler of a method and a path (werkzeug rule syntax)."""

    def mark(handler: Handler) -> Handler:
        routes: list[Route] = getattr(handler, "routes", [])
        routes.append(Route(method, path, scopes))
        handler.routes = routes  # type: ignore[attr-defined]
        return handler

    return mark


class Router:
    """The routes of several handler objects."""

    def __init__(self, handlers: Iterable[object]) -> None:
        holders = tuple(handlers)
        self._map, targets = _compiled(tuple(type(holder) for holder in holders))
        self._targets = {
            endpoint: (getattr(holders[number], name), scopes) for endpoint, (number, name, scopes) in targets.items()
        }

    def match(self, method: str, path: str) -> Match:
        """The handler for a request. Raises werkzeug's NotFound or MethodNotAllowed."""
        endpoint, arguments = self._map.bind("sandbox").match(path, method=method)
        handler, scopes = self._targets[str(endpoint)]
        return Match(handler, arguments, scopes)


@cache
def _compiled(types: tuple[type, ...]) -> tuple[Map, Mapping[str, tuple[int, str, tuple[str, ...] | None]]]:
    """The rules of handler types and, for each, the number of its type, the method's name, and the scopes.

    werkzeug compiles a rule in two milliseconds, and a sandbox has more than a hundred; each later one takes these.
    """
    targets: dict[str, tuple[int, str, tuple[str, ...] | None]] = {}
    rules: list[Rule] = []
    for number, kind in enumerate(types):
        for name in dir(kind):
            for entry in getattr(getattr(kind, name), "routes", ()):
                endpoint = f"{entry.method} {entry.path}"
                targets[endpoint] = (number, name, entry.scopes)
                rules.append(Rule(entry.path, methods=[entry.method], endpoint=endpoint))
    return Map(rules, strict_slashes=False, merge_slashes=False), targets


def page_of(items: list[Any], request: Request, *, size_name: str, default: int, maximum: int) -> list[Any]:
    """The page of a list that the request asks for."""
    size = min(_positive(request.parameter(size_name), default), maximum)
    page = _positive(request.parameter("page"), 1)
    return items[(page - 1) * size : page * size]


def _positive(text: str, default: int) -> int:
    return int(text) if text.isdigit() and int(text) > 0 else default
