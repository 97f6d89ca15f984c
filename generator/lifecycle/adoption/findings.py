"""Answers that a repository gives about itself, where each is from, and what nobody can know from it. Pure."""

from __future__ import annotations

from generator.lifecycle.adoption.detect import detect
from generator.lifecycle.adoption.facts import Finding, OpenQuestion
from generator.lifecycle.adoption.proposal import Proposal
from generator.lifecycle.adoption.rules import Rules
from generator.lifecycle.adoption.source import Origin
from generator.platform.profile import Platform
from generator.template.template import Template


def answers_in(
    template: Template, platform: Platform, origin: Origin, name: str
) -> tuple[list[Finding], list[OpenQuestion], Proposal | None]:
    """The answers that were found, one for each question, the questions that stay open, and a proposed Dockerfile."""
    images = f"{platform.registry.host}/{platform.registry.owner}"
    own = "the code stays as it is"
    found = [Finding("image_source", "owned", own), Finding("language", "none", own)]
    found.append(Finding("title", _title(name), "the name"))
    if origin.description:
        found.append(Finding("description", origin.description, f"the description of {origin.where}"))
    if origin.private is not None:
        found.append(Finding("image_visibility", "private" if origin.private else "public", origin.where))
    said = detect(origin.files, Rules.of(template, images, platform.woodpecker.old_pipelines))
    found += said.findings
    return list({item.question: item for item in found}.values()), list(said.questions), said.proposal


def _title(name: str) -> str:
    return name.replace("-", " ").replace("_", " ").title()
