"""From a pushed commit to the cluster: the workflow run by act, its request to Woodpecker, Woodpecker's pipeline."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from generator.sandbox.faults import Status
from tests.answers import SMALLEST
from tests.chain.conftest import Chain
from tests.chain.runner import WORKFLOW, Run
from tests.full import full
from tests.service.trees import load_yaml
from tests.world import Completed

SERVICE: dict[str, Any] = {**SMALLEST, "database": "postgres", "migrate_command": ["python", "-m", "app.migrations"]}
SITE: dict[str, Any] = {**SMALLEST, "name": "city-guide", "language": "static", "tier": "edge", "namespace": "guides"}

PIPELINES = r"^/api/repos/\d+/pipelines$"
STACK = ("main", "deployment")
FAILING_TEST = "def test_fails() -> None:\n    assert 1 + 1 == 3\n"
BROKEN_PAGE = '<!doctype html>\n<html lang="en"><head><title>Home</title></head><body><p>Hello</body></html>\n'


def states(completed: Completed) -> dict[str, str]:
    """What ``verify`` found, by check."""
    return {check["id"]: check["state"] for check in completed.of("check")}


def summary(completed: Completed, id_: str) -> str:
    """What it says of one check."""
    [found] = [check for check in completed.of("check") if check["id"] == id_]
    return str(found["summary"])


def asked(chain: Chain) -> list[dict[str, Any]]:
    """What Woodpecker was asked to run, and started."""
    found = chain.world.sandbox.journal.find("woodpecker", "POST", PIPELINES)
    return [json.loads(exchange.request_body) for exchange in found if exchange.status == 200]


def image_of(run: Run, name: str) -> str:
    return f"ghcr.io/viktorbarzin/{name}:{run.sha[:8]}"


def in_the_stack(chain: Chain, name: str) -> tuple[str, str, list[str]]:
    """Namespace, Deployment and the containers with the service's image, as the merged stack names them."""
    bare, folder = chain.world.infra.bare, f"stacks/{name}"
    main, deployment = ((bare.file(chain.world.base, f"{folder}/{file}.tf") or b"").decode() for file in STACK)
    [namespace] = re.findall(r'^ +namespace += "(.+)"$', main, re.M)
    [called] = re.findall(r'^resource "kubernetes_deployment" .*\n  metadata \{\n +name += "(.+)"$', deployment, re.M)
    containers = re.findall(r'container \{\n +name += "(.+)"\n +image += local\.image\n', deployment)
    return namespace, called, containers


def assert_no_secret_was_left(chain: Chain, *texts: str) -> None:
    """Neither in what was said nor in a file of the machines."""
    machines = (chain.runner.machine, chain.agent.machine)
    files = [path for machine in machines for path in machine.folder.rglob("*") if path.is_file()]
    assert files
    said = [*(text.encode() for text in texts), *(path.read_bytes() for path in files)]
    for secret in chain.secrets:
        assert not any(secret.encode() in content for content in said)


def assert_rolled_out(chain: Chain, name: str, image: str) -> None:
    """kubectl was called as the stack needs it, and not once more."""
    namespace, deployment, containers = in_the_stack(chain, name)
    look, first, second = chain.agent.machine.arguments("kubectl")
    assert look == ["-n", namespace, "get", f"deployment/{deployment}", "--ignore-not-found", "--output", "name"]
    assert first[:5] == ["-n", namespace, "set", "image", f"deployment/{deployment}"]
    assert sorted(first[5:]) == sorted(f"{container}={image}" for container in containers)
    assert second == ["-n", namespace, "rollout", "status", f"deployment/{deployment}", "--timeout=300s"]


def assert_built(chain: Chain, name: str, run: Run) -> None:
    """The marketplace actions were asked for the right things, with the job's own token."""
    machine, repository = chain.runner.machine, f"ghcr.io/viktorbarzin/{name}"
    [pushed] = machine.inputs("docker/build-push-action")
    assert pushed["tags"].split() == [image_of(run, name), f"{repository}:latest"]
    given = {key: pushed[key] for key in ("context", "platforms", "provenance", "push", "sbom")}
    wanted = {"context": ".", "platforms": "linux/amd64", "provenance": "false", "push": "true", "sbom": "false"}
    assert given == wanted
    cache = {"cache-from": "type=gha", "cache-to": "type=gha,mode=max,ignore-error=true"}
    assert {key: pushed[key] for key in ("build-args", *cache)} == {"build-args": "VERSION=v0.1.0", **cache}
    [login] = machine.inputs("docker/login-action")
    assert (login["registry"], login["username"]) == ("ghcr.io", "ViktorBarzin")
    used = {login["password"], *(checkout["token"] for checkout in machine.inputs("actions/checkout"))}
    assert used == {hashlib.sha256(token.encode()).hexdigest() for token in chain.runner.tokens}
    [retention] = machine.inputs("actions/delete-package-versions")
    assert retention == {"min-versions-to-keep": "10", "package-name": name, "package-type": "container"}
    tags = chain.world.sandbox.registry.images[f"viktorbarzin/{name}"].tags
    assert set(tags) >= {run.sha[:8], "latest"}


def test_a_commit_reaches_the_cluster_and_a_broken_one_does_not(chain: Chain) -> None:
    name, mirror, runs = SERVICE["name"], chain.world.mirror, []
    chain.create(SERVICE)

    def build() -> None:
        runs.append(chain.build(name))

    completed = chain.verify(name, lambda: chain.world.merge_request(name), build, lambda: chain.deploy(name))
    [green] = runs
    assert set(green.steps.values()) == {"success"}, green.said
    assert list(green.steps) == wanted_steps(mirror(name).bare.file(green.sha, WORKFLOW) or b"")
    assert (green.conclusion, green.jobs["Deploy"]) == ("success", "success")
    assert_tests_ran(chain)
    assert_built(chain, name, green)
    variables = {"IMAGE_NAME": f"ghcr.io/viktorbarzin/{name}", "IMAGE_TAG": green.sha[:8]}
    assert asked(chain) == [{"branch": "master", "variables": variables}]
    assert_rolled_out(chain, name, image_of(green, name))
    assert (completed.code, set(states(completed).values()) - {"skipped"}) == (0, {"ok"}), completed.out
    seen = [event["summary"].split(", ")[0] for event in completed.of("progress")]
    for check in ("infra.stack", "ci.run", "deploy.pipeline"):
        followed = [line for line in seen if line.startswith(f"{check}:")]
        assert list(dict.fromkeys(followed)) == [f"{check}: waiting", f"{check}: ok"]
    # The version's tag went to the forge with the token made for that, and came to GitHub with the mirror.
    chain.world.sandbox.forgejo.wait_for_mirrors()
    assert chain.world.canonical(name).bare.resolve("v0.1.0") == green.sha
    assert mirror(name).bare.resolve("v0.1.0") == green.sha
    assert chain.slack.requests == []

    chain.push(name, {"tests/test_sums.py": FAILING_TEST}, "feat: sums")
    completed = chain.verify(name, build)
    red = runs[-1]
    untouched = dict.fromkeys(green.jobs, "skipped")
    assert red.jobs == {**untouched, "Lint and test": "failure", "Notify of a failure": "success"}
    assert (red.conclusion, red.steps["Test"]) == ("failure", "failure")
    assert "test_sums.py::test_fails" in red.said
    assert len(asked(chain)) == 1
    assert (completed.code, states(completed)["ci.run"]) == (7, "failed")
    assert f"{red.sha[:8]}: failure in Lint and test" in summary(completed, "ci.run")
    [slack] = chain.slack.requests
    assert f"{chain.world.sandbox.urls['github']}/{mirror(name).full_name}/actions/runs/{red.id}" in slack.body
    assert_no_secret_was_left(chain, green.log, red.log)


def wanted_steps(workflow: bytes) -> list[str]:
    """The steps of all jobs that run when nothing fails, by name or action, each once."""
    jobs = load_yaml(workflow.decode())["jobs"]
    steps = [step for job in jobs.values() if job.get("if") != "failure()" for step in job["steps"]]
    return list(dict.fromkeys(step.get("name") or step["uses"].split("@")[0] for step in steps))


def assert_tests_ran(chain: Chain) -> None:
    """The service's own tests and linters ran, but for modules that need what is not installed here."""
    machine = chain.runner.machine
    assert machine.arguments("pip") == [
        ["install", "--require-hashes", "--requirement", "requirements-dev.lock"],
        ["install", "--no-deps", "--editable", "."],
        ["check"],
    ]
    assert machine.arguments("ruff") == [["check", "."], ["format", "--check", "."]]
    assert machine.arguments("python") == [["-m", "pytest"]]
    ran = {call["module"] for call in machine.calls if call["program"] == "pytest" and not call["lacks"]}
    assert ran >= {"test_logs.py", "test_settings.py"}


def test_a_run_by_hand_on_a_branch_leaves_everything_as_it_is(chain: Chain) -> None:
    """It tests and builds: no tag, no image, no deploy, no old version deleted, and nothing into the cache."""
    name = SITE["name"]
    chain.create(SITE)
    chain.push(name, {"site/news.html": BROKEN_PAGE.replace("<p>Hello", "<p>Hello</p>")}, "feat: news", "try/news")
    before = set(chain.world.sandbox.registry.images)
    run = chain.build(name, "try/news")
    skipped = {"Deploy": "skipped", "Notify of a failure": "skipped"}
    assert (run.conclusion, run.jobs) == ("success", {**dict.fromkeys(run.jobs, "success"), **skipped}), run.said
    assert not {step for step in run.steps if "svu" in step or "version" in step}
    [built] = chain.runner.machine.inputs("docker/build-push-action")
    given = {key: built[key] for key in ("push", "build-args", "cache-from", "cache-to")}
    assert given == {
        "push": "false",
        "build-args": f"VERSION={run.sha[:8]}",
        "cache-from": "type=gha",
        "cache-to": "",
    }
    assert chain.runner.machine.inputs("actions/delete-package-versions") == []
    assert (set(chain.world.sandbox.registry.images), asked(chain), chain.slack.requests) == (before, [], [])
    assert chain.world.canonical(name).bare.resolve("v0.1.0") is None
    # The same commit on the deployed branch does it all.
    chain.push(name, {"site/more.html": BROKEN_PAGE.replace("<p>Hello", "<p>Hello</p>")}, "feat: more")
    whole = chain.build(name)
    assert (whole.conclusion, len(asked(chain))) == ("success", 1)
    assert chain.runner.machine.inputs("docker/build-push-action")[-1]["push"] == "true"


@full
def test_bad_days(chain: Chain) -> None:
    """Woodpecker is away, the rollout fails, an answer gets lost, Woodpecker stays away, a page is broken."""
    name, faults = SITE["name"], chain.world.sandbox.faults
    chain.create(SITE)
    chain.world.merge_request(name)
    faults.add("woodpecker", "POST", PIPELINES, 1, "reset before acting")
    faults.add("woodpecker", "POST", PIPELINES, 1, Status(503))
    patient = chain.build(name)
    assert (patient.conclusion, patient.said.count("::warning::Attempt")) == ("success", 2), patient.said
    assert chain.runner.machine.arguments("sleep") == [["30"], ["30"]]
    assert [body["variables"]["IMAGE_TAG"] for body in asked(chain)] == [patient.sha[:8]]

    chain.agent.fails = "rollout status"
    [failed] = chain.deploy(name)
    assert failed.status == "failure"
    assert "timed out waiting" in failed.said
    assert_rolled_out(chain, name, image_of(patient, name))
    completed = chain.verify(name)
    assert (completed.code, states(completed)["ci.run"], states(completed)["deploy.pipeline"]) == (7, "ok", "failed"), (
        completed.out
    )
    assert "failure, in step deploy" in summary(completed, "deploy.pipeline")

    # The same commit again. Woodpecker starts a pipeline, but the answer gets lost: the next try starts another one.
    faults.add("woodpecker", "POST", PIPELINES, 1, "reset after acting")
    chain.agent.fails = ""
    chain.agent.machine.forget()
    again = chain.build(name)
    assert again.conclusion == "success"
    assert ("No feature or fix since v0.1.0." in again.said, "Tag the version" in again.steps) == (True, False)
    assert [item.status for item in chain.deploy(name)] == ["success", "success"]
    assert [call[-1] for call in chain.agent.machine.arguments("kubectl") if "set" in call] == [
        f"{name}={image_of(patient, name)}"
    ] * 2

    assert chain.verify(name).code == 0

    faults.add("woodpecker", "POST", PIPELINES, 3, Status(503))
    down = chain.build(name)
    assert (down.conclusion, down.jobs["Tag, build and push"], down.jobs["Deploy"]) == ("failure", "success", "failure")
    assert "::error::Woodpecker started no pipeline" in down.said
    assert chain.deploy(name) == []
    completed = chain.verify(name)
    assert completed.code == 7
    assert "failure in Deploy" in summary(completed, "ci.run")

    chain.push(name, {"site/index.html": BROKEN_PAGE}, "fix: the page")
    broken = chain.build(name)
    assert (broken.conclusion, broken.jobs["Test"], broken.jobs["Deploy"]) == ("failure", "failure", "skipped")
    assert "</body> where </p> was expected" in broken.said
    assert chain.deploy(name) == []
    said = [json.loads(completed.body)["text"] for completed in chain.slack.requests]
    assert [(f"runs/{run.id}" in text) for run, text in zip((down, broken), said, strict=True)] == [True, True]
