"""A forge's redirect that means that a repository has another name now."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from generator.base.errors import RefusedError

if TYPE_CHECKING:
    import httpx

_REPOSITORY = re.compile(r"/repos/([^/?#]+)/([^/?#]+)")


def renamed(asked: httpx.URL, target: httpx.URL, infra: str) -> RefusedError | None:
    """The refusal where Forgejo redirects a repository's earlier name to its present one; None for other redirects.

    Nothing is read or written through a redirect: whoever takes the earlier name would get it. ``infra`` is the name of
    the infra repository, which the profile gives; every other one has its service's name.
    """
    before, after = _REPOSITORY.search(asked.path), _REPOSITORY.search(target.path)
    if before is None or after is None or (target.host, target.port) != (asked.host, asked.port):
        return None
    old, new = ("/".join(found.groups()) for found in (before, after))
    if old.lower() == new.lower():
        return None
    owner, name = after.groups()
    back = f"transfer it back to {before[1]}" if name.lower() == before[2].lower() else f"rename it back to {before[2]}"
    own = f"set forgejo.owner: {owner} and infra.repository: {name} in the platform profile"
    hint = f"{back} in its settings on Forgejo, then run the same command again" + (
        f"; or, if it is to stay, {own}" if before[2].lower() == infra.lower() else ""
    )
    return RefusedError("forgejo.renamed", f"{old} was renamed to {new} on Forgejo, which forwards the old name", hint)
