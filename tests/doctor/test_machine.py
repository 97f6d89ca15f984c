"""This machine: git, the clone, the profile and its addresses."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from generator.clients.git import Repository
from generator.lifecycle.doctor import tools
from tests.doctor.clinic import CANARIES, FAILED, OK, SKIPPED, SYSTEMS, UNKNOWN, Clinic, completed, git_folder


def test_a_clone_of_something_else(clinic: Clinic) -> None:
    place = clinic.folder / "elsewhere"
    subprocess.run(["git", "init", "--quiet", str(place)], check=True)
    remote = f"https://user:{CANARIES['forgejo']}@example.test/a/website.git"
    subprocess.run(["git", "-C", str(place), "remote", "add", "origin", remote], check=True)
    check = clinic(place)["infra.clone"]
    assert check.state is FAILED
    assert "https://example.test/a/website.git" in check.summary
    (place / "below").mkdir()
    assert clinic(place / "below")["infra.clone"].state is FAILED
    subprocess.run(["git", "-C", str(place), "remote", "set-url", "origin", "git@host:any/infra"], check=True)
    check = clinic(place)["infra.clone"]
    assert check.state is FAILED
    assert "fetch origin master" in check.hint


def test_a_clone_that_is_behind_or_dirty_is_fine(clinic: Clinic) -> None:
    place = clinic.folder / "clone"
    shutil.copytree(clinic.sandbox.infra, place)
    (place / "README.md").write_text("mine")
    subprocess.run(["git", "-C", str(place), "commit", "--allow-empty", "-qm", "newer"], check=True)
    newer = Repository.open(place)
    assert newer is not None
    head = newer.head()
    newer.close()
    for arguments in (["update-ref", "refs/remotes/origin/master", str(head)], ["reset", "-q", "--soft", "HEAD~1"]):
        subprocess.run(["git", "-C", str(place), *arguments], check=True)
    check = clinic(place)["infra.clone"]
    assert check.state is OK
    assert "1 commits behind (fine), 1 changed files (left alone)" in check.summary


def test_a_partial_clone_is_reported_before_a_run_refuses_it(clinic: Clinic) -> None:
    place = clinic.folder / "clone"
    shutil.copytree(clinic.sandbox.infra, place)
    assert clinic(place)["infra.clone"].state is OK
    subprocess.run(["git", "-C", str(place), "config", "remote.origin.promisor", "true"], check=True)
    check = clinic(place)["infra.clone"]
    assert check.state is FAILED
    assert "partial clone" in check.summary
    assert "--filter" in check.hint


@pytest.mark.parametrize(
    ("git", "well"),
    [
        (tools.Git("git version 2.39.0", https=True), True),
        (tools.Git("git version 3.0", https=True), True),
        (tools.Git("git version 2.38.9", https=True), False),
        (tools.Git("git version 2.47.1", https=False), False),
        (tools.Git("gibberish", https=True), False),
        (None, False),
    ],
)
def test_git(git: tools.Git | None, well: bool) -> None:
    check = tools.judge_git(git)
    assert check.well is well
    assert bool(check.hint) is not well


def test_children_see_no_credential(clinic: Clinic) -> None:
    """Git is started without any of them."""
    spy = clinic.folder / "bin" / "git"
    spy.parent.mkdir()
    spy.write_text(f'#!/bin/sh\nenv >> {clinic.folder}/seen\nexec {git_folder()}/git "$@"\n')
    spy.chmod(0o755)
    clinic.environ["PATH"] = f"{spy.parent}:{git_folder()}"
    assert clinic.wrong() == {}
    seen = (clinic.folder / "seen").read_text()
    assert "FORGEJO_TOKEN" in seen
    assert [name for name, value in CANARIES.items() if value in seen] == []


def test_a_profile_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "platform.yml"
    path.write_text("forgjo: {}\n")
    code, out, _ = completed(["doctor", "--platform", str(path), "--json"], capsys)
    events = [json.loads(line) for line in out.splitlines()]
    assert code == 2
    assert [event["event"] for event in events] == ["error", "result"]
    assert events[0]["code"] == "platform.invalid"


def test_an_authority_that_is_none(clinic: Clinic) -> None:
    clinic.changes = {"connection": {"ca_file": str(clinic.folder / "missing.pem")}}
    checks = clinic()
    assert checks["profile"].state is FAILED
    assert {checks[f"{system}.certificate"].state for system in SYSTEMS} == {FAILED}
    assert checks["tools.git"].state is OK


def test_without_a_load_balancer_and_with_other_addresses(clinic: Clinic) -> None:
    clinic.changes = {"connection": {"load_balancer": None}, "forgejo": {"url": "https://localhost:1"}}
    clinic.environ["VAULT_ADDR"] = "nowhere"
    clinic.changes["woodpecker"] = {"url": f"https://localhost:{clinic.sandbox.port}"}
    clinic.changes["registry"] = {"url": f"https://localhost:{clinic.sandbox.port}"}
    checks = clinic()
    assert checks["loadbalancer"].state is SKIPPED
    assert checks["forgejo.certificate"].state is UNKNOWN
    assert checks["forgejo.reachable"].state is FAILED
    assert "nowhere is not a valid address" in checks["vault.certificate"].summary
    assert checks["woodpecker.reachable"].state is FAILED
