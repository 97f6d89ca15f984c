"""Flags that several commands share: each with its name, its help, and what a shell suggests for its value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import click

from generator.cli.suggestions import files, folders, services, versions

Command = TypeVar("Command", bound=Callable[..., Any])
Flag = Callable[[Any], Any]


def shared(*wanted: Flag) -> Callable[[Command], Command]:
    """A decorator that gives a command these flags, in this order."""

    def decorate(command: Command) -> Command:
        for flag in wanted if isinstance(command, click.Command) else reversed(wanted):
            command = flag(command)
        return command

    return decorate


def platform(text: str = "The platform profile.") -> Flag:
    """``--platform``, with its help."""
    return click.option("--platform", metavar="FILE", shell_complete=files, help=text)


def infra(text: str = "A clone of the infra repository.") -> Flag:
    """``--infra``, with its help."""
    return click.option("--infra", metavar="PATH", shell_complete=folders, help=text)


def service_dir(text: str) -> Flag:
    """``--service-dir``, with its help."""
    return click.option("--service-dir", metavar="PATH", shell_complete=folders, help=text)


def answers(text: str) -> Flag:
    """``--answers``, with its help."""
    return click.option("--answers", "answers_file", metavar="FILE", shell_complete=files, help=text)


def dry_run(text: str) -> Flag:
    """``--dry-run``, with its help."""
    return click.option("--dry-run", is_flag=True, help=text)


def diff(text: str = "Show the plan's diffs as well.") -> Flag:
    """``--diff``, with its help."""
    return click.option("--diff", "diffs", is_flag=True, help=text)


def yes(text: str = "Do not ask for confirmation.") -> Flag:
    """``--yes``, with its help."""
    return click.option("--yes", is_flag=True, help=text)


def quiet(text: str = "Errors only.") -> Flag:
    """``--quiet``, with its help."""
    return click.option("--quiet", is_flag=True, help=text)


NAME = click.argument("name", required=False)
"""NAME of a service that may not exist yet."""

SERVICE = click.argument("name", required=False, shell_complete=services)
"""NAME of a service that exists."""

SETS = click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="One answer; wins over --answers.")
UNSET = click.option(
    "--unset", multiple=True, metavar="QUESTION.ENTRY", help="Remove an entry of an answer, such as env.LOG_LEVEL."
)
REPLACE = click.option(
    "--replace", "replaced", multiple=True, metavar="QUESTION", help="Replace a whole map or list by what is given."
)
ACCEPT_LOSS = click.option(
    "--accept-loss",
    "accepted",
    multiple=True,
    metavar="PLACE",
    help="Accept that data is lost, such as volumes.data.",
)
OPEN = click.option("--open", "opened", is_flag=True, help="Make reachable what the new answers open.")
CHECKOUT = click.option(
    "--checkout",
    "checkouts",
    multiple=True,
    metavar="PATH",
    shell_complete=folders,
    help="A clean clone of a changed repository, to be switched to the change's branch; may be repeated.",
)
SANDBOX = click.option("--sandbox", is_flag=True, help="Use the embedded platform, started for this call.")
NON_INTERACTIVE = click.option("--non-interactive", is_flag=True, help="Never ask; implied without a terminal.")
JSON = click.option("--json", "json_lines", is_flag=True, help="One JSON object a line on standard output.")
VERBOSE = click.option("--verbose", is_flag=True, help="More detail.")
ONLY = click.option(
    "--only", multiple=True, metavar="GLOB", shell_complete=services, help="Services whose name fits; may be repeated."
)
TO = click.option(
    "--to",
    metavar="VERSION",
    shell_complete=versions,
    help="A released version of the template.  [default: the newest]",
)

TEMPLATE = click.option(
    "--template",
    metavar="VERSION",
    shell_complete=versions,
    help="Make a new service with this released version of the template.  [default: the installed one]",
)

TEMPLATE_OF = click.option(
    "--template",
    metavar="VERSION",
    shell_complete=versions,
    help="The schema of a released version of the template.  [default: the installed one]",
)


def chosen_template(options: Mapping[str, Any]) -> tuple[str, ...]:
    """``--template`` as it was given, for another command."""
    return ("--template", str(options["template"])) if options.get("template") else ()


def places(options: Mapping[str, Any]) -> Iterator[str]:
    """The flags that say where everything is, as they were given, for another command."""
    for name in ("platform", "infra", "service_dir", "sandbox", "no_provision"):
        if value := options.get(name):
            flag = f"--{name.replace('_', '-')}"
            yield from (flag,) if value is True else (flag, str(value))
