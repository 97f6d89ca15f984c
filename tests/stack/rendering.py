"""Stacks, file by file; ``test_tree`` shows that the renderer's are the same."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from generator.template.answers import Answers, resolve
from generator.template.files import ANSWERS_FILE
from generator.template.questions import Question, load_questions
from generator.template.renderer import Renderer
from generator.template.template import Template

from .hcl import Block, parse

SERVICE: dict[str, Any] = {"name": "city-guide", "title": "City Guide", "description": "Guides for cities."}
UPSTREAM: dict[str, Any] = {"image_source": "upstream", "image": "mendhak/http-https-echo:37"}
VOLUME: dict[str, Any] = {"name": "data", "mount": "/data"}
PICKED = {"redis_index": 7, "anubis_redis_index": 9}
"""Free indexes on the shared Redis, as newservice would have found them."""
RICH: dict[str, Any] = {
    "env": {"LOG_LEVEL": "info", "CACHE": "redis://{redis_host}:6379", "MAIL": "{mail_host}", "DEBUG": False},
    "secrets": {"API_TOKEN": "api_token", "KEY": "signing.key"},
    "carveouts": [
        {"name": "hooks", "paths": ["/hooks", "/callbacks"], "reason": "every call is signed"},
        {"name": "staff", "paths": ["/staff"], "auth": "required"},
    ],
    "homepage": {"group": "Productivity", "icon": "mdi-map"},
    "probe": {"kind": "tcp", "startup_seconds": 61},
}


@lru_cache(maxsize=1)
def template() -> Template:
    """The checkout's template."""
    return Template.installed()


@lru_cache(maxsize=1)
def _questions() -> tuple[Question, ...]:
    return load_questions(template())


def answers(*, profile: Mapping[str, Any] | None = None, **given: Any) -> Answers:
    """Complete answers for the stack from a few, on a platform that differs from the built-in one by ``profile``."""
    facts = {"layer": "stack", "profile": profile or {}, **PICKED}
    return resolve(template(), _questions(), {**SERVICE, **given}, facts)


def stack(**given: Any) -> dict[str, str]:
    """The files of the stack for a few answers, without the answers file."""
    return files(answers(**given).context)


def file(name: str, **given: Any) -> Block:
    """One file of the stack for a few answers, as data."""
    return parse(stack(**given)[name])


def files(context: dict[str, Any]) -> dict[str, str]:
    """The files of the stack for complete answers, without the answers file."""
    context = {**context, "layer": "stack"}
    return {
        path: _renderer().content(source, context).decode()
        for path, source in _renderer().sources(context)
        if path != ANSWERS_FILE
    }


@cache
def _renderer() -> Renderer:
    return Renderer.of(template())
