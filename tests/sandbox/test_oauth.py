"""Signing in at the sandbox's GitHub for an application."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from generator.sandbox import Sandbox
from generator.sandbox.messages import Request, Response

BACK = "https://ci.sandbox.test/authorize"


def authorize(sandbox: Sandbox, **query: str) -> Response:
    return sandbox.github(Request("GET", "localhost", "/login/oauth/authorize", str(httpx.QueryParams(query))))


def answered(response: Response) -> dict[str, list[str]]:
    assert response.status == 302
    assert response.headers["Location"].startswith(f"{BACK}?")
    return parse_qs(urlsplit(response.headers["Location"]).query)


def exchange(sandbox: Sandbox, **form: str) -> dict[str, list[str]]:
    body = str(httpx.QueryParams(form)).encode()
    response = sandbox.github(Request("POST", "localhost", "/login/oauth/access_token", body=body))
    assert response.status == 200
    return parse_qs(response.body.decode())


def test_nobody_signs_in_without_an_application(sandbox: Sandbox) -> None:
    assert authorize(sandbox, client_id="made-up", redirect_uri=BACK).status == 404
    assert "access_token" not in exchange(sandbox, client_id="made-up", client_secret="", code="")


def test_a_code_becomes_a_token_once(sandbox: Sandbox) -> None:
    application = sandbox.github.oauth.register(BACK, "ViktorBarzin")
    asked = answered(authorize(sandbox, client_id=application.client_id, state="s", scope="user:email repo"))
    assert asked["state"] == ["s"]
    given = {"client_id": application.client_id, "code": asked["code"][0]}
    assert exchange(sandbox, **given, client_secret="wrong") == {"error": ["incorrect_client_credentials"]}
    token = exchange(sandbox, **given, client_secret=application.secret)["access_token"][0]
    assert sandbox.github.tokens[token].user == "ViktorBarzin"
    assert sandbox.github.tokens[token].scopes == {"user:email", "repo"}
    assert exchange(sandbox, **given, client_secret=application.secret) == {"error": ["bad_verification_code"]}


@pytest.mark.parametrize(("login", "user"), [("octocat", "octocat"), ("nobody", "ViktorBarzin")])
def test_another_account_may_be_suggested(sandbox: Sandbox, login: str, user: str) -> None:
    application = sandbox.github.oauth.register(BACK, "ViktorBarzin")
    code = answered(authorize(sandbox, client_id=application.client_id, login=login))["code"][0]
    completed = exchange(sandbox, client_id=application.client_id, client_secret=application.secret, code=code)
    assert sandbox.github.tokens[completed["access_token"][0]].user == user


def test_an_application_gets_its_codes_at_its_own_address_only(sandbox: Sandbox) -> None:
    application = sandbox.github.oauth.register(BACK, "ViktorBarzin")
    asked = answered(authorize(sandbox, client_id=application.client_id, redirect_uri="https://elsewhere.test/"))
    assert asked["error"] == ["redirect_uri_mismatch"]
    assert "code" not in asked
