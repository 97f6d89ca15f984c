"""The sandbox's Forgejo answers as a real one does: the same requests to both, one after the other."""

from __future__ import annotations

import base64
from typing import Any

from generator.sandbox import Sandbox
from tests.live.compare import Pair, both


def create(pair: Pair, name: str, **more: Any) -> str:
    """A repository on both; its path."""
    body = {"name": name, "private": True, "default_branch": "master", **more}
    assert both(pair, "owner", "POST", "/user/repos", body=body).status == 201
    return f"/repos/{{me}}/{name}"


def fill(pair: Pair, sandbox: Sandbox, path: str) -> None:
    """The same content on both: a note on the default branch, another one on ``topic``."""
    real, stand_in = pair
    note = {"content": base64.b64encode(b"hello\n").decode(), "message": "m", "branch": "master"}
    for name, more in (("NOTE", {}), ("OTHER", {"new_branch": "topic"})):
        assert real.ask("owner", "POST", f"{path}/contents/{name}", body={**note, **more}).status == 201
    repository = sandbox.forgejo.repository(path.removeprefix("/repos/").format(**stand_in.names))
    first = repository.bare.commit_files("master", {"NOTE": "hello\n"}, "m", 1)
    repository.bare.update("refs/heads/topic", first)
    repository.bare.commit_files("topic", {"NOTE": "hello\n", "OTHER": "hello\n"}, "m", 2)
    repository.refresh(repository.bare.heads())


EVERYBODY = ("owner", "reader", "other", "wrong", "")


def test_who_asks(pair: Pair) -> None:
    for who in EVERYBODY:
        both(pair, who, "GET", "/version")
        both(pair, who, "GET", "/user")
        both(pair, who, "POST", "/user/repos", body={"name": ""}) if who != "other" else None
        both(pair, who, "GET", "/repos/{me}/nothing")
        both(pair, who, "GET", "/nope")


def test_creation(pair: Pair) -> None:
    path = create(pair, "made")
    for name in ("made", "MADE", "", "a b", "a.git", "a.wiki", "..", "-"):
        both(pair, "owner", "POST", "/user/repos", body={"name": name, "private": True})
    both(pair, "owner", "POST", "/user/repos", body=b"{", kind="application/json")
    both(pair, "owner", "POST", "/orgs/nobody/repos", body={"name": "x"})
    for who in EVERYBODY:
        both(pair, who, "GET", path)
        if who != "owner":
            both(pair, who, "PATCH", path, body={"description": "x"})
            both(pair, who, "GET", f"{path}/push_mirrors")
    both(pair, "owner", "PATCH", path, body={"description": "other", "private": False})
    both(pair, "owner", "PATCH", path, body={"default_branch": "absent"})
    for who in EVERYBODY:
        both(pair, who, "GET", path)
        if who != "owner":
            both(pair, who, "PATCH", path, body={"description": "x"})
            both(pair, who, "GET", f"{path}/push_mirrors")


def test_an_empty_repository(pair: Pair) -> None:
    path = create(pair, "empty")
    for tail in (
        *("branches", "branches/master", "contents/README.md", "contents", "raw/README.md?ref=master"),
        *("commits", "commits?sha=master", "git/refs", "git/trees/master", "pulls", "hooks", "topics", "push_mirrors"),
    ):
        both(pair, "owner", "GET", f"{path}/{tail}")


def test_files_and_branches(pair: Pair, live_sandbox: Sandbox) -> None:
    path = create(pair, "files")
    fill(pair, live_sandbox, path)
    for tail in (
        *("branches", "branches/master", "branches/absent", "contents/NOTE", "contents/absent", "contents"),
        *("raw/absent?ref=master", "raw/NOTE?ref=absent", "git/refs", "git/trees/master"),
        *("git/trees/master?recursive=true&per_page=1", "git/trees/absent", "commits?sha=absent"),
    ):
        both(pair, "owner", "GET", f"{path}/{tail}")
    assert [side.ask("owner", "GET", f"{path}/raw/NOTE?ref=master").body for side in pair] == [b"hello\n"] * 2
    for query in ("sha=master&limit=1", "path=NOTE", "sha=topic&not=master"):
        # Real authors are users, those of the content made here are not.
        quick = f"{path}/commits?{query}&stat=false&files=false&verification=false"
        both(pair, "owner", "GET", quick, but=("author", "committer"))
    assert both(pair, "owner", "DELETE", f"{path}/branches/master").status == 403
    assert both(pair, "owner", "DELETE", f"{path}/branches/topic").status == 204


def test_pull_requests(pair: Pair, live_sandbox: Sandbox) -> None:
    path = create(pair, "pulls")
    fill(pair, live_sandbox, path)
    wanted = {"base": "master", "head": "topic", "title": "t", "body": "b"}
    assert both(pair, "owner", "POST", f"{path}/pulls", body=wanted).status == 201
    for change in ({}, {"head": "master"}, {"head": "absent"}, {"base": "absent"}, {"title": ""}):
        both(pair, "owner", "POST", f"{path}/pulls", body=wanted | change)
    for tail in ("pulls", "pulls?state=closed", "pulls?state=all&sort=recentupdate&limit=50&page=2", "pulls/1"):
        both(pair, "owner", "GET", f"{path}/{tail}")
    both(pair, "owner", "PATCH", f"{path}/pulls/1", body={"state": "closed"})
    both(pair, "owner", "GET", f"{path}/pulls/99")


MIRROR: dict[str, Any] = {"remote_address": "ADDRESS", "remote_username": "u", "remote_password": "p", "interval": "8h"}


def test_push_mirrors(pair: Pair) -> None:
    path = create(pair, "mirrored")
    address = pair[0].names["github"] + "/nobody/nothing.git"
    mirror = MIRROR | {"remote_address": address, "sync_on_commit": True}
    assert both(pair, "owner", "POST", f"{path}/push_mirrors-sync").status == 200
    for _ in range(2):
        assert both(pair, "owner", "POST", f"{path}/push_mirrors", body=mirror).status == 200
    changes: list[dict[str, Any]] = [
        *({"interval": value} for value in ("", "8", "1m", "0s", "24h", None)),
        {"remote_address": address.replace("https://", "https://u:p@")},
        {"remote_address": "ftp://localhost/x"},
        {"remote_address": "nonsense"},
        {"use_ssh": True},
    ]
    for change in changes:
        both(pair, "owner", "POST", f"{path}/push_mirrors", body=mirror | change)
    both(pair, "reader", "POST", f"{path}/push_mirrors", body=mirror)
    both(pair, "other", "POST", f"{path}/push_mirrors", body=mirror)
    both(pair, "owner", "GET", f"{path}/push_mirrors")
    both(pair, "owner", "GET", f"{path}/push_mirrors?page=1&limit=1")
    both(pair, "owner", "GET", f"{path}/push_mirrors/nothing")
    assert both(pair, "owner", "DELETE", f"{path}/push_mirrors/nothing").status == 204
    assert both(pair, "owner", "POST", f"{path}/push_mirrors-sync").status == 500


def test_an_archived_repository(pair: Pair, live_sandbox: Sandbox) -> None:
    path = create(pair, "archived")
    fill(pair, live_sandbox, path)
    assert both(pair, "owner", "PATCH", path, body={"archived": True}).status == 200
    address = pair[0].names["github"] + "/nobody/nothing.git"
    both(pair, "owner", "POST", f"{path}/push_mirrors", body=MIRROR | {"remote_address": address})
    both(pair, "owner", "POST", f"{path}/push_mirrors-sync")
    both(pair, "owner", "DELETE", f"{path}/push_mirrors/nothing")
    both(pair, "owner", "GET", f"{path}/push_mirrors")
    wanted = {"base": "master", "head": "topic", "title": "t", "body": "b"}
    both(pair, "owner", "POST", f"{path}/pulls", body=wanted)
    both(pair, "owner", "PATCH", path, body={"description": "still"})
    assert both(pair, "owner", "PATCH", path, body={"archived": False}).status == 200
    both(pair, "other", "DELETE", path)
    assert both(pair, "owner", "DELETE", path).status == 204
    assert both(pair, "owner", "DELETE", path).status == 404
