"""Whether the infra repository's modules declare the arguments that a template version passes. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from generator.infra_repo.hcl import Document, HclSyntaxError, parse
from generator.infra_repo.trees import Listing, Tree
from generator.template.files import File

# What every module call can have, whatever the module declares.
_META_ARGUMENTS = frozenset({"source", "version", "count", "for_each", "depends_on", "providers"})


def outdated(files: Iterable[File], tree: Tree, prefix: str, version: str, before: Iterable[File] = ()) -> str:
    """Why a tree of the infra repository does not go with the stack that a template version makes of ``files``.

    Empty where it is not; access would go unenforced where it is. What the stack passes ``before``, and a tree that
    can't be listed, are no reason.
    """
    if not isinstance(tree, Listing):
        return ""
    known = set(_unknown_arguments(before, tree, prefix))
    unknown = [argument for argument in _unknown_arguments(files, tree, prefix) if argument not in known]
    return f"template {version} is for another state of the infra repository: {'; '.join(unknown)}" if unknown else ""


def _unknown_arguments(files: Iterable[File], tree: Listing, prefix: str) -> Iterator[str]:
    """Arguments that the files below ``prefix`` pass to modules of the same repository that don't take them.

    A module does not take what it doesn't declare, nor a text that is none of those that its validation lists. A module
    that is missing, or whose files can't be read, is skipped.
    """
    for file in files:
        if not file.path.endswith(".tf"):
            continue
        for (_, label), settings in parse(file.content.decode("utf-8")).settings(["module", "*"]):
            source = settings.get("source")
            place = posixpath.normpath(posixpath.join(prefix, source[0])) if source else ""
            declared = _declared(tree, place) if place and not place.startswith("..") else {}
            for name in sorted({name for name in settings if "." not in name} - _META_ARGUMENTS if declared else ()):
                if name not in declared:
                    yield f"{place} has no variable {name} (module {label})"
                elif (value := settings[name]) and declared[name] and not declared[name].issuperset(value):
                    yield f'{place} has no "{value[0]}" for {name} (module {label})'


def _declared(tree: Listing, module: str) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for path in tree.paths(module):
        if path.endswith(".tf") and "/" not in path.removeprefix(f"{module}/"):
            found |= _variables(tree.read(path) or b"")
    return found


@lru_cache(maxsize=256)
def _variables(content: bytes) -> Mapping[str, frozenset[str]]:
    """The variables, each with the texts that it may be; none where that is open."""
    try:
        document = parse(content.decode("utf-8"))
    except (HclSyntaxError, UnicodeDecodeError):
        return {}
    names = [block.path[1] for block in document.blocks(["variable", "*"])]
    return {name: _choices(document, name) for name in names}


def _choices(document: Document, name: str) -> frozenset[str]:
    """What ``contains([...], var.name)`` lists, where that is the whole condition."""
    for container in document.containers(("variable", name, "validation", "condition", "contains")):
        values = [element.value for element in container.elements] if container else []
        behind = document.data[container.closing :] if container else b""
        if None not in values and re.match(rf"\]\s*,\s*var\.{re.escape(name)}\s*\)".encode(), behind):
            return frozenset(value for value in values if value is not None)
    return frozenset()
