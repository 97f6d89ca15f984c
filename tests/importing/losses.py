"""What a Compose file says and nothing speaks of. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from generator.lifecycle.importing.conventions import Conventions

from .corpus import Application
from .found import Imported

BESIDE = ("depends_on", "links")
"""Said with the services that they name."""

RIGHTS = ("cap_drop", "security_opt", "read_only")


def lost(application: Application, imported: Imported) -> Iterator[str]:
    """What the file says and nothing speaks of: each other service, and each key and item of the one that is taken.

    Keys and labels that ``templates/import.yml`` lists as meaningless on the platform are no loss.
    """
    taken = application.expected["service"]
    for name in application.compose["services"]:
        if name != taken and not imported.names(f"service {name}") and not imported.speaks_of(f"services.{name}"):
            yield f"lost: the service {name}"
    needless = Conventions.installed().words("ignored")
    for key, value in application.service.items():
        path = f"services.{taken}.{key}"
        if key in needless or key in BESIDE or not value:
            continue
        if key in _ITEMS:
            yield from (f"lost: {path}: {item}" for item in _ITEMS[key](application, imported, path, value))
        elif not _answered(application, imported, key) and not imported.speaks_of(path) and not imported.names(key):
            yield f"lost: {path}"


def _answered(application: Application, imported: Imported, key: str) -> bool:
    """Whether a key says nothing, or something that an answer made of other keys has in it."""
    value = application.service[key]
    if value == {"disable": False} or (isinstance(value, str) and value.startswith("${")):
        return True
    if key in RIGHTS:
        return bool(imported.answers.get("hardening"))
    return key == "secrets" and "/run/secrets/" in str(application.service.get("environment"))


def _lost_variables(application: Application, imported: Imported, path: str, value: Any) -> Iterator[str]:
    if path.endswith("env_file"):
        entries = value if isinstance(value, list) else [value]
        files = [entry["path"] if isinstance(entry, Mapping) else entry for entry in entries]
        lines = [line for name in files for line in application.lines(name)]
        names = [line.partition("=")[0].strip() for line in lines if "=" in line and not line.startswith("#")]
    else:
        names = [str(item).partition("=")[0] for item in value]
    answers = imported.answers
    database = answers.get("database")
    held = {*answers.get("env", {}), *answers.get("secrets", {})}
    held |= set(database.get("env", {})) if isinstance(database, Mapping) else {"DATABASE_URL"} if database else set()
    held |= {"REDIS_URL"} if answers.get("redis") else set()
    return (name for name in names if name not in held and not imported.names(name))


def _lost_volumes(_: Application, imported: Imported, path: str, value: Any) -> Iterator[str]:
    mounts = {volume["mount"].rstrip("/") for volume in imported.answers.get("volumes", [])}
    for at, item in enumerate([value] if isinstance(value, str) else value):
        parts = [item["target"]] if isinstance(item, Mapping) else item.split(":")
        if not {part.rstrip("/") for part in parts} & mounts and not imported.speaks_of(f"{path}[{at}]"):
            yield str(parts[-1])


def _lost_ports(_: Application, imported: Imported, path: str, value: Any) -> Iterator[str]:
    for at, item in enumerate(value):
        entry = str(item["target"] if isinstance(item, Mapping) else item)
        text = entry.partition("/")[0].rpartition(":")[2].strip("-}")
        if imported.names(f"port {text}"):
            continue
        if text != str(imported.answers.get("port")) and not imported.speaks_of(f"{path}[{at}]"):
            yield text


def _lost_labels(_: Application, imported: Imported, path: str, value: Any) -> Iterator[str]:
    conventions = Conventions.installed()
    for item in value:
        name = str(item).partition("=")[0]
        known = conventions.first(conventions.value("labels"), "names", name)
        if known is None and not imported.names(name):
            yield name


_ITEMS = {
    "environment": _lost_variables,
    "env_file": _lost_variables,
    "volumes": _lost_volumes,
    "tmpfs": _lost_volumes,
    "ports": _lost_ports,
    "expose": _lost_ports,
    "labels": _lost_labels,
}
