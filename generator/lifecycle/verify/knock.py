"""Looks at a service's addresses as strangers do: through the load balancer, and from outside where that is allowed."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit

from generator.base.errors import PreflightError, SystemFailure
from generator.base.memo import run_parallel
from generator.clients.public_dns import PublicDns
from generator.clients.stranger import Page, Silence, Stranger
from generator.lifecycle.verify.sights import Record, Sight, redirect_within
from generator.platform.profile import Outside, Pin, Platform
from generator.template.answers import Door

Key = TypeVar("Key")
Item = TypeVar("Item")

AT_ONCE = 8
"""The number of pages that are requested in parallel."""


def observe_doors(platform: Platform, doors: Sequence[Door]) -> list[Sight]:
    """Each door as strangers see it; those from outside come last.

    Raises ``PreflightError`` where the profile's certificate authority can't be loaded.
    """
    stranger, balancer = Stranger(platform), platform.connection.load_balancer
    hosts = list(dict.fromkeys(map(_host, doors)))
    beside = dict.fromkeys(_beside(host) for host in hosts)
    nobody = _all(beside, lambda domain: stranger.get(_nobodys(domain), balancer))
    sights = _all(doors, lambda door: _sight(stranger, door, balancer, nobody[_beside(_host(door))], None))
    outside = platform.connection.outside
    return [*sights.values(), *(_from_outside(platform, stranger, outside, doors, hosts) if outside else ())]


def _from_outside(
    platform: Platform, stranger: Stranger, outside: Outside, doors: Sequence[Door], hosts: Sequence[str]
) -> list[Sight]:
    with closing(PublicDns(platform, outside.resolver)) as resolver:
        records = _all(hosts, lambda host: _record(resolver, host))

    def pin(host: str) -> Pin | None:
        address = records[host].reachable
        return Pin(address, outside.port) if address else None

    # What a name gets that nobody has depends on where its neighbour's record leads.
    leads = {_beside(host): found for host in hosts if (found := pin(host))}
    nobody = _all(leads, lambda domain: stranger.get(_nobodys(domain), leads[domain]))

    def look(door: Door) -> Sight:
        host = _host(door)
        record, found = records[host], pin(host)
        if found is None:
            return Sight(door, None, record=record)
        return _sight(stranger, door, found, nobody[_beside(host)], record)

    return list(_all(doors, look).values())


def _sight(
    stranger: Stranger, door: Door, pin: Pin | None, nobody: Page | Silence | None, record: Record | None
) -> Sight:
    """A door; a redirect within the same host is followed once, and no other."""
    seen = stranger.get(door.url, pin)
    onward = redirect_within(door.url, seen)
    return Sight(door, seen, stranger.get(onward, pin) if onward else None, nobody, record)


def _record(resolver: PublicDns, host: str) -> Record:
    try:
        return Record(resolver.addresses(host))
    except (SystemFailure, PreflightError) as error:
        return Record(unasked=error.message)


def _host(door: Door) -> str:
    return urlsplit(door.url).hostname or ""


def _beside(host: str) -> str:
    """The domain that a host is in."""
    return host.partition(".")[2] or host


def _nobodys(domain: str) -> str:
    """An address that nobody has."""
    return f"https://nobody-{secrets.token_hex(6)}.{domain}/"


def _all(keys: Iterable[Key], look: Callable[[Key], Item]) -> dict[Key, Item]:
    """The result of ``look`` for each key, a few at a time."""
    found: dict[Key, Item] = {}
    waiting = list(keys)
    while waiting:
        now, waiting = waiting[:AT_ONCE], waiting[AT_ONCE:]
        found |= zip(now, run_parallel(*(partial(look, key) for key in now)), strict=True)
    return found
