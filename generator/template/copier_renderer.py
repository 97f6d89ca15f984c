"""Render a layer of the template; the one module that imports copier."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from generator.base.errors import NewserviceError
from generator.template.answers import Answers, resolve
from generator.template.questions import load_questions
from generator.template.template import Template

Layer = Literal["service", "stack"]

_one_at_a_time = threading.Lock()


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
    internal = {name: value for name, value in answers.values.items() if name not in answers.public}
    complete = resolve(template, load_questions(template), answers.public, {**internal, **facts, "layer": layer})
    temporary = tempfile.TemporaryDirectory(prefix="newservice-")
    with _source(template, complete) as source, temporary as target, _without_git():
        # Imported here: it takes a while.
        from copier import Settings, run_copy
        from copier.errors import CopierError

        try:
            run_copy(
                str(source),
                target,
                data=complete.context,
                defaults=True,
                overwrite=True,
                quiet=True,
                unsafe=True,  # for our own extension: the template was read without it
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
def _without_git() -> Iterator[None]:
    """Let copier find no git, one rendering at a time.

    It would run git for every file, in a folder that it makes the whole process's; neither the template nor what is
    rendered here is a repository.
    """
    from plumbum import local  # copier's own way to programs

    with _one_at_a_time, local.env(PATH=os.devnull):
        yield


@contextmanager
def _source(template: Template, answers: Answers) -> Iterator[Path]:
    """The template for answers that are complete: copier has nothing to ask, compute or check any more.

    Its questions only say what is recorded. A folder of its own, for in a git checkout copier takes the last tag.
    """
    settings = {key: value for key, value in template.config.items() if key.startswith("_")}
    settings["_jinja_extensions"] = [
        *settings.get("_jinja_extensions", []),
        "generator.template.template_cache.Remembering",
    ]
    recorded = {name: {"type": template.config[name].get("type", "yaml")} for name in answers.values}
    with tempfile.TemporaryDirectory(prefix="newservice-") as folder:
        copy = Path(folder)
        (copy / "copier.yml").write_text(json.dumps({**settings, **recorded}), encoding="utf-8")
        shutil.copytree(template.root / "templates", copy / "templates")
        yield copy


def _read(folder: Path, made_once: Container[str]) -> Iterator[File]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            executable = bool(path.stat().st_mode & 0o100)
            name = path.relative_to(folder).as_posix()
            yield File(name, path.read_bytes(), executable, name in made_once)
