"""What Woodpecker's token may do: whatever its user may do on the forge; a token has no scopes of its own."""

from __future__ import annotations

from generator.base.checks import Check, CheckState
from generator.clients.woodpecker import Account


def judge_rights(account: Account) -> Check:
    """The token has its user's rights. Only removing trusted flags needs an administrator of the instance."""
    summary = f"no scopes: it may do what {account.login} may do on GitHub"
    if not account.admin:
        summary += "; not an administrator of the instance, who alone can remove a repository's trusted flags"
    return Check("woodpecker.scopes", CheckState.OK, summary)
