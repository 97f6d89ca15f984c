"""Every way into a service is shown with its gate before anything is written: in plans and to the reviewer."""

from __future__ import annotations

from typing import Any

from tests.answers import SMALLEST
from tests.world import World

GIVEN: dict[str, Any] = {
    **SMALLEST,
    "carveouts": [
        {"name": "hooks", "paths": ["/hooks", "/callbacks"], "auth": "none", "reason": "signed | by *them*"},
        {"name": "phone", "paths": ["/phone"], "auth": "app", "reason": "its own tokens"},
    ],
    "lan_host": {"host": "kiosk", "auth": "none", "reason": "a screen in the hall"},
}


def test_the_plan_lists_them_in_json(world: World) -> None:
    (plan,) = world.run("plan", GIVEN).of("plan")
    assert [(gate["name"], gate["host"], gate["paths"], gate["auth"], gate["open"]) for gate in plan["gates"]] == [
        ("main", "notes-app.viktorbarzin.me", ["/"], "required", False),
        ("hooks", "notes-app.viktorbarzin.me", ["/hooks", "/callbacks"], "none", True),
        ("phone", "notes-app.viktorbarzin.me", ["/phone"], "app", False),
        ("lan", "kiosk.viktorbarzin.lan", ["/"], "none", True),
    ]
    assert [gate["public"] for gate in plan["gates"]] == [True, True, True, False]
    assert plan["gates"][0]["access"] == ["Home Server Admins"]


def test_the_plan_shows_them_as_text(world: World) -> None:
    arguments = [word for word in world.arguments("plan", GIVEN) if word != "--json"]
    text = " ".join(world.tell(arguments).out.split())
    assert "https://notes-app.viktorbarzin.me/ required Home Server Admins" in text
    assert "https://notes-app.viktorbarzin.me/callbacks none open to everybody on the internet: signed" in text
    assert "https://kiosk.viktorbarzin.lan/ none open to everybody on the home networks: a screen in the hall" in text


def test_the_pull_request_shows_them(world: World) -> None:
    assert world.run("create", GIVEN).result["status"] == "success"
    (pull,) = world.infra.pulls.values()
    rows = [line for line in pull.body.splitlines() if "`auth = " in line]
    assert len(rows) == 4
    assert rows[0] == '| Gate | `https://notes-app.viktorbarzin.me/` `auth = "required"` for Home Server Admins |'
    assert "`https://notes-app.viktorbarzin.me/callbacks`" in rows[1]
    assert "**open** to everybody on the internet" in rows[1]
    assert "**open**" not in rows[2]
    assert rows[3].startswith("|  | `https://kiosk.viktorbarzin.lan/`")
    assert "**open** to everybody on the home networks: a screen in the hall" in rows[3]


def test_what_has_no_ingress_has_no_gates(world: World) -> None:
    (plan,) = world.run("plan", {**SMALLEST, "kind": "worker"}).of("plan")
    assert "gates" not in plan
