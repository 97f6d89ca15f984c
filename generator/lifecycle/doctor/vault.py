"""Where services' secrets go in Vault, and what its token may do there."""

from __future__ import annotations

from generator.base.checks import Check, CheckState
from generator.base.errors import PreflightError
from generator.clients.vault import TokenFacts, Vault

CAPABILITIES = ("create", "read", "update")
"""What writing a service's secrets needs: to create one, to add to an existing one, and to read it."""

SOON_SECONDS = 3600

_EVERYTHING = "root"


def judge_token(facts: TokenFacts, source: str) -> Check:
    """Whether an accepted token stays valid long enough; one with 0 seconds never expires."""
    name = "vault.token"
    summary = f"{facts.name or 'a token'} from {source}, policies {', '.join(facts.policies) or 'none'}"
    if 0 < facts.seconds < SOON_SECONDS:
        minutes = facts.seconds // 60
        return Check(
            name, CheckState.WAITING, f"{summary}; it expires in {minutes} minutes", "log in again (`vault login`)"
        )
    return Check(name, CheckState.OK, summary)


def check_mount(client: Vault, path: str) -> Check:
    """Check the mount that ``path`` leads to. Raises ``SystemFailure`` where Vault does not say."""
    name = "vault.mount"
    try:
        mount = client.mount(path)
    except PreflightError as error:
        return Check(name, CheckState.FAILED, error.message, error.hint, error.code)
    return Check(name, CheckState.OK, f"{mount.path}{client.location.within} is KV version {mount.version}")


def check_capabilities(client: Vault, path: str, source: str) -> Check:
    """Whether the token may read and write at ``path``. Asking needs a right, too: Vault's policy ``default``."""
    try:
        return judge_capabilities(client.capabilities(path), path, source)
    except PreflightError as error:
        summary = f"could not find out what the token may do with {path}: {error.message}"
        remedy = f"its policies must allow {', '.join(CAPABILITIES)} there; the policy `default` lets it be checked"
        return Check("vault.scopes", CheckState.UNKNOWN, summary, remedy)


def judge_capabilities(held: frozenset[str], path: str, source: str) -> Check:
    """Whether a service's secrets can be read and written at ``path``."""
    name = "vault.scopes"
    missing = [] if _EVERYTHING in held else [word for word in CAPABILITIES if word not in held]
    if missing:
        summary = f"the token is not allowed to {', '.join(missing)} {path}"
        remedy = f"add a policy with {', '.join(CAPABILITIES)} on it to the token in {source}"
        return Check(name, CheckState.FAILED, summary, remedy)
    return Check(name, CheckState.OK, f"may {', '.join(CAPABILITIES)} {path}")
