"""Answers that a repository gives about itself, and where each is from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generator.lifecycle.adoption.detect import Finding, detect
from generator.lifecycle.adoption.source import Origin
from generator.template.template import Template


def answers_in(template: Template, origin: Origin, name: str, given: Mapping[str, Any]) -> list[Finding]:
    """The answers that were found and not given."""
    found = [Finding("language", "none", "adopted code stays as it is"), Finding("title", _title(name), "the name")]
    if origin.description:
        found.append(Finding("description", origin.description, f"the description of {origin.where}"))
    if origin.private is not None:
        found.append(Finding("image_visibility", "private" if origin.private else "public", origin.where))
    found += detect(origin.files).findings
    return [item for item in {item.question: item for item in found}.values() if item.question not in given]


def _title(name: str) -> str:
    return name.replace("-", " ").replace("_", " ").title()
