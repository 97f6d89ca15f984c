"""``newservice doctor``: everything is told in its order, nothing is written, and the exit code says how it is."""

from __future__ import annotations

import json

import pytest

from tests import contracts
from tests.doctor.clinic import CANARIES, IDS, Clinic, completed


def test_all_well(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["doctor", "--platform", str(clinic.profile), "--infra", str(clinic.sandbox.infra)]
    code, out, err = completed([*arguments, "--json"], capsys)
    events = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [item["id"] for item in events if item["event"] == "check"] == IDS
    assert {item["state"] for item in events[:-1]} == {"ok"}
    assert events[-1] == {
        "event": "result", "schema": 1, "status": "success", "exit_code": 0, "service": "", "urls": {}, "next": [],
    }  # fmt: skip
    code, text, _ = completed(arguments, capsys)
    assert (code, text.splitlines()[-1]) == (0, "everything is in order")
    assert len([line for line in text.splitlines() if line.startswith("  = ")]) == len(IDS)
    quiet = completed([*arguments, "--quiet"], capsys)
    assert quiet == (0, "", "")
    assert [value for value in CANARIES.values() if value in out + err + text] == []
    assert not clinic.sandbox.journal.writes()


def test_every_exchange_keeps_to_the_contracts(clinic: Clinic) -> None:
    if not contracts.FOLDER.is_dir():
        pytest.skip("the servers' descriptions are not beside this checkout (../shared/contracts)")
    clinic.sandbox.github.tokens[CANARIES["github"]].fine_grained = True
    clinic.changes = {"forgejo": {"owner": "guild"}}
    clinic.sandbox.forgejo.organisations["guild"] = {"viktor": True}
    clinic()
    used, problems = contracts.check(clinic.sandbox.journal, complete=True)
    assert problems == []
    assert {"forgejo GET /users/{username}/tokens", "github GET /user", "woodpecker GET /user"} <= used
    assert {"forgejo GET /users/{username}/orgs/{org}/permissions", "github GET /user/repos"} <= used


def test_exit_code_three_names_all_remedies(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    clinic.sandbox.github.tokens[CANARIES["github"]].scopes = {"repo"}
    clinic.sandbox.vault.health = 503
    arguments = ["doctor", "--platform", str(clinic.profile), "--infra", str(clinic.sandbox.infra)]
    code, out, _ = completed([*arguments, "--json"], capsys)
    result = json.loads(out.splitlines()[-1])
    assert (code, result["status"], result["exit_code"]) == (3, "error", 3)
    assert [line.partition(":")[0] for line in result["next"]] == ["github.scopes", "vault.reachable"]
    code, out, _ = completed([*arguments, "--quiet"], capsys)
    assert code == 3
    assert [line.split()[1] for line in out.splitlines() if line[:3] in ("  !", "  ?")] == [
        "github.scopes", "vault.reachable", "vault.token", "vault.mount", "vault.scopes",
    ]  # fmt: skip
