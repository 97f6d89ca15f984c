"""``newservice completion``: the script for a shell, and the answers that the script asks for.

A shell waits for these at every press of a key: nothing is imported here that asks a system, and nothing is printed
but suggestions.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, suppress
from copy import copy
from pathlib import Path
from typing import Any, ClassVar

import click
from click.shell_completion import BashComplete, CompletionItem, FishComplete, ShellComplete, ZshComplete

from generator.base.errors import ExitCode
from generator.cli.commands import COMMANDS, Commands

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

    Then open a new shell. The script asks the installed newservice, so it need not be made anew. bash wants 4.4 or
    newer, and the package bash-completion for the folder above; without it, source the script in ~/.bashrc.
    """
    click.echo(_SHELLS[shell](_Top(), {}, "newservice", VARIABLE).source(), nl=False)
    return ExitCode.OK


def answer_shell() -> int:
    """Print what could stand at the cursor, for the script that set the variable; returns the process's exit code.

    Whatever goes wrong, nothing is suggested and nothing is told: a person is typing.
    """
    shell, _, instruction = os.environ.pop(VARIABLE, "").partition("_")
    kind = _SHELLS.get(shell)
    if kind is None or instruction != "complete":
        return int(ExitCode.USAGE)
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stderr(nowhere), suppress(BaseException):
        told = kind(_Top(), {}, "newservice", VARIABLE).complete()
        sys.stdout.write(told + "\n" if told else "")
        sys.stdout.flush()
    return int(ExitCode.OK)


class _Suggested(click.ParamType[Any]):
    """A parameter's type, and what the shell is told of it; everything else is as it was."""

    def __init__(self, inner: click.ParamType[Any], words: Callable[[click.Context], Sequence[CompletionItem]]) -> None:
        self._inner = inner
        self._words = words
        self.name = inner.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """As the parameter's own type does."""
        return self._inner.convert(value, param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """Those of the words that begin as what was typed; files and folders are the shell's own to find."""
        found = self._words(ctx)
        return [item for item in found if item.type != "plain" or str(item.value).startswith(incomplete)]


class _Top(Commands):
    """All commands, each with values for its parameters."""

    def __init__(self) -> None:
        super().__init__("newservice", context_settings={"help_option_names": ["-h", "--help"]})
        self.params.append(click.Option(["--version"], is_flag=True))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Where nothing was typed yet, a command may be."""
        return super().parse_args(ctx, args) if args else click.Group.parse_args(self, ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, its parameters with values."""
        command = super().get_command(ctx, cmd_name)
        return _with_values(command, cmd_name) if command else None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands, or flags; a group of click's would import each command for its help."""
        if not incomplete.startswith("-"):
            found = [CompletionItem(name, help=entry.help) for name, entry in COMMANDS.items()]
            return [item for item in found if item.value.startswith(incomplete)]
        create = self.get_command(ctx, "create")  # which it is without a command
        others = create.shell_complete(click.Context(create), incomplete) if create else []
        own = click.Command.shell_complete(self, ctx, incomplete)
        return list({item.value: item for item in [*own, *others]}.values())


def _with_values(command: click.Command, name: str) -> click.Command:
    """A copy of the command that knows the values: the command itself stays as it is."""
    own = copy(command)
    if isinstance(own, click.Group):
        own.commands = {below: _with_values(found, f"{name} {below}") for below, found in own.commands.items()}
    own.params = [copy(param) for param in command.params]
    for param in own.params:
        if words := _source(name, param):
            param.type = _Suggested(param.type, words)
    return own


def _source(command: str, param: click.Parameter) -> Callable[[click.Context], Sequence[CompletionItem]] | None:
    """Where the values of a parameter come from; None where its own type knows them, or nobody does."""
    name = str(param.name)
    if name.startswith("answer_"):
        return lambda context: _answers(context, name.removeprefix("answer_"))
    if name in _OF_ALL:
        return _OF_ALL[name]
    if name == "name" and command in _OF_A_SERVICE:
        return _names
    kind = _KINDS.get(param.metavar or "") or ("file" if name == "file" else "dir" if name == "path" else "")
    return (lambda _context: [CompletionItem("", type=kind)]) if kind else None


_OF_A_SERVICE = ("status", "verify", "remove")
"""Commands whose NAME is a service that exists."""

_KINDS = {"FILE": "file", "PATH": "dir"}
"""What the shell itself completes, by the word for it in the help."""


def _plain(words: Sequence[str]) -> list[CompletionItem]:
    return [CompletionItem(word) for word in words]


def _names(context: click.Context) -> list[CompletionItem]:
    """Services by the clone of the infra repository, as it is checked out, and by the folders here."""
    from generator.cli.suggestions import service_names

    if context.params.get("sandbox"):
        return []
    platform = _platform(context)
    chosen = context.params.get("infra")
    clone = Path(chosen).expanduser() if chosen else platform.connection.infra_clone
    return _plain(service_names(clone / platform.infra.stacks, Path.cwd()))


def _versions(_context: click.Context) -> list[CompletionItem]:
    from generator.cli.suggestions import released_versions

    return _plain(released_versions())


_OF_ALL: dict[str, Callable[[click.Context], Sequence[CompletionItem]]] = {
    "only": _names,
    "canary": _names,
    "to": _versions,
    "fact_infra_clone": lambda _context: [CompletionItem("", type="dir")],
    "fact_ca_file": lambda _context: [CompletionItem("", type="file")],
}
"""Parameters that mean the same in every command."""


def _answers(context: click.Context, name: str) -> list[CompletionItem]:
    """Words that answer a question on the platform that the command line names."""
    from generator.cli.suggestions import answer_words
    from generator.template.questions import load_questions
    from generator.template.template import Template

    template = Template.installed()
    question = next(question for question in load_questions(template) if question.name == name)
    facts = _platform(context).facts if isinstance(question.choices, str) else {}
    explains = question.explains if isinstance(question.explains, Mapping) else {}
    return [CompletionItem(word, help=explains.get(word)) for word in answer_words(template, question, facts)]


def _platform(context: click.Context) -> Any:
    from generator.platform.profile import load_platform
    from generator.template.template import Template

    chosen = context.params.get("platform")
    return load_platform(Template.installed().platform, Path(chosen).expanduser() if chosen else None)


class _Quiet(ShellComplete):
    """A script that shows none of the command's errors, and completes ``--flag=value`` as well."""

    quiet: ClassVar[tuple[str, str]]
    """How the script of click calls the command, and how ours does."""

    whole_word = True
    """Whether the shell takes ``--flag=value`` for one word, and wants it back as one."""

    def source(self) -> str:
        """The script."""
        loud, quiet = (text % self.source_vars() for text in self.quiet)
        return super().source().replace(loud, quiet)

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """What could stand at the cursor."""
        found = super().get_completions(args, incomplete)
        flag, equals, _ = incomplete.partition("=")
        if self.whole_word and equals and flag.startswith("--"):
            for item in found:
                item.value = f"{flag}={item.value}"
        return found


class _Bash(_Quiet, BashComplete):
    quiet = ("bash_complete $1)", "bash_complete $1 2>/dev/null)")
    whole_word = False  # "=" breaks words

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the cursor, and the one at it; a "=" between flag and value is left out."""
        args, incomplete = super().get_completion_args()
        known = [
            word for before, word in zip(["", *args], args, strict=False) if word != "=" or not before.startswith("--")
        ]
        return known, incomplete

    def format_completion(self, item: CompletionItem) -> str:
        """A line as the script reads it; twice without a backslash, once by `read` and once by the shell."""
        if "'" in self._typed or '"' in self._typed:
            return super().format_completion(item)
        return f"{item.type}," + re.sub(r"([^\w@%+=:,./-])", r"\\\\\1", str(item.value))

    @property
    def _typed(self) -> str:
        """The word at the cursor as it was typed."""
        words, at = os.environ["COMP_WORDS"].split("\n"), int(os.environ["COMP_CWORD"])
        return words[at] if at < len(words) else ""


class _Zsh(_Quiet, ZshComplete):
    quiet = ("zsh_complete %(prog_name)s)", "zsh_complete %(prog_name)s 2>/dev/null)")


class _Fish(_Quiet, FishComplete):
    quiet = ("(commandline -t) %(prog_name)s)", "(commandline -t) %(prog_name)s 2>/dev/null)")

    def source(self) -> str:
        """The script; a comma in a word is a part of it."""
        return super().source().replace('string split "," ', 'string split --max 1 "," ')


_SHELLS: dict[str, type[_Quiet]] = {"bash": _Bash, "zsh": _Zsh, "fish": _Fish}
