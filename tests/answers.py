"""Answers that several tests use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generator.template.answers import Answers, resolve
from generator.template.files import File, Layer
from generator.template.questions import Question, load_questions
from generator.template.renderer import Renderer
from generator.template.schema.document import examples_of
from generator.template.template import Template

TEMPLATE = Template.installed()
QUESTIONS = load_questions(TEMPLATE)
LANGUAGES: dict[str, dict[str, Any]] = TEMPLATE.constants["languages"]

SMALLEST: dict[str, Any] = {"name": "notes-app", "title": "Notes", "description": "Keeps notes"}

UPSTREAM: dict[str, Any] = {
    "name": "reader",
    "title": "Reader",
    "description": "Reads feeds",
    "image_source": "upstream",
    "image": "ghcr.io/example/reader:1.4.2",
}

RICH: dict[str, Any] = {
    "name": "city-guide",
    "title": "City Guide",
    "description": "Guides through cities",
    "tier": "edge",
    "env": {"LOG_LEVEL": "info", "DATABASE_HOST": "{pg_host}"},
    "secrets": {"API_TOKEN": "api_token", "SIGNING_KEY": "signing_key"},
    "database": "postgres",
    "volumes": [{"name": "data", "mount": "/data"}],
    "auth": "app",
    "auth_reason": "its own login, checked by hand",
    "rate_limit": {"average": 50, "burst": 300},
    "internal_monitor": {"path": "/healthz"},
    "carveouts": [
        {"name": "hooks", "paths": ["/hooks"], "auth": "none", "reason": "signed webhooks", "probe_path": "/hooks/ping"}
    ],
}


def values_of(question: Question) -> list[Any]:
    """Answers to a question as copier.yml has them: true and false, its choices, or its examples."""
    if question.type == "bool":
        return [True, False]
    choices = list(question.choices) if isinstance(question.choices, tuple) else []
    return choices or list(examples_of(question))


def answer(given: dict[str, Any]) -> Answers:
    """Complete answers on the built-in platform."""
    return resolve(TEMPLATE, QUESTIONS, given)


def render(
    template: Template, answers: Answers, layer: Layer, facts: Mapping[str, Any] | None = None
) -> tuple[File, ...]:
    """The tree of one layer, with facts that are known by then."""
    return Renderer.of(template).render(answers.with_facts({"layer": layer, **(facts or {})}))
