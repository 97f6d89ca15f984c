"""The sandbox's Vault answers as a real OpenBao does: the same requests to both, one after the other."""

from __future__ import annotations

from typing import Any

import pytest

from generator.sandbox.vault import Token, Vault
from tests.live.compare import Seen, Side, seen
from tests.live.openbao import OpenBao

MERGE = "application/merge-patch+json"
RULES: dict[str, dict[str, set[str]]] = {
    "services": {"secret/*": {"create", "read", "update", "patch", "delete", "list"}},
    "writer": {"secret/data/*": {"create", "read", "update"}},
    "reader": {"secret/data/*": {"read"}, "secret/data/private/*": set()},
    "one": {"secret/data/only": {"create", "read"}, "secret/metadata/only": {"read"}},
}
"""Policies by the name of the person who has them."""

Pair = tuple[Side, Side]


@pytest.fixture(scope="module")
def pair(openbao: OpenBao) -> Pair:
    """Both servers with the same people: root, those of ``RULES``, one without ``default``, and a wrong token."""
    stand_in = Vault("root", openbao.mount)
    stand_in.tokens["root"] = Token(["root"], 0, {"*": {"root"}}, renewable=False)
    stand_in.mount("kv1", version=1)
    stand_in.mount("ssh", kind="ssh")
    openbao.api("POST", "/sys/mounts/kv1", {"type": "kv", "options": {"version": "1"}})
    openbao.api("POST", "/sys/mounts/ssh", {"type": "ssh"})
    real = {"root": openbao.root, "wrong": "s.wrong"}
    for name, rules in RULES.items():
        openbao.policy(name, "\n".join(_policy(path, held) for path, held in rules.items()))
        real[name] = openbao.add_token(name)
        stand_in.tokens[name] = Token(["default", name], 2764800, rules)
    real["lone"] = openbao.add_token("writer", no_default_policy=True)
    stand_in.tokens["lone"] = Token(["writer"], 2764800, RULES["writer"])
    mock = {name: name for name in real}
    header = "x-vault-token"
    return Side(openbao.passage, "/v1", real, header=header), Side(stand_in, "/v1", mock, header=header)


def _policy(path: str, held: set[str]) -> str:
    words = ", ".join(f'"{word}"' for word in sorted(held) or ["deny"])
    return f'path "{path}" {{ capabilities = [{words}] }}'


def both(pair: Pair, who: str, method: str, path: str, body: Any = None, **options: Any) -> Seen:
    """What both answer; they must agree."""
    options = ({"kind": MERGE} if method == "PATCH" else {}) | options
    options |= {} if body is None else {"body": body}
    real, stand_in = (seen(side.ask(who, method, path, **options), side) for side in pair)
    assert stand_in == real, f"{who}: {method} {path} {options}"
    return real


EVERYBODY = ("root", *RULES, "lone", "wrong", "")


def test_who_asks(pair: Pair) -> None:
    both(pair, "", "GET", "/sys/health")
    questions: list[Any] = [
        {"paths": ["secret/data/x", "/secret/data/x", "v1/secret/data/x", "kv/data/x"]},
        {"paths": "secret/data/private/x"},
        {"path": "secret/data/only"},
        {},
    ]
    for who in EVERYBODY:
        found = both(pair, who, "GET", "/auth/token/lookup-self")
        assert found.status == (403 if who in ("lone", "wrong", "") else 200)
        for body in questions:
            both(pair, who, "POST", "/sys/capabilities-self", body)


def test_the_words_of_a_refusal_say_whose_fault_it_is(pair: Pair) -> None:
    """newservice tells a token that is not known from a right that is lacking by them."""
    for who, path in (("wrong", "/secret/data/x"), ("lone", "/auth/token/lookup-self"), ("lone", "/kv/data/x")):
        real, stand_in = (side.ask(who, "GET", path) for side in pair)
        assert (real.status, real.body.strip()) == (stand_in.status, stand_in.body.replace(b'": [', b'":[').strip())


@pytest.mark.parametrize("path", ["secret/x", "secret", "kv/x", "kv1/x", "ssh/x", "cubbyhole/x", "nope", "sys/x"])
def test_mounts(pair: Pair, path: str) -> None:
    for who in EVERYBODY:
        if path not in ("sys/x", "cubbyhole/x"):
            both(pair, who, "GET", f"/sys/internal/ui/mounts/{path}")
        both(pair, who, "GET", f"/{path.partition('/')[0]}/data/x")
        if path != "cubbyhole/x":  # each token has its own
            both(pair, who, "POST", f"/{path.partition('/')[0]}/data/x", {"a": "b"})


def test_rights(pair: Pair) -> None:
    for path in ("only", "private/x", "rights"):
        for who in (*RULES, "lone", "wrong"):
            for kind in ("data", "metadata"):
                both(pair, who, "GET", f"/secret/{kind}/{path}")
                body = {"data" if kind == "data" else "custom_metadata": {"a": "b"}}
                both(pair, who, "PATCH", f"/secret/{kind}/{path}", body)
                both(pair, who, "POST", f"/secret/{kind}/{path}", body)
                both(pair, who, "POST", f"/secret/{kind}/{path}", {})
            for kind in ("delete", "undelete", "destroy"):
                both(pair, who, "POST", f"/secret/{kind}/{path}", {})
            both(pair, who, "DELETE", f"/secret/data/{path}")
            both(pair, who, "LIST", "/secret/metadata/private")
            both(pair, who, "GET", "/secret/config")
            both(pair, who, "GET", f"/v1/secret/data/{path}")
            both(pair, who, "DELETE", f"/secret/metadata/{path}")


def test_paths(pair: Pair) -> None:
    for method in ("GET", "POST", "DELETE", "LIST", "PATCH"):
        body = {"a": "b"} if method[0] == "P" else None
        for path in ("/secret/nope/x", "/secret/nope", "/secret/delete/none", "/secret/config", "/sys/nope"):
            both(pair, "root", method, path, body)
    for path in ("/secret//data/x", "/secret/data//x", "/secret/data/a/b/c", "/secret/data/ü", "/secret/data/a%20b"):
        both(pair, "root", "GET", path)
    both(pair, "root", "POST", "/secret/data/", {"data": {}})
    both(pair, "root", "GET", "/secret/data/")
    both(pair, "root", "PATCH", "/secret/data/x", {"data": {}}, kind="application/json")
    both(pair, "root", "POST", "/auth/nope", {})


DATA: list[Any] = [None, {}, "x", [1], 1, {"a": "1", "n": None, "i": 5, "f": 1.5, "l": [1, {"x": None}]}]
CAS: list[Any] = [0, 1, 99, "0", "x", None, True, [], -1]
OPTIONS: list[Any] = [None, {}, "x"]
BODIES: list[Any] = [
    *({"data": data} for data in DATA),
    *({"data": {"b": "2"}, "options": {"cas": cas}} for cas in CAS),
    *({"data": {}, "options": options} for options in OPTIONS),
    *({"data": {"l": {"x": value}}} for value in ({"y": 1}, None, "z")),
    {},
    b"{",
    b"[]",
    b"",
]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_writes(pair: Pair, method: str) -> None:
    for before in (None, {"data": None}, {"data": {"kept": {"a": "b"}}}):
        for number, body in enumerate(BODIES):
            path = f"/secret/data/writes-{method}-{before is None}-{bool(before and before['data'])}-{number}"
            if before:
                both(pair, "root", "POST", path, before)
            both(pair, "root", method, path, body)
            both(pair, "root", "GET", path)


def _gone(pair: Pair, path: str, how: str) -> None:
    both(pair, "root", "POST", f"/secret/data/{path}", {"data": {"a": "1"}})
    if how == "newest":
        both(pair, "root", "DELETE", f"/secret/data/{path}")
    elif how != "metadata":
        both(pair, "root", "POST", f"/secret/{how}/{path}", {"versions": [1]})
    else:
        both(pair, "root", "DELETE", f"/secret/metadata/{path}")


@pytest.mark.parametrize("how", ["newest", "delete", "destroy", "metadata"])
def test_what_is_gone(pair: Pair, how: str) -> None:
    path = f"gone-{how}"
    _gone(pair, path, how)
    for kind in ("data", "metadata"):
        both(pair, "root", "GET", f"/secret/{kind}/{path}")
    for options in ({}, {"options": {"cas": 1}}, {"options": {"cas": 0}}):
        both(pair, "root", "PATCH", f"/secret/data/{path}", {"data": {"b": "2"}, **options})
    both(pair, "root", "PATCH", f"/secret/metadata/{path}", {"custom_metadata": {"a": "b"}})
    both(pair, "root", "GET", f"/secret/data/{path}")
    both(pair, "root", "POST", f"/secret/undelete/{path}", {"versions": [1]})
    both(pair, "root", "GET", f"/secret/data/{path}")
    both(pair, "root", "POST", f"/secret/data/{path}", {"data": {"b": "2"}, "options": {"cas": 1}})
    both(pair, "root", "GET", f"/secret/data/{path}?version=1")
    both(pair, "root", "LIST", f"/secret/metadata/{path}")


@pytest.mark.parametrize("kind", ["delete", "undelete", "destroy"])
def test_versions(pair: Pair, kind: str) -> None:
    path = f"versions-{kind}"
    for number in range(12):
        both(pair, "root", "POST", f"/secret/data/{path}", {"data": {"i": number}})
    for version in ("1", "3", "12", "99", "-1", "x", ""):
        both(pair, "root", "GET", f"/secret/data/{path}?version={version}")
    for versions in ([], ["3"], "3,4", 5, ["x"], [99], None, [12]):
        both(pair, "root", "POST", f"/secret/{kind}/{path}", {"versions": versions})
        both(pair, "root", "GET", f"/secret/metadata/{path}")
    both(pair, "root", "POST", f"/secret/{kind}/none", {"versions": [1]})
    both(pair, "root", "PUT", f"/secret/{kind}/{path}", {"versions": [12]})
    both(pair, "root", "GET", f"/secret/data/{path}")


NOTES: list[Any] = [
    *({"a": value} for value in ("b", 1, True, 1.5, "", None, "x\ny", "ü", ["x"], {"b": 1}, "v" * 512, "v" * 513)),
    {"": "x"},
    {"k" * 128: "v"},
    {"k" * 129: "v"},
    {f"k{number}": "v" for number in range(65)},
    None,
    "x",
    {},
]
SETTINGS: list[Any] = [
    *({"max_versions": value} for value in (2, "3", "x")),
    *({"cas_required": value} for value in (True, "false", "maybe")),
    *({"metadata_cas_required": value} for value in ("maybe", False)),
    *({"delete_version_after": value} for value in ("1h", "90m", 60, "x", "0s")),
    {"nope": 1},
    {},
]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("there", [True, False])
def test_notes_and_settings(pair: Pair, method: str, *, there: bool) -> None:
    for number, body in enumerate([*({"custom_metadata": notes} for notes in NOTES), *SETTINGS]):
        path = f"notes-{method}-{there}-{number}"
        if there:
            both(pair, "root", "POST", f"/secret/data/{path}", {"data": {"a": "1"}})
            both(pair, "root", "POST", f"/secret/metadata/{path}", {"custom_metadata": {"kept": "x"}})
        both(pair, "root", method, f"/secret/metadata/{path}", body)
        both(pair, "root", "GET", f"/secret/metadata/{path}")
        both(pair, "root", "GET", f"/secret/data/{path}")
        both(pair, "root", "POST", f"/secret/data/{path}", {"data": {"b": "1"}})


@pytest.mark.parametrize("by", ["secret", "mount"])
def test_check_and_set_where_it_is_required(pair: Pair, by: str) -> None:
    path = f"required-{by}"
    where = "config" if by == "mount" else f"metadata/{path}"
    both(pair, "root", "POST", f"/secret/{where}", {"metadata_cas_required": True, "cas_required": True})
    both(pair, "root", "GET", f"/secret/{where}")
    for method in ("PATCH", "POST"):
        for revision in ({}, *({"metadata_cas": number} for number in (0, 1, 1, 2, 9, "x", None))):
            both(pair, "root", method, f"/secret/metadata/{path}", {"custom_metadata": {"a": "b"}, **revision})
        for options in ({}, {"options": {"cas": 0}}, {"options": {"cas": 0}}, {"options": {"cas": 1}}):
            both(pair, "root", method, f"/secret/data/{path}", {"data": {"a": "b"}, **options})
    both(pair, "root", "GET", f"/secret/metadata/{path}")
    off = {"metadata_cas_required": False, "cas_required": False}
    for number in range(9):
        both(pair, "root", "POST", f"/secret/{where}", off | ({} if by == "mount" else {"metadata_cas": number}))
    both(pair, "root", "POST", f"/secret/metadata/{path}", {"custom_metadata": {"a": "c"}})


def test_a_token_with_few_uses(pair: Pair, openbao: OpenBao) -> None:
    real, stand_in = pair
    application = stand_in.application
    assert isinstance(application, Vault)
    asked: dict[str, tuple[str, str, Any]] = {
        "look": ("GET", "/auth/token/lookup-self", None),
        "mount": ("GET", "/sys/internal/ui/mounts/secret/x", None),
        "read": ("GET", "/secret/data/x", None),
        "ask": ("POST", "/sys/capabilities-self", {"paths": ["secret/data/x"]}),
        "denied": ("GET", "/nope/data/x", None),
    }
    for first in asked:
        for second in asked:
            real.people["few"] = openbao.add_token("services", num_uses=2)
            stand_in.people["few"] = f"few-{first}-{second}"
            application.tokens[f"few-{first}-{second}"] = Token(["default"], 60, RULES["services"], uses=2)
            for name in (first, second, "look", "mount", "read", "ask"):
                both(pair, "few", *asked[name])


def test_namespaces(pair: Pair) -> None:
    for who in ("root", "services", "wrong"):
        both(pair, who, "GET", "/secret/data/x", namespace="nobody")
    both(pair, "root", "GET", "/sys/health", namespace="nobody")
