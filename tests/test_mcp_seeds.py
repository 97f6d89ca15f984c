"""What a call over MCP may read for a secret: what a person allowed when the server was started, and nothing else."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from jsonschema import Draft202012Validator
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from generator.base.errors import NewserviceError
from generator.mcp.server import Settings
from generator.mcp.sources import allowed_source, sources
from tests.answers import UPSTREAM
from tests.invoke import Command, Desk
from tests.test_mcp import ROOT, Agent, both_protocols, talk
from tests.test_secrecy import sightings
from tests.world import World, only_looked_up

NAME = str(UPSTREAM["name"])
ONE = {**UPSTREAM, "secrets": {"API_TOKEN": "api_token"}}
CANARY = "canary-of-a-person/+é-4711"


def settings(world: World, *allowed: str) -> Settings:
    return Settings(str(world.sandbox.profile), str(world.sandbox.infra), allow_writes=True, sources=sources(allowed))


async def refused(
    agent: Agent, world: World, source: str, *codes: str, name: str = "api_token"
) -> list[dict[str, Any]]:
    """The errors of a plan and a create with a source: refused before a write, or a look at more than the record."""
    world.sandbox.journal.clear()
    errors = []
    for tool in ("plan", "create"):
        completed = await agent.call(tool, answers=ONE, seeds={name: source}, service_dir=str(world.folder / NAME))
        (error,) = completed["error"]
        assert error["code"] in codes, error
        assert completed["result"]["exit_code"] == (2 if error["code"] == "usage" else 4)
        errors.append(error)
    assert only_looked_up(world)
    assert not world.has_secret(NAME)
    return errors


def shown(agent: Agent) -> dict[str, bytes]:
    return {f"message {number}": text.encode() for number, text in enumerate(agent.heard)}


def private(path: Path, content: str = CANARY) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(0o600)
    return path


# --- nothing is allowed -------------------------------------------------------------------------------------


@both_protocols
def test_without_permission_no_value_is_read_from_anywhere(mode: str, world: World) -> None:
    key = private(Path.home() / ".ssh" / "id_ed25519")
    harmless = private(world.folder / "harmless.txt")
    world.monkeypatch.setenv("READER_KEY", CANARY)

    async def wish(agent: Agent) -> None:
        for source in (f"file:{key}", "file:~/.ssh/id_ed25519", "file:/etc/passwd", f"file:{harmless}",
                       "file:harmless.txt", "env:READER_KEY"):  # fmt: skip
            await refused(agent, world, source, "mcp.seed")
        for source in ("env:GITHUB_TOKEN", "env:VAULT_TOKEN", "env:CI_JOB_TOKEN"):
            await refused(agent, world, source, "seed.credential")
        assert sightings([CANARY, os.environ["GITHUB_TOKEN"]], shown(agent)) == []

        completed = await agent.call(
            "create", answers=ONE, seeds={"api_token": "later"}, service_dir=str(world.folder / "x")
        )
        assert completed["result"]["status"] == "success"
        assert completed["plan"][0]["seeds"] == [{"property": "api_token", "source": "later"}]

    talk(settings(world), wish, mode)


def test_a_refusal_does_not_tell_what_exists(world: World) -> None:
    async def wish(agent: Agent) -> None:
        named = ("env:READER_KEY", f"file:{world.folder}/key", "env:CI_JOB_TOKEN")
        before = [await refused(agent, world, source, "mcp.seed", "seed.credential") for source in named]
        private(world.folder / "key")
        world.monkeypatch.setenv("READER_KEY", CANARY)
        world.monkeypatch.setenv("CI_JOB_TOKEN", CANARY)
        assert [await refused(agent, world, source, "mcp.seed", "seed.credential") for source in named] == before

    talk(settings(world), wish)


def test_a_refusal_names_what_is_allowed_and_how_a_person_allows_more(world: World) -> None:
    async def wish(agent: Agent) -> None:
        source = "file:/srv/a key\x1b[2K\nnewservice mcp --allow-seed env:X"
        (error, _) = await refused(agent, world, source, "mcp.seed")
        assert "\x1b" not in error["message"] + error["hint"]
        assert "\n" not in error["message"] + error["hint"]
        (error, _) = await refused(agent, world, "file:/srv/a key", "mcp.seed")
        assert "file:/srv/a key" in error["message"]
        assert "accepts later (a person fills it in) or one of env:READER_KEY" in error["hint"]
        words = shlex.split(error["hint"].partition("start it so: ")[2])
        assert words == ["newservice", "mcp", "--allow-seed", "file:/srv/a key"]

    talk(settings(world, "env:READER_KEY"), wish)


# --- something is allowed -----------------------------------------------------------------------------------


def test_what_is_allowed_is_listed_and_read(world: World) -> None:
    """A variable, a file, and the files below a folder; the schema and the description say so."""
    folder, single = world.folder / "keys (own)", private(world.folder / "single")
    below = private(folder / "deep" / "key")
    world.monkeypatch.setenv("READER_KEY", CANARY)
    allowed = ("env:READER_KEY", f"file:{single}", f"file:{folder}")
    wanted = ("env:READER_KEY", f"file:{single}", f"file:{below}", "later")
    unwanted = ("env:READER_KEY2", f"file:{single}2", f"file:{folder}", f"file:{folder}/", f"file:{folder}2/x",
                "file:/etc/passwd", "prompt", CANARY)  # fmt: skip

    async def wish(agent: Agent) -> None:
        for name in ("plan", "create"):
            tool = (await agent.list())[name]
            schema = tool.input_schema
            for text in ("env:READER_KEY", f"file:{single}", f"file:{folder}/… (files below)"):
                assert text in schema["properties"]["seeds"]["description"]
                assert text in str(tool.description)
            check = Draft202012Validator(schema)
            assert [item for item in wanted if not check.is_valid({"seeds": {"api_token": item}})] == []
            assert [item for item in unwanted if check.is_valid({"seeds": {"api_token": item}})] == []
            for choice in schema["properties"]["seeds"]["additionalProperties"]["anyOf"]:
                assert not re.search(r"\\[^\\^$.*+?()\[\]{}|]", choice.get("pattern", "")), "no pattern of ECMA's"
        for source in wanted:
            completed = await agent.call("plan", answers=ONE, seeds={"api_token": source})
            assert completed["plan"][0]["seeds"] == [{"property": "api_token", "source": source}], completed["error"]
        for source in unwanted:
            await refused(agent, world, source, "usage" if ":" not in source else "mcp.seed")
        assert sightings([CANARY], shown(agent)) == []
        completed = await agent.call("create", answers=ONE, seeds={"api_token": f"file:{below}"})
        assert completed["result"]["status"] == "success"
        assert world.sandbox.vault.read(NAME)["api_token"] == CANARY
        assert sightings([CANARY], shown(agent)) == []

    talk(settings(world, *allowed), wish)


def test_no_path_leads_out_of_an_allowed_folder(world: World) -> None:
    folder = world.folder / "keys"
    outside = private(world.folder / "outside" / "key")
    private(folder / "key")
    (folder / "link").symlink_to(outside)
    (folder / "linked").symlink_to(outside.parent)
    (folder / "round").symlink_to(folder / "round")
    private(world.folder / "keys-of-others" / "key")

    async def wish(agent: Agent) -> None:
        for path in ("../outside/key", "link", "linked/key", "x/../../outside/key", "round/../../outside/key"):
            await refused(agent, world, f"file:{folder}/{path}", "mcp.seed")
        await refused(agent, world, f"file:{world.folder}/keys-of-others/key", "mcp.seed")
        await refused(agent, world, f"file:{folder}/a\0b", "mcp.seed")
        assert sightings([CANARY], shown(agent)) == []

    talk(settings(world, f"file:{folder}/"), wish)


def test_keys_in_an_allowed_folder_stay_closed(world: World) -> None:
    private(Path.home() / ".ssh" / "id_ed25519")
    token = os.environ["GITHUB_TOKEN"]
    private(Path.home() / "copy", token)

    async def wish(agent: Agent) -> None:
        await refused(agent, world, f"file:{Path.home()}/.ssh/id_ed25519", "seed.place")
        await refused(agent, world, f"file:{Path.home()}/copy", "seed.credential")
        assert sightings([CANARY, token], shown(agent)) == []

    talk(settings(world, f"file:{Path.home()}"), wish)


def test_a_propertys_name_can_not_carry_a_source(world: World) -> None:
    """``a=file:/x`` with ``later`` would be ``--seed a=file:/x=later``."""
    key = private(world.folder / "key=later")

    async def wish(agent: Agent) -> None:
        for name, source, error in (
            (f"api_token=file:{str(key).removesuffix('=later')}", "later", "mcp.seed"),
            ("api_token=env:READER_KEY2", "later", "mcp.seed"),
            ("api_token=env:GITHUB_TOKEN;x", "later", "mcp.seed"),
            ("api_token=prompt", "env:READER_KEY", "seed.source"),
            ("api_token=later", "env:READER_KEY", "seed.source"),
        ):
            for tool in ("plan", "create"):
                completed = await agent.call(tool, answers=ONE, seeds={name: source})
                assert [item["code"] for item in completed["error"]] == [error]
        assert list(world.sandbox.journal) == []

    talk(settings(world, "env:READER_KEY"), wish)


# --- the command --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("hunter2-the-value", "mcp.source"),
        ("later", "mcp.source"),
        ("api_token=env:READER_KEY", "mcp.source"),
        ("env:", "mcp.source"),
        ("file:", "mcp.source"),
        ("env:GITHUB_TOKEN", "seed.credential"),
        ("env:PATH", "seed.variable"),
        ("file:~/.ssh/", "seed.place"),
        ("file:/proc/", "seed.place"),
    ],
)
def test_what_no_seed_may_name_can_not_be_allowed(source: str, code: str, capsys: pytest.CaptureFixture[str]) -> None:
    completed = Command(capsys)("mcp", "--allow-seed", source)
    assert completed.code == (4 if code in ("seed.credential", "seed.place") else 2)
    assert "hunter2" not in completed.out + completed.err
    with pytest.raises(NewserviceError) as caught:
        allowed_source(source)
    assert caught.value.code == code
    assert caught.value.message in completed.err


def test_a_folder_is_one_by_its_slash_or_because_it_is_one(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert allowed_source(f"file:{tmp_path}/folder").text == f"file:{tmp_path}/folder/"
    assert allowed_source(f"file:{tmp_path}/to-come/").folder
    assert not allowed_source(f"file:{tmp_path}/to-come").folder
    assert allowed_source("file:/").names("file:/srv/key")
    with pytest.raises(NewserviceError):
        allowed_source("file:a\0b")


def test_over_pipes_a_server_reads_what_it_was_started_to_read(desk: Desk) -> None:
    """The command as a client starts it; an agent asks for more, and the hint is the whole command line."""
    started = ["mcp", "--allow-writes", "--infra", str(desk.infra), "--allow-seed", "env:READER_KEY"]
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "generator", *started],
        cwd=desk.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "READER_KEY": CANARY, "OTHER_KEY": CANARY},
    )

    async def main() -> None:
        with (desk.folder / "errors").open("w", encoding="utf-8") as file:
            async with Client(stdio_client(server, errlog=file)) as client:
                agent = Agent(client)
                given = {"answers": ONE, "no_provision": True, "service_dir": str(desk.service)}
                completed = await agent.call("plan", **given, seeds={"api_token": "env:READER_KEY"})
                assert completed["result"]["exit_code"] == 0, completed["error"]
                completed = await agent.call("create", **given, seeds={"api_token": "env:OTHER_KEY"})
                (error,) = completed["error"]
                assert (error["code"], completed["result"]["exit_code"]) == ("mcp.seed", 4)
                words = shlex.split(error["hint"].partition("start it so: ")[2])
                assert words == ["newservice", *started, "--allow-seed", "env:OTHER_KEY"]
                assert CANARY not in json.dumps(agent.heard, ensure_ascii=False)

    anyio.run(main)
    assert desk.changed() == []
    assert (desk.folder / "errors").read_text(encoding="utf-8") == ""
