"""Leaks of four kinds, each with attacks that nobody has met: what is private stays so, tokens and values go where they
are meant to go, and no command ends in silence. More of the same: ``test_visibility``, ``test_git_network``,
``test_vault_places``, ``test_endings``, ``test_broken_clones``."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from generator.mcp.server import Settings
from generator.sandbox.messages import Request, Response
from tests.checkout import git
from tests.eavesdropper import eavesdropper
from tests.full import few
from tests.processes import failing_git
from tests.test_apply import apply, plan
from tests.test_broken_clones import Workshop
from tests.test_git_network import Yard
from tests.test_mcp import Agent, talk
from tests.test_vault_places import NAME as HOLDER
from tests.test_vault_places import SERVICE, profile, written
from tests.test_visibility import NAME, PUBLIC, Event, Scene
from tests.world import Completed, World

# --- what is private stays private ----------------------------------------------------------------------------

Attack = Callable[[Scene], object]


def _closed(scene: Scene) -> None:
    """A person closed the repository and deleted the mirror."""
    scene.close("forgejo")
    scene.delete("github")


def through_an_agent(scene: Scene) -> None:
    _closed(scene)
    world = scene.world

    async def wish(agent: Agent) -> None:
        folder = str(world.folder / NAME)
        done = await agent.call("create", answers=PUBLIC, service_dir=folder)
        assert done["result"]["exit_code"] == 0, done

    talk(Settings(str(world.sandbox.profile), str(world.sandbox.infra), allow_writes=True), wish)


def through_a_change(scene: Scene) -> None:
    scene.world.merge(NAME)
    _closed(scene)
    assert scene.world.command("change", NAME, "--yes", "--set", "description=Keeps other notes").code in (0, 3, 4)
    scene.create()


def through_the_recorded_answers(scene: Scene) -> None:
    scene.world.merge(NAME)
    _closed(scene)
    scene.world.command("create", NAME, "--yes", "--service-dir", str(scene.world.folder / NAME))


def closed_while_it_is_archived(scene: Scene) -> None:
    _closed(scene)
    scene.world.canonical(NAME).archived = True
    scene.world.run("create", PUBLIC)


def mirror_under_a_new_name(scene: Scene) -> None:
    """Renamed on GitHub, where the old name leads on to it."""
    scene.close("forgejo")
    mirrors = scene.world.sandbox.github.repositories
    mirror = mirrors.pop(scene.world.mirror_name(NAME).lower())
    mirror.name = "elsewhere"
    mirrors[mirror.full_name.lower()] = mirror
    scene.world.run("create", PUBLIC)


def mirror_of_another_case(scene: Scene) -> None:
    scene.close("forgejo")
    scene.world.mirror(NAME).name = NAME.upper()
    scene.create()


def only_the_owner_is_hidden(scene: Scene) -> None:
    scene.delete("github")
    scene.world.sandbox.forgejo.visibilities[scene.world.platform.forgejo.owner] = "private"
    scene.create()


def closed_when_the_mirror_is_there_already(scene: Scene) -> None:
    scene.delete("github")
    scene.events.append(Event("github", "POST", "/user/repos$", lambda: scene.close("forgejo"), after=True))
    scene.world.run("create", PUBLIC)
    scene.create()


def opened_by_github_again_and_again(scene: Scene) -> None:
    """A rule of GitHub's opens whatever newservice closes."""
    scene.close("forgejo")
    github, canonical = scene.world.sandbox.github, scene.world.canonical(NAME)
    canonical.mirrors.clear()
    canonical.bare.commit_files(scene.world.branch, {"NOTE": b"private\n"}, "a private note", 1_790_000_000)
    before = scene.world.mirror(NAME).bare.references()

    def answer(request: Request) -> Response:
        response = github(request)
        if request.method == "PATCH":
            scene.world.mirror(NAME).private = False
        return response

    scene.world.sandbox.lead_to("github", answer)
    assert scene.world.run("create", PUBLIC).code == 5
    assert scene.world.mirror(NAME).bare.references() == before
    scene.world.mirror(NAME).private = True


def answered_in_other_words(scene: Scene) -> None:
    """A forge that says "true" as a text says nothing that can be relied on."""
    _closed(scene)
    forgejo = scene.world.sandbox.forgejo

    def answer(request: Request) -> Response:
        response = forgejo(request)
        if request.method == "GET" and request.path.endswith(f"/{NAME}") and response.status == 200:
            document = {**json.loads(response.body), "private": "true"}
            return replace(response, body=json.dumps(document).encode())
        return response

    scene.world.sandbox.lead_to("forgejo", answer)
    assert scene.world.run("create", PUBLIC).code != 0
    assert list(scene.copies()) == ["forgejo"]


def wanted_public_by_the_update_of_its_answers(scene: Scene) -> None:
    _closed(scene)
    given = {**PUBLIC, "description": "Keeps notes for everybody", "image_visibility": "public"}
    scene.world.run("create", given)
    scene.create()


CLOSED: list[Attack] = [
    through_an_agent,
    through_a_change,
    through_the_recorded_answers,
    opened_by_github_again_and_again,
    closed_while_it_is_archived,
    mirror_under_a_new_name,
    mirror_of_another_case,
    only_the_owner_is_hidden,
    closed_when_the_mirror_is_there_already,
    answered_in_other_words,
    wanted_public_by_the_update_of_its_answers,
]


@pytest.mark.parametrize("attack", few(3, CLOSED), ids=lambda item: getattr(item, "__name__", ""))
def test_no_copy_is_more_public_than_the_other(world: World, attack: Attack) -> None:
    """The service is public; then a copy is closed."""
    world.have(PUBLIC)
    scene = Scene(world)
    assert scene.private == {"forgejo": False, "github": False}
    attack(scene)
    assert scene.leaks == []  # pushes on the way
    assert world.sandbox.forgejo.visibilities or scene.copies()["forgejo"].private
    assert all(copy.private for where, copy in scene.copies().items() if where == "github"), scene.private


# --- the token goes to the forge alone ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    few(
        2,
        [
            {"http.{url}.proxySSLCAInfo": "{ca}", "http.{url}.proxy": "{proxy}", "http.sslCAInfo": "{ca}"},
            {"remote.origin.pushurl": "{middle}/x.git", "url.{middle}/.insteadOf": "https://", "http.sslVerify": "0"},
        ],
    ),
)
def test_no_setting_of_a_clone_leads_the_token_away(world: World, settings: dict[str, str]) -> None:
    with eavesdropper(world.folder / "middle", "forgejo.sandbox.test", world.sandbox.port) as middle:
        yard = Yard(world.sandbox, world.sandbox.infra, middle, world.folder)
        words = {"url": yard.url, "ca": middle.ca_file, "proxy": middle.proxy, "middle": middle.url}
        for name, value in settings.items():
            git(yard.clone, "config", name.format(**words), value.format(**words))
        yard.works()
        assert middle.heard == []


# --- values go where they are meant to go ---------------------------------------------------------------------

Misled = Callable[[World], Completed]
HERE = f"secret/{HOLDER}"


def addressed_elsewhere(world: World) -> Completed:
    """Variables of other programs; ``VAULT_ADDR`` alone counts."""
    for name in ("VAULT_AGENT_ADDR", "BAO_ADDR", "VAULT_PROXY_ADDR"):
        world.monkeypatch.setenv(name, "https://vault.of-others.test:8200")
    world.monkeypatch.setenv("VAULT_SKIP_VERIFY", "true")
    return world.run("create", SERVICE)


def another_namespace_variable(world: World) -> Completed:
    """OpenBao's variable is one of another program."""
    world.monkeypatch.setenv("BAO_NAMESPACE", "team")
    return world.run("create", SERVICE)


def _redirecting(world: World, status: int, place: str) -> Completed:
    def answer(request: Request) -> Response:
        if request.method not in ("GET", "HEAD", "LIST"):
            return Response(status, headers={"Location": place})
        return world.sandbox.vault(request)

    world.sandbox.lead_to("vault", answer)
    return world.run("create", SERVICE)


def a_write_led_to_another_server(world: World) -> Completed:
    return _redirecting(world, 307, f"{world.sandbox.urls['github']}/v1/secret/data/{HOLDER}")


def a_write_led_to_another_path(world: World) -> Completed:
    return _redirecting(world, 308, "/v1/secret/data/of-others")


def the_namespace_changes_before_a_push(world: World) -> Completed:
    """A value is replaced where it is, or nowhere: not in a namespace that holds no such secret."""
    assert world.run("create", SERVICE).code == 0
    world.monkeypatch.setenv("VAULT_NAMESPACE", "team")
    world.monkeypatch.setenv("NEW_VALUE", "a new value, long enough")
    return world.command("secrets", "push", HOLDER, "--yes", "--replace", "api_token=env:NEW_VALUE")


def a_mount_that_differs_in_case(world: World) -> Completed:
    world.sandbox.vault.mount("Secret")
    profile(world, vault={"mount": "Secret"})
    world.sandbox.vault.unmount("Secret")
    return world.run("create", SERVICE)


def a_mount_that_is_said_to_be_another(world: World) -> Completed:
    def answer(request: Request) -> Response:
        response = world.sandbox.vault(request)
        if "/sys/internal/ui/mounts/" in request.path and response.status == 200:
            document = json.loads(response.body)
            document["data"]["path"] = "other/"
            return replace(response, body=json.dumps(document).encode())
        return response

    world.sandbox.lead_to("vault", answer)
    return world.run("create", SERVICE)


def an_empty_namespace(world: World) -> Completed:
    world.monkeypatch.setenv("VAULT_NAMESPACE", "")
    return world.run("create", SERVICE)


def a_namespace_that_climbs(world: World) -> Completed:
    world.monkeypatch.setenv("VAULT_NAMESPACE", "team/../a")
    return world.run("create", SERVICE)


def a_namespace_that_ends_the_header(world: World) -> Completed:
    world.monkeypatch.setenv("VAULT_NAMESPACE", "team\r\nX-Vault-Token: of-others")
    return world.run("create", SERVICE)


def a_removal_in_another_namespace(world: World) -> Completed:
    assert world.run("create", SERVICE).code == 0
    held: Any = world.sandbox.vault.namespace("team").mounts["secret"]
    held.write(HOLDER, {"api_token": "of the team"})
    completed = world.command("remove", HOLDER, "--yes")
    assert not held.secrets[HOLDER][-1].deleted
    return completed


def applied_with_another_token_s_namespace(world: World) -> Completed:
    kept = plan(world, SERVICE)
    world.monkeypatch.setenv("VAULT_NAMESPACE", "a/b")
    return apply(world, kept)


MISLED: list[tuple[Misled, set[str]]] = [
    (the_namespace_changes_before_a_push, {HERE}),
    (a_write_led_to_another_server, set()),
    (addressed_elsewhere, {HERE}),
    (another_namespace_variable, {HERE}),
    (a_write_led_to_another_path, set()),
    (a_mount_that_differs_in_case, set()),
    (a_mount_that_is_said_to_be_another, set()),
    (an_empty_namespace, {HERE}),
    (a_namespace_that_climbs, set()),
    (a_namespace_that_ends_the_header, set()),
    (a_removal_in_another_namespace, {HERE, f"team: {HERE}"}),
    (applied_with_another_token_s_namespace, set()),
]


@pytest.mark.parametrize(
    ("misled", "places"), few(2, MISLED, apart=True), ids=lambda item: getattr(item, "__name__", "")
)
def test_values_are_written_where_they_belong_or_nowhere(world: World, misled: Misled, places: set[str]) -> None:
    for name in ("team", "a/b"):
        world.sandbox.vault.namespace(name).mount("secret")
    before = world.sandbox.vault.stored()
    completed = misled(world)
    assert written(world, before) == places, completed.out
    assert completed.result["exit_code"] == completed.code
    assert completed.code == 0 or completed.of("error")[0]["hint"]
    if not places:
        assert completed.code != 0, completed.out
    assert not [item for item in world.sandbox.journal if item.path.startswith("/v1/") and item.system != "vault"]


# --- no command ends in silence -------------------------------------------------------------------------------

Damage = Callable[[Path, pytest.MonkeyPatch], object]


def _git_says(script: str) -> Damage:
    """Every git ends like this."""

    def damage(clone: Path, patch: pytest.MonkeyPatch) -> None:
        patch.setenv("PATH", failing_git(clone.parent / "tools", "", script))

    damage.__name__ = script
    return damage


def head_is_a_folder(clone: Path, _: pytest.MonkeyPatch) -> None:
    (clone / ".git" / "HEAD").unlink()
    (clone / ".git" / "HEAD").mkdir()


def head_is_empty(clone: Path, _: pytest.MonkeyPatch) -> None:
    (clone / ".git" / "HEAD").write_bytes(b"")


def borrows_from_itself(clone: Path, _: pytest.MonkeyPatch) -> None:
    (clone / ".git" / "objects" / "info" / "alternates").write_text(f"{clone}/.git/objects\n/nowhere/objects\n")


def references_are_garbage(clone: Path, _: pytest.MonkeyPatch) -> None:
    (clone / ".git" / "packed-refs").write_bytes(b"\xff\xfe\0garbage\n" * 50)


def index_is_garbage(clone: Path, _: pytest.MonkeyPatch) -> None:
    (clone / ".git" / "index").write_bytes(b"DIRC\xff\xff\xff\xff" + b"\0" * 40)


def git_folder_leads_to_itself(clone: Path, _: pytest.MonkeyPatch) -> None:
    shutil.rmtree(clone / ".git")
    (clone / ".git").symlink_to(".git")


def common_folder_is_gone(clone: Path, _: pytest.MonkeyPatch) -> None:
    (clone / ".git" / "commondir").write_text("../../nowhere\n")


def objects_are_gone(clone: Path, _: pytest.MonkeyPatch) -> None:
    shutil.rmtree(clone / ".git" / "objects")


def settings_are_binary(clone: Path, _: pytest.MonkeyPatch) -> None:
    (clone / ".git" / "config").write_bytes(os.urandom(64) + b"\0[core")


def settings_include_themselves(clone: Path, _: pytest.MonkeyPatch) -> None:
    with (clone / ".git" / "config").open("a") as config:
        config.write("[include]\n\tpath = config\n")


def is_a_file(clone: Path, _: pytest.MonkeyPatch) -> None:
    shutil.rmtree(clone)
    clone.write_text("no clone\n")


SILENT: list[Damage] = [
    _git_says("exit 1"),
    head_is_a_folder,
    _git_says("kill -SEGV $$"),
    _git_says("kill -PIPE $$"),
    _git_says(r"printf '\377\376\000' >&2; exit 128"),
    _git_says("exec <&- >&- 2>&-; exit 130"),
    head_is_empty,
    borrows_from_itself,
    references_are_garbage,
    index_is_garbage,
    git_folder_leads_to_itself,
    common_folder_is_gone,
    objects_are_gone,
    settings_are_binary,
    settings_include_themselves,
    is_a_file,
]


@pytest.mark.parametrize("damage", few(2, SILENT), ids=lambda item: getattr(item, "__name__", ""))
def test_every_command_says_what_is_wrong_with_a_clone(
    world: World, damage: Damage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exit code for it, words, a remedy, and one result; what needs nothing of it works."""
    workshop = Workshop(world)
    damage(workshop.clone, monkeypatch)
    for line in (*workshop.lines(few=True), ["status", HOLDER], ["verify", HOLDER]):
        completed = workshop.run(line)
        assert completed.result["exit_code"] == completed.code, line
        assert completed.code in (0, 2, 3, 4), (line, completed)
        assert all(item["code"] != "internal" and item["message"] and item["hint"] for item in completed.of("error"))
        said = completed.of("error") + [item for item in completed.of("check") if item["state"] != "ok"]
        assert said or completed.code == 0, (line, completed)
