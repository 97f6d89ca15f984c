"""The answers of the services that are made, by what has become of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Answers = Mapping[str, Any]


def _named(name: str, **more: Any) -> Answers:
    return {"name": name, "title": name.replace("-", " ").title(), "description": f"The service {name}", **more}


def _upstream(name: str, **more: Any) -> Answers:
    return _named(name, image_source="upstream", image=f"ghcr.io/example/{name}:1.4.2", **more)


_SECRET = {"secrets": {"API_TOKEN": "api_token"}}
_TWO_SECRETS = {"secrets": {"API_TOKEN": "api_token", "PARTNER_KEY": "partner_key"}}
_RICH: Answers = {
    "tier": "edge",
    "env": {"LOG_LEVEL": "info", "DATABASE_HOST": "{pg_host}"},
    "secrets": {"API_TOKEN": "api_token", "SIGNING_KEY": "signing_key"},
    "database": "postgres",
    "volumes": [{"name": "data", "mount": "/data"}],
    "auth": "app",
    "auth_reason": "its own login, checked by hand",
    "rate_limit": {"average": 50, "burst": 300},
    "internal_monitor": {"path": "/healthz"},
    "carveouts": [
        {"name": "hooks", "paths": ["/hooks"], "auth": "none", "reason": "signed webhooks", "probe_path": "/hooks/ping"}
    ],
}

LIVE = _named("live", **{**_RICH, "secrets": {**_RICH["secrets"], "PARTNER_KEY": "partner_key"}})
UPSTREAM = _upstream("upstream", port=8080, volumes=[{"name": "data", "mount": "/data"}], memory="512Mi")

REQUESTED = _named("requested", language="go", kind="worker", port=0, redis=True, **_TWO_SECRETS)
REVIEWED = _named("reviewed", language="svelte", **_SECRET)

EMPTY = _named("empty")
REGISTERED = _named("registered", language="go")
UNPUSHED = _named("unpushed", language="static")
UNREQUESTED = _named("unrequested", **_SECRET)
INTENDED = _named("intended", language="none", **_SECRET)
ANNOUNCED = _named("announced", language="none", **_SECRET)

FIRST = _named("first", **_RICH)
SECOND = _named("second", language="go", kind="cronjob", **_SECRET)
ASKED_FIRST = _upstream("asked-first", port=80, auth="app", auth_reason=_RICH["auth_reason"])
ASKED_SECOND = _named("asked-second", language="static")
AGED = _named("aged", kind="worker", port=0, **_SECRET)

PLANNED = _named("planned", **_RICH)
BEGUN = _named("begun", language="go", **_SECRET)
DRAFTED = _named("drafted", language="static", env={"LOG_LEVEL": "info"})
