"""The commands and what each does in a line; a command's module is imported when the command is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from generator import __version__
from generator.base.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from generator.cli.report import Reporter


class Entry(NamedTuple):
    """Where a command is (``module:attribute`` below ``generator``), and its line in the help."""

    place: str
    help: str


COMMANDS = {
    "init": Entry("cli.init:init_command", "Write the profile of your platform, from a few facts."),
    "create": Entry("cli.create:create_command", "Create a service, or continue a run that stopped."),
    "adopt-repository": Entry(
        "cli.adopt_repository:adopt_repository_command", "Take over a repository with its history, or continue that."
    ),
    "import": Entry("cli.import_:import_group", "Answers from what others wrote: a Docker Compose file."),
    "plan": Entry("cli.plan:plan_command", "Show what create would do; write nothing."),
    "apply": Entry("cli.apply:apply_command", "Carry out a plan that plan --out saved."),
    "status": Entry("cli.status:status_command", "Show the state of every step as it is now."),
    "verify": Entry("cli.verify:verify_command", "Check that a service is alive, or wait until it is."),
    "change": Entry("cli.change:change_command", "Change a service that exists: what differs, in one plan."),
    "update": Entry("cli.update:update_command", "Update a repository or a stack to the newest template."),
    "rehearse": Entry("cli.rehearse:rehearse_command", "Show what Terraform would do with a change."),
    "secrets": Entry("cli.secrets:secrets_group", "The secrets of a service: show them, write them again."),
    "remove": Entry("cli.remove:remove_command", "Remove what newservice created and nobody has changed."),
    "fleet": Entry("cli.fleet_secrets:fleet_group", "All services: list them, show their state, update them."),
    "doctor": Entry("cli.doctor:doctor_command", "Check tools, profile, credentials and systems."),
    "schema": Entry("cli.schema:schema_command", "Print the JSON Schema of the answers."),
    "mcp": Entry("mcp.command:mcp_command", "Serve the commands to an agent (MCP, standard input and output)."),
    "completion": Entry("cli.completion:completion_command", "Print the completion script of a shell."),
    "templates": Entry("cli.templates:templates_group", "Released template versions; release and publish them."),
    "sandbox": Entry("cli.sandbox:sandbox_group", "The embedded platform: start it, or see a demonstration."),
}


def invoke(command: click.Command, arguments: Sequence[str], reporter: Reporter) -> ExitCode:
    """Run a command line and return its exit code. Raises what the command and click's parser raise.

    click's own ``main`` would take the broken pipe of any program for a reader that has gone away, and end the process.
    """
    with command.make_context("newservice", list(arguments), obj=reporter) as context:
        return ExitCode(command.invoke(context) or ExitCode.OK)


def _careful(command: click.Command) -> None:
    """Let no flag take the next flag as its value, as click does: a forgotten value would swallow a ``--dry-run``."""
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        _careful(below)
    for option in command.params:
        if isinstance(option, click.Option) and not option.is_flag and option.callback is None:
            option.callback = _has_value


def _has_value(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    flags = {flag for option in ctx.command.params for flag in (*option.opts, *option.secondary_opts)}
    for text in value if isinstance(value, tuple) else (value,):
        if text == "" and param.metavar in ("FILE", "PATH"):
            raise UsageError(
                "usage.value", f"{param.opts[0]} has no value", f"give {param.opts[0]} its value, or leave it out"
            )
        if isinstance(text, str) and text in flags and text.startswith("-"):
            raise UsageError(
                "usage.value",
                f"{param.opts[0]} has no value: {text} after it is a flag",
                f"give {param.opts[0]} a value; if {text} really is the value, write it into an answers file",
            )
    return value


class Commands(click.Group):
    """The top of the command line. Its help and ``--version`` import none of the commands."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Without a command it is ``create``, with ``create``'s flags."""
        own = {name for option in self.get_params(ctx) for name in option.opts}
        nothing_typed = ctx.resilient_parsing and not args  # a shell asks: a command may still come
        if not nothing_typed and (not args or (args[0].startswith("-") and args[0] not in own)):
            args = ["create", *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the name that click gives it
        """All names, in their order in the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of this name, or None."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.place.partition(":")
        command: click.Command = getattr(import_module(f"generator.{module}"), attribute)
        _careful(command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands, none of which is imported for its help; or flags, with those of ``create``."""
        from click.shell_completion import CompletionItem

        if not incomplete.startswith("-"):
            found = [CompletionItem(name, help=entry.help) for name, entry in COMMANDS.items()]
            return [item for item in found if item.value.startswith(incomplete)]
        create = self.get_command(ctx, "create")
        others = create.shell_complete(click.Context(create), incomplete) if create else []
        return list({item.value: item for item in [*super().shell_complete(ctx, incomplete), *others]}.values())

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands in the help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].help) for name in self.list_commands(ctx)])


@click.group(
    cls=Commands,
    subcommand_metavar="[COMMAND] [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="newservice")
def group() -> None:
    """From a few answers to a running service: repository, CI, infrastructure, registrations.

    Without a command: create, interactive.
    """
