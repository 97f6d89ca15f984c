"""``change --checkout``: a clone that is switched to the change's branch, and never loses anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.sandbox.repositories import BareRepository
from tests.answers import RICH
from tests.change.forge import PREFIX, change, waiting
from tests.checkout import commit_all, git
from tests.full import few
from tests.world import World

NAME = RICH["name"]
BRANCH = f"{PREFIX}{NAME}"


@pytest.fixture
def merged(world: World) -> World:
    """A world in which the service's stack is merged."""
    world.have(RICH)
    world.merge(NAME)
    return world


def clone(world: World, bare: BareRepository, name: str) -> Path:
    """A clone as a person has it, with the forge's address."""
    place = world.folder / f"clone-of-{name}"
    git(world.folder, "clone", "--quiet", str(bare.path), str(place))
    git(place, "remote", "set-url", "origin", world.platform.forgejo.clone_url(name))
    return place


def branch(place: Path) -> str:
    return git(place, "branch", "--show-current").strip()


def test_clones_follow_and_go_on(merged: World) -> None:
    """Both repositories change; the next commit of the same change moves the branch on."""
    infra = clone(merged, merged.infra.bare, "infra")
    service = clone(merged, merged.canonical(NAME).bare, NAME)
    both = ("--checkout", str(infra), "--checkout", str(service))

    done = change(merged, NAME, "--port", "9000", *both)
    assert done.code == 0, done
    assert set(done.result["urls"]) == {"pull_request", "service_pull_request"}
    for place, found in ((infra, merged.infra), (service, merged.canonical(NAME))):
        assert branch(place) == BRANCH
        assert git(place, "rev-parse", "HEAD").strip() == found.bare.heads()[BRANCH]
        assert git(place, "status", "--porcelain") == ""

    assert change(merged, NAME, "--memory", "512Mi", *both).code == 0
    assert git(infra, "rev-parse", "HEAD").strip() == merged.infra.bare.heads()[BRANCH]
    assert "512Mi" in (infra / f"stacks/{NAME}/deployment.tf").read_text()


def test_a_repository_that_does_not_change_stays(merged: World) -> None:
    service = clone(merged, merged.canonical(NAME).bare, NAME)
    before = branch(service)
    assert change(merged, NAME, "--memory", "512Mi", "--checkout", str(service)).code == 0
    assert (branch(service), waiting(merged, NAME)) == (before, ["infra"])


def test_without_the_flag_no_clone_is_touched(merged: World) -> None:
    before = branch(merged.sandbox.infra)
    assert change(merged, NAME, "--memory", "512Mi").code == 0
    assert branch(merged.sandbox.infra) == before


@pytest.mark.parametrize("why", few(3, ["changed", "not pushed", "none", "new file", "detached", "other"]))
def test_nothing_local_is_at_risk(merged: World, why: str) -> None:
    """It is refused before the first write, and the clone stays as it is."""
    infra = clone(merged, merged.infra.bare, "infra")
    if why == "changed":
        (infra / "README.md").write_text("in the middle of something\n")
    elif why == "new file":
        (infra / "notes.txt").write_text("mine\n")
    elif why == "detached":
        git(infra, "checkout", "--quiet", "--detach")
    elif why == "not pushed":
        git(infra, "checkout", "--quiet", "-b", BRANCH)
        (infra / "README.md").write_text("mine\n")
        commit_all(infra, "mine")
        git(infra, "checkout", "--quiet", merged.base)
    elif why == "other":
        git(infra, "remote", "set-url", "origin", "https://elsewhere.test/viktor/something.git")
    else:
        infra = merged.folder
    before = None if why == "none" else git(infra, "for-each-ref") + git(infra, "status", "--porcelain", "--branch")

    done = change(merged, NAME, "--memory", "512Mi", "--checkout", str(infra))
    assert (done.code, done.of("error")[0]["code"]) == (4, "change.checkout"), done
    assert waiting(merged, NAME) == []
    if before is not None:
        assert git(infra, "for-each-ref") + git(infra, "status", "--porcelain", "--branch") == before
