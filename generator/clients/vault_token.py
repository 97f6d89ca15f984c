"""What Vault says about the token that it was sent."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from generator.clients.shapes import fields, flag, listed, number

if TYPE_CHECKING:
    import httpx

_DENIED = "permission denied"


@dataclass(frozen=True)
class TokenFacts:
    """What Vault reports about a token: its name, its policies, and its remaining seconds (0: it does not expire).

    ``uses`` is how many more requests it is good for (0: no limit, negative: none), ``renewable`` whether its life can
    be extended.
    """

    name: str
    policies: tuple[str, ...]
    seconds: int
    uses: int = 0
    renewable: bool = False


def token_facts(body: Any) -> TokenFacts:
    """The facts in the answer to a look-up. Raises ``TypeError`` or ``KeyError`` for any other answer."""
    data = fields(fields(body)["data"])
    policies = [*listed(data["policies"], null=True), *listed(data.get("identity_policies"), null=True)]
    return TokenFacts(
        str(data.get("display_name") or ""),
        tuple(map(str, policies)),
        number(data["ttl"]),
        number(data.get("num_uses") or 0),
        flag(data.get("renewable") or False),
    )


def unaccepted(response: httpx.Response) -> str:
    """Why Vault does not accept the token; empty if the answer is about anything else.

    Vault answers 403 for a token that it does not know and for what a token's policies do not allow; only the words
    differ: those about policies are a list of errors, ``1 error occurred``. For the last use of a token it may be 400.
    """
    if response.status_code not in (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN):
        return ""
    words = " ".join(_words(response)).strip()
    if words != _DENIED and "invalid token" not in words and "bad token" not in words:
        return ""
    return (
        "Vault does not accept the token: it is wrong, expired or revoked, or has no uses left; a wrapping token has "
        "none after one request, and `vault unwrap` gives the token in it"
    )


def denied(response: httpx.Response) -> bool:
    """Whether Vault accepts the token, and its policies do not allow what was asked for."""
    about_policies = response.status_code == HTTPStatus.FORBIDDEN and _DENIED in " ".join(_words(response))
    return about_policies and not unaccepted(response)


def error_words(body: Any) -> list[str]:
    """The messages of a Vault error; empty for a missing secret. Raises if the body is not an error from Vault."""
    return list(map(str, listed(fields(body)["errors"])))


def _words(response: httpx.Response) -> list[str]:
    try:
        return error_words(response.json())
    except (LookupError, TypeError, ValueError):
        return []  # a proxy's answer
