"""Where the template is and how its expressions are evaluated; the one place that knows copier's Jinja dialect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2 import Template as CompiledTemplate
from jinja2.sandbox import SandboxedEnvironment

PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Template:
    """A template tree: ``copier.yml`` and ``templates/`` below ``root``."""

    root: Path

    @classmethod
    def installed(cls) -> Template:
        """The template that came with this installation: packaged in a wheel, beside the package in a checkout."""
        checkout = PACKAGE.parent
        return cls(checkout if (checkout / "copier.yml").is_file() else PACKAGE / "_template")

    @property
    def registrations(self) -> Path:
        """Folder of the registrations' declarations."""
        return self.root / "templates" / "registrations"

    @cached_property
    def config(self) -> dict[str, Any]:
        """``copier.yml`` as data."""
        data = yaml.safe_load((self.root / "copier.yml").read_text(encoding="utf-8"))
        return dict(data)

    @cached_property
    def version(self) -> str:
        """The template's own version (PEP 440)."""
        return str(self.config["template_version"]["default"])

    @cached_property
    def shapes(self) -> dict[str, Any]:
        """The shapes of structured answers, by name."""
        return dict(yaml.safe_load((self.root / "templates" / "shapes.yml").read_text(encoding="utf-8")))

    @cached_property
    def platform(self) -> dict[str, Any]:
        """The built-in platform profile as data."""
        return dict(yaml.safe_load((self.root / "templates" / "platform.yml").read_text(encoding="utf-8")))

    @cached_property
    def environment(self) -> SandboxedEnvironment:
        """The Jinja environment that copier builds for this template, for expressions outside of copier."""
        options = dict(self.config.get("_envops", {}))
        options["undefined"] = StrictUndefined
        return SandboxedEnvironment(  # what is rendered is HCL, YAML and Markdown, never a web page
            loader=FileSystemLoader(self.root),
            extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
            autoescape=False,
            **options,
        )

    def made_once(self, context: Mapping[str, Any]) -> frozenset[str]:
        """Paths of the files that are made once and are their owner's from then on."""
        return frozenset(self.render(path, context) for path in self.config.get("_skip_if_exists", ()))

    def render(self, source: str, context: Mapping[str, Any]) -> str:
        """Render one expression or text with ``context`` as its variables.

        Raises jinja2's ``UndefinedError`` when the text uses a variable that the context lacks.
        """
        if source not in self._compiled:
            self._compiled[source] = self.environment.from_string(source)
        return self._compiled[source].render(context)

    @cached_property
    def _compiled(self) -> dict[str, CompiledTemplate]:
        """Expressions rendered before: compiling takes most of the time, and a wizard evaluates them anew each time."""
        return {}
