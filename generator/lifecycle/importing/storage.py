"""Volumes, by the platform's rules: what is encrypted, shared, passing or refused. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from generator.lifecycle.importing.conventions import expression, whole
from generator.lifecycle.importing.nodes import Node
from generator.lifecycle.importing.scope import Scope
from generator.lifecycle.importing.sizes import mebibytes


class Mount(NamedTuple):
    """A mount of a container. ``kind``: volume, bind, tmpfs and others. ``source``: a volume's name, a path of the
    host, or nothing."""

    kind: str
    source: str
    target: str
    read_only: bool
    node: Node
    size: str = ""
    sub_path: str = ""


def map_volumes(scope: Scope) -> None:
    """The answer ``volumes``."""
    draft = scope.draft
    taken: set[str] = set()
    for mount in mounts(scope.service):
        if mount.node.open and not (mount.target.startswith("/") and len(mount.target) > 1):
            draft.miss("volumes", f"nothing says what {' and '.join(mount.node.open)} is", mount.node)
        elif mount.kind in ("npipe", "cluster", "image"):
            draft.omit("volumes", f"a mount of kind {mount.kind} has no counterpart", mount.node)
        elif not _refused(scope, mount) and not _taken(scope, mount):
            _volume(scope, mount, taken)
    volumes = draft.answers.get("volumes", [])
    if "volumes" not in draft.given and any(volume["kind"] in ("encrypted", "block") for volume in volumes):
        draft.assume(
            "volumes", "the file says nothing about sizes: volumes start at 1Gi and grow to 5Gi; answer size and limit"
        )


def mounts(service: Node) -> Iterator[Mount]:
    """All mounts of a service."""
    for item in service.get("volumes").items:
        yield _long(item) if item.is_map else _short(item)
    tmpfs = service.get("tmpfs")
    for item in tmpfs.items or ([tmpfs] if tmpfs.text else []):
        path, _, options = item.text.partition(":")
        size = re.search(r"(?:^|,)size=([^,]+)", options)
        yield Mount("tmpfs", "", path, False, item, size[1] if size else "")


def _short(item: Node) -> Mount:
    """``SOURCE:TARGET:OPTIONS``; a colon inside ``${VAR:-default}`` is filled in by now."""
    parts = item.text.split(":")
    if (
        len(parts) > 2 and len(parts[0]) == 1 and parts[0].isalpha() and parts[1][:1] in ("\\", "/")
    ):  # C:\data of Windows
        parts = [":".join(parts[:2]), *parts[2:]]
    if len(parts) == 1:
        return Mount("volume", "", parts[0], False, item)
    options = parts[2].split(",") if len(parts) > 2 else []
    kind = (
        "bind" if parts[0].startswith(("/", ".", "~")) or "\\" in parts[0] or (not parts[0] and item.open) else "volume"
    )
    return Mount(kind, parts[0], parts[1], "ro" in options, item)


def _long(item: Node) -> Mount:
    size = item.get("tmpfs", "size").text
    read_only = item.get("read_only").text.lower() == "true"
    kind = item.get("type").text or "volume"
    sub_path = item.get("volume", "subpath").text
    node = item.get("target") if item.get("target").value is not None else item
    return Mount(kind, item.get("source").text, item.get("target").text, read_only, node, size, sub_path)


def _refused(scope: Scope, mount: Mount) -> bool:
    """Whether a mount is one of the host's own files; it is reported then."""
    draft, tables = scope.draft, scope.conventions.value("volumes")
    if mount.kind != "bind":
        return False
    source = mount.source.rstrip("/") or "/"
    if row := next((row for row in tables["needless"] if whole(row["path"], source)), None):
        draft.omit("volumes", f"{mount.source} of the host is left out; {row['instead']}", mount.node)
        return True
    if not mount.source.startswith("/"):
        return False
    if row := next((row for row in tables["refused"] if whole(row["path"], source)), None):
        draft.omit("volumes", f"{mount.source} is refused: {row['why']}", mount.node)
        return True
    return False


def _taken(scope: Scope, mount: Mount) -> bool:
    """Whether another mount of the service is there already, or too many are."""
    volumes = scope.draft.answers.get("volumes", [])
    if any(volume["mount"].rstrip("/") == mount.target.rstrip("/") for volume in volumes):
        return True
    if len(volumes) >= scope.conventions.value("volumes", "most"):
        scope.draft.omit("volumes", f"{mount.target}: an answer has so many volumes at most", mount.node)
        return True
    return False


def _volume(scope: Scope, mount: Mount, taken: set[str]) -> None:
    draft = scope.draft
    named = mount.kind == "volume" and mount.source
    if named and mount.source in taken:
        draft.omit(
            "volumes",
            f"{mount.target}: the volume {mount.source} is mounted twice, and an answer has one path each",
            mount.node,
        )
        return
    if named:
        taken.add(mount.source)
    volume, why = _kind(scope, mount)
    if not volume:
        told = f"{mount.target} is a file of variables: they belong into env and secrets, not into the stack"
        draft.omit("volumes", told, mount.node)
        return
    volume = {"name": _name(scope, mount), **volume, "mount": mount.target}
    if mount.read_only:
        volume["read_only"] = True
    if mount.sub_path and "sub_path" not in volume:
        volume["sub_path"] = mount.sub_path
    draft.put_item("volumes", volume, mount.node, assumed=why)
    if mount.kind == "bind" and volume["kind"] not in ("config", "emptydir"):
        draft.assume(
            f"volumes.{volume['name']}", "the host's files are not moved: copy them into the volume once", mount.node
        )


def _kind(scope: Scope, mount: Mount) -> tuple[dict[str, Any], str]:
    """The kind of a mount with what belongs to it, and why it was chosen."""
    tables: Mapping[str, Any] = scope.conventions.value("volumes")
    if mount.kind == "tmpfs":
        size = mebibytes(mount.size)
        return {"kind": "emptydir", **({"size": f"{size}Mi"} if size else {})}, ""
    if mount.kind == "bind" and whole(tables["variables"], mount.target):
        return {}, ""
    file = mount.kind == "bind" and whole(tables["file"], mount.target)
    if file:
        sub_path = mount.target.rpartition("/")[2]
        return {"kind": "config", "sub_path": sub_path}, f"it is one file: put {sub_path} into files/ of the stack"
    driver = scope.project.root.get("volumes", mount.source) if mount.kind == "volume" and mount.source else Node(None)
    if driver.get("driver_opts", "type").text.startswith("nfs") or driver.get("driver").text in ("nfs", "cifs"):
        return {"kind": "nfs"}, "it is on a file server; it gets a folder on the platform's"
    for row in tables["kinds"]:
        if expression(row["path"]).fullmatch(mount.target[:300]):
            found = row["kind"], f"{mount.target}: {row['because']}"
            break
    else:
        found = tables["default"], "nothing says what it holds, so it is encrypted"
    if found[0] != "nfs" and mount.kind == "bind" and mount.read_only and mount.source.startswith("."):
        return {"kind": "config"}, "a folder that is only read holds settings: put its files into files/ of the stack"
    for row in tables["kinds"]:
        if mount.kind == "bind" and row["kind"] == "nfs" and whole(row["path"], mount.source):
            return {"kind": "nfs"}, f"{mount.source}: {row['because']}"
    return {"kind": found[0]}, found[1]


def _name(scope: Scope, mount: Mount) -> str:
    """A short name that no other volume has."""
    source = mount.source if mount.kind == "volume" else ""
    words = source or mount.target.rstrip("/").rpartition("/")[2]
    own = str(scope.draft.answers.get("name", scope.name))
    for prefix in (f"{own}_", f"{own}-", f"{scope.name}_", f"{scope.name}-"):
        words = words.removeprefix(prefix)
    base = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:26].strip("-")
    base = base if base[:1].isalpha() else f"v-{base}".strip("-")
    base = "saved" if base == "backup" else base
    names = {volume["name"] for volume in scope.draft.answers.get("volumes", [])}
    return next(name for number in range(1, 1000) if (name := base if number == 1 else f"{base}-{number}") not in names)
