"""The sandbox's Woodpecker answers as the real one does: the same requests to both, one after the other."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from generator.sandbox import Sandbox
from generator.sandbox.github.state import Repository
from generator.sandbox.github.state import Token as GitHubToken
from tests.live.compare import Seen, Side, seen, shape
from tests.live.woodpecker import Woodpecker

OTHER = "somebody-else"
DEPLOY = """\
when:
  - event: {event}
steps:
  - name: deploy
    image: docker.io/bitnami/kubectl:1.30
    commands: [kubectl version]
"""
SECRET: dict[str, Any] = {"name": "token", "value": "hush", "events": ["push", "manual"]}
ROWS = {"private": "manual", "public": "push", "empty": ""}

Pair = tuple[Side, Side]


@pytest.fixture(scope="module")
def people(woodpecker: Woodpecker, live_sandbox: Sandbox) -> Pair:
    """Both servers with the same people: the instance's administrator, somebody else, nobody, a wrong token."""
    live_sandbox.github.users[OTHER] = 77
    live_sandbox.github.tokens["unused"] = GitHubToken(OTHER)
    stand_in = live_sandbox.woodpecker
    stand_in.users["other-token"] = OTHER
    tokens = {
        "real": (woodpecker.token, woodpecker.sign_in(OTHER)),
        "stand-in": (live_sandbox.tokens.woodpecker, "other-token"),
    }
    # The sandbox begins with a secret for all repositories.
    made = Side(woodpecker.passage, "/api", {"admin": f"Bearer {woodpecker.token}"}).ask(
        "admin", "POST", "/secrets", body=SECRET | {"name": "slack_webhook"}
    )
    assert made.status == 200

    def side(name: str, application: Callable[..., Any]) -> Side:
        admin, other = tokens[name]
        callers = {"admin": f"Bearer {admin}", "other": f"Bearer {other}", "wrong": "Bearer wrong"}
        return Side(application, "/api", callers | {"lower": f"bearer {admin}"})

    return side("real", woodpecker.passage), side("stand-in", stand_in)


@pytest.fixture
def pair(people: Pair, live_sandbox: Sandbox, woodpecker: Woodpecker, request: pytest.FixtureRequest) -> Pair:
    """Both, each with repositories of its own on the forge."""
    short = request.node.name.removeprefix("test_")[:40]
    for side, name in zip(people, ("real", "stand-in"), strict=True):
        for key, event in ROWS.items():
            files = {".woodpecker/deploy.yml": DEPLOY.format(event=event)} if event else None
            made = _repository(live_sandbox, woodpecker.admin, f"{name}-{short}-{key}", files, private=key != "public")
            side.names |= {key: made.full_name, f"{key}_remote": str(made.id)}
        foreign = _repository(live_sandbox, OTHER, f"{name}-{short}", None, private=False)
        side.names |= {"foreign": foreign.full_name, "foreign_remote": str(foreign.id)}
    return people


def _repository(sandbox: Sandbox, owner: str, name: str, files: dict[str, str] | None, *, private: bool) -> Repository:
    return sandbox.github.create_repository(owner, name, private=private, files=files)


def both(pair: Pair, who: str, method: str, path: str, *, keep: str = "", text: bool = True, **options: Any) -> Seen:
    """What both answer; they must agree."""
    answers = []
    for side in pair:
        response = side.ask(who, method, path, **options)
        if keep and response.status == 200:
            side.number(keep, response)
        answers.append(seen(response, side, whole_text=text))
    real, stand_in = answers
    assert stand_in == real, f"{who}: {method} {path} {options}"
    return real


def activate(pair: Pair, *keys: str) -> None:
    for key in keys:
        answer = both(pair, "admin", "POST", f"/repos?forge_remote_id={{{key}_remote}}", keep=f"{key}_row")
        assert answer.status == 200


def hooks(pair: Pair, sandbox: Sandbox, key: str) -> int:
    counts = {len(sandbox.github.repository(side.names[key]).hooks) for side in pair}
    assert len(counts) == 1
    return counts.pop()


EVERYBODY = ("admin", "other", "wrong", "lower", "")


def test_who_asks(pair: Pair) -> None:
    found = {who: both(pair, who, "GET", "/user").status for who in EVERYBODY}
    assert found == {"admin": 200, "other": 200, "wrong": 401, "lower": 401, "": 401}
    for who in EVERYBODY:
        both(pair, who, "GET", "/secrets")
        if who != "admin":  # who sees what other tests left there
            both(pair, who, "GET", "/repos")


def test_paths_that_nobody_serves(pair: Pair) -> None:
    activate(pair, "private")
    for path in ("/nope", "/user/nope", "/repos/{private_row}/nope", "", "/"):
        for method in ("GET", "POST", "PUT"):
            assert both(pair, "admin", method, path).kind == "text/html"
    assert both(pair, "admin", "PUT", "/user").kind == "text/html"
    assert both(pair, "admin", "HEAD", "/user").kind == "text/html"
    assert both(pair, "admin", "GET", "/user/").status == 301


def test_activation(pair: Pair, live_sandbox: Sandbox) -> None:
    for who in EVERYBODY:
        both(pair, who, "GET", "/repos/lookup/{private}")
        if who != "admin":
            both(pair, who, "POST", "/repos?forge_remote_id={private_remote}")
    for query in ("", "?forge_remote_id=", "?forge_remote_id=0"):
        assert both(pair, "admin", "POST", f"/repos{query}").status == 400
    for query in ("999", "abc"):
        assert both(pair, "admin", "POST", f"/repos?forge_remote_id={query}").status == 500
    assert both(pair, "admin", "POST", "/repos?forge_remote_id={foreign_remote}").status == 403
    activate(pair, "private")
    assert hooks(pair, live_sandbox, "private") == 1
    for who in EVERYBODY:
        both(pair, who, "POST", "/repos?forge_remote_id={private_remote}")
    assert both(pair, "admin", "POST", "/repos?forge_remote_id={private_remote}").status == 409


def test_what_is_seen_of_a_row(pair: Pair) -> None:
    activate(pair, "private", "public")
    for who in EVERYBODY:
        for key in ("private", "public"):
            both(pair, who, "GET", f"/repos/lookup/{{{key}}}")
            both(pair, who, "GET", f"/repos/{{{key}_row}}")
            both(pair, who, "GET", f"/repos/{{{key}_row}}/permissions")
            both(pair, who, "GET", f"/repos/{{{key}_row}}/secrets")
        for number in ("abc", "999999", "-1"):
            both(pair, who, "GET", f"/repos/{number}")
        if who != "admin":
            both(pair, who, "PATCH", "/repos/{private_row}", body={"timeout": 61})
            both(pair, who, "PATCH", "/repos/{public_row}", body={"timeout": 61})
            both(pair, who, "DELETE", "/repos/{private_row}")
            both(pair, who, "DELETE", "/repos/{public_row}")
            both(pair, who, "POST", "/repos/{private_row}/repair")
            both(pair, who, "POST", "/repos/{public_row}/repair")
            both(pair, who, "POST", "/repos/{public_row}/chown")
    assert both(pair, "other", "GET", "/repos/{private_row}").status == 404
    assert both(pair, "other", "PATCH", "/repos/{public_row}", body={}).status == 403


def test_lists_of_repositories(pair: Pair) -> None:
    assert both(pair, "other", "GET", "/user/repos").body == []
    activate(pair, "private", "public")
    real, stand_in = (_own(side, "/user/repos") for side in pair)
    assert len(real) == 2
    assert stand_in == real
    both(pair, "admin", "GET", "/user/repos?page=99&perPage=1")


def _own(side: Side, path: str) -> list[Any]:
    """The forms of this test's repositories in a list, which has those that other tests left, too."""
    listed = json.loads(side.ask("admin", "GET", path).body)
    return [shape(item) for item in listed if item["full_name"] in (side.names["private"], side.names["public"])]


SETTINGS: list[Any] = [
    {"trusted": True},
    {"trusted": {"network": True, "volumes": True, "security": True}},
    {"trusted": {"network": False, "odd": 1}},
    {"trusted": {"network": 1}},
    *({"timeout": value} for value in (0, -3, 61, 100_000, "x", 1.5)),
    *({"visibility": value} for value in ("odd", "internal", "private")),
    *({"require_approval": value} for value in ("odd", "none")),
    *({key: ["a"]} for key in ("netrc_trusted", "approval_allowed_users")),
    {"cancel_previous_pipeline_events": ["push"]},
    {"allow_deploy": True, "allow_pr": False},
    {"config_file": ".woodpecker/"},
    {"config_extension_endpoint": "https://somewhere.test", "nope": 1},
    {},
    [],
    "text",
]


def test_settings(pair: Pair) -> None:
    activate(pair, "private")
    for body in SETTINGS:
        both(pair, "admin", "PATCH", "/repos/{private_row}", body=body)
    both(pair, "admin", "GET", "/repos/{private_row}")


def test_settings_mind_the_content_type(pair: Pair) -> None:
    activate(pair, "private")
    for kind in ("", "text/plain", "application/json", "application/json; charset=utf-8"):
        for body in (b"", b"{", b'{"timeout": 77}'):
            changed = both(pair, "admin", "PATCH", "/repos/{private_row}", body=body, kind=kind)
            assert changed.status == (400 if "json" in kind and b"}" not in body else 200)


SECRETS: list[Any] = [
    {},
    {"name": "a"},
    {"name": "a", "value": "b"},
    {"name": "a", "value": "b", "events": []},
    {"name": "a", "value": "b", "events": ["odd"]},
    {"name": "", "value": "b", "events": ["push"]},
    {"name": "a", "events": ["push"]},
    {"name": "a b", "value": "b", "events": ["push"]},
    SECRET,
    SECRET,
    SECRET | {"name": "TOKEN"},
    SECRET | {"name": "for-images", "images": ["docker.io/library/alpine:3"], "note": "n"},
]
CHANGES: list[Any] = [
    *({"events": events} for events in ([], ["odd"], ["tag"])),
    *({"value": value} for value in ("w", "")),
    *({"images": images} for images in (["a"], [])),
    {"name": "other"},
    {"note": "x"},
    {},
]


def test_secrets(pair: Pair) -> None:
    activate(pair, "private", "public")
    path = "/repos/{private_row}/secrets"
    for body in SECRETS:
        both(pair, "admin", "POST", path, body=body)
    assert both(pair, "admin", "POST", path, body=SECRET).status == 500
    # A tag with a dot is none for the real server.
    for images in (["al pine"], ["alpine:3.22"], [""]):
        assert both(pair, "admin", "POST", path, body=SECRET | {"images": images}, text=False).status == 422
    assert both(pair, "admin", "POST", path, body=SECRET | {"events": "push"}, text=False).status == 400
    both(pair, "admin", "POST", path, body=b'{"name": "k"}', kind="")
    both(pair, "admin", "POST", path, body=b"{", kind="application/json")
    for tail in ("", "?page=7&perPage=1", "/token", "/none"):
        both(pair, "admin", "GET", path + tail)
    for body in CHANGES:
        both(pair, "admin", "PATCH", f"{path}/token", body=body)
    both(pair, "admin", "PATCH", f"{path}/token", body=b'{"value": "x"}', kind="")
    both(pair, "admin", "PATCH", f"{path}/none", body={"value": "x"})
    for name in ("none", "token", "token"):
        both(pair, "admin", "DELETE", f"{path}/{name}")
    for who in ("other", ""):
        for row in ("private_row", "public_row"):
            both(pair, who, "POST", f"/repos/{{{row}}}/secrets", body=SECRET)
            for method in ("GET", "PATCH", "DELETE"):
                both(pair, who, method, f"/repos/{{{row}}}/secrets/x", body={})


def test_global_secrets(pair: Pair) -> None:
    mine = SECRET | {"name": "for-all"}
    for who in ("", "other", "admin"):
        both(pair, who, "POST", "/secrets", body=mine)
        both(pair, who, "GET", "/secrets/for-all")
        both(pair, who, "GET", "/secrets/none")
        both(pair, who, "PATCH", "/secrets/for-all", body={"events": ["tag"]})
        both(pair, who, "PATCH", "/secrets/none", body={"value": "x"})
        both(pair, who, "DELETE", "/secrets/none")
    both(pair, "admin", "POST", "/secrets", body=mine)
    both(pair, "admin", "PATCH", "/secrets/for-all", body={"events": []})
    assert both(pair, "admin", "DELETE", "/secrets/for-all").status == 204


def test_deactivation_and_repair(pair: Pair, live_sandbox: Sandbox) -> None:
    activate(pair, "private")
    path = "/repos/{private_row}"
    assert both(pair, "admin", "POST", f"{path}/repair").status == 204
    assert hooks(pair, live_sandbox, "private") == 1
    for _ in range(2):
        assert both(pair, "admin", "DELETE", path).status == 200
        assert hooks(pair, live_sandbox, "private") == 0
    for again in (path, "/repos/lookup/{private}", f"{path}/secrets"):
        both(pair, "admin", "GET", again)
    both(pair, "admin", "PATCH", path, body={"timeout": 50})
    numbers = [side.names["private_row"] for side in pair]
    activate(pair, "private")
    assert numbers == [side.names["private_row"] for side in pair]
    for parameter in ("true", "1"):
        assert both(pair, "admin", "DELETE", f"{path}?remove={parameter}").status == 200
        assert both(pair, "admin", "GET", path).status == 404
        assert both(pair, "admin", "GET", "/repos/lookup/{private}").status == 404
        activate(pair, "private")


def test_a_repository_that_is_gone_and_comes_again(pair: Pair, live_sandbox: Sandbox, woodpecker: Woodpecker) -> None:
    activate(pair, "empty")
    path = "/repos/{empty_row}"
    for side in pair:
        _vanish(live_sandbox, side.names["empty"])
    for again in (path, "/repos/lookup/{empty}"):
        assert both(pair, "admin", "GET", again).status == 200
    assert both(pair, "admin", "POST", f"{path}/repair").status == 500
    for side in pair:
        name = side.names["empty"].partition("/")[2]
        side.names["empty_remote"] = str(_repository(live_sandbox, woodpecker.admin, name, None, private=True).id)
    assert both(pair, "admin", "POST", "/repos?forge_remote_id={empty_remote}").status == 409
    assert hooks(pair, live_sandbox, "empty") == 1
    assert both(pair, "admin", "POST", f"{path}/repair").status == 204
    assert hooks(pair, live_sandbox, "empty") == 1
    for side in pair:
        _vanish(live_sandbox, side.names["empty"])
    assert both(pair, "admin", "DELETE", path).status == 200
    assert both(pair, "admin", "DELETE", f"{path}?remove=true").status == 200


def test_a_new_name_on_the_forge(pair: Pair, live_sandbox: Sandbox) -> None:
    activate(pair, "private")
    known = live_sandbox.github.repositories
    for side in pair:
        renamed = known.pop(side.names["private"].lower())
        renamed.name += "-new"
        side.names["renamed"] = renamed.full_name
        known[renamed.full_name.lower()] = renamed
    for path in ("{renamed}", "{private}"):
        both(pair, "admin", "GET", f"/repos/lookup/{path}")
    assert both(pair, "admin", "POST", "/repos/{private_row}/repair").status == 204
    for path in ("{renamed}", "{private}"):
        assert both(pair, "admin", "GET", f"/repos/lookup/{path}").status == 200


def _vanish(sandbox: Sandbox, full_name: str) -> None:
    gone = sandbox.github.repositories.pop(full_name.lower())
    shutil.rmtree(gone.bare.path)


def test_pipelines(pair: Pair, live_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requested, restarted and looked at; without an agent none runs."""
    monkeypatch.setattr(live_sandbox.woodpecker, "new_status", "pending")
    activate(pair, "private", "public")
    path = "/repos/{private_row}/pipelines"
    for who in EVERYBODY:
        both(pair, who, "POST", path, body={"branch": "main", "variables": {"TAG": "1"}})
        both(pair, who, "POST", f"{path}/1")
        both(pair, who, "POST", "/repos/{public_row}/pipelines", body={"branch": "main"})
    assert both(pair, "admin", "POST", f"{path}/1?OTHER=2").status == 200
    for body in ({}, {"branch": ""}, {"branch": "absent"}):
        assert both(pair, "admin", "POST", path, body=body).status == 500
    assert both(pair, "admin", "POST", path, body={"branch": "main", "variables": {"TAG": 1}}).status == 400
    for name in ("9", "0", "-1", "abc", "latest", "1?event=push", "1?event=deployment"):
        both(pair, "admin", "POST", f"{path}/{name}")
        both(pair, "admin", "GET", f"{path}/{name.partition('?')[0]}")
    assert both(pair, "admin", "POST", "/repos/99999/pipelines/1").status == 404
