"""The main job, end to end, on the embedded platform."""

from __future__ import annotations

import hashlib
import signal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from generator.sandbox import Sandbox
from generator.sandbox.repositories import Entry
from tests.answers import RICH, UPSTREAM
from tests.full import few, full
from tests.world import Completed, World, both_platforms, elsewhere, fully_both

NAME = str(RICH["name"])

ALL_STEPS = [
    "vault.secrets",
    "forgejo.repository",
    "github.repository",
    "github.secrets",
    "woodpecker.registration",
    "woodpecker.settings",
    "service.commit",
    "service.push",
    "forgejo.mirror",
    "github.default_branch",
    "infra.commit",
    "infra.pull_request",
    "woodpecker.deploy",
]


def expected_inventory(world: World) -> dict[str, Any]:
    """Exactly one of each thing."""
    sandbox, mirror = world.sandbox, world.mirror_name(NAME)
    return {
        "repositories": [f"{world.platform.forgejo.owner}/{NAME}"],
        "mirrors": [mirror.lower()],
        "branches": [world.branch],
        "commits": 1,
        "same commit": True,
        "default branch": world.branch,
        "secrets": {
            "FORGEJO_GIT_TOKEN": sandbox.tokens.forgejo_git,
            "SLACK_WEBHOOK": sandbox.tokens.slack,
            "WOODPECKER_TOKEN": sandbox.tokens.woodpecker,
        },
        "registrations": [(mirror, True)],
        "hooks": 1,
        "number in workflow": True,
        "push mirrors": [(f"{sandbox.urls['github']}/{mirror}.git", True, "8h0m0s")],
        "pull requests": [(f"newservice/{NAME}", "open")],
        "infra commits": 1,
        "infra files": infra_files(world),
        "vault": ["api_token", "signing_key"],
        "vault notes": ["newservice"],
    }


INFRA_FILES = [
    ".claude/CLAUDE.md",
    ".claude/reference/service-catalog.md",
    "docs/architecture/ci-cd.md",
    "docs/architecture/databases.md",
    f"stacks/{NAME}/.copier-answers.yml",
    f"stacks/{NAME}/backup.tf",
    f"stacks/{NAME}/deployment.tf",
    f"stacks/{NAME}/extra.tf",
    f"stacks/{NAME}/ingress.tf",
    f"stacks/{NAME}/main.tf",
    f"stacks/{NAME}/secrets.tf",
    f"stacks/{NAME}/service.tf",
    f"stacks/{NAME}/storage.tf",
    f"stacks/{NAME}/terragrunt.hcl",
    "stacks/dbaas/modules/dbaas/main.tf",
    "stacks/kyverno/modules/kyverno/ghcr-credentials.tf",
    "stacks/monitoring/modules/monitoring/authentik_walloff_probe.tf",
    "stacks/traefik/modules/traefik/middleware.tf",
    "stacks/uptime-kuma/modules/uptime-kuma/main.tf",
    "stacks/vault/main.tf",
]


def infra_files(world: World) -> list[str]:
    """The made-up platform has no page about its images."""
    skipped = {"ci-doc": "docs/architecture/ci-cd.md"}
    left_out = {path for name, path in skipped.items() if name in world.platform.registrations.skip}
    return [path for path in INFRA_FILES if path not in left_out]


def statuses(completed: Completed) -> dict[str, str]:
    return {item["id"]: item["status"] for item in completed.of("step")}


@both_platforms
def test_create_makes_exactly_one_of_each_thing(world: World) -> None:
    completed = world.run("create", RICH)
    assert completed.result["status"] == "success"
    assert sorted(statuses(completed)) == sorted(ALL_STEPS)
    assert world.inventory(NAME) == expected_inventory(world)
    assert set(completed.result["urls"]) == {"repository", "mirror", "actions", "pull_request", "site"}
    assert any("merge" in line for line in completed.result["next"])


@fully_both
def test_the_plan_is_what_create_then_does(world: World) -> None:
    (plan,) = world.run("plan", RICH).of("plan")
    completed = world.run("create", RICH)
    (again,) = completed.of("plan")
    assert again == plan
    acts = {item["id"]: item["action"] != "none" for item in plan["steps"]}
    # Which branch GitHub shows first can't be foreseen: it is its own favourite, if the push brings that one.
    acts["github.default_branch"] = world.branch != "main"
    assert acts == {key: status == "done" for key, status in statuses(completed).items()}
    written = {item["path"] for item in plan["files"] if item["repo"] == "infra"}
    written |= {item["path"] for item in plan["registrations"]}
    assert sorted(written) == infra_files(world)


def snapshot(*folders: Path) -> dict[str, str]:
    """Every file of this machine's side: by content, and by when it was last written."""
    return {
        str(path): (hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder")
        + str(path.lstat().st_mtime_ns)
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if not path.name.endswith(".answers.yml")  # the test's own
    }


def references(world: World) -> dict[str, dict[str, str]]:
    """Every branch and tag of the forges; their servers may tidy their own object stores when they are read."""
    forges = (world.sandbox.forgejo, world.sandbox.github)
    return {key: item.bare.references() for forge in forges for key, item in forge.repositories.items()}


@pytest.mark.parametrize(
    "command", few(1, [("plan", "--diff"), ("plan",), ("create", "--dry-run"), ("status", "city-guide")])
)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.usefixtures("own_cache")
def test_looking_writes_nothing_anywhere(world: World, command: tuple[str, ...], after: bool) -> None:
    if after:
        assert world.run("create", RICH).code == 0
    world.answers(RICH)
    world.sandbox.journal.clear()
    places = (world.folder, world.sandbox.infra, Path.home())
    before, before_there = snapshot(*places), references(world)
    completed = world.run(command[0], RICH, *command[1:])
    assert completed.code == 0
    assert world.sandbox.journal.writes() == []
    assert len(world.sandbox.journal) > 5
    assert snapshot(*places) == before
    assert references(world) == before_there


@fully_both
def test_a_second_run_changes_nothing_and_says_so(world: World) -> None:
    world.run("create", RICH)
    world.sandbox.journal.clear()
    completed = world.run("create", RICH)
    assert completed.result["status"] == "unchanged"
    assert set(statuses(completed).values()) == {"unchanged"}
    assert world.sandbox.journal.writes() == []
    assert world.inventory(NAME) == expected_inventory(world)


@full
def test_a_second_run_from_another_machine_changes_nothing(world: World) -> None:
    world.have(RICH)
    world.sandbox.journal.clear()
    completed = world.run("create", RICH, "--service-dir", str(world.folder / "elsewhere"))
    assert completed.result["status"] == "unchanged"
    assert world.sandbox.journal.writes() == []
    assert not (world.folder / "elsewhere").exists()


@fully_both
def test_after_the_merge_there_is_nothing_to_ask_for(world: World) -> None:
    world.have(RICH)
    world.merge(NAME)
    world.sandbox.journal.clear()
    completed = world.run("create", RICH)
    assert completed.result["status"] == "unchanged"
    assert world.sandbox.journal.writes() == []


def test_the_service_s_own_entries_take_nothing_from_it(world: World) -> None:
    """An entry is missing on the default branch: removed by hand, or new in a later template. The others stay."""
    database = {**UPSTREAM, "database": "postgres", "port": 8080}
    assert world.run("create", database).code == 0
    world.merge("reader")
    (plan,) = world.run("plan", database).of("plan")
    (catalog,) = [item["path"] for item in plan["registrations"] if item["id"] == "catalog"]
    lines = (world.infra.bare.file(world.base, catalog) or b"").splitlines(keepends=True)
    without = b"".join(line for line in lines if b"reader" not in line)
    world.infra.bare.commit_files(world.base, {catalog: without}, "docs: less", 1_790_000_000)

    completed = world.run("create", database)
    assert (completed.code, completed.result["status"]) == (0, "success"), completed.out
    assert statuses(completed)["infra.commit"] == "done"
    assert b"reader" in (world.infra.bare.file("newservice/reader", catalog) or b"")


@fully_both
def test_an_upstream_image_needs_the_infra_repository_only(world: World) -> None:
    completed = world.run("create", UPSTREAM)
    assert completed.result["status"] == "success"
    assert list(statuses(completed)) == ["infra.commit", "infra.pull_request"]
    assert {item.system for item in world.sandbox.journal} == {"forgejo"}
    assert not (world.folder / "reader").exists()
    files = world.asked("reader")["infra files"]
    assert "docs/architecture/ci-cd.md" not in files
    assert "stacks/reader/deployment.tf" in files


@fully_both
def test_status_finds_the_answers_on_the_forge(world: World) -> None:
    world.have(UPSTREAM)
    completed = world.command("status", "reader")
    assert completed.code == 0
    assert completed.result["status"] == "unchanged"
    assert {item["state"] for item in completed.of("plan")[0]["steps"]} == {"present"}
    assert world.command("status", "nobody").of("error")[0]["code"] == "status.unknown"


@fully_both
def test_requests_keep_the_real_name_on_the_load_balancers_address(world: World) -> None:
    world.run("create", RICH)
    names = {item.system: item.server_name for item in world.sandbox.journal if item.system != "github"}
    assert names == {
        system: urlsplit(world.sandbox.urls[system]).hostname for system in ("forgejo", "woodpecker", "vault")
    }
    assert all(name != "localhost" for name in names.values())


def test_a_certificate_of_another_authority_is_refused(world: World, tmp_path: Path) -> None:
    with Sandbox.start(tmp_path / "other") as other:
        profile = yaml.safe_load(world.sandbox.profile.read_text())
        profile["connection"]["ca_file"] = str(other.ca_file)
        world.sandbox.profile.write_text(yaml.safe_dump(profile))
        completed = world.run("plan", RICH)
    assert completed.code == 3
    (error,) = completed.of("error")
    assert error["code"].endswith(".unreachable")
    assert "certificate" in error["message"].lower()
    (plan,) = completed.of("plan")
    assert {item["state"] for item in plan["steps"]} == {"unknown"}


# --- what is not ours --------------------------------------------------------------------------------------


def refused(world: World, command: str = "create") -> dict[str, Any]:
    world.sandbox.journal.clear()
    completed = world.run(command, RICH)
    assert completed.code == 4
    assert completed.result["status"] == "refused"
    assert world.sandbox.journal.writes() == []
    (error,) = completed.of("error")
    assert error["hint"]
    return error


@fully_both
def test_somebody_elses_repository_is_refused(world: World) -> None:
    world.sandbox.forgejo.create_repository(
        world.platform.forgejo.owner, NAME, files={"README.md": "mine"}, branch=world.branch
    )
    assert error_of(refused(world), "forgejo.repository")


def test_an_empty_repository_that_is_not_ours_is_refused(world: World) -> None:
    world.sandbox.forgejo.create_repository("viktor", NAME, description="somebody else's")
    assert error_of(refused(world), "forgejo.repository")


def test_somebody_elses_mirror_is_refused(world: World) -> None:
    world.sandbox.github.create_repository("ViktorBarzin", NAME, files={"README.md": "mine"})
    assert error_of(refused(world), "github.repository")


@fully_both
def test_somebody_elses_stack_is_refused(world: World) -> None:
    infra = world.infra
    infra.bare.commit_files(world.base, {f"stacks/{NAME}/main.tf": "# by hand\n"}, "by hand", 1_790_000_000)
    assert error_of(refused(world), "infra.commit")


def test_somebody_elses_branch_is_refused(world: World) -> None:
    infra = world.infra
    infra.bare.update(f"refs/heads/newservice/{NAME}", infra.bare.heads()["master"])
    assert error_of(refused(world), "infra.commit")


def test_a_folder_with_somebodys_work_is_refused(world: World) -> None:
    (world.folder / NAME).mkdir()
    (world.folder / NAME / "thesis.txt").write_text("years of work")
    assert error_of(refused(world), "service.commit")
    assert (world.folder / NAME / "thesis.txt").read_text() == "years of work"


def error_of(error: dict[str, Any], step: str) -> bool:
    return bool(error["code"] == f"{step}.refused")


def test_commits_on_the_mirror_are_never_destroyed(world: World) -> None:
    world.have(RICH)
    canonical = world.canonical(NAME)
    canonical.mirrors.clear()
    mirror = world.mirror(NAME)
    precious = mirror.bare.commit_files("hotfix", {"fix.txt": "only here"}, "fix", 1_790_000_000)
    assert error_of(refused(world), "forgejo.mirror")
    assert mirror.bare.heads()["hotfix"] == precious


# --- drift -------------------------------------------------------------------------------------------------


@full
def test_a_second_mirror_becomes_one_again(world: World) -> None:
    world.have(RICH)
    canonical = world.canonical(NAME)
    from dataclasses import replace

    canonical.mirrors.append(replace(canonical.mirrors[0], remote_name="remote_mirror_second"))
    completed = world.run("create", RICH)
    assert statuses(completed)["forgejo.mirror"] == "done"
    assert world.inventory(NAME) == expected_inventory(world)


@fully_both
def test_what_drifted_is_mended_and_nothing_else(world: World) -> None:
    world.have(RICH)
    canonical = world.canonical(NAME)
    mirror = world.mirror(NAME)
    row = world.sandbox.woodpecker.repository(world.mirror_name(NAME))
    canonical.private = False
    canonical.mirrors[0].sync_on_commit = False
    mirror.archived = True
    mirror.private = False
    del mirror.secrets["SLACK_WEBHOOK"]
    row.active = False
    row.settings["trusted"]["network"] = True
    completed = world.run("create", RICH)
    assert {key for key, value in statuses(completed).items() if value == "done"} == {
        "forgejo.repository",
        "github.repository",
        "github.secrets",
        "woodpecker.registration",
        "woodpecker.settings",
        "forgejo.mirror",
    }
    inventory = world.inventory(NAME)
    assert {**inventory, "hooks": 1} == expected_inventory(world)
    assert canonical.private
    assert mirror.private
    assert not mirror.archived
    assert row.settings["trusted"] == {"network": False, "volumes": False, "security": False}


@fully_both
def test_existing_secrets_are_never_overwritten(world: World) -> None:
    world.sandbox.vault.write(NAME, {"api_token": "keep me", "unrelated": {"nested": 1}})
    completed = world.run("create", RICH)
    assert statuses(completed)["vault.secrets"] == "done"
    stored = world.sandbox.vault.read(NAME)
    assert stored["api_token"] == "keep me"
    assert stored["unrelated"] == {"nested": 1}
    assert len(stored["signing_key"]) >= 32


# --- failure and continuation ------------------------------------------------------------------------------


@both_platforms
def test_missing_credentials_are_all_named_before_anything_is_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in world.sandbox.environment:
        monkeypatch.delenv(name, raising=False)
    completed = world.run("create", RICH)
    assert completed.code == 3
    (error,) = completed.of("error")
    reported_there = error["message"] + error["hint"]
    for credential in ("forgejo", "github", "woodpecker", "slack"):
        source = world.platform.connection.credentials[credential]
        assert all(text in reported_there for text in (credential, source.environment, source.vault))
    assert len(world.sandbox.journal) == 0


@fully_both
def test_credentials_come_from_vault_as_well(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in world.sandbox.environment:
        monkeypatch.delenv(name, raising=False)
    (Path.home() / ".vault-token").write_text(world.sandbox.tokens.vault + "\n")
    assert world.run("create", RICH).code == 0
    assert world.inventory(NAME) == expected_inventory(world)


def test_a_token_that_is_not_accepted_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_wrong")
    completed = world.run("create", RICH)
    assert completed.code == 3
    (error,) = completed.of("error")
    assert error["code"] == "github.unauthorized"
    assert "GITHUB_TOKEN" in error["hint"]
    assert world.sandbox.journal.writes() == []


TELLING = ("vault.secrets", "github.repository", "service.commit", "forgejo.mirror", "infra.commit")
"""Steps on each system, and on this machine."""


@pytest.mark.parametrize("step", few(1, dict.fromkeys([*TELLING, *ALL_STEPS])))
def test_a_run_that_was_killed_after_a_step_is_continued(world: World, step: str) -> None:
    """SIGKILL right after the step is reported; the platform holds every later request until the process is gone."""
    assert world.kill_after(step, RICH) in (-signal.SIGKILL, 0)
    completed = world.run("create", RICH)
    assert completed.code == 0, completed.out
    assert world.inventory(NAME) == expected_inventory(world)
    assert [path.name for path in world.folder.iterdir() if path.name.startswith(".")] == []


# --- the made-up platform ------------------------------------------------------------------------------------


@elsewhere
def test_another_platform_is_entered_in_its_own_words(world: World) -> None:
    """Its own registration, its modules, classes of storage, tiers, mount and addresses, and nothing of the other's."""
    assert world.run("create", RICH).code == 0
    bare, head = world.infra.bare, f"newservice/{NAME}"
    allowlist = (bare.file(head, "stacks/kyverno/modules/kyverno/ghcr-credentials.tf") or b"").decode()
    assert f'# {NAME}: pulled through\n    "{NAME}-cache",\n' in allowlist
    written = {path: (bare.file(head, path) or b"").decode() for path in infra_files(world) if NAME in path}
    stack = "\n".join(written.values())
    for words in ("../../library/web", "../../library/share", "vault-disk", "local.tiers.gold", "elsewhere.example"):
        assert words in stack, words
    service = {item.path: world.canonical(NAME).bare.blob(item.sha) for item in _entries(world, NAME)}
    stack += "\n".join(content.decode() for content in service.values())
    for words in ("viktor", "ViktorBarzin", "proxmox", "ghcr.io", "10.0.20", "local.tiers.edge", "ingress_factory"):
        assert words not in stack, [path for path, text in written.items() if words in text]
    assert world.sandbox.vault.read(NAME)
    assert world.sandbox.journal.find("vault", "POST", f"/v1/kv/data/{NAME}$")


def _entries(world: World, name: str) -> list[Entry]:
    return [item for item in world.canonical(name).bare.entries(world.branch, recursive=True) if item.kind == "blob"]


@fully_both
@pytest.mark.parametrize("command", ["plan", "create"])
def test_a_host_that_another_stack_has_is_refused(world: World, command: str) -> None:
    """Whatever the module is called that makes ingresses."""
    completed = world.run(command, {**RICH, "host": "notes"})
    assert completed.code == 2
    (error,) = completed.of("error")
    assert (error["code"], error["question"]) == ("answer.taken", "host")
    assert world.sandbox.journal.writes() == []
