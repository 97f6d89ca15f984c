"""A filesystem mirror, as ``terraform init`` installs from, whose providers are this stand-in."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from .record import REGISTRY

SCHEMAS = Path(__file__).parent / "schemas"
IMPORTED_FROM = Path(__file__).parents[3]


def lay_out(folder: Path, platform: str, required: Mapping[str, str]) -> None:
    """Lay out every recorded provider, and an empty one for each other that is required.

    ``platform`` is Terraform's name of this machine's, such as ``linux_amd64``. ``required`` gives a version
    constraint for each provider's address. An empty provider can be required and installed, but whatever is of it is
    refused, because it has no type and no argument.
    """
    recorded = set()
    for record in sorted(SCHEMAS.glob("*.json")):
        about = json.loads(record.read_text(encoding="utf-8"))
        recorded.add(about["source"])
        _install(folder, platform, about["source"], about["versions"], record)
    for source, constraint in required.items():
        if source not in recorded:
            _install(folder, platform, source, [_a_version(constraint)], _empty_record(folder, source))


def _install(mirror: Path, platform: str, source: str, versions: Iterable[str], record: Path) -> None:
    """A provider is an executable whose name says what it is. The shell is there for paths that hold spaces."""
    serve = shlex.join([sys.executable, "-P", "-m", f"{__package__}", str(record)])
    for version in versions:
        executable = (
            mirror / REGISTRY / source / version / platform / f"terraform-provider-{Path(source).name}_v{version}"
        )
        executable.parent.mkdir(parents=True)
        path = shlex.quote(str(IMPORTED_FROM))
        executable.write_text(f"#!/bin/sh\nPYTHONPATH={path} exec {serve}\n", encoding="utf-8")
        executable.chmod(0o755)


def _empty_record(folder: Path, source: str) -> Path:
    record = folder / f"{source.replace('/', '-')}.json"
    record.parent.mkdir(parents=True, exist_ok=True)
    empty: dict[str, object] = {"provider": {"block": {}}, "resource_schemas": {}, "data_source_schemas": {}}
    record.write_text(json.dumps(empty), encoding="utf-8")
    return record


def _a_version(constraint: str) -> str:
    """The version that a constraint such as ``~> 2024.10`` names, which is one that it allows."""
    found = re.search(r"\d+(?:\.\d+)*(-\S+)?", constraint)
    numbers = found.group().removesuffix(found.group(1) or "").split(".") if found else ["1"]
    return ".".join([*numbers, "0", "0"][: max(3, len(numbers))]) + ((found.group(1) or "") if found else "")
