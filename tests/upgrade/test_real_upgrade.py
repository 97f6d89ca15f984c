"""In the real infra repository: stacks of the first release, made at an old commit, updated at the newest.

``NEWSERVICE_INFRA_CHECKOUT`` names a clone with both commits; it is never written to.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from generator.infra_repo.entries import compare_registrations, registered_files
from generator.infra_repo.trees import Folder
from generator.lifecycle.update import Upgrader
from generator.template.releases import Releases
from tests.answers import RICH, SMALLEST, UPSTREAM
from tests.checkout import commit_all, git
from tests.invoke import Command
from tests.stack.infra import wrong_arguments
from tests.stack.validate import Validator
from tests.test_real_infra import CHECKOUT, GUARDS, refusing
from tests.upgrade.services import Origin, platform_of

OLD = "57d45d8d"
"""What template 1.0.0 was made for: mid-June 2026."""

STACKS = {
    "golden-guide": {**RICH, "access": "admins"},
    "golden-notes": {**SMALLEST, "access": "admins"},
    "golden-reader": {**UPSTREAM, "access": "authenticated", "volumes": [{"name": "data", "mount": "/data"}]},
    "golden-home": {**UPSTREAM, "dns": "none", "auth": "app", "auth_reason": "its own login"},
    "golden-site": {**SMALLEST, "language": "static", "auth": "none", "auth_reason": "public", "anubis": True},
}
GROUPS = '["Home Server Admins", "TripIt Users"]'
"""What a person answers where everybody was let in before."""


def _has_both() -> bool:
    if not CHECKOUT or not (Path(CHECKOUT) / "stacks").is_dir():
        return False
    known = subprocess.run(["git", "cat-file", "-e", f"{OLD}^{{commit}}"], cwd=CHECKOUT, capture_output=True)
    guards = [name for name in GUARDS if (Path(CHECKOUT) / "scripts" / name).is_file()]
    return known.returncode == 0 and len(guards) == len(GUARDS)


pytestmark = pytest.mark.skipif(
    not _has_both(), reason="NEWSERVICE_INFRA_CHECKOUT names no clone at a commit of August 2026 or later"
)


def origin(name: str) -> Origin:
    return Origin(name, {**STACKS[name], "name": name}, platform_of(None))


def cloned(folder: Path) -> Path:
    """A clone of its own; what is sealed in it stays sealed."""
    settings = ("-c", "filter.git-crypt.smudge=cat", "-c", "filter.git-crypt.clean=cat")
    subprocess.run(["git", "clone", "--quiet", "--shared", "--no-checkout", CHECKOUT, str(folder)], check=True)
    for setting in settings[1::2]:
        git(folder, "config", *setting.split("=", 1))
    git(folder, "config", "filter.git-crypt.required", "false")
    git(folder, "checkout", "--quiet", "--detach", OLD)
    return folder


def enter(infra: Path, made: Origin) -> None:
    """The first release's entries, where their place is there."""
    changes = compare_registrations(made.maker.registrations(made.answers["stack"]), Folder(infra))
    for file in registered_files(changes):
        (infra / file.path).write_bytes(file.content)


def make(infra: Path) -> None:
    for name in STACKS:
        made = origin(name)
        for file in made.files("stack"):
            (infra / made.prefix("stack") / file.path).parent.mkdir(parents=True, exist_ok=True)
            (infra / made.prefix("stack") / file.path).write_bytes(file.content)
        enter(infra, made)
        commit_all(infra, f"feat({name}): add the stack")


def merge_newest(infra: Path, newest: str) -> None:
    """What happened since; where somebody else registered in the same place, ours is entered anew."""
    nobody = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    subprocess.run(["git", *nobody, "merge", "--quiet", "--no-edit", newest], cwd=infra, capture_output=True)
    left = git(infra, "diff", "--name-only", "--diff-filter=U").split()
    for path in left:
        there = subprocess.run(["git", "checkout", "--quiet", newest, "--", path], cwd=infra, capture_output=True)
        if there.returncode:
            git(infra, "rm", "--quiet", "--force", "--", path)
    for name in STACKS:
        enter(infra, origin(name))
    git(infra, "add", "--all")
    commit_all(infra, "merge")


def texts(infra: Path) -> dict[str, dict[str, str]]:
    return {
        name: {path.name: path.read_text(encoding="utf-8") for path in (infra / "stacks" / name).glob("*.tf")}
        for name in STACKS
    }


def test_stacks_of_june_follow_the_platform_to_august(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    newest = git(Path(CHECKOUT), "rev-parse", "HEAD").strip()
    infra, command = cloned(tmp_path / "infra"), Command(capsys)
    make(infra)
    assert not _errors(infra, tmp_path / "before")
    merge_newest(infra, newest)
    for name in STACKS:
        stack = infra / "stacks" / name
        more: tuple[str, ...] = ()
        if STACKS[name].get("access") == "authenticated":
            completed = command("update", str(stack), "--json")
            assert completed.code == 2, completed.out
            assert [(item["code"], item["question"]) for item in completed.of("error")] == [
                ("answer.missing", "access")
            ]
            more = ("--set", f"access={GROUPS}")
        completed = command("update", str(stack), "--json", *more)
        assert completed.code == 0, completed.out
        assert refusing(infra, stack) == [], name
        commit_all(infra, f"chore({name}): template")
    for name, files in texts(infra).items():
        assert list(wrong_arguments(infra, files)) == [], name
    assert not _errors(infra, tmp_path / "after")
    _compare_entries(infra, newest)


def _errors(infra: Path, folder: Path) -> dict[str, list[str]]:
    found = Validator(infra, folder).errors(texts(infra))
    return {name: [str(item) for item in items] for name, items in found.items() if items}


def _compare_entries(infra: Path, newest: str) -> None:
    """The shared files are those that services created now would leave."""
    upgrader = Upgrader(Releases(), platform_of(None))
    paths: set[str] = set()
    for name in STACKS:
        prefix = f"stacks/{name}/"
        answers = upgrader.plan(Folder(infra), prefix).answers
        paths |= {item.path for item in upgrader.maker().registrations(answers)}
    wanted = {path: git(infra, "show", f"{newest}:{path}") for path in paths}
    fresh = infra.parent / "fresh"
    for path, text in wanted.items():
        (fresh / path).parent.mkdir(parents=True, exist_ok=True)
        (fresh / path).write_text(text, encoding="utf-8")
    for name in STACKS:
        answers = upgrader.plan(Folder(infra), f"stacks/{name}/").answers
        changes = compare_registrations(upgrader.maker().registrations(answers), Folder(fresh))
        for file in registered_files(changes):
            (fresh / file.path).write_bytes(file.content)
    for path in paths:
        assert sorted((infra / path).read_text(encoding="utf-8").splitlines()) == sorted(
            (fresh / path).read_text(encoding="utf-8").splitlines()
        ), path
