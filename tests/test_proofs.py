"""Whose a thing is, and every other refusal that can be known, is settled before anything is written anywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import yaml

from generator.engine.ownership import FIRST_TITLE, MARK
from generator.sandbox.forgejo.state import Repository
from generator.sandbox.woodpecker.state import Repository as Row
from generator.template.files import ANSWERS_FILE
from tests.answers import RICH
from tests.full import few
from tests.world import Completed, World

NAME = str(RICH["name"])
STACK = f"stacks/{NAME}/"
WHEN = 1_790_000_000
Files = dict[str, str]
Situation = Callable[[World], None]


def rendered(world: World) -> tuple[Files, Files]:
    """The files of the service's repository and of its stack, as anybody could copy them."""
    checkout = world.folder / "copied-infra"
    shutil.copytree(world.sandbox.infra, checkout)
    assert world.run("create", RICH, "--no-provision", "--infra", str(checkout)).code == 0
    service, stack = world.folder / NAME, checkout / STACK
    found = [
        {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}
        for root in (service, stack)
    ]
    for folder in (service, checkout):
        shutil.rmtree(folder)
    return found[0], {f"{STACK}{path}": text for path, text in found[1].items()}


def repository(world: World, files: Mapping[str, str], *messages: str, description: str = "mine") -> Repository:
    """A repository of that name, with these commits."""
    made = world.sandbox.forgejo.create_repository(
        world.platform.forgejo.owner, NAME, branch=world.branch, description=description
    )
    for number, message in enumerate(messages or ("Initial commit",)):
        made.bare.commit_files(world.branch, {**files, "COUNT": str(number)}, message, WHEN + number)
    made.refresh(made.bare.heads())
    return made


# --- someone else's things, with our files copied ----------------------------------------------------------------


def made_from_a_template(world: World) -> None:
    repository(world, rendered(world)[0])


def answers_file_alone(world: World) -> None:
    files, _ = rendered(world)
    repository(world, {ANSWERS_FILE: files[ANSWERS_FILE], "README.md": "mine"})


def answers_file_of_the_stack(world: World) -> None:
    _, stack = rendered(world)
    repository(world, {ANSWERS_FILE: stack[STACK + ANSWERS_FILE]}, FIRST_TITLE.format(name=NAME))


def fork(world: World) -> None:
    files, _ = rendered(world)
    repository(world, files, FIRST_TITLE.format(name=NAME), description=f"copied{MARK}").fork = True


def our_title_on_top_of_their_history(world: World) -> None:
    files, _ = rendered(world)
    repository(world, files, "years of work", FIRST_TITLE.format(name=NAME))


def history_of_another_service(world: World) -> None:
    files, _ = rendered(world)
    repository(world, files, FIRST_TITLE.format(name="another"), "rename it")


def long_history_of_others(world: World) -> None:
    files, _ = rendered(world)
    repository(world, files, *(f"commit {number}" for number in range(60)), FIRST_TITLE.format(name=NAME))


def marked_without_a_merged_stack(world: World) -> None:
    repository(world, rendered(world)[0], description=f"mine{MARK}")


def mirror_with_our_files(world: World) -> None:
    files, _ = rendered(world)
    world.sandbox.github.create_repository(world.platform.github.owner, NAME, files=files, branch=world.branch)


def forked_mirror(world: World) -> None:
    url = world.platform.forgejo.web_url(NAME)
    described = f"One-way mirror of {url}; commits made here are lost"
    world.sandbox.github.create_repository(world.platform.github.owner, NAME, description=described).fork = True


def registration_of_another_repository(world: World) -> None:
    rows = world.sandbox.woodpecker.repositories
    rows[77] = Row(77, "424242", world.mirror_name(NAME), private=True, default_branch=world.branch)


def infra_branch_of_others(world: World) -> None:
    _, stack = rendered(world)
    bare, branch = world.infra.bare, f"newservice/{NAME}"
    bare.update(f"refs/heads/{branch}", bare.heads()[world.base])
    bare.commit_files(branch, stack, "a stack by hand", WHEN)


def stack_with_the_answers_of_another(world: World) -> None:
    _, stack = rendered(world)
    answers = yaml.safe_load(stack[STACK + ANSWERS_FILE]) | {"name": "another"}
    files = {STACK + ANSWERS_FILE: yaml.safe_dump(answers), f"{STACK}main.tf": "# by hand\n"}
    world.infra.bare.commit_files(world.base, files, "by hand", WHEN)


def stack_with_the_answers_of_the_repository(world: World) -> None:
    service, _ = rendered(world)
    files = {STACK + ANSWERS_FILE: service[ANSWERS_FILE], f"{STACK}main.tf": "# by hand\n"}
    world.infra.bare.commit_files(world.base, files, "by hand", WHEN)


def secret_of_other_people(world: World) -> None:
    world.sandbox.vault.write(NAME, {"root_password": "theirs", "licence": "theirs"})


def folder_with_a_history_of_its_own(world: World) -> None:
    files, _ = rendered(world)
    place = world.folder / NAME
    for path, text in files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(text)
    _committed(place)


THEIRS: list[tuple[Situation, str]] = [
    (made_from_a_template, "forgejo.repository"),
    (fork, "forgejo.repository"),
    (infra_branch_of_others, "infra.commit"),
    (secret_of_other_people, "vault.secrets"),
    (stack_with_the_answers_of_the_repository, "infra.commit"),
    (folder_with_a_history_of_its_own, "service.commit"),
    (answers_file_alone, "forgejo.repository"),
    (answers_file_of_the_stack, "forgejo.repository"),
    (our_title_on_top_of_their_history, "forgejo.repository"),
    (history_of_another_service, "forgejo.repository"),
    (long_history_of_others, "forgejo.repository"),
    (marked_without_a_merged_stack, "forgejo.repository"),
    (mirror_with_our_files, "github.repository"),
    (forked_mirror, "github.repository"),
    (registration_of_another_repository, "woodpecker.registration"),
    (stack_with_the_answers_of_another, "infra.commit"),
]


@pytest.mark.parametrize(
    ("situation", "step"), few(6, THEIRS, apart=True), ids=lambda item: getattr(item, "__name__", "")
)
def test_what_others_made_is_refused_before_the_first_write(world: World, situation: Situation, step: str) -> None:
    situation(world)
    error = refused(world, world.run, "create", RICH)
    assert error["code"] == f"{step}.refused", error


# --- what people and earlier runs left ---------------------------------------------------------------------------


def removed_with_the_folder_kept(world: World) -> None:
    created(world)
    removed = world.command("remove", NAME, "--yes", "--service-dir", str(world.folder / NAME))
    assert removed.code == 0, removed.out


def removed_with_the_files_kept(world: World) -> None:
    removed_with_the_folder_kept(world)
    shutil.rmtree(world.folder / NAME / ".git")


def registration_removed_by_hand(world: World) -> None:
    created(world)
    world.sandbox.woodpecker.repositories.clear()


def committed_by_hand_before_it_was_registered(world: World) -> None:
    folder_with_a_history_of_its_own(world)


def changed_on_both_sides(world: World) -> None:
    """A reviewer changed a shared file on our branch, and someone else the same place on the default branch."""
    created(world)
    bare, branch = world.infra.bare, f"newservice/{NAME}"
    (shared,) = [path for path in bare.changed_files(world.base, branch) if path.endswith("service-catalog.md")]
    theirs, ours = bare.file(world.base, shared) or b"", bare.file(branch, shared) or b""
    bare.commit_files(branch, {shared: b"# reviewed\n" + ours}, "review", WHEN)
    bare.commit_files(world.base, {shared: b"# meanwhile\n" + theirs}, "meanwhile", WHEN)


def branch_in_the_way(world: World) -> None:
    bare = world.infra.bare
    bare.update(f"refs/heads/newservice/{NAME}/draft", bare.heads()[world.base])


def branch_above_in_the_way(world: World) -> None:
    bare = world.infra.bare
    bare.update("refs/heads/newservice", bare.heads()[world.base])


LEFT: list[tuple[Situation, str]] = [
    (removed_with_the_folder_kept, "service.commit"),
    (registration_removed_by_hand, "service.commit"),
    (changed_on_both_sides, "infra.commit"),
    (removed_with_the_files_kept, "service.commit"),
    (committed_by_hand_before_it_was_registered, "service.commit"),
    (branch_in_the_way, "infra.commit"),
    (branch_above_in_the_way, "infra.commit"),
]


@pytest.mark.parametrize(
    ("situation", "step"), few(3, LEFT, apart=True), ids=lambda item: getattr(item, "__name__", "")
)
def test_what_can_be_known_is_refused_before_the_first_write(world: World, situation: Situation, step: str) -> None:
    situation(world)
    error = refused(world, world.run, "create", RICH)
    assert error["code"] == f"{step}.refused", error


# --- every command that writes -----------------------------------------------------------------------------------


def test_a_change_writes_nothing_where_the_repository_is_anothers(world: World) -> None:
    created(world)
    world.merge(NAME)
    replaced_files(world)
    error = refused(world, world.command, "change", NAME, "--yes", "--set", "port=8181")
    assert error["code"].endswith(".refused"), error


def test_a_saved_plan_writes_nothing_where_the_repository_is_anothers(world: World) -> None:
    plan = world.folder / "plan.json"
    assert world.run("plan", RICH, "--out", str(plan)).code == 0
    made_from_a_template(world)
    refused(world, world.tell, ["apply", str(plan), "--platform", str(world.sandbox.profile), "--json", "--yes"])


def test_a_create_that_continues_writes_nothing_where_the_repository_is_anothers(world: World) -> None:
    created(world)
    world.sandbox.woodpecker.repositories.clear()
    world.infra.bare.delete(f"refs/heads/newservice/{NAME}")
    world.infra.pulls.clear()
    replaced_files(world)
    error = refused(world, world.run, "create", RICH)
    assert error["code"] == "forgejo.repository.refused", error


def test_no_value_is_replaced_in_a_secret_of_other_people(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    created(world)
    world.sandbox.vault.secrets.pop(NAME)
    world.sandbox.vault.notes.pop(NAME, None)
    secret_of_other_people(world)
    monkeypatch.setenv("NEW_VALUE", "a new value, long enough")
    error = refused(world, world.command, "secrets", "push", NAME, "--yes", "--replace", "signing_key=env:NEW_VALUE")
    assert error["code"] == "vault.secrets.refused", error


def test_a_service_whose_history_was_rewritten_can_be_proven_otherwise(world: World) -> None:
    """The merged stack and the mark together count as much; the mark alone does not."""
    created(world)
    world.merge(NAME)
    replaced_files(world)
    assert world.run("plan", RICH).result["status"] != "unchanged"
    world.canonical(NAME).description = f"mine{MARK}"
    completed = world.run("plan", RICH)
    assert not [item for item in completed.of("error") if item["code"].startswith("forgejo.repository")], completed.out


@pytest.mark.parametrize("theirs", few(1, [{ANSWERS_FILE: "name: old-name\n", "old.py": "old"}, {"README": "old"}]))
def test_a_history_that_was_merged_into_ours_is_no_other_beginning(world: World, theirs: Files) -> None:
    """As docs/how-to/rename.md says, and as people bring older code; the description was edited, too."""
    created(world)
    canonical = world.canonical(NAME)
    canonical.description = "mine"
    merge_older_history(canonical, world.branch, theirs)
    world.sandbox.woodpecker.repositories.clear()  # there is something to do
    for command in ("plan", "create"):
        codes = [item["code"] for item in world.run(command, RICH).of("error")]
        assert codes == ["service.commit.refused"], codes
    world.merge(NAME)
    changed = world.command("change", NAME, "--yes", "--set", "port=8181")
    assert not [item for item in changed.of("error") if item["code"].startswith("service.change_commit")], changed.out


def merge_older_history(canonical: Repository, branch: str, files: Files) -> None:
    """A merge of a history that began long before, with our side's files where both have one."""
    bare = canonical.bare
    ours = bare.heads()[branch]
    bare.commit_files("old", {**files}, FIRST_TITLE.format(name="old-name"), WHEN - 900_000_000)
    theirs = bare.heads()["old"]
    environment = {
        **os.environ,
        **{f"GIT_{who}_{what}": "a@b.test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    command = ["git", "commit-tree", f"{ours}^{{tree}}", "-p", ours, "-p", theirs, "-m", "bring the old code"]
    made = subprocess.run(command, cwd=bare.path, env=environment, capture_output=True, check=True, text=True)
    bare.update(f"refs/heads/{branch}", made.stdout.strip())
    bare.delete("refs/heads/old")
    canonical.refresh(bare.heads())


def replaced_files(world: World) -> None:
    """The same files in the same repository, with a history that someone else began."""
    canonical = world.canonical(NAME)
    paths = [entry.path for entry in canonical.bare.entries(world.branch, recursive=True)]
    files: dict[str, str | bytes] = {path: canonical.bare.file(world.branch, path) or b"" for path in paths}
    canonical.bare.delete(f"refs/heads/{world.branch}")
    canonical.bare.commit_files(world.branch, files, "Initial commit", WHEN)
    canonical.description = "mine"


# --- how -----------------------------------------------------------------------------------------------------------


def created(world: World) -> None:
    world.have(RICH)
    world.sandbox.forgejo.wait_for_mirrors()


def refused(world: World, command: Callable[..., Completed], *arguments: Any) -> dict[str, Any]:
    """What a command says that is refused; nothing may have been written to any system, and no folder made."""
    before = sorted(path.name for path in world.folder.iterdir())
    world.sandbox.journal.clear()
    completed = command(*arguments)
    wrote = [f"{item.system} {item.method} {item.path}" for item in world.sandbox.journal.writes()]
    assert (completed.code, wrote) == (4, []), completed.out
    more = {path.name for path in world.folder.iterdir()} - {*before, f"{NAME}.answers.yml"}
    assert not more
    error: dict[str, Any] = completed.of("error")[0]
    assert error["hint"]
    return error


def _committed(place: Any) -> None:
    identity = ("-c", "user.name=someone", "-c", "user.email=someone@else.test")
    for arguments in (("init", "-q"), ("add", "-A"), (*identity, "commit", "-q", "-m", "my own work")):
        subprocess.run(["git", *arguments], cwd=place, check=True)
