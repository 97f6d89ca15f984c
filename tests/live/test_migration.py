"""A repository that only GitHub has comes to a real Forgejo with all of its history; the sandbox answers alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest

from generator.sandbox import Sandbox, Status
from generator.sandbox.github.state import Repository
from tests.adoption.histories import CODE, GIVEN, fill
from tests.live.compare import Pair, both
from tests.live.forgejo import Forgejo
from tests.live.platform import LiveWorld
from tests.world import Completed

REAL = ("refs/heads/", "refs/tags/")
TITLE = "Invoices"


def model(name: str) -> bytes:
    """The content of the LFS object: the server stores the same one once."""
    return f"the numbers of {name}\n".encode() * 1000


def source(sandbox: Sandbox, name: str) -> Repository:
    """A private repository on GitHub: commits, three branches, two tags, a pull request's commits, an LFS object."""
    platform = sandbox.platform
    made = sandbox.github.create_repository(platform.github.owner, name, private=True, description="Sends invoices")
    branch = platform.forgejo.branch
    oid = hashlib.sha256(model(name)).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(model(name))}\n"
    fill(made.bare, branch, commits=40, files={**CODE, "model.bin": pointer})
    made.bare.update("refs/heads/feature/invoices", made.bare.heads()["next"])
    made.bare.update("refs/pull/1/head", made.bare.heads()["next"])
    made.default_branch = branch
    made.bare.set_head(branch)
    made.objects[oid] = model(name)
    return made


def wanted(sandbox: Sandbox, name: str, **changes: Any) -> dict[str, Any]:
    """What newservice asks for."""
    return {
        "clone_addr": f"{sandbox.urls['github']}/{sandbox.platform.github.owner}/{name}.git",
        "auth_token": sandbox.tokens.github,
        "service": "github",
        "repo_owner": sandbox.platform.forgejo.owner,
        "repo_name": name,
        "description": "Sends invoices (adopted by newservice)",
        "private": True,
        "lfs": True,
        "mirror": False,
        **changes,
    }


def references(forgejo: Forgejo, name: str) -> dict[str, str]:
    """Branches and tags of a repository on the real server, a tag by its own object."""
    listed = forgejo.api("GET", f"/repos/{forgejo.user}/{name}/git/refs").json()
    return {item["ref"]: item["object"]["sha"] for item in listed}


def lasting(bare_references: Mapping[str, str]) -> dict[str, str]:
    """Branches and tags alone."""
    return {ref: sha for ref, sha in bare_references.items() if ref.startswith(REAL)}


def test_a_migration_and_what_comes_of_a_second_one(pair: Pair, live_sandbox: Sandbox, forgejo: Forgejo) -> None:
    history = source(live_sandbox, "moved")
    for who in ("reader", "other", "wrong", ""):
        both(pair, who, "POST", "/repos/migrate", body=wanted(live_sandbox, "moved"))
    assert both(pair, "owner", "POST", "/repos/migrate", body=wanted(live_sandbox, "moved")).status == 201
    shown = [json.loads(side.ask("owner", "GET", "/repos/{me}/moved").body) for side in pair]
    for key in ("default_branch", "empty", "private", "description", "has_pull_requests", "mirror", "archived"):
        assert shown[0][key] == shown[1][key], key
    assert (shown[0]["default_branch"], shown[0]["empty"]) == (history.default_branch, False)
    every = references(forgejo, "moved")
    assert lasting(every) == lasting(history.bare.references())
    assert "refs/pull/1/head" in every
    assert forgejo.api("GET", f"/repos/{forgejo.user}/moved/media/model.bin").content == model("moved")
    for name in ("moved", "MOVED"):
        again = wanted(live_sandbox, "moved", repo_name=name)
        assert both(pair, "owner", "POST", "/repos/migrate", body=again).status == 409
    assert references(forgejo, "moved") == every


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"clone_addr": "https://forge.example.test/x/y.git"}, 422),
        ({"clone_addr": ""}, 422),
        ({"clone_addr": "nonsense"}, 422),
        ({"clone_addr": "ftp://localhost/x/y"}, 422),
        ({"clone_addr": "/tmp"}, 422),
        ({"repo_owner": "nobody"}, 422),
        ({"repo_owner": "OTHER"}, 403),
        ({"repo_name": ""}, 422),
        ({"repo_name": "a b"}, 422),
        ({"repo_name": "a.git"}, 422),
        ({"repo_name": ".."}, 422),
    ],
    ids=str,
)
def test_what_is_refused_leaves_nothing(
    pair: Pair, live_sandbox: Sandbox, changes: dict[str, str], status: int
) -> None:
    said = {key: value.replace("OTHER", "somebody-else") for key, value in changes.items()}
    answer = both(pair, "owner", "POST", "/repos/migrate", body=wanted(live_sandbox, "refused", **said))
    assert answer.status == status
    assert both(pair, "owner", "GET", "/repos/{me}/refused").status == 404


@pytest.mark.parametrize(
    ("name", "changes", "status"),
    [
        ("wrong-token", {"auth_token": "wrong"}, 422),
        ("no-token", {"auth_token": ""}, 422),
        ("git-token", {"auth_token": "wrong", "service": "git"}, 422),
        ("no-source", {"clone_addr": "GITHUB/nobody/nothing.git"}, 500),
        ("git-source", {"clone_addr": "GITHUB/nobody/nothing.git", "service": "git"}, 422),
    ],
)
def test_what_fails_leaves_an_empty_repository(
    pair: Pair, live_sandbox: Sandbox, name: str, changes: dict[str, str], status: int
) -> None:
    """The server means to delete it, and forgets which one it was: the name is taken from then on."""
    source(live_sandbox, name)
    said = {key: value.replace("GITHUB", live_sandbox.urls["github"]) for key, value in changes.items()}
    answer = both(pair, "owner", "POST", "/repos/migrate", body=wanted(live_sandbox, name, **said))
    assert answer.status == status
    path = f"/repos/{{me}}/{name}"
    assert both(pair, "owner", "GET", path).status == 200
    assert [json.loads(side.ask("owner", "GET", path).body)["empty"] for side in pair] == [True, True]
    assert both(pair, "owner", "POST", "/repos/migrate", body=wanted(live_sandbox, name)).status == 409
    assert both(pair, "owner", "DELETE", path).status == 204
    assert both(pair, "owner", "POST", "/repos/migrate", body=wanted(live_sandbox, name)).status == 201


def adopt(live: LiveWorld, name: str) -> Completed:
    """Adopt a repository, whose answers a file has."""
    answers = live.answers({**GIVEN, "title": TITLE})
    places = ("--platform", str(live.sandbox.profile), "--infra", str(live.sandbox.infra), "--json")
    return live.tell(["adopt-repository", name, "--answers", str(answers), "--yes", *places])


def test_a_repository_of_github_is_adopted_onto_a_real_forgejo(live: LiveWorld, forgejo: Forgejo) -> None:
    history = source(live.sandbox, "invoices")
    before = lasting(history.bare.references())
    completed = adopt(live, "invoices")
    assert completed.result["status"] == "success", completed.out
    found = references(forgejo, "invoices")
    proposed = {ref for ref in found if ref.startswith("refs/heads/newservice")}
    assert {ref: sha for ref, sha in lasting(found).items() if ref not in proposed} == before
    assert proposed
    mirrored = lasting(history.bare.references())
    assert {ref: sha for ref, sha in mirrored.items() if ref not in proposed} == before
    assert forgejo.api("GET", f"/repos/{forgejo.user}/invoices/media/model.bin").content == model("invoices")
    (pull,) = forgejo.api("GET", f"/repos/{forgejo.user}/invoices/pulls?state=open").json()
    assert pull["mergeable"]
    assert [item["last_error"] for item in live.push_mirrors("invoices")] == [""]

    again = adopt(live, "invoices")
    assert again.result["status"] == "unchanged", again.out
    assert references(forgejo, "invoices") == found


def test_objects_that_github_does_not_hand_out(live: LiveWorld, forgejo: Forgejo) -> None:
    """A repository over its LFS quota: the server says no more than 500, and leaves an empty repository."""
    source(live.sandbox, "over-quota")
    quota = '{"message": "This repository is over its data quota."}'
    live.sandbox.faults.add("github", "POST", "/over-quota.git/info/lfs/", 1, Status(403, quota))
    for code in ("forgejo.migration_failed", "forgejo.migrating"):
        completed = adopt(live, "over-quota")
        (error,) = completed.of("error")
        assert error["code"] == code
        assert f"delete {forgejo.user}/over-quota on Forgejo" in error["hint"]
    assert forgejo.api("DELETE", f"/repos/{forgejo.user}/over-quota").status_code == 204
    assert adopt(live, "over-quota").result["status"] == "success"
