"""Woodpecker's API, as far as a service's onboarding needs it.

An unknown path or method is answered with 200 and an HTML page, so every answer must be JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from generator.clients.transport import Api, http_client
from generator.platform import Platform
from generator.secret import Secret


@dataclass(frozen=True)
class Registration:
    """A repository as Woodpecker knows it; ``id`` is Woodpecker's own number."""

    id: int
    full_name: str
    forge_remote_id: str
    active: bool
    trusted: dict[str, bool]


class Woodpecker:
    """Client of one Woodpecker."""

    def __init__(self, platform: Platform, token: Secret, source: str = "WOODPECKER_TOKEN") -> None:
        headers = {"Authorization": f"Bearer {token.reveal()}", "Accept": "application/json"}
        self._api = Api("woodpecker", http_client(platform, "woodpecker", headers, "/api"), source)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def login(self) -> str:
        """Name of the token's user; a bad token is anonymous elsewhere, here it is refused."""
        return str(self._api.json("GET", "/user")["login"])

    def lookup(self, full_name: str) -> Registration | None:
        """The registration of a repository, active or not; None where it never was registered."""
        data = self._api.json("GET", f"/repos/lookup/{quote(full_name)}", allow=(404,))
        return None if data is None else _registration(data)

    def activate(self, forge_remote_id: int) -> None:
        """Register a repository by its number on the forge, or switch an old registration on again.

        One that is active already is left alone: another run may have been quicker.
        """
        self._api.request("POST", "/repos", params={"forge_remote_id": str(forge_remote_id)}, allow=(409,))

    def distrust(self, repository: int) -> Registration:
        """Take every trusted flag away: a trusted repository gets credentials written into each step."""
        body = {"trusted": {"network": False, "volumes": False, "security": False}}
        return _registration(self._api.json("PATCH", f"/repos/{repository}", json=body))


def _registration(data: dict[str, Any]) -> Registration:
    trusted = data.get("trusted") or {}
    return Registration(
        id=int(data["id"]),
        full_name=data["full_name"],
        forge_remote_id=str(data["forge_remote_id"]),
        active=bool(data["active"]),
        trusted={key: bool(trusted.get(key)) for key in ("network", "volumes", "security")},
    )
