"""Where Vault is for this run: its address and namespace, from the environment or the platform profile. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from generator.base.errors import PreflightError
from generator.platform.profile import Platform, bare_namespace

_NAMESPACE = re.compile(r"[!-.0-~]+(/[!-.0-~]+)*")


@dataclass(frozen=True)
class VaultLocation:
    """An address, and a namespace without slashes at its ends; empty for the root namespace."""

    address: str = ""
    namespace: str = ""

    @property
    def within(self) -> str:
        """The namespace after a path, for people; empty for the root namespace."""
        return f" in namespace {self.namespace}" if self.namespace else ""

    @property
    def flag(self) -> str:
        """The flag of Vault's own commands that leads there."""
        return f" -namespace={self.namespace}" if self.namespace else ""


def vault_address(platform: Platform, environ: Mapping[str, str]) -> str:
    """``VAULT_ADDR``, else the profile's address, without a slash at its end."""
    return environ.get("VAULT_ADDR", "").rstrip("/") or platform.vault.url


def other_namespace(platform: Platform, environ: Mapping[str, str]) -> str | None:
    """The namespace of ``VAULT_NAMESPACE`` where the profile names another; None where it does not matter."""
    namespace = environ.get("VAULT_NAMESPACE", "")
    return bare_namespace(namespace) if namespace and bare_namespace(namespace) != platform.vault.namespace else None


def vault_location(platform: Platform, environ: Mapping[str, str]) -> VaultLocation:
    """Where to reach Vault: the environment's values, as for Vault's own commands, else the profile's.

    Raises ``PreflightError`` for an invalid ``VAULT_NAMESPACE``, or where the profile names another one: values
    would go where the platform does not look for them.
    """
    meant, other = platform.vault.namespace, other_namespace(platform, environ)
    if other and not _NAMESPACE.fullmatch(other):
        raise PreflightError(
            "vault.namespace",
            "VAULT_NAMESPACE is not a namespace: it holds spaces, or characters that no namespace has",
            "correct the variable, such as VAULT_NAMESPACE=team, or unset it",
        )
    if meant and other is not None:
        raise PreflightError(
            "vault.namespace",
            f"VAULT_NAMESPACE is {other or 'root'}, and the platform profile's vault.namespace is {meant}",
            "unset VAULT_NAMESPACE, or set it to the profile's; where the profile is wrong, correct it",
        )
    return VaultLocation(vault_address(platform, environ), other or meant)
