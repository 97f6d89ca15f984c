"""GitHub's LFS objects: who may read and write them, and what a batch says of each."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest

from generator.sandbox import Sandbox
from generator.sandbox.messages import Request, Response

CONTENT = b"numbers\n"
OID = hashlib.sha256(CONTENT).hexdigest()
BELOW = "/ViktorBarzin/demo.git/info/lfs/objects"


@pytest.fixture(autouse=True)
def _repository(sandbox: Sandbox) -> None:
    sandbox.github.create_repository("ViktorBarzin", "demo", private=True)


def ask(sandbox: Sandbox, method: str, tail: str, body: bytes = b"", password: str | None = None) -> Response:
    token = sandbox.tokens.github if password is None else password
    basic = base64.b64encode(f"oauth2:{token}".encode()).decode()
    headers = {"authorization": f"Basic {basic}"} if token else {}
    return sandbox.github(Request(method, "", f"{BELOW}/{tail}", "", headers, body))


def batch(sandbox: Sandbox, operation: str) -> dict[str, Any]:
    asked = {"operation": operation, "objects": [{"oid": OID, "size": len(CONTENT)}]}
    (found,) = json.loads(ask(sandbox, "POST", "batch", json.dumps(asked).encode()).body)["objects"]
    assert found["oid"] == OID
    return dict(found)


def test_an_object_is_stored_once_and_handed_out(sandbox: Sandbox) -> None:
    assert batch(sandbox, "download")["error"]["code"] == 404
    assert batch(sandbox, "upload")["actions"]["upload"]["href"].endswith(f"{BELOW}/{OID}")
    assert ask(sandbox, "PUT", OID, b"others").status == 404
    assert ask(sandbox, "PUT", OID, CONTENT).status == 200
    assert "actions" not in batch(sandbox, "upload")
    assert batch(sandbox, "download")["actions"]["download"]["href"].endswith(f"{BELOW}/{OID}")
    assert ask(sandbox, "GET", OID).body == CONTENT


@pytest.mark.parametrize(("password", "status"), [("", 401), ("wrong", 404)])
def test_others_see_nothing_of_a_private_repository(sandbox: Sandbox, password: str, status: int) -> None:
    assert ask(sandbox, "GET", OID, password=password).status == status
    assert ask(sandbox, "POST", "batch", b"{}", password=password).status == status
