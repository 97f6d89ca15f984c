"""The embedded platform: start it, look into it, stop it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from generator.platform import Platform
from generator.sandbox.certificates import Certificates
from generator.sandbox.faults import Faults
from generator.sandbox.forgejo import Forgejo
from generator.sandbox.gateway import Gateway
from generator.sandbox.github import GitHub
from generator.sandbox.infra_repository import clone_infra, commit_infra
from generator.sandbox.journal import Journal
from generator.sandbox.server import HttpsServer
from generator.sandbox.tokens import Tokens
from generator.sandbox.vault import Vault
from generator.sandbox.woodpecker import Woodpecker
from generator.template import Template

FORGEJO_HOST = "forgejo.sandbox.test"
WOODPECKER_HOST = "ci.sandbox.test"
VAULT_HOST = "vault.sandbox.test"
GITHUB_HOST = "localhost"


class Sandbox:
    """Forgejo, GitHub, Woodpecker and Vault behind one load-balancer address on loopback.

    All state lives in this object and in bare repositories below ``root``. Use it as a context manager, or call
    :meth:`stop`.
    """

    def __init__(self, root: Path, port: int, latency: float, tokens: Tokens) -> None:
        """Prepare everything and listen, without answering yet; use :meth:`start`."""
        self.root = root
        self.tokens = tokens
        # Owners, branches and paths are the built-in profile's: only addresses are the sandbox's own.
        self._platform = Platform(Template.installed().platform, "built-in")
        self._ca_file = root / "ca.pem"
        self._gateway = Gateway(latency)
        certificates = Certificates([GITHUB_HOST, FORGEJO_HOST, WOODPECKER_HOST, VAULT_HOST], GITHUB_HOST)
        certificates.write(self._ca_file)
        self._server = HttpsServer(port, certificates.context, self._gateway)
        self.port = self._server.port
        self.urls = self._urls()
        self._create_systems()

    @classmethod
    def start(
        cls, root: Path, *, port: int = 0, latency: float = 0.0, tokens: Mapping[str, str] | None = None
    ) -> Sandbox:
        """Start a platform below ``root`` (made if it is missing, and private from then on; holds no earlier one).

        ``port`` 0 takes a free one; ``latency`` in seconds delays every answer; ``tokens`` gives chosen values by
        field name of :class:`Tokens`. Raises OSError when the port is taken or the folder is used already, ValueError
        for an unknown token name.
        """
        chosen = Tokens.of(tokens)
        root = root.resolve()
        root.mkdir(parents=True, exist_ok=True)
        root.chmod(0o700)
        sandbox = cls(root, port, latency, chosen)
        try:
            sandbox._seed()
        except BaseException:
            sandbox._server.close()
            raise
        sandbox._server.start()
        sandbox.forgejo.mirrors.start()
        return sandbox

    def stop(self) -> None:
        """Stop answering; returns when no thread, socket or process is left."""
        self._gateway.close()
        self.forgejo.mirrors.stop()
        self._server.stop()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def journal(self) -> Journal:
        """Every exchange so far."""
        return self._gateway.journal

    @property
    def faults(self) -> Faults:
        """The programmed failures."""
        return self._gateway.faults

    def pause(self) -> None:
        """Hold every request, before acting on it, until :meth:`resume`."""
        self._gateway.pause()

    def resume(self) -> None:
        """Let the held requests go on."""
        self._gateway.resume()

    def wait_until_held(self, count: int = 1, timeout: float = 30.0) -> None:
        """Wait until so many requests are held. Raises TimeoutError."""
        self._gateway.wait_until_held(count, timeout)

    @property
    def profile(self) -> Path:
        """The platform profile of this sandbox: what differs from the built-in one."""
        return self.root / "platform.yml"

    @property
    def infra(self) -> Path:
        """A clean and current clone of the infrastructure repository."""
        return self.root / "infra"

    @property
    def ca_file(self) -> Path:
        """The certificate that clients have to trust."""
        return self._ca_file

    @property
    def environment(self) -> dict[str, str]:
        """The variables that hold this sandbox's credentials."""
        return {
            "FORGEJO_TOKEN": self.tokens.forgejo,
            "FORGEJO_GIT_TOKEN": self.tokens.forgejo_git,
            "GITHUB_TOKEN": self.tokens.github,
            "WOODPECKER_TOKEN": self.tokens.woodpecker,
            "SLACK_WEBHOOK": self.tokens.slack,
            "VAULT_ADDR": self.urls["vault"],
            "VAULT_TOKEN": self.tokens.vault,
        }

    def _urls(self) -> dict[str, str]:
        names = {"forgejo": FORGEJO_HOST, "github": GITHUB_HOST, "woodpecker": WOODPECKER_HOST, "vault": VAULT_HOST}
        urls = {system: f"https://{host}:{self.port}" for system, host in names.items()}
        return urls | {"github_api": f"{urls['github']}/api/v3"}

    def _create_systems(self) -> None:
        repositories = self.root / "repositories"
        urls, tokens = self.urls, self.tokens
        self.github = GitHub(repositories / "github", self._platform.owner("github"), tokens.github, urls["github"])
        self.forgejo = Forgejo(
            repositories / "forgejo",
            self._platform.owner("forgejo"),
            (tokens.forgejo, tokens.forgejo_git),
            urls["forgejo"],
            self._ca_file,
        )
        self.woodpecker = Woodpecker(self._platform.owner("github"), tokens.woodpecker, urls["woodpecker"], self.github)
        self.vault = Vault(tokens.vault, self._platform.data["vault"]["mount"])
        self._gateway.serve(
            {
                GITHUB_HOST: ("github", self.github),
                FORGEJO_HOST: ("forgejo", self.forgejo),
                WOODPECKER_HOST: ("woodpecker", self.woodpecker),
                VAULT_HOST: ("vault", self.vault),
            }
        )

    def _seed(self) -> None:
        for path, properties in self._credentials().items():
            self.vault.write(path, properties)
        self.woodpecker.add_global_secret("slack_webhook", self.tokens.slack, ["push", "manual"])
        owner, names = self._platform.owner("forgejo"), self._platform.data["infra"]
        infra = self.forgejo.create_repository(owner, names["repository"], branch=names["branch"])
        commit_infra(infra.bare, names["branch"])
        infra.refresh(infra.bare.heads())
        clone_infra(infra.bare, self.infra, f"{self.urls['forgejo']}/{infra.full_name}.git", _person())
        self.profile.write_text(yaml.safe_dump(self._overrides(), sort_keys=False))
        os.chmod(self.profile, 0o600)

    def _credentials(self) -> dict[str, dict[str, str]]:
        """The credentials where the profile says that Vault has them, by path within the mount."""
        mount = str(self._platform.data["vault"]["mount"])
        stored: dict[str, dict[str, str]] = {}
        for source in self._platform.credentials.values():
            path, _, name = source.vault.removeprefix(f"{mount}/").partition("#")
            stored.setdefault(path, {})[name] = getattr(self.tokens, source.name)
        return stored

    def _overrides(self) -> dict[str, Any]:
        urls = self.urls
        return {
            "name": "sandbox",
            "connection": {
                "load_balancer": {
                    "address": "127.0.0.1",
                    "port": self.port,
                    "systems": ["forgejo", "woodpecker", "vault"],
                },
                "ca_file": str(self._ca_file),
                "infra_clone": str(self.infra),
                "github_write_interval_seconds": 0,
            },
            "template_url": f"{urls['forgejo']}/{self._platform.owner('forgejo')}/newservice.git",
            "forgejo": {"url": urls["forgejo"]},
            "github": {"url": urls["github"], "api_url": urls["github_api"]},
            "woodpecker": {"url": urls["woodpecker"]},
            "vault": {"url": urls["vault"]},
        }


def _person() -> dict[str, str]:
    return {"user.name": "Sandbox", "user.email": "sandbox@sandbox.test"}
