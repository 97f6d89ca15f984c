"""What surrounds the merge of a stack: the checklist by phase, its pipeline, and the deploy that came too early."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from generator.base.checks import Check, CheckState
from generator.cli import verify as command
from generator.cli.json_lines import JsonReporter
from generator.cli.session import Session
from generator.clients.forgejo import PullRequest
from generator.clients.woodpecker import Pipeline, Registration
from generator.engine.applied import MergeFacts, judge_merge
from generator.engine.checklist import Checklist, Task, after_removal, checklist
from generator.lifecycle.verify import Look, Rhythm, follow, look
from generator.platform.profile import InfraRepository, MergePipeline
from tests.world import Completed, World, elsewhere

NAME = "board"
BOARD = {
    "name": NAME,
    "title": "Board",
    "description": "Notes on a board.",
    "database": "postgres",
    "secrets": {"API_TOKEN": "api_token"},
    "volumes": [{"name": "media", "kind": "nfs", "mount": "/media"}],
}
TAKEN = (
    f"git fetch origin && git switch newservice/{NAME} && git merge --ff-only origin/newservice/{NAME} "
    "&& git merge --no-edit origin/master"
)
OK, WAITING, FAILED, UNKNOWN, SKIPPED = CheckState


def of_phase(completed: Completed, phase: str) -> list[tuple[str, str]]:
    return [(task["do"].partition(":")[0], task.get("run", "")) for task in completed.result["checklist"][phase]]


# --- the lists ----------------------------------------------------------------------------------------------------


def test_what_must_exist_first_comes_before_the_merge_with_its_commands(world: World) -> None:
    """In the order in which no run fails: folder, image, role in the database, role in Vault, its state."""
    completed = world.run("create", BOARD)
    assert completed.code == 0, completed.out
    assert of_phase(completed, "before") == [
        (f"look at secret/{NAME} in Vault", f"vault kv patch secret/{NAME} api_token=-"),
        (
            f"make /srv/nfs/{NAME}/media on the file server",
            f"ssh root@192.168.1.127 'install -d -o 10001 -g 10001 -m 0755 /srv/nfs/{NAME}/media'",
        ),
        ("wait until image.tags is ok, so until the first build has pushed the image", f"newservice verify {NAME}"),
        (
            "take the branch, with what was merged meanwhile, in the main checkout of the infra repository",
            TAKEN,
        ),
        (
            "apply dbaas by hand from the branch, although the merge's pipeline applies it too",
            f"(cd stacks/dbaas && ../../scripts/tg apply -target=module.dbaas.null_resource.pg_{NAME}_db)",
        ),
        (
            "apply vault by hand from the branch",
            f"(cd stacks/vault && ../../scripts/tg apply -target=vault_database_secret_backend_static_role.pg_{NAME})",
        ),
        (
            "push the branch with what was committed there, the encrypted state of dbaas and vault among it",
            f"git push origin newservice/{NAME} && git switch master",
        ),
    ]
    assert completed.result["checklist"]["pipeline"] == ["dbaas", "kyverno", NAME]
    assert of_phase(completed, "after")[0][1] == f"newservice create {NAME}"
    (plan,) = completed.of("plan")
    assert plan["checklist"] == completed.result["checklist"]


def test_the_addresses_are_those_of_the_entries(world: World) -> None:
    """What the commands name is what the commit adds."""
    world.have(BOARD)
    branch = f"newservice/{NAME}"
    (first, second) = [line for line in body(world).splitlines() if "tg apply" in line]
    role = re.search(r"-target=(\w+)\.(\w+)\)", second)
    database = re.search(r"-target=module\.dbaas\.(\w+)\.(\w+)\)", first)
    assert role
    assert database
    vault = (world.infra.bare.file(branch, "stacks/vault/main.tf") or b"").decode()
    dbaas = (world.infra.bare.file(branch, "stacks/dbaas/modules/dbaas/main.tf") or b"").decode()
    assert f'resource "{role[1]}" "{role[2]}"' in vault
    assert f'resource "{database[1]}" "{database[2]}"' in dbaas
    assert 'module "dbaas"' in (world.infra.bare.file(branch, "stacks/dbaas/main.tf") or b"").decode()


def body(world: World) -> str:
    (pull,) = [item for item in world.infra.pulls.values() if item.head == f"newservice/{NAME}"]
    return pull.body


def test_the_pull_request_and_the_plan_have_the_same_phases(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [word for word in world.arguments("plan", BOARD) if word != "--json"]
    text = world.tell(arguments).out
    order = ["Before the merge, by hand", "scripts/tg apply", "The merge\n", "dbaas, kyverno, board", "After the merge"]
    assert sorted(order, key=text.index) == order
    world.run("create", BOARD)
    shown = body(world)
    order = ["**Before the merge**", "```sh\n  ssh root@", "dbaas, kyverno, board", "After the merge, in this order"]
    assert sorted(order, key=shown.index) == order


@pytest.mark.parametrize("command", [("change", NAME, "--yes", "--title", "Boards"), ("remove", NAME, "--yes")])
def test_no_text_of_a_pull_request_has_the_word_that_skips_the_pipeline(world: World, command: tuple[str, ...]) -> None:
    """A forge takes the text into the message of a merge in one commit, and nothing would be applied."""
    created, pipeline = world.run("create", BOARD), world.platform.infra.pipeline
    assert pipeline
    assert any(pipeline.skip in line for line in created.result["next"])
    world.merge_request(NAME)
    completed = world.command(*command)
    assert completed.code == 0, completed.out
    bodies = [pull.body for pull in world.infra.pulls.values()]
    assert [("pipeline applies" in text, "skip" in text) for text in bodies] == [(True, False)] * 2


def test_the_database_of_mysql_is_applied_alone_as_well(world: World) -> None:
    world.run("create", {**BOARD, "database": "mysql"})
    (first, _) = [line for line in body(world).splitlines() if "tg apply" in line]
    address = re.search(r"-target=module\.dbaas\.(\w+)\.(\w+)\)", first)
    assert address
    dbaas = (world.infra.bare.file(f"newservice/{NAME}", "stacks/dbaas/modules/dbaas/main.tf") or b"").decode()
    assert f'resource "{address[1]}" "{address[2]}"' in dbaas


@pytest.mark.parametrize("more", [{"replicas": 0}, {"scale_to_zero": "dynamic"}])
def test_a_stack_without_pods_waits_for_no_image(world: World, more: dict[str, Any]) -> None:
    completed = world.run("plan", {**BOARD, **more})
    (plan,) = completed.of("plan")
    assert not any(task["do"].startswith("wait until image.tags") for task in plan["checklist"]["before"])
    assert any("open the site" in task["do"] for task in plan["checklist"]["after"]) == ("replicas" not in more)


def test_who_only_applied_a_secret_goes_back_and_pushes_nothing(world: World) -> None:
    widget = {"type": "notes", "url": "https://board.example", "credentials": {"key": "api_token"}}
    alone = {key: value for key, value in BOARD.items() if key != "database"}
    (plan,) = world.run("plan", {**alone, "homepage": {"widget": widget}}).of("plan")
    runs = [task.get("run", "") for task in plan["checklist"]["before"]]
    assert runs[-3:] == [
        TAKEN,
        f"(cd stacks/{NAME} && ../../scripts/tg apply -target=kubernetes_manifest.external_secret)",
        "git switch master",
    ]


def test_a_folder_that_exists_is_looked_at(world: World) -> None:
    volumes = [{"name": "media", "kind": "nfs", "mount": "/media", "nfs_path": "/srv/nfs/shared"}]
    (plan,) = world.run("plan", {**BOARD, "volumes": volumes}).of("plan")
    (folder,) = [task for task in plan["checklist"]["before"] if "file server" in task["do"]]
    assert folder["do"].startswith("look at /srv/nfs/shared")
    assert folder["run"].endswith("'ls -ldn /srv/nfs/shared'")


@elsewhere
def test_a_platform_whose_merges_apply_nothing_has_all_of_it_afterwards(world: World) -> None:
    completed = world.run("create", BOARD)
    assert completed.code == 0, completed.out
    merging = completed.result["checklist"]
    assert (merging["before"], merging["pipeline"]) == ([], [])
    lines = [line for line, _ in of_phase(completed, "after")]
    applied = [line for line in lines if line.startswith("apply")]
    assert applied[:2] == ["apply dbaas (tier 0, by hand)", "apply vault (tier 0, by hand)"]
    assert applied[-1] == f"apply the stack {NAME}, its ExternalSecrets first"
    assert completed.result["next"][0] == "review and merge the pull request in the infra repository"
    assert "Before the merge" not in body(world)
    runs = [run for _, run in of_phase(completed, "after") if run]
    assert [run for run in runs if "ssh" in run or "tg" in run] == []
    assert f"mkdir -p /export/{NAME}-media" in runs  # its file server gives folders their owners


def test_a_change_has_only_what_it_needs(world: World) -> None:
    """A database that is added: its role by hand again, no folder, no image."""
    answers = {key: value for key, value in BOARD.items() if key != "database"}
    world.run("create", answers)
    world.merge_request(NAME)
    changed = world.command("change", NAME, "--yes", "--db", "postgres")
    assert changed.code == 0, changed.out
    runs = [run for _, run in of_phase(changed, "before")]
    assert [f"newservice-change/{NAME}" in run for run in runs] == [True, False, False, True]
    assert [run for run in runs if "tg apply" in run] == runs[1:3]
    assert changed.result["checklist"]["pipeline"] == ["dbaas", NAME]
    (plan,) = changed.of("plan")
    assert plan["checklist"] == changed.result["checklist"]
    following = changed.result["next"]
    assert [line.startswith("review and merge") for line in following].index(True) == len(runs)


def test_a_state_that_people_commit_on_the_branch_disturbs_nothing(world: World) -> None:
    world.have(BOARD)
    state = {"state/stacks/dbaas/terraform.tfstate.enc": "ciphertext"}
    world.infra.bare.commit_files(f"newservice/{NAME}", state, "state(dbaas): update encrypted state", 1_800_000_000)
    again = world.run("create", BOARD)
    assert (again.code, again.result["status"]) == (0, "unchanged")


INFRA = InfraRepository(
    "infra", "main", "stacks", "(cd <stack> && tg<targets>)", MergePipeline(["b", "a"], ["v"], "[no]")
)
SHARED = [
    Task(20, "apply b", stack="b", targets=("x.y",)),
    Task(30, "apply v", stack="v"),
    Task(40, "apply a", stack="a"),
    Task(41, "apply elsewhere"),
]
OWN = [Task(50, "make a folder"), Task(55, "apply the stack s", stack="s"), Task(70, "look")]


def test_what_a_stack_that_merging_never_applies_builds_on_comes_first() -> None:
    found = checklist(INFRA, OWN, SHARED)
    assert [(task.line.partition(" by")[0], task.command) for task in found.before] == [
        ("apply b", "(cd stacks/b && tg -target=x.y)"),
        ("apply v", "(cd stacks/v && tg)"),
        ("make a folder", ""),
    ]
    assert found.pipeline == ("b", "a", "s")  # in the pipeline's order, the service's own last
    assert [task.line for task in found.after] == ["apply elsewhere", "look"]
    assert "[no]" in found.applied


@pytest.mark.parametrize(
    ("pipeline", "before", "after"),
    [
        (None, [], ["apply b", "apply v", "apply a", "apply elsewhere", "make a folder", "apply the stack s", "look"]),
        (MergePipeline([], [], ""), ["make a folder"], ["apply elsewhere", "look"]),
    ],
    ids=["merging applies nothing", "merging applies all"],
)
def test_other_platforms(pipeline: MergePipeline | None, before: list[str], after: list[str]) -> None:
    found = checklist(replace(INFRA, pipeline=pipeline), OWN, SHARED)
    assert [task.line for task in found.before] == before
    assert [task.line for task in found.after] == after
    assert bool(found.pipeline) is (pipeline is not None)


def test_a_removal_applies_nothing_first_and_backwards() -> None:
    found = after_removal(INFRA, SHARED)
    assert found.before == ()
    assert found.pipeline == ("b", "a")
    assert [task.line for task in found.after] == ["apply elsewhere", "apply v"]
    assert not Checklist()


# --- the merge's pipeline, judged: no system is asked ----------------------------------------------------------------

MERGED = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
FACTS = MergeFacts(
    "owner/infra",
    stacked=True,
    registration=Registration(82, "owner/infra", "1", active=True, trusted={}),
    merge=PullRequest(
        7, "closed", merged=True, head="", url="", merge_commit="0123abcd" * 5, merged_at="2026-05-04T12:00:00Z"
    ),
    run=Pipeline(3, "success", {}, (), event="push", commit="0123abcd" * 5),
    address="https://ci/repos/82/pipeline/3",
    by_hand="tg apply",
    skip="[ci skip]",
    now=MERGED.replace(minute=5),
)


def ended(status: str, **more: Any) -> MergeFacts:
    assert FACTS.run
    return replace(FACTS, run=replace(FACTS.run, status=status, **more))


@pytest.mark.parametrize(
    ("facts", "state", "words"),
    [
        (FACTS, OK, ["pipeline 3 of owner/infra", "0123abcd", FACTS.address]),
        (replace(FACTS, merges=False), SKIPPED, ["applies nothing"]),
        (replace(FACTS, stacked=False), WAITING, ["not applied yet", "not merged"]),
        (ended("running"), WAITING, ["not applied yet", "running", FACTS.address]),
        (ended("pending"), WAITING, ["not applied yet"]),
        (ended("blocked"), WAITING, ["approval"]),
        (ended("failure", steps=(("apply", "failure"),)), FAILED, ["in step apply", FACTS.address]),
        (ended("killed"), FAILED, ["killed"]),
        (replace(FACTS, registration=None), UNKNOWN, ["no registration of owner/infra"]),
        (replace(FACTS, registration=Registration(82, "owner/infra", "1", active=False, trusted={})), FAILED, ["off"]),
        (replace(FACTS, merge=None, run=None), UNKNOWN, ["no merged pull request"]),
        (replace(FACTS, run=None), WAITING, ["has started", "[ci skip]", "tg apply"]),
        (replace(FACTS, run=None, now=MERGED.replace(hour=13)), UNKNOWN, ["newest", "[ci skip]"]),
    ],
)
def test_judging_the_merge(facts: MergeFacts, state: CheckState, words: list[str]) -> None:
    check = judge_merge(facts)
    assert (check.id, check.state) == ("infra.pipeline", state)
    for word in words:
        assert word in f"{check.summary} {check.hint}", check
    assert check.well or check.hint or state is WAITING


# --- from the merge to a live service ------------------------------------------------------------------------------


@dataclass
class Board:
    """A service that was built before its stack is applied: its deploy found nothing."""

    world: World

    def __post_init__(self) -> None:
        self.world.have(BOARD)
        self.sha = self.world.canonical(NAME).bare.heads()[self.world.branch]
        self.mirror = self.world.mirror_name(NAME)
        image = f"{self.world.platform.registry.owner}/{NAME}"
        self.variables = {"IMAGE_NAME": f"{self.world.platform.registry.host}/{image}", "IMAGE_TAG": self.sha[:8]}
        self.image = image
        self.infra = f"{self.world.platform.forgejo.owner}/{self.world.platform.infra.repository}"

    def build(self, *, deploys: bool = True) -> None:
        path = f".github/workflows/build.yml@refs/heads/{self.world.branch}"
        github = self.world.sandbox.github
        github.record_run(self.mirror, self.sha, status="completed", conclusion="success", path=path)
        self.world.sandbox.registry.put_image(self.image, [self.sha[:8], "latest"])
        if deploys:
            self.world.sandbox.woodpecker.record_pipeline(self.mirror, self.variables, status="failure")

    @property
    def deploys(self) -> list[str]:
        """What has run of the deploy pipeline."""
        rows = self.world.sandbox.woodpecker.repository(self.mirror).pipelines
        assert all(row["variables"] == self.variables for row in rows)
        return [row["status"] for row in rows]

    def verify(self) -> dict[str, Any]:
        completed = self.world.command("verify", NAME)
        self.code, self.result = completed.code, completed.result
        self.checks = {check["id"]: check for check in completed.of("check")}
        return {id_: self.checks[id_]["state"] for id_ in ("infra.stack", "infra.pipeline", "deploy.pipeline")}

    def create(self) -> tuple[str, str]:
        """What ``create`` does to the deploy, and its result."""
        completed = self.world.command("create", NAME, "--yes")
        (step,) = [item for item in completed.of("step") if item["id"] == "woodpecker.deploy"]
        self.summary = step["summary"]
        return step["status"], completed.result["status"]

    @contextmanager
    def watched(self) -> Iterator[Callable[[], Look]]:
        sandbox = self.world.sandbox
        options = {"platform": str(sandbox.profile), "infra": str(sandbox.infra), "name": NAME}
        session = Session(options, JsonReporter(io.StringIO()), {**os.environ, **sandbox.environment})
        with command.opened(session, session.answers(BOARD)) as (run, registry):
            yield lambda: look(run.fresh(), registry)


def test_from_the_first_build_to_alive(world: World) -> None:
    """The deploy fails before the stack exists: that is no fault, and ``create`` starts it again later."""
    board, woodpecker = Board(world), world.sandbox.woodpecker
    board.build()
    assert board.verify() == dict.fromkeys(("infra.stack", "infra.pipeline", "deploy.pipeline"), "waiting")
    assert board.code == 7
    assert "not applied yet" in board.checks["deploy.pipeline"]["summary"]
    assert "newservice create" in board.checks["deploy.pipeline"]["hint"]
    assert board.result["next"][0].startswith("look at secret")  # nothing asks for the merge before what precedes it
    assert board.create() == ("unchanged", "unchanged")

    woodpecker.merge_status = "running"
    world.merge_request(NAME)
    assert board.verify() == {"infra.stack": "ok", "infra.pipeline": "waiting", "deploy.pipeline": "waiting"}
    address = f"{world.sandbox.urls['woodpecker']}/repos/82/pipeline/1"
    assert address in board.checks["infra.pipeline"]["summary"]
    assert board.create() == ("unchanged", "unchanged")

    woodpecker.finish(board.infra, 1, "failure")
    assert board.verify() == {"infra.stack": "ok", "infra.pipeline": "failed", "deploy.pipeline": "waiting"}
    assert address in board.checks["infra.pipeline"]["summary"]
    assert "in step" in board.checks["infra.pipeline"]["summary"]
    assert board.create() == ("unchanged", "unchanged")
    assert board.deploys == ["failure"]

    woodpecker.finish(board.infra, 1, "success")
    assert board.verify() == {"infra.stack": "ok", "infra.pipeline": "ok", "deploy.pipeline": "failed"}
    assert "newservice create" in board.checks["deploy.pipeline"]["hint"]
    assert board.create() == ("done", "success")
    assert board.deploys == ["failure", "success"]
    assert set(board.verify().values()) == {"ok"}
    assert (board.code, board.result["status"]) == (0, "success")

    world.sandbox.journal.clear()
    assert board.create() == ("unchanged", "unchanged")
    assert world.sandbox.journal.writes() == []


def test_a_deploy_that_fails_again_is_started_once_and_reported(world: World) -> None:
    board = Board(world)
    board.build()
    world.merge_request(NAME)
    world.sandbox.woodpecker.new_status = "failure"
    assert board.create() == ("done", "success")
    assert board.deploys == ["failure", "failure"]
    assert board.verify()["deploy.pipeline"] == "failed"


def test_a_deploy_that_never_ran_needs_its_image(world: World) -> None:
    board = Board(world)
    world.merge_request(NAME)
    assert board.create() == ("unchanged", "unchanged")
    assert "no image" in board.summary
    board.build(deploys=False)
    assert board.create() == ("done", "success")
    assert board.deploys == ["success"]


def test_a_deploy_under_way_is_left_alone(world: World) -> None:
    board = Board(world)
    board.build(deploys=False)
    world.merge_request(NAME)
    for status in ("running", "blocked", "success"):
        world.sandbox.woodpecker.record_pipeline(board.mirror, board.variables, status=status)
        assert board.create() == ("unchanged", "unchanged")


def test_a_registration_that_is_not_seen_is_unknown_and_no_fault(world: World) -> None:
    board = Board(world)
    board.build()
    world.merge_request(NAME)
    del world.sandbox.woodpecker.repositories[82]
    assert board.create() == ("done", "success")
    assert board.verify()["infra.pipeline"] == "unknown"
    assert (board.code, board.result["status"]) == (0, "success")


def test_a_merge_that_skips_the_pipeline_is_said(world: World) -> None:
    board = Board(world)
    board.build()
    world.merge_request(NAME, "Merge newservice/board [ci skip]")
    assert board.verify()["infra.pipeline"] == "waiting"
    assert "(cd stacks/board && ../../scripts/tg apply)" in board.checks["infra.pipeline"]["hint"]
    for pull in world.infra.pulls.values():
        pull.merged = "2026-01-02T03:04:05Z"  # long ago: nobody waits for a run any more
    assert board.verify()["infra.pipeline"] == "unknown"


def test_a_later_push_that_changes_the_stack_counts(world: World) -> None:
    """Such as the fix of what made the merge's own pipeline fail; one that changes another stack does not."""
    board = Board(world)
    world.sandbox.woodpecker.merge_status = "failure"
    world.merge_request(NAME)
    world.sandbox.woodpecker.merge_status = "success"
    bare, before = world.infra.bare, world.infra.bare.references()
    bare.commit_files(world.base, {"stacks/echo/more.tf": "# more\n"}, "another", 1_900_000_000)
    world.sandbox.forgejo.pushed(world.infra, before)
    assert board.verify()["infra.pipeline"] == "failed"
    before = bare.references()
    bare.commit_files(world.base, {f"stacks/{NAME}/more.tf": "# more\n"}, "the fix", 1_900_000_100)
    world.sandbox.forgejo.pushed(world.infra, before)
    assert board.verify()["infra.pipeline"] == "ok"


def test_waiting_follows_the_pipeline_of_the_merge(world: World) -> None:
    board, woodpecker = Board(world), world.sandbox.woodpecker
    woodpecker.merge_status = "pending"
    events: list[Callable[[], object]] = [
        board.build,
        lambda: world.merge_request(NAME),
        lambda: woodpecker.finish(board.infra, 1, "running"),
        lambda: woodpecker.finish(board.infra, 1, "success"),
    ]
    said: list[str] = []

    def later(_: float) -> None:
        events.pop(0)()

    rhythm = Rhythm(sleep=later, clock=lambda: 0.0)
    with board.watched() as looking:
        seen = follow(looking, 60, said.append, rhythm)
    assert not events
    lines = [line.split(", ")[0] for line in said if line.startswith("infra.pipeline")]
    assert lines == [f"infra.pipeline: {state}" for state in ("waiting", "waiting", "waiting", "ok")]
    found: dict[str, Check] = {check.id: check for check in seen.checks}
    assert found["deploy.pipeline"].state is FAILED  # waiting no longer helps: create starts it again
