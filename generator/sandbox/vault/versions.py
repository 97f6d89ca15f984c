"""What KV version 2 keeps of a secret: its versions, and the settings of secrets and mounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from generator.sandbox.vault import parameters
from generator.sandbox.vault.errors import VaultError

_KEPT = 10
"""How many versions are kept where nobody says."""


@dataclass
class Version:
    """One version of a secret. ``deleted`` may be a moment to come: it is readable until then.

    ``null`` is for one that was written without an object: Vault shows null as its data.
    """

    number: int
    created: str
    data: dict[str, Any] = field(repr=False)
    deleted: str = ""
    destroyed: bool = False
    null: bool = False

    @property
    def gone(self) -> bool:
        """Whether it can't be read any more."""
        return self.destroyed or bool(self.deleted and self.deleted <= now())

    def metadata(self, notes: Mapping[str, str] | None = None) -> dict[str, Any]:
        """What Vault says about it; ``notes`` is the secret's custom metadata."""
        return {
            "created_time": self.created,
            "custom_metadata": dict(notes) if notes else None,
            "deletion_time": self.deleted,
            "destroyed": self.destroyed,
            "version": self.number,
        }

    def brief(self) -> dict[str, Any]:
        """What the secret's metadata says about it."""
        return {"created_time": self.created, "deletion_time": self.deleted, "destroyed": self.destroyed}


@dataclass(frozen=True)
class Settings:
    """The settings of a mount or of one secret. ``revision`` is the version of a secret's metadata."""

    cas_required: bool = False
    metadata_cas_required: bool = False
    max_versions: int = 0
    delete_version_after: int = 0
    revision: int = 0

    @property
    def declared(self) -> bool:
        """Whether somebody set something."""
        return replace(self, revision=0) != Settings()

    def changed(self, asked: Mapping[str, Any]) -> Settings:
        """These settings with those of a request. Raises ``VaultError`` for an unfit one."""
        made: dict[str, Any] = {}
        for name in ("cas_required", "metadata_cas_required"):
            if name in asked:
                made[name] = parameters.flag(asked, name)
        if "max_versions" in asked:
            made["max_versions"] = parameters.whole(asked, "max_versions")
        if "delete_version_after" in asked:
            made["delete_version_after"] = parameters.seconds(asked, "delete_version_after")
        return replace(self, **made)

    def described(self) -> dict[str, Any]:
        """What Vault says of them."""
        return {
            "cas_required": self.cas_required,
            "delete_version_after": parameters.shown_duration(max(self.delete_version_after, 0)),
            "max_versions": self.max_versions,
            "metadata_cas_required": self.metadata_cas_required,
        }

    def within(self, mount: Settings) -> Settings:
        """What counts for a secret with these settings in a mount."""
        lives = [life for life in (self.delete_version_after, mount.delete_version_after) if life > 0]
        return Settings(
            self.cas_required or mount.cas_required,
            self.metadata_cas_required or mount.metadata_cas_required,
            max(self.max_versions, mount.max_versions) or _KEPT,
            min(lives, default=0) if mount.delete_version_after >= 0 else 0,
            self.revision,
        )


def options_of(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a write. Raises ``VaultError`` for what is none."""
    return (parameters.mapping(asked, "options") if "options" in asked else None) or {}


def check_cas(options: Mapping[str, Any], *, required: bool, current: int) -> None:
    """Raise ``VaultError`` where a write does not name the version that it follows as it must."""
    if "cas" not in options:
        if required:
            raise VaultError(400, "check-and-set parameter required for this call")
        return
    try:
        named = parameters.whole(options, "cas")
    except VaultError:
        raise VaultError(400, "error parsing check-and-set parameter") from None
    if named != current:
        raise VaultError(400, "check-and-set parameter did not match the current version")


def check_revision(asked: Mapping[str, Any], *, required: bool, current: int | None) -> None:
    """The same for a change of metadata, of which there may be none yet."""
    if "metadata_cas" not in asked:
        if required:
            raise VaultError(400, "metadata check-and-set parameter required for this call")
        return
    if parameters.whole(asked, "metadata_cas") != (current or 0):
        words = "metadata check-and-set parameter does not match the current version"
        raise VaultError(400, "metadata_cas must be 0 when creating new metadata" if current is None else words)


def noted(notes: Mapping[str, Any]) -> dict[str, str]:
    """Custom metadata as Vault keeps it, within its limits. Raises ``VaultError``."""
    made: dict[str, str] = {}
    for key, value in notes.items():
        if isinstance(value, list | dict):
            raise VaultError(400, f"custom_metadata validation failed: '' expected type 'string' for {key}")
        made[key] = str(int(value)) if isinstance(value, bool) else "" if value is None else str(value)
    fit = all(0 < len(key.encode()) <= 128 and key.isprintable() for key in made)
    fit = fit and all(0 < len(value.encode()) <= 512 and value.isprintable() for value in made.values())
    if len(made) > 64 or not fit:
        raise VaultError(400, "1 error occurred:\n\t* custom_metadata validation failed\n\n")
    return made


def merged(base: Any, patch: Any) -> Any:
    """A JSON merge patch (RFC 7396), which drops null also from objects in a list, as Vault's does."""
    if isinstance(patch, list):
        return [merged(None, item) for item in patch]
    if not isinstance(patch, dict):
        return patch
    kept = dict(base) if isinstance(base, dict) else {}
    for key, value in patch.items():
        if value is None:
            kept.pop(key, None)
        else:
            kept[key] = merged(kept.get(key), value)
    return kept


def now(after: int = 0) -> str:
    """This moment, or one some seconds later, as Vault writes it."""
    return (datetime.now(UTC) + timedelta(seconds=after)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
