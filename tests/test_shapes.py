"""Valid JSON of another shape is told with its code, by every method of every client; it never reads as "nothing"."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from generator.base.errors import ExitCode, NewserviceError, PreflightError, SystemFailure
from generator.base.secrets import Secret
from generator.clients.forgejo import Forgejo
from generator.clients.patience import Patience
from generator.clients.vault import Entry, Vault
from generator.clients.woodpecker import Woodpecker
from generator.engine.context import Run, Systems
from generator.platform.profile import load_platform
from generator.sandbox.faults import Status
from tests.answers import TEMPLATE, UPSTREAM
from tests.world import ELSEWHERE, World

PLATFORM = load_platform(TEMPLATE.platform, ELSEWHERE, {})
ONCE = Patience(attempts=1, first=0, longest=0)
CLIENTS: dict[str, Any] = {"forgejo": Forgejo, "woodpecker": Woodpecker, "vault": Vault}

Call = Callable[[Any], object]
Answer = Callable[[httpx.Request], httpx.Response]

SHA = "0" * 40

FORGEJO: dict[str, Call] = {
    "login": lambda client: client.login(),
    "repository": lambda client: client.repository("o", "n"),
    "open_pull_requests": lambda client: client.open_pull_requests("o", "n"),
    "newest_pull_request": lambda client: client.newest_pull_request("o", "n", "main", "b"),
    "branch": lambda client: client.branch("o", "n", "main"),
    "branch_time": lambda client: client.branch_time("o", "n", "main"),
    "has_commit": lambda client: client.has_commit("o", "n", SHA),
    "tree": lambda client: client.tree("o", "n", SHA),
    "branches": lambda client: client.branches("o", "n"),
    "push_mirrors": lambda client: client.push_mirrors("o", "n"),
    "add_push_mirror": lambda client: client.add_push_mirror(
        "o", "n", "https://x.test/y", user="u", password=Secret("p"), interval="8h"
    ),
    "pull_request": lambda client: client.pull_request("o", "n", "main", "topic"),
    "pull_requests": lambda client: client.pull_requests("o", "n"),
    "issues": lambda client: client.issues("o", "n"),
    "access_tokens": lambda client: client.access_tokens("u"),
    "branch_rules": lambda client: client.branch_rules("o", "n"),
    "origins": lambda client: client.origins("o", "n", SHA, "README.md"),
    "rights": lambda client: client.rights("o", "n"),
    "may_create": lambda client: client.may_create("u", "o"),
    "commits": lambda client: client.commits("o", "n", SHA),
    "commits of a path": lambda client: client.commits("o", "n", SHA, path="README.md"),
    "references": lambda client: client.references("o", "n"),
    "activity": lambda client: client.activity("o", "n"),
}
WOODPECKER: dict[str, Call] = {
    "login": lambda client: client.login(),
    "lookup": lambda client: client.lookup("o/n"),
    "registered": lambda client: client.registered(7),
    "distrust": lambda client: client.distrust(7),
    "account": lambda client: client.account(),
    "additions": lambda client: client.additions(7),
    "secrets": lambda client: client.secrets(7),
    "remove": lambda client: client.remove(7),
    "pipelines": lambda client: client.pipelines(7),
    "pipeline": lambda client: client.pipeline(7, 1),
    "start": lambda client: client.start(7, "main", {"A": "b"}),
}
NO_ENTRY = Entry(0, frozenset(), Secret("{}"))
VAULT: dict[str, Call] = {
    "read": lambda client: client.read("secret/n"),
    "token": lambda client: client.token(),
    "capabilities": lambda client: client.capabilities("secret/n"),
    "keeps": lambda client: client.keeps("secret/n", 3),
    "replace": lambda client: client.replace("secret/n", NO_ENTRY, {"a": Secret("value")}),
    "may_delete": lambda client: client.may_delete("secret/n"),
    "mount": lambda client: client.mount("mount/n"),
}
ALL = {"forgejo": FORGEJO, "woodpecker": WOODPECKER, "vault": VAULT}

WRITING_ONLY = {
    "forgejo": {
        "create_repository",
        "migrate_repository",
        "make_private",
        "make_public",
        "describe",
        "create_pull_request",
        "close_pull_request",
        "delete_repository",
    }
    | {"delete_push_mirror", "sync_push_mirrors", "set_archived", "file", "edit_pull_request"},
    "woodpecker": {"activate"},
    "vault": {"add", "note", "delete", "may_write"},
}
"""What these answer is not looked at, the step looks afterwards; or, as a file's content, may be anything."""

WRONG = ["{}", "[]", "null", '"x"', "1", "true", '{"status": "ok"}', '[{"status": "ok"}]', "[null]", '["x"]']
MEANT: dict[tuple[str, str], set[str]] = {
    ("forgejo", "branches"): {"[]", "null"},  # of an empty repository
    **{("forgejo", name): {"[]"} for name in ("push_mirrors", "pull_request", "access_tokens", "references")},
    **{("forgejo", name): {"[]"} for name in ("branch_rules", "origins")},
    **{("forgejo", name): {"[]"} for name in ("open_pull_requests", "pull_requests", "issues")},
    **{("forgejo", name): {"[]"} for name in ("commits", "commits of a path")},
    **{
        ("woodpecker", name): {"[]", "null"} for name in ("additions", "pipelines", "secrets")
    },  # a list that may be null
    ("woodpecker", "remove"): {"{}", '{"status": "ok"}'},  # what is gone is looked at afterwards
}
"""The shapes that are right for a method."""

METHODS = [(system, name) for system, calls in ALL.items() for name in calls]


@contextmanager
def answering(monkeypatch: pytest.MonkeyPatch, system: str, answer: Answer) -> Iterator[Any]:
    """A client whose every request is answered by ``answer``, but for Vault's about the mount ``secret``."""

    def answered(request: httpx.Request) -> httpx.Response:
        return MOUNTED if request.url.path.endswith("/sys/internal/ui/mounts/secret/n") else answer(request)

    client = httpx.Client(base_url="https://x.test/api", transport=httpx.MockTransport(answered))
    monkeypatch.setattr(f"generator.clients.{system}.http_client", lambda *_: client)
    made = CLIENTS[system](PLATFORM, Secret("a-token"), patience=ONCE)
    try:
        yield made
    finally:
        made.close()


MOUNTED = httpx.Response(200, json={"data": {"path": "secret/", "type": "kv", "options": {"version": "2"}}})


def always(status: int, body: str) -> Answer:
    return lambda _: httpx.Response(status, text=body, headers={"Content-Type": "application/json"})


@pytest.mark.parametrize(("system", "name"), METHODS, ids="-".join)
def test_another_shape_is_no_answer(system: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for body in WRONG:
        with answering(monkeypatch, system, always(200, body)) as client:
            if body in MEANT.get((system, name), ()):
                assert not ALL[system][name](client)
                continue
            with pytest.raises(NewserviceError) as caught:
                ALL[system][name](client)
        assert (caught.value.code, caught.value.exit_code) == (f"{system}.not_json", ExitCode.SYSTEM), body
        assert "JSON that is not what" in caught.value.message
        assert caught.value.hint


@pytest.mark.parametrize("system", ALL)
def test_no_method_is_left_out(system: str) -> None:
    methods = {name for name, what in vars(CLIENTS[system]).items() if callable(what) and not name.startswith("_")}
    covered = {name.partition(" ")[0] for name in ALL[system]} | WRITING_ONLY[system] | {"close"}
    assert methods == covered


@pytest.mark.parametrize(
    ("system", "name"),
    [
        *(("forgejo", name) for name in ("repository", "branch", "push_mirrors", "rights")),
        *(("woodpecker", name) for name in ("lookup", "registered")),
    ],
)
def test_what_is_missing_is_reported_by_the_status(system: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(monkeypatch, system, always(404, "null")) as client:
        assert ALL[system][name](client) is None


# --- Vault's secrets ---------------------------------------------------------------------------------------

METADATA = {"version": 3, "created_time": "2026-01-01T00:00:00Z", "custom_metadata": None}


def completed(data: Any) -> str:
    return json.dumps({"request_id": "x", "data": data})


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, completed({})),
        (200, completed(None)),
        (200, completed({"data": {}})),
        (200, completed({"metadata": METADATA})),
        (200, completed({"data": {}, "metadata": {}})),
        (200, completed({"data": [], "metadata": METADATA})),
        (200, completed({"data": {"a": "b"}, "metadata": {"version": "3"}})),
        (200, completed({"data": {"a": "b"}, "metadata": {"version": None}})),
        *((404, body) for body in ("{}", "[]", "null", '"x"', '{"data": {}}', '{"data": null}', '{"errors": null}')),
    ],
)
def test_a_secret_without_its_version_is_no_answer(status: int, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read as version 0 it would be taken for none, and written with that."""
    with answering(monkeypatch, "vault", always(status, body)) as client, pytest.raises(SystemFailure) as caught:
        client.read("secret/n")
    assert caught.value.code == "vault.not_json"


@pytest.mark.parametrize("errors", [['no handler for route "secret/data/n". route entry not found.'], ["", "x"]])
def test_a_404_with_words_is_no_missing_secret(errors: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(monkeypatch, "vault", always(404, json.dumps({"errors": errors}))) as client:
        for call in (client.read, lambda path: client.note(path, {"a": "b"})):
            with pytest.raises(SystemFailure) as caught:
                call("secret/n")
            assert caught.value.code == "vault.failed"
            assert errors[-1] in caught.value.message


@pytest.mark.parametrize(
    ("status", "body", "version", "names"),
    [
        (404, '{"errors": []}', 0, set()),
        (404, completed({"data": None, "metadata": METADATA}), 3, set()),
        (200, completed({"data": None, "metadata": METADATA}), 3, set()),
        (200, completed({"data": {"a": "b"}, "metadata": METADATA}), 3, {"a"}),
    ],
    ids=["never there", "deleted", "deleted, as 200", "there"],
)
def test_a_secret_as_vault_tells_it(
    status: int, body: str, version: int, names: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(monkeypatch, "vault", always(status, body)) as client:
        entry = client.read("secret/n")
    assert (entry.version, entry.names, entry.notes) == (version, names, {})


# --- the infra repository ----------------------------------------------------------------------------------


@pytest.mark.parametrize("body", ["null", "[]"])
def test_an_infra_repository_without_branches_was_not_seen(body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    project: Any = SimpleNamespace(platform=PLATFORM)
    nowhere: Any = None
    with answering(monkeypatch, "forgejo", always(200, body)) as client, pytest.raises(SystemFailure) as caught:
        Run(project, Systems(client), {}, nowhere, ONCE).infra_heads()
    assert caught.value.code == "forgejo.unseen"
    assert caught.value.passing


def test_a_refused_credential_keeps_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    for system, (call, *_) in {system: list(calls.values()) for system, calls in ALL.items()}.items():
        with answering(monkeypatch, system, always(401, "{}")) as client, pytest.raises(PreflightError) as caught:
            call(client)
        assert caught.value.code == f"{system}.unauthorized"


def test_a_command_ends_with_it(world: World) -> None:
    world.sandbox.faults.add("forgejo", "GET", "/branches$", None, Status(200, "{}", "application/json"))
    completed = world.run("create", UPSTREAM)
    assert completed.code == 3, completed.out
    assert {error["code"] for error in completed.of("error")} == {"forgejo.not_json"}
    assert world.sandbox.journal.writes() == []
