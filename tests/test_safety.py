"""What could lose work, leak a token, or claim what isn't so: each found once by trying, and kept."""

from __future__ import annotations

import http.server
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from generator.clients.github import Mirror
from generator.engine.plan import Action
from generator.engine.steps.github import GitHubRepository, RepositoryFacts, mirror_description
from generator.engine.steps.visibility import copies_of
from tests.answers import RICH, SMALLEST, UPSTREAM, answer
from tests.full import few, full
from tests.processes import kill_all
from tests.world import World

NAME = str(RICH["name"])


def refusal(world: World, given: dict[str, Any], *more: str, command: str = "create", code: int = 4) -> str:
    """What a refused command says; nothing may have been written."""
    world.sandbox.journal.clear()
    completed = world.run(command, given, *more)
    assert completed.code == code, completed.out
    assert world.sandbox.journal.writes() == []
    return " ".join(f"{item['code']} {item['message']} {item['hint']}" for item in completed.of("error"))


# --- answers that changed ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    few(
        1,
        [
            {"auth": "none", "auth_reason": "open"},
            {"host": "elsewhere"},
            {"database": "none"},
            {"image_visibility": "public"},
            {"memory": "512Mi"},
        ],
    ),
    ids=lambda change: next(iter(change)),
)
def test_other_answers_never_change_what_exists(world: World, change: dict[str, Any]) -> None:
    world.have(RICH)
    assert next(iter(change)) in refusal(world, {**RICH, **change})
    assert world.sandbox.forgejo.repository(f"viktor/{NAME}").private
    assert world.sandbox.github.repository(f"ViktorBarzin/{NAME}").private


@full
def test_an_interval_may_be_written_otherwise(world: World) -> None:
    profile = yaml.safe_load(world.sandbox.profile.read_text())
    profile["mirror"] = {"interval": "8h"}
    world.sandbox.profile.write_text(yaml.safe_dump(profile))
    assert world.run("create", SMALLEST).code == 0
    assert world.run("create", SMALLEST).result["status"] == "unchanged"


# --- names that others have --------------------------------------------------------------------------------

TAKEN = """module "ingress" {
  source = "../../modules/kubernetes/ingress_factory"
  name   = "other"
  host   = "shared"
}
"""


def test_a_name_that_the_clone_does_not_know_of_yet_is_seen(world: World) -> None:
    infra = world.sandbox.forgejo.repository("viktor/infra")
    infra.bare.commit_files("master", {"stacks/other/main.tf": TAKEN}, "other", 1_790_000_000)
    completed = refusal(world, {**SMALLEST, "host": "shared"}, code=2)
    assert "answer.taken" in completed
    assert "stacks/other/main.tf" in completed


def test_a_name_that_waits_for_review_is_seen(world: World) -> None:
    assert world.run("create", {**UPSTREAM, "host": "shared", "namespace": "reading"}).code == 0
    completed = refusal(world, {**SMALLEST, "host": "shared", "namespace": "reading"}, code=2)
    assert completed.count("answer.taken") >= 1


@pytest.mark.parametrize("host", ["www", "authentik"])
def test_hosts_of_the_platform_are_not_given_away(world: World, host: str) -> None:
    assert "answer.protected" in refusal(world, {**SMALLEST, "host": host})


@pytest.mark.parametrize("host", ["vault", "ci", "forgejo"])
def test_hosts_of_the_systems_are_not_given_away(host: str) -> None:
    from tests.test_answers import problems

    assert "choose another host" in problems({**SMALLEST, "host": host})["host"]


def test_a_protected_name_is_refused_for_safety(world: World) -> None:
    assert "answer.protected" in refusal(world, {**SMALLEST, "name": "vault"})


def test_somebody_elses_entry_under_our_names_is_not_taken_for_ours(world: World) -> None:
    """A hand-made Vault role of that name may belong to anything."""
    infra = world.sandbox.forgejo.repository("viktor/infra")
    path = "stacks/vault/main.tf"
    role = 'resource "vault_database_secret_backend_static_role" "pg_city_guide" {\n  username = "somebody"\n}\n'
    kept = {item: infra.bare.file("master", item) or b"" for item in _paths(infra, "master")}
    infra.bare.commit_files("master", {**kept, path: kept[path] + role.encode()}, "by hand", 1_790_000_000)
    assert "registration vault-role" in refusal(world, RICH)
    checkout = _checkout(world)
    (checkout / path).write_bytes(kept[path] + role.encode())
    completed = refusal(world, RICH, "--no-provision", "--infra", str(checkout))
    assert "registration.foreign" in completed
    assert not (checkout / "stacks" / NAME).exists()


# --- reviews, and folders of people --------------------------------------------------------------------------


def test_a_reviewers_commit_on_our_branch_is_no_reason_to_stop(world: World) -> None:
    world.have(RICH)
    infra = world.sandbox.forgejo.repository("viktor/infra")
    path = f"stacks/{NAME}/main.tf"
    reviewed = (infra.bare.file(f"newservice/{NAME}", path) or b"") + b"# reviewed\n"
    kept = {item: infra.bare.file(f"newservice/{NAME}", item) or b"" for item in _paths(infra, f"newservice/{NAME}")}
    infra.bare.commit_files(f"newservice/{NAME}", {**kept, path: reviewed}, "review: a remark", 1_790_000_000)
    world.sandbox.journal.clear()
    assert world.run("create", RICH).result["status"] == "unchanged"
    assert world.sandbox.journal.writes() == []
    assert infra.bare.file(f"newservice/{NAME}", path) == reviewed


def _paths(repository: Any, branch: str) -> list[str]:
    return [entry.path for entry in repository.bare.entries(branch, recursive=True)]


def test_files_that_were_written_first_are_taken_up(world: World) -> None:
    world.run("create", SMALLEST, "--no-provision", "--infra", str(_checkout(world)))
    assert not (world.folder / "notes-app" / ".git").exists()
    completed = world.run("create", SMALLEST)
    assert completed.result["status"] == "success", completed.out
    assert world.inventory("notes-app")["number in workflow"]


def test_files_that_were_written_first_and_edited_are_not_taken(world: World) -> None:
    world.run("create", SMALLEST, "--no-provision", "--infra", str(_checkout(world)))
    (world.folder / "notes-app" / "app" / "main.py").write_text("mine now\n")
    assert "service.commit.refused" in refusal(world, SMALLEST)
    assert (world.folder / "notes-app" / "app" / "main.py").read_text() == "mine now\n"


def _checkout(world: World) -> Path:
    checkout = world.folder / "checkout"
    shutil.copytree(world.sandbox.infra, checkout)
    return checkout


@pytest.mark.parametrize("place", few(1, ["file/inside", "file"]))
def test_a_folder_that_can_not_be_made_is_reported_before_anything_is_written(world: World, place: str) -> None:
    (world.folder / "file").write_text("in the way")
    assert "--service-dir" in refusal(world, SMALLEST, "--service-dir", str(world.folder / place))


@pytest.mark.parametrize("at", few(1, ["commit-tree", "read-tree", "update-ref"]))
def test_a_run_that_is_killed_inside_of_the_commit_is_continued(world: World, at: str) -> None:
    """A slow git holds the run inside of service.commit until it is killed."""
    tools = world.folder / "tools"
    tools.mkdir()
    real = shutil.which("git")
    (tools / "git").write_text(
        f'#!/bin/sh\ncase "$*" in *{at}*) touch "{tools}/held"; sleep 60;; esac\nexec {real} "$@"\n'
    )
    (tools / "git").chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
        process = world.start("create", SMALLEST)
    while process.poll() is None and not (tools / "held").exists():
        os.sched_yield()
    kill_all(process)
    process.communicate()
    assert (world.folder / "notes-app" / ".git").is_dir()
    completed = world.run("create", SMALLEST)
    assert completed.code == 0, completed.out
    assert [path.name for path in world.folder.iterdir() if path.name.startswith(".")] == []
    assert world.inventory("notes-app")["commits"] == 1


# --- tokens ------------------------------------------------------------------------------------------------


@pytest.fixture
def listener() -> Iterator[tuple[int, list[str]]]:
    """A plain HTTP server that remembers every Authorization header."""
    seen: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(str(self.headers.get("Authorization")))
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1], seen
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_rewriting_rule_of_the_person_does_not_lead_a_token_astray(
    world: World, listener: tuple[int, list[str]]
) -> None:
    port, seen = listener
    config = Path.home() / ".gitconfig"
    config.write_text(
        config.read_text() + f'[url "http://127.0.0.1:{port}/"]\n\tinsteadOf = {world.sandbox.urls["forgejo"]}/\n'
    )
    assert world.run("create", SMALLEST).code == 0
    assert seen == []


@pytest.mark.parametrize("rule", few(1, ["insteadOf", "pushInsteadOf"]))
def test_nor_does_one_of_the_clone(world: World, listener: tuple[int, list[str]], rule: str) -> None:
    port, seen = listener
    name, forge = f"url.http://127.0.0.1:{port}/.{rule}", f"{world.sandbox.urls['forgejo']}/"
    subprocess.run(["git", "-C", str(world.sandbox.infra), "config", name, forge], check=True)
    assert world.run("create", UPSTREAM).code == 0
    assert seen == []


def test_vaults_address_is_the_persons(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_ADDR", "https://127.0.0.1:1")
    completed = world.run("plan", RICH)
    assert completed.code == 3
    assert "127.0.0.1" in completed.of("error")[0]["message"]


def test_the_narrow_token_of_vault_comes_before_the_wide_one_of_the_environment(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FORGEJO_GIT_TOKEN")
    assert world.run("create", SMALLEST).code == 0
    stored = world.sandbox.github.secret("ViktorBarzin/notes-app", "FORGEJO_GIT_TOKEN")
    assert stored == world.sandbox.tokens.forgejo_git


# --- telling the truth -------------------------------------------------------------------------------------


def test_a_fault_on_the_way_tells_what_was_done(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from generator.engine.steps.woodpecker import WoodpeckerRegistration

    def broken(self: WoodpeckerRegistration, run: Any, facts: Any) -> str:
        raise KeyError("surprise")

    monkeypatch.setattr(WoodpeckerRegistration, "act", broken)
    completed = world.run("create", SMALLEST)
    assert completed.code == 1
    assert completed.result["status"] == "partial"
    statuses = {item["id"]: item["status"] for item in completed.of("step")}
    assert statuses["github.secrets"] == "done"
    assert statuses["woodpecker.registration"] == "failed"
    assert statuses["infra.pull_request"] == "skipped"
    Path(completed.of("error")[0]["hint"].rsplit(" ", 1)[1]).unlink()


@full
def test_nobody_listening_is_no_reason_to_stop(world: World) -> None:
    process = world.start("create", SMALLEST)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    code = process.wait()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    assert code == 130, "the work is done, and nobody knows"
    assert world.inventory("notes-app")["push mirrors"]


def test_a_system_that_can_not_be_seen_is_reported_and_nothing_is_written(world: World) -> None:
    from generator.sandbox import Status

    world.sandbox.faults.add("woodpecker", "GET", "/api/repos/lookup", 100, Status(502, "<html>bad gateway</html>"))
    completed = world.run("create", SMALLEST)
    assert completed.code == 3
    (plan,) = completed.of("plan")
    unknown = {item["id"] for item in plan["steps"] if item["state"] == "unknown"}
    assert {"woodpecker.registration", "woodpecker.settings"} <= unknown
    assert "forgejo.repository" not in unknown
    assert world.sandbox.journal.writes() == []


def test_without_git_the_remedy_is_reported(world: World, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.MonkeyPatch.context() as patch:  # for the command only: the embedded platform needs its git
        patch.setenv("PATH", str(empty))
        process = world.start("plan", SMALLEST)
    out, err = process.communicate()
    assert process.returncode == 3, out + err
    assert "git.missing" in out, out


def test_a_plan_without_provisioning_says_what_create_would_refuse(world: World) -> None:
    checkout = _checkout(world)
    world.run("create", SMALLEST, "--no-provision", "--infra", str(checkout))
    (checkout / "stacks" / "notes-app" / "main.tf").write_text("# edited\n")
    for command in ("plan", "create"):
        completed = world.run(command, SMALLEST, "--no-provision", "--infra", str(checkout))
        assert completed.code == 4
        assert completed.of("error")[0]["code"] == "files.conflict"


@full
def test_a_place_that_is_gone_does_not_hide_the_state_of_a_finished_service(world: World) -> None:
    world.have(RICH)
    infra = world.sandbox.forgejo.repository("viktor/infra")
    kept = {path: infra.bare.file(f"newservice/{NAME}", path) or b"" for path in _paths(infra, f"newservice/{NAME}")}
    kept["docs/architecture/ci-cd.md"] = b"# Rewritten\n"
    infra.bare.commit_files("master", kept, "merge, and rewrite the page", 1_790_000_000)
    completed = world.command("status", NAME)
    assert completed.code == 0
    (plan,) = completed.of("plan")
    assert {item["id"]: item["action"] for item in plan["registrations"]}["ci-doc"] == "refuse"
    assert "ci-doc" in {item["id"]: item["summary"] for item in plan["steps"]}["infra.commit"]


def test_free_text_does_not_reach_the_commit_messages(world: World) -> None:
    """Words such as [skip ci] or a trailer would be commands there."""
    world.run("create", {**SMALLEST, "description": "notes [skip ci] closes #12"})
    for name, branch in (("infra", "newservice/notes-app"), ("notes-app", "master")):
        (commit,) = world.sandbox.forgejo.repository(f"viktor/{name}").bare.log(branch, limit=1)
        assert "skip ci" not in commit.message


def test_a_terminal_without_a_place_to_ask_needs_a_yes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    assert "usage.confirmation" in refusal(world, SMALLEST, code=2)
    assert world.run("create", SMALLEST, "--yes").code == 0


# --- a second look ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", few(1, ["FORGEJO_TOKEN", "GITHUB_TOKEN", "WOODPECKER_TOKEN", "VAULT_TOKEN"]))
def test_a_line_break_behind_a_token_does_no_harm(world: World, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, world.sandbox.environment[variable] + "\n")
    assert world.run("plan", RICH).code == 0


@pytest.mark.parametrize("squashed", few(1, [False, True]), ids=["merged", "squashed"])
def test_a_stack_that_was_merged_and_reverted_is_asked_for_anew(world: World, squashed: bool) -> None:
    world.have(UPSTREAM)
    infra = world.sandbox.forgejo.repository("viktor/infra")
    head, before = infra.bare.heads()["newservice/reader"], infra.bare.heads()["master"]
    kept = {path: infra.bare.file("master", path) or b"" for path in _paths(infra, "master")}
    if not squashed:
        infra.bare.update("refs/heads/master", head)
    infra.bare.commit_files("master", kept, "revert", 1_790_000_000)
    (pull,) = infra.pulls.values()
    pull.state, pull.merged, pull.merge_commit = "closed", "2026-01-01T00:00:00Z", before
    completed = world.run("create", UPSTREAM)
    assert completed.result["status"] == "success"
    opened = [item for item in infra.pulls.values() if item.state == "open"]
    assert len(opened) == 1
    changed = infra.bare.changed_files("master", "newservice/reader")
    assert "stacks/reader/deployment.tf" in changed
    assert ".claude/reference/service-catalog.md" in changed
    assert world.run("create", UPSTREAM).result["status"] == "unchanged"


@full
def test_a_new_number_at_woodpecker_is_noticed(world: World) -> None:
    world.have(SMALLEST)
    row = world.sandbox.woodpecker.repository("ViktorBarzin/notes-app")
    del world.sandbox.woodpecker.repositories[row.id]
    completed = world.run("create", SMALLEST)
    assert completed.code == 4
    message = completed.of("error")[0]["message"] + completed.of("error")[0]["hint"]
    assert str(row.id) in message
    assert "build.yml" in message
    assert "service.commit.refused" in refusal(world, SMALLEST)


def test_a_folder_inside_of_the_infra_clone_is_refused(world: World) -> None:
    inside = world.sandbox.infra / "stacks" / "notes-app"
    assert "usage.service_dir" in refusal(world, SMALLEST, "--service-dir", str(inside), code=2)
    assert not inside.exists()


@full
def test_status_may_be_asked_from_inside_of_the_infra_clone(world: World) -> None:
    world.have(SMALLEST)
    world.monkeypatch.chdir(world.sandbox.infra)
    completed = world.command("status", "notes-app")
    assert completed.code == 0, completed.out
    assert completed.result["status"] == "unchanged"


def test_a_renamed_mirror_is_not_taken_for_ours() -> None:
    """GitHub forwards the old name, and PyGithub follows; the embedded GitHub has no renames, so the decision alone."""
    forge = SimpleNamespace(web_url=lambda name: f"https://forge.test/{name}")
    run: Any = SimpleNamespace(
        mirror="ViktorBarzin/notes-app",
        name="notes-app",
        opens=False,
        answers=answer(SMALLEST),
        platform=SimpleNamespace(forgejo=forge),
    )
    ours = Mirror(1, run.mirror, mirror_description(run), private=True, archived=False, default_branch="master", url="")
    facts = RepositoryFacts(ours, copies_of(run, None, ours))
    assert GitHubRepository().decide(run, facts).action is Action.NONE
    renamed = GitHubRepository().decide(run, replace(facts, mirror=replace(ours, full_name="ViktorBarzin/other")))
    assert renamed.action is Action.REFUSE
    assert "rename it back" in renamed.hint


def test_two_runs_at_once_make_one_of_each_thing(world: World) -> None:
    processes = [
        world.start("create", SMALLEST, "--service-dir", str(world.folder / f"copy{number}")) for number in range(2)
    ]
    completed = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], completed
    inventory = world.inventory("notes-app")
    assert len(inventory["push mirrors"]) == 1
    assert inventory["commits"] == 1
    assert inventory["hooks"] == 1
    assert inventory["pull requests"] == [("newservice/notes-app", "open")]
    again = world.run("create", SMALLEST, "--service-dir", str(world.folder / "copy2"))
    assert again.result["status"] == "unchanged", again.out


def test_git_goes_where_the_api_goes_and_not_through_a_proxy(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "localhost")
    completed = world.run("create", UPSTREAM)
    assert completed.code == 0, completed.out


def test_a_page_instead_of_vaults_answer_is_reported_as_one(world: World) -> None:
    from generator.sandbox import FaultKind

    world.sandbox.faults.add("vault", "GET", "/v1/secret/data/city-guide", 10, FaultKind.HTML_200)
    completed = world.run("create", RICH)
    assert completed.code == 3
    assert completed.of("error")[0]["code"] == "vault.not_json"
    assert world.sandbox.journal.writes() == []


def test_an_interruption_between_two_steps_tells_what_was_done(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from generator.cli.json_lines import JsonReporter

    real = JsonReporter.step

    def interrupted(self: JsonReporter, result: Any) -> None:
        real(self, result)
        if result.id == "github.secrets":
            raise KeyboardInterrupt

    monkeypatch.setattr(JsonReporter, "step", interrupted)
    completed = world.run("create", SMALLEST)
    assert completed.code == 130
    assert completed.result["status"] == "partial"
    statuses = {item["id"]: item["status"] for item in completed.of("step")}
    assert len(statuses) == len(completed.of("step")) == 12  # each told once, whatever was under way
    assert {"forgejo.mirror", "github.default_branch", "infra.pull_request"} <= {
        step for step, status in statuses.items() if status == "skipped"
    }
