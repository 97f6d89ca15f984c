"""What an answers file says of the tree it stands in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import yaml
from packaging.version import InvalidVersion, Version

from generator.base.errors import UnreadableError
from generator.infra_repo.tree_diff import ANSWERS_FILE
from generator.infra_repo.trees import Tree
from generator.template.files import Layer
from generator.template.template import parse_yaml

_DESCRIBED = re.compile(r"-\d+-g[0-9a-f]+$")
"""How git calls a commit after a tag."""


@dataclass(frozen=True)
class Recorded:
    """A tree that newservice made: which service and layer, from which version, with which answers."""

    name: str
    layer: Layer
    version: Version
    values: Mapping[str, Any]

    @property
    def owned(self) -> bool:
        """Whether the service has a repository of its own."""
        return bool(self.values.get("image_source") == "owned")

    @property
    def profile(self) -> Mapping[str, Any]:
        """What the platform's profile said otherwise than the template's own."""
        return dict(self.values.get("profile") or {})


def read_recorded(tree: Tree, prefix: str = "") -> Recorded:
    """The answers file below ``prefix`` (with a trailing slash, or empty). Raises ``UnreadableError``."""
    place = f"{prefix}{ANSWERS_FILE}"
    content = tree.read(place)
    if content is None:
        raise UnreadableError(
            "update.no_answers", f"there is no {place}", "name a repository or a stack that newservice made"
        )
    return parse_recorded(content, place)


def parse_recorded(content: bytes, place: str) -> Recorded:
    """What an answers file says; ``place`` is for messages. Raises ``UnreadableError``."""
    try:
        data = parse_yaml(content)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        raise _unreadable(place, f"is not valid YAML{line}") from None
    return recorded_in(data, place)


def recorded_in(data: Any, place: str) -> Recorded:
    """What an answers file that was read says; ``place`` is for messages. Raises ``UnreadableError``."""
    if not isinstance(data, dict) or not isinstance(data.get("name"), str):
        raise _unreadable(place, "names no service")
    if data.get("layer") not in ("service", "stack"):
        raise _unreadable(place, "does not say which layer it is of")
    values = {key: value for key, value in data.items() if not str(key).startswith("_")}
    if not isinstance(values.get("profile") or {}, dict):
        raise _unreadable(place, "has a profile that is none")
    return Recorded(data["name"], cast("Layer", data["layer"]), _version(data.get("_commit"), place), values)


def _version(commit: Any, place: str) -> Version:
    if isinstance(commit, str) and not _DESCRIBED.search(commit):
        try:
            return Version(commit)
        except InvalidVersion:
            pass
    raise _unreadable(place, f"says that it is from {commit!r}, which is no released version of the template")


def _unreadable(place: str, what: str) -> UnreadableError:
    return UnreadableError(
        "update.unreadable", f"{place} {what}", f"bring it back as it was committed last (git log -- {place})"
    )
