"""One list of forms: whatever a program does to a secret, it is masked where it is shown, and found in answers."""

from __future__ import annotations

import base64
import html
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from generator.base.secrets import MASK, Secret, known_secret, learn, learn_addresses, redact
from generator.mcp.server import Settings
from tests.answers import SMALLEST
from tests.test_mcp import Agent, talk
from tests.test_secrecy import seen_in
from tests.world import World

PLAIN = "ghp_0123456789abcdefABCDEF"
ODD = 'tok/en+Zz9-8877\'6655 "x" $y'


def twice(value: bytes) -> bytes:
    return base64.b64encode(base64.b64encode(value))


WAYS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 for addresses": lambda value: base64.urlsafe_b64encode(value.encode()).decode().rstrip("="),
    "base64 behind one letter": lambda value: base64.b64encode(f"u:{value}, and more".encode()).decode(),
    "base64 behind two letters": lambda value: base64.b64encode(f"me{value}".encode()).decode(),
    "basic authorisation": lambda value: base64.b64encode(f"x-access-token:{value}".encode()).decode(),
    "base64 in lines": lambda value: base64.encodebytes(value.encode() * 3).decode(),
    "base64 in an address": lambda value: quote(base64.b64encode(value.encode()).decode(), safe=""),
    "percent": lambda value: quote(value, safe=""),
    "percent in small letters": lambda value: quote(value, safe="").replace("%2B", "%2b").replace("%2F", "%2f"),
    "a plus for a space": quote_plus,
    "percent twice": lambda value: quote(quote(value, safe=""), safe=""),
    "every character in percent": lambda value: "".join(f"%{byte:02x}" for byte in value.encode()),
    "JSON": json.dumps,
    "JSON with its slashes": lambda value: json.dumps(value).replace("/", "\\/"),
    "HTML": html.escape,
    "a word of a shell": shlex.quote,
    "hex": lambda value: value.encode().hex(),
    "hex in capitals": lambda value: value.encode().hex().upper(),
    "base64 twice": lambda value: twice(value.encode()).decode(),
    "base64 twice for addresses": lambda value: base64.urlsafe_b64encode(
        base64.urlsafe_b64encode(value.encode())
    ).decode(),
    "base64 twice, each in lines": lambda value: base64.encodebytes(base64.encodebytes(value.encode() * 3)).decode(),
    "base64 twice behind letters": lambda value: base64.b64encode(
        b"xy " + base64.b64encode(f"u:{value}!".encode()) + b" z"
    ).decode(),
    "base64 twice in a word": lambda value: f"see/{twice(value.encode()).decode()}",
    "base64 twice in an address": lambda value: quote(twice(b">>?" + value.encode() + b"???").decode(), safe=""),
    "base64 three times": lambda value: base64.b64encode(twice(value.encode())).decode(),
    "hex of base64": lambda value: base64.b64encode(value.encode()).hex(),
    "hex twice behind a digit": lambda value: f"7{value.encode().hex().encode().hex()}",
    "hex twice": lambda value: value.encode().hex().encode().hex().upper(),
    "base64 of hex": lambda value: base64.b64encode(value.encode().hex().encode()).decode(),
    "base64 of JSON of base64": lambda value: base64.b64encode(
        json.dumps({"auth": base64.b64encode(f"user:{value}".encode()).decode()}).encode()
    ).decode(),
    "base64 of an address": lambda value: base64.b64encode(f"https://u:{quote(value)}@h.test".encode()).decode(),
    "a line break": lambda value: f"{value[:9]}\n    {value[9:]}",
    "a continuation": lambda value: f"{value[:9]}\\\n{value[9:]}",
    "folded": lambda value: f"{value[:9]} {value[9:]}",
}


@pytest.mark.parametrize("value", [PLAIN, ODD])
@pytest.mark.parametrize("way", WAYS)
def test_every_form_is_known_and_masked(value: str, way: str) -> None:
    written = WAYS[way](value)
    assert not known_secret(f"see {written} here")
    Secret(value)
    assert known_secret(f"see {written} here")
    shown = redact(f"see {written} here")
    assert MASK in shown
    assert written not in shown
    assert Secret(f"a seed with {written}").holds(value)


@pytest.mark.parametrize(
    "way", ["basic authorisation", "percent twice", "hex", "folded", "base64 twice", "hex of base64"]
)
@pytest.mark.parametrize("place", ["env", "key", "secrets", "description"])
def test_an_answer_holds_none_in_any_form(world: World, way: str, place: str) -> None:
    """Given as a flag, before anything is asked of a system; the message repeats nothing."""
    written = WAYS[way](world.sandbox.tokens.woodpecker)
    flags = {
        "env": ("--set", f"env.TOKEN={written}"),
        "key": ("--set", f"env.{written.replace('=', '')}=x"),
        "secrets": ("--set", f"secrets.TOKEN={written}"),
        "description": ("--description", f"Keeps {written}"),
    }
    completed = world.run("create", SMALLEST, *flags[place])
    assert (completed.code, completed.of("error")[0]["code"]) == (2, "answer.secret"), completed.out
    assert written not in completed.out + completed.err
    assert seen_in(world, completed) == []
    assert list(world.sandbox.journal) == []


def test_what_only_looks_encoded_is_left_alone() -> None:
    """Ids of commits, digests, paths, long words: nothing is masked but what holds the secret."""
    Secret(PLAIN)
    for text in (
        "see 3f786850e387550fdab836ed7e6dc881de23001b of sha256:" + "0123456789abcdef" * 4,
        "see /home/ana/infrastructure-repository/stacks/reader/deployment.tf, an internationalisation",
        base64.b64encode(base64.b64encode(b"something else entirely that nobody keeps secret")).decode(),
        "x" * 100_000,
        "a/b-c_" * 20_000,
    ):
        assert not known_secret(text)
        assert redact(text) == text


def test_only_the_encoded_word_is_masked() -> None:
    Secret(PLAIN)
    assert redact(f"see {twice(PLAIN.encode()).decode()} of it") == f"see {MASK} of it"


def test_passwords_in_addresses_are_secrets_and_words_are_not(world: World) -> None:
    """Of the environment, and of the clone's own remotes."""
    world.monkeypatch.setenv("HTTPS_PROXY", "http://ana:proxy-4711-pass@proxy.test:3128")
    world.monkeypatch.setenv("DATABASE_URL", "postgres://postgres:postgres@localhost/app")
    config = world.sandbox.infra / ".git" / "config"
    config.write_text(config.read_text() + '[remote "old"]\n\turl = https://oauth2:glpat-0011223344@git.test/x.git\n')
    for value in ("proxy-4711-pass", "glpat-0011223344"):
        refused = world.run("plan", {**SMALLEST, "env": {"A": f"x{value}"}})
        assert (refused.code, refused.of("error")[0]["code"]) == (2, "answer.secret"), refused.out
        assert value not in refused.out + refused.err
    world.monkeypatch.delenv("HTTPS_PROXY")  # or GitHub is looked for behind it
    assert world.run("plan", {**SMALLEST, "database": "postgres"}).code == 0


def test_a_value_of_vault_is_no_answer_and_an_ordinary_word_may_be(world: World) -> None:
    given = {**SMALLEST, "secrets": {"API_TOKEN": "api_token"}}
    name = str(SMALLEST["name"])
    assert world.run("create", given).code == 0
    value = str(world.sandbox.vault.read(name)["api_token"])
    journal = len(world.sandbox.journal)
    changed = world.command("change", name, "--yes", "--set", f"env.COPY={value}")
    assert (changed.code, changed.of("error")[0]["code"]) == (2, "answer.secret"), changed.out
    assert not [item for item in list(world.sandbox.journal)[journal:] if item.is_write]
    assert value not in changed.out + changed.err


def test_an_update_takes_no_secret_either(world: World) -> None:
    token, name = world.sandbox.tokens.github, str(SMALLEST["name"])
    assert world.run("create", SMALLEST).code == 0
    words = ["update", str(world.folder / name), "--env", f"TOKEN={token}", "--platform", str(world.sandbox.profile)]
    done = world.tell([*words, "--json"])
    assert done.of("error")[0]["code"] == "answer.secret", done.out
    assert token not in done.out + done.err


@pytest.mark.parametrize("way", ["hex", "basic authorisation"])
def test_an_agent_s_answers_hold_none_either(world: World, way: str) -> None:
    """Whatever tool it calls; what it gets back repeats nothing, and no system is asked."""
    written = WAYS[way](world.sandbox.tokens.forgejo)
    name = str(SMALLEST["name"])
    assert world.run("create", SMALLEST).code == 0
    world.sandbox.journal.clear()

    async def wish(agent: Agent) -> None:
        given = {**SMALLEST, "env": {"A": f"see {written}"}}
        folder = str(world.folder / name)
        for tool, arguments in (
            ("plan", {"answers": given, "service_dir": folder}),
            ("create", {"answers": given, "service_dir": folder}),
            ("change", {"name": name, "answers": {"env": {"A": written}}}),
            ("update", {"path": folder, "answers": {"env": {"A": written}}}),
        ):
            done = await agent.call(tool, **arguments)
            assert [item["code"] for item in done["error"]] == ["answer.secret"], (tool, done)
        assert not [text for text in agent.heard if written in text or world.sandbox.tokens.forgejo in text]

    talk(Settings(str(world.sandbox.profile), str(world.sandbox.infra), allow_writes=True), wish)
    assert world.sandbox.journal.writes() == []


def test_a_stack_that_records_one_is_not_continued(world: World) -> None:
    """Someone committed it by hand: no command spreads it."""
    token, name = world.sandbox.tokens.woodpecker, str(SMALLEST["name"])
    assert world.run("create", SMALLEST).code == 0
    world.merge(name)
    path = f"stacks/{name}/.copier-answers.yml"
    recorded = (world.infra.bare.file(world.base, path) or b"").decode()
    changed = recorded.replace("\nenv: {}\n", f"\nenv: {{TOKEN: {token}}}\n")
    changed = changed if changed != recorded else f"{recorded}env: {{TOKEN: {token}}}\n"
    world.infra.bare.commit_files(world.base, {path: changed}, "by hand", 1_790_000_000)
    world.sandbox.journal.clear()
    for line in (["create", name, "--yes"], ["change", name, "--yes", "--set", "port=8181"], ["fleet", "update"]):
        completed = world.command(*line)
        assert token not in completed.out + completed.err, line
        assert line[0] == "fleet" or completed.of("error")[0]["code"] == "answer.secret", completed.out
    assert world.sandbox.journal.writes() == []


def test_words_that_other_tools_take_for_a_key_are_words(world: World) -> None:
    """The key of a test system, and a file of Vault's that is none."""
    world.monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "minioadmin")
    (Path.home() / ".vault-token").write_bytes(b"\xff\xfe no text")
    completed = world.run("plan", {**SMALLEST, "env": {"ROOT": "minioadmin"}})
    assert completed.code == 0, completed.out
    assert "minioadmin" in completed.out
    world.monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG")
    completed = world.run("plan", {**SMALLEST, "env": {"ROOT": "wJalrXUtnFEMI/K7MDENG"}})
    assert completed.of("error")[0]["code"] == "answer.secret"


def test_a_host_that_vault_has_beside_secrets_is_none() -> None:
    settings = {
        "PUBLIC_URL": "https://app.example.test",
        "DB_HOST": "postgresql.dbaas.svc.cluster.local",
        "host": "10.0.7.1",
    }
    for name, value in settings.items():
        learn(value, name)
        assert not known_secret(f"it is {value}"), name
    secrets = {
        "WEBHOOK_URL": "https://hooks.test/T0/B1/xYz",
        "ghost": "correct.horse.4",
        "DB_URL": "postgres://app:s3cret@db",
    }
    for name, value in {**secrets, "PASSWORD": "correct.horse.battery.staple"}.items():
        learn(value, name)
        assert known_secret(f"it is {value}"), name


def test_what_is_learned_is_no_ordinary_word() -> None:
    learn("postgres")
    learn("my-user")
    learn_addresses("postgres://app:password@db.test/x and https://git.test/no/user")
    assert not known_secret("postgres my-user password")
    learn_addresses("https://x-access-token:ghs_1a2b3c4d@git.test/x?y=z, mail a@b.test")
    assert redact("ghs_1a2b3c4d") == MASK
