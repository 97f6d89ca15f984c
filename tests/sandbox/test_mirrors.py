"""Push mirrors that push, and git over TLS to both forges."""

from __future__ import annotations

import os
import shutil
import threading

import httpx
import pytest

from generator.sandbox import Sandbox
from generator.sandbox.forgejo.mirrors import normalised, parse_interval
from generator.sandbox.messages import Request, Response
from tests.sandbox.conftest import Api, Git, mirror_options

MIRRORS = "/repos/viktor/demo/push_mirrors"
SYNC = "/repos/viktor/demo/push_mirrors-sync"


@pytest.fixture(autouse=True)
def _repositories(sandbox: Sandbox, forgejo: Api, github: Api) -> None:
    assert forgejo("POST", "/user/repos", json={"name": "demo", "private": True}).status_code == 201
    assert github("POST", "/user/repos", json={"name": "demo", "private": True}).status_code == 201


def test_create_list_delete(sandbox: Sandbox, forgejo: Api) -> None:
    options = mirror_options(sandbox, "demo")
    del options["sync_on_commit"]
    made = forgejo("POST", MIRRORS, json=options)
    assert made.status_code == 200
    shown = made.json()
    assert shown["interval"] == "8h0m0s"
    assert shown["sync_on_commit"] is False
    assert shown["last_update"] == "1970-01-01T00:00:00Z"
    assert shown["remote_name"].startswith("remote_mirror_")
    assert sandbox.tokens.github not in made.text
    assert forgejo("POST", MIRRORS, json=options).status_code == 200
    assert len(forgejo("GET", MIRRORS).json()) == 2
    assert forgejo("GET", f"{MIRRORS}/{shown['remote_name']}").status_code == 200
    assert forgejo("DELETE", f"{MIRRORS}/{shown['remote_name']}").status_code == 204
    assert forgejo("DELETE", f"{MIRRORS}/unknown").status_code == 204
    assert len(forgejo("GET", MIRRORS).json()) == 1


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"interval": None}, 400, 'time: invalid duration ""'),
        ({"interval": "weekly"}, 400, 'time: invalid duration "weekly"'),
        ({"interval": "5m"}, 400, "%!s(<nil>)"),
        ({"remote_address": "https://me:secret@localhost/x/y.git"}, 400, "credentials"),
        ({"remote_address": "https://forge.example.test/x/y.git"}, 401, "Permission denied"),
    ],
)
def test_refusals(sandbox: Sandbox, forgejo: Api, changes: dict[str, str], status: int, message: str) -> None:
    answer = forgejo("POST", MIRRORS, json=mirror_options(sandbox, "demo", **changes))
    assert answer.status_code == status
    assert message in answer.json()["message"]


def test_intervals() -> None:
    assert parse_interval("0s") == "0s"
    assert parse_interval("90m") == "1h30m0s"
    assert normalised(600) == "10m0s"


def test_sync_of_an_empty_repository_fails_without_a_word(sandbox: Sandbox, forgejo: Api) -> None:
    assert forgejo("POST", SYNC).status_code == 200
    forgejo("POST", MIRRORS, json=mirror_options(sandbox, "demo"))
    answer = forgejo("POST", SYNC)
    assert (answer.status_code, answer.json()["message"]) == (500, "")
    shown = forgejo("GET", MIRRORS).json()[0]
    assert shown["last_error"]
    assert shown["last_update"] != "1970-01-01T00:00:00Z"


def test_push_reaches_github(sandbox: Sandbox, forgejo: Api, git: Git) -> None:
    forgejo("POST", MIRRORS, json=mirror_options(sandbox, "demo"))
    head = git.commit({"README.md": "hello\n", ".github/workflows/build.yml": "on: push\n"})
    git("tag", "v0.1.0")
    git("push", "--quiet", git.url("forgejo", "viktor/demo.git"), "master", "v0.1.0")
    sandbox.forgejo.wait_for_mirrors()
    copy = sandbox.github.repository("ViktorBarzin/demo").bare
    assert (copy.heads(), copy.tags()) == ({"master": head}, {"v0.1.0": head})
    assert forgejo("GET", MIRRORS).json()[0]["last_error"] == ""


def test_no_sync_on_commit_waits_for_the_sync(sandbox: Sandbox, forgejo: Api, git: Git) -> None:
    forgejo("POST", MIRRORS, json=mirror_options(sandbox, "demo", sync_on_commit=False))
    head = git.commit({"README.md": "hello\n"})
    git("push", "--quiet", git.url("forgejo", "viktor/demo.git"), "master")
    sandbox.forgejo.wait_for_mirrors()
    copy = sandbox.github.repository("ViktorBarzin/demo").bare
    assert copy.heads() == {}
    # What is on GitHub alone is gone after the sync.
    copy.commit_files("stray", {"a": "b"}, "stray", 1)
    assert forgejo("POST", SYNC).status_code == 200
    assert copy.heads() == {"master": head}


def test_mirror_without_workflow_scope(sandbox: Sandbox, forgejo: Api, git: Git) -> None:
    sandbox.github.tokens[sandbox.tokens.github].scopes.discard("workflow")
    forgejo("POST", MIRRORS, json=mirror_options(sandbox, "demo"))
    git.commit({"README.md": "hello\n"})
    git("push", "--quiet", git.url("forgejo", "viktor/demo.git"), "master")
    sandbox.forgejo.wait_for_mirrors()
    assert forgejo("GET", MIRRORS).json()[0]["last_error"] == ""
    git.commit({".github/workflows/build.yml": "on: push\n"})
    git("push", "--quiet", git.url("forgejo", "viktor/demo.git"), "master")
    sandbox.forgejo.wait_for_mirrors()
    error = forgejo("GET", MIRRORS).json()[0]["last_error"]
    assert "refusing to allow a Personal Access Token to create or update workflow" in error
    assert forgejo("POST", SYNC).status_code == 500


def test_mirror_to_archived_or_missing(sandbox: Sandbox, forgejo: Api, git: Git) -> None:
    forgejo("POST", MIRRORS, json=mirror_options(sandbox, "demo"))
    forgejo("POST", MIRRORS, json=mirror_options(sandbox, "absent"))
    git.commit({"README.md": "hello\n"})
    sandbox.github.repository("ViktorBarzin/demo").archived = True
    git("push", "--quiet", git.url("forgejo", "viktor/demo.git"), "master")
    sandbox.forgejo.wait_for_mirrors()
    errors = [entry["last_error"] for entry in forgejo("GET", MIRRORS).json()]
    assert "403" in errors[0] or "read-only" in errors[0]
    assert "not found" in errors[1].lower()
    sandbox.github.repository("ViktorBarzin/demo").archived = False
    assert forgejo("POST", SYNC).status_code == 500


def test_github_refuses_to_lose_its_default_branch(sandbox: Sandbox, forgejo: Api, git: Git) -> None:
    copy = sandbox.github.repository("ViktorBarzin/demo")
    copy.bare.commit_files("main", {"a": "b"}, "stray", 1)
    forgejo("POST", MIRRORS, json=mirror_options(sandbox, "demo"))
    git.commit({"README.md": "hello\n"})
    git("push", "--quiet", git.url("forgejo", "viktor/demo.git"), "master")
    assert forgejo("POST", SYNC).status_code == 500
    assert "main" in copy.bare.heads()


def test_git_needs_a_token_for_what_is_private(sandbox: Sandbox, git: Git) -> None:
    url = f"{sandbox.urls['forgejo']}/viktor/infra.git"
    assert git("ls-remote", url, check=False).returncode != 0
    assert "refs/heads/master" in git("ls-remote", git.url("forgejo", "viktor/infra.git")).stdout
    sandbox.forgejo.repository("viktor/infra").private = False
    assert "refs/heads/master" in git("ls-remote", url).stdout
    git.commit({"a": "b"})
    assert git("push", url, "HEAD:refs/heads/x", check=False).returncode != 0
    sandbox.forgejo.repository("viktor/infra").private = True
    git.token = "wrong"
    assert git("ls-remote", git.url("forgejo", "viktor/infra.git"), check=False).returncode != 0


def test_github_git(sandbox: Sandbox, github_git: Git) -> None:
    head = github_git.commit({"README.md": "hello\n"})
    github_git("push", "--quiet", github_git.url("github", "ViktorBarzin/demo.git"), "master")
    assert sandbox.github.repository("ViktorBarzin/demo").bare.heads() == {"master": head}
    assert github_git("ls-remote", f"{sandbox.urls['github']}/ViktorBarzin/demo.git", check=False).returncode != 0
    sandbox.github.repository("ViktorBarzin/demo").archived = True
    github_git.commit({"README.md": "again\n"})
    refused = github_git("push", github_git.url("github", "ViktorBarzin/demo.git"), "master", check=False)
    assert "403" in refused.stderr


def test_infra_clone_is_clean_and_current(sandbox: Sandbox, git: Git) -> None:
    git.folder = sandbox.infra
    assert git("status", "--porcelain=v1", "--branch").stdout == "## master...origin/master\n"
    assert git("remote", "get-url", "origin").stdout.strip() == f"{sandbox.urls['forgejo']}/viktor/infra.git"
    git("fetch", "--quiet", git.url("forgejo", "viktor/infra.git"), "master")
    assert git("rev-parse", "FETCH_HEAD").stdout == git("rev-parse", "HEAD").stdout
    assert git("rev-list", "--count", "HEAD").stdout == "2\n"
    assert os.access(sandbox.infra / "scripts" / "check-ingress-auth-comments.py", os.X_OK)


def test_settled_is_what_no_client_waits_for_any_more(sandbox: Sandbox, forgejo: Api, git: Git) -> None:
    """The client of a sync gives up while the mirror still pushes; then the folders can be removed."""
    forgejo("POST", MIRRORS, json=mirror_options(sandbox, "demo", sync_on_commit=False))
    head = git.commit({"README.md": "hello\n"})
    git("push", "--quiet", git.url("forgejo", "viktor/demo.git"), "master")
    arrived, goes_on = threading.Event(), threading.Event()

    def slow(request: Request) -> Response:
        if request.path.endswith("/git-receive-pack"):
            arrived.set()
            goes_on.wait(60)
        return sandbox.github(request)

    sandbox.lead_to("github", slow)
    with pytest.raises(httpx.ReadTimeout):
        forgejo("POST", SYNC, timeout=0.3)
    assert arrived.wait(60)
    settling = threading.Thread(target=sandbox.settle)
    settling.start()
    settling.join(0.3)
    assert settling.is_alive()
    goes_on.set()
    settling.join(60)
    assert not settling.is_alive()
    shutil.rmtree(sandbox.root / "repositories" / "github")
    assert sandbox.forgejo.repository("viktor/demo").bare.heads() == {"master": head}
