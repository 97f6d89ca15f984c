"""A whole scripted session, every JSON answer of which must be what the servers' descriptions say."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from nacl.public import PublicKey, SealedBox

from generator.sandbox import Exchange, Sandbox
from tests import contracts
from tests.sandbox.conftest import Api, Git, mirror_options

pytestmark = pytest.mark.skipif(
    not contracts.FOLDER.is_dir(), reason=f"the servers' descriptions are not at {contracts.FOLDER}"
)

FILES = {
    "README.md": "demo\n",
    ".github/workflows/build.yml": "name: build\non: push\n",
    ".woodpecker/deploy.yml": "when:\n  event: manual\nsteps: []\n",
}


def test_answers_fit_the_descriptions(sandbox: Sandbox, forgejo: Api, github: Api, woodpecker: Api, git: Git) -> None:
    _before_the_push(sandbox, forgejo, github, woodpecker)
    git.commit(FILES)
    git("push", "--quiet", git.url("forgejo", "viktor/demo.git"), "master")
    sandbox.forgejo.wait_for_mirrors()
    _forgejo_after_the_push(sandbox, forgejo, git)
    _github_after_the_push(github)
    _woodpecker_after_the_push(woodpecker)
    _errors(sandbox, forgejo, github, woodpecker)
    used, problems = contracts.check(sandbox.journal)
    assert problems == []
    assert len(used) >= 75, sorted(used)


def _before_the_push(sandbox: Sandbox, forgejo: Api, github: Api, woodpecker: Api) -> None:
    for path in ("/version", "/user", "/users/viktor", "/users/viktor/tokens", "/user/repos", "/users/viktor/repos"):
        assert forgejo("GET", path).status_code == 200
    assert forgejo("POST", "/user/repos", json={"name": "demo", "private": True}).status_code == 201
    for path in ("", "/branches", "/contents", "/contents/x", "/push_mirrors", "/hooks", "/topics"):
        assert forgejo("GET", f"/repos/viktor/demo{path}").status_code == 200
    mirror = forgejo("POST", "/repos/viktor/demo/push_mirrors", json=mirror_options(sandbox, "demo"))
    forgejo("GET", f"/repos/viktor/demo/push_mirrors/{mirror.json()['remote_name']}")
    forgejo("PUT", "/repos/viktor/demo/topics", json={"topics": ["homelab"]})
    made = github("POST", "/user/repos", json={"name": "demo", "private": True, "description": "Demo"})
    assert made.status_code == 201
    for path in ("/user", "/users/octocat", "/rate_limit", "/user/repos"):
        assert github("GET", path).status_code == 200
    _secret(github)
    registration = woodpecker("POST", "/repos", params={"forge_remote_id": made.json()["id"]})
    assert registration.json()["id"] == 101
    github("GET", "/repos/ViktorBarzin/demo/hooks")
    hook = {"config": {"url": "https://ci.sandbox.test/hook"}, "events": ["push"]}
    number = github("POST", "/repos/ViktorBarzin/demo/hooks", json=hook).json()["id"]
    github("GET", f"/repos/ViktorBarzin/demo/hooks/{number}")
    github("DELETE", f"/repos/ViktorBarzin/demo/hooks/{number}")


def _secret(github: Api) -> None:
    path = "/repos/ViktorBarzin/demo/actions/secrets"
    key = github("GET", f"{path}/public-key").json()
    sealed = SealedBox(PublicKey(base64.b64decode(key["key"]))).encrypt(b"value")
    body = {"encrypted_value": base64.b64encode(sealed).decode(), "key_id": key["key_id"]}
    assert [github("PUT", f"{path}/TOKEN", json=body).status_code for _ in range(2)] == [201, 204]
    github("GET", path)
    github("GET", f"{path}/TOKEN")
    github("DELETE", f"{path}/TOKEN")


def _forgejo_after_the_push(sandbox: Sandbox, forgejo: Api, git: Git) -> None:
    assert forgejo("POST", "/repos/viktor/demo/push_mirrors-sync").status_code == 200
    for path in (
        *("", "/branches", "/branches/master", "/commits", "/contents", "/contents/README.md", "/contents/.github"),
        *("/raw/README.md", "/git/trees/master?recursive=1", "/push_mirrors"),
    ):
        assert forgejo("GET", f"/repos/viktor/demo{path}").status_code == 200
    git("switch", "--quiet", "--create", "newservice/change")
    git.commit({"CHANGES": "x\n"})
    git("push", "--quiet", git.url("forgejo", "viktor/demo.git"), "newservice/change")
    pulls = "/repos/viktor/demo/pulls"
    asked = {"head": "newservice/change", "base": "master", "title": "change"}
    number = forgejo("POST", pulls, json=asked).json()["number"]
    for path in ("", f"/{number}", "/master/newservice/change"):
        assert forgejo("GET", f"{pulls}{path}").status_code == 200
    forgejo("PATCH", f"{pulls}/{number}", json={"body": "text"})
    assert forgejo("POST", f"{pulls}/{number}/merge", json={"Do": "merge"}).status_code == 200
    assert forgejo("GET", f"{pulls}/{number}/merge").status_code == 204
    assert forgejo("GET", f"{pulls}/{number}").json()["merged"] is True
    assert forgejo("DELETE", "/repos/viktor/demo/branches/newservice/change").status_code == 204
    forgejo("PATCH", "/repos/viktor/demo", json={"description": "new"})
    sandbox.forgejo.wait_for_mirrors()


def _github_after_the_push(github: Api) -> None:
    repository = "/repos/ViktorBarzin/demo"
    assert github("PATCH", repository, json={"default_branch": "master"}).status_code == 200
    github("PUT", f"{repository}/topics", json={"names": ["homelab"]})
    github("PUT", f"{repository}/actions/permissions", json={"enabled": True})
    for path in (
        *("", "/branches", "/branches/master", "/commits", "/commits/master", "/git/ref/heads/master"),
        *("/contents/", "/contents/README.md", "/contents/.github/workflows", "/topics"),
        *("/actions/permissions", "/actions/workflows", "/actions/runs", "/actions/secrets"),
    ):
        assert github("GET", f"{repository}{path}").status_code == 200, path


def _woodpecker_after_the_push(woodpecker: Api) -> None:
    assert woodpecker("PATCH", "/repos/101", json={"timeout": 30}).status_code == 200
    assert woodpecker("POST", "/repos/101/pipelines", json={"branch": "master"}).status_code == 200
    secret = {"name": "token", "value": "x", "events": ["manual"]}
    assert woodpecker("POST", "/repos/101/secrets", json=secret).status_code == 200
    woodpecker("PATCH", "/repos/101/secrets/token", json={"events": ["push"]})
    for path in (
        *("/user", "/user/repos", "/user/repos?all=true", "/repos/lookup/ViktorBarzin/demo", "/repos/101"),
        *("/repos/101/pipelines", "/repos/101/pipelines/1", "/repos/101/secrets", "/repos/101/secrets/token"),
        *("/secrets", "/secrets/slack_webhook"),
    ):
        assert woodpecker("GET", path).status_code == 200, path
    woodpecker("DELETE", "/repos/101/secrets/token")
    assert woodpecker("POST", "/repos/101/repair").status_code == 204
    assert woodpecker("DELETE", "/repos/101").status_code == 200


def _errors(sandbox: Sandbox, forgejo: Api, github: Api, woodpecker: Api) -> None:
    nobody = {"Authorization": "Bearer wrong"}
    narrow = {"Authorization": f"token {sandbox.tokens.forgejo_git}"}
    answers = [
        forgejo("GET", "/user", headers=nobody),
        forgejo("POST", "/user/repos", json={"name": "x"}, headers=narrow),
        forgejo("POST", "/user/repos", json={"name": "demo"}),
        forgejo("POST", "/user/repos", json={"name": "a b"}),
        forgejo("GET", "/repos/viktor/absent"),
        forgejo("GET", "/repos/viktor/demo/branches/absent"),
        forgejo("POST", "/repos/viktor/demo/push_mirrors", json={}),
        forgejo("PATCH", "/repos/viktor/demo", json={"archived": True}),
        forgejo("POST", "/repos/viktor/demo/pulls", json={}),
        forgejo("POST", "/repos/viktor/demo/push_mirrors-sync"),
        github("GET", "/user", headers=nobody),
        github("POST", "/user/repos", json={"name": "demo"}),
        github("GET", "/orgs/nobody"),
        github("GET", "/repos/ViktorBarzin/absent"),
        github("PATCH", "/repos/ViktorBarzin/demo", json={"default_branch": "absent"}),
        github("GET", "/repos/ViktorBarzin/demo/contents/absent"),
        github("PUT", "/repos/ViktorBarzin/demo/actions/secrets/A", json={}),
        woodpecker("GET", "/user", headers=nobody),
        woodpecker("POST", "/repos"),
        woodpecker("GET", "/repos/lookup/viktor/absent"),
    ]
    allowed = [index for index, answer in enumerate(answers) if answer.status_code < 400]
    assert allowed == [7]
    assert github("DELETE", "/repos/ViktorBarzin/demo").status_code == 204
    assert forgejo("DELETE", "/repos/viktor/demo").status_code == 204


def test_a_wrong_answer_is_found(sandbox: Sandbox, forgejo: Api) -> None:
    forgejo("GET", "/repos/viktor/infra")
    (good,) = sandbox.journal
    wrong: list[Exchange] = [
        replace(good, response_body=good.response_body.replace(b'"private":true', b'"private":"yes"')),
        replace(good, response_content_type="text/html"),
    ]
    assert contracts.check([good])[1] == []
    assert len(contracts.check(wrong)[1]) == 2
