"""Opens what a run needs: credentials, clients, the clone. Preflight: everything that is missing is named first."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from generator.base.errors import PreflightError, SystemFailure
from generator.base.secrets import Secret, learn_addresses
from generator.clients.forgejo import Forgejo
from generator.clients.git import REMEDY_FOR_UNFIT, Remote, Repository
from generator.clients.github import GitHub
from generator.clients.patience import Patience
from generator.clients.registry import Registry
from generator.clients.vault import Vault
from generator.clients.woodpecker import Woodpecker
from generator.engine.context import Run, Systems
from generator.engine.credentials import Credential, find_credentials, refuse_secrets, vault_token
from generator.engine.project import Project
from generator.platform.profile import Platform
from generator.platform.vault_location import vault_location
from generator.template.answers import Answers

Client = TypeVar("Client")


def needed_credentials(answers: Answers) -> list[str]:
    """Names of the credentials that these answers need; Vault's is no credential of the profile, but its source."""
    systems = [system for system in answers.systems if system != "vault"]
    return list(dict.fromkeys([*systems, *answers.actions_secrets.values()]))


@contextmanager
def open_run(
    project: Project,
    infra: Path,
    *,
    seeds: Mapping[str, Secret] | None = None,
    environ: Mapping[str, str] = os.environ,
    progress: Callable[[str], None] = lambda _: None,
    needed: Iterable[str] | None = None,
    also: Iterable[str] = (),
    helpful: Iterable[str] = (),
) -> Iterator[Run]:
    """A run with open connections, closed at the end. ``needed`` names the credentials where not all are required;
    ``also`` systems that the answers don't need, for what is removed from them; ``helpful`` those that are opened only
    where their credential is at hand.

    Raises ``PreflightError`` when a credential, the clone of the infra repository or git is missing.
    """
    platform, answers = project.platform, project.answers
    with ExitStack() as stack:
        patience = Patience.of(platform, progress)
        vault = _vault(platform, environ, stack, patience)
        wanted = needed_credentials(answers) if needed is None else needed
        opening = {*answers.systems, *also}
        extra = [system for system in also if system != "vault"]
        credentials = find_credentials(platform, dict.fromkeys([*wanted, *extra]), vault, environ)
        for system in helpful:
            if system not in credentials:
                with suppress(PreflightError, SystemFailure):
                    credentials |= find_credentials(platform, [system], vault, environ)
            opening |= {system}
        if "vault" in opening and vault() is None:
            raise PreflightError(
                "credentials.missing",
                "missing credentials: vault (the service has secrets)",
                "set VAULT_TOKEN, or log in to Vault (`vault login`)",
            )
        clone = open_clone(platform, infra)
        stack.callback(clone.close)
        for address in clone.remotes():
            learn_addresses(address)
        refuse_secrets(answers.values)
        opened = vault() if "vault" in opening else None

        def registry() -> Registry:
            found = find_credentials(platform, ["registry"], vault, environ)["registry"]
            return Registry(platform, found.value, found.source)

        systems = replace(_systems(platform, credentials, opened, opening, patience), registry=registry)
        stack.callback(systems.close)
        yield Run(project, systems, credentials, clone, patience, dict(seeds or {}), progress)


@dataclass(frozen=True)
class Forge:
    """The canonical forge with nothing else: its API, how git reaches it, and its retry policy.

    ``mirror_is_public`` says whether everyone sees a mirror, by its full name. Raises what GitHub's client raises.
    ``github`` opens that client, with GitHub's token where there is one.
    """

    api: Forgejo
    remote: Remote
    patience: Patience
    mirror_is_public: Callable[[str], bool]
    github: Callable[[], GitHub]


@contextmanager
def open_forge(
    platform: Platform, environ: Mapping[str, str] = os.environ, progress: Callable[[str], None] = lambda _: None
) -> Iterator[Forge]:
    """The canonical forge alone. Raises ``PreflightError`` without a credential for it."""
    with ExitStack() as stack:
        patience = Patience.of(platform, progress)
        vault = _vault(platform, environ, stack, patience)
        credential = find_credentials(platform, ["forgejo"], vault, environ)["forgejo"]
        client = Forgejo(platform, credential.value, credential.source, patience)
        stack.callback(client.close)
        remote = Remote(platform, platform.forgejo.owner, credential.value)
        github = _github(platform, environ, stack, patience, vault)

        def is_public(full_name: str) -> bool:
            mirror = github().repository(full_name)
            return mirror is not None and not mirror.private

        yield Forge(client, remote, patience, is_public, github)


def _github(
    platform: Platform,
    environ: Mapping[str, str],
    stack: ExitStack,
    patience: Patience,
    vault: Callable[[], Vault | None],
) -> Callable[[], GitHub]:
    """GitHub, asked with its token; without one, as anyone may: few times an hour."""
    lock, opened = threading.Lock(), list[GitHub]()

    def client() -> GitHub:
        with lock:
            if not opened:
                try:
                    found = find_credentials(platform, ["github"], vault, environ)["github"]
                    opened.append(GitHub(platform, found.value, found.source, patience))
                except PreflightError as error:
                    if error.code != "credentials.missing":
                        raise
                    opened.append(GitHub(platform, None, patience=patience))
                stack.callback(opened[0].close)
            return opened[0]

    return client


@dataclass(frozen=True)
class Mirrors:
    """What writes to the mirrors of many services: one GitHub client, so that its limits are kept for all of them."""

    forge: Forge
    github: GitHub
    credentials: Mapping[str, Credential]
    clone: Repository
    patience: Patience


@contextmanager
def open_mirrors(
    forge: Forge,
    platform: Platform,
    infra: Path,
    needed: Iterable[str],
    environ: Mapping[str, str] = os.environ,
    progress: Callable[[str], None] = lambda _: None,
) -> Iterator[Mirrors]:
    """GitHub, and the ``needed`` credentials. Raises ``PreflightError`` when one of them, or the clone, is missing."""
    with ExitStack() as stack:
        patience = Patience.of(platform, progress)
        vault = _vault(platform, environ, stack, patience)
        credentials = find_credentials(platform, dict.fromkeys(["github", *needed]), vault, environ)
        clone = open_clone(platform, infra)
        stack.callback(clone.close)
        client = GitHub(platform, credentials["github"].value, credentials["github"].source, patience)
        stack.callback(client.close)
        yield Mirrors(forge, client, credentials, clone, patience)


@contextmanager
def open_registry(platform: Platform, environ: Mapping[str, str] = os.environ) -> Iterator[Registry]:
    """The image registry alone, which only looking needs. Raises ``PreflightError`` without a credential for it."""
    with ExitStack() as stack:
        vault = _vault(platform, environ, stack, Patience.of(platform))
        credential = find_credentials(platform, ["registry"], vault, environ)["registry"]
        client = Registry(platform, credential.value, credential.source)
        stack.callback(client.close)
        yield client


def open_clone(platform: Platform, infra: Path) -> Repository:
    """The clone of the infra repository, to be closed. Raises ``PreflightError`` where no usable clone exists."""
    clone = Repository.open(infra)
    if clone is None:
        raise PreflightError(
            "infra.no_clone",
            f"{infra} is not a clone of the infra repository",
            f"clone {platform.forgejo.clone_url(platform.infra.repository)} there, or name another clone with --infra",
        )
    if unfit := clone.unfit:
        clone.close()
        raise PreflightError("infra.unfit", f"{infra} {unfit}", REMEDY_FOR_UNFIT)
    clone.signing_key = platform.connection.signing_key
    return clone


def _vault(
    platform: Platform, environ: Mapping[str, str], stack: ExitStack, patience: Patience
) -> Callable[[], Vault | None]:
    """Opens Vault on first use; None without a token for it.

    It raises ``PreflightError`` where environment and profile name different namespaces.
    """
    opened: list[Vault] = []

    def vault() -> Vault | None:
        token = vault_token(environ)
        if token and not opened:
            opened.append(Vault(platform, token.value, token.source, vault_location(platform, environ), patience))
            stack.callback(opened[0].close)
        return opened[0] if opened else None

    return vault


def _systems(
    platform: Platform,
    credentials: Mapping[str, Credential],
    vault: Vault | None,
    needed: Container[str],
    patience: Patience,
) -> Systems:
    def client(system: str, kind: Callable[[Platform, Secret, str, Patience], Client]) -> Client | None:
        found = credentials.get(system)
        return kind(platform, found.value, found.source, patience) if system in needed and found else None

    forgejo = Forgejo(platform, credentials["forgejo"].value, credentials["forgejo"].source, patience)
    return Systems(forgejo, client("github", GitHub), client("woodpecker", Woodpecker), vault)
