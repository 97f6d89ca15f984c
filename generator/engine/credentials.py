"""Credentials: from the environment or Vault, masked, never from a flag and never stored."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.base.errors import NewserviceError, PreflightError, RefusedError, UsageError
from generator.base.external import read_bounded
from generator.base.folders import home
from generator.base.secrets import Secret, known_secret, learn, learn_addresses
from generator.engine.seed_rules import OWN_VALUE, credential_variables
from generator.platform.profile import CredentialSource, Platform

if TYPE_CHECKING:
    from generator.clients.vault import Vault


@dataclass(frozen=True)
class Credential:
    """A secret and where it came from, for messages."""

    value: Secret
    source: str


def vault_token(environ: Mapping[str, str] = os.environ) -> Credential | None:
    """Vault's token: VAULT_TOKEN, else the file that ``vault login`` leaves; None where neither exists."""
    if environ.get("VAULT_TOKEN"):
        return Credential(_clean(environ["VAULT_TOKEN"], "VAULT_TOKEN"), "VAULT_TOKEN")
    path, text = _token_file(environ)
    return Credential(_clean(text, str(path)), str(path)) if text else None


def _token_file(environ: Mapping[str, str]) -> tuple[Path, str]:
    """The file that ``vault login`` leaves, and what it holds: nothing where it can't be read."""
    folder = home(environ)
    if folder is None:
        return Path(".vault-token"), ""
    path = folder / ".vault-token"
    try:
        return path, read_bounded(path).decode().strip()
    except (OSError, ValueError):
        return path, ""


def remember_credentials(platform: Platform, environ: Mapping[str, str]) -> None:
    """Make every credential of the environment known, so that it is masked and hidden also where it is not used.

    Those that the profile names, those that are one by their names, passwords in addresses, and what Vault left behind.
    Of those that newservice does not use, ordinary words don't count: a test system's key may be ``minioadmin``.
    """
    used = {source.environment for source in platform.connection.credentials.values()} | {"VAULT_TOKEN"}
    for name in credential_variables(environ, platform):
        for value in {environ[name], environ[name].strip()}:
            if name in used:
                Secret(value)
            else:
                learn(value)
    Secret(_token_file(environ)[1])
    for value in environ.values():
        learn_addresses(value)


def find_credentials(
    platform: Platform,
    names: Iterable[str],
    vault: Callable[[], Vault | None],
    environ: Mapping[str, str] = os.environ,
) -> dict[str, Credential]:
    """The named credentials. Vault is opened only when the environment lacks one.

    Raises ``PreflightError`` that names every missing one, each with the two places where it could be put.
    """
    sources = platform.connection.credentials
    found: dict[str, Credential] = {}
    missing: list[CredentialSource] = []
    for name in names:
        credential = _find(sources, name, vault, environ)
        if credential:
            found[name] = credential
        else:
            missing.append(sources[name])
    if missing:
        places = "; ".join(f"{item.name}: {item.environment} or Vault's {item.vault}" for item in missing)
        raise PreflightError(
            "credentials.missing",
            f"missing credentials: {', '.join(item.name for item in missing)}",
            f"set the environment variable, or log in to Vault (`vault login`): {places}",
        )
    return found


def _find(
    sources: Mapping[str, CredentialSource],
    name: str,
    vault: Callable[[], Vault | None],
    environ: Mapping[str, str],
) -> Credential | None:
    source = sources[name]
    if environ.get(source.environment):
        return Credential(_clean(environ[source.environment], source.environment), source.environment)
    client = vault()
    value = _stored(name, source, client) if client else None
    if client and value:
        return Credential(_clean(value.reveal(), source.vault), f"Vault's {source.vault}{client.location.within}")
    # Only now the wider one: what Vault has for this purpose comes before what could serve it as well.
    return _find(sources, source.fallback, vault, environ) if source.fallback else None


def _clean(text: str, source: str) -> Secret:
    """A credential as it can be sent: without the line break that a file or a shell left behind it."""
    text = text.strip()
    if not text.isascii() or not text.isprintable() or not text:
        raise PreflightError(
            "credentials.malformed",
            f"the credential in {source} is empty or holds characters that no token has",
            f"set {source} again",
        )
    return Secret(text)


def _stored(name: str, source: CredentialSource, vault: Vault) -> Secret | None:
    path, _, property_ = source.vault.partition("#")
    try:
        return vault.read(path).value(property_)
    except NewserviceError as error:
        hint = f"{error.hint}; or set {source.environment}"
        raise PreflightError("credentials.vault", f"{name} could not be read: {error.message}", hint) from error


def refuse_secrets(answers: Mapping[str, Any], *, words: bool = True) -> None:
    """Raise ``UsageError`` where an answer holds a secret that this process knows: answers are committed.

    In whatever form, in names and in values, which are not repeated. ``words``: see ``known_secret``.
    """
    for name, value in answers.items():
        if any(known_secret(text, words=words) for text in _texts(value)):
            raise UsageError(
                "answer.secret",
                f"{name}: the answer holds a credential of yours",
                "answers are written to repositories: name a property of Vault under secrets instead",
            )


def _texts(value: Any) -> Iterator[str]:
    """All texts and numbers of an answer, and the keys of its maps."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    else:
        yield str(value)


def refuse_credentials(
    seeds: Mapping[str, Secret],
    platform: Platform,
    environ: Mapping[str, str],
    found: Iterable[Credential] = (),
    flag: str = "--seed",
) -> None:
    """Raise ``RefusedError`` where the value of a seed holds a credential, whatever it was read from.

    Compared are those of the environment, Vault's token file, and those that this run ``found`` elsewhere. ``flag``
    is the one that names the values' sources, for messages.
    """
    if not seeds:
        return
    path, text = _token_file(environ)
    known = [(name, environ[name]) for name in credential_variables(environ, platform)]
    known += [(str(path), text), *((item.source, item.value.reveal()) for item in found)]
    for name, value in seeds.items():
        source = next((source for source, credential in known if value.holds(credential)), None)
        if source:
            message = f"{flag} {name}: the value holds the credential in {source}"
            raise RefusedError("seed.credential", message, OWN_VALUE)
