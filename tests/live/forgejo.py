"""A real Forgejo that may mirror to the sandbox's GitHub."""

from __future__ import annotations

import os
import secrets
import subprocess
from pathlib import Path
from typing import Any

import httpx

from generator.sandbox import Sandbox
from generator.sandbox.forgejo.state import GIT_SCOPES, OWNER_SCOPES
from tests.live.servers import Passage, Program, answers, free_port

_CONFIGURATION = """\
APP_NAME = live
RUN_MODE = prod
WORK_PATH = {home}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = {root}

[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
ROOT_URL = {url}/
DISABLE_SSH = true
LFS_START_SERVER = true
LFS_JWT_SECRET = {lfs}
OFFLINE_MODE = true

[database]
DB_TYPE = sqlite3
PATH = {home}/forgejo.sqlite

[security]
INSTALL_LOCK = true
SECRET_KEY = {secret}
INTERNAL_TOKEN = {internal}

[oauth2]
ENABLED = false

[migrations]
ALLOW_LOCALNETWORKS = true

[git.config]
http.sslCAInfo = {ca_file}

[picture]
DISABLE_GRAVATAR = true

[cron]
ENABLED = false

[cron.update_checker]
ENABLED = false

[actions]
ENABLED = false

[indexer]
REPO_INDEXER_ENABLED = false
ISSUE_INDEXER_TYPE = db

[log]
LEVEL = Warn
MODE = console
"""


class Forgejo:
    """The server, the way to it, and its users. The first one administers it, the others don't."""

    def __init__(self, binary: str, home: Path, sandbox: Sandbox, user: str) -> None:
        """Start it and wait until it answers; the sandbox's host of that name leads to it from then on."""
        home.mkdir()
        self.user = user
        self._sandbox = sandbox
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        self._root = ("root-of-it", secrets.token_urlsafe(18))
        self._command = [binary, "--config", str(home / "app.ini"), "--work-path", str(home)]
        (home / "app.ini").write_text(
            _CONFIGURATION.format(
                home=home,
                port=port,
                url=sandbox.urls["forgejo"],
                ca_file=sandbox.ca_file,
                root=str(os.geteuid() == 0).lower(),
                secret=secrets.token_hex(24),
                internal=secrets.token_hex(32),
                lfs=secrets.token_urlsafe(32),
            )
        )
        environment = {"GIT_CONFIG_NOSYSTEM": "1", "SSL_CERT_FILE": str(sandbox.ca_file)}
        self.program = Program([*self._command, "web"], home, environment)
        try:
            self.program.wait_until(answers(self.address, "/api/v1/version", 200))
            self._create_administrator(home)
            self.token, self.git_token = self.add_user(user), self.add_token(user, "ci", GIT_SCOPES)
            self.version = str(self._get("/version").json()["version"])
            self.passage = Passage(self.address)
            sandbox.lead_to("forgejo", self.passage)
        except BaseException:
            self.program.stop()
            raise

    def add_user(self, name: str) -> str:
        """A user, and a token of theirs that may do what newservice asks for."""
        body = {"username": name, "email": f"{name.lower()}@live.test", "password": self._root[1]}
        self._post("/admin/users", body | {"must_change_password": False}, self._root)
        return self.add_token(name, "newservice", OWNER_SCOPES)

    def add_token(self, user: str, name: str, scopes: frozenset[str]) -> str:
        """Another token of a user's."""
        body = {"name": name, "scopes": sorted(scopes)}
        return str(self._post(f"/users/{user}/tokens", body, (user, self._root[1]))["sha1"])

    def api(self, method: str, path: str, token: str = "", **options: Any) -> httpx.Response:
        """One request as the user, past the load balancer; for what a test arranges and looks up."""
        headers = {"Authorization": f"token {token or self.token}"}
        return httpx.request(
            method, f"{self.address}/api/v1{path}", headers=headers, trust_env=False, timeout=60, **options
        )

    def stop(self) -> None:
        """Let the sandbox answer for itself again, and end the server."""
        self._sandbox.lead_to("forgejo", self._sandbox.forgejo)
        self.passage.close()
        self.program.stop()

    def _create_administrator(self, home: Path) -> None:
        name, password = self._root
        given = (
            "--username",
            name,
            "--password",
            password,
            "--email",
            "root@live.test",
            "--must-change-password=false",
        )
        environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
        completed = subprocess.run(
            [*self._command, "admin", "user", "create", "--admin", *given],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert completed.returncode == 0, completed.stdout + completed.stderr

    def _get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.address}/api/v1{path}", trust_env=False, timeout=30)

    def _post(self, path: str, body: dict[str, Any], person: tuple[str, str]) -> dict[str, Any]:
        made = httpx.post(f"{self.address}/api/v1{path}", json=body, auth=person, trust_env=False, timeout=30)
        assert made.status_code == 201, made.text
        answer: dict[str, Any] = made.json()
        return answer
