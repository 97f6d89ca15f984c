"""A real Woodpecker whose forge is the sandbox's GitHub."""

from __future__ import annotations

import os
import re
import secrets
import ssl
from pathlib import Path
from urllib.parse import urlencode

import httpx

from generator.sandbox import Sandbox
from tests.live.servers import Passage, Program, answers, free_port


class Woodpecker:
    """The server, the way to it, and people who sign in."""

    def __init__(self, binary: str, home: Path, sandbox: Sandbox, admin: str) -> None:
        """Start it and wait until it answers; the sandbox's host of that name leads to it from then on."""
        home.mkdir()
        self.admin = admin
        self._sandbox = sandbox
        self.address = f"http://127.0.0.1:{free_port()}"
        self.for_agents, self.agent_secret = f"127.0.0.1:{free_port()}", secrets.token_hex(16)
        url = sandbox.urls["woodpecker"]
        application = sandbox.github.oauth.register(f"{url}/authorize", admin)
        self.program = Program(
            [binary],
            home,
            {
                "WOODPECKER_HOST": url,
                "WOODPECKER_SERVER_ADDR": self.address.removeprefix("http://"),
                "WOODPECKER_GRPC_ADDR": self.for_agents,
                "WOODPECKER_AGENT_SECRET": self.agent_secret,
                "WOODPECKER_DATABASE_DRIVER": "sqlite3",
                "WOODPECKER_DATABASE_MAX_RETRIES": "1",
                "WOODPECKER_DATABASE_DATASOURCE": str(home / "woodpecker.sqlite"),
                "WOODPECKER_OPEN": "true",
                "WOODPECKER_ADMIN": admin,
                "WOODPECKER_GITHUB": "true",
                "WOODPECKER_GITHUB_URL": sandbox.urls["github"],
                "WOODPECKER_GITHUB_CLIENT": application.client_id,
                "WOODPECKER_GITHUB_SECRET": application.secret,
                "WOODPECKER_DISABLE_VERSION_CHECK": "true",
                "WOODPECKER_LOG_LEVEL": "info",
                "SSL_CERT_FILE": str(sandbox.ca_file),
                "NO_PROXY": "*",
            },
        )
        try:
            self.program.wait_until(answers(self.address, "/healthz", 204))
            self.passage = Passage(self.address)
            sandbox.lead_to("woodpecker", self.passage)
            self.version = str(self._get("/version").json()["version"])
            self.token = self.sign_in(admin)
        except BaseException:
            self.program.stop()
            raise

    def sign_in(self, user: str) -> str:
        """A personal access token of a user's, made as a browser does: by OAuth, a session and its CSRF token."""
        context = ssl.create_default_context(cafile=str(self._sandbox.ca_file))
        with httpx.Client(verify=context, trust_env=False, timeout=30) as github:
            asked = self._get("/authorize")
            granted = github.get(f"{asked.headers['location']}&{urlencode({'login': user})}")
        session = self._get("/authorize", httpx.URL(granted.headers["location"]).query.decode())
        cookie = session.headers["set-cookie"].partition(";")[0]
        script = self._get("/web-config.js", headers={"Cookie": cookie}).text
        csrf = re.search(r'WOODPECKER_CSRF = "([^"]+)"', script)
        assert csrf, script
        made = httpx.post(
            f"{self.address}/api/user/token",
            headers={"Cookie": cookie, "X-CSRF-TOKEN": csrf.group(1)},
            trust_env=False,
        )
        assert made.status_code == 200, made.text
        return made.text

    def stop(self) -> None:
        """Let the sandbox answer for itself again, and end the server."""
        self._sandbox.lead_to("woodpecker", self._sandbox.woodpecker)
        self.passage.close()
        self.program.stop()

    def _get(self, path: str, query: str = "", headers: dict[str, str] | None = None) -> httpx.Response:
        address = f"{self.address}{path}" + (f"?{query}" if query else "")
        return httpx.get(address, headers=headers, trust_env=False, timeout=30)


class Agent:
    """An agent of a real Woodpecker that runs pipelines on this machine, with stand-ins for programs in ``tools``."""

    def __init__(self, binary: str, home: Path, woodpecker: Woodpecker) -> None:
        home.mkdir()
        self.tools, work = home / "tools", home / "work"
        for folder in (self.tools, work):
            folder.mkdir()
        environment = {
            "WOODPECKER_SERVER": woodpecker.for_agents,
            "WOODPECKER_AGENT_SECRET": woodpecker.agent_secret,
            "WOODPECKER_AGENT_CONFIG_FILE": str(home / "agent.conf"),
            "WOODPECKER_BACKEND": "local",
            "WOODPECKER_BACKEND_LOCAL_TEMP_DIR": str(work),
            "WOODPECKER_HEALTHCHECK": "false",
            "PATH": f"{self.tools}{os.pathsep}{os.environ['PATH']}",
        }
        self.program = Program([binary], home, environment)

    def stop(self) -> None:
        """End it."""
        self.program.stop()
