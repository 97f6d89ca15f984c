"""Vaults that ask for more than a plain one does, and tokens that may do less: the client copes, or says why not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from generator.base.errors import NewserviceError, PreflightError, SystemFailure
from generator.base.secrets import Secret
from generator.clients.patience import Patience
from generator.clients.vault import Vault
from generator.lifecycle.doctor.vault import RUN_USES
from generator.platform.profile import load_platform
from generator.sandbox import Sandbox
from generator.sandbox.faults import Status
from generator.sandbox.messages import Response, json_response
from generator.sandbox.vault import Settings, Token
from tests.answers import TEMPLATE
from tests.meanwhile import meanwhile
from tests.test_vault_places import SERVICE
from tests.world import World

NAME, PATH = "reader", "secret/reader"
WRITER = {"create", "read", "update"}
NEW = {"a": Secret("new")}
STRICT = Settings(cas_required=True, metadata_cas_required=True)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox.start(tmp_path_factory.mktemp("limits") / "platform") as started:
        yield started


@pytest.fixture
def client(platform: Sandbox) -> Iterator[Vault]:
    profile = load_platform(TEMPLATE.platform, platform.profile, {})
    made = Vault(profile, Secret(platform.tokens.vault), patience=Patience(attempts=3, first=0, longest=0))
    yield made
    made.close()
    platform.faults.clear()
    platform.lead_to("vault", platform.vault)
    platform.vault.tokens = {platform.tokens.vault: Token()}
    platform.vault.config = Settings()
    for held in (platform.vault.secrets, platform.vault.notes, platform.vault.settings):
        held.pop(NAME, None)


def by_mount(platform: Sandbox) -> None:
    platform.vault.config = STRICT


def by_secret(platform: Sandbox) -> None:
    platform.vault.settings[NAME] = STRICT


def nothing(_: Sandbox) -> None: ...


def noted(platform: Sandbox) -> None:
    platform.vault.notes[NAME] = {"team": "data"}


def written(platform: Sandbox) -> None:
    platform.vault.write(NAME, {"a": "old", "b": "theirs"})


def null(platform: Sandbox) -> None:
    platform.vault.mounted.write(NAME, None)


def deleted(platform: Sandbox) -> None:
    written(platform)
    platform.vault.secrets[NAME][-1].deleted = "2026-01-02T03:04:05.678901Z"


def destroyed(platform: Sandbox) -> None:
    written(platform)
    platform.vault.secrets[NAME][-1].destroyed = True


STANDS = pytest.mark.parametrize("stands", [nothing, noted, written, null, deleted, destroyed])
Change = Callable[[Sandbox], None]


@STANDS
@pytest.mark.parametrize("required", [by_mount, by_secret, nothing])
@pytest.mark.parametrize("held", [WRITER | {"patch"}, WRITER], ids=["patch", "no patch"])
def test_a_note_names_the_version_of_the_metadata_where_it_must(
    platform: Sandbox, client: Vault, stands: Change, required: Change, held: set[str]
) -> None:
    stands(platform)
    required(platform)
    platform.vault.tokens[platform.tokens.vault].rules = {"secret/*": held}
    for note in ("1", "2"):
        client.note(PATH, {"newservice": note})
    assert platform.vault.notes[NAME]["newservice"] == "2"
    assert platform.vault.notes[NAME].get("team") == ("data" if stands is noted else None)


@STANDS
@pytest.mark.parametrize("required", [by_mount, by_secret])
@pytest.mark.parametrize("write", [Vault.add, Vault.replace])
def test_a_write_names_the_version_that_it_follows(
    platform: Sandbox, client: Vault, stands: Change, required: Change, write: Any
) -> None:
    stands(platform)
    required(platform)
    entry = client.read(PATH)
    write(client, PATH, entry, NEW)
    kept = {"b": "theirs"} if stands is written else {}
    assert platform.vault.read(NAME) == kept | {"a": "old" if stands is written and write is Vault.add else "new"}
    assert client.read(PATH).version == entry.version + 1


def test_who_notes_at_the_same_time_keeps_theirs(platform: Sandbox, client: Vault) -> None:
    """The version that was read is an old one by then: it is read again."""
    written(platform)
    by_mount(platform)

    def theirs() -> Response:
        platform.vault.notes[NAME] = {"team": "data"}
        platform.vault.settings[NAME] = Settings(revision=7)
        return json_response(200, {"data": {"current_metadata_version": 6}})

    meanwhile(platform, "vault", "GET", f"/metadata/{NAME}$", theirs)
    client.note(PATH, {"newservice": "x"})
    assert platform.vault.notes[NAME] == {"team": "data", "newservice": "x"}


def test_a_version_that_never_fits_ends(platform: Sandbox, client: Vault) -> None:
    answer = '{"errors":["metadata check-and-set parameter does not match the current version"]}'
    fault = platform.faults.add("vault", "PATCH", f"/metadata/{NAME}$", None, Status(400, answer, "application/json"))
    with pytest.raises(SystemFailure, match="does not match the current version"):
        client.note(PATH, {"newservice": "x"})
    assert fault.hits == 4


def test_metadata_that_may_not_be_read_is_the_tokens_fault(platform: Sandbox, client: Vault) -> None:
    """So a service's secrets are written without the note on who made them."""
    by_mount(platform)
    platform.vault.tokens[platform.tokens.vault].rules = {
        "secret/data/*": WRITER,
        "secret/metadata/*": {"create", "update", "patch"},
    }
    with pytest.raises(PreflightError, match="metadata_cas_required") as caught:
        client.note(PATH, {"newservice": "x"})
    assert (caught.value.code, "secret/metadata/reader" in caught.value.hint) == ("vault.metadata_cas", True)


CALLS: dict[str, Callable[[Vault], Any]] = {
    "token": lambda client: client.token(),
    "mount": lambda client: client.mount(PATH),
    "read": lambda client: client.read(PATH),
    "add": lambda client: client.add(PATH, client.read(PATH), NEW),
    "replace": lambda client: client.replace(PATH, client.read(PATH), NEW),
    "note": lambda client: client.note(PATH, {"a": "b"}),
    "delete": lambda client: client.delete(PATH, 1),
    "capabilities": lambda client: client.capabilities(PATH),
    "may delete": lambda client: client.may_delete(PATH),
    "may write": lambda client: client.may_write(PATH),
    "keeps": lambda client: client.keeps(PATH, 1),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("token", [Token(uses=-1), None], ids=["used up", "unknown"])
def test_a_token_that_vault_does_not_accept_lacks_no_scope(
    platform: Sandbox, client: Vault, call: str, token: Token | None
) -> None:
    """Vault answers 403 to both."""
    written(platform)
    platform.vault.tokens = {} if token is None else {platform.tokens.vault: token}
    with pytest.raises(PreflightError, match="wrong, expired or revoked, or has no uses left") as caught:
        CALLS[call](client)
    assert (caught.value.code, caught.value.hint) == ("vault.unauthorized", "renew VAULT_TOKEN")
    assert "`vault unwrap` gives the token" in caught.value.message


def test_the_last_use_is_a_good_one(platform: Sandbox, client: Vault) -> None:
    written(platform)
    client.mount(PATH)
    platform.vault.tokens[platform.tokens.vault].uses = 1
    assert client.read(PATH).version == 1
    with pytest.raises(PreflightError) as caught:
        client.read(PATH)
    assert caught.value.code == "vault.unauthorized"


def test_the_last_use_is_told_from_a_lack_of_rights(platform: Sandbox, client: Vault) -> None:
    platform.vault.tokens[platform.tokens.vault].uses = 1
    with pytest.raises(PreflightError) as caught:
        client.capabilities(PATH)
    assert caught.value.code == "vault.unauthorized"
    platform.vault.tokens[platform.tokens.vault] = Token(rules={"secret/data/other": {"read"}})
    with pytest.raises(PreflightError) as caught:
        client.read(PATH)
    assert caught.value.code == "vault.forbidden"


@pytest.mark.parametrize(
    ("rules", "may"),
    [
        ({"secret/data/*": {"read"}, "secret/delete/*": {"update"}}, (False, True)),
        ({"secret/data/*": {"create"}}, (True, False)),
        ({"secret/data/*": WRITER, "secret/delete/other": {"update"}}, (True, False)),
        ({"*": {"root"}, "auth/token/lookup-self": set(), "sys/capabilities-self": set()}, (True, True)),
        ({"secret/data/reader": {"update"}}, (False, False)),
    ],
)
def test_what_a_token_may_do_that_may_not_ask(
    platform: Sandbox, client: Vault, rules: dict[str, set[str]], may: tuple[bool, bool]
) -> None:
    """Nothing is written to find out."""
    platform.vault.tokens[platform.tokens.vault] = Token(["services"], rules=rules | {"secret/metadata/x": {"read"}})
    before = platform.vault.stored()
    assert (client.token(), client.capabilities(PATH)) == (None, None)
    assert (client.may_write(PATH), client.may_delete(PATH)) == may
    assert platform.vault.stored() == before


@pytest.mark.parametrize(
    "answer",
    [
        Response(403, b"<html>Forbidden</html>", "text/html"),
        Response(403, b"Forbidden", "text/plain"),
        Response(403, b'{"message": "go away"}', "application/json"),
        Response(403, b'{"errors": "permission denied"}', "application/json"),
        Response(403, b"[]", "application/json"),
        Response(403, b"", "application/json"),
    ],
    ids=["page", "text", "other", "no list", "list", "empty"],
)
def test_a_proxys_403_says_nothing_about_the_token(platform: Sandbox, client: Vault, answer: Response) -> None:
    platform.lead_to("vault", lambda _: answer)
    for call in (client.token, lambda: client.capabilities(PATH)):
        with pytest.raises(NewserviceError) as caught:
            call()
        assert caught.value.code in ("vault.forbidden", "vault.mount", "vault.not_json")


@pytest.mark.parametrize("seeds", [(), ("--seed", "api_token=later")], ids=["generated", "left open"])
def test_a_run_sends_no_more_requests_than_a_token_must_be_good_for(world: World, seeds: tuple[str, ...]) -> None:
    """All credentials come from Vault, and its mount is strict. Preflight asks for that many uses and lets it run."""
    world.sandbox.vault.config = STRICT
    for name in world.sandbox.environment.keys() - {"VAULT_TOKEN", "VAULT_ADDR"}:
        world.monkeypatch.delenv(name, raising=False)
    for _ in range(2):
        world.sandbox.journal.clear()
        completed = world.run("create", SERVICE, *seeds)
        assert completed.code == 0, completed.out
        asked = [item for item in world.sandbox.journal.find("vault") if "/ui/mounts/" not in item.path]
        assert len(asked) <= RUN_USES
