"""What a tree records of the service in it: the one reader of answers files, for trees of every kind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from packaging.version import InvalidVersion, Version

from generator.base.errors import UnreadableError
from generator.base.external import ExternalTextError, read_yaml
from generator.infra_repo.trees import Tree
from generator.template.files import ANSWERS_FILE, Layer

_DESCRIBED = re.compile(r"-\d+-g[0-9a-f]+$")
"""How git calls a commit after a tag."""


@dataclass(frozen=True)
class Recorded:
    """The answers file at ``place``, as it was read. ``document`` is empty where there is no file, or no map in it.

    ``problem`` says why nothing can be rendered from it; the rest is still proof of whose the tree is.
    """

    place: str = ANSWERS_FILE
    document: Mapping[str, Any] = field(default_factory=dict)
    problem: UnreadableError | None = None

    def __bool__(self) -> bool:
        return bool(self.document)

    @property
    def name(self) -> str:
        """The service's name; empty where none is recorded."""
        name = self.document.get("name")
        return name if isinstance(name, str) else ""

    @property
    def layer(self) -> Layer:
        """The layer. Raises ``UnreadableError`` where none is recorded."""
        layer = self.document.get("layer")
        if layer not in ("service", "stack"):
            raise _unreadable(self.place, "does not say which layer it is of")
        return cast("Layer", layer)

    @cached_property
    def version(self) -> Version:
        """The template's version. Raises ``UnreadableError`` where it is no released one."""
        commit = self.document.get("_commit")
        if isinstance(commit, str) and not _DESCRIBED.search(commit):
            try:
                return Version(commit)
            except InvalidVersion:
                pass
        raise _unreadable(self.place, f"says that it is from {commit!r}, which is no released version of the template")

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """People's answers, and the facts that newservice recorded with them."""
        return {key: value for key, value in self.document.items() if not str(key).startswith("_")}

    @property
    def owned(self) -> bool:
        """Whether the service has a repository of its own."""
        return bool(self.values.get("image_source") == "owned")

    @property
    def profile(self) -> Mapping[str, Any]:
        """What the platform's profile said otherwise than the template's own."""
        return dict(self.values.get("profile") or {})

    def differing(self, wanted: Mapping[str, Any]) -> tuple[str, ...]:
        """Questions that ``wanted`` answers differently; what was not recorded does not count."""
        return tuple(name for name, value in wanted.items() if name in self.values and self.values[name] != value)

    def sound(self) -> Recorded:
        """The same, which can be rendered again. Raises its ``problem``."""
        if self.problem:
            raise self.problem
        return self


UNRECORDED = Recorded()
"""Of a tree that does not exist."""


def read_recorded(tree: Tree, prefix: str = "") -> Recorded:
    """What is recorded below ``prefix`` (with a trailing slash, or empty) of a folder, a commit or a forge's branch.

    Never raises for what is wrong with the file: that is the result's ``problem``.
    """
    place = f"{prefix}{ANSWERS_FILE}"
    content = tree.read(place)
    if content is None:
        problem = UnreadableError(
            "update.no_answers", f"there is no {place}", "name a repository or a stack that newservice made"
        )
        return Recorded(place, {}, problem)
    return parse_recorded(content, place)


def parse_recorded(content: bytes, place: str = ANSWERS_FILE) -> Recorded:
    """The same for the content of an answers file; ``place`` is for messages."""
    try:
        data = read_yaml(content)
    except ExternalTextError as error:
        return Recorded(place, {}, _unreadable(place, f"is not valid YAML: {error}"))
    recorded = Recorded(place, data if isinstance(data, dict) else {})
    return Recorded(place, recorded.document, _problem(recorded))


def _problem(recorded: Recorded) -> UnreadableError | None:
    if not recorded.name:
        return _unreadable(recorded.place, "names no service")
    try:
        _ = recorded.layer
        if not isinstance(recorded.values.get("profile") or {}, dict):
            return _unreadable(recorded.place, "has a profile that is none")
        _ = recorded.version
    except UnreadableError as error:
        return error
    return None


def _unreadable(place: str, what: str) -> UnreadableError:
    return UnreadableError(
        "update.unreadable", f"{place} {what}", f"bring it back as it was committed last (git log -- {place})"
    )
