"""What PyGithub takes for a connection: our own client sends its requests, within the bounds of every system."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from generator.base.external import ExternalTextError, read_json
from generator.base.lazy_import import lazily

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazily("httpx")

MOST_REDIRECTS = 3
"""Moves of a repository that are followed, to another path of the same server."""


class UnansweredError(Exception):
    """A status that leads nowhere: PyGithub would ask again without end, or take it for a success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Answer:
    """A response as PyGithub reads it."""

    status: int
    headers: Mapping[str, str]
    body: str

    def getheaders(self) -> Iterable[tuple[str, str]]:
        """Names and values."""
        return self.headers.items()

    def read(self) -> str:
        """The body."""
        return self.body


class Connection:
    """Sends one request after the other to ``host``."""

    def __init__(self, host: str, client: httpx.Client) -> None:
        self.host = host
        self._client = client
        self._redirects = 0
        self._request: tuple[str, str, str | None, Mapping[str, str]] = ("", "", None, {})

    def request(self, verb: str, url: str, body: str | None, headers: Mapping[str, str], _: bool = False) -> None:
        """Note a request."""
        self._request = verb, url, body, headers

    def getresponse(self) -> Answer:
        """Send it.

        Raises httpx's errors, ``UnansweredError``, and ``ValueError`` for a success whose body is not JSON.
        """
        verb, url, body, headers = self._request
        response = self._client.request(verb, url, content=body, headers=headers)
        status = response.status_code
        moved, self._redirects = self._redirects, 0
        if response.is_redirect:
            if status != HTTPStatus.MOVED_PERMANENTLY or moved >= MOST_REDIRECTS or not _is_here(response):
                raise UnansweredError(status, "a redirect that is not followed")
            self._redirects = moved + 1
        elif status == HTTPStatus.ACCEPTED and verb == "GET":
            raise UnansweredError(status, "it has no answer yet")
        return Answer(status, response.headers, _body(response))

    def close(self) -> None:
        """Nothing: the client's connections are closed with the client."""


def _is_here(response: httpx.Response) -> bool:
    """Whether a redirect leads to another path of the same server."""
    here = response.url
    try:
        there = here.join(response.headers["location"])
    except (httpx.InvalidURL, LookupError, ValueError):
        return False
    same = (there.scheme, there.host, there.port) == (here.scheme, here.host, here.port)
    return same and there.path != here.path


def _body(response: httpx.Response) -> str:
    """A body that is JSON within bounds, or empty; also empty for what is none in an error or a redirect."""
    try:
        if response.content:
            read_json(response.content)
    except ExternalTextError:
        if response.is_success:
            raise
        return ""
    return response.content.decode("utf-8-sig")
