"""Where services' secrets go in Vault, and what its token may do there."""

from __future__ import annotations

from generator.base.checks import Check, CheckState
from generator.base.errors import PreflightError
from generator.clients.vault import Vault
from generator.clients.vault_token import TokenFacts

CAPABILITIES = ("create", "read", "update")
"""What writing a service's secrets needs: to create one, to add to an existing one, and to read it."""

SOON_SECONDS = 3600

RUN_SECONDS = 120
"""How long a run may take; a token that ends before that, and can't be renewed, is not worth starting with."""

RUN_USES = 20
"""How many requests a run may send with the token; fewer uses may end in the middle of it."""

_EVERYTHING = "root"


def check_token(client: Vault, source: str) -> Check:
    """Check that Vault accepts the token, and for how long. Raises ``SystemFailure`` where Vault does not say."""
    try:
        return judge_token(client.token(), source)
    except PreflightError as error:
        return Check("vault.token", CheckState.FAILED, error.message, error.hint, error.code)


def judge_token(facts: TokenFacts | None, source: str) -> Check:
    """Whether an accepted token stays valid long enough; None for one that may not look itself up.

    Vault checks a token before its policies: one that may not look itself up is accepted nonetheless. Raises
    ``PreflightError`` for one that ends before a run would.
    """
    name = "vault.token"
    if facts is None:
        summary = "accepted; its policies do not let it look itself up (the policy `default` does)"
        return Check(name, CheckState.OK, f"a token from {source}, {summary}")
    summary = f"{facts.name or 'a token'} from {source}, policies {', '.join(facts.policies) or 'none'}"
    again = "log in again (`vault login`)"
    if ending := _ending(facts):
        raise PreflightError("vault.token_ends", f"{summary}; {ending}", f"{again}, or use another token")
    if 0 < facts.seconds < SOON_SECONDS:
        minutes = facts.seconds // 60
        return Check(name, CheckState.WAITING, f"{summary}; it expires in {minutes} minutes", again)
    return Check(name, CheckState.OK, summary)


def _ending(facts: TokenFacts) -> str:
    """Why a token is not worth starting a run with; empty if it is."""
    if facts.uses < 0:
        return "it has no uses left"
    if 0 < facts.uses < RUN_USES:
        return f"it has {facts.uses} uses left, and a run may need {RUN_USES}"
    if 0 < facts.seconds < RUN_SECONDS and not facts.renewable:
        return f"it expires in {facts.seconds} seconds, and can't be renewed"
    return ""


def check_mount(client: Vault, path: str) -> Check:
    """Check the mount that ``path`` leads to. Raises ``SystemFailure`` where Vault does not say."""
    name = "vault.mount"
    try:
        mount = client.mount(path)
    except PreflightError as error:
        return Check(name, CheckState.FAILED, error.message, error.hint, error.code)
    return Check(name, CheckState.OK, f"{mount.path}{client.location.within} is KV version {mount.version}")


def check_capabilities(client: Vault, path: str, source: str, *, trying: bool) -> Check:
    """Whether the token may read and write at ``path``. Asking needs a right, too: Vault's policy ``default``.

    ``trying``: a token that may not ask tries to write, which only a command that is about to write may do. Otherwise
    it reads, and nothing is claimed about writing.
    """
    try:
        held = client.capabilities(path)
        return _try_out(client, path, source, trying=trying) if held is None else judge_capabilities(held, path, source)
    except PreflightError as error:
        if error.code == "vault.unauthorized":  # looking was its last use
            return Check("vault.scopes", CheckState.FAILED, error.message, error.hint, error.code)
        summary = f"could not find out what the token may do with {path}: {error.message}"
        remedy = f"its policies must allow {', '.join(CAPABILITIES)} there; the policy `default` lets it be checked"
        return Check("vault.scopes", CheckState.UNKNOWN, summary, remedy)


def _try_out(client: Vault, path: str, source: str, *, trying: bool) -> Check:
    """What a token may do that may not ask for it: it reads, and writes what Vault refuses for having no data."""
    missing = ["create or update"] if trying and not client.may_write(path) else []
    try:
        client.read(path)
    except PreflightError as error:
        if error.code != "vault.forbidden":
            raise
        missing.append("read")
    if missing:
        return _lacking(missing, path, source)
    if trying:
        return Check("vault.scopes", CheckState.OK, f"may read and write {path}: tried, as the token may not ask")
    summary = f"may read {path}; whether it may write there can't be seen, as the token may not ask"
    remedy = "`create` tries it before anything is written; with the policy `default` the token may ask"
    return Check("vault.scopes", CheckState.UNKNOWN, summary, remedy)


def judge_capabilities(held: frozenset[str], path: str, source: str) -> Check:
    """Whether a service's secrets can be read and written at ``path``."""
    missing = [] if _EVERYTHING in held else [word for word in CAPABILITIES if word not in held]
    if missing:
        return _lacking(missing, path, source)
    return Check("vault.scopes", CheckState.OK, f"may {', '.join(CAPABILITIES)} {path}")


def _lacking(missing: list[str], path: str, source: str) -> Check:
    summary = f"the token is not allowed to {', '.join(missing)} {path}"
    remedy = f"add a policy with {', '.join(CAPABILITIES)} on it to the token in {source}"
    return Check("vault.scopes", CheckState.FAILED, summary, remedy)
