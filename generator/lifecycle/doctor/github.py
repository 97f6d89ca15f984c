"""What GitHub's token may do.

Every answer names a classic token's scopes. A fine-grained token has permissions instead, which no answer names:
a refused request names what it lacks, and a request that is not refused proves nothing (GitHub, REST API).
"""

from __future__ import annotations

import time

from generator.base.checks import Check, CheckState
from generator.base.errors import NewserviceError, PreflightError
from generator.clients.github import Account, GitHub, Limit

CLASSIC_SCOPES = ("repo", "workflow")
"""Repositories with their secrets and settings; and files below .github/workflows, which the mirror brings."""

PERMISSIONS = "Administration, Contents, Secrets and Workflows: write; Actions: read; all repositories"
"""What a fine-grained token needs. One for selected repositories does not cover a new one."""

ENOUGH_REQUESTS = 300
"""Fewer requests left in this hour are reported: a create with its reads before and after takes some sixty."""

_READING_PACKAGES = frozenset({"read:packages", "write:packages", "delete:packages"})

_UNAUTHORIZED = "github.unauthorized"

# Reads that need one permission each; the permission to write includes it.
_READS = ("actions/secrets", "actions/permissions", "actions/runs?per_page=1", "commits?per_page=1")


def judge_classic(scopes: frozenset[str], source: str) -> Check:
    """A classic token's scopes."""
    name = "github.scopes"
    missing = [scope for scope in CLASSIC_SCOPES if scope not in scopes]
    if missing:
        remedy = f"tick {', '.join(missing)} for the token in {source} (GitHub, Settings, Developer settings)"
        return Check(name, CheckState.FAILED, f"the token lacks {', '.join(missing)}", remedy)
    less = "" if "delete_repo" in scopes else "; without delete_repo, which only removing needs"
    return Check(name, CheckState.OK, f"the token has {', '.join(CLASSIC_SCOPES)}{less}")


def judge_packages(account: Account, source: str) -> Check:
    """GitHub's token where it is the registry's, too: fine-grained ones can't read packages (GitHub Packages)."""
    name = "registry.token"
    if account.scopes is not None and not _READING_PACKAGES.isdisjoint(account.scopes):
        return Check(name, CheckState.OK, f"GitHub's, from {source}, with read:packages")
    problem = "lacks read:packages" if account.scopes is not None else "is fine-grained, and can't read packages"
    remedy = "tick read:packages for it, or name a classic token for the registry alone"
    return Check(name, CheckState.FAILED, f"the token in {source} {problem}: private images can't be seen", remedy)


def judge_fine_grained(refused: list[str], source: str) -> Check:
    """What a fine-grained token certainly lacks; otherwise nothing is claimed."""
    name = "github.scopes"
    if refused:
        summary = f"the fine-grained token is refused requests that need {', '.join(refused)}"
        return Check(name, CheckState.FAILED, summary, f"give the token in {source} {PERMISSIONS}")
    summary = "a fine-grained token's permissions can't be read"
    return Check(name, CheckState.UNKNOWN, summary, f"check on GitHub: the token in {source} needs {PERMISSIONS}")


def check_scopes(client: GitHub, account: Account, source: str) -> Check:
    """A token's scopes, or what can be said of a fine-grained one."""
    if account.scopes is not None:
        return judge_classic(account.scopes, source)
    return judge_fine_grained(observe_refusals(client), source)


def observe_refusals(client: GitHub) -> list[str]:
    """Permissions that a fine-grained token certainly lacks, tried on the repository that was pushed to last."""
    try:
        repository = client.newest()
        found = [client.refused(f"/repos/{repository}/{path}") for path in _READS] if repository else []
    except NewserviceError:  # an answer without a permission's name proves nothing
        return []
    return [permission for permission in found if permission]


def check_owner(client: GitHub, account: Account, owner: str) -> Check:
    """Whether mirrors can be created below the owner: the token's user, or an organisation of theirs."""
    name = "github.owner"
    if account.login.lower() == owner.lower():
        return Check(name, CheckState.OK, f"creates mirrors as {owner}")
    remedy = "correct github.owner in the profile, or use a token of its owner"
    try:
        may_create = client.may_create(owner)
    except PreflightError as error:
        if error.code == _UNAUTHORIZED:
            raise
        summary = f"{owner} is neither {account.login}, whose token it is, nor an organisation that the token may query"
        return Check(name, CheckState.FAILED, summary, f"{remedy}; for an organisation give the token read:org")
    if may_create is None:
        summary = f"GitHub does not say whether {account.login} may create repositories in {owner}"
        return Check(name, CheckState.UNKNOWN, summary, f"check the member privileges of {owner} on GitHub")
    if not may_create:
        summary = f"{account.login} is not allowed to create repositories in {owner}"
        return Check(name, CheckState.FAILED, summary, f"ask an owner of {owner} on GitHub for that right")
    return Check(name, CheckState.OK, f"{account.login} creates mirrors in {owner}")


def judge_limit(limit: Limit) -> Check:
    """Whether this hour has requests left."""
    name = "github.limit"
    if limit.remaining >= ENOUGH_REQUESTS:
        return Check(name, CheckState.OK, f"{limit.remaining} requests left in this hour")
    until = time.strftime("%H:%M", time.localtime(limit.reset))
    summary = f"{limit.remaining} requests left until {until}"
    return Check(name, CheckState.WAITING, summary, f"wait until {until}, or stop whatever else uses this token")
