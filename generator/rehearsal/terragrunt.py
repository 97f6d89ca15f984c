"""What Terragrunt adds to a stack, as far as its files say so in plain words. Pure.

Functions and expressions are not evaluated: a file whose contents are computed is left out, and ``remote_state`` too,
for a rehearsal keeps its state beside the stack.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from generator.infra_repo.hcl import Document, HclSyntaxError, parse
from generator.infra_repo.trees import Tree

CONFIGURATION = "terragrunt.hcl"
_PARENT = re.compile(r'find_in_parent_folders\(\s*(?:"([^"]+)"\s*)?\)')
_VARIABLES = re.compile(
    r'"\$\{(?:get_repo_root|get_parent_terragrunt_dir|path_relative_from_include)\(\)\}/([^"$]+\.tfvars(?:\.json)?)"'
)


@dataclass(frozen=True)
class Added:
    """Files beside those of the stack, by name, and paths of files with variables, from the repository's root."""

    files: Mapping[str, str]
    variables: tuple[str, ...]


def added(tree: Tree, stack: str) -> Added:
    """What the configuration of a stack, and the one that it includes, add to it."""
    files: dict[str, str] = {}
    variables: list[str] = []
    for path in _configurations(tree, stack):
        text = _text(tree, path)
        files |= generated(text)
        folder = posixpath.dirname(path)
        variables += [posixpath.normpath(posixpath.join(folder, found)) for found in _VARIABLES.findall(text)]
    return Added(files, tuple(dict.fromkeys(variables)))


def _configurations(tree: Tree, stack: str) -> Iterator[str]:
    """The configurations that hold for a stack, the outermost first."""
    own = posixpath.join(stack, CONFIGURATION)
    for name in _PARENT.findall(_text(tree, own)):
        folder = posixpath.dirname(stack)
        while True:
            path = posixpath.join(folder, name or CONFIGURATION)
            if tree.read(path) is not None:
                yield path
                break
            if not folder:
                break
            folder = posixpath.dirname(folder)
    yield own


def _text(tree: Tree, path: str) -> str:
    return (tree.read(path) or b"").decode("utf-8", "replace")


def generated(text: str) -> dict[str, str]:
    """The files of ``generate`` blocks by name, those left out whose contents are computed."""
    try:
        document = parse(text)
    except HclSyntaxError:
        return {}
    found = {}
    for (_, label), settings in document.settings(["generate", "*"]):
        path, contents = settings.get("path"), _contents(document, label, settings.get("contents"))
        if path and contents is not None and "${" not in contents.replace("$${", ""):
            found[path[0]] = contents.replace("$${", "${")
    return found


def _contents(document: Document, label: str, plain: tuple[str, ...] | None) -> str | None:
    for places in document.heredocs(("generate", label, "contents")):
        if len(places) == 1:
            start, end = places[0]
            return document.data[start:end].decode("utf-8")
    return plain[0] if plain else None
