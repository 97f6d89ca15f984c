"""A rendered repository on disk, and the answers that the tests render."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from generator.template.files import ANSWERS_FILE, File
from generator.template.renderer import Renderer, Source
from generator.template.template import Template

REPOSITORY_ID = 7

_COMMON = {"name": "city-guide", "title": "City Guide", "description": "Guides people through a city."}
_PARTS = {"DB_HOST": "host", "DB_PORT": "port", "DB_NAME": "name", "DB_USER": "user", "DB_PASSWORD": "password"}
_PROBE = {"kind": "http", "path": "/api/health?deep=1"}
_DSN = {"engine": "postgres", "dsn_scheme": "postgresql+asyncpg"}

VARIANTS: dict[str, dict[str, Any]] = {
    "none-private": {**_COMMON, "image_visibility": "private"},
    "none-public": {**_COMMON, "image_visibility": "public"},
    "postgres-private": {**_COMMON, "image_visibility": "private", "database": "postgres"},
    "postgres-public": {**_COMMON, "image_visibility": "public", "database": "postgres"},
    "postgres-parts-public": {
        **_COMMON,
        "image_visibility": "public",
        "database": {"engine": "postgres", "env": {**_PARTS, "DB_PASSWORD_AGAIN": "password"}},
    },
    "postgres-dsn-private": {
        **_COMMON,
        "name": "null",  # a name that YAML would take for something else
        "namespace": "guides",
        "title": """ "City's" \\ ${x} ${{ github.token }} {{ y }} `z` ]] 😀 # <b> [a](b) ![i](j) &amp; --- : """,
        "description": '- "very" ' + "long, " * 48,
        "port": 9000,
        "probe": _PROBE,
        "database": _DSN,
    },
}


_MIGRATE = ["python", "-m", "app.migrations"]
_SEPARATE = {"path": "/prometheus", "port": 9100}
_MYSQL_PARTS = {"engine": "mysql", "env": {variable.replace("DB", "MYSQL"): part for variable, part in _PARTS.items()}}

# What the Python tree makes of the other answers; those above are web services that Woodpecker deploys.
PYTHON: dict[str, dict[str, Any]] = {
    "web-unmeasured": {**_COMMON, "metrics": "none", "probe": "tcp", "updates": "keel"},
    "web-mysql": {**_COMMON, "database": "mysql", "metrics": {"path": "/stats"}, "updates": "pinned"},
    "web-two-ports": {**_COMMON, "database": _MYSQL_PARTS, "metrics": _SEPARATE, "ci": False},
    "web-long-paths": {
        **_COMMON,
        "metrics": {"path": "/" + "m" * 90},
        "probe": {"kind": "http", "path": "/" + "p" * 90},
    },
    "worker": {**_COMMON, "kind": "worker", "database": "mysql", "probe": _PROBE, "migrate_command": ["migrate", "up"]},
    "worker-unmeasured": {**_COMMON, "kind": "worker", "metrics": "none", "ci_test": "custom"},
    "worker-two-ports": {**_COMMON, "kind": "worker", "metrics": _SEPARATE, "ci_test": "none"},
    "worker-long-paths": {
        **_COMMON,
        "kind": "worker",
        "metrics": {"path": "/" + "m" * 90},
        "probe": {"kind": "http", "path": "/" + "p" * 90},
    },
    "worker-silent": {**_COMMON, "kind": "worker", "port": 0},
    "web-redis": {**_COMMON, "redis": True, "database": "postgres", "migrate_command": _MIGRATE},
    "worker-redis": {**_COMMON, "kind": "worker", "redis": 2, "database": "mysql", "migrate_command": _MIGRATE},
    "worker-silent-redis": {**_COMMON, "kind": "worker", "port": 0, "redis": 2},
    "cronjob-redis": {**_COMMON, "kind": "cronjob", "redis": 0},
    "worker-silent-postgres": {**_COMMON, "kind": "worker", "port": 0, "database": _DSN},
    "cronjob": {**_COMMON, "kind": "cronjob"},
    "cronjob-postgres": {**_COMMON, "kind": "cronjob", "database": "postgres", "migrate_command": ["migrate", "up"]},
    "cronjob-mysql": {**_COMMON, "kind": "cronjob", "database": _MYSQL_PARTS},
}


@dataclass(frozen=True)
class Tree:
    """A rendered repository."""

    root: Path

    @classmethod
    def write(cls, root: Path, files: Iterable[File]) -> Tree:
        """Write ``files`` below ``root``."""
        for file in files:
            path = root / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.content)
            path.chmod(0o755 if file.executable else 0o644)
        return cls(root)

    def read(self, path: str) -> str:
        """The text of one file."""
        return (self.root / path).read_text(encoding="utf-8")

    @property
    def texts(self) -> dict[str, str]:
        """Every file's text, by path; what tools left behind is not the repository's."""
        paths = sorted(path for path in self.root.rglob("*") if path.is_file() and "_cache" not in str(path))
        return {path.relative_to(self.root).as_posix(): path.read_text(encoding="utf-8") for path in paths}

    @property
    def workflow(self) -> dict[str, Any]:
        """``build.yml`` as data."""
        return load_yaml(self.read(".github/workflows/build.yml"))

    @property
    def pipeline(self) -> dict[str, Any]:
        """``deploy.yml`` as data."""
        return load_yaml(self.read(".woodpecker/deploy.yml"))

    def run(self, *command: str) -> str:
        """Run a tool of this environment in the repository; fails with what it said."""
        tool, *arguments = command
        done = subprocess.run(
            [str(Path(sys.executable).parent / tool), *arguments], cwd=self.root, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"
        return done.stdout


def sources_of(template: Template, context: Mapping[str, Any]) -> Iterator[tuple[str, Source]]:
    """The template's files of a repository with these answers, each with the path that it is rendered to.

    For tests that look at single files of many answers; the answers file is left out.
    """
    service = {**context, "layer": "service"}
    yield from ((path, source) for path, source in _renderer(template).sources(service) if path != ANSWERS_FILE)


def texts_of(template: Template, context: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The same files, rendered."""
    for path, source in sources_of(template, context):
        yield path, _renderer(template).content(source, {**context, "layer": "service"}).decode()


@cache
def _renderer(template: Template) -> Renderer:
    return Renderer.of(template)


class _Loader(yaml.SafeLoader):
    """YAML as GitHub and Woodpecker read it: ``on`` is a key like any other."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_yaml(text: str) -> dict[str, Any]:
    """A YAML document with every boolean left as the word that was written."""
    return dict(yaml.load(text, Loader=_Loader))
