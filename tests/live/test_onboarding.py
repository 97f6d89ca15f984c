"""The command against real servers: a service comes to be, is mended, follows its commits, and goes."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from generator.sandbox.forgejo.mirrors import normalised
from tests.answers import SMALLEST
from tests.live.openbao import OpenBao
from tests.live.platform import LiveWorld
from tests.live.woodpecker import Agent, Woodpecker
from tests.world import Completed

SECRETS = ["FORGEJO_GIT_TOKEN", "SLACK_WEBHOOK", "WOODPECKER_TOKEN"]
HOOK = ["push", "pull_request", "pull_request_review", "deployment"]


def given(name: str) -> dict[str, Any]:
    return {**SMALLEST, "name": name, "title": name.title()}


def expected(live: LiveWorld, name: str) -> dict[str, Any]:
    """Exactly one of each thing."""
    address = f"{live.sandbox.urls['github']}/{live.mirror_name(name)}.git"
    return {
        "same commit": True,
        "default branch": live.branch,
        "secrets": SECRETS,
        "active": True,
        "number on the forge": True,
        "number in workflow": True,
        "trusted": [],
        "hooks": [HOOK],
        "push mirrors": [(address, True, normalised(8 * 3600), "")],
        "pull requests": ["open"],
    }


def done(completed: Completed) -> set[str]:
    return {item["id"] for item in completed.of("step") if item["status"] == "done"}


def eventually(holds: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Whether something becomes so; what a server does in the background has no end to wait for."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not holds():
        if time.monotonic() > deadline:
            return False
        pause.wait(0.05)
    return True


def test_create_makes_one_of_each_thing_and_the_second_run_finds_nothing_to_do(live: LiveWorld) -> None:
    completed = live.run("create", given("first-one"))
    assert completed.result["status"] == "success", completed.out
    assert live.found("first-one") == expected(live, "first-one")
    again = live.run("create", given("first-one"))
    assert again.result["status"] == "unchanged", again.out
    assert live.found("first-one") == expected(live, "first-one")


def test_what_drifted_on_woodpecker_is_mended(live: LiveWorld, woodpecker: Woodpecker) -> None:
    live.run("create", given("adrift"))
    number = live.row("adrift")["id"]
    trusted = {"network": True, "volumes": True, "security": False}
    assert live.woodpecker("PATCH", f"/repos/{number}", body={"trusted": trusted}).status == 200
    assert live.woodpecker("DELETE", f"/repos/{number}").status == 200
    assert live.found("adrift") != expected(live, "adrift")

    completed = live.run("create", given("adrift"))
    assert completed.result["status"] == "success", completed.out
    assert done(completed) == {"woodpecker.registration", "woodpecker.settings"}
    assert live.found("adrift") == expected(live, "adrift")
    assert live.row("adrift")["id"] == number


def test_what_drifted_on_forgejo_is_mended(live: LiveWorld) -> None:
    live.run("create", given("crooked"))
    (mirror,) = live.push_mirrors("crooked")
    path = f"/repos/{live.platform.forgejo.owner}/crooked/push_mirrors"
    wrong = {"remote_address": mirror["remote_address"], "interval": "24h", "sync_on_commit": False}
    assert live.forgejo("DELETE", f"{path}/{mirror['remote_name']}").status == 204
    for _ in range(2):
        assert live.forgejo("POST", path, body=wrong).status == 200
    assert len(live.push_mirrors("crooked")) == 2

    completed = live.run("create", given("crooked"))
    assert completed.result["status"] == "success", completed.out
    assert done(completed) == {"forgejo.mirror"}
    assert live.found("crooked") == expected(live, "crooked")


def test_the_push_mirror_follows_a_commit(live: LiveWorld) -> None:
    live.run("create", given("follower"))
    before = live.canonical_head("follower")
    body = {"branch": live.branch, "message": "a note", "content": base64.b64encode(b"noted\n").decode()}
    made = live.forgejo("POST", f"/repos/{live.platform.forgejo.owner}/follower/contents/NOTE", body=body)
    assert made.status == 201, made.body
    head = live.canonical_head("follower")
    assert head != before
    assert eventually(lambda: live.mirror("follower").bare.heads() == {live.branch: head})


def pulls(live: LiveWorld, repository: str, branch: str) -> list[dict[str, Any]]:
    """All pull requests of a branch, the newest first."""
    found = live.forgejo("GET", f"/repos/{live.platform.forgejo.owner}/{repository}/pulls?state=all&limit=50")
    return [item for item in json.loads(found.body) if item["head"]["ref"] == branch]


def merge(live: LiveWorld, repository: str, branch: str, style: str = "merge") -> None:
    """As a reviewer does; Forgejo takes a moment to see whether it can be merged."""
    number = pulls(live, repository, branch)[0]["number"]
    path = f"/repos/{live.platform.forgejo.owner}/{repository}/pulls/{number}/merge"
    assert eventually(lambda: live.forgejo("POST", path, body={"Do": style}).status == 200)


@pytest.mark.parametrize("style", ["merge", "squash"])
def test_a_service_is_changed_again_and_again(live: LiveWorld, style: str) -> None:
    """After a merged change, with the branch left, and after a declined one: each time in a pull request of its own."""
    name = f"changing-{style}"
    branch, infra = f"newservice-change/{name}", live.platform.infra.repository
    live.run("create", given(name))
    merge(live, infra, f"newservice/{name}")
    for number, memory in enumerate(["1Gi", "2Gi"], 1):
        completed = live.command("change", name, "--memory", memory, "--yes")
        assert completed.result["status"] == "success", completed.out
        assert [item["state"] for item in pulls(live, infra, branch)] == ["open"] + ["closed"] * (number - 1)
        merge(live, infra, branch, style)
        assert live.command("change", name).result["status"] == "unchanged"
    completed = live.command("change", name, "--memory", "512Mi", "--title", "Another", "--yes")
    assert completed.result["status"] == "success", completed.out
    for repository in (infra, name):
        path = f"/repos/{live.platform.forgejo.owner}/{repository}/pulls/{pulls(live, repository, branch)[0]['number']}"
        assert live.forgejo("PATCH", path, body={"state": "closed"}).status == 201
    completed = live.command("change", name, "--env", "LEVEL=info", "--yes")
    assert completed.result["status"] == "success", completed.out
    (newest, *others) = pulls(live, infra, branch)
    assert (newest["state"], len(others)) == ("open", 3)
    assert "LEVEL" in newest["body"]
    assert "512Mi" not in newest["body"]


def test_remove_takes_it_all_away(live: LiveWorld) -> None:
    live.run("create", given("short-lived"))
    completed = live.command(
        "remove", "short-lived", "--service-dir", str(live.folder / "short-lived"), "--yes", "--non-interactive"
    )
    assert completed.result["exit_code"] == 0, completed.out
    assert live.gone("short-lived") == {"forgejo": True, "github": True, "woodpecker": True}
    again = live.command("remove", "short-lived", "--service-dir", str(live.folder / "short-lived"), "--yes")
    assert again.result["status"] == "unchanged", again.out


@pytest.mark.parametrize("token", ["FORGEJO_TOKEN", "WOODPECKER_TOKEN"])
def test_a_wrong_token_is_refused_before_anything_is_written(live: LiveWorld, token: str) -> None:
    live.monkeypatch.setenv(token, "0" * 40)
    completed = live.run("create", given("never"))
    assert completed.result["exit_code"] == 3, completed.out
    assert live.gone("never") == {"forgejo": True, "github": True, "woodpecker": True}


def test_a_name_that_was_never_made_is_not_removed(live: LiveWorld) -> None:
    completed = live.command("remove", "never-made", "--yes", "--non-interactive")
    assert completed.code == 2, completed.out
    assert [item["code"] for item in completed.of("error")] == ["status.unknown"]


def finished(live: LiveWorld, path: str) -> dict[str, Any]:
    """A pipeline that has ended."""
    seen: dict[str, Any] = {}

    def ended() -> bool:
        seen.update(json.loads(live.woodpecker("GET", path).body))
        return seen["status"] not in ("pending", "running", "created")

    assert eventually(ended, 60), seen
    return seen


@pytest.mark.parametrize(
    ("name", "tag"),
    [("deployed", "0123abcd"), ("deployed-once", "1.0 deployment/other=evil"), ("deployed-safely", "$(touch evil)")],
)
def test_the_generated_pipeline_deploys(live: LiveWorld, agent: Agent, name: str, tag: str) -> None:
    """On an agent's local backend, where an image is the name of a shell; ``kubectl`` notes what it is called with."""
    kubectl = agent.tools / "kubectl"
    noted = f'printf "%s\\0" "$@" >> {agent.tools}/calls; echo >> {agent.tools}/calls'
    kubectl.write_text(f'#!/bin/sh\n{noted}\n[ "$3" != get ] || echo found\n')
    kubectl.chmod(0o755)
    live.run("create", given(name))
    pipeline = live.mirror(name).bare.file(live.branch, ".woodpecker/deploy.yml")
    assert pipeline
    changed = pipeline.replace(b"image: bitnami/kubectl:latest", b"image: sh")
    live.mirror(name).bare.commit_files(live.branch, {".woodpecker/deploy.yml": changed.decode()}, "sh", 1)
    started = f"/repos/{live.row(name)['id']}/pipelines"
    variables = {"IMAGE_NAME": "ghcr.io/acme/x", "IMAGE_TAG": tag}
    answer = live.woodpecker("POST", started, body={"branch": live.branch, "variables": variables})
    assert answer.status == 200, answer.body
    ended = finished(live, f"{started}/{json.loads(answer.body)['number']}")
    assert ended["status"] == "success", (ended, agent.program.log[-3000:])
    looked, words = (line.split("\0") for line in (agent.tools / "calls").read_text().splitlines()[:2])
    assert looked[2:-1] == ["get", f"deployment/{name}", "--ignore-not-found", "--output", "name"]
    assert words[2:-1] == ["set", "image", f"deployment/{name}", f"{name}=ghcr.io/acme/x:{tag}"]


@pytest.mark.parametrize("strict", [False, True])
def test_secrets_with_a_token_that_may_not_look_itself_up(live: LiveWorld, openbao: OpenBao, *, strict: bool) -> None:
    """It lacks the policy ``default``; and where the mount asks for check-and-set, it gets it."""
    name = f"kept-{strict}".lower()
    live.monkeypatch.setenv("VAULT_TOKEN", openbao.add_token("services", no_default_policy=True))
    openbao.api("POST", f"/{openbao.mount}/config", {"cas_required": strict, "metadata_cas_required": strict})
    try:
        completed = live.run("create", given(name) | {"secrets": {"API_TOKEN": "api_token", "OTHER": "other"}})
        assert completed.result["status"] == "success", completed.out
        assert "took no note" not in completed.out
        again = live.run("create", given(name) | {"secrets": {"API_TOKEN": "api_token", "OTHER": "other"}})
        assert again.result["status"] == "unchanged", again.out
    finally:
        openbao.api("POST", f"/{openbao.mount}/config", {"cas_required": False, "metadata_cas_required": False})
    kept = openbao.api("GET", f"/{openbao.mount}/data/{name}").json()["data"]
    assert (sorted(kept["data"]), kept["metadata"]["version"]) == (["api_token", "other"], 1)
    assert kept["metadata"]["custom_metadata"]["newservice"].startswith("made version 1 at ")
