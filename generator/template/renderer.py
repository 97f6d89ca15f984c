"""What a version of the template makes of answers, without copier: for many services at once. Pure but for reading it.

Copier takes five times as long and can't render two trees at a time in one process; a fleet needs hundreds. That both
make the same bytes is tested for every kind of service (tests/test_replay.py).
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from generator.template.answers import Answers
from generator.template.copier_renderer import File
from generator.template.template import Template


@dataclass(frozen=True)
class Source:
    """A file of the template: its path with expressions, its text or its bytes, and whether it is executable."""

    path: str
    text: str | None
    content: bytes
    executable: bool


@dataclass
class Replay:
    """Renders trees of one version of the template."""

    template: Template
    _trees: dict[str, tuple[Source, ...]] = field(default_factory=dict)

    def render(self, answers: Answers, without: Collection[str] = ()) -> tuple[File, ...]:
        """The files that these complete answers make, sorted by path. ``answers`` holds its layer and its facts.

        Files at the paths ``without`` are not made.
        """
        config = self.template.config
        answers_file = str(config.get("_answers_file", ".copier-answers.yml"))
        context = {
            **answers.context,
            "_copier_answers": answers.values,
            "_copier_conf": {"answers_file": answers_file},
        }
        once = self.template.made_once(answers.context)
        found = []
        for source in self._sources(self.template.render(config["_subdirectory"], answers.context)):
            path = self._path(source.path, context)
            if path and path not in without:
                content = source.content if source.text is None else self._text(source.text, context)
                found.append(File(path, content, source.executable, path in once))
        return tuple(sorted(found, key=lambda file: Path(file.path)))

    def _text(self, text: str, context: Mapping[str, Any]) -> bytes:
        return self.template.render(text, context).encode()

    def _path(self, path: str, context: Mapping[str, Any]) -> str:
        """The path for these answers; empty where one of its parts is, for then there is no such file."""
        parts = [self.template.render(part, context) for part in path.split("/")]
        return posixpath.join(*parts) if all(parts) else ""

    def _sources(self, folder: str) -> tuple[Source, ...]:
        if folder not in self._trees:
            self._trees[folder] = tuple(self._read(self.template.root / folder))
        return self._trees[folder]

    def _read(self, root: Path) -> Iterator[Source]:
        suffix = str(self.template.config["_templates_suffix"])
        excluded = self.template.config.get("_exclude", ())
        for place in sorted(root.rglob("*")):
            path = place.relative_to(root).as_posix()
            if not place.is_file() or any(fnmatch(part, name) for part in path.split("/") for name in excluded):
                continue
            content = place.read_bytes()
            text = content.decode() if path.endswith(suffix) else None
            yield Source(path.removesuffix(suffix), text, content, bool(place.stat().st_mode & 0o100))
