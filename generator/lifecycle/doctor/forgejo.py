"""What Forgejo's tokens may do.

No header names a token's scopes: they are in the user's list of tokens, which identifies a token by its last eight
characters. Where that list is closed, the 403 of a harmless request names what is missing (Forgejo, API and scopes).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from generator.base.checks import Check, CheckState
from generator.base.errors import NewserviceError, PreflightError
from generator.base.secrets import Secret
from generator.clients.forgejo import AccessToken, Forgejo, Rights
from generator.engine.renamed import refuse_missing_infra_branch
from generator.platform.profile import Platform

PUSH_SCOPES = ("write:repository",)
"""What CI's token needs, which only pushes."""

_REFUSED = re.compile(r"required scope\(s\): \[([^\]]*)\]")
_UNAUTHORIZED = "forgejo.unauthorized"


@dataclass(frozen=True)
class Listed:
    """What could be seen of a user's tokens.

    ``tokens`` is None where the list is closed: ``refused`` then names scopes that the asking token certainly lacks.
    """

    login: str
    tokens: tuple[AccessToken, ...] | None
    refused: tuple[str, ...] = ()

    def foreign(self, owner: str) -> bool:
        """Whether the user is certainly not ``owner``, which then is an organisation."""
        return self.login.lower() not in ("", owner.lower())

    def without_refusals(self) -> Listed:
        """The same for another token than the one that asked."""
        return replace(self, refused=())


def needed_scopes(*, organisation: bool, create: bool = True) -> tuple[str, ...]:
    """What the main token needs.

    Repositories of a user are created with the scopes user and repository, those of an organisation with
    organization; who asks is always looked up, which is reading the user.
    """
    if organisation:
        return ("read:user", "write:organization", "write:repository") if create else ("read:user", *PUSH_SCOPES)
    return ("write:user", "write:repository") if create else PUSH_SCOPES


def refused_scopes(error: NewserviceError) -> tuple[str, ...]:
    """The scopes that a 403 names; despite its wording all of them are needed."""
    found = _REFUSED.search(error.message)
    return tuple(re.split(r"[\s,]+", found[1].strip())) if found and found[1].strip() else ()


def whose(client: Forgejo) -> str:
    """Login of the token's user; empty where the token is accepted but lacks the scope to say.

    Raises ``PreflightError`` where it is not accepted.
    """
    try:
        return client.login()
    except PreflightError as error:
        if refused_scopes(error):
            return ""
        raise


def observe_tokens(client: Forgejo, owner: str) -> Listed:
    """The tokens of this token's user, who mostly is ``owner``: then it takes one request.

    Raises ``PreflightError`` where the token is not accepted, ``SystemFailure`` where Forgejo does not answer.
    """
    try:
        return Listed(owner, tuple(client.access_tokens(owner)))
    except PreflightError as error:
        if refused := refused_scopes(error):
            return Listed("", None, refused)
    # Another user's list, or one that is closed to tokens; a token that is not accepted at all raises here.
    login = whose(client)
    if login.lower() in ("", owner.lower()):
        return Listed(login, None)
    try:
        return Listed(login, tuple(client.access_tokens(login)))
    except PreflightError as error:
        return Listed(login, None, refused_scopes(error))


def observe_push_token(client: Forgejo, owner: str, name: str) -> tuple[str, ...]:
    """Scopes that a token which only pushes certainly lacks, tried by looking at a repository.

    Raises ``PreflightError`` where the token is not accepted.
    """
    try:
        client.rights(owner, name)
    except PreflightError as error:
        if refused := refused_scopes(error):
            return refused
        raise
    return ()


def find(listed: Listed, token: Secret) -> AccessToken | None:
    """The entry of a token in the list."""
    last_eight = token.reveal()[-8:]
    return next((entry for entry in listed.tokens or () if entry.last_eight == last_eight), None)


def missing_scopes(token: AccessToken, needed: Iterable[str]) -> list[str]:
    """Those of ``needed`` that a token lacks; writing is reading, too, and ``all`` is everything."""
    held = token.scopes
    return [scope for scope in needed if not held & {"all", scope, scope.replace("read:", "write:", 1)}]


def judge_scopes(name: str, listed: Listed, token: Secret, needed: tuple[str, ...], source: str) -> Check:
    """Whether a token has all ``needed`` scopes; nothing is claimed about what could not be seen.

    Tokens for some repositories, or for public ones, never pass a check for administrators: push mirrors, webhooks
    and settings stay closed to them.
    """
    remedy = f"make a new token on Forgejo (Settings, Applications) with {', '.join(needed)}, and put it into {source}"
    entry = find(listed, token)
    if entry is None and listed.refused:
        summary = f"the token lacks {', '.join(listed.refused)}"
        return Check(name, CheckState.FAILED, summary, remedy)
    if entry is None:
        why = "its user's list of tokens is closed" if listed.tokens is None else f"it is none of {listed.login}'s"
        look = f"look on Forgejo (Settings, Applications): it needs {', '.join(needed)}, for all repositories"
        return Check(name, CheckState.UNKNOWN, f"the scopes could not be seen: {why}", look)
    if missing := missing_scopes(entry, needed):
        summary = f"the token {entry.name} lacks {', '.join(missing)}"
        return Check(name, CheckState.FAILED, summary, remedy)
    if entry.limited:
        summary = f"the token {entry.name} reaches some repositories or public ones only"
        return Check(name, CheckState.FAILED, summary, f"{remedy}, for all repositories")
    return Check(name, CheckState.OK, f"the token {entry.name} has {', '.join(needed)}")


def check_infra(client: Forgejo, owner: str, name: str, source: str) -> Check:
    """Whether the token's user may push to the infra repository, which a pull request comes from."""
    return judge_infra(client.rights(owner, name), f"{owner}/{name}", source)


def check_infra_branch(client: Forgejo, platform: Platform, source: str) -> Check:
    """The same, and whether the infra repository has the branch of the profile. Raises ``RefusedError`` where not."""
    owner, infra = platform.forgejo.owner, platform.infra
    found = check_infra(client, owner, infra.repository, source)
    if found.state is CheckState.OK and client.branch(owner, infra.repository, infra.branch) is None:
        refuse_missing_infra_branch(client, platform, client.branches(owner, infra.repository))
    return found


def judge_infra(rights: Rights | None, full_name: str, source: str) -> Check:
    """Whether the infra repository exists, is not archived, and takes pushes."""
    name = "forgejo.infra"
    if rights is None:
        summary = f"there is no {full_name} that the token in {source} may see"
        remedy = f"correct forgejo.owner or infra.repository in the profile, or give its user access to {full_name}"
        return Check(name, CheckState.FAILED, summary, remedy)
    if rights.archived:
        return Check(name, CheckState.FAILED, f"{full_name} is archived", "open it again on Forgejo")
    if not rights.push:
        summary = f"the user of the token in {source} is not allowed to push to {full_name}"
        return Check(name, CheckState.FAILED, summary, f"give that user the right to write {full_name}")
    return Check(name, CheckState.OK, f"may push to {full_name}")


def check_owner(client: Forgejo, login: str, owner: str) -> Check:
    """Whether the token's user may create repositories below the owner."""
    if login.lower() == owner.lower():
        return Check("forgejo.owner", CheckState.OK, f"creates repositories as {owner}")
    try:
        return judge_owner(client.may_create(login, owner), login, owner)
    except PreflightError as error:
        if error.code == _UNAUTHORIZED:
            raise
        summary = f"could not find out whether {login} may create repositories in {owner}: {error.message}"
        remedy = "give the token read:organization and read:user, or look on Forgejo at the organisation's teams"
        return Check("forgejo.owner", CheckState.UNKNOWN, summary, remedy)


def judge_owner(may_create: bool | None, login: str, owner: str) -> Check:
    """Whether ``owner`` is an organisation in which the user may create repositories."""
    if may_create is None:
        summary = f"{owner} is neither {login}, whose token it is, nor an organisation that {login} can see"
        return Check(
            "forgejo.owner", CheckState.FAILED, summary, "correct forgejo.owner in the profile, or use its token"
        )
    if not may_create:
        summary = f"{login} is not allowed to create repositories in {owner}"
        return Check(
            "forgejo.owner", CheckState.FAILED, summary, f"add {login} to a team of {owner} that may create them"
        )
    return Check("forgejo.owner", CheckState.OK, f"{login} creates repositories in {owner}")
