"""``newservice schema``: the JSON Schema of the answers."""

from __future__ import annotations

import sys
from typing import Any

import click

from generator.base.errors import ExitCode
from generator.cli import flags
from generator.cli.report import Reporter, Result, json_text
from generator.cli.session import Session
from generator.template.schema import answers_schema


@click.command("schema")
@flags.shared(flags.TEMPLATE_OF, flags.platform(), flags.JSON)
@click.pass_obj
def schema_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """Print the JSON Schema (draft 2020-12) of the answers that create and plan take.

    As it is, for a file; with --json on one line, as the document of an event like those of every other command.
    """
    session = Session(options, reporter)
    if options["template"]:
        session.use_template(options["template"])
    schema = answers_schema(session.template, session.facts, session.questions)
    if options["json_lines"]:
        reporter.answers_schema(schema)
        reporter.result(Result("success", ExitCode.OK))
    else:
        click.echo(json_text(schema, sys.stdout, indent=2))
    return ExitCode.OK
