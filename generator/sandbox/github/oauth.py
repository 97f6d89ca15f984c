"""Signing in at the sandbox's GitHub on behalf of an OAuth application, as a CI server lets its users do.

Nobody is an application until a test adds one (:meth:`OAuth.register`): without its secret no code becomes a token.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode

from generator.sandbox.github.state import Token
from generator.sandbox.messages import JSON, Request, Response, json_response, text_response

if TYPE_CHECKING:
    from generator.sandbox.github.application import GitHub

PREFIX = "/login/oauth/"
_FORM = "application/x-www-form-urlencoded; charset=utf-8"


@dataclass(frozen=True)
class Application:
    """An OAuth application, and the user whose browser signs in to it unless it says otherwise."""

    client_id: str
    secret: str = field(repr=False)
    redirect_uri: str
    user: str


@dataclass(frozen=True)
class _Grant:
    """A code that was handed out: to whom, and for what."""

    client_id: str
    user: str
    scopes: frozenset[str]


class OAuth:
    """The web application flow: a code for the browser, a token for the application."""

    def __init__(self, github: GitHub) -> None:
        self._github = github
        self._applications: dict[str, Application] = {}
        self._grants: dict[str, _Grant] = {}

    def register(self, redirect_uri: str, user: str) -> Application:
        """Add an application; users agree to whatever it asks for."""
        made = Application(f"Iv1.{secrets.token_hex(8)}", secrets.token_hex(20), redirect_uri, user)
        self._applications[made.client_id] = made
        return made

    def __call__(self, request: Request) -> Response:
        """Answer one request below ``/login/oauth/``."""
        if (request.method, request.path) == ("GET", f"{PREFIX}authorize"):
            return self._authorize(request)
        if (request.method, request.path) == ("POST", f"{PREFIX}access_token"):
            return self._exchange(request)
        return text_response(404, "Not Found")

    def _authorize(self, request: Request) -> Response:
        """Send the browser back with a code, for the account ``login`` where one is suggested.

        An unknown application is a 404.
        """
        application = self._applications.get(request.parameter("client_id"))
        if application is None:
            return text_response(404, "Not Found")
        wanted = request.parameter("redirect_uri") or application.redirect_uri
        answer = {"state": request.parameter("state")}
        if not wanted.startswith(application.redirect_uri):
            wanted = application.redirect_uri
            answer |= {"error": "redirect_uri_mismatch"}
        else:
            code = secrets.token_hex(10)
            scopes = request.parameter("scope").replace(",", " ").split()
            suggested = request.parameter("login")
            user = suggested if suggested in self._github.users else application.user
            self._grants[code] = _Grant(application.client_id, user, frozenset(scopes))
            answer |= {"code": code}
        return Response(302, headers={"Location": f"{wanted}?{urlencode(answer)}"})

    def _exchange(self, request: Request) -> Response:
        """Turn a code into a token, once; errors are reported with status 200, as GitHub does."""
        asked = {key: values[0] for key, values in parse_qs(request.body.decode()).items()}
        application = self._applications.get(asked.get("client_id", ""))
        if application is None or not secrets.compare_digest(application.secret, asked.get("client_secret", "")):
            return _reply(request, {"error": "incorrect_client_credentials"})
        grant = self._grants.get(asked.get("code", ""))
        if grant is None or grant.client_id != application.client_id:
            return _reply(request, {"error": "bad_verification_code"})
        del self._grants[asked["code"]]
        token = f"gho_{secrets.token_hex(18)}"
        self._github.tokens[token] = Token(grant.user, set(grant.scopes))
        return _reply(request, {"access_token": token, "scope": ",".join(sorted(grant.scopes)), "token_type": "bearer"})


def _reply(request: Request, answer: dict[str, str]) -> Response:
    if JSON in request.header("accept"):
        return json_response(200, answer)
    return Response(200, urlencode(answer).encode(), _FORM)
