"""What the sandbox's Woodpecker holds."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from generator.sandbox.numbers import Numbers

EVENTS = (
    "push",
    "pull_request",
    "pull_request_closed",
    "pull_request_metadata",
    "tag",
    "release",
    "deployment",
    "cron",
    "manual",
)


def default_settings() -> dict[str, Any]:
    """The settings of a repository that was just activated."""
    return {
        "allow_pr": True,
        "allow_deploy": False,
        "approval_allowed_users": None,
        "cancel_previous_pipeline_events": ["push", "pull_request"],
        "config_extension_endpoint": "",
        "config_extension_exclusive": False,
        "config_extension_netrc": False,
        "config_file": "",
        "netrc_trusted": None,
        "registry_extension_endpoint": "",
        "registry_extension_netrc": False,
        "require_approval": "forks",
        "secret_extension_endpoint": "",
        "secret_extension_netrc": False,
        "timeout": 60,
        "trusted": {"network": False, "volumes": False, "security": False},
        "visibility": "",
    }


VERSION = "3.17.0"


@dataclass
class Secret:
    """A secret of a repository or of the whole instance; its value is never answered."""

    id: int
    name: str
    value: str = field(repr=False)
    events: list[str]
    images: list[str] | None = None
    note: str = ""


@dataclass
class Repository:
    """A row of Woodpecker's: kept when the repository is deactivated."""

    id: int
    forge_remote_id: str
    full_name: str
    private: bool
    default_branch: str
    active: bool = True
    hook: int | None = None
    settings: dict[str, Any] = field(default_factory=default_settings)
    secrets: dict[str, Secret] = field(default_factory=dict)
    schedules: list[dict[str, Any]] = field(default_factory=list)
    pipelines: list[dict[str, Any]] = field(default_factory=list)
    former_names: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Follow the forge in who may see it."""
        self.settings["visibility"] = self.settings["visibility"] or ("private" if self.private else "public")

    def rename(self, full_name: str) -> None:
        """Follow the forge; what it was called before is remembered."""
        self.former_names = (self.former_names | {self.full_name.lower()}) - {full_name.lower()}
        self.full_name = full_name


class State:
    """The whole state of the sandbox's Woodpecker, with settings and helpers for tests."""

    def __init__(self, user: str, token: str) -> None:
        self.users: dict[str, str] = {token: user}
        self.admins: set[str] = {user}
        self.repositories: dict[int, Repository] = {}
        self.global_secrets: dict[str, Secret] = {}
        # The first numbers belong to registrations of long ago; GitHub's identifiers are far away from them.
        self.ids = Numbers(101)
        self.secret_ids = Numbers(11)
        self.pipeline_ids = Numbers(5001)
        # The immediate status of a pipeline that the API starts: there is no agent to run it.
        self.new_status = "success"
        # How the pipeline of the infra repository ends that a push to its default branch starts.
        self.merge_status = "success"

    def repository(self, full_name: str) -> Repository:
        """A row by ``owner/name``, case ignored, or by a former name. Raises KeyError if it does not exist."""
        wanted, rows = full_name.lower(), list(self.repositories.values())
        named = [row for row in rows if row.full_name.lower() == wanted]
        found = named or [row for row in rows if wanted in row.former_names]
        if not found:
            raise KeyError(full_name)
        return found[0]

    def add_global_secret(self, name: str, value: str, events: list[str]) -> Secret:
        """A secret for all repositories."""
        self.global_secrets[name] = Secret(next(self.secret_ids), name, value, events)
        return self.global_secrets[name]


def timestamp() -> int:
    """The time as Woodpecker writes it."""
    return int(time.time())
