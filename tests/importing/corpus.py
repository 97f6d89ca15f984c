"""The corpus: a folder for each application, with a Compose file and what must become of it.

``expected.yml`` says what holds by the application's documentation and the platform's rules, whatever the command
prints:

- ``source``: where the facts come from; ``choose``: the service that a person names where the file does not say it;
- ``service``, ``name``, ``image``, ``image_source``, ``port``, ``kind``, ``host``, ``tier``, ``gpu``, ``run_as``,
  ``hardening``, ``probe``, ``homepage``: the answers; a list has all that would be right. ``words``: command and
  arguments together; ``described``: the description, where the file has one;
- ``database``: ``none``, or the engine and the variables that are the connection's; ``redis``: variables that hold
  something of the shared Redis;
- ``volumes``: the kind of each mount; ``secrets``: variables that become properties in Vault; ``env``: variables that
  stay, as text (``~`` begins a regular expression);
- ``missing``: all that must be asked; ``unexpressed``: services and features that must be listed as what no answer
  expresses; ``attention``: what must be named in a finding, an assumption or a question, whichever it is;
- ``complete``: the answers that a person adds;
- ``judged``: what a person compared with the documentation, a line for each question or assumption that matters.

Every secret in these files contains ``SECRET``, so that none can hide in an output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

CORPUS = Path(__file__).parent / "corpus"
SECRET = "hunter"
DESCRIPTION = "An application that people host themselves."
"""Compose files describe nothing, so a person always has to."""


@dataclass(frozen=True)
class Application:
    """One of the corpus."""

    name: str

    def __str__(self) -> str:
        return self.name

    @property
    def file(self) -> Path:
        return CORPUS / self.name / "compose.yml"

    @cached_property
    def compose(self) -> dict[str, Any]:
        """The Compose file as it stands, anchors and merge keys resolved."""
        loaded: dict[str, Any] = yaml.safe_load(self.file.read_text(encoding="utf-8"))
        return loaded

    @cached_property
    def expected(self) -> dict[str, Any]:
        loaded: dict[str, Any] = yaml.safe_load((CORPUS / self.name / "expected.yml").read_text(encoding="utf-8"))
        return loaded

    @property
    def service(self) -> Mapping[str, Any]:
        """The service that becomes the stack."""
        found: Mapping[str, Any] = self.compose["services"][self.expected["service"]]
        return found

    def lines(self, name: str) -> list[str]:
        """The lines of a file beside the Compose file; none where there is no such file."""
        path = self.file.parent / name
        return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []

    def completed(self, answers: Mapping[str, Any]) -> dict[str, Any]:
        """The answers, and what a person adds to them."""
        more = self.expected.get("complete", {})
        env = {**answers.get("env", {}), **more.get("env", {})}
        return {"description": DESCRIPTION, **answers, **more, **({"env": env} if env else {})}


def applications() -> list[Application]:
    return [Application(path.parent.name) for path in sorted(CORPUS.glob("*/compose.yml"))]
