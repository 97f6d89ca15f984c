"""What the template makes of complete answers: the tree of their layer. Pure but for reading the template.

Copier defines the template's format, and a plain ``copier copy`` makes the same bytes: a release is checked for that
(``release_check``), and so is every kind of service (tests/test_renderer.py).
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from jinja2 import TemplateError

from generator.base.errors import NewserviceError
from generator.template.answers import Answers
from generator.template.files import File
from generator.template.questions import MISSING
from generator.template.resolution import same
from generator.template.template import Template


@dataclass(frozen=True)
class Source:
    """A file of the template: its path, its text or its bytes, and whether it is executable.

    Templates before 2.3.0 have expressions in paths; later ones list the conditions in ``_exclude``.
    """

    path: str
    text: str | None
    content: bytes
    executable: bool

    @cached_property
    def computed(self) -> bool:
        """Whether the path depends on the answers."""
        return "[" in self.path


_REMEMBERED = 4
"""Ways that a text came out, which are remembered: a change compares several trees."""


@dataclass(frozen=True)
class _Rendered:
    """What a text came out as, and the values of all names that were looked up for it."""

    content: bytes
    reads: Mapping[str, Any]

    def fits(self, context: Mapping[str, Any]) -> bool:
        """Whether it comes out the same with these variables."""
        return all(same(context.get(name, MISSING), value) for name, value in self.reads.items())


@dataclass
class Renderer:
    """Renders trees of one version of the template.

    A text is rendered again only where something that it looked up is another object, or another plain value, than the
    last times: ``Answers.with_facts`` and ``resolve`` leave everything else as it is.
    """

    template: Template
    _trees: dict[str, tuple[Source, ...]] = field(default_factory=dict)
    _rendered: dict[str, tuple[_Rendered, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, template: Template) -> Renderer:
        """The one of a template, with what it rendered before."""
        found: Renderer | None = template.memory.get(Renderer)
        if found is None:
            found = template.memory[Renderer] = cls(template)
        return found

    def render(self, answers: Answers, without: Collection[str] = ()) -> tuple[File, ...]:
        """The files that these answers make of their layer, sorted by path, without those at the paths ``without``.

        Raises ``NewserviceError`` where the template is at fault.
        """
        context = {
            **answers.context,
            "_copier_answers": answers.values,
            "_copier_conf": {"answers_file": str(self.template.config.get("_answers_file", ".copier-answers.yml"))},
        }
        found, at = [], "its folder"
        try:
            once = self.template.made_once(answers.context)
            for path, source in self.sources(context):
                at = source.path
                if path not in without:
                    found.append(File(path, self.content(source, context), source.executable, path in once))
        except (TemplateError, TypeError, ValueError, AttributeError, LookupError) as error:
            raise NewserviceError(
                "template.broken",
                f"the {answers.layer} template could not be rendered: {at}: {error}",
                "this is a fault of the template, not of your answers",
            ) from error
        return tuple(sorted(found, key=lambda file: Path(file.path)))

    def sources(self, context: Mapping[str, Any]) -> Iterator[tuple[str, Source]]:
        """The template's files that a tree has with these answers, each with the path that it is rendered to."""
        left_out = self.template.left_out(context)
        for source in self._sources(self.template.render(self.template.config["_subdirectory"], context)):
            path = self._path(source.path, context) if source.computed else source.path
            if path and left_out.isdisjoint(_places(path)):
                yield path, source

    def content(self, source: Source, context: Mapping[str, Any]) -> bytes:
        """What a file of the template is rendered to with these answers."""
        if source.text is None:
            return source.content
        earlier = self._rendered.get(source.text, ())
        known = next((item for item in earlier if item.fits(context)), None)
        if known is None:
            reads: set[str] = set()
            content = self.template.render(source.text, context, reads).encode()
            known = _Rendered(content, {name: context.get(name, MISSING) for name in reads})
            self._rendered[source.text] = (known, *earlier[: _REMEMBERED - 1])
        return known.content

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
        excluded = self.template.never_rendered
        for place in sorted(root.rglob("*")):
            path = place.relative_to(root).as_posix()
            if not place.is_file() or any(fnmatch(part, name) for part in path.split("/") for name in excluded):
                continue
            content = place.read_bytes()
            text = content.decode() if path.endswith(suffix) else None
            yield Source(path.removesuffix(suffix), text, content, bool(place.stat().st_mode & 0o100))


@lru_cache(maxsize=1024)
def _places(path: str) -> frozenset[str]:
    """The file and the folders that it is in: leaving out one of them leaves out the file."""
    names = path.split("/")
    return frozenset("/".join(names[: number + 1]) for number in range(len(names)))
