"""A real OpenBao, in memory, with the mount that the platform's profile names."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import httpx

from generator.sandbox import Sandbox
from tests.live.servers import Passage, Program, answers, free_port

MERGE = {"Content-Type": "application/merge-patch+json"}


class OpenBao:
    """The server, the way to it, and tokens for it. ``token`` may do with the profile's mount what it likes."""

    def __init__(self, binary: str, home: Path, sandbox: Sandbox) -> None:
        """Start it and wait until it answers; the sandbox's Vault leads to it from then on."""
        home.mkdir()
        self._sandbox = sandbox
        self.root = f"root-{secrets.token_hex(8)}"
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        flags = ("-dev", "-dev-no-store-token", f"-dev-listen-address=127.0.0.1:{port}")
        # Its listener for a cluster takes the next port; the root token stays out of the list of processes.
        environment = {"BAO_DEV_ROOT_TOKEN_ID": self.root, "BAO_CLUSTER_ADDR": f"https://127.0.0.1:{free_port()}"}
        self.program = Program([binary, "server", *flags], home, environment)
        try:
            self.program.wait_until(answers(self.address, "/v1/sys/health", 200))
            self.mount = sandbox.platform.vault.mount
            self.program.wait_until(lambda: self._mounted(self.mount))
            self.passage = Passage(self.address)
            self.policy("services", f'path "{self.mount}/*" {{ capabilities = ["create", "read", "update", "patch"] }}')
            self.token = self.add_token("services")
            sandbox.lead_to("vault", self.passage)
        except BaseException:
            self.program.stop()
            raise

    def policy(self, name: str, text: str, namespace: str = "") -> None:
        """Write a policy."""
        self.api("PUT", f"/sys/policies/acl/{name}", {"policy": text}, namespace=namespace)

    def add_token(self, *policies: str, namespace: str = "", **options: Any) -> str:
        """A token with these policies and, unless ``no_default_policy`` is given, ``default``."""
        body = {"policies": list(policies), **options}
        made = self.api("POST", "/auth/token/create", body, namespace=namespace)
        return str(made.json()["auth"]["client_token"])

    def api(self, method: str, path: str, body: Any = None, token: str = "", namespace: str = "") -> httpx.Response:
        """One request past the load balancer, as root where no token is given; for what a test arranges."""
        headers = {"X-Vault-Token": token or self.root, "X-Vault-Namespace": namespace}
        headers |= MERGE if method == "PATCH" else {}
        answer = httpx.request(
            method, f"{self.address}/v1{path}", json=body, headers=headers, trust_env=False, timeout=30
        )
        assert answer.status_code < 500, answer.text
        return answer

    def stop(self) -> None:
        """Let the sandbox answer for itself again, and end the server."""
        self._sandbox.lead_to("vault", self._sandbox.vault)
        self.passage.close()
        self.program.stop()

    def _mounted(self, mount: str) -> bool:
        """Whether KV version 2 is there: the profile's mount is the server's own, or is made now."""
        if self.api("GET", f"/sys/internal/ui/mounts/{mount}").status_code != httpx.codes.OK:
            self.api("POST", f"/sys/mounts/{mount}", {"type": "kv", "options": {"version": "2"}})
        # A mount of version 2 says for a moment that it is being upgraded.
        return self.api("GET", f"/{mount}/config").status_code == httpx.codes.OK
