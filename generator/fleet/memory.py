"""Findings of earlier runs, kept in the user's cache: a tree that did not change need not be looked at again.

The key of a finding is a hash of everything it follows from: the newservice version, the template's versions, and each
file of the tree.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from generator import __version__
from generator.base.cache import cache_folder
from generator.base.files import read_private, write_file
from generator.fleet.findings import FileNote, Finding, Place, State
from generator.template.releases import Releases
from generator.template.template import Template

MOST = 4000
"""The number of trees that are remembered: those looked at last."""

_MOST_BYTES = 64_000_000

_NAME = "fleet.json"

_KEPT = frozenset({State.CURRENT, State.BEHIND, State.EDITED})


@dataclass
class Memory:
    """The findings of earlier runs, and of this one."""

    basis: str
    _known: dict[str, Any] = field(default_factory=dict)
    _new: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, releases: Releases) -> Memory:
        """The findings kept for these versions; empty if others could have written the file, or it is damaged."""
        trees = [[str(release.version), release.tree] for release in releases.all]
        if releases.unreleased:
            trees.append([str(releases.unreleased), releases.standing(Template.installed()).tree])
        memory = cls(json.dumps([__version__, trees]))
        with suppress(Exception):  # whatever is wrong with it: everything is looked at again
            folder = cache_folder()
            content = read_private(folder / _NAME, _MOST_BYTES) if folder else None
            memory._known = dict(json.loads(content)) if content else {}
        return memory

    def key(self, place: Place, ids: Mapping[str, str]) -> str:
        """The key under which a tree with these contents is remembered."""
        inputs = json.dumps([self.basis, place.name, place.layer, place.repository, place.prefix, sorted(ids.items())])
        return hashlib.sha256(inputs.encode()).hexdigest()

    def recall(self, key: str, place: Place) -> Finding | None:
        """The finding for an unchanged tree; None if it is not known."""
        with suppress(Exception):
            entry = self._known[key]
            files = tuple(FileNote(_text(path), _text(action)) for path, action in entry["files"])
            state = State(entry["state"])
            if state in _KEPT:
                texts = (_text(entry["version"]), _text(entry["to"]))
                known = {name: _text(entry[name]) for name in ("host", "namespace")}
                message, owned = _text(entry["message"]), entry["owned"] is True
                self._new[key] = entry
                return Finding(place, state, *texts, files, message, owned=owned, **known)
        return None

    def remember(self, key: str, finding: Finding) -> None:
        """Keep a finding that follows from the tree alone."""
        if finding.state in _KEPT:
            self._new[key] = {
                "state": finding.state.value,
                "version": finding.version,
                "to": finding.to,
                "files": [[file.path, file.action] for file in finding.files],
                "message": finding.message,
                "owned": finding.owned,
                "host": finding.host,
                "namespace": finding.namespace,
            }

    def keep(self) -> None:
        """Write the cache file for later runs, atomically; failures are ignored."""
        if self._new.keys() <= self._known.keys():
            return
        with suppress(Exception):  # a full disk or an unwritable cache only makes later runs slower
            folder = cache_folder()
            if folder is None:
                return
            others = {key: entry for key, entry in self._known.items() if key not in self._new}
            kept = dict(list({**others, **self._new}.items())[-MOST:])
            write_file(folder / _NAME, json.dumps(kept))


def _text(value: Any) -> str:
    """A text that was kept. Raises ``TypeError`` for anything else."""
    if not isinstance(value, str):
        raise TypeError(value)
    return value
