"""Into a checkout of the real infra repository, where NEWSERVICE_INFRA_CHECKOUT names one; never written to itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.engine.project import Project
from generator.infra_repo.registrations import declared_ids
from generator.platform.profile import load_platform
from tests.answers import RICH, SMALLEST, TEMPLATE, UPSTREAM, answer
from tests.checkout import git
from tests.invoke import Command
from tests.stack.infra import wrong_arguments
from tests.world import Completed

CHECKOUT = os.environ.get("NEWSERVICE_INFRA_CHECKOUT", "")
REASON = "NEWSERVICE_INFRA_CHECKOUT names no checkout of the infra repository"

# What this version of the template needs first of all; tests/test_outdated.py shows that an older commit is refused.
MODULE = Path(CHECKOUT) / "modules" / "kubernetes" / "ingress_factory" / "main.tf"
OUTDATED = MODULE.is_file() and 'variable "allowed_groups"' not in MODULE.read_text(encoding="utf-8")

pytestmark = [
    pytest.mark.skipif(not (Path(CHECKOUT) / "stacks").is_dir() or not CHECKOUT, reason=REASON),
    pytest.mark.skipif(OUTDATED, reason="the commit is older than what this version of the template is made for"),
]

TIERS: list[dict[str, Any]] = [
    {"auth": "required"},
    {"auth": "public"},
    {"auth": "app", "auth_reason": 'its own "login"'},
    {"auth": "none", "auth_reason": "nothing to protect"},
]
CASES: dict[str, dict[str, Any]] = {
    "smallest": {**SMALLEST, "name": "golden-notes"},
    "upstream": {**UPSTREAM, "name": "golden-reader"},
    "rich": {**RICH, "name": "golden-guide"},
    "public": {**SMALLEST, "name": "golden-public", "image_visibility": "public"},
    "lan": {**RICH, "name": "golden-lan", "dns": "lan", "catalog_section": "Active Use"},
    "registered": {
        **SMALLEST,
        "name": "golden-registered",
        "dns": "lan",
        "rate_limit": {"average": 20, "burst": 100},
        "internal_monitor": {"path": "/healthz"},
        "service_port": 8080,
    },
    "mysql": {**UPSTREAM, "name": "golden-mysql", "database": "mysql"},
    "wall": {**UPSTREAM, "name": "golden-wall", "auth": "none", "auth_reason": "public", "anubis": True},
    "sleeping": {
        **UPSTREAM,
        "name": "golden-sleeper",
        "dns": "internal",
        "access": ["TripIt Users", "Home Server Admins"],
        "carveouts": [{"name": "hooks", "paths": ["/hooks"], "reason": "signed"}],
        "scale_to_zero": "dynamic",
        "network_policy": True,
    },
    "foreign": {**UPSTREAM, "name": "golden-foreign", "image": "r.example:5000/acme/app:1.2.3"},
    "page": {**SMALLEST, "name": "golden-page", "outage_page": True},
}
# Places that an older commit has not; its profile then skips the registration.
MISSING = {"outage-page": ("stacks/cloudflared/modules/cloudflared/worker.tf", "worker_covered_hosts")}
GUARDS = ("check-ingress-auth-comments.py", "check-ingress-descriptions.py", "check-allowed-groups.py")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A worktree's worth of files of its own, clean, without the history."""
    folder = tmp_path_factory.mktemp("real") / "infra"
    folder.mkdir()
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=CHECKOUT, capture_output=True, check=True)
    subprocess.run(["tar", "-x"], cwd=folder, input=archive.stdout, check=True)
    identity = ("-c", "user.name=Tester", "-c", "user.email=tester@example.test")
    git(folder, "init", "--quiet", "--initial-branch=master")
    git(folder, "add", "--all", "--force")
    git(folder, *identity, "commit", "--quiet", "--message", "infra")
    return folder


@pytest.fixture
def infra(copy: Path) -> Iterator[Path]:
    """The copy, put back as it was afterwards."""
    yield copy
    git(copy, "checkout", "--quiet", "--", ".")
    git(copy, "clean", "-dfq")


def missing(infra: Path) -> list[str]:
    """The registrations that this commit of the repository has no place for."""
    return [name for name, (path, mark) in MISSING.items() if mark not in (infra / path).read_text(encoding="utf-8")]


def create(
    infra: Path,
    given: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    skip: list[str] | None = None,
) -> Completed:
    answers, profile = tmp_path / "answers.yml", tmp_path / "platform.yml"
    answers.write_text(yaml.safe_dump(given))
    profile.write_text(yaml.safe_dump({"registrations": {"skip": missing(infra) if skip is None else skip}}))
    places = ("--infra", infra, "--service-dir", tmp_path / "service", "--platform", profile)
    return Command(capsys)("create", "--answers", answers, *places, "--no-provision", "--json")


def changed(infra: Path) -> dict[str, str]:
    completed = git(infra, "status", "--porcelain=v1", "-z", "--untracked-files=all")
    return {entry[3:]: entry[:2] for entry in completed.split("\0") if entry}


@pytest.mark.parametrize("case", CASES)
def test_registrations_are_minimal_and_a_second_run_changes_nothing(
    infra: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    given = CASES[case]
    completed = create(infra, given, tmp_path, capsys)
    assert completed.code == 0, completed.out
    (plan,) = completed.of("plan")
    assert {item["action"] for item in plan["registrations"]} == {"add"}
    assert not {item["id"] for item in plan["registrations"]} & set(missing(infra))
    stack = f"stacks/{given['name']}/"
    there = changed(infra)
    assert {path for path, state in there.items() if state == " M"} == {item["path"] for item in plan["registrations"]}
    assert {path.startswith(stack) for path, state in there.items() if state == "??"} == {True}
    for item in plan["registrations"]:
        removed, added = changed_lines(infra, item["path"])
        assert added
        assert len(removed) <= 1, (item, removed)
        if removed:  # a cell or a list on one line got one more item
            assert item["id"] in ("ci-doc", "ghcr-allowlist", "vault-role", "rotation-doc", "anubis-doc")
            assert len(added[0]) > len(removed[0])
    again = create(infra, given, tmp_path, capsys)
    assert (again.code, again.result["status"]) == (0, "unchanged")
    assert changed(infra) == there


def test_the_cases_need_every_registration(tmp_path: Path) -> None:
    platform = load_platform(TEMPLATE.platform, environ={"HOME": "/nonexistent"})
    needed = {
        found.id
        for given in CASES.values()
        for found in Project(TEMPLATE, platform, answer(given), tmp_path).registrations
    }
    assert needed == set(declared_ids(TEMPLATE.registrations))


@pytest.mark.parametrize("name", MISSING)
def test_a_place_that_is_missing_is_refused_with_the_snippet(
    infra: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    path, mark = MISSING[name]
    if name not in missing(infra):
        changed_file = infra / path
        changed_file.write_text(changed_file.read_text(encoding="utf-8").replace(mark, "other"), encoding="utf-8")
        git(infra, "update-index", "--assume-unchanged", path)
    completed = create(infra, CASES["page"], tmp_path, capsys, skip=[])
    git(infra, "update-index", "--no-assume-unchanged", path)
    git(infra, "checkout", "--quiet", "--", path)
    assert completed.code == 4, completed.out
    (error,) = completed.of("error")
    assert error["code"] == "registration.place_not_found"
    assert path in error["message"]
    assert '"golden-page",' in error["hint"]
    assert changed(infra) == {}


def changed_lines(infra: Path, path: str) -> tuple[list[str], list[str]]:
    before = git(infra, "show", f"HEAD:{path}").splitlines(keepends=True)
    after = (infra / path).read_text(encoding="utf-8").splitlines(keepends=True)
    lines = list(unified_diff(before, after, n=0))[2:]
    return [line for line in lines if line.startswith("-")], [line for line in lines if line.startswith("+")]


@pytest.mark.parametrize("tier", TIERS, ids=[tier["auth"] for tier in TIERS])
def test_the_repositorys_own_checks_pass(
    infra: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], tier: dict[str, Any]
) -> None:
    staff = {"name": "staff", "paths": ["/staff"], "auth": "required"}
    given = {**RICH, **tier, "name": "golden-guide", "carveouts": [*RICH["carveouts"], staff]}
    if "auth_reason" not in tier:
        del given["auth_reason"]
    assert create(infra, given, tmp_path, capsys).code == 0
    stack = infra / "stacks" / "golden-guide"
    assert refusing(infra, stack) == []
    spoiled(stack / "ingress.tf", r"^ *# auth =.*\n", "")
    spoiled(stack / "ingress.tf", r'^ *"gethomepage\.dev/description".*\n', "")
    spoiled(stack / "ingress.tf", r'"Home Server Admins"', '"Nobody at all"')
    assert refusing(infra, stack) == guards(infra)  # the checks are some that can fail


@pytest.mark.parametrize("case", CASES)
def test_the_repositorys_own_checks_pass_for_every_case(
    infra: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    given = CASES[case]
    assert create(infra, given, tmp_path, capsys).code == 0
    stack = infra / "stacks" / given["name"]
    assert refusing(infra, stack) == []
    texts = {path.name: path.read_text(encoding="utf-8") for path in stack.glob("*.tf")}
    if len(guards(infra)) == len(GUARDS):  # a commit that has what this version of the template is made for
        assert list(wrong_arguments(infra, texts)) == []


def spoiled(path: Path, pattern: str, replacement: str) -> None:
    text, number = re.subn(pattern, replacement, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert number
    path.write_text(text, encoding="utf-8")


def guards(infra: Path) -> list[str]:
    """The checks that this commit has."""
    return [name for name in GUARDS if (infra / "scripts" / name).is_file()]


def refusing(infra: Path, stack: Path) -> list[str]:
    """The checks that a stack does not pass."""
    commands = {name: [sys.executable, str(infra / "scripts" / name), str(stack)] for name in guards(infra)}
    return [name for name, command in commands.items() if subprocess.run(command, cwd=infra, check=False).returncode]


@pytest.mark.parametrize(
    ("given", "question", "place"),
    [
        ({"host": "cc"}, "host", "stacks/cyberchef/"),
        ({"host": "idrac"}, "host", "stacks/reverse-proxy/"),
        ({"namespace": "servarr"}, "namespace", "stacks/servarr/"),
        ({"namespace": "status-page"}, "namespace", "stacks/status-page/"),
        ({"database": {"engine": "postgres", "name": "job_hunter", "role": "own"}}, "database", "stacks/dbaas/"),
        ({"database": {"engine": "postgres", "name": "own", "role": "trading"}}, "database", "stacks/vault/"),
    ],
)
def test_what_a_real_stack_has_is_taken(
    infra: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    given: dict[str, Any],
    question: str,
    place: str,
) -> None:
    completed = create(infra, {**CASES["smallest"], **given}, tmp_path, capsys)
    assert completed.code == 2, completed.out
    (error,) = completed.of("error")
    assert (error["code"], error["question"]) == ("answer.taken", question)
    assert place in error["message"]
    assert changed(infra) == {}


def test_a_stack_that_is_there_is_never_overwritten(
    infra: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {**UPSTREAM, "name": "cyberchef", "host": "golden-chef", "namespace": "golden-chef"}
    completed = create(infra, given, tmp_path, capsys)
    assert completed.code == 4, completed.out
    assert changed(infra) == {}
