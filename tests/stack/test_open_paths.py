"""Paths without the single sign-on beside paths with it: whose headers pass, and where crawlers are turned away."""

from __future__ import annotations

from typing import Any

import pytest

from .rendering import file

HOOKS: dict[str, Any] = {"name": "hooks", "paths": ["/hooks"], "reason": "signed"}
PAGES: dict[str, Any] = {"name": "pages", "paths": ["/pages"], "reason": "for everybody"}
STAFF: dict[str, Any] = {"name": "staff", "paths": ["/staff"], "auth": "required"}
OPEN: dict[str, Any] = {"auth": "none", "auth_reason": "for everybody"}
STRIP = "traefik-strip-auth-headers@kubernetescrd"


def ingresses(**given: Any) -> dict[str, dict[str, Any]]:
    return {block.labels[0]: block.attributes for block in file("ingress.tf", **given).all("module")}


def stripped(**given: Any) -> list[str]:
    """The ingresses that take off the headers of the single sign-on."""
    return [name for name, found in ingresses(**given).items() if STRIP in found.get("extra_middlewares", ())]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"carveouts": [HOOKS, STAFF]}, ["ingress_hooks"]),
        ({"carveouts": [{**HOOKS, "auth": "app"}]}, ["ingress_hooks"]),
        ({**OPEN, "carveouts": [STAFF]}, ["ingress"]),
        ({**OPEN, "auth": "app", "carveouts": [STAFF, HOOKS]}, ["ingress", "ingress_hooks"]),
        ({"auth": "public", "carveouts": [HOOKS]}, ["ingress_hooks"]),
        ({"lan_host": {"host": "kiosk", "auth": "none", "reason": "a screen"}}, ["ingress_lan"]),
        ({**OPEN, "lan_host": {"host": "kiosk"}}, ["ingress"]),
        ({**OPEN, "carveouts": [HOOKS]}, []),
        ({"carveouts": [STAFF]}, []),
        ({"carveouts": [{**HOOKS, "strip_identity": False}, PAGES]}, ["ingress_pages"]),
        ({"lan_host": {"host": "kiosk", "auth": "none", "reason": "a screen", "strip_identity": False}}, []),
        ({"carveouts": [HOOKS], "profile": {"strip_identity_middlewares": []}}, []),
    ],
)
def test_headers_of_the_single_sign_on_are_taken_off_where_nothing_sets_them(
    given: dict[str, Any], expected: list[str]
) -> None:
    assert stripped(**given) == expected


def test_other_middlewares_stay() -> None:
    given = {**OPEN, "anubis": True, "carveouts": [STAFF], "rate_limit": {"average": 1, "burst": 2}}
    assert ingresses(**given)["ingress"]["extra_middlewares"] == [
        "traefik-city-guide-rate-limit@kubernetescrd",
        "traefik-x402@kubernetescrd",
        STRIP,
    ]


def walls(**given: Any) -> dict[str, Any]:
    """What is said of the bot wall; where nothing is, the module puts it before paths without the single sign-on."""
    return {
        name: found["anti_ai_scraping"] for name, found in ingresses(**given).items() if "anti_ai_scraping" in found
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"carveouts": [HOOKS, PAGES, STAFF]}, {"ingress_hooks": False}),
        ({"carveouts": [{**PAGES, "probe_path": "/pages/ok"}]}, {"ingress_pages": False}),
        (
            {"carveouts": [{**HOOKS, "anti_ai": True}, {**PAGES, "anti_ai": False}]},
            {"ingress_hooks": True, "ingress_pages": False},
        ),
        ({"carveouts": [{**HOOKS, "auth": "required"}]}, {}),
        ({**OPEN, "paths": ["/api"], "carveouts": [PAGES]}, {"ingress": False}),
        (
            {**OPEN, "paths": ["/api"], "lan_host": {"host": "a", "auth": "app", "reason": "r"}},
            {"ingress": False, "ingress_lan": False},
        ),
        ({"carveouts": [HOOKS, PAGES], "anti_ai": "everywhere"}, {}),
        ({"carveouts": [HOOKS, PAGES], "profile": {"anti_ai": "everywhere"}}, {}),
        (
            {**OPEN, "carveouts": [HOOKS, PAGES, STAFF], "anti_ai": "nowhere"},
            {"ingress": False, "ingress_hooks": False, "ingress_pages": False},
        ),
        (
            {**OPEN, "carveouts": [{**HOOKS, "anti_ai": True}], "anti_ai": "nowhere"},
            {"ingress": False, "ingress_hooks": True},
        ),
    ],
)
def test_crawlers_are_turned_away_where_browsers_come(given: dict[str, Any], expected: dict[str, bool]) -> None:
    assert walls(**given) == expected
