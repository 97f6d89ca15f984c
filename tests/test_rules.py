"""Rules on the branches of the infra repository, and signed commits: settled before anything is written."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.base.globs import matches
from generator.sandbox.forgejo.rules import Rule
from tests.answers import RICH, SMALLEST
from tests.full import few, full
from tests.world import Completed, World

NAME = str(SMALLEST["name"])
BRANCH = f"newservice/{NAME}"


def create(world: World) -> Completed:
    world.sandbox.journal.clear()
    return world.run("create", SMALLEST)


def refused(world: World, code: str, command: Any = create) -> dict[str, Any]:
    """The error of a command that is refused; nothing may have been written to any system."""
    completed = command(world)
    wrote = [f"{item.system} {item.method} {item.path}" for item in world.sandbox.journal.writes()]
    assert (completed.code, wrote) == (3, []), completed.out
    (error,) = completed.of("error")
    assert (error["code"], bool(error["hint"])) == (code, True), error
    assert completed.result["status"] == "error"
    return dict(error)


# --- rules -----------------------------------------------------------------------------------------------------------

REJECTING = {
    "everything": Rule("**"),
    "files that exist already": Rule("**", enable_push=True, protected_file_patterns="scripts/**"),
    "other users only": Rule("newservice/**", enable_push=True, enable_push_whitelist=True),
    "some files only": Rule("newservice/*", unprotected_file_patterns="stacks/**"),
    "one level": Rule("newservice/*"),
    "its name, in capitals": Rule(BRANCH.upper()),
    "alternatives": Rule("{feature,newservice}/**"),
    "a set": Rule("[a-n]*/*"),
    "not a set": Rule("[!m]*/*"),
    "single characters": Rule("newservice/" + "?" * len(NAME)),
    "our files": Rule("**", enable_push=True, protected_file_patterns=f"docs/*.txt; STACKS/{NAME}/**"),
    "the older of two": Rule("n*/*", created_at="2020-01-01T00:00:00Z"),
}

ACCEPTING = {
    "it names us": Rule("**", enable_push=True, enable_push_whitelist=True, push_whitelist_usernames=["viktor"]),
    "other branches": Rule("newservice*"),
    "all files": Rule("**", unprotected_file_patterns="**"),
    "files elsewhere": Rule("**", enable_push=True, protected_file_patterns="nowhere/*.tf"),
    "a name before a pattern": Rule(BRANCH, enable_push=True),
}


@pytest.mark.parametrize("rule", few(4, REJECTING), ids=str)
def test_a_rule_that_rejects_our_branch_is_found_before_the_first_write(world: World, rule: str) -> None:
    world.infra.rules = [Rule("n*/*", enable_push=True, created_at="2026-01-02T00:00:00Z"), REJECTING[rule]]
    if rule != "the older of two":
        del world.infra.rules[0]
    error = refused(world, "forgejo.rules")
    assert REJECTING[rule].rule_name in error["message"]


@pytest.mark.parametrize("rule", few(2, ACCEPTING), ids=str)
def test_a_rule_that_lets_us_push_is_no_hindrance(world: World, rule: str) -> None:
    world.infra.rules = [ACCEPTING[rule]]
    if rule == "a name before a pattern":
        world.infra.rules.insert(0, Rule("**"))
    completed = create(world)
    assert completed.result["status"] == "success", completed.out


@full
@pytest.mark.parametrize("rule", REJECTING, ids=str)
def test_the_sandbox_rejects_what_is_found_before(world: World, rule: str) -> None:
    """By the hook: where the rules can't be seen, the push finds out, before anything else is written."""
    world.infra.rules, world.infra.writers = [REJECTING[rule]], [world.platform.forgejo.owner]
    _pushed_in_vain(world)


def test_where_rules_can_not_be_seen_the_branch_is_pushed_first(world: World) -> None:
    world.infra.rules, world.infra.writers = [Rule("**")], [world.platform.forgejo.owner]
    (plan,) = world.run("plan", SMALLEST).of("plan")
    (step,) = [item for item in plan["steps"] if item["id"] == "infra.commit"]
    assert "only the push shows" in step["summary"]
    _pushed_in_vain(world)
    world.infra.rules = []
    assert create(world).result["status"] == "success"


TEAMS = Rule("newservice*/**", enable_push=True, enable_push_whitelist=True, push_whitelist_teams=["platform"])
SIGNED = Rule("newservice*/**", enable_push=True, require_signed_commits=True)


@pytest.mark.parametrize("rule", [TEAMS, SIGNED], ids=["teams", "signatures"])
def test_what_only_the_forge_can_see_is_found_before_other_writes(world: World, rule: Rule) -> None:
    """Who is in a team, and whether it knows the key."""
    world.infra.rules = [rule]
    configure(gpg_format="ssh", user_signingKey=str(key(world)))
    world.sandbox.forgejo.signers = ""
    (plan,) = world.run("plan", SMALLEST).of("plan")
    (step,) = [item for item in plan["steps"] if item["id"] == "infra.commit"]
    assert "only the push shows" in step["summary"]
    _pushed_in_vain(world)
    world.infra.rules = []
    assert create(world).result["status"] == "success"


@pytest.mark.parametrize("rule", few(1, [TEAMS, SIGNED]), ids=["teams", "signatures"])
def test_a_change_is_pushed_first_too(world: World, rule: Rule) -> None:
    world.have(RICH)
    world.merge(str(RICH["name"]))
    world.infra.rules = [rule]
    configure(gpg_format="ssh", user_signingKey=str(key(world)))
    world.sandbox.forgejo.signers = ""
    title = ("change", str(RICH["name"]), "--title", "Another")
    (plan,) = world.command(*title, "--dry-run").of("plan")
    (step,) = [item for item in plan["steps"] if item["id"] == "infra.change_commit"]
    assert "only the push shows" in step["summary"]
    world.sandbox.journal.clear()
    completed = world.command(*title, "--yes")
    assert completed.code == 5, completed.out
    assert {item.path for item in world.sandbox.journal.writes()} == {f"/{world.infra.full_name}.git/git-receive-pack"}


def test_a_rule_that_names_us_beside_teams_lets_us_push(world: World) -> None:
    world.infra.rules = [dataclasses.replace(TEAMS, push_whitelist_usernames=[world.platform.forgejo.owner])]
    assert create(world).result["status"] == "success"


def _pushed_in_vain(world: World) -> None:
    completed = create(world)
    assert completed.code == 5, completed.out
    assert "hook declined" in completed.of("error")[0]["message"]
    wrote = {f"{item.system} {item.path}" for item in world.sandbox.journal.writes()}
    assert wrote == {f"forgejo /{world.infra.full_name}.git/git-receive-pack"}
    assert not (world.folder / NAME).exists()
    assert BRANCH not in world.infra.bare.heads()


def test_a_change_is_held_to_the_rules_of_both_repositories(world: World) -> None:
    world.have(RICH)
    world.merge(str(RICH["name"]))
    for repository in (world.infra, world.canonical(str(RICH["name"]))):
        repository.rules = [Rule("newservice-change/**")]
        error = refused(world, "forgejo.rules", _change)
        assert repository.full_name in error["message"]
        repository.rules = []


def _change(world: World) -> Completed:
    world.sandbox.journal.clear()
    return world.command("change", str(RICH["name"]), "--yes", "--set", "port=8181")


@pytest.mark.parametrize("merged", few(1, [False, True]), ids=["open", "merged"])
def test_a_removal_is_held_to_the_rules(world: World, *, merged: bool) -> None:
    """Our branch can't be deleted, or the removal can't be proposed."""
    assert create(world).code == 0
    if merged:
        world.merge(NAME)
    world.infra.rules = [Rule("newservice-remove/**" if merged else "newservice/**", enable_push=not merged)]
    error = refused(world, "forgejo.rules", _remove)
    assert ("deletion" in error["message"]) is not merged
    world.infra.rules = []
    assert _remove(world).code == 0


def _remove(world: World) -> Completed:
    world.sandbox.journal.clear()
    return world.command("remove", NAME, "--yes", "--service-dir", str(world.folder / NAME))


@pytest.mark.parametrize(
    ("pattern", "text", "separators", "fits"),
    [
        ("**", "a/b", "/", True),
        ("*", "a/b", "/", False),
        ("a/?", "a/b", "/", True),
        ("a?b", "a/b", "/", False),
        ("{a,b}/c", "b/c", "/", True),
        ("{a,{b,c}}/d", "c/d", "/", True),
        ("[a-c]x", "bx", "/", True),
        ("[!a-c]x", "bx", "/", False),
        ("a\\*b", "a*b", "/", True),
        ("a\\*b", "axb", "/", False),
        ("*.tf", "main.tf", "./", True),
        ("*.tf", "a.b.tf", "./", False),
        ("**.tf", "a/b.c.tf", "./", True),
        ("a.b", "axb", "./", False),
        ("a,b", "a,b", "/", True),
    ],
)
def test_patterns_mean_what_they_mean_to_forgejo(pattern: str, text: str, separators: str, fits: bool) -> None:
    assert matches(pattern, text, separators) is fits


# --- signatures ------------------------------------------------------------------------------------------------------


def key(world: World, name: str = "key", passphrase: str = "") -> Path:
    """A new SSH key, whose signatures the forge knows."""
    place = world.folder / name
    asked = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", str(place)]
    subprocess.run(asked, check=True)
    world.sandbox.forgejo.signers += f"* {place.with_suffix('.pub').read_text()}"
    return place


def configure(**settings: str) -> None:
    """The person's own git settings; ``_`` stands for the dot."""
    for name, value in settings.items():
        subprocess.run(["git", "config", "--global", name.replace("_", "."), value], check=True)


def configure_profile(world: World, place: Path) -> None:
    profile = yaml.safe_load(world.sandbox.profile.read_text())
    profile["connection"]["signing_key"] = str(place)
    world.sandbox.profile.write_text(yaml.safe_dump(profile))


def is_signed(bare: Path, commit: str) -> bool:
    shown = subprocess.run(["git", "cat-file", "commit", commit], cwd=bare, check=True, capture_output=True)
    return b"\ngpgsig " in shown.stdout


def test_a_rule_that_wants_signatures_gets_them_from_the_persons_git(world: World) -> None:
    world.infra.rules = [Rule("**", enable_push=True, require_signed_commits=True)]
    error = refused(world, "git.signing")
    assert "signing_key" in error["hint"]
    configure(gpg_format="ssh", user_signingKey=str(key(world)))
    assert create(world).result["status"] == "success"
    assert is_signed(world.infra.bare.path, BRANCH)
    assert not is_signed(world.folder / NAME, "HEAD"), "nobody asked for this one"


def test_a_key_of_the_profile_signs_everything(world: World) -> None:
    world.infra.rules = [Rule("**", enable_push=True, require_signed_commits=True)]
    configure_profile(world, key(world))
    assert create(world).result["status"] == "success"
    assert is_signed(world.infra.bare.path, BRANCH)
    assert is_signed(world.folder / NAME, "HEAD")


def test_a_person_who_signs_signs_what_newservice_commits(world: World) -> None:
    configure(gpg_format="ssh", user_signingKey=str(key(world)), commit_gpgSign="true")
    assert world.run("create", RICH).code == 0
    name = str(RICH["name"])
    assert is_signed(world.infra.bare.path, f"newservice/{name}")
    assert is_signed(world.folder / name, "HEAD")
    world.merge(name)
    assert _change(world).code == 0
    assert is_signed(world.infra.bare.path, f"newservice-change/{name}")
    assert is_signed(world.canonical(name).bare.path, f"newservice-change/{name}")


@pytest.mark.parametrize("how", few(2, ["passphrase", "no key", "missing file", "unknown format", "openpgp"]))
def test_what_can_not_be_signed_is_refused_at_once(world: World, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for a person who is not asked, and nothing asks one."""
    asking, asked = world.folder / "ask", world.folder / "asked"
    asking.write_text(f"#!/bin/sh\ntouch '{asked}'\necho secret\n")
    asking.chmod(0o755)
    for name, value in {"SSH_ASKPASS": str(asking), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":7"}.items():
        monkeypatch.setenv(name, value)
    place = key(world, passphrase="secret" if how == "passphrase" else "")
    configure(gpg_format="ssh", commit_gpgSign="true")
    if how in ("passphrase", "missing file"):
        configure(user_signingKey=str(place))
    if how == "missing file":
        place.unlink()
    if how in ("unknown format", "openpgp"):
        configure(gpg_format="nonsense" if how == "unknown format" else "openpgp")
    began = time.monotonic()
    error = refused(world, "git.signing")
    assert time.monotonic() - began < 20
    assert "git commit -S" in error["hint"]
    assert not asked.exists()


@pytest.mark.parametrize(
    ("said", "signs"),
    few(2, [("gpgSign", True), ("gpgSign =", False), ("gpgSign = On", True), ("gpgSign = no", False)], apart=True),
)
def test_git_says_yes_in_several_ways(world: World, said: str, signs: bool) -> None:
    configure(gpg_format="ssh", user_signingKey=str(key(world)))
    with (Path(os.environ["HOME"]) / ".gitconfig").open("a") as file:
        file.write(f"[commit]\n\t{said}\n")
    assert create(world).result["status"] == "success"
    assert is_signed(world.infra.bare.path, BRANCH) is signs


@full
def test_a_program_that_never_signs_is_ended(world: World) -> None:
    program = world.folder / "slow"
    program.write_text("#!/bin/sh\nsleep 600\n")
    program.chmod(0o755)
    configure(gpg_program=str(program), commit_gpgSign="true", user_signingKey="whoever")
    assert "longer than 30 seconds" in refused(world, "git.signing")["message"]


@pytest.mark.parametrize("name", ["gpg.program", "gpg.ssh.program"])
def test_no_program_of_a_clone_signs(world: World, name: str) -> None:
    """Whoever made the clone may have named one in its configuration."""
    program, proof = world.folder / "theirs", world.folder / "it ran"
    program.write_text(f"#!/bin/sh\ntouch '{proof}'\nexit 1\n")
    program.chmod(0o755)
    configure(gpg_format="ssh", user_signingKey=str(key(world)), commit_gpgSign="true")
    subprocess.run(["git", "config", name, str(program)], cwd=world.sandbox.infra, check=True)
    assert create(world).result["status"] == "success"
    assert is_signed(world.infra.bare.path, BRANCH)
    assert not proof.exists()


def test_an_agent_signs_with_a_key_that_only_it_can_use(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    place = key(world)
    started = subprocess.run(["ssh-agent", "-s"], check=True, capture_output=True, text=True).stdout
    found = dict(part.split(";")[0].split("=", 1) for part in started.splitlines() if "=" in part)
    monkeypatch.setenv("SSH_AUTH_SOCK", found["SSH_AUTH_SOCK"])
    try:
        subprocess.run(["ssh-add", "-q", str(place)], check=True, env={**os.environ})
        place.unlink()
        configure(gpg_format="ssh", user_signingKey=str(place.with_suffix(".pub")), commit_gpgSign="true")
        assert create(world).result["status"] == "success"
        assert is_signed(world.infra.bare.path, BRANCH)
    finally:
        os.kill(int(found["SSH_AGENT_PID"]), 15)


def test_a_persons_openpgp_key_signs(world: World) -> None:
    home = Path(os.environ["HOME"]) / ".gnupg"
    home.mkdir(mode=0o700)
    made = ("gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key", "Someone <someone@sandbox.test>")
    try:
        subprocess.run([*made, "ed25519", "sign", "never"], check=True, capture_output=True)
        configure(user_signingKey="someone@sandbox.test", commit_gpgSign="true")
        completed = create(world)
        assert completed.result["status"] == "success", completed.out
        assert is_signed(world.infra.bare.path, BRANCH)
    finally:
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], check=False, capture_output=True)
