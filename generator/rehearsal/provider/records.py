"""The records: which providers are known, and where Terraform finds the stand-ins for them. Without gRPC."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

REGISTRY = "registry.terraform.io"
PROTOCOL = 6
SCHEMAS = Path(__file__).parent / "schemas"


@dataclass(frozen=True)
class Address:
    """A provider's address, such as ``hashicorp/kubernetes``, its socket and its record, where there is one."""

    source: str
    socket: Path
    record: Path | None


def addresses(folder: Path, required: Iterable[str]) -> list[Address]:
    """Every provider that is recorded or required, with its socket in a folder."""
    records: dict[str, Path | None] = dict.fromkeys(sorted(required))
    records |= {json.loads(path.read_text(encoding="utf-8"))["source"]: path for path in sorted(SCHEMAS.glob("*.json"))}
    return [Address(source, folder / f"{at}.sock", record) for at, (source, record) in enumerate(records.items())]


def reattached(providers: Iterable[Address], pid: int) -> str:
    """``TF_REATTACH_PROVIDERS``: Terraform then installs and starts no provider."""
    return json.dumps(
        {
            f"{REGISTRY}/{provider.source}": {
                "Protocol": "grpc",
                "ProtocolVersion": PROTOCOL,
                "Pid": pid,
                "Test": True,
                "Addr": {"Network": "unix", "String": str(provider.socket)},
            }
            for provider in providers
        }
    )
