"""What newservice picks itself is free, is recorded, and stays: in files, on branches, with any template."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.base.errors import AnswersError
from generator.clients.git import write_files
from generator.engine.connections import open_run
from generator.engine.onboarding import course, observe
from generator.engine.project import InfraState, Project
from generator.engine.recorded import read_recorded
from generator.engine.steps import steps_between
from generator.infra_repo.trees import Folder
from generator.platform.profile import load_platform
from generator.template.answers import resolve
from generator.template.questions import load_questions
from generator.template.template import Template
from tests.answers import QUESTIONS, TEMPLATE, UPSTREAM
from tests.checkout import commit_all
from tests.invoke import Desk
from tests.world import World

CACHED: dict[str, Any] = {**UPSTREAM, "redis": True}
OTHER = 'locals {\n  url = "redis://${var.redis_host}:6379/%d"\n}\n'


# --- files only --------------------------------------------------------------------------------------------


def take(infra: Path, *indexes: int) -> None:
    folder = infra / "stacks" / "other"
    folder.mkdir(exist_ok=True)
    (folder / "main.tf").write_text("".join(OTHER % index for index in indexes))


def recorded(desk: Desk) -> dict[str, Any]:
    return dict(read_recorded(Folder(desk.infra), "stacks/reader/").document)


def test_a_free_index_is_picked_recorded_and_kept(desk: Desk) -> None:
    take(desk.infra, 0, 1, 3)
    assert desk.create(CACHED).code == 0
    assert recorded(desk)["redis_index"] == 2
    assert ":6379/2" in (desk.infra / "stacks" / "reader" / "deployment.tf").read_text()
    commit_all(desk.infra, "feat: the stack")
    take(desk.infra, 2)
    assert desk.create(CACHED).result["status"] == "unchanged"


def test_a_share_that_is_not_free_is_refused_before_anything_is_written(desk: Desk) -> None:
    folder = desk.infra / "stacks" / "other"
    folder.mkdir()
    limits = 'limits = { "viktorbarzin.me/gpumem" = "%d" }'
    (folder / "main.tf").write_text('resource "kubernetes_deployment" "other" {\n  %s\n}\n' % (limits % 9000))
    on_gpu: dict[str, Any] = {**UPSTREAM, "tier": "gpu", "gpu": True}
    refused = desk.create({**on_gpu, "gpu_memory": 5001})
    (error,) = refused.of("error")
    assert (refused.code, error["code"], error["question"]) == (2, "answer.taken", "gpu_memory")
    assert "and 5000 of 14000 are free; others have 9000 in resource.kubernetes_deployment.other" in error["message"]
    assert not (desk.infra / "stacks" / "reader").exists()
    assert desk.create({**on_gpu, "gpu_memory": 5000}).code == 0
    commit_all(desk.infra, "feat: the stack")
    assert desk.create({**on_gpu, "gpu_memory": 5000}).result["status"] == "unchanged", "its own share is its own"


def test_a_plan_picks_what_create_writes(desk: Desk) -> None:
    take(desk.infra, 0)
    planned = desk.create(CACHED, command="plan").of("plan")[0]
    assert desk.create(CACHED).of("plan")[0]["digest"] == planned["digest"]
    shutil.rmtree(desk.infra / "stacks" / "reader")
    take(desk.infra, 0, 1)
    assert desk.create(CACHED, command="plan").of("plan")[0]["digest"] != planned["digest"]


def test_an_index_that_was_given_is_checked_and_not_picked(desk: Desk) -> None:
    take(desk.infra, 5)
    completed = desk.create({**CACHED, "redis": 5})
    assert completed.code == 2
    (error,) = completed.of("error")
    assert (error["code"], error["question"]) == ("answer.taken", "redis")
    assert "stacks/other/main.tf" in error["message"]
    assert "such as 0" in error["hint"]
    assert desk.create({**CACHED, "redis": 6}).code == 0
    assert "redis_index" not in recorded(desk)


def test_no_free_index_is_reported_before_anything_is_written(desk: Desk) -> None:
    take(desk.infra, *range(16))
    before = desk.changed()
    completed = desk.create(CACHED)
    assert completed.code == 2
    (error,) = completed.of("error")
    assert (error["code"], error["question"]) == ("answer.taken", "redis")
    assert desk.changed() == before
    assert desk.create({**CACHED, "redis": False}).code == 0


# --- with a forge ------------------------------------------------------------------------------------------


def hold(world: World, branch: str, *indexes: int) -> None:
    """Another stack on a branch of the infra repository has these indexes."""
    infra = world.sandbox.forgejo.repository("viktor/infra")
    kept = {
        entry.path: infra.bare.file(branch, entry.path) or b"" for entry in infra.bare.entries(branch, recursive=True)
    }
    text = "".join(OTHER % index for index in indexes).encode()
    infra.bare.commit_files(branch, {**kept, "stacks/other/main.tf": text}, "other", 1_790_000_000)


def on_branch(world: World, name: str) -> Any:
    infra = world.sandbox.forgejo.repository("viktor/infra")
    content = infra.bare.file(f"newservice/{name}", f"stacks/{name}/.copier-answers.yml")
    return yaml.safe_load(content or b"")["redis_index"]


def commit_step(world: World, command: str, given: dict[str, Any]) -> str:
    (plan,) = world.run(command, given).of("plan")
    return str(next(step["summary"] for step in plan["steps"] if step["id"] == "infra.commit"))


def test_stacks_that_wait_for_review_have_their_indexes(world: World) -> None:
    hold(world, "master", 0)
    assert world.run("create", CACHED).code == 0
    second = {**CACHED, "name": "writer"}
    assert commit_step(world, "plan", second).endswith("redis_index 2")
    assert world.run("create", second).code == 0
    assert [on_branch(world, name) for name in ("reader", "writer")] == [1, 2]
    for given in (CACHED, second):
        assert world.run("create", given).result["status"] == "unchanged"
        assert world.command("status", given["name"]).result["status"] == "unchanged"


def test_an_index_that_is_taken_between_plan_and_commit_is_replaced(world: World) -> None:
    """A pick is newservice's own: nothing hangs on it before the commit that holds it."""
    platform = load_platform(TEMPLATE.platform, world.sandbox.profile)
    wanted = Project(
        TEMPLATE, platform, resolve(TEMPLATE, QUESTIONS, CACHED, {"platform": platform.facts}), world.folder / "reader"
    )
    with open_run(wanted, world.sandbox.infra, environ=world.sandbox.environment) as run:
        steps = steps_between(None, wanted.answers).wanted
        assert observe(steps, run).steps[0].decision.summary.endswith("redis_index 0")
        hold(world, "master", 0, 1)
        outcome = course(steps, run).execute(lambda _: None)
    assert outcome.failure is None
    assert on_branch(world, "reader") == 2


def test_an_index_of_a_waiting_stack_that_another_took_is_reported(world: World) -> None:
    assert world.run("create", CACHED).code == 0
    hold(world, "master", 0)
    completed = world.run("create", CACHED)
    assert completed.code == 2
    (error,) = completed.of("error")
    assert (error["code"], error["question"]) == ("answer.taken", "redis")
    assert error["hint"] == "choose another Redis index, such as 1, which is free"


# --- a template of one's own: a new allocation needs no Python ---------------------------------------------

CONFIG = """
_subdirectory: templates/[[ layer ]]
_answers_file: .copier-answers.yml
_templates_suffix: .jinja
_envops: {block_start_string: "[%", block_end_string: "%]", variable_start_string: "[[", variable_end_string: "]]",
  keep_trailing_newline: true}
template_version: {type: str, when: false, default: 1.0.0}
layer: {type: str, internal: true, choices: [service, stack], default: service}
platform: {type: json, internal: true, when: false, default: {}}
name: {type: str}
image_source: {type: str, default: upstream}
listener: {type: bool, default: true}
listener_port:
  type: int
  internal: true
  default: 0
  when: "[[ layer == 'stack' and listener ]]"
"""
ALLOCATIONS = """
- what: port of the load balancer
  question: listener
  when: "[[ listener ]]"
  value: ""
  fact: listener_port
  among: "[4000, 4001, 4002]"
  near: [balancer]
  places:
    - {block: resource.balancer.*, settings: [port]}
"""
STACK = 'resource "balancer" "own" {\n  port = "[[ listener_port ]]"\n}\n'
RECORD = "[[ dict(_copier_answers, _src_path='') | to_nice_yaml ]]"
BALANCER = 'resource "balancer" "theirs" {\n  port = "%d"\n}\n'


@pytest.fixture
def own(tmp_path: Path) -> Template:
    """A template with one made-up allocation."""
    root = tmp_path / "template"
    files = {
        "copier.yml": CONFIG,
        "templates/shapes.yml": "{}",
        "templates/apply.yml": "[]",
        "templates/allocations.yml": ALLOCATIONS,
        "templates/stack/main.tf.jinja": STACK,
        "templates/stack/[[ _copier_conf.answers_file ]].jinja": RECORD,
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / "templates" / "registrations").mkdir()
    return Template(root)


def state_of(template: Template, infra: Path, **given: Any) -> InfraState:
    """The stack's state in a folder, as a run for files only looks at it."""
    answers = resolve(template, load_questions(template), {"name": "reader", **given})
    wanted = Project(template, load_platform(TEMPLATE.platform, environ={}), answers, Path("nowhere"))
    return wanted.infra_state(Folder(infra), lambda: wanted.survey(Folder(infra)))


def balance(infra: Path, *ports: int) -> None:
    folder = infra / "stacks" / "other"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.tf").write_text("".join(BALANCER % port for port in ports))


def test_a_made_up_allocation_is_picked_rendered_and_recorded(own: Template, tmp_path: Path) -> None:
    infra = tmp_path / "infra"
    balance(infra, 4000)
    state = state_of(own, infra)
    assert state.facts == {"listener_port": 4001}
    texts = {change.path: change.content.decode() for change in state.files}
    assert texts["stacks/reader/main.tf"] == STACK.replace("[[ listener_port ]]", "4001")
    assert yaml.safe_load(texts["stacks/reader/.copier-answers.yml"])["listener_port"] == 4001
    write_files(infra, [change.after for change in state.files if change.after])
    balance(infra, 4001)
    again = state_of(own, infra)
    assert again.facts == {"listener_port": 4001}
    assert again.complete
    assert again.edited == 0


def test_a_made_up_allocation_runs_out(own: Template, tmp_path: Path) -> None:
    balance(tmp_path, 4000, 4001)
    assert state_of(own, tmp_path).facts == {"listener_port": 4002}
    balance(tmp_path, 4002, 4001, 4000)
    with pytest.raises(AnswersError) as caught:
        state_of(own, tmp_path)
    assert "each port of the load balancer of the platform's 3" in caught.value.problems[0].message
    assert state_of(own, tmp_path, listener=False).facts == {}
