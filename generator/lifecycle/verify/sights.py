"""What strangers saw at a service's addresses, and what that was: the single sign-on, a page, nothing. Pure."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote, urljoin, urlsplit

from generator.clients.stranger import Page, Silence
from generator.platform.profile import SignOn
from generator.template.answers import Door

LONGEST_SHOWN = 60
"""How much is shown of where a redirect leads."""

_VOLATILE = frozenset({"age", "cache-control", "content-length", "date", "set-cookie"})


@dataclass(frozen=True)
class Record:
    """What public DNS has of a name: its addresses, if any; or why it could not be asked."""

    addresses: tuple[str, ...] = ()
    unasked: str = ""

    @property
    def reachable(self) -> str:
        """The first address that connections from outside can go to; empty where there is none.

        Loopback counts: it leads to this machine, and is only found where somebody put it there.
        """
        found = (ipaddress.ip_address(address) for address in self.addresses)
        return next((str(address) for address in found if address.is_global or address.is_loopback), "")


@dataclass(frozen=True)
class Sight:
    """One door as a stranger saw it.

    ``then`` is where a redirect within the same host led; ``nobody`` what a name gets that nobody has. ``record`` is
    there where the look came from outside, by public DNS; ``seen`` is missing where it led nowhere.
    """

    door: Door
    seen: Page | Silence | None
    then: Page | Silence | None = None
    nobody: Page | Silence | None = None
    record: Record | None = None


class Met(StrEnum):
    """What a stranger met."""

    LOGIN = "the single sign-on"
    ANONYMOUS = "an anonymous session"
    OWN_LOGIN = "a login of its own, by the single sign-on"
    REFUSED = "a refusal"
    CONTENT = "a page"
    NOBODY = "nothing: no ingress answers for it"
    DOWN = "an error"
    SILENCE = "no answer"


def redirect_within(url: str, page: Page | Silence | None) -> str:
    """Where a page redirects to within its own host and port; empty where it does not."""
    if not isinstance(page, Page) or not 300 <= page.status < 400 or not page.location:
        return ""
    try:
        here, there = urlsplit(url), urlsplit(urljoin(url, page.location))
        same = (there.scheme, there.hostname, there.port or 443) == (here.scheme, here.hostname, here.port or 443)
    except ValueError:
        return ""
    return there.geturl() if same and not there.username else ""


def met(sight: Sight, sign_on: SignOn) -> tuple[Met, str]:
    """What a stranger met at a door, with words for people."""
    if sight.seen is None:
        return Met.NOBODY, "nothing"
    found, words = _met(sight.door.url, sight.seen, sight.nobody, sign_on, outside=sight.record is not None)
    if found is not Met.CONTENT or sight.then is None:
        return found, words
    onward = redirect_within(sight.door.url, sight.seen)
    after, more = _met(onward, sight.then, None, sign_on, outside=False)
    return (Met.CONTENT if after is Met.NOBODY else after), f"{words}, then {more}"


def _met(
    url: str, seen: Page | Silence, nobody: Page | Silence | None, sign_on: SignOn, *, outside: bool
) -> tuple[Met, str]:
    if isinstance(seen, Silence):
        return (Met.NOBODY if seen.unknown else Met.SILENCE), seen.reason
    words = f"{seen.status}{f' {seen.kind}' if seen.kind and not seen.location else ''}"
    if seen.status == 429 or seen.status >= 500:  # the front door itself may fail, for names that nobody has, too
        return Met.DOWN, words
    if isinstance(nobody, Page) and _alike(seen, nobody, outside=outside):
        return Met.NOBODY, f"{words}, as a name that nobody has"
    if 300 <= seen.status < 400 and seen.location:
        return _redirected(url, seen, sign_on)
    if seen.status in (401, 403):
        return Met.REFUSED, str(seen.status)
    return Met.CONTENT, words


def _redirected(url: str, seen: Page, sign_on: SignOn) -> tuple[Met, str]:
    try:
        target = urlsplit(urljoin(url, seen.location))
        host = target.hostname or ""
    except ValueError:
        return Met.CONTENT, f"{seen.status} to an address that is none"
    returns = unquote(unquote(f"{target.path}?{target.query}"))
    if host == sign_on.host:
        if sign_on.anonymous and f"//{sign_on.anonymous}/" in returns:
            return Met.ANONYMOUS, f"{seen.status} to an anonymous session"
        if sign_on.callback in returns:
            return Met.LOGIN, f"{seen.status} to the single sign-on"
        return Met.OWN_LOGIN, f"{seen.status} to the single sign-on, as a login of its own"
    if redirect_within(url, seen):
        if target.path.startswith(sign_on.callback):
            return Met.LOGIN, f"{seen.status} to the single sign-on"
        return Met.CONTENT, f"{seen.status} to {(target.path or '/')[:LONGEST_SHOWN]}"
    return Met.CONTENT, f"{seen.status} to {(host or target.scheme)[:LONGEST_SHOWN]}"


def _alike(seen: Page, nobody: Page, *, outside: bool) -> bool:
    """Whether a page is what a name gets that nobody has.

    A program's own 404 may have the same body: its ingress adds headers. From outside, the CDN adds its own to both.
    """
    same = (seen.status, seen.body) == (nobody.status, nobody.body)
    return same and (outside or seen.headers - _VOLATILE == nobody.headers - _VOLATILE)
