"""A platform of which some systems are real, and what is really there, asked of the systems themselves."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from generator.sandbox import Sandbox
from generator.sandbox.messages import Request, Response
from tests.live.forgejo import Forgejo
from tests.live.openbao import OpenBao
from tests.live.woodpecker import Woodpecker
from tests.world import World

Application = Callable[[Request], Response]


@dataclass(frozen=True)
class Servers:
    """The real servers; the sandbox stands in for what is missing."""

    woodpecker: Woodpecker | None
    forgejo: Forgejo | None
    openbao: OpenBao | None = None


def ask(application: Application, method: str, path: str, authorization: str = "", **options: Any) -> Response:
    """One request to a real system or its stand-in, past the load balancer.

    ``body`` is sent as JSON, or as it is when it is bytes; ``kind`` is its content type. ``header`` is the one that has
    the credential, ``namespace`` Vault's.
    """
    address, _, query = path.partition("?")
    body = options.get("body")
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    headers = {"accept": "application/json"} | (
        {options.get("header", "authorization"): authorization} if authorization else {}
    )
    kind = options.get("kind", "" if body is None else "application/json")
    headers |= {"content-type": kind} if kind else {}
    headers |= {"x-vault-namespace": options["namespace"]} if "namespace" in options else {}
    return application(Request(method, "", address, query, headers | {"content-length": str(len(content))}, content))


@dataclass
class LiveWorld(World):
    """The command with real servers; what is there is asked over their APIs, as the sandbox can't see into them."""

    servers: Servers

    def enter(self) -> None:
        super().enter()
        for name, value in self.tokens.items():
            self.monkeypatch.setenv(name, value)

    @property
    def tokens(self) -> dict[str, str]:
        """The credentials by variable: the real servers' own where there are such."""
        tokens = dict(self.sandbox.environment)
        if self.servers.woodpecker:
            tokens["WOODPECKER_TOKEN"] = self.servers.woodpecker.token
        if self.servers.forgejo:
            tokens |= {
                "FORGEJO_TOKEN": self.servers.forgejo.token,
                "FORGEJO_GIT_TOKEN": self.servers.forgejo.git_token,
            }
        if self.servers.openbao:
            tokens["VAULT_TOKEN"] = self.servers.openbao.token
        return tokens

    def woodpecker(self, method: str, path: str, **options: Any) -> Response:
        """One request as the platform's user."""
        application = self.servers.woodpecker.passage if self.servers.woodpecker else self.sandbox.woodpecker
        return ask(application, method, f"/api{path}", f"Bearer {self.tokens['WOODPECKER_TOKEN']}", **options)

    def forgejo(self, method: str, path: str, **options: Any) -> Response:
        """One request as the platform's user."""
        application = self.servers.forgejo.passage if self.servers.forgejo else self.sandbox.forgejo
        return ask(application, method, f"/api/v1{path}", f"token {self.tokens['FORGEJO_TOKEN']}", **options)

    def row(self, name: str) -> Any:
        """Woodpecker's registration of a service; None where there is none."""
        found = self.woodpecker("GET", f"/repos/lookup/{self.mirror_name(name)}")
        return json.loads(found.body) if found.status == 200 else None

    def canonical_head(self, name: str) -> str:
        """The commit of a service's branch on the forge."""
        found = self.forgejo("GET", f"/repos/{self._canonical(name)}/branches/{self.branch}")
        return str(json.loads(found.body)["commit"]["id"])

    def push_mirrors(self, name: str) -> list[dict[str, Any]]:
        """A service's push mirrors."""
        mirrors: list[dict[str, Any]] = json.loads(
            self.forgejo("GET", f"/repos/{self._canonical(name)}/push_mirrors").body
        )
        return mirrors

    def found(self, name: str) -> dict[str, Any]:
        """How many of each thing there are for a service, and whether they fit together."""
        mirror, row = self.mirror(name), self.row(name)
        pulls = json.loads(self.forgejo("GET", f"/repos/{self._canonical('infra')}/pulls?state=all&limit=50").body)
        workflow = mirror.bare.file(self.branch, ".github/workflows/build.yml") or b""
        return {
            "same commit": mirror.bare.heads() == {self.branch: self.canonical_head(name)},
            "default branch": mirror.default_branch,
            "secrets": sorted(mirror.secrets),
            "active": row["active"],
            "number on the forge": row["forge_remote_id"] == str(mirror.id),
            "number in workflow": f"/api/repos/{row['id']}/pipelines".encode() in workflow,
            "trusted": [key for key, value in row["trusted"].items() if value],
            "hooks": [hook["events"] for hook in mirror.hooks.values()],
            "push mirrors": [
                (item["remote_address"], item["sync_on_commit"], item["interval"], item["last_error"])
                for item in self.push_mirrors(name)
            ],
            "pull requests": [item["state"] for item in pulls if item["head"]["ref"] == f"newservice/{name}"],
        }

    def gone(self, name: str) -> dict[str, bool]:
        """Which things of a service are not there any more."""
        github = self.sandbox.github.repositories
        return {
            "forgejo": self.forgejo("GET", f"/repos/{self._canonical(name)}").status == 404,
            "github": self.mirror_name(name).lower() not in github,
            "woodpecker": self.row(name) is None,
        }

    def _canonical(self, name: str) -> str:
        return f"{self.platform.forgejo.owner}/{name}"


def move_infra(sandbox: Sandbox, forgejo: Forgejo) -> None:
    """Give a real Forgejo the sandbox's infra repository, at the same address."""
    infra = sandbox.platform.infra
    owner, name, branch = sandbox.platform.forgejo.owner, infra.repository, infra.branch
    made = forgejo.api("POST", "/user/repos", json={"name": name, "private": True, "default_branch": branch})
    assert made.status_code == 201, made.text
    basic = base64.b64encode(f"{owner}:{forgejo.token}".encode()).decode()
    head = f"refs/heads/{branch}"
    subprocess.run(
        ["git", "push", "--quiet", f"{forgejo.address}/{owner}/{name}.git", f"{head}:{head}"],
        cwd=sandbox.forgejo.repository(f"{owner}/{name}").bare.path,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(sandbox.root),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
        },
        check=True,
        capture_output=True,
    )
    # The server learns of the push by a queue of its own.
    forgejo.program.wait_until(lambda: not forgejo.api("GET", f"/repos/{owner}/{name}").json()["empty"])
