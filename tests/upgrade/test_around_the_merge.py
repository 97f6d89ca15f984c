"""An update asks for nothing by hand that was done when the service was made: its folders hold data by now."""

from __future__ import annotations

from typing import Any

import pytest

from generator.lifecycle.update import Upgrader
from generator.lifecycle.update.to_do import to_do
from generator.template.releases import Releases
from tests.answers import SMALLEST, TEMPLATE, UPSTREAM
from tests.full import few
from tests.upgrade.services import Origin, platform_of

RELEASES = Releases()
BEFORE = [release.version for release in RELEASES.all if release.version.major == 2]
MEDIA = {"name": "media", "kind": "nfs", "mount": "/media"}
DATA = {"name": "data", "mount": "/data"}


@pytest.mark.parametrize("version", few(1, BEFORE), ids=str)
@pytest.mark.parametrize(
    "made",
    [
        {**SMALLEST, "volumes": [MEDIA, DATA], "secrets": {"API_KEY": "api_key"}},
        {**UPSTREAM, "volumes": [MEDIA, DATA], "database": "mysql"},
        {**UPSTREAM, "volumes": [{**MEDIA, "nfs_path": "/srv/nfs/shared"}]},
        {**SMALLEST, "replicas": 0},
    ],
)
def test_what_exists_is_not_made_once_more(version: Any, made: dict[str, Any]) -> None:
    origin = Origin("", made, platform_of(None), RELEASES, version)
    upgrader = Upgrader(RELEASES, origin.platform)
    upgrade = upgrader.plan(origin.tree("stack"), origin.prefix("stack"), template=TEMPLATE)
    surrounding = to_do(upgrader, upgrade)
    assert [task.text for task in (*surrounding.before, *surrounding.after)] == []
