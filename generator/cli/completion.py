"""``newservice completion``: the script for a shell, and the answers that the script asks for.

click provides both; this module only corrects what its scripts get wrong. A shell waits for an answer at every key
press, so nothing is imported that talks to a system.
"""

from __future__ import annotations

import os
import re
from contextlib import redirect_stderr, suppress

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    get_completion_class,
    shell_complete,
)

from generator.base.errors import ExitCode
from generator.cli.commands import group

VARIABLE = "_NEWSERVICE_COMPLETE"
"""Set by the scripts; says which shell asks, and for what."""


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> ExitCode:
    """Print the script that lets SHELL complete commands, flags, and their values.

    \b
    bash: newservice completion bash > ~/.local/share/bash-completion/completions/newservice
    zsh:  newservice completion zsh > DIR/_newservice, with DIR in fpath before compinit
    fish: newservice completion fish > ~/.config/fish/completions/newservice.fish

    Then open a new shell. The script asks the installed newservice, so it need not be regenerated. bash must be 4.4 or
    newer, with the package bash-completion for the folder above; without it, source the script in ~/.bashrc.
    """
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click knows each of the choices
    click.echo(kind(group, {}, "newservice", VARIABLE).source(), nl=False)
    return ExitCode.OK


def answer_shell() -> int:
    """Print the suggestions at the cursor, for the script that set the variable; return the process's exit code.

    Whatever goes wrong, nothing is suggested and nothing is reported: a person is typing.
    """
    code = 0
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stderr(nowhere), suppress(BaseException):
        code = shell_complete(group, {}, "newservice", VARIABLE, os.environ.pop(VARIABLE, ""))
    return int(ExitCode.USAGE if code else ExitCode.OK)


class _WholeWord(ShellComplete):
    """For shells that take ``--flag=value`` for one word and replace all of it; click suggests the value alone."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """The suggestions at the cursor."""
        found = super().get_completions(args, incomplete)
        flag, equals, _ = incomplete.partition("=")
        if equals and flag.startswith("--"):
            for item in found:
                item.value = f"{flag}={item.value}"
        return found


@add_completion_class
class _Bash(BashComplete):
    """bash breaks words at "=", and puts a suggestion into the line as it is: click quotes none."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the cursor, without the "=" between a flag and its value, and the word at the cursor."""
        args, incomplete = super().get_completion_args()
        return [word for word in args if word != "="], incomplete

    def format_completion(self, item: CompletionItem) -> str:
        """A line as the script reads it; quoted twice, since both `read` and the shell remove a backslash."""
        words, at = os.environ["COMP_WORDS"].split("\n"), int(os.environ["COMP_CWORD"])
        typed = words[at] if at < len(words) else ""
        if "'" in typed or '"' in typed:
            return super().format_completion(item)
        return f"{item.type}," + re.sub(r"([^\w@%+=:,./-])", r"\\\\\1", str(item.value))


@add_completion_class
class _Zsh(_WholeWord, ZshComplete):
    """zsh quotes suggestions itself."""


@add_completion_class
class _Fish(_WholeWord, FishComplete):
    """fish quotes suggestions itself; click's script would end one, and its help, at a comma."""

    source_template = FishComplete.source_template.replace('string split "," ', 'string split --max 1 "," ')
