"""Copier by itself, as somebody uses it who has no newservice: it asks, computes and checks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from copier import Settings, run_copy

from generator.template.release_check import plain_template
from generator.template.template import Template


def copied(folder: Path, values: Mapping[str, Any]) -> Path:
    """The tree that copier makes of these answers below ``folder``. Raises copier's ``ValueError`` for a wrong one."""
    template, target = folder / "template", folder / "copied"
    if not template.exists():
        plain_template(Template.installed(), template)
    run_copy(str(template), target, data=dict(values), defaults=True, overwrite=True, quiet=True, settings=Settings())
    return target
