"""Small Compose files, imported in this process, and what became of them."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from generator.base.findings import Finding
from generator.base.secrets import forgotten_afterwards
from generator.lifecycle.importing import Imported, imported
from generator.platform.profile import merged_platform
from generator.template.answers import resolve
from tests.answers import QUESTIONS, TEMPLATE

FACTS = merged_platform(TEMPLATE.platform, {}, "built-in").facts


@dataclass(frozen=True)
class Found:
    """What a file says."""

    imported: Imported

    @property
    def answers(self) -> dict[str, Any]:
        return self.imported.draft.answers

    @property
    def findings(self) -> list[Finding]:
        return self.imported.draft.findings

    def of(self, kind: str) -> dict[str, list[str]]:
        """The messages of one kind, by question."""
        found: dict[str, list[str]] = {}
        for item in self.findings:
            if item.kind == kind:
                found.setdefault(item.question, []).append(item.message)
        return found

    @property
    def missing(self) -> set[str]:
        """What is asked, beside the description and the port, which few of these files have."""
        return set(self.of("missing")) - {"description", "port"}

    @property
    def unexpressed(self) -> str:
        return "\n".join(text for texts in self.of("unexpressed").values() for text in texts)


def read(folder: Path, text: str, given: Mapping[str, Any] | None = None, service: str = "", **files: str) -> Found:
    """A Compose file in a folder, with other files beside it (``env`` is ``.env``, ``common_yml`` ``common.yml``)."""
    path = folder / "compose.yaml"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    for name, content in files.items():
        place = ".env" if name == "env" else name.replace("_", ".")
        (folder / place).write_text(textwrap.dedent(content), encoding="utf-8")
    with forgotten_afterwards():
        found = Found(imported(path, None, TEMPLATE, QUESTIONS, FACTS, given or {}, service))
    complete = {"name": "a-name", "description": "A description", **found.answers}
    if not found.missing:
        resolve(TEMPLATE, QUESTIONS, complete, {"platform": FACTS})
    return found


def app(folder: Path, text: str, **more: Any) -> Found:
    """The keys of one service, as YAML, beside its image."""
    service = {"image": "ghcr.io/acme/thing:1.2", **yaml.safe_load(textwrap.dedent(text) or "{}")}
    return read(folder, yaml.safe_dump({"services": {"thing": service}}, sort_keys=False), **more)
