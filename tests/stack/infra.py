"""Infra repositories to hold stacks against: the sandbox's own, and a checkout that a person names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import generator

from . import hcl

GUARDS = (Path("scripts", "check-ingress-auth-comments.py"), Path("scripts", "check-ingress-descriptions.py"))
"""Those that any answers must pass; which groups exist is the platform's."""


def named_checkout() -> Path | None:
    """The checkout that ``NEWSERVICE_INFRA_CHECKOUT`` names."""
    path = os.environ.get("NEWSERVICE_INFRA_CHECKOUT")
    return Path(path) if path else None


def repositories() -> list[Path]:
    """Every infra repository at hand that has the modules."""
    sandbox = Path(generator.__file__).parent / "sandbox" / "infra"
    named = named_checkout()
    return [path for path in (sandbox, named) if path is not None and (path / "modules" / "kubernetes").is_dir()]


@cache
def module_variables(module: Path) -> tuple[frozenset[str], frozenset[str]]:
    """The variables that a module declares, and those of them that have no default."""
    declared, required = set(), set()
    for path in module.glob("*.tf"):
        for variable in hcl.parse(path.read_text(encoding="utf-8")).all("variable"):
            declared.add(variable.labels[0])
            if "default" not in variable.attributes:
                required.add(variable.labels[0])
    return frozenset(declared), frozenset(required)


def wrong_arguments(repository: Path, files: dict[str, str]) -> Iterator[str]:
    """Arguments of module calls that the module does not declare, and required ones that are missing."""
    for text in files.values():
        for call in hcl.parse(text).all("module"):
            declared, required = module_variables((repository / "stacks" / "any" / call["source"]).resolve())
            given = set(call.attributes) - {"source"}
            yield from (f"{call.labels[0]}: {name} is not declared" for name in given - declared)
            yield from (f"{call.labels[0]}: {name} is missing" for name in required - given)
