"""An infra repository that is too old for the template: refused with the argument, before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from generator.infra_repo.modules import outdated
from generator.infra_repo.trees import Nothing
from generator.template.files import File
from tests.answers import SMALLEST, UPSTREAM
from tests.change.forge import change
from tests.checkout import commit_all
from tests.invoke import Command, Desk
from tests.test_real_infra import CHECKOUT, OUTDATED
from tests.world import World, elsewhere

MODULE = "modules/kubernetes/ingress_factory/main.tf"
WHY = "modules/kubernetes/ingress_factory has no variable dns_type (module ingress)"


def older(text: str) -> str:
    """The module before it had this variable."""
    start = text.index('variable "dns_type"')
    return text[:start] + text[text.index("\n}\n", start) + 3 :]


def age(world: World, path: str = MODULE) -> None:
    text = (world.infra.bare.file(world.base, path) or b"").decode()
    world.infra.bare.commit_files(world.base, {path: older(text).encode()}, "revert: an older module", 1_790_000_000)


def test_a_plan_and_a_creation_name_the_argument_and_write_nothing(world: World) -> None:
    age(world)
    for command in ("plan", "create"):
        world.sandbox.journal.clear()
        completed = world.run(command, UPSTREAM)
        assert completed.code == 4, completed.out
        (error,) = completed.of("error")
        assert error["code"] == "infra.outdated"
        assert WHY in error["message"]
        assert "update the infra repository" in error["hint"]
        assert "--template" in error["hint"]
        assert world.sandbox.journal.writes() == []


def test_a_value_that_the_older_module_refuses_is_named(world: World) -> None:
    """Its validation would stop the merge's pipeline."""
    text = (world.infra.bare.file(world.base, MODULE) or b"").decode()
    assert '"internal", "none"' in text
    older_text = text.replace('"internal", "none"', '"none"').encode()
    world.infra.bare.commit_files(world.base, {MODULE: older_text}, "revert: an older module", 1_790_000_000)
    (error,) = world.run("plan", {**UPSTREAM, "dns": "internal"}).of("error")
    assert error["code"] == "infra.outdated"
    assert 'ingress_factory has no "internal" for dns_type (module ingress)' in error["message"]
    assert world.run("plan", UPSTREAM).code == 0


@elsewhere
def test_a_platforms_own_module_is_named(world: World) -> None:
    age(world, "library/web/main.tf")
    (error,) = world.run("plan", UPSTREAM).of("error")
    assert "library/web has no variable dns_type" in error["message"]


def test_what_an_older_module_is_not_given_is_no_matter(world: World) -> None:
    age(world)
    assert world.run("create", {**UPSTREAM, "kind": "worker"}).code == 0


def test_a_change_that_needs_a_newer_module_is_refused(world: World) -> None:
    worker = {**UPSTREAM, "kind": "worker", "port": 8080}
    assert world.run("create", worker).code == 0
    world.merge("reader")
    age(world)
    world.sandbox.journal.clear()
    completed = change(world, "reader", "--kind", "web")
    assert completed.code == 4, completed.out
    assert completed.of("error")[0]["code"] == "infra.outdated"
    assert world.sandbox.journal.writes() == []


def test_a_change_of_what_the_stack_gives_already_is_not(world: World) -> None:
    world.have(UPSTREAM)
    world.merge("reader")
    age(world)
    completed = change(world, "reader", "--memory", "300Mi")
    assert completed.code == 0, completed.out


def test_files_alone_are_refused_too(desk: Desk) -> None:
    path = desk.infra / MODULE
    path.write_text(older(path.read_text()))
    commit_all(desk.infra, "revert: an older module")
    before = desk.snapshot()
    completed = desk.create(SMALLEST)
    assert completed.code == 4
    (error,) = completed.of("error")
    assert error["code"] == "infra.outdated"
    assert WHY in error["message"]
    assert desk.snapshot() == before


@pytest.mark.skipif(
    not OUTDATED, reason="NEWSERVICE_INFRA_CHECKOUT names no commit of the infra repository from before"
)
def test_a_real_commit_from_before_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers = tmp_path / "answers.yml"
    answers.write_text(yaml.safe_dump(SMALLEST), encoding="utf-8")
    places = ("--infra", CHECKOUT, "--service-dir", tmp_path / "service")
    completed = Command(capsys)("create", "--answers", answers, *places, "--no-provision", "--json")
    assert completed.code == 4
    (error,) = completed.of("error")
    assert error["code"] == "infra.outdated"
    assert "ingress_factory has no variable allowed_groups (module ingress)" in error["message"]
    assert not (tmp_path / "service").exists()


def test_a_tree_that_can_not_be_listed_is_no_reason() -> None:
    call = File("main.tf", b'module "a" {\n  source = "../../modules/a"\n  b      = 1\n}\n')
    assert outdated([call], Nothing(), "stacks/a/", "3.0.0") == ""
