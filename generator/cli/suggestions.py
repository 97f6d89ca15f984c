"""What a shell suggests for the value of a parameter: quick, and without any network.

click calls ``files``, ``folders``, ``services`` and ``versions``, and for a question's flag what ``answers_to``
returns, with the context, the parameter and what was typed of the value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from generator.base.contained import Contained
from generator.base.folders import expanded
from generator.template.files import ANSWERS_FILE
from generator.template.questions import Question
from generator.template.template import PACKAGE, Template, parse_yaml

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from generator.platform.profile import Platform

Suggest = Callable[[click.Context, click.Parameter, str], list["CompletionItem"]]


def files(_context: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files, which the shell itself finds."""
    return _of_the_shell("file", incomplete)


def folders(_context: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Folders, which the shell itself finds."""
    return _of_the_shell("dir", incomplete)


def services(context: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Services by the clone of the infra repository, as it is checked out, and by the folders here."""
    if context.params.get("sandbox"):
        return []
    platform = _platform(context)
    chosen = context.params.get("infra")
    clone = expanded(chosen) if chosen else platform.connection.infra_clone
    return _fitting(service_names(clone / platform.infra.stacks, Path.cwd()), incomplete)


def versions(_context: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Released versions of the template."""
    return _fitting(released_versions(), incomplete)


def answers_to(question: Question) -> Suggest:
    """Suggests single words that answer a question, on the platform that the command line names."""

    def suggest(context: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        facts = _platform(context).facts if isinstance(question.choices, str) else {}
        explains = question.explains if isinstance(question.explains, Mapping) else {}
        return _fitting(answer_words(Template.installed(), question, facts), incomplete, explains)

    return suggest


def _of_the_shell(kind: str, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type=kind)]


def _fitting(words: Iterable[str], incomplete: str, explains: Mapping[str, str] | None = None) -> list[CompletionItem]:
    """Those of the words that begin so. None that a shell would take for a flag, nor one that can't be typed."""
    from click.shell_completion import CompletionItem

    fitting = [word for word in words if word.startswith(incomplete) and word[:1] != "-" and word.isprintable()]
    return [CompletionItem(word, help=(explains or {}).get(word)) for word in fitting]


def _platform(context: click.Context) -> Platform:
    from generator.platform.profile import load_platform

    chosen = context.params.get("platform")
    return load_platform(Template.installed().platform, expanded(chosen) if chosen else None)


def answer_words(template: Template, question: Question, facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Single words that answer a question: its choices, those of the platform, or those of its shape."""
    choices = question.choices
    if isinstance(choices, str):
        choices = tuple(parse_yaml(template.render(choices, {"platform": facts})))
    found = [*choices, *_words(question.shape or {})]
    return tuple(dict.fromkeys(str(word) for word in found))


def _words(shape: Mapping[str, Any]) -> Iterator[str]:
    """The words that a shape takes by themselves; not those inside of its lists and maps."""
    listed = shape.get("enum", ())
    yield from (word for word in listed if isinstance(word, str))
    if shape.get("type") == "boolean" and not listed:
        yield from ("true", "false")
    for branch in shape.get("anyOf", ()):
        yield from _words(branch)
    if shape.get("type") == "array":
        yield from _words(shape.get("items", {}))


def service_names(stacks: Path, folder: Path) -> tuple[str, ...]:
    """Names of services: stacks with an answers file below ``stacks``, and services' repositories below ``folder``."""
    found = {name for name, _ in _answers_files(stacks)}
    found |= {name for name, content in _answers_files(folder) if _is_ours(name, content)}
    return tuple(sorted(found))


def released_versions() -> tuple[str, ...]:
    """All released versions of the template, the newest first."""
    index = json.loads((PACKAGE / "released" / "index.json").read_text(encoding="utf-8"))
    return tuple(str(entry["version"]) for entry in reversed(index))


def _answers_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The names of folders with an answers file, and what is in it."""
    tree = Contained.behind(folder)
    with suppress(OSError):
        for name in tree.folders():
            content = tree.read(f"{name}/{ANSWERS_FILE}")
            if content is not None:
                yield name, content


def _is_ours(name: str, content: bytes) -> bool:
    """Whether it is the answers file of a service of this name; other templates of copier leave such too."""
    return f"\nname: {name}\n".encode() in b"\n" + content
