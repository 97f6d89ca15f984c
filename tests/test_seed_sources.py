"""A seed discloses only what it is meant to: sources are shown; credentials, keys and foreign plans are refused."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shlex
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pexpect
import pytest

from generator.engine.plan_key import made_key, own_key
from tests.answers import UPSTREAM
from tests.full import few
from tests.invoke import Desk
from tests.test_secrecy import sightings
from tests.world import Completed, World, elsewhere, only_looked_up

NAME = str(UPSTREAM["name"])
ONE = {**UPSTREAM, "secrets": {"API_TOKEN": "api_token"}}
FIVE = {**UPSTREAM, "secrets": {name.upper(): name for name in ("given", "kept", "typed", "waiting", "made")}}
CANARY = "canary-of-a-person/+é-4711"
PRIVATE_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nY2FuYXJ5\n-----END OPENSSH PRIVATE KEY-----\n"


def private(path: Path, content: str = CANARY) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(0o600)
    return path


def code(completed: Completed) -> str:
    return str(completed.of("error")[0]["code"])


def plain(world: World, command: str, given: dict[str, Any], *more: str) -> Completed:
    """As people see it."""
    return world.tell([word for word in world.arguments(command, given, *more) if word != "--json"])


def untouched(world: World, completed: Completed, *canaries: str) -> None:
    """Refused before anything was written, or asked but for what is recorded of the service, and no value was shown."""
    assert completed.result["status"] == "refused", completed.out
    assert completed.code == 4
    assert only_looked_up(world)
    assert not world.has_secret(NAME)
    assert [path.name for path in world.folder.iterdir() if path.suffix not in (".yml", ".json")] == []
    assert sightings(canaries, {"output": completed.out.encode(), "errors": completed.err.encode()}) == []


# --- shown --------------------------------------------------------------------------------------------------


def sources_of_five(world: World) -> list[str]:
    world.monkeypatch.setenv("READER_KEY", CANARY)
    kept = private(world.folder / "with a blank" / "key", f"{CANARY}-in-a-file")
    named = {"given": "env:READER_KEY", "kept": f"file:{kept.relative_to(world.folder)}", "typed": "prompt"}
    named["waiting"] = "later"
    return [word for name, source in named.items() for word in ("--seed", f"{name}={source}")]


def test_a_plan_names_the_source_of_every_secret(world: World) -> None:
    completed = world.run("plan", FIVE, *sources_of_five(world))
    (event,) = completed.of("plan")
    kept = world.folder / "with a blank" / "key"
    assert event["seeds"] == [
        {"property": "given", "source": "env:READER_KEY"},
        {"property": "kept", "source": f"file:{kept}"},
        {"property": "made", "source": "generated"},
        {"property": "typed", "source": "prompt"},
        {"property": "waiting", "source": "later"},
    ]
    (step,) = [item for item in event["steps"] if item["id"] == "vault.secrets"]
    for words in (
        "given (from env:READER_KEY)", f"kept (from 'file:{kept}')", "made (generated)",
        "typed (typed when the plan is carried out)", "waiting (a person fills it in later)",
    ):  # fmt: skip
        assert words in step["summary"]
    assert sightings([CANARY], {"output": completed.out.encode(), "errors": completed.err.encode()}) == []


def test_the_sources_are_what_people_see_last(world: World) -> None:
    """Behind notes and diffs, with what it means to name them."""
    completed = plain(world, "plan", FIVE, *sources_of_five(world), "--diff")
    shown = completed.out.partition("\nSecrets\n")[2].splitlines()
    assert [line.split()[0] for line in shown[:5]] == ["given", "kept", "made", "typed", "waiting"]
    assert f"from 'file:{world.folder}/with a blank/key'" in shown[1]
    assert "The service will be able to read these values" in shown[5]
    assert shown[6:] == ["", "reader: this is a plan; nothing was written"]
    assert "Secrets" not in plain(world, "plan", FIVE).out, "nothing of a person's is read for a generated value"


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of forkpty:DeprecationWarning")
def test_apply_shows_the_sources_right_before_it_asks(world: World) -> None:
    world.monkeypatch.setenv("READER_KEY", CANARY)
    path = world.folder / "plan.json"
    assert world.run("plan", ONE, "--seed", "api_token=env:READER_KEY", "--out", str(path)).code == 0
    process: pexpect.spawn[str] = pexpect.spawn(
        sys.executable,
        ["-m", "generator", "apply", str(path), "--platform", str(world.sandbox.profile)],
        env={**os.environ, "TERM": "dumb"},
        encoding="utf-8",
        timeout=60,
    )
    process.expect_exact("Carry out this plan?")
    last = " ".join(str(process.before).rpartition("Secrets")[2].split()).removesuffix(" ?")
    assert last.startswith("api_token from env:READER_KEY The service will be able to read these values.")
    assert last.endswith("only if every source is meant for it.")
    assert not world.has_secret(NAME)
    process.sendline("n")
    process.expect(pexpect.EOF)
    process.close()
    assert not world.has_secret(NAME)


def test_a_path_can_not_hide_what_it_is(world: World) -> None:
    names = ["key\x1b[2K\rdone", "key\n  = forged.step  present", "key\u202egnp.exe"]
    keys = {private(world.folder / "keys" / name): name for name in names}
    keys |= {world.folder / "missing" / name: name for name in names}
    for key, name in keys.items():
        completed = plain(world, "plan", ONE, "--seed", f"api_token=file:{key}")
        shown = completed.out + completed.err
        assert repr(name)[1:-1] in shown
        assert not {"\x1b", "\r", "\u202e"} & set(shown)
        assert not any(line.startswith("  = forged.step") for line in shown.splitlines())


# --- credentials are no source ------------------------------------------------------------------------------


VARIABLES = [
    "GITHUB_TOKEN",
    "VAULT_TOKEN",
    "FORGEJO_GIT_TOKEN",
    "GH_TOKEN",
    "CI_JOB_TOKEN",
    "TF_TOKEN_app_terraform_io",
]


@pytest.mark.parametrize("command", ["plan", "create"])
def test_a_variable_with_a_credential_is_refused(world: World, command: str) -> None:
    """Whether it is set or not: the refusal tells nothing of it."""
    for variable in VARIABLES:
        answers = []
        for value in (CANARY, ""):
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv(variable, value)
                completed = world.run(command, ONE, "--seed", f"api_token=env:{variable}")
            assert code(completed) == "seed.credential", variable
            untouched(world, completed, CANARY)
            answers.append(completed.out)
        assert answers[0] == answers[1]


@elsewhere
def test_a_variable_that_the_profile_names_is_refused(world: World) -> None:
    names = {source.environment for source in world.platform.connection.credentials.values()}
    own = sorted(names - {"FORGEJO_TOKEN", "GITHUB_TOKEN", "WOODPECKER_TOKEN"})
    assert own, "the made-up profile calls them otherwise"
    for variable in own:
        completed = world.run("create", ONE, "--seed", f"api_token=env:{variable}")
        assert code(completed) == "seed.credential"
        untouched(world, completed, *(value for name, value in world.sandbox.environment.items() if name in names))


DISGUISES: dict[str, Callable[[str], str]] = {
    "as it is": lambda token: token,
    "with a line break": lambda token: f"{token}\n",
    "in an address": lambda token: f"https://me:{token}@forge.test",
    "in base64": lambda token: f'{{"auth": "{base64.b64encode(f"me:{token}".encode()).decode()}"}}',
}


@pytest.mark.parametrize("kind", few(1, ["env", "file"]))
def test_a_credential_by_another_name_is_refused(world: World, kind: str) -> None:
    world.monkeypatch.setenv("GH_TOKEN", "canary-of-another-tool")
    for whose in ("GITHUB_TOKEN", "VAULT_TOKEN", "GH_TOKEN"):
        for name, disguise in DISGUISES.items():
            value = disguise(os.environ[whose])
            world.monkeypatch.setenv("READER_KEY", value)
            copy = private(world.folder / "copy.json", value)
            source = "env:READER_KEY" if kind == "env" else f"file:{copy}"
            completed = world.run("create", ONE, "--seed", f"api_token={source}")
            assert code(completed) == "seed.credential", name
            assert whose in completed.of("error")[0]["message"], name
            untouched(world, completed, os.environ[whose])


def test_a_copy_of_vaults_token_file_is_refused(world: World) -> None:
    token = private(Path.home() / ".vault-token", "hvs.canary-of-vault-login").read_text()
    for value, unset in ((token, True), (token, False)):
        if unset:
            world.monkeypatch.delenv("VAULT_TOKEN")
        completed = world.run("create", ONE, "--seed", f"api_token=file:{private(world.folder / 'copy.json', value)}")
        assert code(completed) == "seed.credential"
        untouched(world, completed, token)
        world.monkeypatch.setenv("VAULT_TOKEN", world.sandbox.tokens.vault)


def test_a_credential_that_only_vault_knows_is_refused_before_anything_is_written(world: World) -> None:
    owned = {"name": NAME, "title": "Reader", "description": "Reads feeds", "secrets": {"API_TOKEN": "api_token"}}
    for name in ("forgejo", "slack", "woodpecker"):
        canary = getattr(world.sandbox.tokens, name)
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv(world.platform.connection.credentials[name].environment)
            patch.setenv("READER_KEY", canary)
            completed = world.run("create", owned, "--seed", "api_token=env:READER_KEY")
        assert (completed.code, code(completed)) == (4, "seed.credential")
        assert "Vault's" in completed.of("error")[0]["message"]
        assert world.sandbox.journal.writes() == []
        assert not world.has_secret(NAME)
        assert sightings([canary], {"output": completed.out.encode(), "errors": completed.err.encode()}) == []


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of forkpty:DeprecationWarning")
def test_a_credential_that_is_typed_is_refused_before_anything_is_written(world: World) -> None:
    path = world.folder / "plan.json"
    assert world.run("plan", ONE, "--seed", "api_token=prompt", "--out", str(path)).code == 0
    world.sandbox.journal.clear()
    process: pexpect.spawn[str] = pexpect.spawn(
        sys.executable,
        ["-m", "generator", "apply", str(path), "--platform", str(world.sandbox.profile), "--yes"],
        env={**os.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
        encoding="utf-8",
        timeout=60,
    )
    process.delaybeforesend = None
    for question in ("not shown", "again:"):
        process.expect_exact(question)
        process.send(f"{os.environ['GITHUB_TOKEN']}\r")
    process.expect_exact("the value holds the credential in GITHUB_TOKEN")
    process.expect(pexpect.EOF)
    process.close()
    assert process.exitstatus == 4
    assert world.sandbox.journal.writes() == []
    assert not json.loads(path.read_text())["begun"]


def test_a_value_of_its_own_is_no_credential(world: World) -> None:
    """Not one that merely begins as a credential does, or holds a short word that is one."""
    world.monkeypatch.setenv("GH_TOKEN", "abc")
    world.monkeypatch.setenv("READER_KEY", f"abc-{os.environ['GITHUB_TOKEN'][:-1]}")
    assert world.run("create", ONE, "--seed", "api_token=env:READER_KEY").code == 0
    assert world.sandbox.vault.read(NAME)["api_token"] == os.environ["READER_KEY"]


# --- keys are no source -------------------------------------------------------------------------------------


# Each makes a file in a closed place and says by which name it is asked for.


def in_home(*parts: str) -> Callable[[World], Path]:
    return lambda _: private(Path.home().joinpath(*parts))


def linked(world: World) -> Path:
    """A harmless name that leads into a closed folder."""
    private(Path.home() / ".ssh" / "id_ed25519")
    (world.folder / "harmless.yml").symlink_to(Path.home() / ".ssh" / "id_ed25519")
    return world.folder / "harmless.yml"


def linked_folder(world: World) -> Path:
    private(Path.home() / ".gnupg" / "private")
    (world.folder / "folder.yml").symlink_to(Path.home() / ".gnupg")
    return world.folder / "folder.yml" / "private"


def led_elsewhere(world: World) -> Path:
    """What a closed name leads to, by its own name."""
    kept = private(world.folder.parent / "settings" / "packages")
    (Path.home() / ".pypirc").symlink_to(kept)
    return kept


def roundabout(_: World) -> Path:
    private(Path.home() / ".ssh" / "id_ed25519")
    (Path.home() / "folder").mkdir()
    return Path.home() / "folder" / ".." / ".ssh" / "id_ed25519"


def cluster(world: World) -> Path:
    path = private(world.folder.parent / "settings" / "cluster")
    world.monkeypatch.setenv("KUBECONFIG", f"/nowhere:{path}")
    return path


CLOSED: dict[str, Callable[[World], Path]] = {
    "SSH": in_home(".ssh", "id_ed25519"),
    "GnuPG": in_home(".gnupg", "private-keys-v1.d", "x.key"),
    "AWS": in_home(".aws", "credentials"),
    "Kubernetes": in_home(".kube", "config"),
    "Docker": in_home(".docker", "config.json"),
    "netrc": in_home(".netrc"),
    "git": in_home(".git-credentials"),
    "gh": in_home(".config", "gh", "hosts.yml"),
    "Vault": in_home(".vault-token"),
    "own key": in_home(".local", "state", "newservice", "plan.key"),
    "own configuration": in_home(".config", "newservice", "platform.yml"),
    "another home": lambda world: private(world.folder.parent / "home" / "ann" / ".ssh" / "id_rsa"),
    "a clone": lambda world: world.sandbox.infra / ".git" / "config",
    "the profile": lambda world: world.sandbox.profile,
    "shadow": lambda _: Path("/etc/shadow"),
    "environment": lambda _: Path("/proc/self/environ"),
    "kernel": lambda _: Path("/sys/kernel/notes"),
    "standard input": lambda _: Path("/dev/stdin"),
    "literal tilde": lambda _: Path("~/.ssh/id_ed25519"),
    "a link": linked,
    "a linked folder": linked_folder,
    "a link's target": led_elsewhere,
    "roundabout": roundabout,
    "by variable": cluster,
}


def test_where_keys_are_no_value_comes_from(world: World) -> None:
    for place, make in CLOSED.items():
        path = make(world)
        completed = world.run("create", ONE, "--seed", f"api_token=file:{path}")
        assert code(completed) == "seed.place", place
        assert str(path) in completed.of("error")[0]["message"]
        untouched(world, completed, CANARY)


def test_every_command_refuses_alike(desk: Desk) -> None:
    private(Path.home() / ".ssh" / "id_ed25519")
    for command in ("plan", "create", "status"):
        for source, refusal in (("file:~/.ssh/id_ed25519", "seed.place"), ("env:GITHUB_TOKEN", "seed.credential")):
            completed = desk.create(
                ONE, "--seed", f"api_token={source.replace('~', str(Path.home()))}", command=command
            )
            assert (completed.code, code(completed)) == (4, refusal)
    assert desk.changed() == []


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def endpoint(folder: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
    return folder / "socket"


def endless(folder: Path) -> Path:
    with (folder / "huge").open("wb") as file:
        file.truncate(1 << 40)
    return folder / "huge"


def test_what_is_no_plain_file_is_not_waited_for(desk: Desk) -> None:
    for make in (pipe, endpoint, endless):
        completed = desk.create(ONE, "--seed", f"api_token=file:{make(desk.folder)}")
        assert (completed.code, code(completed)) == (2, "seed.unreadable"), make
    assert desk.changed() == []


@pytest.mark.parametrize("of", ["a key", "git's sign-in in a folder", "any other file"])
def test_a_file_with_further_names_is_no_value_comes_from(world: World, of: str) -> None:
    """A hard link is the same file: its path does not say what it is, and nothing lists its other names."""
    kept = {
        "a key": Path.home() / ".ssh" / "id_ed25519",
        "git's sign-in in a folder": world.folder.parent / "elsewhere" / ".netrc",
        "any other file": world.folder.parent / "elsewhere" / "notes",
    }[of]
    harmless = world.folder / "value.yml"
    os.link(private(kept), harmless)
    (world.folder / "link.yml").symlink_to(harmless)
    for place in (harmless, world.folder / "link.yml"):
        completed = world.run("create", ONE, "--seed", f"api_token=file:{place}")
        assert code(completed) == "seed.place"
        assert "2 names" in completed.of("error")[0]["message"]
        untouched(world, completed, CANARY)
    kept.unlink()
    assert world.run("create", ONE, "--seed", f"api_token=file:{harmless}").code == 0


def test_a_file_that_gets_another_name_after_the_plan_is_not_read(world: World) -> None:
    path, value = world.folder / "plan.json", private(world.folder.parent / "value")
    assert world.run("plan", ONE, "--seed", f"api_token=file:{value}", "--out", str(path)).code == 0
    value.unlink()
    os.link(private(Path.home() / ".ssh" / "id_ed25519"), value)
    world.sandbox.journal.clear()
    completed = world.tell(["apply", str(path), "--platform", str(world.sandbox.profile), "--json", "--yes"])
    assert (completed.code, code(completed)) == (4, "seed.place")
    assert world.sandbox.journal.writes() == []


def test_a_file_of_ones_own_may_be_a_link_and_hold_a_private_key(world: World) -> None:
    """A service may need a key of its own. The plan says that it is one, and where it really lies."""
    key = private(world.folder / "keys" / "signing.pem", PRIVATE_KEY)
    (world.folder / "signing.key").symlink_to(key)
    completed = world.run("create", ONE, "--seed", "api_token=file:signing.key")
    assert completed.result["status"] == "success", completed.out
    (event,) = completed.of("plan")
    assert event["seeds"] == [{"property": "api_token", "source": f"file:{key}"}]
    assert [note for note in event["notes"] if "private key" in note and str(key) in note]
    assert world.sandbox.vault.read(NAME)["api_token"] == PRIVATE_KEY.rstrip("\n")
    assert "Y2FuYXJ5" not in completed.out + completed.err


# --- a plan that was made elsewhere ---------------------------------------------------------------------------


def made_elsewhere(world: World, *seeds: str) -> Path:
    """A plan of another person: of one with another key."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(world.folder.parent / "state of another"))
        path = world.folder / "plan.json"
        completed = world.run("plan", ONE, *(word for seed in seeds for word in ("--seed", seed)), "--out", str(path))
        assert completed.code == 0, completed.out
    world.sandbox.journal.clear()
    return path


def apply(world: World, path: Path, *more: str) -> Completed:
    return world.tell(["apply", str(path), "--platform", str(world.sandbox.profile), "--json", *more])


def forge(path: Path, **changes: Any) -> None:
    """Change a plan as somebody does who knows how it is written."""
    document = json.loads(path.read_text())
    document.pop("checksum")
    document |= changes
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps({**document, "checksum": f"sha256:{digest}"}))


@pytest.mark.parametrize("kind", few(1, ["env", "file"]))
def test_a_plan_made_elsewhere_reads_nothing_that_is_not_named_again(world: World, kind: str) -> None:
    world.monkeypatch.setenv("READER_KEY", CANARY)
    source = "env:READER_KEY" if kind == "env" else f"file:{private(world.folder / 'key.json')}"
    path = made_elsewhere(world, f"api_token={source}")
    completed = apply(world, path)
    assert code(completed) == "plan.foreign"
    assert f"api_token from {source}" in completed.of("error")[0]["message"]
    untouched(world, completed, CANARY)

    completed = apply(world, path, "--seed", "api_token=env:ANOTHER")
    assert (completed.code, code(completed)) == (2, "plan.seed")
    assert only_looked_up(world)

    command = shlex.split(apply(world, path).of("error")[0]["hint"].partition("repeat them: ")[2])
    assert command[:2] == ["newservice", "apply"]
    completed = world.tell([*command[1:], "--json"])
    assert completed.result["status"] == "success", completed.out
    assert world.sandbox.vault.read(NAME)["api_token"] == CANARY


def test_a_forged_plan_can_name_no_credential_even_if_that_is_repeated(world: World) -> None:
    key = private(Path.home() / ".ssh" / "id_ed25519")
    world.monkeypatch.setenv("READER_KEY", CANARY)
    path = made_elsewhere(world, "api_token=env:READER_KEY")
    for source in ("env:GITHUB_TOKEN", "env:CI_JOB_TOKEN", f"file:{key}"):
        named = f"api_token={source}"
        forge(path, seeds=[named])
        for more in ((), ("--seed", named)):
            completed = apply(world, path, *more)
            assert code(completed) in ("seed.credential", "seed.place")
            untouched(world, completed, CANARY, os.environ["GITHUB_TOKEN"])


FORGED: list[dict[str, Any]] = [
    {"seeds": ["api_token=env:OTHER_KEY"]},
    {"begun": True},
    {"mark": "hmac-sha256:" + "0" * 64},
    {"mark": None},
]


def test_a_plan_of_ones_own_that_was_changed_is_ones_own_no_more(world: World) -> None:
    world.monkeypatch.setenv("READER_KEY", CANARY)
    world.monkeypatch.setenv("OTHER_KEY", CANARY)
    path = world.folder / "plan.json"
    assert world.run("plan", ONE, "--seed", "api_token=env:READER_KEY", "--out", str(path)).code == 0
    world.sandbox.journal.clear()
    text = path.read_text()
    for change in FORGED:
        path.write_text(text)
        forge(path, **change)
        completed = apply(world, path)
        assert code(completed) == "plan.foreign", change
        untouched(world, completed, CANARY)


def test_a_plan_of_ones_own_shows_its_sources_and_acts_at_once(world: World) -> None:
    """As a script does it: plan, then apply; and again after it stopped on the way."""
    world.monkeypatch.setenv("READER_KEY", CANARY)
    path = world.folder / "plan.json"
    completed = world.run("plan", ONE, "--seed", "api_token=env:READER_KEY", "--out", str(path))
    assert "--seed" not in completed.result["next"][0]
    completed = apply(world, path)
    assert completed.result["status"] == "success", completed.out
    assert completed.events[0]["event"] == "plan", "before the first step"
    assert completed.events[0]["seeds"] == [{"property": "api_token", "source": "env:READER_KEY"}]
    assert json.loads(path.read_text())["begun"]
    assert apply(world, path).result["status"] == "unchanged"
    assert apply(world, path, "--seed", "api_token=env:READER_KEY").result["status"] == "unchanged"


def test_a_plan_made_elsewhere_that_reads_nothing_needs_no_more(world: World) -> None:
    path = made_elsewhere(world, "api_token=later")
    assert apply(world, path).result["status"] == "success"
    path = made_elsewhere(world)
    assert apply(world, path).code == 0


def test_a_file_that_leads_elsewhere_by_now_is_not_read(world: World) -> None:
    key, other = private(world.folder / "key.json"), private(world.folder / "other.json", "another value")
    path = world.folder / "plan.json"
    assert world.run("plan", ONE, "--seed", f"api_token=file:{key}", "--out", str(path)).code == 0
    world.sandbox.journal.clear()
    key.unlink()
    key.symlink_to(other)
    completed = apply(world, path)
    assert code(completed) == "plan.moved"
    assert str(other) in completed.of("error")[0]["message"]
    untouched(world, completed, CANARY)


def test_where_no_key_can_be_kept_the_command_repeats_the_sources(world: World) -> None:
    world.monkeypatch.setenv("XDG_STATE_HOME", "/dev/null/x")
    world.monkeypatch.setenv("READER_KEY", CANARY)
    path = world.folder / "plan.json"
    completed = world.run("plan", ONE, "--seed", "api_token=env:READER_KEY", "--out", str(path))
    assert completed.code == 0
    (command,) = completed.result["next"]
    assert "--seed api_token=env:READER_KEY" in command
    assert world.tell([*shlex.split(command)[1:], "--json"]).result["status"] == "success"


def test_the_key_is_for_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert own_key() is None
    key = made_key()
    assert key is not None
    assert key == made_key() == own_key()
    (path,) = (tmp_path / "state" / "newservice").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o077 == 0
    path.chmod(0o644)
    assert own_key() is None, "others can have read it"
    path.chmod(0o600)
    path.write_text("short")
    assert own_key() is None


def test_a_plan_without_sources_leaves_no_key(desk: Desk) -> None:
    completed = desk.create(ONE, "--out", desk.folder / "plan.json", command="plan")
    assert completed.code == 0
    assert not (Path.home() / ".local").exists()
