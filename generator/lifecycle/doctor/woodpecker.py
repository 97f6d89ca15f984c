"""What Woodpecker's token may do: whatever its user may do on the forge; a token has no scopes of its own."""

from __future__ import annotations

from generator.base.checks import Check, CheckState
from generator.clients.woodpecker import Account


def judge_rights(account: Account) -> Check:
    """The token's rights are its user's. Only taking away trusted flags wants an administrator of the instance."""
    told = f"no scopes: it may do what {account.login} may do on GitHub"
    if not account.admin:
        told += "; not an administrator of the instance, who alone can take a repository's trusted flags away"
    return Check("woodpecker.scopes", CheckState.OK, told)
