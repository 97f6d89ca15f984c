"""Render a layer of the template; the one module that imports copier."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from generator.answers import Answers
from generator.errors import NewserviceError
from generator.secret import hidden_from_children
from generator.template import Template

Layer = Literal["service", "stack"]


@dataclass(frozen=True)
class File:
    """One rendered file: POSIX path relative to its tree, content, and whether it is executable.

    ``once``: it is its owner's from the moment it is there (copier's ``_skip_if_exists``).
    """

    path: str
    content: bytes
    executable: bool = False
    once: bool = False


def render(template: Template, answers: Answers, layer: Layer, facts: dict[str, Any]) -> tuple[File, ...]:
    """The files of one layer, sorted by path.

    ``facts`` are the values of the internal questions. Renders into a temporary folder of its own, so that
    nothing half-written is ever seen. Raises ``NewserviceError`` when the template is at fault.
    """
    data = {**answers.values, **facts, "layer": layer}
    temporary = tempfile.TemporaryDirectory(prefix="newservice-")
    with _source(template) as source, temporary as target, hidden_from_children():
        # Imported here: it takes a while, and starts a git of its own that must see no token.
        from copier import Settings, run_copy
        from copier.errors import CopierError

        try:
            run_copy(
                str(source),
                target,
                data=data,
                defaults=True,
                overwrite=True,
                quiet=True,
                settings=Settings(),
            )
        except (CopierError, ValueError) as error:
            raise NewserviceError(
                "template.broken",
                f"the {layer} template could not be rendered: {error}",
                "this is a fault of the template, not of your answers",
            ) from error
        return tuple(_read(Path(target), template.made_once(answers.context)))


@contextmanager
def _source(template: Template) -> Iterator[Path]:
    """A copy of the template that copier takes as it stands; in a git checkout it would take the last tag."""
    if not (template.root / ".git").exists():
        yield template.root
        return
    with tempfile.TemporaryDirectory(prefix="newservice-") as folder:
        copy = Path(folder)
        shutil.copy(template.root / "copier.yml", copy)
        shutil.copytree(template.root / "templates", copy / "templates")
        yield copy


def _read(folder: Path, made_once: Container[str]) -> Iterator[File]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            executable = bool(path.stat().st_mode & 0o100)
            name = path.relative_to(folder).as_posix()
            yield File(name, path.read_bytes(), executable, name in made_once)
