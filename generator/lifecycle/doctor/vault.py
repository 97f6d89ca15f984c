"""Where services' secrets go in Vault, and what its token may do there."""

from __future__ import annotations

from generator.base.checks import Check, CheckState
from generator.base.errors import PreflightError
from generator.clients.vault import TokenFacts, Vault

CAPABILITIES = ("create", "read", "update")
"""What writing a service's secrets takes: a new one, one that has properties already, and looking at it."""

SOON_SECONDS = 3600

_EVERYTHING = "root"


def judge_token(facts: TokenFacts, source: str) -> Check:
    """Accepted, and with life left. A life of 0 has no end."""
    name = "vault.token"
    told = f"{facts.name or 'a token'} from {source}, policies {', '.join(facts.policies) or 'none'}"
    if 0 < facts.seconds < SOON_SECONDS:
        minutes = facts.seconds // 60
        return Check(name, CheckState.WAITING, f"{told}; it ends in {minutes} minutes", "log in again (`vault login`)")
    return Check(name, CheckState.OK, told)


def check_mount(client: Vault, path: str) -> Check:
    """What ``path`` leads to, asked of Vault now. Raises ``SystemFailure`` where Vault does not say."""
    name = "vault.mount"
    try:
        mount = client.mount(path)
    except PreflightError as error:
        return Check(name, CheckState.FAILED, error.message, error.hint, error.code)
    return Check(name, CheckState.OK, f"{mount.path}{client.location.within} is KV version {mount.version}")


def check_capabilities(client: Vault, path: str, source: str) -> Check:
    """What the token may do at ``path``. Asking that is itself a right, of Vault's policy ``default``."""
    try:
        return judge_capabilities(client.capabilities(path), path, source)
    except PreflightError as error:
        told = f"what the token may do with {path} could not be seen: {error.message}"
        remedy = f"its policies must allow {', '.join(CAPABILITIES)} there; with the policy `default` it can be asked"
        return Check("vault.scopes", CheckState.UNKNOWN, told, remedy)


def judge_capabilities(held: frozenset[str], path: str, source: str) -> Check:
    """Whether a service's secrets can be read and written at ``path``."""
    name = "vault.scopes"
    missing = [] if _EVERYTHING in held else [word for word in CAPABILITIES if word not in held]
    if missing:
        told = f"the token may not {', '.join(missing)} {path}"
        remedy = f"add a policy with {', '.join(CAPABILITIES)} on it to the token in {source}"
        return Check(name, CheckState.FAILED, told, remedy)
    return Check(name, CheckState.OK, f"may {', '.join(CAPABILITIES)} {path}")
