"""Woodpecker's API: its odd ways with unknown paths, bodies and identifiers."""

from __future__ import annotations

import pytest

from generator.sandbox import Sandbox
from tests.sandbox.conftest import Api

DEPLOY = "when:\n  event: manual\nsteps:\n  deploy:\n    image: docker.io/bitnami/kubectl\n    commands: [echo]\n"


def _activated(sandbox: Sandbox, woodpecker: Api, files: dict[str, str] | None = None) -> int:
    repository = sandbox.github.create_repository("ViktorBarzin", "demo", files=files)
    answer = woodpecker("POST", "/repos", params={"forge_remote_id": repository.id})
    assert answer.status_code == 200
    return int(answer.json()["id"])


def test_unknown_is_a_page(woodpecker: Api) -> None:
    for method, path in (("GET", "/nonsense"), ("PUT", "/repos/1"), ("DELETE", "/user")):
        answer = woodpecker(method, path)
        assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/html")


def test_user(sandbox: Sandbox, woodpecker: Api) -> None:
    assert woodpecker("GET", "/user").json()["admin"] is True
    sandbox.woodpecker.admins.clear()
    assert "admin" not in woodpecker("GET", "/user").json()
    for wrong in ("Bearer wrong", f"bearer {sandbox.tokens.woodpecker}", ""):
        answer = woodpecker("GET", "/user", headers={"Authorization": wrong})
        assert answer.status_code == 401
        assert answer.headers["content-type"].startswith("text/plain")


def test_activation(sandbox: Sandbox, woodpecker: Api) -> None:
    repository = sandbox.github.create_repository("ViktorBarzin", "demo")
    assert woodpecker("GET", "/repos/lookup/ViktorBarzin/demo").status_code == 404
    listed = woodpecker("GET", "/user/repos", params={"all": "true"}).json()
    assert [("id" in entry, entry["forge_remote_id"]) for entry in listed] == [(False, str(repository.id))]
    assert woodpecker("GET", "/user/repos").json() == []
    assert woodpecker("POST", "/repos").status_code == 400
    assert woodpecker("POST", "/repos", params={"forge_remote_id": "0"}).status_code == 400
    assert woodpecker("POST", "/repos", params={"forge_remote_id": "12"}).status_code == 500
    made = woodpecker("POST", "/repos", params={"forge_remote_id": str(repository.id)})
    assert made.status_code == 200
    shown = made.json()
    assert shown["forge_remote_id"] == str(repository.id)
    assert (shown["id"] >= 101, shown["id"] != repository.id, shown["active"]) == (True, True, True)
    assert shown["trusted"] == {"network": False, "volumes": False, "security": False}
    assert len(repository.hooks) == 1
    again = woodpecker("POST", "/repos", params={"forge_remote_id": str(repository.id)})
    assert (again.status_code, again.headers["content-type"].startswith("text/plain")) == (409, True)
    assert woodpecker("GET", "/repos/lookup/viktorbarzin/DEMO").json()["id"] == shown["id"]


def test_deactivate_keeps_the_row(sandbox: Sandbox, woodpecker: Api) -> None:
    number = _activated(sandbox, woodpecker)
    gone = woodpecker("DELETE", f"/repos/{number}")
    assert (gone.status_code, gone.json()["active"]) == (200, False)
    repository = sandbox.github.repository("ViktorBarzin/demo")
    assert repository.hooks == {}
    assert woodpecker("GET", "/repos/lookup/ViktorBarzin/demo").json()["active"] is False
    back = woodpecker("POST", "/repos", params={"forge_remote_id": str(repository.id)})
    assert back.json()["id"] == number
    assert woodpecker("DELETE", f"/repos/{number}", params={"remove": "true"}).status_code == 200
    assert woodpecker("GET", f"/repos/{number}").status_code == 404


def test_recreated_repository_and_repair(sandbox: Sandbox, woodpecker: Api) -> None:
    number = _activated(sandbox, woodpecker)
    del sandbox.github.repositories["viktorbarzin/demo"]
    recreated = sandbox.github.create_repository("ViktorBarzin", "Demo")
    answer = woodpecker("POST", "/repos", params={"forge_remote_id": str(recreated.id)})
    assert (answer.status_code, answer.text.startswith("Repository already exists")) == (409, True)
    assert len(recreated.hooks) == 1
    assert woodpecker("POST", f"/repos/{number}/repair").status_code == 204
    assert woodpecker("GET", f"/repos/{number}").json()["forge_remote_id"] == str(recreated.id)


def test_patch_minds_the_content_type(sandbox: Sandbox, woodpecker: Api) -> None:
    number = _activated(sandbox, woodpecker)
    path = f"/repos/{number}"
    ignored = woodpecker("PATCH", path, content=b'{"timeout": 30}', headers={"Content-Type": "text/plain"})
    assert (ignored.status_code, ignored.json()["timeout"]) == (200, 60)
    assert woodpecker("PATCH", path, json={"timeout": 30}).json()["timeout"] == 30
    assert woodpecker("PATCH", path, json={"trusted": True}).status_code == 400
    changed = woodpecker("PATCH", path, json={"trusted": {"network": True}}).json()["trusted"]
    assert changed == {"network": True, "volumes": False, "security": False}
    sandbox.woodpecker.admins.clear()
    refused = woodpecker("PATCH", path, json={"trusted": {"network": False}})
    assert (refused.status_code, refused.text) == (403, "Insufficient privileges")
    assert woodpecker("PATCH", path, json={"timeout": 9999}).status_code == 403
    assert woodpecker("PATCH", path, json={"timeout": 0}).status_code == 400


def test_identifiers(sandbox: Sandbox, woodpecker: Api) -> None:
    assert woodpecker("GET", "/repos/demo").status_code == 400
    assert woodpecker("GET", "/repos/7").status_code == 404
    assert woodpecker("GET", "/repos/7", headers={"Authorization": ""}).status_code == 401


def test_secrets(sandbox: Sandbox, woodpecker: Api) -> None:
    path = f"/repos/{_activated(sandbox, woodpecker)}/secrets"
    secret = {"name": "token", "value": "hush", "events": ["manual"]}
    assert woodpecker("POST", path, json=secret | {"events": []}).status_code == 422
    made = woodpecker("POST", path, json=secret)
    assert made.status_code == 200
    assert "hush" not in made.text
    assert woodpecker("POST", path, json=secret).status_code == 500
    changed = woodpecker("PATCH", f"{path}/token", json={"events": ["manual", "push"]})
    assert changed.json()["events"] == ["manual", "push"]
    assert [entry["name"] for entry in woodpecker("GET", path).json()] == ["token"]
    assert woodpecker("DELETE", f"{path}/token").status_code == 204
    assert [entry["name"] for entry in woodpecker("GET", "/secrets").json()] == ["slack_webhook"]


def test_pipelines(sandbox: Sandbox, woodpecker: Api) -> None:
    number = _activated(sandbox, woodpecker, {"README.md": "x\n"})
    path = f"/repos/{number}/pipelines"
    assert woodpecker("POST", path, json={"branch": "absent"}).status_code == 500
    nothing = woodpecker("POST", path, json={"branch": "main"})
    assert (nothing.status_code, nothing.headers["Pipeline-Filtered"]) == (204, "true")
    bare = sandbox.github.repository("ViktorBarzin/demo").bare
    bare.commit_files("main", {".woodpecker/deploy.yml": "when:\n  - event: push\nsteps: []\n"}, "push", 2)
    filtered = woodpecker("POST", path, json={"branch": "main"})
    assert (filtered.status_code, filtered.headers["Pipeline-Filtered"]) == (204, "true")
    head = bare.commit_files("main", {".woodpecker/deploy.yml": DEPLOY}, "deploy", 3)
    variables = {"IMAGE_TAG": "12345678", "IMAGE_NAME": "demo"}
    assert woodpecker("POST", path, json={"branch": "main", "variables": {"A": 1}}).status_code == 400
    started = woodpecker("POST", path, json={"branch": "main", "variables": variables})
    assert started.status_code == 200
    shown = started.json()
    assert (shown["number"], shown["status"], shown["commit"], shown["variables"]) == (1, "success", head, variables)
    assert woodpecker("GET", f"{path}/1").json()["workflows"][0]["children"]
    assert woodpecker("GET", f"{path}/latest").status_code == 404  # it means the newest that a push began
    assert "workflows" not in woodpecker("GET", path).json()[0]
    assert woodpecker("GET", f"{path}/2").status_code == 404


def test_a_pipeline_is_restarted_as_a_new_one(sandbox: Sandbox, woodpecker: Api) -> None:
    number = _activated(sandbox, woodpecker, {".woodpecker/deploy.yml": DEPLOY})
    path, variables = f"/repos/{number}/pipelines", {"IMAGE_TAG": "12345678"}
    first = woodpecker("POST", path, json={"branch": "main", "variables": variables}).json()
    sandbox.woodpecker.new_status = "failure"
    again = woodpecker("POST", f"{path}/1?OTHER=value")
    assert again.status_code == 200
    shown = again.json()
    assert (shown["number"], shown["parent"], shown["rerun_count"], shown["status"]) == (2, 1, 1, "failure")
    assert (shown["commit"], shown["variables"]) == (first["commit"], variables)
    assert woodpecker("GET", f"{path}/1").json() == first
    assert woodpecker("POST", f"{path}/2").json()["rerun_count"] == 2
    answers = {name: woodpecker("POST", f"{path}/{name}") for name in ("9", "0", "-1", "abc", "latest", "1?event=push")}
    assert {name: answer.status_code for name, answer in answers.items()} == {
        **dict.fromkeys(("9", "0", "-1"), 404),
        **dict.fromkeys(("abc", "latest", "1?event=push"), 400),
    }
    assert woodpecker("POST", f"{path}/1?event=deployment").status_code == 403
    assert {answer.content for answer in answers.values()} == {b""}
    sandbox.woodpecker.finish("ViktorBarzin/demo", 1, "blocked")
    assert woodpecker("POST", f"{path}/1").status_code == 400
    sandbox.woodpecker.users["other"] = "octocat"
    assert woodpecker("POST", f"{path}/2", headers={"Authorization": "Bearer other"}).status_code == 404
    assert woodpecker("POST", f"{path}/2", headers={"Authorization": ""}).status_code == 401


@pytest.mark.parametrize("body", [{}, {"branch": ""}, {"branch": "absent"}])
def test_a_pipeline_of_an_unknown_branch_is_a_fault_without_words(
    sandbox: Sandbox, woodpecker: Api, body: dict[str, str]
) -> None:
    number = _activated(sandbox, woodpecker, {".woodpecker/deploy.yml": DEPLOY})
    answer = woodpecker("POST", f"/repos/{number}/pipelines", json=body)
    assert (answer.status_code, answer.content) == (500, b"")
    assert woodpecker("GET", f"/repos/{number}/pipelines").json() == []


def test_what_others_see_of_a_row(sandbox: Sandbox, woodpecker: Api) -> None:
    number = _activated(sandbox, woodpecker)
    sandbox.woodpecker.users["other"] = "octocat"
    other = {"Authorization": "Bearer other"}
    for method, path in (("GET", ""), ("GET", "/secrets"), ("PATCH", ""), ("DELETE", "")):
        answer = woodpecker(method, f"/repos/{number}{path}", headers=other)
        assert (answer.status_code, answer.content) == (404, b"")
    sandbox.woodpecker.repositories[number].settings["visibility"] = "public"
    assert woodpecker("GET", f"/repos/{number}", headers=other).status_code == 200
    assert woodpecker("GET", f"/repos/{number}/secrets", headers=other).status_code == 404
    assert woodpecker("PATCH", f"/repos/{number}", json={}, headers=other).status_code == 403


def test_activation_takes_the_place_of_its_own_webhook_only(sandbox: Sandbox, woodpecker: Api) -> None:
    number = _activated(sandbox, woodpecker)
    repository = sandbox.github.repository("ViktorBarzin/demo")
    repository.hooks[1] = {"id": 1, "events": ["push"], "config": {"url": "https://elsewhere.test/"}}
    assert woodpecker("POST", f"/repos/{number}/repair").status_code == 204
    assert len(repository.hooks) == 2
    sandbox.woodpecker.repositories[number].active = False  # its webhook is still there
    assert woodpecker("POST", "/repos", params={"forge_remote_id": str(repository.id)}).status_code == 200
    assert len(repository.hooks) == 2


def test_a_row_is_found_by_its_former_name(sandbox: Sandbox, woodpecker: Api) -> None:
    number = _activated(sandbox, woodpecker)
    repository = sandbox.github.repositories.pop("viktorbarzin/demo")
    repository.name = "renamed"
    sandbox.github.repositories["viktorbarzin/renamed"] = repository
    assert woodpecker("POST", f"/repos/{number}/repair").status_code == 204
    for name in ("renamed", "demo"):
        found = woodpecker("GET", f"/repos/lookup/ViktorBarzin/{name}").json()
        assert (found["id"], found["full_name"]) == (number, "ViktorBarzin/renamed")
