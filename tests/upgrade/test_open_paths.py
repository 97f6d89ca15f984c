"""An update to the version with `anti_ai` takes off strangers' headers, and changes nothing else about who comes in."""

from __future__ import annotations

import re
from typing import Any

import pytest
from packaging.version import Version

from generator.lifecycle.update import Upgrade, Upgrader
from generator.template.releases import Releases
from generator.template.template import Template
from tests.full import few
from tests.upgrade.services import Origin, golden

RELEASES = Releases()
BEFORE = [
    release.version
    for release in RELEASES.all
    if release.version.major == 2 and "anti_ai" not in RELEASES.template(release.version).config
]
STRIP = "traefik-strip-auth-headers@kubernetescrd"
SAID = re.compile(
    r"^\s*(auth|dns_type|host|ingress_path|anti_ai_scraping|allowed_groups|root_domain)\s*=.*$", re.MULTILINE
)


def updated(origin: Origin) -> Upgrade:
    upgrader = Upgrader(RELEASES, origin.platform)
    return upgrader.plan(origin.tree("stack"), origin.prefix("stack"), template=Template.installed())


def ingress(content: bytes | None) -> list[str]:
    """What an ingress file says of gates and of the bot wall, without alignment."""
    return [re.sub(r"\s+", " ", match[0].strip()) for match in SAID.finditer((content or b"").decode())]


def identified(answers: dict[str, Any]) -> bool:
    return any(gate["identified"] for gate in answers["gates"])


@pytest.mark.parametrize("version", few(1, list(reversed(BEFORE))), ids=str)
def test_gates_hosts_and_the_wall_stay_and_headers_go(version: Version) -> None:
    stripped = 0
    for origin in golden(version=version):
        upgrade = updated(origin)
        context = upgrade.answers.context
        if context["kind"] != "web":
            continue
        assert context["anti_ai"] == "everywhere", str(origin)
        path = origin.prefix("stack") + "ingress.tf"
        before = origin.tree("stack").read(path)
        changed = [item.wanted.content for item in upgrade.files if item.wanted and item.path.endswith("/ingress.tf")]
        after = changed[0] if changed else before
        assert ingress(after) == ingress(before), str(origin)
        opened = sum(gate["auth"] in ("app", "none") for gate in context["gates"])
        expected = (
            opened if identified(dict(context)) and STRIP in context["platform"]["strip_identity_middlewares"] else 0
        )
        assert (after or b"").decode().count(STRIP) == expected, str(origin)
        stripped += expected
    assert stripped, "a golden service has an open path beside a gated one"


def test_a_second_update_keeps_the_wall() -> None:
    """The answer is recorded, so that it does not look like a new service's the next time."""
    (origin,) = [origin for origin in golden(version=BEFORE[-1]) if origin.title.startswith("own-code ")]
    assert updated(origin).answers.values["anti_ai"] == "everywhere"
