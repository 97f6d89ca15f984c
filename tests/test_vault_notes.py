"""The notes on a secret: what newservice made is known for its own after a bad day, and nobody else's ever is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from generator.base.errors import PreflightError, SystemFailure
from generator.base.secrets import Secret
from generator.clients.patience import Patience
from generator.clients.transport import Api, http_client
from generator.clients.vault import Entry, Vault
from generator.engine.context import Run, Systems
from generator.engine.executor import Outcome
from generator.engine.onboarding import course
from generator.engine.ownership import NOTE, intent, of_secret
from generator.engine.seeds import LEFT_OPEN
from generator.engine.steps import vault as step
from generator.platform.profile import load_platform
from generator.sandbox import FaultKind, Sandbox
from generator.sandbox.faults import Status
from generator.sandbox.messages import Response
from tests.answers import TEMPLATE
from tests.full import few
from tests.meanwhile import meanwhile

DATA, METADATA = "/v1/secret/data/reader$", "/v1/secret/metadata/reader$"
PATH = "secret/reader"
GIVEN = {"a": Secret("given-a"), "b": Secret("given-b")}
SEEDS = pytest.mark.parametrize("seeds", [{}, {"b": GIVEN["b"]}, GIVEN], ids=["generated", "one given", "all given"])


class Keeper:
    """A Vault, and the step that writes a service's secrets into it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.state = sandbox, sandbox.vault
        loaded = load_platform(TEMPLATE.platform, sandbox.profile, {})
        self.platform = loaded.changed({"connection": {"timeout_seconds": 0.5}})
        self.patience = Patience(attempts=3, first=0, longest=0)
        self.client = Vault(self.platform, Secret(sandbox.tokens.vault), patience=self.patience)

    def run(self, seeds: dict[str, Secret]) -> Run:
        answers = SimpleNamespace(vault_properties=["a", "b"], known_elsewhere=[])
        project: Any = SimpleNamespace(platform=self.platform, answers=answers, name="reader")
        nowhere: Any = None
        systems = Systems(forgejo=nowhere, vault=self.client)
        return Run(project, systems, {}, nowhere, self.patience, seeds)

    def take(self, seeds: dict[str, Secret], secrets: step.VaultSecrets | None = None) -> Outcome:
        return course([secrets or step.VaultSecrets()], self.run(seeds)).execute(lambda _: None)

    @property
    def entry(self) -> Entry:
        return self.client.read(PATH)

    @property
    def versions(self) -> int:
        return len(self.state.secrets.get("reader", []))


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox.start(tmp_path_factory.mktemp("notes") / "platform") as started:
        yield started


@pytest.fixture
def keeper(platform: Sandbox) -> Iterator[Keeper]:
    made = Keeper(platform)
    yield made
    made.client.close()
    platform.faults.clear()
    platform.journal.clear()
    platform.lead_to("vault", platform.vault)
    made.state.capabilities = ["create", "delete", "list", "patch", "read", "update"]
    for held in (made.state.secrets, made.state.notes):
        held.pop("reader", None)


def no_last_note(keeper: Keeper, seeds: dict[str, Secret]) -> None:
    """Vault takes the note of what is about to be written, if there is one, and none after it."""
    intended = int(seeds != GIVEN)
    refused = Status(403, '{"errors":["permission denied"]}', "application/json")
    for method in ("PATCH", "POST"):
        keeper.sandbox.faults.add("vault", method, METADATA, None, refused, after=intended)


def without_note(entry: Entry) -> bool:
    return bool(entry.names) and not of_secret(entry).ours


# --- lost answers and killed runs --------------------------------------------------------------------------


@SEEDS
@pytest.mark.parametrize("kind", few(1, [FaultKind.RESET_AFTER, FaultKind.TIMEOUT_AFTER, FaultKind.BAD_GATEWAY]))
def test_a_lost_answer_leaves_the_secret_ours(keeper: Keeper, kind: FaultKind, seeds: dict[str, Secret]) -> None:
    fault = keeper.sandbox.faults.add("vault", "POST", DATA, 1, kind)
    assert keeper.take(seeds).failure is None
    assert fault.hits == 1
    assert (keeper.versions, of_secret(keeper.entry).ours) == (1, True)
    assert keeper.entry.notes[NOTE].startswith("made version 1 at ")


@SEEDS
def test_a_lost_answer_of_a_note_leaves_the_secret_ours(keeper: Keeper, seeds: dict[str, Secret]) -> None:
    for method in ("POST", "PATCH"):
        keeper.sandbox.faults.add("vault", method, METADATA, 1, FaultKind.RESET_AFTER)
    assert keeper.take(seeds).failure is None
    assert (keeper.versions, of_secret(keeper.entry).ours) == (1, True)


@SEEDS
def test_a_run_that_ends_before_its_last_note(keeper: Keeper, seeds: dict[str, Secret]) -> None:
    """What was generated proves itself; what persons gave is theirs as far as anybody can tell, and stays."""
    no_last_note(keeper, seeds)
    step.VaultSecrets().act(keeper.run(seeds), keeper.entry)
    keeper.sandbox.faults.clear()
    assert keeper.versions == 1
    assert of_secret(keeper.entry).ours == (seeds != GIVEN)
    assert keeper.take(seeds).failure is None
    assert keeper.versions == 1


def test_where_not_even_a_look_is_answered_the_note_stands_already(keeper: Keeper) -> None:
    keeper.sandbox.faults.add("vault", "POST", DATA, 1, FaultKind.RESET_AFTER)
    keeper.sandbox.faults.add("vault", "GET", DATA, 3, FaultKind.RESET_BEFORE, after=1)
    keeper.take({})
    assert keeper.take({}).failure is None
    assert (keeper.versions, of_secret(keeper.entry).ours) == (1, True)
    assert keeper.entry.notes[NOTE].startswith("makes version 1, sha256:")


# --- what is not ours --------------------------------------------------------------------------------------


def test_who_writes_between_the_note_and_the_secret_keeps_it(keeper: Keeper) -> None:
    """The same names, the same version: the intention is noted, and still it is not ours."""
    theirs = {"a": "theirs", "b": "theirs"}
    meanwhile(keeper.sandbox, "vault", "POST", DATA, lambda: keeper.state.write("reader", theirs))
    assert isinstance(keeper.take({}).failure, SystemFailure)
    assert keeper.state.notes["reader"][NOTE].startswith("makes version 1, ")
    assert without_note(keeper.entry)
    assert keeper.take({}).failure is None
    assert without_note(keeper.entry)
    assert keeper.state.read("reader") == {"a": "theirs", "b": "theirs"}


def test_a_lost_answer_does_not_make_somebody_elses_version_ours(keeper: Keeper) -> None:
    def lost() -> Response:
        keeper.state.write("reader", {"a": "given-a", "b": "theirs"})
        return Response(502)

    meanwhile(keeper.sandbox, "vault", "POST", DATA, lost)
    keeper.take(GIVEN)
    assert without_note(keeper.entry)


@SEEDS
@pytest.mark.parametrize("change", [{"a": "edited"}, {"c": "added"}, {}], ids=["edited", "added", "again"])
@pytest.mark.parametrize("noted", ["made", "intended"])
def test_a_later_version_is_not_ours(
    keeper: Keeper, noted: str, change: dict[str, str], seeds: dict[str, Secret]
) -> None:
    if noted == "intended":
        no_last_note(keeper, seeds)
    keeper.take(seeds)
    keeper.state.write("reader", {**keeper.state.read("reader"), **change})
    assert without_note(keeper.entry)


def test_no_digest_is_made_of_a_value_that_a_person_gave(keeper: Keeper) -> None:
    """Who may read the metadata could try words until one fits."""
    no_last_note(keeper, GIVEN)
    keeper.take(GIVEN)
    assert "reader" not in keeper.state.notes
    keeper.state.secrets.clear()
    keeper.sandbox.faults.clear()
    some = {"a": GIVEN["a"]}
    no_last_note(keeper, some)
    keeper.take(some)
    value = Secret(keeper.state.read("reader")["b"])
    assert keeper.state.notes["reader"] == {NOTE: intent(1, "b", value)}


# --- rights, and the notes of others -----------------------------------------------------------------------


def test_a_token_without_the_right_writes_the_secrets_all_the_same(keeper: Keeper) -> None:
    (token,) = keeper.state.tokens.values()
    token.rules = {"secret/data/*": {"create", "read", "update"}}
    outcome = keeper.take({})
    assert outcome.failure is None
    assert "took no note of who made it" in outcome.steps[0].summary
    assert sorted(keeper.state.read("reader")) == ["a", "b"]
    assert without_note(keeper.entry)


def test_without_a_note_nothing_is_left_open(keeper: Keeper) -> None:
    (token,) = keeper.state.tokens.values()
    token.rules = {"secret/data/*": {"create", "read", "update"}}
    assert isinstance(keeper.take({"a": LEFT_OPEN}).failure, PreflightError)
    assert keeper.versions == 0


def no_patch(keeper: Keeper) -> None:
    keeper.state.capabilities = ["create", "read", "update"]


def too_old(keeper: Keeper) -> None:
    keeper.sandbox.faults.add("vault", "PATCH", METADATA, None, Status(405, '{"errors":[]}', "application/json"))


def no_look(keeper: Keeper) -> None:
    (token,) = keeper.state.tokens.values()
    token.rules = {"secret/data/*": {"create", "read", "update"}, "secret/metadata/*": {"create", "update"}}


@pytest.mark.parametrize("limit", [lambda _: None, no_patch, too_old, no_look], ids=["patch", "403", "405", "no look"])
def test_notes_of_others_stay(keeper: Keeper, limit: Callable[[Keeper], None]) -> None:
    """Also those that were made after the look on which the step decided."""

    class ThenNoted(step.VaultSecrets):
        def observe(self, run: Run) -> Entry:
            seen = super().observe(run)
            keeper.state.notes.setdefault("reader", {"team": "data"})
            return seen

    keeper.state.write("reader", {})
    limit(keeper)
    assert keeper.take({"a": LEFT_OPEN, "b": GIVEN["b"]}, ThenNoted()).failure is None
    assert keeper.state.notes["reader"] == {"team": "data", step.LATER + "a": "a person fills it in"}


@pytest.mark.parametrize("method", ["PATCH", "POST"])
def test_a_page_is_no_answer_to_a_note(keeper: Keeper, method: str) -> None:
    """Nothing was noted: so nothing is written yet."""
    keeper.sandbox.faults.add("vault", method, METADATA, None, FaultKind.HTML_200)
    failure = keeper.take({}).failure
    assert isinstance(failure, SystemFailure)
    assert (failure.code, keeper.versions) == ("vault.not_json", 0)


def test_metadata_without_a_version(keeper: Keeper) -> None:
    """A killed run leaves it, or a person who prepares something: it reads as no secret, and its notes stay."""
    keeper.client.note(PATH, {"team": "data"})
    assert (keeper.entry.version, keeper.entry.notes) == (0, {})
    assert keeper.take({}).failure is None
    assert keeper.state.notes["reader"].keys() == {"team", NOTE}
    assert of_secret(keeper.entry).ours


def test_the_sandbox_patches_metadata_as_vault_does(keeper: Keeper) -> None:
    headers = {"X-Vault-Token": keeper.sandbox.tokens.vault}
    client = http_client(keeper.platform, "vault", headers, "/v1")
    request = Api("vault", client, "a test", keeper.patience).request
    kind = {"Content-Type": "application/merge-patch+json"}
    body: dict[str, Any] = {"custom_metadata": {"a": "1", "b": "2"}}
    address = "/secret/metadata/reader"
    assert request("PATCH", address, json=body, headers=kind, allow=(404,)).status_code == 404
    assert request("POST", address, json=body).status_code == 204
    assert request("PATCH", address, json=body, allow=(415,)).status_code == 415
    changed = {"custom_metadata": {"a": None, "c": "3"}}
    assert request("PATCH", address, json=changed, headers=kind).status_code == 204
    assert keeper.state.notes["reader"] == {"b": "2", "c": "3"}
    long = {"custom_metadata": {"a": "x" * 513}}
    assert request("PATCH", address, json=long, headers=kind, allow=(400,)).status_code == 400
    client.close()
