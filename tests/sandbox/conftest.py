"""A platform for each test, clients for each of its systems, and git that trusts it."""

from __future__ import annotations

import os
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from github import Auth, Github

from generator.sandbox import Sandbox


@dataclass
class Api:
    """One system, reached at the load balancer's address under its own name."""

    sandbox: Sandbox
    client: httpx.Client
    host: str
    prefix: str
    headers: dict[str, str] = field(default_factory=dict)

    def __call__(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Host": f"{self.host}:{self.sandbox.port}"} | self.headers | options.pop("headers", {})
        return self.client.request(
            method,
            f"https://127.0.0.1:{self.sandbox.port}{self.prefix}{path}",
            headers={name: value for name, value in headers.items() if value},
            extensions={"sni_hostname": self.host},
            **options,
        )


@dataclass
class Git:
    """git in a folder, with the sandbox's authority and, for its names, the sandbox's address."""

    sandbox: Sandbox
    folder: Path
    token: str

    def __call__(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        options = [
            f"http.curloptResolve=forgejo.sandbox.test:{self.sandbox.port}:127.0.0.1",
            f"http.sslCAInfo={self.sandbox.ca_file}",
            "user.name=Tester",
            "user.email=tester@example.test",
        ]
        return subprocess.run(
            ["git", *(part for option in options for part in ("-c", option)), *arguments],
            cwd=self.folder,
            env=os.environ | {"LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=check,
        )

    def url(self, system: str, path: str) -> str:
        return self.sandbox.urls[system].replace("https://", f"https://git:{self.token}@") + f"/{path}"

    def commit(self, files: dict[str, str], message: str = "feat: change") -> str:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self("add", "--all")
        self("commit", "--quiet", "--message", message)
        return self("rev-parse", "HEAD").stdout.strip()


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox.start(tmp_path / "sandbox") as started:
        yield started


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    context = ssl.create_default_context(cafile=str(sandbox.ca_file))
    with httpx.Client(verify=context, trust_env=False, timeout=30) as opened:
        yield opened


@pytest.fixture
def forgejo(sandbox: Sandbox, client: httpx.Client) -> Api:
    authorisation = {"Authorization": f"token {sandbox.tokens.forgejo}"}
    return Api(sandbox, client, "forgejo.sandbox.test", "/api/v1", authorisation)


@pytest.fixture
def github(sandbox: Sandbox, client: httpx.Client) -> Api:
    return Api(sandbox, client, "localhost", "/api/v3", {"Authorization": f"Bearer {sandbox.tokens.github}"})


@pytest.fixture
def woodpecker(sandbox: Sandbox, client: httpx.Client) -> Api:
    return Api(sandbox, client, "ci.sandbox.test", "/api", {"Authorization": f"Bearer {sandbox.tokens.woodpecker}"})


@pytest.fixture
def vault(sandbox: Sandbox, client: httpx.Client) -> Api:
    return Api(sandbox, client, "vault.sandbox.test", "/v1", {"X-Vault-Token": sandbox.tokens.vault})


@pytest.fixture
def pygithub(sandbox: Sandbox) -> Iterator[Github]:
    with Github(
        base_url=sandbox.urls["github_api"],
        auth=Auth.Token(sandbox.tokens.github),
        verify=str(sandbox.ca_file),
        seconds_between_requests=0,
        seconds_between_writes=0,
        retry=None,
    ) as opened:
        yield opened


@pytest.fixture
def git(sandbox: Sandbox, tmp_path: Path) -> Git:
    folder = tmp_path / "work"
    folder.mkdir()
    made = Git(sandbox, folder, sandbox.tokens.forgejo)
    made("init", "--quiet", "--initial-branch=master")
    return made


@pytest.fixture
def github_git(git: Git, sandbox: Sandbox) -> Git:
    return Git(sandbox, git.folder, sandbox.tokens.github)


def mirror_options(sandbox: Sandbox, name: str, **changes: Any) -> dict[str, Any]:
    """The body that adds a push mirror to the GitHub repository of that name."""
    return {
        "remote_address": f"{sandbox.urls['github']}/ViktorBarzin/{name}.git",
        "remote_username": "ViktorBarzin",
        "remote_password": sandbox.tokens.github,
        "interval": "8h",
        "sync_on_commit": True,
    } | changes
