"""Links in trees: nothing outside is shown, nothing is written through one, and those that people committed stay."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.infra_repo.trees import Folder
from tests.answers import RICH, UPSTREAM
from tests.checkout import commit_all, git
from tests.full import few
from tests.invoke import Desk
from tests.links import commit_kinds, commit_links
from tests.test_contained import CANARY, snapshot
from tests.world import World

NAME = str(RICH["name"])
STACK = f"stacks/{NAME}"
CI_DOC = "docs/architecture/ci-cd.md"
WORD = CANARY.decode()


@pytest.fixture
def outside(desk: Desk) -> Path:
    folder = desk.folder.parent / "outside"
    (folder / "folder").mkdir(parents=True)
    (folder / "file").write_bytes(CANARY)
    (folder / "folder" / "main.tf").write_bytes(CANARY)
    return folder


def away(place: Path, to: Path) -> None:
    """Move a file or folder elsewhere and leave a link that leads there."""
    shutil.move(place, to)
    place.symlink_to(os.path.relpath(to, place.parent))


def at(place: str, to: str) -> Callable[[Desk, Path], str]:
    def make(desk: Desk, _: Path) -> str:
        path = desk.folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(to)
        return str(path)

    return make


def moved(place: str, to: str = "") -> Callable[[Desk, Path], str]:
    def make(desk: Desk, outside: Path) -> str:
        away(desk.folder / place, desk.folder / to if to else outside / Path(place).name)
        return str(desk.folder / place)

    return make


THROUGH: dict[str, Callable[[Desk, Path], str]] = {
    "the stacks": moved("infra/stacks"),
    "the stacks, inside": moved("infra/stacks", "infra/elsewhere"),
    "the stack": at(f"infra/{STACK}", "../../../outside/folder"),
    "the stack, absolute": at(f"infra/{STACK}", "/tmp"),
    "the stack, inside": at(f"infra/{STACK}", "../docs"),
    "the stack, nowhere": at(f"infra/{STACK}", "nothing"),
    "a file of the stack": at(f"infra/{STACK}/main.tf", "../../../../outside/file"),
    "a shared file": moved(f"infra/{CI_DOC}"),
    "a shared file, inside": moved(f"infra/{CI_DOC}", "infra/ci.md"),
    "a shared file's folder": moved("infra/docs/architecture"),
    "a shared file's folder, inside": moved("infra/docs", "infra/documents"),
    "the service's folder": at("service", "../outside/folder"),
    "the service's folder, nowhere": at("service", "../outside/new"),
    "a folder of the service": at("service/.github", "../../outside/folder"),
    "a file of the service": at("service/README.md", "../../outside/file"),
    "a file of the service, nowhere": at("service/README.md", "../../outside/new"),
    "a file of the service, its own": at("service/README.md", "README.md"),
    "a file of the service, a process": at("service/pyproject.toml", "/proc/self/environ"),
    "a file of the service, endless": at("service/pyproject.toml", "/dev/zero"),
}


@pytest.mark.parametrize("make", few(7, THROUGH.values()), ids=THROUGH)
def test_nothing_is_written_through_a_link_nor_shown(
    desk: Desk, outside: Path, make: Callable[[Desk, Path], str]
) -> None:
    link = make(desk, outside)
    if desk.changed():
        commit_all(desk.infra, "links")
    for command in ("plan", "create"):
        before = snapshot(outside), desk.snapshot(), git(desk.infra, "status", "--porcelain")
        completed = desk.create(RICH, "--diff", command=command)
        assert completed.code == 4, completed.out
        (error,) = completed.of("error")
        assert error["code"] == "files.link"
        assert f"{link.removeprefix(f'{desk.infra}/')} is a symbolic link to " in error["message"]
        assert WORD not in completed.out + completed.err
        assert (snapshot(outside), desk.snapshot(), git(desk.infra, "status", "--porcelain")) == before


def test_a_service_goes_into_no_folder_that_a_checkout_leads_to(desk: Desk, outside: Path) -> None:
    (desk.infra.parent / "mono" / ".git").mkdir(parents=True)
    (desk.infra.parent / "mono" / "services").symlink_to(outside)
    before = snapshot(outside)
    place = desk.folder / "mono" / "services" / "folder"
    completed = desk.create(RICH, "--service-dir", place)
    assert (completed.code, completed.of("error")[0]["code"]) == (4, "files.link")
    assert f"{place.parent} is a symbolic link to {outside}" in completed.of("error")[0]["message"]
    assert snapshot(outside) == before


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(desk: Desk) -> None:
    desk.service.mkdir()
    os.mkfifo(desk.service / "README.md")
    completed = desk.create(RICH)
    assert (completed.code, completed.of("error")[0]["code"]) == (4, "files.kind")
    assert (desk.service / "README.md").is_fifo()


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("service/README.md", "a folder"),
        ("service/.github", "a file"),
        (f"infra/{STACK}/main.tf", "a folder"),
        (f"infra/{STACK}", "a file"),
        (f"infra/{CI_DOC}", "a folder"),
        ("infra/docs/architecture", "a file"),
    ],
)
def test_what_is_of_another_kind_is_named_before_anything_is_written(desk: Desk, place: str, kind: str) -> None:
    path = desk.folder / place
    if kind == "a file":
        shutil.rmtree(path, ignore_errors=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("theirs")
    else:
        path.unlink(missing_ok=True)
        path.mkdir(parents=True)
        (path / "kept").write_text("theirs")
    if desk.changed():
        commit_all(desk.infra, "kinds")
    before = desk.snapshot()
    for command in ("plan", "create"):
        completed = desk.create(RICH, command=command)
        (error,) = completed.of("error")
        assert (completed.code, error["code"]) == (4, "files.kind"), completed.out
        assert error["message"].startswith(f"{place.removeprefix('infra/')} is {kind}") or str(path) in error["message"]
        assert desk.snapshot() == before


def test_links_that_people_committed_stay(desk: Desk) -> None:
    """As those of most stacks in the real infra repository, and one to nowhere."""
    (desk.infra / "secrets").mkdir()
    (desk.infra / "secrets" / "token").write_text("sealed")
    for name in ("traefik", "vault", "dbaas"):
        (desk.infra / "stacks" / name / "secrets").symlink_to("../../secrets")
    (desk.infra / "stacks" / "vault" / "gone").symlink_to("../nothing")
    commit_all(desk.infra, "links")
    links = {place: text for place, text in snapshot(desk.infra).items() if isinstance(text[2], str) and text[2]}
    assert desk.create(RICH).code == 0
    assert desk.create(RICH).code == 0
    after = snapshot(desk.infra)
    assert {place: after[place] for place in links} == links
    assert not [path for path in desk.changed() if path.endswith("/secrets")]
    assert "stacks/vault/secrets/token" not in Folder(desk.infra).paths("stacks")


# --- what is already made -------------------------------------------------------------------------------------

LEAKS = {
    "relative": "../../../outside/file",
    "absolute": "{outside}/file",
    "through git": "../../.git/config",
    "through a folder": "linked/main.tf",
    "a loop": "deployment.tf",
    "nowhere": "nothing",
    "a process": "/proc/self/environ",
    "a device": "/dev/zero",
    "far up": "../" * 40 + "etc/passwd",
    "its own repository again": "../../../infra/../outside/file",
}


@pytest.mark.parametrize("to", few(4, LEAKS.values()), ids=LEAKS)
@pytest.mark.parametrize("file", ["main.tf", "deployment.tf"])
def test_an_update_shows_no_file_that_a_link_leads_to(desk: Desk, outside: Path, to: str, file: str) -> None:
    assert desk.create(RICH).code == 0
    stack = desk.infra / STACK
    (stack / "linked").symlink_to("../../../outside/folder")
    target = next(path for path in sorted(stack.iterdir()) if path.suffix == ".tf" and b"512Mi" in path.read_bytes())
    place = target if file == "deployment.tf" else stack / file
    place.unlink(missing_ok=True)
    place.symlink_to(to.format(outside=outside))
    git(desk.infra, "config", "remote.x.url", f"https://{WORD}@example.test")
    commit_all(desk.infra, "links")
    before = snapshot(outside), desk.snapshot()
    for more in (("--check",), ()):
        completed = desk.command("update", stack, "--set", "memory=1Gi", "--diff", "--json", *more)
        assert WORD not in completed.out + completed.err
        assert "root:" not in completed.out
        assert completed.code in (0, 4), completed.out
        if completed.code == 4:
            assert completed.of("error")[0]["code"] == "update.link"
        else:
            git(desk.infra, "restore", ".")
        assert place.is_symlink()
        assert (snapshot(outside), desk.snapshot()) == before
    completed = desk.create({**RICH, "memory": "1Gi"}, "--diff", command="plan")
    assert WORD not in completed.out + completed.err


@pytest.mark.parametrize("to", ["../../../outside/answers", "/proc/self/environ", "../../.git/config", "main.tf"])
def test_a_record_is_not_read_through_a_link_that_leads_out(desk: Desk, outside: Path, to: str) -> None:
    assert desk.create(RICH).code == 0
    record = desk.infra / STACK / ".copier-answers.yml"
    (outside / "answers").write_bytes(record.read_bytes() + b"\n# " + CANARY)
    record.unlink()
    record.symlink_to(to)
    commit_all(desk.infra, "links")
    completed = desk.command("update", desk.infra / STACK, "--check", "--diff", "--json")
    assert completed.code != 0
    assert completed.of("error")[0]["code"] in ("update.no_answers", "update.unreadable")
    assert WORD not in completed.out + completed.err


# --- on the forge ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("links", "moved_to"),
    [
        ({f"stacks/{UPSTREAM['name']}": "../modules"}, ()),
        ({f"stacks/{UPSTREAM['name']}": "/etc"}, ()),
        ({f"stacks/{UPSTREAM['name']}/main.tf": "../../tiers.tf"}, ()),
        ({"stacks": "elsewhere"}, [("stacks", "elsewhere")]),
        ({".claude": "elsewhere"}, [(".claude", "elsewhere")]),
        ({".claude/reference/service-catalog.md": "../../catalog.md"},
         [(".claude/reference/service-catalog.md", "catalog.md")]),
    ],
    ids=["stack", "stack, absolute", "stack's file", "stacks", "shared folder", "shared file"],
)  # fmt: skip
def test_no_commit_replaces_a_link(world: World, links: dict[str, str], moved_to: list[tuple[str, str]]) -> None:
    """Neither planned nor created: what a commit has at its place stays, and nothing of the service is begun."""
    head = commit_links(world.infra.bare, world.base, links, moved_to)
    (link,) = links
    for command in ("plan", "create"):
        completed = world.run(command, UPSTREAM)
        assert completed.code == 4, completed.out
        assert "is a symbolic link to" in completed.of("error")[0]["message"] or "was not made by newservice" in str(
            completed.of("error")
        )
        assert link.split("/")[-1] in completed.out
        assert world.infra.bare.heads() == {world.base: head}
        assert not world.has_secret(str(UPSTREAM["name"]))


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        (".claude/reference/service-catalog.md", "folder"),
        (".claude/reference/service-catalog.md", "submodule"),
        (".claude/reference", "submodule"),
        (".claude/reference", "file"),
        (f"stacks/{UPSTREAM['name']}/main.tf", "folder"),
        (f"stacks/{UPSTREAM['name']}/main.tf", "submodule"),
        (f"stacks/{UPSTREAM['name']}", "submodule"),
        (f"stacks/{UPSTREAM['name']}", "file"),
    ],
)
def test_no_commit_replaces_what_is_of_another_kind(world: World, place: str, kind: str) -> None:
    head = commit_kinds(world.infra.bare, world.base, {place: kind})
    for command in ("plan", "create"):
        completed = world.run(command, UPSTREAM)
        assert completed.code == 4, completed.out
        assert f"{place} is a {kind}" in completed.out or "was not made by newservice" in completed.out
        assert world.infra.bare.heads() == {world.base: head}
        assert not world.has_secret(str(UPSTREAM["name"]))
    assert world.sandbox.journal.writes() == []
