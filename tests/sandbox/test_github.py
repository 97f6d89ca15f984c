"""GitHub's API, through PyGithub where it has a call for it."""

from __future__ import annotations

import base64

import pytest
from github import BadCredentialsException, Github, GithubException, UnknownObjectException

from generator.sandbox import Sandbox
from tests.sandbox.conftest import Api


def test_user_and_scopes(pygithub: Github, github: Api) -> None:
    assert pygithub.get_user().login == "ViktorBarzin"
    assert pygithub.get_user("octocat").login == "octocat"
    assert set(pygithub.oauth_scopes or []) >= {"repo", "workflow", "delete_repo"}
    assert pygithub.get_rate_limit().resources.core.limit == 5000
    with pytest.raises(UnknownObjectException):
        pygithub.get_organization("ViktorBarzin")
    wrong = github("GET", "/user", headers={"Authorization": "Bearer wrong"})
    assert (wrong.status_code, wrong.json()["message"]) == (401, "Bad credentials")
    assert github("GET", "/user", headers={"Authorization": ""}).status_code == 401


def test_bad_credentials_in_pygithub(sandbox: Sandbox, pygithub: Github) -> None:
    sandbox.github.tokens.clear()
    with pytest.raises(BadCredentialsException):
        pygithub.get_user().login  # noqa: B018 - the access asks the server


def test_create_and_duplicate(pygithub: Github) -> None:
    user = pygithub.get_user()
    made = user.create_repo("demo", private=True, description="A demo")
    assert (made.full_name, made.private, made.default_branch) == ("ViktorBarzin/demo", True, "main")
    with pytest.raises(GithubException) as caught:
        user.create_repo("Demo")
    assert caught.value.status == 422
    assert caught.value.data["errors"][0]["message"] == "name already exists on this account"


def test_visibility(sandbox: Sandbox, pygithub: Github, github: Api) -> None:
    repository = sandbox.github.create_repository("ViktorBarzin", "demo", private=False)
    shown = pygithub.get_repo("ViktorBarzin/demo")
    assert (shown.private, shown.visibility) == (False, "public")
    internal = github("PATCH", "/repos/ViktorBarzin/demo", json={"visibility": "internal"})
    assert (internal.status_code, repository.private) == (422, False)
    sandbox.github.private_repositories = False
    for refused in (
        github("PATCH", "/repos/ViktorBarzin/demo", json={"private": True}),
        github("POST", "/user/repos", json={"name": "other", "private": True}),
    ):
        assert refused.status_code == 422
        assert refused.json()["message"].startswith("Visibility can't be private.")
        assert "errors" not in refused.json()
    assert list(sandbox.github.repositories) == ["viktorbarzin/demo"]
    repository.private = repository.internal = True  # as in an organisation of an enterprise
    seen = pygithub.get_repo("ViktorBarzin/demo")
    assert (seen.private, seen.visibility) == (True, "internal")


def test_default_branch_needs_a_push(sandbox: Sandbox, pygithub: Github, github: Api) -> None:
    repository = sandbox.github.create_repository("ViktorBarzin", "demo")
    shown = pygithub.get_repo("ViktorBarzin/demo")
    with pytest.raises(GithubException, match="422"):
        shown.edit(default_branch="master")
    assert github("GET", "/repos/ViktorBarzin/demo/commits").status_code == 409
    assert github("GET", "/repos/ViktorBarzin/demo/git/ref/heads/main").status_code == 409
    assert github("GET", "/repos/ViktorBarzin/demo/contents/").status_code == 404
    head = repository.bare.commit_files("master", {"README.md": "hi\n"}, "first", 1)
    assert pygithub.get_repo("ViktorBarzin/demo").default_branch == "main"
    with pytest.raises(GithubException, match="422"):
        shown.edit(default_branch="trunk")
    shown.edit(default_branch="master")
    assert shown.default_branch == "master"
    assert shown.get_branch("master").commit.sha == head
    assert shown.get_git_ref("heads/master").object.sha == head
    assert shown.get_commit("master").sha == head
    assert [branch.name for branch in shown.get_branches()] == ["master"]
    file = shown.get_contents("README.md")
    assert not isinstance(file, list)
    assert file.decoded_content == b"hi\n"
    with pytest.raises(UnknownObjectException):
        shown.get_contents("absent")
    with pytest.raises(GithubException, match="404"):
        shown.get_branch("absent")


def test_archived_is_read_only(sandbox: Sandbox, pygithub: Github) -> None:
    sandbox.github.create_repository("ViktorBarzin", "demo").archived = True
    shown = pygithub.get_repo("ViktorBarzin/demo")
    assert shown.archived
    with pytest.raises(GithubException, match="403"):
        shown.edit(description="new")
    with pytest.raises(GithubException, match="403"):
        shown.replace_topics(["a"])
    shown.edit(archived=False)
    shown.replace_topics(["homelab"])
    assert shown.get_topics() == ["homelab"]


def test_secrets(sandbox: Sandbox, pygithub: Github, github: Api) -> None:
    sandbox.github.create_repository("ViktorBarzin", "demo")
    shown = pygithub.get_repo("ViktorBarzin/demo")
    shown.create_secret("SLACK_WEBHOOK", "first")
    shown.create_secret("slack_webhook", "zweites, mit Ümlaut")
    assert sandbox.github.secret("viktorbarzin/demo", "SLACK_WEBHOOK") == "zweites, mit Ümlaut"
    assert [secret.name for secret in shown.get_secrets()] == ["SLACK_WEBHOOK"]
    path = "/repos/ViktorBarzin/demo/actions/secrets"
    statuses = [entry.status for entry in sandbox.journal.find("github", "PUT")]
    assert statuses == [201, 204]
    key = github("GET", f"{path}/public-key").json()
    box = base64.b64encode(b"no box at all, but long enough to be mistaken for one").decode()
    assert github("PUT", f"{path}/A", json={"encrypted_value": box, "key_id": key["key_id"]}).status_code == 422
    assert github("PUT", f"{path}/A", json={"encrypted_value": box}).status_code == 422
    assert github("PUT", f"{path}/A", json={"encrypted_value": box, "key_id": "1"}).status_code == 422
    assert github("GET", f"{path}/A").status_code == 404
    assert "value" not in github("GET", f"{path}/SLACK_WEBHOOK").text
    shown.delete_secret("SLACK_WEBHOOK")
    assert list(shown.get_secrets()) == []


def test_not_allowed_looks_like_missing(sandbox: Sandbox, github: Api) -> None:
    sandbox.github.create_repository("octocat", "hidden")
    sandbox.github.create_repository("octocat", "shown", private=False)
    assert github("GET", "/repos/octocat/hidden").status_code == 404
    assert github("GET", "/repos/octocat/shown").status_code == 200
    assert github("PATCH", "/repos/octocat/shown", json={"archived": True}).status_code == 404
    assert github("GET", "/nonsense").status_code == 404
    sandbox.github.tokens[sandbox.tokens.github].scopes = {"workflow"}
    assert github("POST", "/user/repos", json={"name": "x", "private": True}).status_code == 404


def test_delete_needs_its_scope(sandbox: Sandbox, github: Api) -> None:
    sandbox.github.create_repository("ViktorBarzin", "demo")
    scopes = sandbox.github.tokens[sandbox.tokens.github].scopes
    scopes.discard("delete_repo")
    assert github("DELETE", "/repos/ViktorBarzin/demo").status_code == 403
    scopes.add("delete_repo")
    assert github("DELETE", "/repos/ViktorBarzin/demo").status_code == 204
    assert github("GET", "/repos/ViktorBarzin/demo").status_code == 404


def test_actions(sandbox: Sandbox, pygithub: Github, github: Api) -> None:
    files = {".github/workflows/build.yml": "name: Build\non: push\n", "README.md": "x\n"}
    sandbox.github.create_repository("ViktorBarzin", "demo", files=files)
    shown = pygithub.get_repo("ViktorBarzin/demo")
    assert [(entry.name, entry.path) for entry in shown.get_workflows()] == [("Build", ".github/workflows/build.yml")]
    assert shown.get_workflow_runs().totalCount == 0
    assert github("GET", "/repos/ViktorBarzin/demo/actions/permissions").json()["enabled"] is True
    assert list(shown.get_hooks()) == []
