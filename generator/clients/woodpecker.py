"""Woodpecker's API, as far as a service's onboarding needs it.

An unknown path or method is answered with 200 and an HTML page, so every answer must be JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from generator.base.secrets import Secret
from generator.clients.patience import Patience
from generator.clients.shapes import fields, flag, listed, text
from generator.clients.transport import Api, http_client
from generator.platform.profile import Platform

GOING = frozenset({"created", "pending", "running", "started"})
"""Woodpecker's states of a pipeline that has not ended yet (its API description, StatusValue)."""


@dataclass(frozen=True)
class Registration:
    """A repository as Woodpecker knows it; ``id`` is Woodpecker's own number."""

    id: int
    full_name: str
    forge_remote_id: str
    active: bool
    trusted: dict[str, bool]


@dataclass(frozen=True)
class Account:
    """The token's user, and whether that user administers the whole instance."""

    login: str
    admin: bool


@dataclass(frozen=True)
class Pipeline:
    """A pipeline. ``errors`` kept it from running; ``steps`` are pairs of name and state, empty in a listing.

    ``event`` began it, for ``commit`` of ``branch``; ``files`` are those that a push changed.
    """

    number: int
    status: str
    variables: dict[str, str]
    errors: tuple[str, ...]
    steps: tuple[tuple[str, str], ...] = ()
    event: str = ""
    branch: str = ""
    commit: str = ""
    files: tuple[str, ...] = ()

    @property
    def going(self) -> bool:
        """Whether it has not ended yet, and needs nobody's approval."""
        return self.status in GOING

    @property
    def why(self) -> str:
        """What went wrong in it, as the end of a sentence; empty where it doesn't say."""
        steps = [name for name, state in self.steps if state in ("failure", "error", "killed")]
        return "; ".join(self.errors) or (f"in step {', '.join(steps)}" if steps else "")


class Woodpecker:
    """Client of one Woodpecker."""

    def __init__(
        self, platform: Platform, token: Secret, source: str = "WOODPECKER_TOKEN", patience: Patience | None = None
    ) -> None:
        headers = {"Authorization": f"Bearer {token.reveal()}", "Accept": "application/json"}
        client = http_client(platform, "woodpecker", headers, "/api")
        self._api = Api("woodpecker", client, source, patience or Patience.of(platform))

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def login(self) -> str:
        """Name of the token's user; other endpoints treat a bad token as anonymous, this one refuses it."""
        return self.account().login

    def lookup(self, full_name: str) -> Registration | None:
        """The registration of a repository, active or not; None if it was never registered."""
        return self._api.find("GET", f"/repos/lookup/{quote(full_name)}", _registration)

    def registered(self, repository: int) -> Registration | None:
        """The registration with this Woodpecker number; None if it does not exist or can't be seen."""
        return self._api.find("GET", f"/repos/{repository}", _registration)

    def activate(self, forge_remote_id: int) -> None:
        """Register a repository by its number on the forge, or reactivate an old registration.

        One that is already active is left alone: another run may have activated it first.
        """
        self._api.request("POST", "/repos", params={"forge_remote_id": str(forge_remote_id)}, allow=(409,))

    def distrust(self, repository: int) -> Registration:
        """Clear every trusted flag: a trusted repository gets credentials written into each step."""
        body = {"trusted": {"network": False, "volumes": False, "security": False}}
        return self._api.read("PATCH", f"/repos/{repository}", _registration, json=body)

    def account(self) -> Account:
        """The token's user; ``admin`` is left out of the answer unless it is true."""
        return self._api.read("GET", "/user", lambda data: Account(text(data["login"]), bool(data.get("admin"))))

    def additions(self, repository: int) -> list[str]:
        """What people added to a registration: its own secrets and its schedules, by name."""
        secrets = self.secrets(repository)
        schedules = self._api.read("GET", f"/repos/{repository}/cron", _names)
        return [f"secret {name}" for name in secrets] + [f"schedule {name}" for name in schedules]

    def secrets(self, repository: int) -> list[str]:
        """Names of a registration's own secrets; those of its owner and of the instance are not among them."""
        return self._api.read("GET", f"/repos/{repository}/secrets", _names)

    def remove(self, repository: int) -> None:
        """Delete a registration with its pipelines, and its webhook on the forge, instead of deactivating it."""
        self._api.find("DELETE", f"/repos/{repository}", fields, params={"remove": "true"})

    def pipelines(self, repository: int, pages: int = 4) -> list[Pipeline]:
        """The newest pipelines of a repository, newest first, 50 a page, without their steps."""
        found: list[Pipeline] = []
        for items in self._api.pages(f"/repos/{repository}/pipelines", _pipelines, {"perPage": 50}):
            found += items
            if len(items) < 50 or len(found) >= 50 * pages:
                break
        return sorted(found, key=lambda pipeline: pipeline.number, reverse=True)

    def pipeline(self, repository: int, number: int) -> Pipeline:
        """One pipeline with its steps."""
        return self._api.read("GET", f"/repos/{repository}/pipelines/{number}", _pipeline)

    def start(self, repository: int, branch: str, variables: Mapping[str, str]) -> Pipeline | None:
        """Start the branch's manual pipeline; None where none of its workflows runs for that event."""
        body = {"branch": branch, "variables": dict(variables)}
        response = self._api.request("POST", f"/repos/{repository}/pipelines", json=body)
        return None if response.status_code == 204 else self._api.understood(response, _pipeline)


def _names(data: Any) -> list[str]:
    """Names in a list; an empty list may be null."""
    return [text(item["name"]) for item in listed(data, null=True)]


def _pipelines(data: Any) -> list[Pipeline]:
    return [_pipeline(item) for item in listed(data, null=True)]


def _pipeline(data: dict[str, Any]) -> Pipeline:
    errors = [item for item in data.get("errors") or [] if not item.get("is_warning")]
    steps = [step for workflow in data.get("workflows") or [] for step in workflow.get("children") or []]
    return Pipeline(
        number=int(data["number"]),
        status=text(data["status"]),
        variables={str(key): str(value) for key, value in (data.get("variables") or {}).items()},
        errors=tuple(str(item.get("message") or item.get("type")) for item in errors),
        steps=tuple((str(step.get("name")), str(step.get("state"))) for step in steps),
        event=str(data.get("event") or ""),
        branch=str(data.get("branch") or ""),
        commit=str(data.get("commit") or ""),
        files=tuple(map(str, data.get("changed_files") or ())),
    )


def _registration(data: dict[str, Any]) -> Registration:
    trusted = data.get("trusted") or {}
    return Registration(
        id=int(data["id"]),
        full_name=text(data["full_name"]),
        forge_remote_id=str(data["forge_remote_id"]),
        active=flag(data["active"]),
        trusted={key: bool(trusted.get(key)) for key in ("network", "volumes", "security")},
    )
