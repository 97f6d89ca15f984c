"""The embedded platform: start it, look into it, stop it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import trustme
import yaml

from generator.platform.profile import Platform, load_platform
from generator.sandbox import snapshot
from generator.sandbox.certificates import Certificates
from generator.sandbox.edge import Edge
from generator.sandbox.faults import Faults
from generator.sandbox.forgejo import Forgejo
from generator.sandbox.forgejo.state import Repository
from generator.sandbox.gateway import Gateway
from generator.sandbox.github import GitHub
from generator.sandbox.infra_repository import clone_infra, commit_infra, infra_files
from generator.sandbox.journal import Journal
from generator.sandbox.messages import Request, Response
from generator.sandbox.registry import Registry
from generator.sandbox.repositories import BareRepository
from generator.sandbox.server import Application, HttpsServer
from generator.sandbox.tokens import Tokens
from generator.sandbox.vault import KvTwo, Vault
from generator.sandbox.woodpecker import Woodpecker
from generator.sandbox.woodpecker.state import Repository as Registered
from generator.template.template import Template

# GitHub is reached past the load balancer, by a name that leads here without one.
GITHUB_HOST = "localhost"
_HOSTS = {
    "forgejo": "forgejo.sandbox.test",
    "woodpecker": "ci.sandbox.test",
    "vault": "vault.sandbox.test",
    "registry": "registry.sandbox.test",
}
_PERSON = {"user.name": "Sandbox", "user.email": "sandbox@sandbox.test"}


class Sandbox:
    """Forgejo, GitHub, Woodpecker, Vault and a registry behind one load-balancer address on loopback.

    All state lives in this object and in bare repositories below ``root``. Use it as a context manager, or call
    :meth:`stop`.
    """

    def __init__(
        self,
        root: Path,
        port: int,
        latency: float,
        tokens: Tokens,
        profile: Path | None,
        authority: trustme.CA | None,
    ) -> None:
        """Prepare everything and listen, without answering yet; use :meth:`start`."""
        self.root = root
        self.tokens = tokens
        # Owners, branches, modules and paths are the profile's: only addresses are the sandbox's own.
        builtin = Template.installed().platform
        self.given: Mapping[str, Any] = yaml.safe_load(profile.read_text(encoding="utf-8")) if profile else {}
        self._platform = load_platform(builtin, profile) if profile else Platform.of(builtin, "built-in")
        self._hosts = {"github": GITHUB_HOST} | {
            system: self._platform.systems[system].host if "url" in self.given.get(system, {}) else host
            for system, host in _HOSTS.items()
        }
        self._ca_file = root / "ca.pem"
        self._gateway = Gateway(latency)
        domains = (self._platform.domain, self._platform.lan_domain)
        certificates = Certificates(
            self._hosts.values(), GITHUB_HOST, self._gateway.broken_handshake, authority, domains
        )
        self._certificates = certificates
        self.authority = certificates.authority
        certificates.write(self._ca_file)
        self._server = HttpsServer(port, certificates.context, self._gateway)
        self._front: HttpsServer | None = None
        self.faults.attach(self._server)
        self.port = self._server.port
        self.urls = self._urls()
        self._create_systems()

    @classmethod
    def start(
        cls,
        root: Path,
        *,
        port: int = 0,
        latency: float = 0.0,
        tokens: Mapping[str, str] | None = None,
        profile: Path | None = None,
        restore: Path | None = None,
        authority: trustme.CA | None = None,
    ) -> Sandbox:
        """Start a platform below ``root`` (made if it is missing, and private from then on; holds no earlier one).

        ``port`` 0 takes a free one; ``latency`` in seconds delays every answer; ``tokens`` gives chosen values by
        field name of :class:`Tokens`. ``profile`` is the platform to stand in for (without it the built-in one): its
        owners, branches, host names, Vault mount and namespace, modules and tiers. ``restore`` is a folder that
        :meth:`save` made: port, tokens, profile and everything that the systems held come from there. ``authority`` is
        another sandbox's, for clients in this process that trust it already. Raises OSError when the port is taken or
        the folder is used already, ValueError for an unknown token name, a folder with no saved sandbox, or one
        together with what it decides, ``UsageError`` for a profile that is none.
        """
        saved = snapshot.read(restore) if restore else None
        if saved:
            if port or tokens or profile:
                raise ValueError("port, tokens and profile of a restored sandbox are those it was saved with")
            port, tokens, profile = saved.port, saved.tokens, saved.profile
        chosen = Tokens.of(tokens)
        root = root.resolve()
        root.mkdir(parents=True, exist_ok=True)
        root.chmod(0o700)
        sandbox = cls(root, port, latency, chosen, profile, authority)
        try:
            if saved:
                snapshot.fill(sandbox, saved)
            else:
                sandbox._seed()
            sandbox._prepare()
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
        if self._front:
            self._front.stop()

    def settle(self, timeout: float = 60.0) -> None:
        """Wait until nothing is done any more, by no request, no mirror and no git, so that folders may be removed.

        For when the clients have ended, or were killed: faults are removed, held requests are dropped, and open
        connections are ended. Raises TimeoutError when the mirrors do not come to an end.
        """
        self.faults.clear()
        self.drop_held()
        while True:
            self.forgejo.wait_for_mirrors(timeout)
            self._server.settle()
            if not self.forgejo.mirrors.busy:
                return  # no request is left that could have queued another push

    def save(self, folder: Path) -> None:
        """Save everything that the systems hold to a folder, for ``start(folder, restore=...)``.

        The folder is created, and private: it holds the tokens. What mirrors still push is waited for; a client that
        changes something meanwhile may be seen half-way. Raises FileExistsError when the folder is not empty,
        TimeoutError when the mirrors do not come to an end.
        """
        self.forgejo.wait_for_mirrors()
        with self.forgejo.lock, self.woodpecker.lock, self.github.lock, self.vault.lock, self.registry.lock:
            snapshot.save(self, folder)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def lead_to(self, system: str, application: Application) -> None:
        """Let something else answer for a system from now on, such as a passage to a real server."""
        self._gateway.serve({self._hosts[system]: (system, application)})

    @property
    def journal(self) -> Journal:
        """Every exchange so far."""
        return self._gateway.journal

    @property
    def faults(self) -> Faults:
        """The programmed failures."""
        return self._gateway.faults

    def open_outside(self) -> None:
        """Let services be reached from outside, too, and the profile say how: by a public DNS and a front of its own.

        From then on the journal has exchanges of the systems ``resolver`` and ``outside``.
        """
        if self._front is None:
            self._front = HttpsServer(0, self._certificates.context, self._from_outside)
            self._front.start()
            self.profile.write_text(yaml.safe_dump(self._overrides(), sort_keys=False))

    def _from_outside(self, request: Request) -> Response:
        if request.host == GITHUB_HOST:
            return self._gateway.answer(request, "resolver", self.edge.resolve)
        return self._gateway.answer(request, "outside", self.edge.from_outside)

    def pause(self) -> None:
        """Hold every request, before acting on it, until :meth:`resume`."""
        self._gateway.pause()

    def resume(self) -> None:
        """Let the held requests go on."""
        self._gateway.resume()

    def drop_held(self) -> None:
        """Drop the held requests without ever acting on them; later ones go on as usual."""
        self._gateway.drop_held()

    def wait_until_held(self, count: int = 1, timeout: float = 30.0) -> None:
        """Wait until so many requests are held. Raises TimeoutError."""
        self._gateway.wait_until_held(count, timeout)

    @property
    def profile(self) -> Path:
        """The platform profile of this sandbox: what differs from the built-in one."""
        return self.root / "platform.yml"

    @property
    def platform(self) -> Platform:
        """The platform that this sandbox stands in for, with that platform's own addresses."""
        return self._platform

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
        """The variables that hold this sandbox's credentials, as the profile calls them."""
        credentials = self._platform.connection.credentials.values()
        return {source.environment: getattr(self.tokens, source.name) for source in credentials} | {
            "VAULT_ADDR": self.urls["vault"],
            "VAULT_TOKEN": self.tokens.vault,
        }

    def surroundings(self, environ: Mapping[str, str]) -> dict[str, str]:
        """An environment with this sandbox's credentials, and without the namespace of another Vault."""
        return {name: value for name, value in environ.items() if name != "VAULT_NAMESPACE"} | self.environment

    def _urls(self) -> dict[str, str]:
        urls = {system: f"https://{host}:{self.port}" for system, host in self._hosts.items()}
        return urls | {"github_api": f"{urls['github']}/api/v3"}

    def _create_systems(self) -> None:
        repositories = self.root / "repositories"
        urls, tokens = self.urls, self.tokens
        self.github = GitHub(repositories / "github", self._platform.github.owner, tokens.github, urls["github"])
        self.forgejo = Forgejo(
            repositories / "forgejo",
            self._platform.forgejo.owner,
            (tokens.forgejo, tokens.forgejo_git),
            urls["forgejo"],
            self._ca_file,
        )
        self.woodpecker = Woodpecker(self._platform.github.owner, tokens.woodpecker, urls["woodpecker"], self.github)
        self.forgejo.on_push = self._pushed
        self.vault = Vault(tokens.vault, self._platform.vault.mount, self._platform.vault.namespace)
        self.registry = Registry(urls["registry"], self._reads_packages)
        systems: dict[str, Application] = {
            "github": self.github,
            "forgejo": self.forgejo,
            "woodpecker": self.woodpecker,
            "vault": self.vault,
            "registry": self.registry,
        }
        self._gateway.serve({host: (system, systems[system]) for system, host in self._hosts.items()})
        self.edge = Edge(self._platform, self._infra_bare)
        self._gateway.serve_others(self.edge.serves, "edge", self.edge)

    def _infra_bare(self) -> BareRepository | None:
        found = self.forgejo.repositories.get(
            f"{self._platform.forgejo.owner}/{self._platform.infra.repository}".lower()
        )
        return found.bare if found else None

    def _reads_packages(self, password: str) -> bool:
        """Whether a password may read images: the registry's own token, or one of GitHub's with the scope."""
        token = self.github.tokens.get(password)
        return password == self.tokens.registry or (token is not None and "read:packages" in token.scopes)

    def _seed(self) -> None:
        self._seed_vault()
        self.woodpecker.add_global_secret("slack_webhook", self.tokens.slack, ["push", "manual"])
        owner, names = self._platform.forgejo.owner, self._platform.infra
        infra = self.forgejo.create_repository(owner, names.repository, branch=names.branch)
        commit_infra(infra.bare, names.branch, infra_files(self._platform))
        infra.refresh(infra.bare.heads())

        row = Registered(82, str(infra.id), infra.full_name, infra.private, names.branch)
        self.woodpecker.repositories[row.id] = row

    def _pushed(self, repository: Repository, before: str | None, sha: str) -> None:
        """Woodpecker's hook on Forgejo: of the repositories there, only the infra repository is registered."""
        files = repository.bare.changed_files(before, sha) if before else []
        message = repository.bare.log(sha, limit=1)[0].message
        self.woodpecker.on_push(repository.full_name, str(repository.id), sha, message, list(files))

    def _prepare(self) -> None:
        """Write what a person has on a machine of his own: a clone of the infra repository, and the profile."""
        owner, name = self._platform.forgejo.owner, self._platform.infra.repository
        infra = self.forgejo.repository(f"{owner}/{name}")
        clone_infra(infra.bare, self.infra, f"{self.urls['forgejo']}/{infra.full_name}.git", _PERSON)
        self.profile.write_text(yaml.safe_dump(self._overrides(), sort_keys=False))
        os.chmod(self.profile, 0o600)

    def _seed_vault(self) -> None:
        """Store the credentials where the profile says that Vault has them, in its namespace.

        What lies outside of the profile's mount gets a mount of its own, named by the path's first word.
        """
        namespace = self.vault.namespace(self._platform.vault.namespace)
        stored: dict[str, dict[str, str]] = {}
        for source in self._platform.connection.credentials.values():
            path, _, name = source.vault.partition("#")
            stored.setdefault(path, {})[name] = getattr(self.tokens, source.name)
        for path, properties in stored.items():
            engine = namespace.holding(path)
            if engine is None:
                with suppress(ValueError):  # a mount below that word is in use
                    engine = namespace.mount(path.partition("/")[0])
            if isinstance(engine, KvTwo):
                engine.write(path.removeprefix(f"{engine.path}/"), properties)

    def _overrides(self) -> dict[str, Any]:
        own = self._own()
        merged = {
            key: {**self.given.get(key, {}), **value} if isinstance(value, dict) else value
            for key, value in own.items()
        }
        return {"name": "sandbox", **self.given, **merged}

    def _own(self) -> dict[str, Any]:
        """What is the sandbox's own, whatever platform it stands in for."""
        urls, front = self.urls, self._front
        outside = {"resolver": f"https://{GITHUB_HOST}:{front.port}/dns-query", "port": front.port} if front else None
        return {
            "connection": {
                "outside": outside,
                "load_balancer": {
                    "address": "127.0.0.1",
                    "port": self.port,
                    "systems": ["forgejo", "woodpecker", "vault", "registry"],
                },
                "ca_file": str(self._ca_file),
                "infra_clone": str(self.infra),
                "github_write_interval_seconds": 0,
                "retry": {"first_seconds": 0.05, "longest_seconds": 2},
            },
            "template_url": f"{urls['forgejo']}/{self._platform.forgejo.owner}/newservice.git",
            "forgejo": {"url": urls["forgejo"]},
            "github": {"url": urls["github"], "api_url": urls["github_api"]},
            "woodpecker": {"url": urls["woodpecker"]},
            "vault": {"url": urls["vault"]},
            "registry": {"url": urls["registry"]},
        }
