"""Services of every kind, end to end on the embedded platform: the right steps, files, entries and no others."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from tests.checkout import commit_all
from tests.full import few, full
from tests.invoke import Desk
from tests.world import Completed, World, fully_both

VAULT = ["vault.secrets"]
HOMES = ["forgejo.repository", "github.repository"]
SECRETS = ["github.secrets"]
WOODPECKER = ["woodpecker.registration", "woodpecker.settings"]
DEPLOYMENT = ["woodpecker.deploy"]
CODE = ["service.commit", "service.push", "forgejo.mirror", "github.default_branch"]
INFRA = ["infra.commit", "infra.pull_request"]

CI = {"FORGEJO_GIT_TOKEN": "forgejo_git", "SLACK_WEBHOOK": "slack"}
DEPLOYED = {**CI, "WOODPECKER_TOKEN": "woodpecker"}

FILES = {".copier-answers.yml", "extra.tf", "main.tf", "terragrunt.hcl"}
WEB = {"deployment.tf", "ingress.tf", "service.tf"}

ENTRIES = {
    "catalog": ".claude/reference/service-catalog.md",
    "ci-doc": "docs/architecture/ci-cd.md",
    "ghcr-allowlist": "stacks/kyverno/modules/kyverno/ghcr-credentials.tf",
    "pg-database": "stacks/dbaas/modules/dbaas/main.tf",
    "vault-role": "stacks/vault/main.tf",
    "walloff-target": "stacks/monitoring/modules/monitoring/authentik_walloff_probe.tf",
    "kuma-monitor": "stacks/uptime-kuma/modules/uptime-kuma/main.tf",
    "outage-page": "stacks/cloudflared/modules/cloudflared/worker.tf",
    "trusted-image": "stacks/kyverno/modules/kyverno/security-policies.tf",
    "rate-limit": "stacks/traefik/modules/traefik/middleware.tf",
    "anubis-doc": ".claude/CLAUDE.md",
    "mysql-database": "stacks/dbaas/modules/dbaas/main.tf",
    "rotation-doc": ".claude/CLAUDE.md",
    "rotation-list": "docs/architecture/databases.md",
}
PRIVATE = {"catalog", "ci-doc", "ghcr-allowlist"}

VALUES = "look at secret/{name} in Vault: a value that comes from elsewhere replaces a generated one"
IMAGE = (
    "wait until image.tags is ok, so until the first build has pushed the image: "
    "applying the stack waits for its pods, and fails without one"
)
OWN_IMAGE = IMAGE.replace(IMAGE.partition(":")[0], "build the image in the service's repository, and push it")
BRANCH = (
    "take the branch, with what was merged meanwhile, in the main checkout of the infra repository: in a worktree "
    "encrypted files stay encrypted"
)
BASE = "apply dbaas by hand from the branch, although the merge's pipeline applies it too: vault builds on it"
ROLE = "apply vault by hand from the branch: the merge's pipeline never applies it"
STATE = (
    "push the branch with what was committed there, the encrypted state of {stacks} among it: the next apply of these "
    "stacks starts from it"
)
TILE = "apply the ExternalSecret {name}-secrets alone: the stack reads its secret when it is planned"
AGAIN = "start the first deploy again: it ran before the stack was applied, and found nothing to deploy to"
PAGE = "run scripts/cf-worker-routes-fail-open: the new route lets requests through when the worker's quota is used up"
GROUPS = "apply authentik, which reads from the ingress who may pass; until then only administrators can"
LAST = "look at the live service, not at the checkmark"
BUILD = "follow the first build on GitHub until the image is there"
DEPLOY = "follow the first build on GitHub until it is deployed"


@dataclass(frozen=True)
class Kind:
    """A service, and what it needs."""

    answers: dict[str, Any]
    steps: list[str]
    before: list[str]
    pipeline: list[str]
    after: list[str]
    files: set[str] = field(default_factory=set)
    entries: set[str] = field(default_factory=set)
    secrets: dict[str, str] = field(default_factory=dict)
    urls: set[str] = field(default_factory=set)
    properties: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    seeds: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return str(self.answers["name"])


def service(name: str, **answers: Any) -> dict[str, Any]:
    return {"name": name, "title": name.title(), "description": f"Is the {name}", **answers}


HOME = {"repository", "mirror"}
WORKER = Kind(
    service(
        "mail-sorter",
        kind="worker",
        language="go",
        port=0,
        redis=True,
        env={"IMAP_HOST": "{mail_host}"},
        secrets={"IMAP_PASSWORD": "imap_password"},
    ),
    [*VAULT, *HOMES, *SECRETS, *WOODPECKER, *CODE, *INFRA, *DEPLOYMENT],
    [VALUES, IMAGE],
    ["kyverno", "mail-sorter"],
    [AGAIN, DEPLOY],
    files=FILES | {"deployment.tf", "secrets.tf"},
    entries=PRIVATE,
    secrets=DEPLOYED,
    urls=HOME | {"actions"},
    properties=["imap_password"],
    facts={"redis_index": 0},
)
CRONJOB = Kind(
    service("rate-watch", kind="cronjob"),
    [*HOMES, *SECRETS, *CODE, *INFRA],
    [],
    ["kyverno", "rate-watch"],
    [BUILD],
    files=FILES | {"cronjobs.tf"},
    entries=PRIVATE,
    secrets=CI,
    urls=HOME | {"actions"},
)
SVELTE = Kind(
    service("menu", language="svelte", image_visibility="public", auth="public"),
    [*HOMES, *SECRETS, *WOODPECKER, *CODE, *INFRA, *DEPLOYMENT],
    [IMAGE],
    ["menu"],
    [AGAIN, f"{DEPLOY}, then open the site"],
    files=FILES | WEB,
    entries={"catalog", "ci-doc"},
    secrets=DEPLOYED,
    urls=HOME | {"actions", "site"},
)
STATIC = Kind(
    service(
        "field-notes",
        language="static",
        auth="none",
        auth_reason="published on purpose",
        anubis=True,
        rate_limit={"average": 50, "burst": 300},
    ),
    [*HOMES, *SECRETS, *WOODPECKER, *CODE, *INFRA, *DEPLOYMENT],
    [IMAGE],
    ["kyverno", "traefik", "field-notes"],
    [AGAIN, f"{DEPLOY}, then open the site"],
    files=FILES | WEB,
    entries=PRIVATE | {"rate-limit", "anubis-doc"},
    secrets=DEPLOYED,
    urls=HOME | {"actions", "site"},
    facts={"anubis_redis_index": 0},
)
OWN_CODE = Kind(
    service(
        "legacy-api",
        language="none",
        ci_test="custom",
        updates="keel",
        auth="app",
        auth_reason="API keys",
        database={"engine": "mysql", "env": {"DB_PASSWORD": "password"}},
    ),
    [*HOMES, *SECRETS, *CODE, *INFRA],
    [
        IMAGE,
        BRANCH,
        BASE,
        ROLE,
        STATE.format(stacks="dbaas and vault"),
    ],
    ["dbaas", "kyverno", "legacy-api"],
    [f"{BUILD}, then open the site"],
    files=FILES | WEB | {"secrets.tf"},
    entries=PRIVATE | {"mysql-database", "vault-role", "rotation-doc", "rotation-list"},
    secrets=CI,
    urls=HOME | {"actions", "site"},
)
WITHOUT_CI = Kind(
    service("workshop", ci=False, access=["Family"]),
    [*HOMES, *CODE, *INFRA],
    [OWN_IMAGE],
    ["kyverno", "workshop"],
    [GROUPS, "open the site"],
    files=FILES | WEB,
    entries=PRIVATE,
    urls=HOME | {"site"},
)
OWN_CI = Kind(
    service("foundry", language="none", ci=False, updates="ci", image_name="foundry-app"),
    [*HOMES, *SECRETS, *WOODPECKER, *CODE, *INFRA, *DEPLOYMENT],
    [IMAGE.replace(IMAGE.partition(":")[0], "let CI of the repository build the first image, and push it")],
    ["kyverno", "foundry"],
    [AGAIN, "follow the first build until it is deployed, then open the site"],
    files=FILES | WEB,
    entries=PRIVATE,
    secrets={"WOODPECKER_TOKEN": "woodpecker"},
    urls=HOME | {"site"},
)
UPSTREAM_WORKER = Kind(
    service("runner", kind="worker", image_source="upstream", image="acme/runner:3.1"),
    INFRA,
    [],
    ["kyverno", "runner"],
    [],
    files=FILES | {"deployment.tf"},
    entries={"catalog", "trusted-image"},
)
WIDGET = Kind(
    service(
        "shelf",
        image_source="upstream",
        image="ghcr.io/example/shelf:2.0",
        access=["Family"],
        homepage={"widget": {"type": "photoprism", "credentials": {"username": "home_user", "password": "home_pass"}}},
    ),
    [*VAULT, *INFRA],
    [VALUES, BRANCH, TILE.format(name="shelf")],
    ["shelf"],
    [GROUPS, "open the site"],
    files=FILES | WEB | {"secrets.tf"},
    entries={"catalog"},
    urls={"site"},
    properties=["home_pass", "home_user"],
    seeds=("home_pass", "home_user"),
)
EVERYTHING = Kind(
    service(
        "everything",
        env={"MAIL": "{mail_host}", "PUBLIC_URL": "https://{host}/"},
        secrets={"API_TOKEN": "api_token"},
        secret_mode="extract",
        database="postgres",
        migrate_command=["python", "-m", "app.migrations"],
        redis=True,
        volumes=[
            {"name": "data", "mount": "/data"},
            {"name": "pictures", "kind": "nfs", "mount": "/pictures"},
            {"name": "scratch", "kind": "emptydir", "mount": "/scratch"},
        ],
        backup={"kind": "sqlite", "files": ["/data/index.db"]},
        cronjobs=[{"name": "tidy", "schedule": "@weekly", "args": ["--old"], "migrate": True}],
        carveouts=[{"name": "hooks", "paths": ["/hooks"], "reason": "signed", "probe_path": "/hooks/ping"}],
        lan_host={"host": "everything-home"},
        max_body="1g",
        rate_limit={"average": 50, "burst": 300},
        homepage={"widget": {"type": "customapi", "credentials": {"key": "home_key"}}},
        internal_monitor={"path": "/healthz"},
        outage_page=True,
        network_policy=True,
    ),
    [*VAULT, *HOMES, *SECRETS, *WOODPECKER, *CODE, *INFRA, *DEPLOYMENT],
    [
        VALUES,
        "make /srv/nfs/everything-backup on the file server: backups need the folder to exist",
        "make /srv/nfs/everything/pictures on the file server: a volume needs its folder to exist",
        IMAGE,
        BRANCH,
        BASE,
        ROLE,
        TILE.format(name="everything"),
        STATE.format(stacks="dbaas and vault"),
    ],
    ["cloudflared", "dbaas", "kyverno", "monitoring", "traefik", "uptime-kuma", "everything"],
    [PAGE, AGAIN, f"{DEPLOY}, then open the site"],
    files=FILES | WEB | {"backup.tf", "cronjobs.tf", "network_policy.tf", "secrets.tf", "storage.tf"},
    entries=set(ENTRIES) - {"anubis-doc", "mysql-database", "trusted-image"},
    secrets=DEPLOYED,
    urls=HOME | {"actions", "site"},
    properties=["api_token", "home_key"],
    seeds=("home_key",),
    facts={"redis_index": 0},
)

KINDS = {
    "worker in go": WORKER,
    "cronjob in python": CRONJOB,
    "svelte, public": SVELTE,
    "static behind a proof of work": STATIC,
    "own code, watched by keel": OWN_CODE,
    "without CI": WITHOUT_CI,
    "CI of its own": OWN_CI,
    "upstream worker": UPSTREAM_WORKER,
    "upstream with a widget": WIDGET,
    "everything": EVERYTHING,
}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def given(properties: tuple[str, ...]) -> list[str]:
    """Flags for the properties that nobody can make up."""
    return [word for name in properties for word in ("--seed", f"{name}=env:OF_ANOTHER_SYSTEM")]


def statuses(completed: Completed) -> dict[str, str]:
    return {item["id"]: item["status"] for item in completed.of("step")}


def recorded(world: World, name: str) -> dict[str, Any]:
    """The answers file of the stack on its branch."""
    content = world.infra.bare.file(f"newservice/{name}", f"stacks/{name}/.copier-answers.yml")
    assert content
    answers: dict[str, Any] = yaml.safe_load(content)
    return answers


def checklist(world: World) -> list[str]:
    (pull,) = world.infra.pulls.values()
    tasks = [line.removeprefix("- [ ] ") for line in pull.body.splitlines() if line.startswith("- [ ] ")]
    return [re.sub(r"\\(.)", r"\1", task) for task in tasks]


# --- made, made again, looked at -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", few(2, KINDS.values()), ids=KINDS)
def test_a_service_of_each_kind_gets_what_it_needs_and_nothing_else(
    world: World, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_ANOTHER_SYSTEM", "correct-horse")
    completed = world.run("create", kind.answers, *given(kind.seeds))
    assert completed.result["status"] == "success", completed.out
    # A new registration is trusted with nothing from the start.
    assert statuses(completed) == {
        step: "unchanged" if step in ("woodpecker.settings", "woodpecker.deploy") else "done" for step in kind.steps
    }
    stack = {f"stacks/{kind.name}/{path}" for path in kind.files}
    assert world.asked(kind.name) == {
        "pull requests": [(f"newservice/{kind.name}", "open")],
        "infra commits": 1,
        "infra files": sorted(stack | {ENTRIES[entry] for entry in kind.entries}),
    }
    assert {key: recorded(world, kind.name).get(key) for key in ("redis_index", "anubis_redis_index")} == {
        "redis_index": kind.facts.get("redis_index"),
        "anubis_redis_index": kind.facts.get("anubis_redis_index"),
    }
    before, after = ([line.format(name=kind.name) for line in lines] for lines in (kind.before, kind.after))
    assert checklist(world) == [*before, *after, LAST]
    merging = completed.result["checklist"]
    assert merging["pipeline"] == kind.pipeline
    assert [[task["do"] for task in merging[phase]] for phase in ("before", "after")] == [before, after]
    assert set(completed.result["urls"]) == kind.urls | {"pull_request"}
    following = [line.partition("\n")[0] for line in completed.result["next"]]
    merge = "review and merge the pull request in the infra repository"
    assert following[: following.index(merge)] == before
    assert following[following.index(merge) + 2 : -1] == after
    assert completed.result["next"][-1] == f"check that it is alive: newservice verify {kind.name} --wait"
    assert (sorted(world.sandbox.vault.read(kind.name)) if world.has_secret(kind.name) else []) == kind.properties
    if "service.push" in kind.steps:
        assert_repositories(world, kind)
    else:
        assert {item.system for item in world.sandbox.journal} <= {"forgejo", "vault"}
        assert not (world.folder / kind.name).exists()
    assert_again(world, kind)


def assert_repositories(world: World, kind: Kind) -> None:
    """Both repositories, with exactly the secrets that the workflow needs, and the deployer only where one deploys."""
    there = world.inventory(kind.name)
    tokens = world.sandbox.tokens
    assert there["secrets"] == {name: getattr(tokens, value) for name, value in sorted(kind.secrets.items())}
    deploys = "woodpecker.registration" in kind.steps
    assert there["registrations"] == ([(world.mirror_name(kind.name), True)] if deploys else [])
    assert there["number in workflow"] is deploys
    assert there["same commit"]
    assert there["commits"] == 1
    assert len(there["push mirrors"]) == 1
    public = kind.answers.get("image_visibility") == "public"
    assert {world.canonical(kind.name).private, world.mirror(kind.name).private} == {not public}
    written = {item.path for item in world.canonical(kind.name).bare.entries(world.branch, recursive=True)}
    assert (".woodpecker/deploy.yml" in written) is deploys
    assert (".github/workflows/build.yml" in written) is (kind.answers.get("ci") is not False)
    if not deploys:
        assert "woodpecker" not in {item.system for item in world.sandbox.journal}


def assert_again(world: World, kind: Kind) -> None:
    """The same command does nothing, before the merge and after it, and status finds everything by the name alone."""
    world.sandbox.journal.clear()
    completed = world.command("status", kind.name)
    assert completed.code == 0
    (plan,) = completed.of("plan")
    assert [item["id"] for item in plan["steps"]] == kind.steps
    assert {item["state"] for item in plan["steps"]} == {"present"}
    assert {item["action"] for item in plan["files"]} == {"unchanged"}
    assert {item["id"]: item["action"] for item in plan["registrations"]} == dict.fromkeys(kind.entries, "present")
    for merged in (False, True):
        if merged:
            world.merge(kind.name)
        again = world.run("create", kind.answers)
        assert again.result["status"] == "unchanged"
        assert statuses(again) == dict.fromkeys(kind.steps, "unchanged")
    assert world.sandbox.journal.writes() == []


@full
@fully_both
@pytest.mark.parametrize("kind", few(1, [WORKER, CRONJOB]), ids=["worker", "cronjob"])
def test_a_plan_of_a_kind_is_what_create_does(world: World, kind: Kind) -> None:
    (plan,) = world.run("plan", kind.answers).of("plan")
    completed = world.run("create", kind.answers)
    assert completed.of("plan") == [plan]
    assert [item["id"] for item in plan["steps"]] == kind.steps
    assert completed.code == 0
    assert world.run("create", kind.answers).result["status"] == "unchanged"


@full
@pytest.mark.parametrize("step", few(1, ["service.push", "service.commit", "infra.commit"]))
def test_a_cronjob_whose_making_was_killed_is_continued(world: World, step: str) -> None:
    assert world.kill_after(step, CRONJOB.answers) == -signal.SIGKILL
    assert world.run("create", CRONJOB.answers).code == 0
    assert_repositories(world, CRONJOB)
    assert world.asked(CRONJOB.name)["infra commits"] == 1
    assert_again(world, CRONJOB)


# --- credentials ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "needed"),
    few(
        2,
        [
            (CRONJOB, {"forgejo", "forgejo_git", "github", "slack"}),
            (OWN_CODE, {"forgejo", "forgejo_git", "github", "slack"}),
            (WITHOUT_CI, {"forgejo", "github"}),
            (OWN_CI, {"forgejo", "github", "woodpecker"}),
            (UPSTREAM_WORKER, {"forgejo"}),
            (SVELTE, {"forgejo", "forgejo_git", "github", "slack", "woodpecker"}),
        ],
        apart=True,
    ),
    ids=["cronjob", "keel", "without CI", "CI of its own", "upstream", "deployed"],
)
def test_only_the_credentials_that_a_kind_needs_are_asked_for(
    world: World, monkeypatch: pytest.MonkeyPatch, kind: Kind, needed: set[str]
) -> None:
    for name in world.sandbox.environment:
        monkeypatch.delenv(name)
    completed = world.run("create", kind.answers)
    assert completed.code == 3
    (error,) = completed.of("error")
    assert error["code"] == "credentials.missing"
    assert error["message"] == "missing credentials: " + ", ".join(name for name in ORDER if name in needed)
    assert len(world.sandbox.journal) == 0
    sources = world.platform.connection.credentials
    for name in needed:
        monkeypatch.setenv(sources[name].environment, getattr(world.sandbox.tokens, name))
    assert world.run("create", kind.answers).code == 0


ORDER = ["forgejo", "github", "woodpecker", "forgejo_git", "slack"]


def test_a_widget_needs_vault(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VAULT_TOKEN")
    completed = world.run("create", WIDGET.answers)
    assert completed.code == 3
    (error,) = completed.of("error")
    assert error["code"] == "credentials.missing"
    assert "VAULT_TOKEN" in error["hint"]
    assert world.sandbox.journal.writes() == []


def test_a_widgets_credential_is_never_made_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_ANOTHER_SYSTEM", "correct-horse")
    completed = world.run("create", WIDGET.answers, *given(("home_user",)))
    assert completed.code == 4
    (error,) = completed.of("error")
    assert "lacks home_pass, which can't be made up" in error["message"]
    assert "--seed home_pass=env:VARIABLE" in error["hint"]
    assert world.sandbox.journal.writes() == []
    assert world.run("create", WIDGET.answers, *given(WIDGET.seeds)).code == 0
    assert world.sandbox.vault.read(WIDGET.name) == {"home_pass": "correct-horse", "home_user": "correct-horse"}


# --- what is picked ------------------------------------------------------------------------------------------


def take(world: World, *indexes: int) -> None:
    """Another stack on the default branch has these indexes of Redis."""
    bare = world.infra.bare
    kept = {item.path: bare.blob(item.sha) for item in bare.entries(world.base, recursive=True) if item.kind == "blob"}
    text = "".join(f'locals {{\n  url = "redis://${{var.redis_host}}:6379/{index}"\n}}\n' for index in indexes)
    bare.commit_files(world.base, {**kept, "stacks/other/main.tf": text.encode()}, "other", 1_790_000_000)


@fully_both
def test_a_picked_index_stays_whatever_becomes_free_or_taken(world: World) -> None:
    take(world, 0, 1)
    assert world.run("create", WORKER.answers).code == 0
    assert recorded(world, WORKER.name)["redis_index"] == 2
    take(world, 3)
    assert world.run("create", WORKER.answers).result["status"] == "unchanged"
    take(world, 0, 1, 3)
    assert world.run("create", WORKER.answers).result["status"] == "unchanged"
    assert recorded(world, WORKER.name)["redis_index"] == 2
    assert world.asked(WORKER.name)["pull requests"] == [(f"newservice/{WORKER.name}", "open")]


@full
@fully_both
def test_services_that_wait_for_review_get_different_indexes(world: World) -> None:
    """Those of workers and those of proofs of work are of one Redis."""
    for given in (WORKER.answers, STATIC.answers, {**WORKER.answers, "name": "sorter-two"}):
        assert world.run("create", given).code == 0
    assert recorded(world, WORKER.name)["redis_index"] == 0
    assert recorded(world, STATIC.name)["anubis_redis_index"] == 1
    assert recorded(world, "sorter-two")["redis_index"] == 2
    for given in (WORKER.answers, STATIC.answers, {**WORKER.answers, "name": "sorter-two"}):
        assert world.run("create", given).result["status"] == "unchanged"


# --- files that are made once ----------------------------------------------------------------------------------

OURS = b"# our own\n"


def edit(world: World, repository: Any, branch: str, path: str, content: bytes = OURS) -> None:
    bare = repository.bare
    kept = {item.path: bare.blob(item.sha) for item in bare.entries(branch, recursive=True) if item.kind == "blob"}
    bare.commit_files(branch, {**kept, path: content}, "by hand", 1_790_000_000)


@full
@pytest.mark.parametrize("merged", few(1, [False, True]), ids=["on the branch", "after the merge"])
def test_what_is_written_into_extra_tf_stays(world: World, merged: bool) -> None:
    world.run("create", CRONJOB.answers)
    path = f"stacks/{CRONJOB.name}/extra.tf"
    if merged:
        world.merge(CRONJOB.name)
    branch = world.base if merged else f"newservice/{CRONJOB.name}"
    edit(world, world.infra, branch, path)
    completed = world.run("create", CRONJOB.answers)
    assert completed.result["status"] == "unchanged", completed.out
    (plan,) = completed.of("plan")
    assert {item["path"]: item["action"] for item in plan["files"]}[path] == "unchanged"
    assert "edited" not in {item["id"]: item["summary"] for item in plan["steps"]}["infra.commit"]
    # A repair beside it leaves it alone as well.
    edit(world, world.infra, branch, ENTRIES["ci-doc"], _without(world, ENTRIES["ci-doc"], branch))
    assert statuses(world.run("create", CRONJOB.answers))["infra.commit"] == "done"
    assert world.infra.bare.file(f"newservice/{CRONJOB.name}", path) == OURS


def _without(world: World, path: str, branch: str) -> bytes:
    content = world.infra.bare.file(branch, path) or b""
    assert f", {CRONJOB.name}".encode() in content
    return content.replace(f", {CRONJOB.name}".encode(), b"")


def test_a_test_script_of_its_own_stays(world: World) -> None:
    """Before the first push as well: a folder with it is still as it was rendered."""
    world.run("create", OWN_CODE.answers, "--no-provision")
    script = world.folder / OWN_CODE.name / "scripts" / "test"
    assert script.stat().st_mode & 0o111
    script.write_bytes(b"#!/bin/sh\nexec true\n")
    completed = world.run("create", OWN_CODE.answers)
    assert completed.result["status"] == "success", completed.out
    there = world.canonical(OWN_CODE.name).bare.file(world.branch, "scripts/test")
    assert there == b"#!/bin/sh\nexec true\n"
    assert world.run("create", OWN_CODE.answers).result["status"] == "unchanged"


# --- files only ------------------------------------------------------------------------------------------------


@every_kind
def test_files_of_each_kind_twice(desk: Desk, kind: Kind) -> None:
    completed = desk.create(kind.answers)
    assert completed.result["status"] == "success", completed.out
    stack = desk.infra / "stacks" / kind.name
    assert {path.relative_to(stack).as_posix() for path in stack.rglob("*") if path.is_file()} == kind.files
    assert set(desk.changed()) == {f"stacks/{kind.name}/{path}" for path in kind.files} | {
        ENTRIES[entry] for entry in kind.entries
    }
    assert desk.service.exists() is ("service.push" in kind.steps)
    assert set(completed.result["urls"]) == {"stack"} | ({"repository"} if desk.service.exists() else set())
    commit_all(desk.infra, "feat: the stack")
    (stack / "extra.tf").write_bytes(OURS)
    assert desk.create(kind.answers).result["status"] == "unchanged"
    assert (stack / "extra.tf").read_bytes() == OURS
    assert desk.changed() == [f"stacks/{kind.name}/extra.tf"]
