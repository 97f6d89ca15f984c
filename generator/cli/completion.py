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


_WHOLE_LINES = "_NEWSERVICE_LINES"
"""Set by a script for bash that takes each line as it is. Earlier ones, click's own, let the shell expand them."""

_BASH = f"""\
%(complete_func)s() {{
    local -a found
    local line

    mapfile -t found < <(IFS=$'\\n'; env COMP_WORDS="${{COMP_WORDS[*]}}" COMP_CWORD="$COMP_CWORD" \\
{_WHOLE_LINES}=1 %(complete_var)s=bash_complete "$1")

    for line in "${{found[@]}}"; do
        if [[ $line == dir,* ]]; then
            COMPREPLY=()
            compopt -o dirnames
        elif [[ $line == file,* ]]; then
            COMPREPLY=()
            compopt -o default
        elif [[ $line == plain,* ]]; then
            COMPREPLY+=("${{line#plain,}}")
        fi
    done

    return 0
}}

%(complete_func)s_setup() {{
    complete -o nosort -F %(complete_func)s %(prog_name)s
}}

%(complete_func)s_setup;
"""


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

    source_template = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the cursor, without the "=" between a flag and its value, and the word at the cursor."""
        args, incomplete = super().get_completion_args()
        return [word for word in args if word != "="], incomplete

    def format_completion(self, item: CompletionItem) -> str:
        """A line as the script reads it, with the value quoted for where the cursor is."""
        words, at = os.environ["COMP_WORDS"].split("\n"), int(os.environ["COMP_CWORD"])
        quoted = _quoted(str(item.value), words[at] if at < len(words) else "")
        if not os.environ.get(_WHOLE_LINES) and "\\" in quoted:
            quoted = quoted.replace("\\", "\\\\")  # an earlier script: `read` removes one of two
        return f"{item.type},{quoted}"


def _quoted(value: str, typed: str) -> str:
    """A value for a word of bash's that begins as it was ``typed``: within its quote, or with backslashes."""
    if typed.startswith("'"):
        quoted = value.replace("'", "'\\''")
    elif typed.startswith('"'):
        quoted = re.sub(r'([\\$`"])', r"\\\1", value).replace("!", "\"'!'\"")  # no backslash hides this one
    else:
        return re.sub(r"([^\w@%+=:,./-])", r"\\\1", value)
    # What ends with the quote is taken for closed.
    return quoted + typed[0] if quoted.endswith(typed[0]) else quoted


@add_completion_class
class _Zsh(_WholeWord, ZshComplete):
    """zsh quotes suggestions itself."""


@add_completion_class
class _Fish(_WholeWord, FishComplete):
    """fish quotes suggestions itself; click's script would end one, and its help, at a comma."""

    source_template = FishComplete.source_template.replace('string split "," ', 'string split --max 1 "," ')
