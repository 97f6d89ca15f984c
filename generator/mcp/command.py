"""``newservice mcp``: the commands as tools for agents."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from generator.base.errors import ExitCode, PreflightError, UsageError
from generator.cli import flags
from generator.cli.report import Reporter


@click.command("mcp")
@click.option(
    "--allow-writes",
    is_flag=True,
    help="Offer create, secrets_push, and changes and updates that write; without it the server is read-only.",
)
@click.option(
    "--allow-seed",
    "allow_seeds",
    multiple=True,
    metavar="env:VAR|file:PATH|file:FOLDER/",
    help="A source that calls may name for the value of a secret; without it none is read.",
)
@flags.platform()
@click.option("--sandbox", is_flag=True, help="Use an embedded platform that runs as long as the server does.")
@flags.infra()
@click.pass_obj
def mcp_command(_reporter: Reporter, /, **options: Any) -> ExitCode:
    """Serve newservice's commands as tools to an agent: MCP over standard input and output.

    The platform, the infra clone, the right to write and the sources of secrets are fixed here; no call can choose
    others. Runs until its input ends.
    """
    if find_spec("mcp") is None or find_spec("mcp_types") is None:  # the second came with version 2
        raise PreflightError(
            "mcp.missing",
            "newservice mcp needs the package mcp, and it is not installed",
            "install newservice with it, as newservice[mcp], or add it: pip install 'mcp>=2.3,<3'",
        )
    if options["sandbox"] and (options["platform"] or options["infra"]):
        raise UsageError(
            "usage.sandbox", "--sandbox excludes --platform and --infra: it has its own", "give one of them"
        )
    from generator.mcp.server import Settings, serve  # heavy, and not always installed
    from generator.mcp.sources import FLAG, sources

    places = {key: str(Path(options[key]).absolute()) for key in ("platform", "infra") if options[key]}
    seeds = options["allow_seeds"]
    flags = [*_line(options, places), *(word for seed in seeds for word in (FLAG, seed))]
    allowed = sources(seeds, ["newservice", "mcp", *flags])
    serve(Settings(**places, allow_writes=options["allow_writes"], sources=allowed), sandbox=options["sandbox"])
    return ExitCode.OK


def _line(options: Mapping[str, Any], places: Mapping[str, str]) -> list[str]:
    """The flags of this server, for a command line that starts it again."""
    switches = [flag for flag in ("--allow-writes", "--sandbox") if options[flag.strip("-").replace("-", "_")]]
    return [*switches, *(word for name, place in places.items() for word in (f"--{name}", place))]
