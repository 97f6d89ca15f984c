"""Commands and their flags, from click."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from docs.builder.parts import Rows, table
from generator.cli.commands import group

COMMON_OF = "newservice plan"
"""The command whose flags are the common ones, but for its own."""


def commands(command: click.Command = group, path: str = "newservice") -> Iterator[tuple[str, click.Command]]:
    """Every command with its whole name, groups before what is in them."""
    if path != "newservice":
        yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                yield from commands(below, f"{path} {name}")


def options(command: click.Command) -> list[click.Option]:
    """A command's flags, those of the questions left out."""
    return [
        item for item in command.params if isinstance(item, click.Option) and not str(item.name).startswith("answer_")
    ]


def flags(command: click.Command, *, questions: bool) -> set[str]:
    """The names of a command's flags, with those of the questions or without."""
    own = {str(item.name) for item in options(command)}
    return {
        flag
        for item in command.params
        if isinstance(item, click.Option) and (questions or str(item.name) in own)
        for flag in [*item.opts, *item.secondary_opts]
    }


def common() -> list[str]:
    """The flags that every command takes which asks the questions."""
    known = dict(commands())
    asking = [flags(item, questions=False) for item in known.values() if _asks(item) and "--yes" in _names(item)]
    return [item.opts[0] for item in options(known[COMMON_OF]) if all(item.opts[0] in found for found in asking)]


def takes_common(command: click.Command) -> bool:
    """Whether a command has all of the common flags."""
    return set(common()) <= flags(command, questions=False)


def flags_part(argument: str, _old: Rows) -> str:
    """The table of one command's flags; ``common`` for those that several have."""
    known = dict(commands())
    if argument == "common":
        shared = common()
        names = [f"`{path.removeprefix('newservice ')}`" for path, item in known.items() if takes_common(item)]
        shown = [item for item in options(known[COMMON_OF]) if item.opts[0] in shared]
        return f"{_listed(names)} take these, and a flag for each [question](questions.md).\n\n{_table(shown)}"
    command = known[argument]
    own = options(command)
    if takes_common(command):
        own = [item for item in own if item.opts[0] not in common()]
        said = "[The common flags](#common-flags), and a flag for each [question](questions.md)"
        return f"{said}; besides:\n\n{_table(own)}" if own else f"{said}."
    if not own:
        return "It has no flags."
    return _table(own) + ("\n\nBesides a flag for each [question](questions.md)." if _asks(command) else "")


def with_all_commands(text: str) -> str:
    """The page with a section for each command: a new one comes after the one before it, or last."""
    before = ""
    for path, command in commands():
        heading = f"## `{path}`\n"
        if heading not in text:
            part = "" if isinstance(command, click.Group) else f"\n<!-- generated: flags {path} -->\n<!-- end -->\n"
            section = f"{heading}\n{first_paragraph(command)}\n{part}\n"
            following = text.find("\n## `newservice", text.index(before) + 1) + 1 if before else 0
            text = text[:following] + section + text[following:] if following else f"{text}\n{section.strip()}\n"
        before = heading
    return text


def first_paragraph(command: click.Command) -> str:
    """What a command's help begins with."""
    return " ".join((command.help or "").split("\n\n")[0].split())


def _asks(command: click.Command) -> bool:
    return any(str(item.name).startswith("answer_") for item in command.params)


def _names(command: click.Command) -> set[str]:
    return flags(command, questions=False)


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _table(items: list[click.Option]) -> str:
    return table(["flag", "meaning"], [(_flag(item), _meaning(item)) for item in items])


def _flag(item: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in [*item.opts, *item.secondary_opts])
    if item.is_flag:
        return names
    placeholder = item.metavar or item.type.name.upper()
    return f"{names} {placeholder.replace('|', ' or ')}"


def _meaning(item: click.Option) -> str:
    shown = re.sub(
        r"\s*\[default: (.*?)\]", lambda found: f" Default: {found[1]}.", " ".join((item.help or "").split())
    )
    if item.multiple and "repeated" not in shown:
        shown += " May be repeated."
    default = item.default
    if "Default:" not in shown and isinstance(default, int | str) and not isinstance(default, bool) and default != "":
        shown += f" Default: {default}."
    return shown.replace("|", "\\|")
