"""The generated pipeline as Woodpecker runs it: what is substituted when, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.sandbox import Sandbox
from generator.sandbox.woodpecker.state import Repository
from tests.chain.deploy import Agent, Deployment, UnsupportedError, steps, substitute

GOLDEN = Path(__file__).parent.parent / "golden" / "rich" / "service" / ".woodpecker" / "deploy.yml"
VARIABLES = {"IMAGE_NAME": "ghcr.io/viktorbarzin/city-guide", "IMAGE_TAG": "0123abcd"}
NAME = "ViktorBarzin/demo"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A platform whose mirror holds the generated pipeline."""
    with Sandbox.start(tmp_path_factory.mktemp("platform") / "sandbox") as started:
        mirror = started.github.create_repository(
            *NAME.split("/"), files={".woodpecker/deploy.yml": GOLDEN.read_text()}
        )
        row = Repository(1, str(mirror.id), NAME, True, mirror.default_branch)
        started.woodpecker.repositories[1] = row
        yield started


def run(
    sandbox: Sandbox, folder: Path, variables: dict[str, str], fails: str = ""
) -> tuple[Deployment, list[list[str]]]:
    """A pipeline with these variables, and the calls of kubectl that change something or wait."""
    sha = sandbox.github.repository(NAME).bare.heads()["main"]
    sandbox.woodpecker.record_pipeline(NAME, variables, status="pending", sha=sha)
    agent = Agent(sandbox, folder)
    agent.fails = fails
    [deployment] = agent.work(NAME)
    return deployment, [call for call in agent.machine.arguments("kubectl") if "get" not in call]


def test_variables_reach_kubectl(sandbox: Sandbox, tmp_path: Path) -> None:
    deployment, calls = run(sandbox, tmp_path / "agent", VARIABLES)
    assert deployment.status == "success"
    assert [f"{VARIABLES['IMAGE_NAME']}:0123abcd" in call[-1] for call in calls] == [True, False]
    pipeline = sandbox.woodpecker.repository(NAME).pipelines[-1]
    assert (pipeline["status"], pipeline["workflows"][0]["state"]) == ("success", "success")


@pytest.mark.parametrize("lacking", VARIABLES)
@pytest.mark.parametrize("how", ["empty", "missing"])
def test_nothing_is_deployed_without_an_image(sandbox: Sandbox, tmp_path: Path, lacking: str, how: str) -> None:
    given = {**VARIABLES, lacking: ""}
    variables = {name: value for name, value in given.items() if value or how == "empty"}
    deployment, calls = run(sandbox, tmp_path / "agent", variables)
    assert (deployment.status, calls) == ("failure", [])
    assert f"{lacking} is empty" in deployment.said
    assert sandbox.woodpecker.repository(NAME).pipelines[-1]["status"] == "failure"


def test_a_hostile_tag_stays_one_argument(sandbox: Sandbox, tmp_path: Path) -> None:
    deployment, calls = run(sandbox, tmp_path / "agent", {**VARIABLES, "IMAGE_TAG": "a$(id);`id`'\"&&exit"})
    assert deployment.status == "success"
    assert calls[0][-1].endswith(":a$(id);`id`'\"&&exit")


def test_the_first_failure_ends_it(sandbox: Sandbox, tmp_path: Path) -> None:
    deployment, calls = run(sandbox, tmp_path / "agent", VARIABLES, fails="set image")
    assert (deployment.status, len(calls)) == ("failure", 1)


def test_only_by_hand() -> None:
    text = GOLDEN.read_text()
    assert [step["name"] for step in steps(text, "manual")] == ["deploy"]
    for event in ("push", "tag", "pull_request", "cron"):
        assert steps(text, event) == []


def test_braces_are_filled_in_before_the_shell_runs() -> None:
    known = {"CI_REPO": "a/b"}
    assert substitute("$NAME ${CI_REPO} ${NAME} $${NAME} $$NAME", known) == "$NAME a/b  ${NAME} $NAME"
    with pytest.raises(UnsupportedError):
        substitute("${NAME:-none}", known)


def test_what_the_agent_does_not_do_is_refused() -> None:
    with pytest.raises(UnsupportedError):
        steps("when: [{event: manual}]\nskip_clone: true\nsteps: [{name: a, image: b, settings: {}}]", "manual")
