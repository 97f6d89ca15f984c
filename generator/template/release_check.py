"""Whether a template is fit to be released: copier and newservice make the same files of it. Alone imports copier.

A plain ``copier update`` uses copier; if it differed from newservice, one release would have two results.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

import yaml
from copier import Settings, run_copy
from copier.errors import CopierError
from jinja2 import TemplateError

from generator.base.errors import AnswersError, NewserviceError, UsageError
from generator.template.answers import Answers, resolve
from generator.template.files import File, Layer
from generator.template.questions import load_questions
from generator.template.renderer import Renderer
from generator.template.template import Template, parse_yaml

SMALLEST = {"name": "sample", "title": "Sample", "description": "A sample", "image": "ghcr.io/example/sample:1.0.0"}
"""What the smallest services say; an answer whose question does not apply is skipped."""

VARIED = ("image_source", "language", "kind")
"""The questions that decide which files there are: every combination of their choices is rendered."""


def check_template(template: Template) -> int:
    """Render the smallest service of each kind and language with copier and without; how many trees.

    Raises ``UsageError`` when the template can't be read or rendered, or when the two differ.
    """
    try:
        return _check(template)
    except UsageError:
        raise
    except NewserviceError as error:
        raise _unfit(error.message) from error
    except (TemplateError, yaml.YAMLError, OSError, LookupError, TypeError, ValueError) as error:
        raise _unfit(f"it can't be read or rendered: {type(error).__name__}: {error}") from error


def _check(template: Template) -> int:
    renderer, count = Renderer(template), 0
    with tempfile.TemporaryDirectory(prefix="newservice-") as folder:
        plain = plain_template(template, Path(folder))
        for answers in _samples(template):
            if different := differences(plain, renderer.render(answers)):
                sample = ", ".join(str(answers.values[name]) for name in VARIED if name in answers.values)
                raise _unfit(f"copier and newservice make different files of {sample}: {', '.join(different)}")
            count += 1
    return count


def plain_template(template: Template, folder: Path) -> Path:
    """A copy of a template below ``folder``: in a git checkout copier takes the last tag."""
    shutil.copytree(template.root / "templates", folder / "templates")
    shutil.copy(template.root / "copier.yml", folder)
    return folder


def differences(plain: Path, files: Iterable[File]) -> list[str]:
    """Paths at which copier makes something else of a template than ``files``, from the answers that these record.

    Copier asks, computes and checks by itself. Raises ``UsageError`` where it can't render the template.
    """
    ours = {file.path: (file.content, file.executable) for file in files}
    recorded = parse_yaml(ours[".copier-answers.yml"][0])
    data = {name: value for name, value in recorded.items() if not name.startswith("_")}
    with tempfile.TemporaryDirectory(prefix="newservice-") as target:
        try:
            run_copy(str(plain), target, data=data, defaults=True, overwrite=True, quiet=True, settings=Settings())
        except (CopierError, ValueError) as error:
            raise _unfit(f"copier can't render it: {error}") from error
        theirs = {
            path.relative_to(target).as_posix(): (path.read_bytes(), bool(path.stat().st_mode & 0o100))
            for path in Path(target).rglob("*")
            if path.is_file()
        }
    return sorted(path for path in {*ours, *theirs} if ours.get(path) != theirs.get(path))


def _samples(template: Template) -> Iterator[Answers]:
    """The smallest services that the template allows, each layer. Raises ``UsageError`` where it allows none."""
    questions = load_questions(template)
    choices = {question.name: question.choices for question in questions if question.name in VARIED}
    layers: tuple[Layer, ...] = ("service", "stack")
    seen: list[dict[str, object]] = []
    refused = ""
    for layer, chosen in product(layers, product(*choices.values())):
        given = {**SMALLEST, **dict(zip(choices, chosen, strict=True))}
        try:
            answers = resolve(template, questions, given, {"layer": layer})
        except AnswersError as error:  # choices that don't go together
            refused = error.problems[0].message
            continue
        if answers.values not in seen and (answers.owned or layer == "stack"):
            seen.append(answers.values)
            yield answers
    if not seen:
        raise _unfit(f"it allows no small service: {refused}")


def _unfit(why: str) -> UsageError:
    return UsageError(
        "template.unfit", f"the template is not fit to be released: {why}", "correct the template; nothing was released"
    )
