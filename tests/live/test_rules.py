"""Rules on branches: a real Forgejo, the sandbox's hook and newservice's judgement agree on every push."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from generator.clients.forgejo import BranchRule
from generator.engine.branch_rules import Push, rejection, rule_for
from generator.sandbox.forgejo.rules import Rule, write_hook
from tests.live.compare import shape
from tests.live.forgejo import Forgejo
from tests.test_rules import ACCEPTING, NAME, REJECTING

BRANCH = f"newservice/{NAME}"
BASE = {"scripts/check.py": "pass\n", "stacks/other/main.tf": "# other\n", "docs/notes.txt": "notes\n"}
OURS = {f"stacks/{NAME}/main.tf": "# ours\n", "docs/catalog.md": "ours\n"}
MORE = {
    "signed commits only": Rule("**", enable_push=True, require_signed_commits=True),
    "two stars within": Rule("new**app", enable_push=False),
    "no pattern at all": Rule("newservice", enable_push=False),
    "files by extension": Rule("**", enable_push=True, protected_file_patterns="*.tf"),
    "files below, by extension": Rule("**", enable_push=True, protected_file_patterns="**.tf"),
    "files of one level": Rule("**", enable_push=True, protected_file_patterns="stacks/*/main.tf"),
    "unprotected, but not all": Rule("**", unprotected_file_patterns="stacks/**;docs/*"),
    "unprotected, all": Rule("**", unprotected_file_patterns="stacks/**;docs/**;scripts/**"),
    "alternatives within": Rule("new{service,thing}/{n,m}*-app"),
    "an escaped star": Rule("newservice/\\*"),
}


@dataclass
class Ground:
    """A repository on the server and the same one here, which the sandbox's hook guards."""

    forgejo: Forgejo
    clone: Path
    bare: Path
    url: str

    def push(self, where: str) -> str:
        """Push our commit as a new branch; what the server says about it, empty where it accepts it."""
        pushed = git(self.clone, "push", where, f"HEAD:refs/heads/{BRANCH}", check=False)
        if not pushed.returncode:
            return ""
        said: list[str] = re.findall(r"Forgejo: (.*?) *$", pushed.stderr, re.MULTILINE)
        return said[0].strip()

    def really(self, rule: Rule) -> tuple[str, Any]:
        """What the real server says, and how it lists the rule."""
        asked = {key: value for key, value in rule.view().items() if not key.endswith("_at") and key != "branch_name"}
        rules = f"/repos/{self.forgejo.user}/ruled/branch_protections"
        for known in self.forgejo.api("GET", rules).json():
            assert self._delete(known["rule_name"]).status_code == 204
        asked["push_whitelist_usernames"] = [
            self.forgejo.user if name == "viktor" else name for name in rule.push_whitelist_usernames
        ]
        made = self.forgejo.api("POST", rules, json=asked)
        assert made.status_code == 201, made.text
        (listed,) = self.forgejo.api("GET", rules).json()
        try:
            return self.push(self.url), listed
        finally:
            self._delete(rule.rule_name)
            git(self.clone, "push", self.url, f":refs/heads/{BRANCH}", check=False)

    def _delete(self, name: str) -> Any:
        from urllib.parse import quote

        path = f"/repos/{self.forgejo.user}/ruled/branch_protections/{quote(name, safe='')}"
        return self.forgejo.api("DELETE", path)


def git(folder: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=check)


@pytest.fixture(scope="module")
def ground(forgejo: Forgejo, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    folder = tmp_path_factory.mktemp("ruled")
    clone, bare = folder / "clone", folder / "bare.git"
    made = forgejo.api("POST", "/user/repos", json={"name": "ruled", "default_branch": "master"})
    assert made.status_code == 201, made.text
    git(folder, "init", "-q", "--bare", str(bare))
    git(folder, "init", "-q", "-b", "master", str(clone))
    url = forgejo.address.replace("://", f"://{forgejo.user}:{forgejo.token}@") + f"/{forgejo.user}/ruled.git"
    for files, message in ((BASE, "base"), (OURS, "ours")):
        for path, text in files.items():
            (clone / path).parent.mkdir(parents=True, exist_ok=True)
            (clone / path).write_text(text)
        git(clone, "add", "-A")
        git(clone, "-c", "user.name=x", "-c", "user.email=x@y.test", "commit", "-qm", message)
        if files is BASE:
            for where in (url, str(bare)):
                git(clone, "push", where, "master")
    return Ground(forgejo, clone, bare, url)


@pytest.mark.parametrize("name", [*REJECTING, *ACCEPTING, *MORE])
def test_all_three_agree(ground: Ground, tmp_path: Path, name: str) -> None:
    rule = {**REJECTING, **ACCEPTING, **MORE}[name]
    said, listed = ground.really(rule)

    hooks = write_hook(tmp_path / "hooks", [rule], "viktor", "")
    git(ground.bare, "config", "core.hooksPath", str(hooks))
    assert ground.push(str(ground.bare)) == said
    git(ground.bare, "update-ref", "-d", f"refs/heads/{BRANCH}")

    known = BranchRule(
        rule.rule_name,
        rule.enable_push,
        frozenset(rule.push_whitelist_usernames) if rule.enable_push_whitelist else None,
        signed=rule.require_signed_commits,
        protected_files=rule.protected_file_patterns,
        unprotected_files=rule.unprotected_file_patterns,
    )
    counts = rule_for([known], BRANCH)
    judged = rejection(counts, Push("ruled", BRANCH, tuple(OURS), lambda: BASE), "viktor") if counts else ""
    unsigned = "unverified" in said
    assert bool(judged) == (bool(said) and not unsigned), (judged, said)
    assert bool(counts and counts.signed) == unsigned
    assert shape(rule.view()) == shape(listed)


def test_only_administrators_see_the_rules(ground: Ground) -> None:
    other = ground.forgejo.add_user("rules-reader")
    rules = f"/repos/{ground.forgejo.user}/ruled/branch_protections"
    assert ground.forgejo.api("GET", rules).status_code == 200
    assert ground.forgejo.api("GET", rules, token=other).status_code == 403
    added = ground.forgejo.api(
        "PUT", f"/repos/{ground.forgejo.user}/ruled/collaborators/rules-reader", json={"permission": "write"}
    )
    assert added.status_code == 204, added.text
    assert ground.forgejo.api("GET", rules, token=other).status_code == 403, "the right to write is not enough"
