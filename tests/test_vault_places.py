"""Secrets go to the mount and the namespace that are meant, or nowhere: what is refused writes nothing, anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.platform.profile import load_platform
from generator.sandbox.messages import Request, Response
from generator.sandbox.vault import Token
from tests.answers import TEMPLATE, UPSTREAM
from tests.full import few
from tests.test_apply import apply, moved, plan
from tests.test_remove import remove
from tests.world import Completed, World

NAME = str(UPSTREAM["name"])
SERVICE = {**UPSTREAM, "secrets": {"API_TOKEN": "api_token"}}
MOUNTS = "/v1/sys/internal/ui/mounts/"


def profile(world: World, **changes: Any) -> None:
    """Change the sandbox's profile: maps are merged, one level deep."""
    data = yaml.safe_load(world.sandbox.profile.read_text())
    for key, value in changes.items():
        data[key] = {**data.get(key, {}), **value}
    world.sandbox.profile.write_text(yaml.safe_dump(data))


def credential_at(world: World, name: str, vault: str) -> None:
    """Say where in Vault a credential is."""
    source = world.platform.connection.credentials[name]
    data = yaml.safe_load(world.sandbox.profile.read_text())
    entry = {"environment": source.environment, "vault": vault}
    data["connection"].setdefault("credentials", {})[name] = entry
    world.sandbox.profile.write_text(yaml.safe_dump(data))


@pytest.fixture
def team(world: World) -> World:
    """A Vault with the namespaces ``team`` and ``a/b``, each with its mount ``secret``."""
    for name in ("team", "a/b"):
        world.sandbox.vault.namespace(name).mount("secret")
    return world


@contextmanager
def nothing_written(world: World) -> Iterator[None]:
    """Nothing changes on any system, and in no mount of any namespace of Vault."""
    world.sandbox.journal.clear()
    before = world.sandbox.vault.stored()
    yield
    assert world.sandbox.vault.stored() == before
    assert world.sandbox.journal.writes() == []
    assert not world.infra.pulls


def error(completed: Completed) -> dict[str, Any]:
    (found,) = completed.of("error")
    return dict(found)


def refused(world: World, code: str, *words: str) -> None:
    """Every command that has to do with the service's secrets refuses, with one code and a way out."""
    with nothing_written(world):
        for command in ("plan", "create"):
            completed = world.run(command, SERVICE)
            assert (completed.code, error(completed)["code"]) == (3, code), completed.out
            text = f"{error(completed)['message']} {error(completed)['hint']}"
            assert all(word in text for word in words), text
            assert error(completed)["hint"]
        completed = remove(world, NAME, "--answers", str(world.answers(SERVICE)), "--yes")
        assert (completed.code, error(completed)["code"]) == (3, code), completed.out
        completed = looked(world, "status")
        assert (completed.code, completed.of("plan")[0]["steps"][0]["state"]) == (3, "unknown"), completed.out
        check = next(item for item in looked(world, "verify").of("check") if item["id"] == "vault.secrets")
        assert (check["state"], *(word in check["summary"] + check["hint"] for word in words)) == (
            "unknown",
            *(True for _ in words),
        )


def looked(world: World, command: str) -> Completed:
    """What status or verify says of the service."""
    return world.command(command, NAME, "--answers", str(world.answers(SERVICE)))


def checks(world: World) -> dict[str, dict[str, Any]]:
    """What doctor says, by the check's id."""
    return {item["id"]: item for item in world.command("doctor").of("check")}


def written(world: World, before: dict[str, Any]) -> set[str]:
    """What Vault stores now and did not before, in any namespace."""
    return {path for path, value in world.sandbox.vault.stored().items() if before.get(path) != value}


def intercept(world: World, path: str, then: Callable[[], object]) -> None:
    """Do something right after the first answer to a request for ``path``."""
    left = [then]

    def answer(request: Request) -> Response:
        response = world.sandbox.vault(request)
        if path in request.path and left:
            left.pop()()
        return response

    world.sandbox.lead_to("vault", answer)


# --- namespaces --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "namespace"),
    few(1, [("team", "team"), ("team/", "team"), ("/team", "team"), ("a/b", "a/b"), ("a/b/", "a/b")], apart=True),
)
def test_values_go_to_the_namespace_of_the_environment(
    team: World, named: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_NAMESPACE", named)
    before = team.sandbox.vault.stored()
    completed = team.run("create", SERVICE)
    assert completed.code == 0, completed.out
    assert written(team, before) == {f"{namespace}: secret/{NAME}"}
    (step,) = [item for item in completed.of("plan")[0]["steps"] if item["id"] == "vault.secrets"]
    assert f"secret/{NAME} in namespace {namespace}: api_token" in step["summary"]
    assert team.run("create", SERVICE).result["status"] == "unchanged"


def test_values_go_to_the_namespace_of_the_profile(team: World) -> None:
    """Every command looks there, says so, and shows commands that lead there."""
    profile(team, vault={"namespace": "team/"})
    before = team.sandbox.vault.stored()
    completed = team.run("create", SERVICE, "--seed", "api_token=later")
    assert completed.code == 0, completed.out
    assert written(team, before) == {f"team: secret/{NAME}"}
    assert f"`vault kv patch -namespace=team secret/{NAME} api_token=-`" in completed.result["next"][0]
    (mounted,) = [item for item in completed.result["next"] if item.startswith("look at secret/")]
    assert "namespace team" in mounted
    team.sandbox.vault.namespace("team").mounts["secret"].write(NAME, {"api_token": "by hand"})  # type: ignore[attr-defined]
    for command in ("status", "verify"):
        shown = looked(team, command).out
        assert f"secret/{NAME} in namespace team has api_token" in shown
    assert checks(team)["vault.mount"]["summary"] == "secret/ in namespace team is KV version 2"
    assert written(team, before) == {f"team: secret/{NAME}"}


def test_remove_takes_them_out_of_their_namespace(team: World, monkeypatch: pytest.MonkeyPatch) -> None:
    team.sandbox.vault.write(NAME, {"api_token": "of the root namespace"})
    monkeypatch.setenv("VAULT_NAMESPACE", "team")
    assert team.run("create", SERVICE).code == 0
    completed = remove(team, NAME, "--answers", str(team.answers(SERVICE)), "--yes")
    assert completed.code == 0, completed.out
    assert any(f"undelete -versions=1 -namespace=team secret/{NAME}" in line for line in completed.result["next"])
    held: Any = team.sandbox.vault.namespace("team").mounts["secret"]
    assert held.secrets[NAME][-1].deleted
    assert team.sandbox.vault.read(NAME) == {"api_token": "of the root namespace"}


@pytest.mark.parametrize("namespace", ["team", "a/b"])
def test_credentials_are_read_in_the_namespace(team: World, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    held: Any = team.sandbox.vault.namespace(namespace).mounts["secret"]
    held.write("viktor", {"forgejo_token": team.sandbox.tokens.forgejo})
    team.sandbox.vault.write("viktor", {"forgejo_token": "of-another-forge"})
    monkeypatch.delenv("FORGEJO_TOKEN")
    monkeypatch.setenv("VAULT_NAMESPACE", namespace)
    completed = team.run("plan", SERVICE)
    assert completed.code == 0, completed.out
    assert checks(team)["forgejo.token"]["summary"].endswith(f"secret/viktor#forgejo_token in namespace {namespace}")
    monkeypatch.delenv("VAULT_NAMESPACE")
    assert team.run("plan", SERVICE).code == 3


def test_a_token_of_a_namespace_works_there_alone(team: World, monkeypatch: pytest.MonkeyPatch) -> None:
    team.sandbox.vault.tokens = {team.sandbox.tokens.vault: Token(namespace="team")}
    with nothing_written(team):
        assert team.run("create", SERVICE).code == 3
    monkeypatch.setenv("VAULT_NAMESPACE", "team")
    completed = team.run("create", SERVICE)
    assert completed.code == 0, completed.out
    assert not [check for name, check in checks(team).items() if name.startswith("vault.") and check["state"] != "ok"]


def test_every_request_carries_the_namespace(team: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look-up, capabilities, reading, writing, notes and deleting; health belongs to no namespace."""
    seen: list[tuple[str, str]] = []

    def record(request: Request) -> Response:
        seen.append((request.path, request.header("x-vault-namespace")))
        return team.sandbox.vault(request)

    team.sandbox.lead_to("vault", record)
    monkeypatch.setenv("VAULT_NAMESPACE", "team")
    assert team.run("create", SERVICE).code == 0
    assert team.command("doctor").code == 0
    assert remove(team, NAME, "--answers", str(team.answers(SERVICE)), "--yes").code == 0
    asked = {path for path, _ in seen}
    for part in ("lookup-self", "capabilities-self", "/secret/data/", "/secret/metadata/", "/secret/delete/", MOUNTS):
        assert any(part in path for path in asked), part
    without = {path for path, namespace in seen if namespace != "team"}
    assert {path for path in without if not path.startswith(MOUNTS)} == {"/v1/sys/health"}


@pytest.mark.parametrize("named", few(1, ["team", "a/b", "root", "/"]))
def test_two_namespaces_are_one_too_many(team: World, named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    profile(team, vault={"namespace": "platform"})
    team.sandbox.vault.namespace("platform").mount("secret")
    monkeypatch.setenv("VAULT_NAMESPACE", named)
    shown = "root" if named in ("root", "/") else named
    with nothing_written(team):
        for completed in (team.run("plan", SERVICE), team.run("create", SERVICE), looked(team, "verify")):
            assert (completed.code, error(completed)["code"]) == (3, "vault.namespace"), completed.out
            assert f"VAULT_NAMESPACE is {shown}," in error(completed)["message"]
            assert "vault.namespace is platform" in error(completed)["message"]
        assert team.sandbox.journal.find("vault") == []
        failed = checks(team)["vault.token"]
    assert failed["state"] == "failed"
    assert "vault.namespace is platform" in failed["summary"]


@pytest.mark.parametrize("named", ["platform", "platform/"])
def test_the_same_namespace_twice_is_one(team: World, named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    profile(team, vault={"namespace": "platform"})
    team.sandbox.vault.namespace("platform").mount("secret")
    monkeypatch.setenv("VAULT_NAMESPACE", named)
    assert team.run("plan", SERVICE).code == 0


def test_the_root_namespace_may_be_named(team: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_NAMESPACE", "root")
    assert team.run("create", SERVICE).code == 0
    assert team.sandbox.vault.read(NAME)


@pytest.mark.parametrize("named", ["te am", "team\n", "a//b", "té"])
def test_a_namespace_that_is_none(team: World, named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_NAMESPACE", named)
    refused_reported(team, "vault.namespace", "VAULT_NAMESPACE is not a namespace")


def refused_reported(world: World, code: str, *words: str) -> None:
    with nothing_written(world):
        completed = world.run("create", SERVICE)
    assert (completed.code, error(completed)["code"]) == (3, code), completed.out
    assert all(word in error(completed)["message"] for word in words), error(completed)


@pytest.mark.parametrize("named", few(1, ["nobody", "team/nobody"]))
def test_a_namespace_that_vault_does_not_know(team: World, named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_NAMESPACE", named)
    refused(team, "vault.namespace", f"does not know the namespace {named}", "vault namespace list")
    assert checks(team)["vault.mount"]["state"] == "failed"


def test_a_namespace_without_the_mount(team: World, monkeypatch: pytest.MonkeyPatch) -> None:
    team.sandbox.vault.namespace("bare")
    monkeypatch.setenv("VAULT_NAMESPACE", "bare")
    refused(team, "vault.mount", f"secret/{NAME} in namespace bare")


@pytest.mark.parametrize("where", few(1, ["environment", "profile"]))
def test_a_vault_that_passes_over_namespaces(team: World, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vault's Community Edition: it would store the value in its one namespace, and report success."""
    team.sandbox.vault.community = True
    if where == "profile":
        profile(team, vault={"namespace": "team"})
    else:
        monkeypatch.setenv("VAULT_NAMESPACE", "team")
    refused(team, "vault.namespace", "ignores the namespace team", "root namespace", "unset VAULT_NAMESPACE")
    assert "ignores the namespace team" in checks(team)["vault.mount"]["summary"]


def test_a_vault_that_passes_over_namespaces_gives_no_credentials(team: World, monkeypatch: pytest.MonkeyPatch) -> None:
    team.sandbox.vault.community = True
    monkeypatch.delenv("FORGEJO_TOKEN")
    monkeypatch.setenv("VAULT_NAMESPACE", "team")
    refused_reported(team, "credentials.vault", "ignores the namespace team")


def test_who_needs_nothing_of_vault_is_not_asked_for_a_namespace(team: World, monkeypatch: pytest.MonkeyPatch) -> None:
    profile(team, vault={"namespace": "platform"})
    monkeypatch.setenv("VAULT_NAMESPACE", "team")
    assert team.run("plan", UPSTREAM).code == 0
    assert team.sandbox.journal.find("vault") == []


def test_a_kept_plan_is_carried_out_in_its_namespace_alone(team: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_NAMESPACE", "team")
    kept = plan(team, SERVICE)
    before = team.sandbox.vault.stored()
    monkeypatch.setenv("VAULT_NAMESPACE", "a/b")
    assert "VAULT_NAMESPACE differs: a/b, was team" in moved(team, kept)
    monkeypatch.delenv("VAULT_NAMESPACE")
    assert "VAULT_NAMESPACE differs: not set, was team" in moved(team, kept)
    assert written(team, before) == set()
    monkeypatch.setenv("VAULT_NAMESPACE", "team/")
    completed = apply(team, kept)
    assert completed.code == 0, completed.out
    assert written(team, before) == {f"team: secret/{NAME}"}


def test_a_kept_plan_notices_another_namespace_of_the_profile(team: World) -> None:
    kept = plan(team, SERVICE)
    profile(team, vault={"namespace": "team"})
    assert "vault.namespace differs: team" in moved(team, kept)


def test_the_sandbox_is_not_led_to_a_persons_namespace(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_NAMESPACE", "team")
    completed = world.tell(["plan", "--answers", str(world.answers(SERVICE)), "--sandbox", "--json"])
    assert completed.code == 0, completed.out


def test_the_sandbox_has_the_namespace_of_its_profile(tmp_path: Path) -> None:
    from generator.sandbox import Sandbox

    (tmp_path / "own.yml").write_text("vault: {mount: team/kv, namespace: a/b}\n")
    with Sandbox.start(tmp_path / "platform", profile=tmp_path / "own.yml") as sandbox:
        assert load_platform(TEMPLATE.platform, sandbox.profile).vault.namespace == "a/b"
        stored = sandbox.vault.stored()
    assert set(stored) == {"a/b: secret/viktor", "a/b: secret/ci/global"}


# --- mounts that are no place for a secret -----------------------------------------------------------------


@pytest.mark.parametrize(
    "options", few(1, [{"version": "1"}, None, {}, {"version": None}]), ids=["version 1", "null", "empty", "no version"]
)
def test_kv_version_1_gets_nothing(world: World, options: Any) -> None:
    """As mounted by the command, and by the API without options."""
    world.sandbox.vault.mount("kv1", version=1).options = options
    profile(world, vault={"mount": "kv1"})
    refused(world, "vault.kv_version", f"kv1/{NAME} leads to kv1/", "KV version 1", "vault kv enable-versioning kv1/")
    failed = checks(world)
    assert (failed["vault.mount"]["state"], failed["vault.scopes"]["state"]) == ("failed", "unknown")
    assert "KV version 1" in failed["vault.mount"]["summary"]
    assert world.sandbox.vault.stored().keys() >= {"secret/viktor"}
    assert not [path for path in world.sandbox.vault.stored() if path.startswith("kv1/")]


def test_kv_version_1_below_a_name_with_a_slash_and_in_a_namespace(
    team: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    team.sandbox.vault.namespace("team").mount("old/kv", version=1)
    profile(team, vault={"mount": "old/kv"})
    monkeypatch.setenv("VAULT_NAMESPACE", "team")
    flags = "vault kv enable-versioning -namespace=team old/kv/"
    refused(team, "vault.kv_version", f"old/kv/{NAME} in namespace team leads to old/kv/", flags)


@pytest.mark.parametrize("kind", few(1, ["cubbyhole", "ssh", "generic", "transit"]))
def test_another_engine_gets_nothing(world: World, kind: str) -> None:
    """A cubbyhole would take whatever it is sent; it is mounted in every Vault."""
    if kind != "cubbyhole":
        world.sandbox.vault.mount(kind, kind=kind)
    profile(world, vault={"mount": kind})
    if kind == "generic":
        refused(world, "vault.kv_version", "KV version 1")
    else:
        refused(world, "vault.engine", f"of type {kind}, not KV", "vault.mount")
    assert checks(world)["vault.mount"]["state"] == "failed"


@pytest.mark.parametrize("mount", few(1, ["nope", "team/nope", "secre", "secrets"]))
def test_a_mount_that_does_not_exist_is_reported_before_anything_is_written(world: World, mount: str) -> None:
    profile(world, vault={"mount": mount})
    words = ("nothing is mounted", "or the token in VAULT_TOKEN may not see it", "vault secrets list", "capabilities")
    refused(world, "vault.mount", f"{mount}/{NAME}", *words)
    assert checks(world)["vault.mount"]["state"] == "failed"


@pytest.mark.parametrize(
    "rules",
    few(1, [{"kv/*": set(), "*": {"read"}}, {"secret/*": {"create", "read", "update"}}]),
    ids=["denied", "not mentioned"],
)
def test_a_mount_that_the_token_may_not_see(world: World, rules: dict[str, set[str]]) -> None:
    world.sandbox.vault.mount("kv")
    world.sandbox.vault.tokens[world.sandbox.tokens.vault] = Token(rules=rules)
    profile(world, vault={"mount": "kv"})
    refused(world, "vault.mount", "may not see it", '"create", "read", "update"')


def test_one_path_is_enough_to_see_its_mount(world: World) -> None:
    rules = {f"secret/{kind}/{NAME}": {"create", "read", "update"} for kind in ("data", "metadata")}
    world.sandbox.vault.tokens[world.sandbox.tokens.vault] = Token(rules=rules)
    completed = world.run("create", SERVICE)
    assert completed.code == 0, completed.out
    assert world.sandbox.vault.read(NAME)


@pytest.mark.parametrize(
    ("mount", "at", "words"),
    few(
        2,
        [
            ({"path": "kv1", "version": 1}, "kv1/me#token", "KV version 1"),
            ({"path": "old/kv", "version": 1}, "old/kv/ci/global#token", "KV version 1"),
            ({"path": "ssh", "kind": "ssh"}, "ssh/me#token", "type ssh"),
            ({"path": "kv"}, "nope/me#token", "nothing is mounted"),
            ({"path": "team/kv"}, "team/me#token", "nothing is mounted"),
            ({"path": "team/kv"}, "team/kv#token", "a mount and not a secret in it"),
        ],
        apart=True,
    ),
)
def test_credentials_come_from_kv_version_2_alone(
    world: World, mount: dict[str, Any], at: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is stored there under the words of version 2 is no credential."""
    engine: Any = world.sandbox.vault.mount(**mount)
    if mount.get("version") == 1:
        engine.values["data/me"] = {"data": {"token": "junk"}, "metadata": {"version": 1}}
    credential_at(world, "forgejo", at)
    monkeypatch.delenv("FORGEJO_TOKEN")
    refused_reported(world, "credentials.vault", "forgejo could not be read", words)
    assert words in checks(world)["forgejo.token"]["summary"]


# --- what changes in between -------------------------------------------------------------------------------


def _gone(world: World) -> None:
    world.sandbox.vault.unmount("kv")


def _older(world: World) -> None:
    world.sandbox.vault.unmount("kv")
    world.sandbox.vault.mount("kv", version=1)


@pytest.mark.parametrize(
    ("change", "code"), [(_gone, "vault.mount"), (_older, "vault.kv_version")], ids=["gone", "version 1 now"]
)
def test_a_mount_that_changes_after_the_look_stops_create_before_its_first_write(
    world: World, change: Callable[[World], None], code: str
) -> None:
    """In the same run: what the plan has seen of the mount is asked again before anything is written anywhere."""
    world.sandbox.vault.mount("kv")
    profile(world, vault={"mount": "kv"})
    intercept(world, f"/v1/kv/data/{NAME}", lambda: change(world))
    with nothing_written(world):
        completed = world.run("create", SERVICE)
        assert (completed.code, error(completed)["code"]) == (3, code), completed.out


@pytest.mark.parametrize("change", [_gone, _older], ids=["gone", "version 1 now"])
def test_a_mount_that_changes_after_a_kept_plan(world: World, change: Callable[[World], None]) -> None:
    world.sandbox.vault.mount("kv")
    profile(world, vault={"mount": "kv"})
    kept = plan(world, SERVICE)
    change(world)
    with nothing_written(world):
        completed = apply(world, kept)
    assert completed.code == 3, completed.out


def test_a_mount_that_vanishes_between_the_question_and_the_look_is_no_empty_secret(world: World) -> None:
    world.sandbox.vault.mount("kv")
    profile(world, vault={"mount": "kv"})
    intercept(world, MOUNTS, lambda: _gone(world))
    with nothing_written(world):
        completed = world.run("create", SERVICE)
        assert completed.code == 3, completed.out
        assert error(completed)["code"] in ("vault.failed", "vault.mount")  # both are asked at the same time


# --- names with slashes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mount", "others"),
    few(
        2,
        [
            ("team/kv", ()),
            ("team/kv", ("team/kv2", "team-kv", "kv")),
            ("team/kv2", ("team/kv",)),
            ("kv", ("kv-team", "kv2")),
            ("kv-team", ("kv",)),
            ("a/b/c/d", ("a/b/c/e",)),
        ],
        apart=True,
    ),
)
def test_values_go_below_the_whole_name_of_the_mount(world: World, mount: str, others: tuple[str, ...]) -> None:
    for name in (mount, *others):
        world.sandbox.vault.mount(name)
    profile(world, vault={"mount": mount})
    before = world.sandbox.vault.stored()
    completed = world.run("create", SERVICE)
    assert completed.code == 0, completed.out
    assert written(world, before) == {f"{mount}/{NAME}"}
    assert world.run("create", SERVICE).result["status"] == "unchanged"
    shown = next(item for item in looked(world, "verify").of("check") if item["id"] == "vault.secrets")
    assert (shown["state"], shown["summary"]) == ("ok", f"{mount}/{NAME} has api_token")
    assert checks(world)["vault.mount"]["summary"] == f"{mount}/ is KV version 2"
    completed = remove(world, NAME, "--answers", str(world.answers(SERVICE)), "--yes")
    assert completed.code == 0, completed.out
    engine: Any = world.sandbox.vault.namespace("").mounts[mount]
    assert engine.secrets[NAME][-1].deleted


@pytest.mark.parametrize(
    ("mount", "path", "name"),
    few(
        1,
        [
            ("team/kv", "ci/global", "token"),
            ("team/kv", "me", "token"),
            ("a/b/c", "d/e/f", "token"),
            ("kv", "ci/global", "a/b"),
            ("kv", "50%25/a?b", "token"),
        ],
        apart=True,
    ),
)
def test_credentials_below_a_name_with_slashes(
    world: World, mount: str, path: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address is built from the mount's whole name; nothing of a path is taken for a query or an escape."""
    engine: Any = world.sandbox.vault.mount(mount)
    engine.write(path, {name: world.sandbox.tokens.forgejo})
    credential_at(world, "forgejo", f"{mount}/{path}#{name}")
    monkeypatch.delenv("FORGEJO_TOKEN")
    completed = world.run("plan", SERVICE)
    assert completed.code == 0, completed.out
    assert checks(world)["forgejo.token"]["state"] == "ok"


def test_each_mount_is_asked_for_a_few_times(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many secrets are read from it: for the recorded answers and for the plan, and before the first write."""
    for name in ("FORGEJO_TOKEN", "GITHUB_TOKEN", "WOODPECKER_TOKEN"):
        monkeypatch.delenv(name)
    world.sandbox.journal.clear()
    assert world.run("plan", SERVICE).code == 0
    assert len(world.sandbox.journal.find("vault", "GET", MOUNTS)) == 2
    world.sandbox.journal.clear()
    assert world.run("create", SERVICE).code == 0
    assert len(world.sandbox.journal.find("vault", "GET", MOUNTS)) == 3
