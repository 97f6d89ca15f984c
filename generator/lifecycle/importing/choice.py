"""Which service of a Compose file becomes the service, and what it is called. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from generator.base.errors import UsageError
from generator.lifecycle.importing.conventions import Companion, Conventions, expression
from generator.lifecycle.importing.images import last_part
from generator.lifecycle.importing.merging import as_pairs
from generator.lifecycle.importing.nodes import Node
from generator.lifecycle.importing.ports import ports_of
from generator.lifecycle.importing.project import Project
from generator.lifecycle.importing.routes import exposed
from generator.lifecycle.importing.scope import companion, variables_of


def chosen(project: Project, conventions: Conventions, wanted: str = "") -> tuple[str, str]:
    """The service, and why it was taken where others could be meant; empty where there was no choice.

    Raises ``UsageError`` where there is none of the name that is wanted.
    """
    names = tuple(project.services)
    if wanted:
        if wanted not in names:
            raise UsageError(
                "import.no_service", f"{project.file} has no service {wanted}", f"name one of {', '.join(names)}"
            )
        return wanted, ""
    best, *others = candidates(project, conventions)
    if not others:
        return best, ""
    listed = ", ".join(name for name in names if name in others)
    return best, f"of several services {best} is taken; --service names another one ({listed})"


def candidates(project: Project, conventions: Conventions) -> list[str]:
    """The services that may be meant, the likeliest first: applications, where there are any."""
    names = list(project.services)
    found = {name: companion(conventions, node) for name, node in project.services.items()}
    applications = [name for name in names if found[name] is None]
    meant = applications or [name for name in names if _role(found[name]) == "not_shared"] or names
    return sorted(meant, key=lambda name: -_score(project, conventions, found, name))


def _role(found: Companion | None) -> str:
    return found.role if found else ""


def _score(project: Project, conventions: Conventions, found: Mapping[str, Companion | None], name: str) -> int:
    """How much speaks for a service: people reach it, it has the databases, and others wait for it rarely."""
    service = project.services[name]
    labels = as_pairs(service.get("labels"))
    score = 0
    ports = list(ports_of(service))
    score += 4 if any(not port.exposed for port in ports) else 1 if ports else 0
    tile = any(conventions.fits("homepage", "names", text=key) for key in labels)
    score += 4 if exposed(labels, conventions) or tile else 0
    needs = service.get("depends_on")
    needed = {*needs.entries, *(item.text for item in needs.items)}
    score += 2 if any(_role(found.get(key)) == "companion" for key in needed) else 0
    score += 1 if any(found.get(key, "") is None for key in needed) else 0
    texts = [node.text for node in variables_of(project, name).values()]
    companions = [key for key, what in found.items() if _role(what) == "companion"]
    score += (
        2
        if any(re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", text) for key in companions for text in texts)
        else 0
    )
    project_name = project.root.get("name").text
    own = last_part(service.get("image").text)
    score += 2 if project_name and project_name in (name, own) else 0
    score -= 3 if service.get("profiles").items else 0
    score -= 2 if expression(conventions.value("helper_names")).search(name) else 0
    return score


def name_of(project: Project, conventions: Conventions, key: str) -> tuple[str, Node]:
    """What the service may be called, and where that is from."""
    service = project.services[key]
    general = conventions.words("general_names")
    top = project.root.get("name")
    candidates = [top, service.get("container_name")] if key in general else [top]
    for node in candidates:
        if (name := as_name(node.text)) and name not in general:
            return name, node
    if key not in general and as_name(key):
        return as_name(key), service
    image = service.get("image")
    parts = [last_part(image.text), *reversed(image.text.split("/")[:-1])]
    found = next((name for part in parts if "." not in part and (name := as_name(part)) and name not in general), "")
    return (found, image) if found else (as_name(key), service)


def as_name(text: str) -> str:
    """A text as a service's name; empty where nothing is left of it."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    name = name.lstrip("0123456789-")[:40].strip("-")
    return name if len(name) > 1 else ""
