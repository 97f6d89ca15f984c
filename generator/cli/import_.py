"""``newservice import``: answers from files that others wrote for another platform."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

import click

from generator.base.errors import ExitCode, RefusedError, UsageError
from generator.base.external import read_bounded
from generator.base.files import write_file
from generator.base.secrets import forgotten_afterwards
from generator.base.stopping import held
from generator.cli import flags
from generator.cli.options import Answering, question_options
from generator.cli.report import Reporter, Result
from generator.cli.session import Session
from generator.cli.suggestions import files
from generator.lifecycle.importing import answers_file, imported
from generator.template.questions import load_questions
from generator.template.template import Template


@click.group("import")
def import_group() -> None:
    """Answers from files that others wrote for another platform."""


@import_group.command("compose", cls=Answering)
@click.argument("file", metavar="FILE", shell_complete=files)
@click.option("--service", metavar="NAME", help="The service of the file that is meant, where it has several.")
@click.option(
    "--env-file", metavar="FILE", shell_complete=files, help="What fills in variables.  [default: .env beside FILE]"
)
@click.option("--out", metavar="FILE", shell_complete=files, help="Where the answers go.  [default: NAME.answers.yml]")
@flags.shared(
    flags.answers("Answers that win over what FILE says, as YAML or JSON; - reads standard input."),
    flags.SETS,
    flags.platform(),
    flags.dry_run("Write no file; show what it would be."),
    flags.JSON,
    flags.VERBOSE,
    flags.quiet(),
)
@click.pass_obj
def compose_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """Write an answers file from a Docker Compose file, and say where each answer comes from.

    What is missing, assumed or can't be expressed is listed. Nothing is executed or fetched, no file outside of FILE's
    folder is read, and no value of a secret is written or shown. Exit code 8: answers are missing.
    """
    session = Session(options, reporter)
    with forgotten_afterwards():
        return _compose(session, reporter, options)


question_options(load_questions(Template.installed()), recorded=True)(compose_command)


def _compose(session: Session, reporter: Reporter, options: dict[str, Any]) -> ExitCode:
    given = session.differing()
    env_file = Path(options["env_file"]) if options["env_file"] else None
    found = imported(
        Path(options["file"]),
        env_file,
        session.template,
        session.questions,
        session.facts,
        given,
        options["service"] or "",
    )
    name = str(found.draft.answers.get("name", ""))
    reporter.service = name
    place = Path(options["out"] or f"{name or 'service'}.answers.yml")
    following = f"newservice create --answers {shlex.quote(str(place))}"
    order = [question.name for question in session.questions]
    text = answers_file(found.draft, order, found.source, following)
    before = None if options["dry_run"] else _existing(place, text)
    for finding in found.draft.findings:
        reporter.finding(finding, written=finding.kind == "origin")
    reporter.answers(found.draft.answers, text if options["dry_run"] else "")
    if not options["dry_run"] and before is None:
        with held():
            _write(place, text)
            reporter.wrote = True
    reporter.result(_result(found.draft, name, place, following, dry_run=options["dry_run"], new=before is None))
    return reporter.concluded or ExitCode.OK


def _result(draft: Any, name: str, place: Path, following: str, *, dry_run: bool, new: bool) -> Result:
    missing = len(draft.missing)
    written = "no file was written" if dry_run else f"{place} has the answers"
    closing = written if not missing else f"{written}; {missing} thing{'s are' if missing != 1 else ' is'} missing"
    answer = ("answer what is missing, in the file or by flags of create",) if missing else ()
    status = "partial" if missing else "success" if new else "unchanged"
    code = ExitCode.FINDINGS if missing else ExitCode.OK
    return Result(status, code, name, {}, (*answer, following), closing, answers="" if dry_run else str(place))


def _existing(place: Path, text: str) -> str | None:
    """The text of the file where it is this very one. Raises ``RefusedError`` where there is another."""
    if not os.path.lexists(place):
        return None
    try:
        before = read_bounded(place).decode()
    except (OSError, UnicodeDecodeError):
        before = ""
    if before == text:
        return before
    raise RefusedError(
        "import.exists",
        f"{place} exists, and nothing was written",
        "name another file with --out, or move this one away",
    )


def _write(place: Path, text: str) -> None:
    try:
        write_file(place, text, replace=False)
    except FileExistsError:
        raise RefusedError(
            "import.exists", f"{place} exists, and nothing was written", "name another file with --out"
        ) from None
    except OSError as error:
        raise UsageError(
            "answers.unwritable", f"{place} can't be written: {error.strerror}", "name another file with --out"
        ) from error
