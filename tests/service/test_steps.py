"""The workflow's scripts, run for real against servers on loopback."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from .servers import Answer, canned, git_server
from .steps import RECORDED, Outcome, Runner, step_of
from .trees import REPOSITORY_ID, Tree

CANARY = "canary-7f3a9c"
BROKEN = Answer(500, "")
NOTHING_RAN = Answer(204)
WEB_PAGE = Answer(200, "<!DOCTYPE html><title>Woodpecker</title>", "text/html; charset=utf-8")
REFUSED = Answer(401, "Unauthorized", "text/plain; charset=utf-8")
STARTED = Answer(200, json.dumps({"number": 12, "status": "pending", "errors": None}))
CREATED = Answer(201, json.dumps({"number": 12, "status": "pending"}), "application/json")
UNUSABLE = Answer(200, json.dumps({"number": 12, "status": "error", "errors": [{"message": "secret not found"}]}))
NOT_A_PIPELINE = Answer(200, "{}")


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    lacking = [name for name in (*RECORDED, "bash") if shutil.which(name) is None]
    if lacking:
        pytest.skip(f"the workflow's own programs are not on this machine: {', '.join(lacking)}")
    return Runner(tmp_path)


def deploy(runner: Runner, workflow: Mapping[str, Any], url: str, pause: str = "0") -> Outcome:
    """Run the deploy step against ``url`` instead of the platform's Woodpecker."""
    step = step_of(workflow, "deploy", "Start the deploy pipeline")
    values = {"secrets.WOODPECKER_TOKEN": CANARY, "needs.build.outputs.image_tag": "01234567"}
    address = step["env"]["PIPELINES_URL"].replace("https://ci.viktorbarzin.me", url)
    assert address.startswith(url)
    return runner.run(step, values, {"PIPELINES_URL": address, "RETRY_PAUSE": pause})


@pytest.mark.parametrize(
    ("answers", "status", "asked"),
    [
        pytest.param([STARTED], 0, 1, id="started"),
        pytest.param([CREATED], 0, 1, id="created"),
        pytest.param([BROKEN, NOTHING_RAN, STARTED], 0, 3, id="third-try"),
        pytest.param([WEB_PAGE, STARTED], 0, 2, id="second-try"),
        pytest.param([BROKEN] * 3, 1, 3, id="broken"),
        pytest.param([REFUSED] * 3, 1, 3, id="refused"),
        pytest.param([NOTHING_RAN] * 3, 1, 3, id="nothing-ran"),
        pytest.param([WEB_PAGE] * 3, 1, 3, id="web-page"),
        pytest.param([UNUSABLE], 1, 1, id="pipeline-in-error"),
        pytest.param([NOT_A_PIPELINE], 1, 1, id="not-a-pipeline"),
    ],
)
def test_deploy(runner: Runner, richest: Tree, answers: list[Answer], status: int, asked: int) -> None:
    with canned(*answers) as server:
        outcome = deploy(runner, richest.workflow, server.url)
    assert outcome.status == status, outcome.said
    assert len(server.requests) == asked
    assert sum(line.startswith("sleep ") for line in outcome.arguments) == asked - 1
    for request in server.requests:
        assert request.line == f"POST /api/repos/{REPOSITORY_ID}/pipelines HTTP/1.1"
        assert request.headers["Authorization"] == f"Bearer {CANARY}"
        assert request.headers["Content-Type"] == "application/json"
        variables = {"IMAGE_NAME": "ghcr.io/viktorbarzin/null", "IMAGE_TAG": "01234567"}
        assert json.loads(request.body) == {"branch": "master", "variables": variables}
    assert CANARY not in outcome.said
    assert CANARY not in "".join(outcome.arguments)
    assert sum(line.startswith("curl ") for line in outcome.arguments) == asked


def test_deploy_says_why_a_pipeline_could_not_run(runner: Runner, richest: Tree) -> None:
    with canned(UNUSABLE) as server:
        assert "secret not found" in deploy(runner, richest.workflow, server.url).said


def test_deploy_fails_where_nobody_answers(runner: Runner, richest: Tree) -> None:
    with canned() as server:
        url = server.url
    outcome = deploy(runner, richest.workflow, url)
    assert outcome.status == 1
    assert outcome.said.count("::warning::") == 3


def test_deploy_waits_half_a_minute_between_tries(runner: Runner, richest: Tree) -> None:
    pause = step_of(richest.workflow, "deploy", "Start the deploy pipeline")["env"]["RETRY_PAUSE"]
    runner.stub("sleep", "")
    with canned(BROKEN, BROKEN, BROKEN) as server:
        outcome = deploy(runner, richest.workflow, server.url, pause)
    assert [line for line in outcome.arguments if line.startswith("sleep")] == ["sleep 30", "sleep 30"]


def test_slack_is_reported_which_run_failed(runner: Runner, richest: Tree) -> None:
    step = step_of(richest.workflow, "notify-failure", "Tell Slack")
    with canned(Answer(200, "ok", "text/plain")) as server:
        values = {
            "secrets.SLACK_WEBHOOK": f"{server.url}/services/{CANARY}",
            "github.server_url": "https://github.com",
            "github.repository": "ViktorBarzin/null",
            "github.run_id": "42",
        }
        outcome = runner.run(step, values, {})
    assert outcome.status == 0, outcome.said
    assert server.requests[0].line == f"POST /services/{CANARY} HTTP/1.1"
    text = json.loads(server.requests[0].body)["text"]
    assert text == "null: build or deploy failed: https://github.com/ViktorBarzin/null/actions/runs/42"
    assert CANARY not in outcome.said + "".join(outcome.arguments)


def test_slack_is_reported_of_no_deploy_where_there_is_none(runner: Runner, trees: dict[str, Tree]) -> None:
    runner.stub("curl", "cat > /dev/null")
    step = step_of(trees["cronjob"].workflow, "notify-failure", "Tell Slack")
    values = {"secrets.SLACK_WEBHOOK": "", "github.server_url": "", "github.repository": "", "github.run_id": ""}
    completed = "\n".join(runner.run(step, values, {}).arguments)
    assert "city-guide: build failed: " in completed


def test_image_tag_is_the_commits_first_eight_characters(runner: Runner, richest: Tree) -> None:
    named = step_of(richest.workflow, "build", "Name the image")
    for version, shown in (("v1.3.0", "v1.3.0"), ("", "01234567")):
        outcome = runner.run(named, {"steps.version.outputs.version": version}, {})
        assert outcome.outputs == {"tag": "01234567", "version": shown}


@pytest.mark.parametrize(
    ("following", "outputs"),
    [("v1.3.0", {"version": "v1.3.0", "next": "v1.3.0"}), ("v1.2.3", {"version": "v1.2.3"})],
    ids=["feature", "chore"],
)
def test_next_version_is_svus(runner: Runner, richest: Tree, following: str, outputs: dict[str, str]) -> None:
    runner.stub("svu", f'case "$1" in current) echo v1.2.3 ;; next) echo {following} ;; esac')
    outcome = runner.run(step_of(richest.workflow, "build", "Compute the next version"), {}, {})
    assert (outcome.status, outcome.outputs) == (0, outputs)


def test_no_version_where_svu_fails(runner: Runner, richest: Tree) -> None:
    runner.stub("svu", "exit 1")
    outcome = runner.run(step_of(richest.workflow, "build", "Compute the next version"), {}, {})
    assert outcome.status != 0
    assert outcome.outputs == {}


@pytest.fixture
def forge(runner: Runner, tmp_path: Path) -> Path:
    """An empty repository to push to; the runner's workspace holds a commit."""
    bare = tmp_path / "forge" / "viktor" / "null.git"
    for command in (
        ["git", "init", "--quiet", "--bare", str(bare)],
        ["git", "init", "--quiet", str(runner.workspace)],
        ["git", "-C", str(runner.workspace), "commit", "--quiet", "--allow-empty", "--message", "feat: start"],
    ):
        author = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org"}
        committer = {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org"}
        subprocess.run(command, env={**runner.environment, **author, **committer}, check=True)
    return bare


def push_tag(runner: Runner, tree: Tree, root: Path, token: str) -> Outcome:
    step = step_of(tree.workflow, "build", "Tag the version")
    values = {"secrets.FORGEJO_GIT_TOKEN": token, "steps.version.outputs.next": "v1.3.0"}
    with git_server(root, "viktor", CANARY) as url:
        address = step["env"]["FORGEJO_REPOSITORY"].replace("https://forgejo.viktorbarzin.me", url)
        assert address.startswith(url)
        return runner.run(step, values, {"FORGEJO_REPOSITORY": address})


def git(repository: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=repository, capture_output=True, text=True, check=True).stdout


def test_version_tag_reaches_forgejo(runner: Runner, richest: Tree, forge: Path) -> None:
    outcome = push_tag(runner, richest, forge.parent.parent, CANARY)
    assert outcome.status == 0, outcome.said
    tagged = git(forge, "for-each-ref", "--format=%(refname) %(objecttype) %(*objectname) %(taggername) %(taggeremail)")
    head = git(runner.workspace, "rev-parse", "HEAD").strip()
    assert tagged == f"refs/tags/v1.3.0 tag {head} null CI <ci@viktorbarzin.me>\n"
    assert CANARY not in outcome.said + "".join(outcome.arguments)
    assert CANARY not in git(runner.workspace, "config", "--list", "--local")


def test_refused_version_tag_is_a_failure_of_its_step_alone(runner: Runner, richest: Tree, forge: Path) -> None:
    outcome = push_tag(runner, richest, forge.parent.parent, "wrong-" + CANARY)
    assert outcome.status != 0
    assert CANARY not in outcome.said + "".join(outcome.arguments)
    assert git(forge, "for-each-ref") == ""
