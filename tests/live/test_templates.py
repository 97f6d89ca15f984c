"""Released templates on a real Forgejo: published once, unchanged from then on, tags of others left alone."""

from __future__ import annotations

import json
from pathlib import Path

from generator.base.errors import ExitCode
from generator.clients.patience import Patience
from generator.lifecycle.publication.state import HEAD
from generator.template.releases import Releases
from tests.invoke import Command
from tests.live.platform import LiveWorld
from tests.world import Completed


def publish(live: LiveWorld, profile: Path) -> Completed:
    return Command(live.capsys)("templates", "publish", "--platform", profile, "--json")


def references(live: LiveWorld, name: str) -> dict[str, str]:
    completed = json.loads(live.forgejo("GET", f"/repos/{live.platform.forgejo.owner}/{name}/git/refs").body)
    return {item["ref"]: item["object"]["sha"] for item in completed}


def take_away(live: LiveWorld, name: str, tag: str) -> None:
    """Delete a tag, as soon as the forge has noted it: after a push that takes a moment."""
    path = f"/repos/{live.platform.forgejo.owner}/{name}/tags/{tag}"
    assert Patience.of(live.platform).until(lambda: live.forgejo("DELETE", path).status == 204, 15)


def test_releases_on_a_real_forge(live: LiveWorld, tmp_path: Path) -> None:
    owner, name = live.platform.forgejo.owner, "live-templates"
    profile = tmp_path / "platform.yml"
    text = live.sandbox.profile.read_text(encoding="utf-8")
    assert text.count("/newservice.git") == 1
    profile.write_text(text.replace("/newservice.git", f"/{name}.git"), encoding="utf-8")

    completed = publish(live, profile)
    assert completed.code == ExitCode.OK, completed.out
    assert {item["id"]: item["status"] for item in completed.of("step")} == {
        "templates.repository": "done",
        "templates.push": "done",
    }
    commits = Releases().commits
    wanted = {HEAD: list(commits.values())[-1], **{f"refs/tags/v{version}": sha for version, sha in commits.items()}}
    assert references(live, name) == wanted
    repository = json.loads(live.forgejo("GET", f"/repos/{owner}/{name}").body)
    assert (repository["private"], repository["default_branch"]) == (True, "templates")
    assert publish(live, profile).result["status"] == "unchanged"

    newest = f"v{Releases().newest}"
    take_away(live, name, newest)
    assert publish(live, profile).result["status"] == "success"
    assert references(live, name) == wanted

    change = {"content": "dGhlaXJz", "message": "theirs", "branch": "templates", "new_branch": "theirs"}
    made = live.forgejo("POST", f"/repos/{owner}/{name}/contents/theirs.txt", body=change)
    assert made.status == 201, made.body
    take_away(live, name, newest)
    live.forgejo("POST", f"/repos/{owner}/{name}/tags", body={"tag_name": newest, "target": "theirs"})
    before = references(live, name)
    assert before[f"refs/tags/{newest}"] != wanted[f"refs/tags/{newest}"]
    refused = publish(live, profile)
    assert refused.code == ExitCode.REFUSED
    assert references(live, name) == before
    live.forgejo("DELETE", f"/repos/{owner}/{name}")
