"""``newservice rehearse``, and rehearsals in plans, on the embedded platform's infra repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from generator.base.errors import ExitCode
from tests.world import Completed, World

from .stacks import golden

BOARD = {"name": "board", "title": "Board", "description": "Notes on a board.", "language": "go"}


@pytest.fixture(autouse=True)
def _rehearsing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEWSERVICE_REHEARSAL")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of the sandbox's infra repository with the golden stack ``rich``, committed."""
    folder, tree = tmp_path / "infra", golden("rich")
    for path, content in tree.content.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    for command in (["init", "-q"], ["add", "-A"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def edit(checkout: Path, old: str, new: str) -> None:
    file = checkout / "stacks" / "rich" / "deployment.tf"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def rehearse(world: World, *arguments: str) -> Completed:
    places = ("--platform", str(world.sandbox.profile), "--infra", str(world.sandbox.infra))
    return world.tell(["rehearse", *arguments, *places, "--json"])


def test_nothing_is_edited(world: World, checkout: Path) -> None:
    done = rehearse(world, f"{checkout}/stacks")
    assert (done.result["status"], done.of("rehearsal")) == ("unchanged", [])


def test_what_is_edited_is_rehearsed(world: World, checkout: Path) -> None:
    edit(checkout, "replicas = 1", "replicas = 2")
    (event,) = rehearse(world, f"{checkout}/").of("rehearsal")
    assert event["stack"] == "stacks/rich"
    (change,) = event["changes"]
    assert (change["action"], change["attributes"]) == (
        "update",
        [{"path": "spec.replicas", "before": '"1"', "after": '"2"'}],
    )


def test_a_replacement_fails_where_that_is_asked_for(world: World, checkout: Path) -> None:
    edit(checkout, "match_labels = local.labels", 'match_labels = { another = "label" }')
    assert rehearse(world, f"{checkout}/stacks/rich").code == ExitCode.OK
    assert rehearse(world, f"{checkout}/stacks/rich", "--fail-on", "replace").code == ExitCode.FINDINGS


def test_what_terraform_refuses_is_found(world: World, checkout: Path) -> None:
    edit(checkout, "replicas = 1", "replica = 1")
    done = rehearse(world, f"{checkout}/stacks/rich")
    (event,) = done.of("rehearsal")
    assert (done.code, event["side"]) == (ExitCode.FINDINGS, "after")
    assert "stacks/rich/deployment.tf" in event["refused"][0]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["/nowhere/"], "rehearsal.checkout"),
        (["notes", "--all"], "rehearsal.path"),
        (["unheard-of"], "rehearsal.nothing"),
    ],
)
def test_what_is_wrong_is_refused(world: World, arguments: list[str], code: str) -> None:
    done = rehearse(world, *arguments)
    assert (done.code, [event["code"] for event in done.of("error")]) == (ExitCode.USAGE, [code])


def test_a_plan_and_an_open_pull_request_say_what_terraform_would_do(world: World) -> None:
    planned = world.run("plan", BOARD)
    assert {change["action"] for event in planned.of("rehearsal") for change in event["changes"]} == {"create"}
    assert world.run("create", BOARD).code == ExitCode.OK
    (event,) = rehearse(world, "board").of("rehearsal")
    assert event["stack"] == "stacks/board"
    assert planned.of("rehearsal")[0]["changes"] == event["changes"]
