"""The parsers, each as a function of one text, which returns or raises what it documents."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import anyio
from hypothesis import strategies as st

from generator.base.errors import NewserviceError
from generator.base.external import ExternalTextError, read_json, read_yaml
from generator.base.secrets import Secret
from generator.cli.options import collect
from generator.clients.forgejo import Forgejo
from generator.clients.git import Repository
from generator.clients.git.trees import entries_of
from generator.clients.github import GitHub
from generator.clients.patience import Patience
from generator.clients.registry import Registry
from generator.clients.transport import wait_asked
from generator.clients.vault import Vault
from generator.clients.woodpecker import Woodpecker
from generator.engine.recorded import parse_recorded
from generator.engine.saved_plan import from_text
from generator.fleet.selection import read_failed
from generator.infra_repo.allocations import load_allocations, survey
from generator.infra_repo.fingerprints import blob_id
from generator.infra_repo.hcl import HclSyntaxError, parse
from generator.infra_repo.registrations import Registration, load, register, unregister
from generator.infra_repo.registrations.markdown import escape, plain, sections, tables
from generator.lifecycle.secrets.usage import RepositoryUsage
from generator.lifecycle.update.journal import take_back
from generator.mcp.lines import Lines
from generator.platform.profile import Platform, load_platform
from generator.template.notation import read_text, read_texts
from generator.template.questions import load_questions
from tests.answers import SMALLEST, TEMPLATE, answer
from tests.checkout import commit_all
from tests.parsers.texts import HCL, HEADERS, JSON, MARKDOWN, YAML, made_of
from tests.raw_server import RawServer, raw_server
from tests.registrations.conftest import DECLARATIONS, FILES, render, service

Texts = st.SearchStrategy[str]
ONCE = Patience(attempts=1, first=0, longest=0)
GOLDEN = Path(__file__).parents[1] / "golden"


@dataclass(frozen=True)
class Target:
    """A parser, the texts for it, and the errors that it documents."""

    texts: Texts
    run: Callable[[str], object]
    documented: tuple[type[Exception], ...] = (NewserviceError,)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="parsers-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))


def _file(text: str, name: str = "file.yml") -> Path:
    path = _folder() / f"{os.getpid()}-{name}"
    path.write_bytes(_bytes(text))
    return path


def _plain(value: Any) -> None:
    """What is read can be written: it is neither deep nor infinite, and all of its texts are whole."""
    json.dumps(value, default=str, allow_nan=False, ensure_ascii=False).encode()


def _recorded(text: str) -> None:
    recorded = parse_recorded(_bytes(text))
    _ = (recorded.name, recorded.values, recorded.owned, recorded.differing({"title": "x"}), bool(recorded))
    if recorded.problem is None:
        _ = (recorded.layer, recorded.version, recorded.profile)
        json.dumps(dict(recorded.document), default=str)


def _answers(text: str) -> None:
    given = collect(load_questions(TEMPLATE), {}, [], str(_file(text)), None)
    answer({**SMALLEST, **given})


def _set(text: str) -> None:
    answer({**SMALLEST, **collect(load_questions(TEMPLATE), {}, [text], None, None)})


def _flag(text: str) -> None:
    for question in load_questions(TEMPLATE):
        if question.structured or question.container:
            with suppress(NewserviceError):
                read_text(question, text)
            with suppress(NewserviceError):
                read_texts(question, [text, text])


def _cast(text: str) -> None:
    for question in load_questions(TEMPLATE):
        with suppress(ValueError):
            question.cast(text)


def _hcl(text: str) -> None:
    document = parse(text)
    for pattern in (("*",), ("*", "*"), ("*", "*", "*")):
        _ = [block.tokens for block in document.blocks(pattern)]
        document.settings(pattern)
    list(document.texts())
    document.containers(("locals", "a"))
    document.heredocs(("locals", "a"))


def _markdown(text: str) -> None:
    _ = [(table.column("a"), row.cells) for table in tables(text) for row in table.rows]
    sections(text)
    plain(text)
    plain(escape(text))


@cache
def _registrations() -> Sequence[Registration]:
    return load(DECLARATIONS, render, service())


def _registration(kind: str) -> Callable[[str], None]:
    def run(text: str) -> None:
        for registration in _registrations():
            if registration.path.endswith(kind):
                with suppress(NewserviceError):
                    register(registration, text, replace=True)
                with suppress(NewserviceError):
                    unregister(registration, text)

    return run


def _allocations(text: str) -> None:
    found = load_allocations(TEMPLATE, answer(SMALLEST))
    survey(found, [("stacks/notes/main.tf", _bytes(text)), ("stacks/notes/terragrunt.hcl", _bytes(text))])


def _workflow(text: str) -> None:
    usage = RepositoryUsage({"build.yml": text}, {"deploy.yml": text})
    _ = (usage.of_actions("NAME"), usage.of_pipelines("name"))


CONTENT = b"a person's work\n"


@cache
def _checkout() -> Path:
    folder = _folder() / "checkout"
    (folder / "stacks").mkdir(parents=True)
    (folder / "stacks" / "main.tf").write_bytes(b"committed\n")
    commit_all(folder, "first")
    return folder


@contextmanager
def _opened() -> Iterator[Repository]:
    """Its process that reads objects ends with each text."""
    found = Repository.open(_checkout())
    assert found is not None
    try:
        yield found
    finally:
        found.close()


def _object(kind: str, content: bytes) -> str:
    """The id of an object with any content, as whoever pushes can make it."""
    command = ["git", "hash-object", "-t", kind, "-w", "--stdin", "--literally"]
    ended = subprocess.run(command, cwd=_checkout(), input=content, capture_output=True, check=True)
    return ended.stdout.decode().strip()


def _history(text: str) -> None:
    head = f"tree {_object('tree', b'')}\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n"
    sha = _object("commit", head.encode() + _bytes(text))
    with _opened() as repository:
        _ = (repository.origins(sha, "a"), repository.file(sha, "a"))


def _listing(text: str) -> None:
    sha = _object("tree", _bytes(text))
    with _opened() as repository:
        for folder in ("", "a", "a/b"):
            with suppress(NewserviceError):
                repository.paths(sha, folder or ".")
        for path in ("a", "a/a", "é"):
            with suppress(NewserviceError):
                _ = (repository.file(sha, path), repository.executable(sha, path))
            with suppress(NewserviceError):
                repository.obstacle(sha, path)


def _journal(text: str) -> None:
    """Whatever it says, only what it may name is written."""
    with _opened() as repository:
        _taken_back(repository, text)


def _taken_back(repository: Repository, text: str) -> None:
    folder = repository.git_dir / "newservice-update"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    for path, content in ((folder / "0.before", b"before"), (folder / "journal.json", _bytes(text))):
        path.write_bytes(content)
        path.chmod(0o600)
    (repository.path / "stacks" / "main.tf").write_bytes(CONTENT)
    before = (repository.git_dir / "config").read_bytes()
    try:
        take_back(repository)
    finally:
        assert (repository.git_dir / "config").read_bytes() == before
        assert {path.name for path in _folder().iterdir() if path.is_dir()} == {"checkout"}


def _line(text: str) -> None:
    async def read() -> None:
        sending, receiving = anyio.create_memory_object_stream[Any](math.inf)
        async with sending, receiving:
            lines = Lines(BytesIO(_bytes("\n".join(text.split("\n")[:100]))))
            lines.answer_to(sending)
            async for _ in lines:
                pass

    anyio.run(read)


@contextmanager
def _server() -> Iterator[tuple[RawServer, Platform]]:
    with raw_server() as server:
        systems = {system: {"url": server.url} for system in ("forgejo", "woodpecker", "vault", "registry")}
        connection = {"load_balancer": None, "ca_file": None, "timeout_seconds": 2, "github_write_interval_seconds": 0}
        changes = {**systems, "github": {"api_url": f"{server.url}/api/v3"}, "connection": connection}
        yield server, load_platform(TEMPLATE.platform, None, {}).changed(changes)


@cache
def _started() -> tuple[RawServer, Platform]:
    return _server().__enter__()


MOUNT = json.dumps({"data": {"path": "secret/", "type": "kv", "options": {"version": "2"}}})

CALLS: dict[str, Sequence[Callable[[Platform], Any]]] = {
    "forgejo": [
        lambda platform: Forgejo(platform, Secret("t"), patience=ONCE).repository("o", "n"),
        lambda platform: Forgejo(platform, Secret("t"), patience=ONCE).branches("o", "n"),
        lambda platform: Forgejo(platform, Secret("t"), patience=ONCE).tree("o", "n", "s"),
        lambda platform: Forgejo(platform, Secret("t"), patience=ONCE).branch_time("o", "n", "b"),
        lambda platform: Forgejo(platform, Secret("t"), patience=ONCE).pull_requests("o", "n"),
        lambda platform: Forgejo(platform, Secret("t"), patience=ONCE).commits("o", "n", "s"),
        lambda platform: Forgejo(platform, Secret("t"), patience=ONCE).push_mirrors("o", "n"),
        lambda platform: Forgejo(platform, Secret("t"), patience=ONCE).activity("o", "n"),
        lambda platform: Forgejo(platform, Secret("t"), patience=ONCE).access_tokens("u"),
    ],
    "github": [
        lambda platform: GitHub(platform, Secret("t"), patience=ONCE).repository("o/n"),
        lambda platform: GitHub(platform, Secret("t"), patience=ONCE).branches("o/n"),
        lambda platform: GitHub(platform, Secret("t"), patience=ONCE).references("o/n", "tags/"),
        lambda platform: GitHub(platform, Secret("t"), patience=ONCE).actions_secrets("o/n"),
        lambda platform: GitHub(platform, Secret("t"), patience=ONCE).account(),
        lambda platform: GitHub(platform, Secret("t"), patience=ONCE).limit(),
        lambda platform: GitHub(platform, Secret("t"), patience=ONCE).may_create("o"),
        lambda platform: GitHub(platform, Secret("t"), patience=ONCE).newest(),
        lambda platform: GitHub(platform, Secret("t"), patience=ONCE).activity("o/n"),
        lambda platform: GitHub(platform, Secret("t"), patience=ONCE).runs("o/n", "s"),
        lambda platform: GitHub(platform, Secret("t"), patience=ONCE).failed_jobs("o/n", 1),
        lambda platform: GitHub(platform, Secret("t"), patience=ONCE).refused("/user"),
        lambda platform: GitHub(platform, Secret("t"), patience=ONCE).put_secrets("o/n", {"A": Secret("b")}),
        lambda platform: GitHub(platform, Secret("t"), patience=ONCE).create_repository(
            "o/n", description="", private=True
        ),
    ],
    "woodpecker": [
        lambda platform: Woodpecker(platform, Secret("t"), patience=ONCE).lookup("o/n"),
        lambda platform: Woodpecker(platform, Secret("t"), patience=ONCE).account(),
        lambda platform: Woodpecker(platform, Secret("t"), patience=ONCE).additions(1),
        lambda platform: Woodpecker(platform, Secret("t"), patience=ONCE).pipelines(1),
        lambda platform: Woodpecker(platform, Secret("t"), patience=ONCE).pipeline(1, 1),
        lambda platform: Woodpecker(platform, Secret("t"), patience=ONCE).distrust(1),
    ],
    "vault": [
        lambda platform: Vault(platform, Secret("t"), patience=ONCE).token(),
        lambda platform: Vault(platform, Secret("t"), patience=ONCE).read("secret/n"),
        lambda platform: Vault(platform, Secret("t"), patience=ONCE).note("secret/n", {"a": "b"}),
        lambda platform: Vault(platform, Secret("t"), patience=ONCE).capabilities("secret/n"),
        lambda platform: Vault(platform, Secret("t"), patience=ONCE).keeps("secret/n", 1),
        lambda platform: Vault(platform, Secret("t"), patience=ONCE).mount("secret/n"),
    ],
    "registry": [
        lambda platform: Registry(platform, Secret("t"), patience=ONCE).digest("o/n", "latest"),
        lambda platform: Registry(platform, Secret("t"), patience=ONCE).digest("o/n", "latest", anonymous=True),
    ],
}


def _responses(system: str) -> Target:
    """What a server sends: a status, a header and a body, to each method of its client."""
    body = made_of(JSON, SAMPLES[system])
    head = st.sampled_from(
        ("Link", "Retry-After", "WWW-Authenticate", "Location", "X-RateLimit-Reset", "X-OAuth-Scopes")
    )
    status = st.sampled_from(
        ("200", "200", "200", "201", "202", "204", "301", "302", "401", "403", "404", "422", "429", "500")
    )
    number = st.integers(0, len(CALLS[system]) - 1)

    def run(text: str) -> None:
        which, code, name, value, content = json.loads(text)
        server, platform = _started()
        data = _bytes(content)
        lines = [
            f"HTTP/1.1 {code} X",
            "Content-Type: application/json",
            f"Content-Length: {len(data)}",
            "Connection: close",
        ]
        answer_ = "\r\n".join([*lines, f"{name}: {value}", "", ""]).encode("utf-8", "surrogatepass") + data
        server.heads.clear()
        server.script = lambda _, seen: [_mounted() if "/ui/mounts/" in seen and which != 5 else answer_]
        CALLS[system][which](platform)

    texts = st.tuples(number, status, head, made_of(HEADERS), body).map(lambda parts: json.dumps(parts))
    return Target(texts, run)


def _mounted() -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(MOUNT)}\r\nConnection: close\r\n\r\n{MOUNT}".encode()


REPOSITORY = {"owner": {"login": "o"}, "name": "n", "private": True, "archived": False, "empty": False, "id": 1}
SAMPLES = {
    "forgejo": [
        json.dumps({**REPOSITORY, "permissions": {"push": True}, "open_issues_count": 1, "open_pr_counter": 0}),
        json.dumps([{"name": "main", "commit": {"id": "a" * 40, "timestamp": "2024-01-01T00:00:00Z"}}] * 50),
        json.dumps({"tree": [{"path": "a", "sha": "a" * 40, "mode": "100644", "type": "blob"}], "truncated": True}),
        json.dumps([{"number": 1, "state": "open", "head": {"sha": "a", "ref": "b"}, "base": {"ref": "main"}}]),
        json.dumps([{"sha": "a", "parents": [{"sha": "b"}], "commit": {"message": "m"}}]),
    ],
    "github": [
        json.dumps({**REPOSITORY, "full_name": "o/n", "visibility": "private", "default_branch": "main"}),
        json.dumps([{"name": "main", "commit": {"sha": "a" * 40}, "ref": "refs/tags/a", "object": {"sha": "a"}}]),
        json.dumps(
            {"total_count": 1, "secrets": [{"name": "A", "created_at": "2024-01-01T00:00:00Z", "updated_at": ""}]}
        ),
        json.dumps({"login": "o", "resources": {"core": {"remaining": 1, "reset": 2}}, "key": "YQ==", "key_id": "1"}),
        json.dumps(
            {"workflow_runs": [{"id": 1, "run_number": 1, "head_sha": "a", "path": "b"}], "jobs": [{"name": "a"}]}
        ),
        json.dumps({"message": "Not Found", "errors": [{"message": "already exists"}]}),
    ],
    "woodpecker": [
        json.dumps({"id": 1, "full_name": "o/n", "forge_remote_id": "1", "active": True, "trusted": {"network": True}}),
        json.dumps([{"number": 1, "status": "success", "variables": {"a": "b"}, "errors": [{"message": "x"}]}] * 50),
        json.dumps({"number": 1, "status": "x", "workflows": [{"children": [{"name": "a", "state": "b"}]}]}),
    ],
    "vault": [
        json.dumps({"data": {"data": {"a": "b"}, "metadata": {"version": 3, "custom_metadata": {"a": "b"}}}}),
        json.dumps({"data": {"policies": ["a"], "ttl": 5, "display_name": "x", "identity_policies": None}}),
        json.dumps({"errors": ["no handler"]}),
        MOUNT,
    ],
    "registry": [json.dumps({"token": "x"}), json.dumps({"schemaVersion": 2, "config": {}})],
}

ANSWERS = [path.read_text() for path in sorted(GOLDEN.glob("*/answers.yml"))] + [
    path.read_text() for path in sorted(GOLDEN.glob("*/*/.copier-answers.yml"))
]
SHARED = {kind: [path.read_text() for path in sorted(FILES.glob(f"*{kind}"))] for kind in (".tf", ".md")}
PLAN = json.dumps({"kind": "newservice plan", "schema": 1, "service": "x", "digest": "y", "checksum": "z", "mark": "m"})
REPORT = json.dumps({"services": [{"name": "a", "layer": "stack", "state": "failed"}]})
JOURNAL = [
    json.dumps({"stacks/main.tf": {"after": blob_id(CONTENT), "before": "0.before", "mode": 420, "executable": True}}),
    json.dumps({"new.tf": {"after": None, "before": None}, "stacks/main.tf": {"after": "a" * 40, "before": None}}),
]
CALL = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plan","arguments":{"answers":{"a":[1]}}}}\n'
WORKFLOW = "on: push\njobs:\n  build:\n    steps: [{env: {A: '${{ secrets.NAME }}'}}]\nsteps: [{from_secret: name}]\n"

TARGETS: dict[str, Target] = {
    "yaml": Target(made_of(YAML, ANSWERS), lambda text: _plain(read_yaml(text)), (ExternalTextError,)),
    "json": Target(made_of(JSON, [PLAN, REPORT]), lambda text: _plain(read_json(text)), (ExternalTextError,)),
    "recorded answers": Target(made_of(YAML, ANSWERS), _recorded),
    "--answers": Target(made_of(YAML, ANSWERS), _answers),
    "--set": Target(
        made_of((*YAML, "env.", "volumes=", "env=", "title=", "probe.path=", "db.", "="), ["env.A=1"]), _set
    ),
    "flags": Target(made_of((*YAML, "a=1,", "size=2Gi", ";", '"'), ["name=data,size=2Gi"]), _flag),
    "answers as text": Target(made_of(YAML), _cast),
    "profile": Target(
        made_of(YAML, ["name: x\nconnection: {retry: {attempts: 2}}\nforgejo: {url: 'https://x.test'}\n"]),
        lambda text: load_platform(TEMPLATE.platform, _file(text, "profile.yml"), {}),
    ),
    "saved plan": Target(made_of(JSON, [PLAN]), lambda text: from_text(text, "x", b"key")),
    "fleet report": Target(made_of(JSON, [REPORT]), lambda text: read_failed(_file(text, "report.json"))),
    "a line of MCP": Target(made_of((*JSON, "\n"), [CALL]), _line),
    "HCL": Target(made_of(HCL, SHARED[".tf"]), _hcl, (HclSyntaxError,)),
    "Markdown": Target(made_of(MARKDOWN, SHARED[".md"]), _markdown),
    "registrations in HCL": Target(made_of(HCL, SHARED[".tf"]), _registration(".tf")),
    "registrations in Markdown": Target(made_of(MARKDOWN, SHARED[".md"]), _registration(".md")),
    "allocations": Target(made_of(HCL, SHARED[".tf"]), _allocations),
    "workflows": Target(made_of((*YAML, "jobs:\n", "secrets.NAME", "from_secret: name"), [WORKFLOW]), _workflow),
    "Retry-After": Target(made_of(HEADERS), lambda text: wait_asked({"retry-after": text})),
    "trees of git": Target(
        made_of(("100644 ", "40000 ", "120000 ", "a", "\0", "x" * 20, "é")),
        lambda text: list(entries_of(_bytes(text))),
        (ValueError,),
    ),
    "commits of git": Target(
        made_of(("\n", "\n\n", "encoding ", "UTF-16", "latin1", "parent ", "author ", "gpgsig ", "\x01", "\0", "a")),
        _history,
    ),
    "listings of git": Target(
        made_of(("100644 ", "40000 ", "120000 ", "160000 ", "a", "..", ".git", "/", "\n", "\\", "\0", "x" * 20, "é")),
        _listing,
    ),
    "journal of an update": Target(
        made_of((*JSON, '"after"', '"before"', "../", ".git/", "0.before"), JOURNAL), _journal
    ),
    **{f"answers of {system}": _responses(system) for system in CALLS},
}
"""By what they are for."""
