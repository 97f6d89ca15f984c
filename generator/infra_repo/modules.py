"""Whether the infra repository's modules declare the arguments that a template version passes. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from functools import lru_cache

from generator.infra_repo.hcl import HclSyntaxError, parse
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
    """Arguments that the files below ``prefix`` pass to modules of the same repository that don't declare them.

    A missing module, or one whose files can't be read, is skipped.
    """
    for file in files:
        if not file.path.endswith(".tf"):
            continue
        for (_, label), settings in parse(file.content.decode("utf-8")).settings(["module", "*"]):
            source = settings.get("source")
            place = posixpath.normpath(posixpath.join(prefix, source[0])) if source else ""
            declared = _declared(tree, place) if place and not place.startswith("..") else frozenset()
            given = {name for name in settings if "." not in name} - _META_ARGUMENTS
            if declared:
                yield from (f"{place} has no variable {name} (module {label})" for name in sorted(given - declared))


def _declared(tree: Listing, module: str) -> frozenset[str]:
    names: set[str] = set()
    for path in tree.paths(module):
        if path.endswith(".tf") and "/" not in path.removeprefix(f"{module}/"):
            names |= _variables(tree.read(path) or b"")
    return frozenset(names)


@lru_cache(maxsize=256)
def _variables(content: bytes) -> frozenset[str]:
    try:
        found = parse(content.decode("utf-8")).blocks(["variable", "*"])
    except (HclSyntaxError, UnicodeDecodeError):
        return frozenset()
    return frozenset(block.path[1] for block in found)
