"""``newservice init``: a profile for another platform, from the few facts that matter."""

from __future__ import annotations

import errno
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import unified_diff
from functools import partial
from pathlib import Path
from typing import Any

import click

from generator.base.errors import AnswersError, ExitCode, Problem, RefusedError, UsageError
from generator.base.external import read_bounded
from generator.base.files import write_file
from generator.base.folders import NO_HOME
from generator.base.secrets import known_secret, redact
from generator.base.stopping import held
from generator.base.terminal_text import visible
from generator.cli import flags
from generator.cli.report import Reporter, Result
from generator.cli.session import Session
from generator.cli.suggestions import files, folders
from generator.engine.credentials import remember_credentials
from generator.platform.facts import Fact, Interview, read_sets
from generator.platform.profile import ENVIRONMENT_VARIABLE, merged_platform, user_profile
from generator.platform.text import profile_text
from generator.template.template import Template


@click.command("init")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Any other key of the profile, as key.path.")
@click.option(
    "--out",
    metavar="FILE",
    shell_complete=files,
    help="Where the profile goes.  [default: the user's configuration folder]",
)
@click.option("--force", is_flag=True, help="Replace an existing profile.")
@click.option("--no-check", is_flag=True, help="Write the profile without checking it against the systems.")
@flags.shared(flags.yes(), flags.NON_INTERACTIVE, flags.JSON, flags.VERBOSE, flags.quiet())
@click.pass_obj
def init_command(reporter: Reporter, /, **options: Any) -> ExitCode:
    """Ask for the few facts that matter about a platform, write its profile, and check it with doctor.

    What is not asked is derived from the answers, or keeps its built-in value: all keys are in the file, with a line on
    each. Without a terminal all missing or wrong facts are reported at once. The file contains no secret.
    """
    session = Session(options, reporter)
    interview = Interview.of(session.template)
    path = _place(options["out"])
    given, sets, wrong = _given(session, interview)
    facts: dict[str, str] = {}
    agreed = False
    while not agreed:
        facts = _facts(session, interview, given, facts, wrong)
        text = _profile(session, interview, facts, sets, path)
        before = _there(path)
        agreed = before == text or _agreed(session, path, before, text, facts)
    if before != text:
        with held():
            _write(path, text)
            reporter.wrote = True
    result = _checked(session, path, Result("unchanged" if before == text else "success", ExitCode.OK))
    reporter.result(result)
    return result.exit_code


_SUGGESTED = {"infra_clone": folders, "ca_file": files}
"""Facts whose value is a place, which the shell completes."""


def _flags(command: click.Command) -> None:
    """One flag for each fact, before the others."""
    interview = Interview.of(Template.installed())
    command.params[:0] = [
        click.Option(
            [fact.option, f"fact_{fact.name}"],
            metavar="TEXT",
            shell_complete=_SUGGESTED.get(fact.name),
            help=_help(interview, fact),
        )
        for fact in interview.facts
    ]


def _help(interview: Interview, fact: Fact) -> str:
    needed = "required" if fact.required else f"default: {interview.shown_default(fact) or 'none'}"
    return f"{fact.help}  [{needed}]"


_flags(init_command)


def _place(out: str | None) -> Path:
    """Where the profile goes. Raises ``UsageError`` for an empty name: a variable of a script that is not set."""
    if out is None:
        if (usual := user_profile()) is None:
            raise UsageError("platform.no_home", NO_HOME, "name the profile's file with --out, or set HOME")
        return usual
    if not out.strip():
        raise UsageError("usage.value", "--out is empty", "name the file, or omit --out for the usual place")
    return Path(out).absolute()


def _given(session: Session, interview: Interview) -> tuple[dict[str, str], dict[str, Any], list[Problem]]:
    """The facts that were given, the keys that ``--set`` gives beside them, and what is wrong with those keys."""
    given, sets, problems = read_sets(interview, session.options["sets"])
    flags = {fact.name: session.options[f"fact_{fact.name}"] for fact in interview.facts}
    return given | {name: value for name, value in flags.items() if value is not None}, sets, problems


def _facts(
    session: Session,
    interview: Interview,
    given: Mapping[str, str],
    before: Mapping[str, str],
    wrong: Sequence[Problem],
) -> dict[str, str]:
    """All facts; ``before`` is what they were a moment ago.

    Raises ``AnswersError`` with all that is wrong: ``wrong``, and what is wrong or missing of the facts.
    """
    problems = [*wrong, *(problem for problem in interview.settle(given)[1] if problem.question in given)]
    if session.interactive and not problems:
        given = _ask(interview, given, before)
    facts, unsettled = interview.settle(given)
    if wrong or unsettled:
        raise AnswersError([*wrong, *unsettled])
    return facts


def _ask(interview: Interview, given: Mapping[str, str], answered: Mapping[str, str]) -> dict[str, str]:
    """The given facts, and a person's answers to the others. Raises ``click.Abort`` when the person stops."""
    from generator.wizard import ask_text, open_prompter  # heavy, and needed with a terminal only
    from generator.wizard.prompter import Back

    asked = [fact for fact in interview.facts if fact.ask and fact.name not in given]
    prompter = open_prompter()
    prompter.say(
        f"The profile of your platform: {len(asked)} facts, all shown for review before it is written.", strong=True
    )
    prompter.say(f"{prompter.back} goes back, Ctrl-C stops without writing anything.")
    found = {fact.name: answered[fact.name] for fact in asked if fact.name in answered}
    at = 0
    while at < len(asked):
        fact = asked[at]
        before = {name: found[name] for name in (item.name for item in asked[:at])}
        proposal = found.get(fact.name) or interview.proposed({**given, **before}).get(fact.name, "")
        try:
            label = f"{fact.name} ({at + 1} of {len(asked)})"
            found[fact.name] = ask_text(label, proposal, fact.fault, fact.help)
            at += 1
        except Back:
            at = max(at - 1, 0)
        except EOFError as error:
            raise click.Abort from error
    return {**given, **found}


def _profile(
    session: Session, interview: Interview, facts: Mapping[str, str], sets: Mapping[str, Any], path: Path
) -> str:
    """The file's text. Raises ``UsageError`` if that would not be a valid profile, or would contain a credential."""
    builtin = session.template.platform
    overrides = interview.overrides(facts, sets)
    platform = merged_platform(builtin, overrides, "these facts")
    text = profile_text(builtin, overrides, interview.meanings_once(), platform.name)
    remember_credentials(platform, session.environ)
    if known_secret(text):
        raise UsageError(
            "platform.secret",
            f"{path} would contain the value of a credential; a profile only says where credentials are",
            "name a variable or a path in Vault instead",
        )
    return text


def _there(path: Path) -> str | None:
    """The text of an existing file; None if there is none."""
    try:
        if path.is_symlink() and not path.exists():
            message = f"{path} is a link to {path.readlink()}, which does not exist"
            raise RefusedError("platform.exists", message, "remove the link or create its target, or name another file")
        return read_bounded(path).decode() if os.path.lexists(path) else None
    except (OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            raise  # nothing is there
        message = f"{path} exists and can't be read as a profile"
        raise RefusedError("platform.exists", message, "name another file with --out") from error


def _agreed(session: Session, path: Path, before: str | None, text: str, facts: Mapping[str, str]) -> bool:
    """Whether a person confirms, after seeing the facts, or the diff of an existing profile.

    Raises ``RefusedError`` if a profile exists and nobody can agree to replace it.
    """
    changes = "" if before is None else _diff(path, before, text)
    asks = session.interactive and not session.options["yes"]
    if before is not None and not session.options["force"] and not asks:
        raise RefusedError(
            "platform.exists",
            f"{path} exists and would change:\n{changes}",
            "name another file with --out, or give --force",
        )
    if not session.options["json_lines"] and not session.options["quiet"]:
        click.echo(visible(redact(f"\n{changes or _listed(facts)}\n")), err=True)
    if not asks:
        return True
    from generator.wizard import confirm

    try:
        return confirm(f"Write {path}? (no asks again)")
    except EOFError as error:
        raise click.Abort from error


def _listed(facts: Mapping[str, str]) -> str:
    """All facts, those that were not asked among them."""
    width = max(len(name) for name in facts)
    return "\n".join(f"  {name:<{width}}  {value or '(none)'}" for name, value in facts.items())


def _diff(path: Path, before: str, after: str) -> str:
    old, new = before.splitlines(), after.splitlines()
    return "\n".join(unified_diff(old, new, f"{path} (existing)", f"{path} (new)", lineterm=""))


def _write(path: Path, text: str) -> None:
    """Write the file whole or not at all; a link to a file stays one. Raises ``UsageError`` where that can't be."""
    place = path.resolve()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_file(place, text, 0o644)  # no secret in it: others on this machine may use it
    except OSError as error:
        raise UsageError(
            "platform.unwritable", f"{path} can't be written: {error.strerror}", "name another with --out"
        ) from error


def _checked(session: Session, path: Path, written: Result) -> Result:
    """The result: where the profile is, and doctor's findings, which do not undo the file."""
    ended = partial(replace, written, urls={"profile": str(path)})
    use, chosen = _how_to_use(path, session.environ)
    doctor = f"newservice doctor{chosen}"
    if session.options["no_check"]:
        return ended(next=(*use, f"check it: {doctor}"), closing=f"{path} exists, and was not checked")
    from generator.cli.doctor import look  # heavy, with all the clients

    options = {**session.options, "platform": str(path)}
    with Session(options, session.reporter, session.environ).surroundings() as checking:
        found = look(checking)
    closing = f"{path} exists; {(found.closing or found.status).replace('; nothing was written', '')}"
    if found.status == "success":
        return ended(next=(*use, f"your first service: newservice create{chosen}"), closing=closing)
    again = f"then check again: {doctor}"
    return ended(status="partial", exit_code=found.exit_code, next=(*found.next, again, *use), closing=closing)


def _how_to_use(path: Path, environ: Mapping[str, str]) -> tuple[tuple[str, ...], str]:
    """What is to be done for the profile to be in force, and the flag that names it where it is not."""
    other = environ.get(ENVIRONMENT_VARIABLE)
    named = Path(other).absolute() if other else user_profile()
    if named == path:
        return (), ""
    file = shlex.quote(str(path))
    return (f"to use it: export {ENVIRONMENT_VARIABLE}={file}, or --platform {file}",), f" --platform {file}"
