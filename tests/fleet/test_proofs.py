"""What ``fleet update`` pushes to, and signs: services' repositories that newservice made, and no others."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from generator.engine.ownership import FIRST_TITLE, MARK
from generator.sandbox.forgejo.rules import Rule
from generator.sandbox.forgejo.state import Repository
from tests.fleet.conftest import Yard
from tests.fleet.fleet import WHEN
from tests.fleet.test_update import owned
from tests.full import few
from tests.test_rules import configure, is_signed, key


def began_again(repository: Repository, branch: str, message: str) -> None:
    """The same files with a history that begins otherwise."""
    paths = [entry.path for entry in repository.bare.entries(branch, recursive=True)]
    files: dict[str, str | bytes] = {path: repository.bare.file(branch, path) or b"" for path in paths}
    repository.bare.delete(f"refs/heads/{branch}")
    repository.bare.commit_files(branch, files, message, WHEN)


def copied(repository: Repository, branch: str) -> None:
    began_again(repository, branch, "Initial commit")


def forked(repository: Repository, branch: str) -> None:
    repository.fork = True


def of_another_service(repository: Repository, branch: str) -> None:
    began_again(repository, branch, FIRST_TITLE.format(name="another"))


def with_the_answers_of_another(repository: Repository, branch: str) -> None:
    answers = (repository.bare.file(branch, ".copier-answers.yml") or b"").decode()
    changed = answers.replace(f"name: {repository.name}", "name: another")
    assert changed != answers
    repository.bare.commit_files(branch, {".copier-answers.yml": changed}, "rename it", WHEN + 60)


@owned
@pytest.mark.parametrize("situation", few(2, [copied, with_the_answers_of_another, forked, of_another_service]))
def test_no_branch_is_pushed_to_a_repository_of_others(
    yard: Yard, situation: Callable[[Repository, str], None]
) -> None:
    name, *_ = yard.made.services
    repository = yard.world.canonical(name)
    situation(repository, yard.world.branch)
    yard.world.sandbox.journal.clear()
    completed = yard.fleet("update", "--only", name)
    found = yard.one(completed, name, "service")
    assert (found["state"], bool(found["message"])) == ("unreadable", True), found
    assert not [item for item in yard.world.sandbox.journal.writes() if f"/{name}" in item.path]
    assert list(repository.bare.heads()) == [yard.world.branch]


@owned
def test_a_rewritten_history_can_be_proven_otherwise(yard: Yard) -> None:
    name, *_ = yard.made.services
    repository = yard.world.canonical(name)
    copied(repository, yard.world.branch)
    repository.description = f"Does its work{MARK}"
    assert yard.one(yard.fleet("update", "--only", name), name, "service")["state"] == "waiting"


def test_updates_are_signed_where_a_rule_wants_it(yard: Yard) -> None:
    yard.world.infra.rules = [Rule("**", enable_push=True, require_signed_commits=True)]
    yard.world.sandbox.journal.clear()
    completed = yard.fleet("update")
    assert (completed.code, completed.of("error")[0]["code"]) == (3, "git.signing"), completed.out
    assert yard.world.sandbox.journal.writes() == []
    configure(gpg_format="ssh", user_signingKey=str(key(yard.world)))
    completed = yard.fleet("update")
    assert completed.code == 0, completed.out
    for name in yard.made.names:
        assert is_signed(yard.bare.path, yard.pulls(name)[0].head)


def test_a_person_who_signs_signs_updates(yard: Yard) -> None:
    configure(gpg_format="ssh", user_signingKey=str(key(yard.world)), commit_gpgSign="true")
    assert yard.fleet("update").code == 0
    assert all(is_signed(yard.bare.path, yard.pulls(name)[0].head) for name in yard.made.names)
    shown = subprocess.run(["git", "status", "--short"], cwd=yard.world.sandbox.infra, capture_output=True, check=True)
    assert not shown.stdout
