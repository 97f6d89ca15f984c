"""Forgejo's API: authentication, repositories, contents, pull requests."""

from __future__ import annotations

import pytest

from generator.sandbox import Sandbox
from tests.sandbox.conftest import Api, Git


def test_version_and_user(forgejo: Api) -> None:
    assert forgejo("GET", "/version", headers={"Authorization": ""}).json()["version"]
    assert forgejo("GET", "/user").json()["login"] == "viktor"
    assert forgejo("GET", "/nonsense").status_code == 404
    assert forgejo("GET", "/nonsense").text == "404 page not found\n"


@pytest.mark.parametrize("scheme", ["token", "Bearer"])
def test_both_schemes(sandbox: Sandbox, forgejo: Api, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {sandbox.tokens.forgejo}"}
    assert forgejo("GET", "/user", headers=headers).status_code == 200


def test_bad_and_no_token(forgejo: Api) -> None:
    assert forgejo("GET", "/user", headers={"Authorization": "token wrong"}).status_code == 401
    anonymous = forgejo("GET", "/user", headers={"Authorization": ""})
    assert (anonymous.status_code, anonymous.json()["message"]) == (401, "token is required")


def test_missing_scopes_are_named_together(sandbox: Sandbox, forgejo: Api) -> None:
    narrow = {"Authorization": f"token {sandbox.tokens.forgejo_git}"}
    answer = forgejo("POST", "/user/repos", json={"name": "demo"}, headers=narrow)
    assert answer.status_code == 403
    assert answer.json()["message"] == (
        "token does not have at least one of required scope(s): [write:user write:repository]"
    )
    assert forgejo("GET", "/repos/viktor/infra", headers=narrow).status_code == 200
    sandbox.forgejo.add_token("reader", "viktor", "reader", {"read:repository"})
    answer = forgejo("PATCH", "/repos/viktor/infra", json={}, headers={"Authorization": "token reader"})
    assert answer.json()["message"].endswith("[write:repository]")


def test_delete_asks_for_existence_before_scope(sandbox: Sandbox, forgejo: Api) -> None:
    narrow = {"Authorization": f"token {sandbox.tokens.forgejo_git}"}
    assert forgejo("DELETE", "/repos/viktor/absent", headers=narrow).status_code == 404
    refused = forgejo("DELETE", "/repos/viktor/infra", headers=narrow)
    assert (refused.status_code, "[write:user]" in refused.json()["message"]) == (403, True)
    forgejo("POST", "/user/repos", json={"name": "demo"})
    assert forgejo("DELETE", "/repos/viktor/demo").status_code == 204
    assert forgejo("GET", "/repos/viktor/demo").status_code == 404


def test_tokens_are_listed_with_scopes(sandbox: Sandbox, forgejo: Api) -> None:
    listed = {entry["token_last_eight"]: entry["scopes"] for entry in forgejo("GET", "/users/viktor/tokens").json()}
    assert listed[sandbox.tokens.forgejo_git[-8:]] == ["write:repository"]


def test_create(forgejo: Api) -> None:
    made = forgejo("POST", "/user/repos", json={"name": "demo", "private": True, "default_branch": "master"})
    assert made.status_code == 201
    assert made.json()["empty"] is True
    assert made.json()["private"] is True
    assert forgejo("POST", "/user/repos", json={"name": "Demo"}).status_code == 409
    for bad in ("", "a b", "x.git", "x.wiki"):
        assert forgejo("POST", "/user/repos", json={"name": bad}).status_code == 422
    assert forgejo("POST", "/orgs/nobody/repos", json={"name": "demo"}).status_code == 404


def test_empty_repository(forgejo: Api) -> None:
    forgejo("POST", "/user/repos", json={"name": "demo"})
    assert forgejo("GET", "/repos/viktor/demo/branches").json() is None
    assert forgejo("GET", "/repos/viktor/demo/branches/main").status_code == 404
    assert forgejo("GET", "/repos/viktor/demo/commits").status_code == 409
    anything = forgejo("GET", "/repos/viktor/demo/contents/no/such/file")
    assert (anything.status_code, anything.json()) == (200, [])


def test_others_private_repositories_do_not_exist(sandbox: Sandbox, forgejo: Api) -> None:
    sandbox.forgejo.create_repository("ana", "hidden", private=True)
    sandbox.forgejo.create_repository("ana", "shown", private=False, files={"a": "b"})
    assert forgejo("GET", "/repos/ana/hidden").status_code == 404
    assert forgejo("GET", "/repos/ana/shown").json()["permissions"] == {"admin": False, "push": False, "pull": True}
    assert forgejo("PATCH", "/repos/ana/shown", json={"archived": True}).status_code == 403


def test_force_private(sandbox: Sandbox, forgejo: Api) -> None:
    sandbox.forgejo.force_private = True
    assert forgejo("POST", "/user/repos", json={"name": "demo", "private": False}).json()["private"] is True
    assert forgejo("PATCH", "/repos/viktor/demo", json={"private": False}).status_code == 422
    assert forgejo("PATCH", "/repos/viktor/demo", json={"private": True}).status_code == 200


@pytest.mark.parametrize(
    ("visibility", "internal", "anonymous", "signed_in"),
    [("public", False, 200, 200), ("limited", False, 404, 200), ("private", True, 404, 404)],
)
def test_an_owner_that_not_everybody_sees(
    sandbox: Sandbox, forgejo: Api, visibility: str, internal: bool, anonymous: int, signed_in: int
) -> None:
    sandbox.forgejo.create_repository("viktor", "demo", private=False)
    sandbox.forgejo.add_token("ana-s", "ana", "reader", {"read:repository"})
    sandbox.forgejo.visibilities["viktor"] = visibility
    shown = forgejo("GET", "/repos/viktor/demo").json()
    assert (shown["private"], shown["internal"], shown["owner"]["visibility"]) == (False, internal, visibility)
    assert forgejo("GET", "/repos/viktor/demo", headers={"Authorization": ""}).status_code == anonymous
    assert forgejo("GET", "/repos/viktor/demo", headers={"Authorization": "token ana-s"}).status_code == signed_in


def test_default_branch_to_a_missing_one_is_ignored(forgejo: Api) -> None:
    answer = forgejo("PATCH", "/repos/viktor/infra", json={"default_branch": "nowhere"})
    assert (answer.status_code, answer.json()["default_branch"]) == (200, "master")


def test_first_push_decides_the_default_branch(sandbox: Sandbox, forgejo: Api, git: Git) -> None:
    forgejo("POST", "/user/repos", json={"name": "demo", "default_branch": "trunk"})
    head = git.commit({"README.md": "hello\n"})
    git("push", "--quiet", git.url("forgejo", "viktor/demo.git"), "HEAD:refs/heads/apple", "HEAD:refs/heads/master")
    shown = forgejo("GET", "/repos/viktor/demo").json()
    assert (shown["empty"], shown["default_branch"]) == (False, "master")
    assert forgejo("GET", "/repos/viktor/demo/branches/apple").json()["commit"]["id"] == head
    assert len(forgejo("GET", "/repos/viktor/demo/branches").json()) == 2


def test_contents_commits_and_trees(sandbox: Sandbox, forgejo: Api) -> None:
    commits = forgejo("GET", "/repos/viktor/infra/commits", params={"limit": 1})
    assert len(commits.json()) == 1
    assert commits.headers["x-total-count"] == "2"
    older = commits.json()[0]["parents"][0]["sha"]
    assert len(forgejo("GET", "/repos/viktor/infra/commits", params={"sha": older}).json()) == 1
    assert forgejo("GET", "/repos/viktor/infra/commits", params={"sha": "0" * 40}).status_code == 404
    names = {entry["name"]: entry["type"] for entry in forgejo("GET", "/repos/viktor/infra/contents").json()}
    assert (names["stacks"], names["README.md"]) == ("dir", "file")
    below = forgejo("GET", "/repos/viktor/infra/contents/stacks").json()
    assert "stacks/echo" in [entry["path"] for entry in below]
    file = forgejo("GET", "/repos/viktor/infra/contents/README.md").json()
    assert file["encoding"] == "base64"
    assert forgejo("GET", "/repos/viktor/infra/contents/absent").status_code == 404
    raw = forgejo("GET", "/repos/viktor/infra/raw/README.md", params={"ref": older})
    assert raw.text.startswith("# infra")
    tree = forgejo("GET", "/repos/viktor/infra/git/trees/master", params={"recursive": "1"}).json()
    assert "stacks/notes/main.tf" in [entry["path"] for entry in tree["tree"]]


def test_archived_is_read_only(sandbox: Sandbox, forgejo: Api, git: Git) -> None:
    assert forgejo("PATCH", "/repos/viktor/infra", json={"archived": True}).json()["archived"] is True
    pull = {"head": "a", "base": "master", "title": "x"}
    assert forgejo("POST", "/repos/viktor/infra/pulls", json=pull).status_code == 423
    assert forgejo("POST", "/repos/viktor/infra/push_mirrors", json={"interval": "8h"}).status_code == 423
    git.commit({"a": "b"})
    pushed = git("push", git.url("forgejo", "viktor/infra.git"), "HEAD:refs/heads/a", check=False)
    assert "403" in pushed.stderr
    assert forgejo("GET", "/repos/viktor/infra").status_code == 200
    assert forgejo("PATCH", "/repos/viktor/infra", json={"archived": False}).json()["archived"] is False


def _branch(sandbox: Sandbox, name: str, files: dict[str, str]) -> None:
    bare = sandbox.forgejo.repository("viktor/infra").bare
    bare.update(f"refs/heads/{name}", bare.heads()["master"])
    bare.commit_files(name, files, "change", 1_781_200_000)


def test_pull_request_merges_for_real(sandbox: Sandbox, forgejo: Api) -> None:
    _branch(sandbox, "newservice/demo", {"stacks/demo/main.tf": "# demo\n"})
    asked = {"head": "newservice/demo", "base": "master", "title": "demo"}
    made = forgejo("POST", "/repos/viktor/infra/pulls", json=asked)
    assert (made.status_code, made.json()["mergeable"], made.json()["changed_files"]) == (201, True, 1)
    number = made.json()["number"]
    assert forgejo("POST", "/repos/viktor/infra/pulls", json=asked).status_code == 409
    assert forgejo("GET", "/repos/viktor/infra/pulls/master/newservice/demo").json()["number"] == number
    assert forgejo("PATCH", f"/repos/viktor/infra/pulls/{number}", json={"title": "Demo"}).status_code == 201
    assert [entry["title"] for entry in forgejo("GET", "/repos/viktor/infra/pulls?state=open").json()] == ["Demo"]
    assert forgejo("GET", f"/repos/viktor/infra/pulls/{number}/merge").status_code == 404
    stale = {"Do": "merge", "head_commit_id": "0" * 40}
    assert forgejo("POST", f"/repos/viktor/infra/pulls/{number}/merge", json=stale).status_code == 409
    merge = forgejo("POST", f"/repos/viktor/infra/pulls/{number}/merge", json={"Do": "merge"})
    assert merge.status_code == 200
    assert forgejo("GET", f"/repos/viktor/infra/pulls/{number}/merge").status_code == 204
    assert forgejo("GET", "/repos/viktor/infra/contents/stacks/demo/main.tf").status_code == 200
    assert forgejo("POST", f"/repos/viktor/infra/pulls/{number}/merge", json={"Do": "merge"}).status_code == 405
    shown = forgejo("GET", f"/repos/viktor/infra/pulls/{number}").json()
    assert (shown["merged"], shown["state"]) == (True, "closed")


def test_pull_request_refusals(sandbox: Sandbox, forgejo: Api) -> None:
    _branch(sandbox, "one", {"README.md": "one\n"})
    _branch(sandbox, "two", {"README.md": "two\n"})
    create = "/repos/viktor/infra/pulls"
    assert forgejo("POST", create, json={"head": "no", "base": "master", "title": "x"}).status_code == 404
    assert forgejo("POST", create, json={"head": "one", "base": "one", "title": "x"}).status_code == 422
    numbers = [
        forgejo("POST", create, json={"head": name, "base": "master", "title": name}).json()["number"]
        for name in ("one", "two")
    ]
    assert forgejo("POST", f"{create}/{numbers[0]}/merge", json={"Do": "squash"}).status_code == 200
    assert forgejo("GET", f"{create}/{numbers[1]}").json()["mergeable"] is False
    assert forgejo("POST", f"{create}/{numbers[1]}/merge", json={"Do": "merge"}).status_code == 409
