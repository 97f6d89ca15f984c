"""``newservice init``: from a few facts to a profile that works; and what is said where there is no profile."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest
import yaml

from generator.base.checks import CheckState
from generator.base.errors import ExitCode, UsageError
from generator.cli.doctor import result_of
from generator.platform.facts import Interview, read_sets
from generator.platform.profile import BUILT_IN, Platform, advice, load_platform, merged_platform, reason, user_profile
from generator.platform.text import profile_text
from generator.sandbox import Sandbox
from generator.template.template import Template
from tests.full import full

from .invoke import Command
from .pages import page
from .world import World

TEMPLATE = Template.installed()
INTERVIEW = Interview.of(TEMPLATE)
FEW = {"domain": "acme.example", "forgejo_owner": "acme", "github_owner": "AcmeInc"}
FLAGS = [word for name, value in FEW.items() for word in ("--" + name.replace("_", "-"), value)]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


def own_profile() -> Path:
    place = user_profile()
    assert place is not None
    return place


def everything() -> Iterator[Path]:
    yield from own_profile().parent.rglob("*") if own_profile().parent.is_dir() else ()


# --- facts ---------------------------------------------------------------------------------------------------


def test_the_rest_follows() -> None:
    facts, problems = INTERVIEW.settle(FEW)
    assert problems == []
    platform = merged_platform(TEMPLATE.platform, INTERVIEW.overrides(facts, {}), "test")
    assert platform.forgejo.url == "https://forgejo.acme.example"
    assert platform.woodpecker.url == "https://ci.acme.example"
    assert platform.forgejo.clone_url("notes") == "https://forgejo.acme.example/acme/notes.git"
    assert platform.template_url == "https://forgejo.acme.example/acme/newservice.git"
    assert platform.registry.owner == "acmeinc"
    assert platform.connection.pins.get("forgejo") is None
    credentials = platform.connection.credentials.values()
    assert {item.vault.rpartition("/")[0] for item in credentials} == {"secret", "secret/ci"}


def test_nothing_of_the_built_in_platform_is_left() -> None:
    """Its hosts, addresses and owners are somebody else's."""
    facts, _ = INTERVIEW.settle(FEW)
    data = merged_platform(TEMPLATE.platform, INTERVIEW.overrides(facts, {}), "test").data
    assert "viktor" not in yaml.safe_dump(dict(data)).lower()
    assert "10.0.20.203" not in yaml.safe_dump(dict(data))


@pytest.mark.parametrize(
    ("address", "url", "port"),
    [("10.0.0.9", "https://git.acme.example", 443), ("10.0.0.9", "https://git.acme.example:8443", 8443),
     ("10.0.0.9:444", "https://git.acme.example", 444)],
)  # fmt: skip
def test_load_balancer(address: str, url: str, port: int) -> None:
    facts, _ = INTERVIEW.settle({**FEW, "load_balancer": address, "forgejo_url": url})
    pin = merged_platform(TEMPLATE.platform, INTERVIEW.overrides(facts, {}), "test").connection.pins.get("vault")
    assert pin is not None
    assert (pin.address, pin.port) == ("10.0.0.9", port)


def test_sets_are_facts_or_keys() -> None:
    facts, others, problems = read_sets(INTERVIEW, ["forgejo.url=https://git.acme.example", "redis.indexes=8"])
    assert (facts, others) == ({"forgejo_url": "https://git.acme.example"}, {"redis.indexes": 8})
    assert problems == []
    (problem,) = read_sets(INTERVIEW, ["redis"])[2]
    assert "is not key=value" in problem.message
    settled, _ = INTERVIEW.settle(FEW)
    with pytest.raises(UsageError, match="no map load_balancer"):  # or it would get the built-in address
        INTERVIEW.overrides(settled, {"connection.load_balancer.systems": ["forgejo"]})


# --- the file ------------------------------------------------------------------------------------------------


def test_the_file_says_what_is_said() -> None:
    facts, _ = INTERVIEW.settle({**FEW, "load_balancer": "10.0.0.9"})
    said = INTERVIEW.overrides(facts, {"tiers": {"gold": {"memory_cap": "2Gi"}}, "default_tier": "gold"})
    text = profile_text(TEMPLATE.platform, said, INTERVIEW.meanings_once(), "acme")
    assert yaml.safe_load(text) == said
    assert text == profile_text(TEMPLATE.platform, said, INTERVIEW.meanings_once(), "acme")


def test_all_keys_are_in_the_file() -> None:
    """Without the # before a key it is the whole built-in profile, with what is said."""
    facts, _ = INTERVIEW.settle({**FEW, "load_balancer": "10.0.0.9"})
    said = INTERVIEW.overrides(facts, {})
    text = profile_text(TEMPLATE.platform, said, INTERVIEW.meanings_once(), "acme")
    whole = re.sub(r"(?m)^#(?! \S)", "", text)
    assert yaml.safe_load(whole) == merged_platform(TEMPLATE.platform, said, "test").data


def test_each_key_has_a_meaning() -> None:
    def leaves(data: dict[str, Any], prefix: str = "") -> Iterator[str]:
        for key, value in data.items():
            if isinstance(value, dict) and prefix + key not in INTERVIEW.meanings:
                yield from leaves(value, f"{prefix}{key}.")
            else:
                yield prefix + key
                if isinstance(value, dict) and prefix + key not in ("tiers", "actions_secrets", "catalog"):
                    yield from leaves(value, f"{prefix}{key}.")

    keys = list(leaves(TEMPLATE.platform))
    meaning = INTERVIEW.meanings_once()
    completed = [key for key in keys if meaning(key)]
    assert [
        key for key in keys if key not in completed and not key.startswith(("connection.credentials.", "databases."))
    ] == []
    unused = [pattern for pattern in INTERVIEW.meanings if meaning(pattern) != ""]
    assert unused == []


def test_the_reference_has_the_flags() -> None:
    assert set(page("docs/reference/cli.md").rows("flag", "`newservice init`")) >= {f.option for f in INTERVIEW.facts}


# --- the command ---------------------------------------------------------------------------------------------


def test_all_that_is_missing_or_wrong_is_reported_at_once(command: Command) -> None:
    completed = command("init", "--github-owner", "no body", "--vault-url", "vault", "--json")
    assert completed.code == completed.result["exit_code"] == 2
    problems = {item["question"]: item["code"] for item in completed.of("error")}
    assert problems == {
        "domain": "answer.missing", "forgejo_owner": "answer.missing",
        "github_owner": "answer.invalid", "vault_url": "answer.invalid",
    }  # fmt: skip
    assert all(item["hint"].startswith("--") for item in completed.of("error"))
    assert list(everything()) == []


@pytest.mark.parametrize(
    ("pair", "code", "message"),
    [
        ("domian=x", "platform.invalid", "did you mean 'domain'?"),
        ("redis.indexes=many", "platform.invalid", "'redis.indexes' must be a number"),
        ("forgejo.url=https://me:pass@git.example", "answer.invalid", "forgejo_url: must be an address without user"),
        ("template_url=https://me:pass@git.example/x.git", "platform.invalid", "template_url: must be an address"),
        ("registry.url=http://me:pass@reg.example", "platform.invalid", "registry.url: must be an address without"),
        ("registry={url: 'https://me:pass@reg.example'}", "platform.invalid", "without user and password"),
        ("https://me:pass@git.example", "platform.invalid", "without user and password"),
        ("default_tier=zzz", "platform.invalid", "'default_tier' must be one of core, cluster, gpu, edge, aux"),
        ("tiers={gold: {memory_cap: 1Gi}}", "platform.invalid", "'default_tier' must be one of gold (built in is aux)"),
        ("connection.retry.attempts=-5", "platform.invalid", "'connection.retry.attempts' must be at least 1"),
        (
            "infra.stacks=../../etc",
            "platform.invalid",
            "'infra.stacks' must be a folder inside of the infra repository",
        ),
        ("redis.indexes=&a [&b [*a, *b], *a]", "answers.unreadable", "a value that holds itself"),
        ("name=Acme\n", "answer.invalid", "name: must be one line"),
        ("pull_secret=sesame-open-up", "platform.secret", "would contain the value of a credential"),
    ],
)
def test_no_wrong_profile_is_written(
    command: Command, pair: str, code: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGEJO_TOKEN", "sesame-open-up")
    completed = command("init", *FLAGS, "--set", pair, "--no-check", "--json")
    assert completed.code == 2
    (error,) = completed.of("error")
    assert message in error["message"]
    assert error["code"] == code
    for secret in ("sesame", ":pass", "pass@"):
        assert secret not in completed.out + completed.err
    assert list(everything()) == []


def test_all_that_is_wrong_is_reported_at_once(command: Command) -> None:
    wrong = [
        "--set",
        "nope=1",
        "--set",
        "bad",
        "--set",
        "redis.indexes=0",
        "--domain",
        "X Y",
        "--github-owner",
        "AcmeInc",
    ]
    completed = command("init", *wrong, "--json")
    assert completed.code == 2
    assert {(error["code"], error["question"]) for error in completed.of("error")} == {
        ("platform.invalid", "nope"), ("answer.pair", "bad"), ("platform.invalid", "redis.indexes"),
        ("answer.invalid", "domain"), ("answer.missing", "forgejo_owner"),
    }  # fmt: skip


def test_a_place_that_is_none(command: Command, tmp_path: Path) -> None:
    """An empty variable of a script must not write the user's own profile."""
    completed = command("init", *FLAGS, "--no-check", "--out", "", "--json")
    assert (completed.code, [error["code"] for error in completed.of("error")]) == (2, ["usage.value"])
    assert list(everything()) == []
    link = tmp_path / "platform.yml"
    link.symlink_to(tmp_path / "gone.yml")
    completed = command("init", *FLAGS, "--no-check", "--out", link, "--json")
    (error,) = completed.of("error")
    assert (completed.code, error["code"]) == (4, "platform.exists")
    assert f"{link} is a link to {tmp_path / 'gone.yml'}" in error["message"]
    assert not (tmp_path / "gone.yml").exists()


def test_written_and_then_in_force(command: Command) -> None:
    completed = command("init", *FLAGS, "--no-check", "--json")
    assert (completed.code, completed.result["status"]) == (0, "success")
    assert completed.result["urls"] == {"profile": str(user_profile())}
    platform = load_platform(TEMPLATE.platform)
    assert (platform.name, platform.source) == ("acme", str(user_profile()))
    assert [path.name for path in everything()] == ["platform.yml"]
    again = command("init", *FLAGS, "--no-check", "--json")
    assert (again.code, again.result["status"]) == (0, "unchanged")


def test_a_profile_that_is_there_stays(command: Command, tmp_path: Path) -> None:
    theirs, link = tmp_path / "dotfiles.yml", tmp_path / "platform.yml"
    theirs.write_text("# by hand\nname: mine\n")
    link.symlink_to(theirs)
    completed = command("init", *FLAGS, "--no-check", "--out", link, "--yes", "--json")
    assert (completed.code, completed.of("error")[0]["code"]) == (4, "platform.exists")
    assert "-name: mine" in completed.of("error")[0]["message"].splitlines()
    assert theirs.read_text() == "# by hand\nname: mine\n"
    completed = command("init", *FLAGS, "--no-check", "--out", link, "--force")
    assert completed.code == 0
    assert "-name: mine" in completed.err.splitlines()
    assert link.is_symlink()
    assert yaml.safe_load(theirs.read_text())["name"] == "acme"
    assert f"--platform {link}" in completed.out
    (tmp_path / "binary.yml").write_bytes(b"\xff\xfe")
    completed = command("init", *FLAGS, "--no-check", "--out", tmp_path / "binary.yml", "--force", "--json")
    assert (completed.code, completed.of("error")[0]["code"]) == (4, "platform.exists")


def test_no_half_file(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    completed = command("init", *FLAGS, "--no-check", "--out", tmp_path / "file" / "platform.yml", "--json")
    assert (completed.code, completed.of("error")[0]["code"]) == (2, "platform.unwritable")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    completed = command("init", *FLAGS, "--no-check", "--json")
    assert (completed.code, completed.of("error")[0]["code"]) == (2, "platform.unwritable")
    assert list(everything()) == []


# --- on a platform -------------------------------------------------------------------------------------------


def facts_of(sandbox: Sandbox) -> list[str]:
    """What a person would say of the embedded platform, at the command line."""
    urls = sandbox.urls
    return [
        *("--domain", "viktorbarzin.me", "--forgejo-owner", "viktor", "--github-owner", "ViktorBarzin"),
        *("--forgejo-url", urls["forgejo"], "--woodpecker-url", urls["woodpecker"], "--vault-url", urls["vault"]),
        *("--load-balancer", "127.0.0.1", "--ca-file", str(sandbox.ca_file), "--infra-clone", str(sandbox.infra)),
        *("--set", "connection.load_balancer.systems=[forgejo, woodpecker, vault, registry]"),
        *("--set", f"github.url={urls['github']}", "--set", f"github.api_url={urls['github_api']}"),
        *("--set", f"registry.url={urls['registry']}", "--set", "connection.github_write_interval_seconds=0"),
    ]


def test_from_facts_to_a_service(world: World, command: Command) -> None:
    """The profile that init writes is all that create needs."""
    completed = command("init", *facts_of(world.sandbox), "--json")
    assert completed.result["status"] == "success", completed.out
    assert {item["state"] for item in completed.of("check")} == {"ok"}
    (line,) = [item for item in completed.of("check") if item["id"] == "profile"]
    assert f"({user_profile()}, your configuration)" in line["summary"]
    assert completed.result["next"] == ["your first service: newservice create"]
    assert not world.sandbox.journal.writes()
    given = ("hello", "--title", "Hello", "--description", "Hello", "--json")
    assert command("plan", *given).code == 0
    made = command("create", *given)
    assert (made.code, made.result["status"]) == (0, "success")
    assert command("status", "hello", "--json").result["status"] == "unchanged"


def test_what_doctor_finds_does_not_take_the_file_back(world: World, command: Command) -> None:
    world.sandbox.vault.health = 503
    out = world.folder / "platform.yml"
    completed = command("init", *facts_of(world.sandbox), "--out", out, "--json")
    assert completed.code == 3
    assert (completed.result["status"], completed.result["exit_code"]) == ("partial", 3)
    assert completed.result["next"][0].startswith("vault.reachable: ")
    assert f"then check again: newservice doctor --platform {out}" in completed.result["next"]
    assert load_platform(TEMPLATE.platform, out).name == "viktorbarzin"
    text = command("init", *facts_of(world.sandbox), "--out", out)
    assert text.code == 3
    assert "nothing was written" not in text.out + text.err
    world.sandbox.vault.health = 200
    again = command("init", *facts_of(world.sandbox), "--out", out, "--json")
    assert (again.code, again.result["status"]) == (0, "unchanged")


# --- a person ------------------------------------------------------------------------------------------------


def start() -> pexpect.spawn[str]:
    return pexpect.spawn(
        sys.executable, ["-m", "generator", "init", "--no-check"], encoding="utf-8", timeout=60, dimensions=(24, 80)
    )


@full
def test_a_person_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8")
    child = start()
    asked = [fact for fact in INTERVIEW.facts if fact.ask]
    try:
        child.expect(r"domain \(1 of")
        child.sendline("NOT A DOMAIN")
        child.expect("must be a domain")
        child.sendline("acme.example")
        for number, fact in enumerate(asked[1:], 2):
            child.expect(rf"{fact.name} \({number} of {len(asked)}\)")
            child.sendline(FEW.get(fact.name, ""))
        child.expect("registry_owner +acmeinc")
        child.expect("Write ")
        assert not own_profile().exists()
        child.sendline("n")  # and everything is asked again, with what was answered
        for number, fact in enumerate(asked, 1):
            child.expect(rf"{fact.name} \({number} of {len(asked)}\)")
            child.sendline("Acme at home" if fact.name == "name" else "")
        child.expect("name +Acme at home")
        child.expect("Write ")
        child.sendline("y")
        child.expect("was not checked")
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)
    assert child.exitstatus == 0
    facts, _ = INTERVIEW.settle({**FEW, "name": "Acme at home"})
    assert yaml.safe_load(own_profile().read_text()) == INTERVIEW.overrides(facts, {})


def test_a_person_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    child = start()
    try:
        child.expect(r"domain \(1 of")
        child.sendintr()
        child.expect("nothing was written")
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)
    assert child.exitstatus == 130
    assert list(everything()) == []


# --- without a profile ---------------------------------------------------------------------------------------


def test_what_is_missing_on_the_built_in_platform_names_init(command: Command) -> None:
    """No network here: there is no clone, and that is all that is looked at."""
    completed = command("fleet", "list", "--offline", "--json")
    (error,) = completed.of("error")
    assert (completed.code, error["code"]) == (3, "infra.no_clone")
    assert error["hint"].endswith("the built-in profile is in force; `newservice init` writes one for another platform")


def test_nobody_who_chose_a_profile_is_reported(command: Command) -> None:
    assert command("init", *FLAGS, "--no-check").code == 0
    (error,) = command("fleet", "list", "--offline", "--json").of("error")
    assert "newservice init" not in error["hint"]


def test_why_a_profile_is_in_force(tmp_path: Path) -> None:
    file = tmp_path / "platform.yml"
    file.write_text("name: acme\n")
    builtin = TEMPLATE.platform
    environ = {"NEWSERVICE_PLATFORM": f"{tmp_path}/./platform.yml"}
    assert "no --platform, no NEWSERVICE_PLATFORM" in reason(load_platform(builtin, environ={}), {})
    assert reason(load_platform(builtin, environ=environ), environ) == f"{file}, named by NEWSERVICE_PLATFORM"
    assert reason(load_platform(builtin, file, {}), {}) == f"{file}, as given"
    own_profile().parent.mkdir(parents=True)
    own_profile().write_text("name: mine\n")
    assert reason(load_platform(builtin, environ={}), {}) == f"{user_profile()}, your configuration"


def test_doctor_names_init_where_something_is_missing() -> None:
    from generator.base.checks import Check

    builtin, own = (Platform.of(TEMPLATE.platform, source) for source in (BUILT_IN, "mine.yml"))
    missing = [Check("vault.reachable", CheckState.FAILED, "no answer", "check that it is up")]
    found = result_of(missing, advice(builtin))
    assert found.exit_code is ExitCode.PREFLIGHT
    assert found.next[-1].startswith("profile: the built-in profile is in force; `newservice init`")
    assert result_of(missing, advice(own)).next == ("vault.reachable: check that it is up",)
    assert result_of([Check("vault.reachable", CheckState.OK, "up")], advice(builtin)).next == ()
