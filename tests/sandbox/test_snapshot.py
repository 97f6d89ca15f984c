"""A sandbox that was saved and started again holds the same, and continues from there."""

from __future__ import annotations

import base64
import json
import shutil
import ssl
import stat
from pathlib import Path
from typing import Any

import httpx
import pytest
from nacl.public import PublicKey, SealedBox

from generator.sandbox import Sandbox
from generator.sandbox.forgejo.state import Issue, PullRequest, PushMirror, Repository
from generator.sandbox.github.state import Issue as MirrorIssue
from generator.sandbox.github.state import Release
from generator.sandbox.github.state import Secret as ActionsSecret
from generator.sandbox.repositories import BareRepository, run_git
from generator.sandbox.vault import Token as VaultToken
from generator.sandbox.woodpecker.state import Repository as Row
from generator.sandbox.woodpecker.state import Secret as PipelineSecret
from tests.sandbox.conftest import Api
from tests.world import ELSEWHERE

NOT_HELD = {
    "forgejo": {"root", "views", "lock", "mirrors", "mirror_hosts", "redirects", "on_push"},
    "github": {"root", "views", "lock", "record_run", "update_run", "oauth", "redirects"},
    "woodpecker": {"web", "github", "lock", "record_pipeline", "finish", "on_push", "merge_status"},
    "vault": {"lock", "community", "mounted", "namespaces"},
    "registry": {"realm", "lock"},
}
"""Attributes of the systems that each start makes for itself."""


def populate(sandbox: Sandbox) -> Repository:
    """One of everything that a system can hold; the repository that has most of it."""
    owner, mirror_owner = sandbox.platform.forgejo.owner, sandbox.platform.github.owner
    canonical = sandbox.forgejo.create_repository(owner, "app", description="Ours", files={"a": "a"}, branch="trunk")
    sandbox.forgejo.create_repository(owner, "empty", private=False, branch="trunk")
    bare, base = canonical.bare, canonical.bare.heads()["trunk"]
    bare.update("refs/tags/v1", base)
    bare.update("refs/heads/gone", base)
    head = bare.commit_files("gone", {"b": "b"}, "a request", 1_790_000_000)
    bare.delete("refs/heads/gone")
    canonical.pulls[1] = PullRequest(1, "asked", "text", "trunk", "gone", owner, head, base, state="closed")
    canonical.issues[2] = Issue(2, "an issue", owner)
    canonical.hooks[3] = {"id": 3}
    canonical.archived = True
    sandbox.forgejo.add_token("read-only", owner, "reader", {"read:repository"}).repositories = ["app"]
    sandbox.forgejo.organisations["guild"] = {owner: True}

    mirror = sandbox.github.create_repository(mirror_owner, "app", private=False, files={"a": "a"})
    canonical.mirrors.append(PushMirror(f"{sandbox.urls['github']}/{mirror.full_name}.git", "8h0m0s", password="p"))
    mirror.hooks[5] = {"id": 5, "config": {"url": "https://x.test"}}
    key = PublicKey(base64.b64decode(mirror.public_key))
    mirror.secrets["A"] = ActionsSecret(SealedBox(key).encrypt(b"value"), mirror.created_at, mirror.created_at)
    mirror.issues.append(MirrorIssue(1, "theirs", "octocat", pull=True))
    mirror.releases.append(Release(1, "v0", "octocat"))
    mirror.statuses["0" * 40] = [{"state": "success"}]
    sandbox.github.record_run(mirror.full_name, mirror.bare.heads()["main"], jobs={"Deploy": "failure"})

    row = Row(next(sandbox.woodpecker.ids), str(mirror.id), mirror.full_name, private=False, default_branch="main")
    row.secrets["s"] = PipelineSecret(next(sandbox.woodpecker.secret_ids), "s", "value", ["push"], images=["a/b"])
    row.former_names.add("former/name")
    sandbox.woodpecker.repositories[row.id] = row
    sandbox.woodpecker.record_pipeline(mirror.full_name, {"IMAGE_TAG": "1"})

    for value in ("first", "second"):
        sandbox.vault.write("app", {"key": value})
    sandbox.vault.secrets["app"][0].deleted = "2026-01-02T03:04:05.678901Z"
    sandbox.vault.notes["app"] = {"newservice": "made version 2"}
    sandbox.vault.notes["noted"] = {"team": "data"}
    sandbox.vault.tokens["limited"] = VaultToken(["p"], 0, {"secret/data/*": {"read", "create"}})
    sandbox.registry.put_image(f"{mirror_owner.lower()}/app", ["1", "latest"])
    return canonical


def held(folder: Path) -> dict[str, Any]:
    """Everything in a folder: documents by name, and the references of the bundle."""
    documents: dict[str, Any] = {path.name: json.loads(path.read_text()) for path in folder.glob("*.json")}
    listed = run_git(folder, "bundle", "list-heads", "repositories.bundle").decode()
    return documents | {"references": sorted(listed.splitlines())}


@pytest.mark.parametrize("profile", [None, ELSEWHERE], ids=["built-in", "elsewhere"])
def test_what_was_saved_is_restored(tmp_path: Path, profile: Path | None) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    with Sandbox.start(tmp_path / "one", profile=profile) as sandbox:
        canonical = populate(sandbox)
        before = sandbox.environment, sandbox.urls, sandbox.profile.read_text().replace(str(sandbox.root), "")
        sandbox.save(first)
        authority, certificate = sandbox.authority, sandbox.ca_file.read_bytes()
        for system, own in NOT_HELD.items():
            attributes = {name for name in vars(getattr(sandbox, system)) if not name.startswith("_")}
            assert attributes - own <= held(first)[f"{system}.json"].keys(), f"{system}: saved, or named above"
    with Sandbox.start(tmp_path / "two", restore=first, authority=authority) as sandbox:
        assert sandbox.ca_file.read_bytes() == certificate
        with pytest.raises(FileExistsError):
            sandbox.save(first)
        sandbox.save(second)
        assert held(second) == held(first)
        after = sandbox.environment, sandbox.urls, sandbox.profile.read_text().replace(str(sandbox.root), "")
        assert after == before
        assert (sandbox.infra / "README.md").is_file()
        again = sandbox.forgejo.repository(canonical.full_name)
        assert again.bare.references() == canonical.bare.references()
        assert again.bare.resolve(canonical.pulls[1].head_sha), "the commit of a closed request, whose branch is gone"
        foreign = next(iter(sandbox.forgejo.repositories.values())).bare.heads()
        assert not any(again.bare.resolve(sha) for sha in foreign.values()), "it has objects of another repository"
        assert sandbox.github.secret(f"{sandbox.platform.github.owner}/app", "a") == "value"
        known = {item.id for item in sandbox.forgejo.repositories.values()}
        assert sandbox.forgejo.create_repository("guild", "later").id == max(known) + 1


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a saved sandbox, for looking only; what it held was committed to after its clone was made."""
    folder = tmp_path_factory.mktemp("snapshot")
    with Sandbox.start(folder / "platform") as sandbox:
        infra(sandbox).commit_files("master", {"later": "later"}, "later", 1_790_000_000)
        sandbox.save(folder / "saved")
    return folder / "saved"


def infra(sandbox: Sandbox) -> BareRepository:
    return sandbox.forgejo.repository(f"{sandbox.platform.forgejo.owner}/infra").bare


def test_a_saved_sandbox_is_private(saved: Path) -> None:
    assert stat.S_IMODE(saved.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in saved.glob("*.json")} == {0o600}


def test_a_restored_sandbox_answers(saved: Path, tmp_path: Path) -> None:
    """At its former address, with a certificate of its own; its infra clone is current."""
    with Sandbox.start(tmp_path / "platform", restore=saved) as sandbox:
        context = ssl.create_default_context(cafile=str(sandbox.ca_file))
        with httpx.Client(verify=context, trust_env=False) as client:
            token = {"Authorization": f"token {sandbox.tokens.forgejo}"}
            forgejo = Api(sandbox, client, "forgejo.sandbox.test", "/api/v1", token)
            branches = forgejo("GET", f"/repos/{sandbox.platform.forgejo.owner}/infra/branches").json()
        head = infra(sandbox).heads()["master"]
        assert [branch["commit"]["id"] for branch in branches] == [head]
        assert run_git(sandbox.infra, "rev-parse", "HEAD").decode().strip() == head


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("sandbox.json", {"schema": 2}),
        ("sandbox.json", {"kind": "something else"}),
        ("vault.json", {"added": 1}),
        ("vault.json", {"health": "200"}),
        ("woodpecker.json", {"ids": {"upcoming": 1, "step": 1, "added": 1}}),
        ("github.json", {"tokens": {"x": {}}}),
    ],
)
def test_what_does_not_fit_is_refused(saved: Path, tmp_path: Path, name: str, change: dict[str, Any]) -> None:
    """And the port is given back."""
    folder = shutil.copytree(saved, tmp_path / "saved")
    document = json.loads((folder / name).read_text()) | change
    (folder / name).write_text(json.dumps(document))
    for number in range(2):
        with pytest.raises(ValueError, match=r"format|unknown attributes|expected|has no|missing"):
            Sandbox.start(tmp_path / str(number), restore=folder)


@pytest.mark.parametrize("more", [{"port": 1}, {"tokens": {"vault": "x"}}, {"profile": ELSEWHERE}])
def test_port_tokens_and_profile_are_those_that_were_saved(saved: Path, tmp_path: Path, more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="saved with"):
        Sandbox.start(tmp_path / "platform", restore=saved, **more)
    with pytest.raises(ValueError, match="not hold a saved sandbox"):
        Sandbox.start(tmp_path / "platform", restore=tmp_path)
