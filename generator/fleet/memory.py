"""How trees stood before, kept in the person's cache: a tree that did not change stands as it did.

What is remembered is found by everything that it follows from: newservice, the template's versions, and each file of
the tree.
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
from generator.base.files import is_private, write_file
from generator.fleet.findings import FileNote, Finding, Place, State
from generator.template.releases import Releases
from generator.template.template import Template

MOST = 4000
"""Trees that are remembered; the ones looked at last."""

_NAME = "fleet.json"

_KEPT = frozenset({State.CURRENT, State.BEHIND, State.EDITED})


@dataclass
class Memory:
    """What earlier runs found, and what this one finds."""

    basis: str
    _known: dict[str, Any] = field(default_factory=dict)
    _new: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, releases: Releases) -> Memory:
        """What is kept for these versions; nothing where others could have written it, or it is damaged."""
        trees = [[str(release.version), release.tree] for release in releases.all]
        if releases.unreleased:
            trees.append([str(releases.unreleased), releases.standing(Template.installed()).tree])
        memory = cls(json.dumps([__version__, trees]))
        with suppress(Exception):  # whatever is wrong with it: everything is looked at anew
            folder = cache_folder()
            if folder and is_private(folder / _NAME):
                memory._known = dict(json.loads((folder / _NAME).read_bytes()))
        return memory

    def key(self, place: Place, ids: Mapping[str, str]) -> str:
        """What a tree with these contents is remembered by."""
        told = json.dumps([self.basis, place.name, place.layer, place.repository, place.prefix, sorted(ids.items())])
        return hashlib.sha256(told.encode()).hexdigest()

    def recall(self, key: str, place: Place) -> Finding | None:
        """How the tree stood; None where that is not known."""
        with suppress(Exception):
            told = self._known[key]
            files = tuple(FileNote(path, action) for path, action in told["files"])
            state = State(told["state"])
            if state in _KEPT:
                self._new[key] = told
                texts = (told["version"], told["to"])
                return Finding(place, state, *texts, files, told["message"], owned=told["owned"] is True)
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
            }

    def keep(self) -> None:
        """Leave it to later runs, whole or not at all."""
        if self._new.keys() <= self._known.keys():
            return
        with suppress(Exception):  # a full disk or a cache that can't be written: it will be slower, no more
            folder = cache_folder()
            if folder is None:
                return
            others = {key: told for key, told in self._known.items() if key not in self._new}
            kept = dict(list({**others, **self._new}.items())[-MOST:])
            write_file(folder / _NAME, json.dumps(kept))
