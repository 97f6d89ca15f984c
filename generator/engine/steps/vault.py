"""The service's own secrets in Vault: missing properties are added, existing ones are never touched.

A property that a person has yet to fill in is noted on the secret (Vault's custom metadata), so that no later run
makes up a value for it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace

from generator.base.errors import PreflightError, SystemFailure
from generator.base.secrets import Secret
from generator.clients.vault import Entry
from generator.engine.context import Run
from generator.engine.ownership import NOTE, intent, written
from generator.engine.plan import Action, Decision, State
from generator.engine.seeds import LEFT_OPEN, Seed
from generator.engine.steps.base import Step, absent, drifted, foreign, present
from generator.template.answers import Answers

LATER = "newservice.later."
"""Begins the keys of the notes on properties that a person fills in; the property's name follows."""


class VaultSecrets(Step[Entry]):
    """``secret/<name>`` holds every property that the service reads."""

    id = "vault.secrets"
    system = "vault"

    def differs(self, start: Answers | None, goal: Answers) -> bool:
        """Where the stack reads more of them."""
        return start is None or not {*goal.vault_properties} <= {*start.vault_properties}

    def observe(self, run: Run) -> Entry:
        """The secret as Vault has it now."""
        return run.vault.read(path(run))

    def decide(self, run: Run, facts: Entry) -> Decision:
        """Create it, add what is missing, or leave it. What a person fills in no longer counts as missing."""
        if refusal := strange(run, facts):
            return refusal
        missing, left = _missing(run, facts), _left_open(run, facts)
        unknown = [name for name in missing if name in run.answers.known_elsewhere and name not in run.seeds]
        unknown = [name for name in unknown if name not in left]
        if unknown:
            return Decision(
                State.DRIFTED if facts.names else State.ABSENT,
                Action.REFUSE,
                f"{place(run, facts)} lacks {', '.join(unknown)}, which can't be made up: "
                "another system knows the value",
                "write it into Vault, or say where it is: "
                + " ".join(f"--seed {name}=env:VARIABLE" for name in unknown)
                + " (=prompt asks for it on a terminal, =later leaves it to be filled in)",
            )
        return replace(_decide(run, facts, left), to_do=tuple(_how_to_fill(run, facts, name) for name in left))

    def act(self, run: Run, facts: Entry) -> str:
        """Add the missing properties, given or generated; note those that are left open, and what is ours.

        Notes come first: without them the next run would make up what a person fills in, and a lost answer would
        leave nothing to tell what is ours by.
        """
        left = _left_open(run, facts)
        values = {name: _value(run, name) for name in _missing(run, facts) if name not in left}
        if unnoted := _unnoted(left, facts):
            run.vault.note(path(run), {LATER + name: "a person fills it in" for name in unnoted})
        wrote = bool(values) or facts.version == 0  # notes are seen beside a version only, be it an empty one
        whole = wrote and not facts.names and (facts.version == 0 or NOTE in facts.notes)
        proven = whole and _intend(run, facts.version + 1, values)
        if wrote:
            _write(run, facts, values)
        summary = f"{place(run, facts)}: added {', '.join(values) or 'nothing yet'}"
        summary += f"; to be filled in: {', '.join(left)}" if left else ""
        if whole and not note_as_made(run, facts.version + 1) and not proven:
            summary += "; Vault took no note of who made it, so remove will leave it"
        return summary


def strange(run: Run, facts: Entry) -> Decision | None:
    """The refusal for a secret that holds values, none of them the service's, and no note of newservice's.

    What the service reads would stand beside another's values, and the service could read those.
    """
    noted = any(name == NOTE or name.startswith(LATER) for name in facts.notes)
    if not facts.names or noted or facts.names & {*wanted(run)}:
        return None
    return foreign(
        f"{place(run, facts)} holds other values than the service reads ({', '.join(sorted(facts.names)[:5])}), and "
        "newservice did not write it",
        f"choose another name; or, if it is this service's, add one of its properties: "
        f"`{command(run, facts, 'patch')} {wanted(run)[0]}=-`",
    )


def _decide(run: Run, facts: Entry, left: list[str]) -> Decision:
    """What is to be done where every missing property has a source."""
    sources = {name: run.sources.get(name, Seed(name, "generated")) for name in _missing(run, facts)}
    sources |= {name: Seed(name, "later") for name in left}
    if all(name in left for name in sources) and not _unnoted(left, facts):
        there = ", ".join(name for name in wanted(run) if name not in left) or "nothing yet"
        decision = present(
            f"{place(run, facts)} has {there}" + (f"; to be filled in: {', '.join(left)}" if left else "")
        )
    else:
        summary = f"{place(run, facts)}: " + ", ".join(f"{name} ({seed.shown})" for name, seed in sources.items())
        decision = drifted(summary) if facts.names else absent(summary)
    return replace(decision, seeds=tuple(sources.values()))


def _intend(run: Run, version: int, values: Mapping[str, Secret]) -> bool:
    """Note what is about to be written, with proof; returns whether that is possible and Vault accepted it.

    A refusal does not concern the service; any other failure raises, and nothing was written.
    """
    generated = sorted(name for name in values if name not in run.seeds)
    if not generated:
        return False
    try:
        run.vault.note(path(run), {NOTE: intent(version, generated[0], values[generated[0]])})
    except PreflightError:
        return False
    return True


def _write(run: Run, facts: Entry, values: Mapping[str, Secret]) -> None:
    """Write them; where the answer is lost, look whether they were written."""
    try:
        run.vault.add(path(run), facts, dict(values))
    except SystemFailure as error:
        if not error.passing or not _written(run.vault.read(path(run)), facts, values):
            raise


def _written(entry: Entry, facts: Entry, values: Mapping[str, Secret]) -> bool:
    """Whether it is the next version, and holds just what was sent."""
    known = {name: facts.value(name) for name in facts.names} | dict(values)
    return entry.version == facts.version + 1 and {name: entry.value(name) for name in entry.names} == known


def note_as_made(run: Run, version: int) -> bool:
    """Note on a secret that newservice made this version whole; whether Vault took it, which is a right of its own."""

    def note() -> bool:
        entry = run.vault.read(path(run))
        if entry.version != version:
            return False
        run.vault.note(path(run), {NOTE: written(entry)})
        return True

    try:
        return run.patience(note, repeatable=True)
    except (PreflightError, SystemFailure):  # the secret exists, which is what the service needs
        return False


def path(run: Run) -> str:
    """Where a service's secrets are, in Vault's namespace."""
    return f"{run.platform.vault.mount}/{run.name}"


def place(run: Run, entry: Entry) -> str:
    """Where ``entry`` was read, for people: with the namespace, where there is one."""
    return f"{path(run)}{entry.location.within}"


def command(run: Run, entry: Entry, verb: str) -> str:
    """Vault's own command for the secret that ``entry`` is, without what follows the path."""
    return f"vault kv {verb}{entry.location.flag} {path(run)}"


def wanted(run: Run) -> list[str]:
    """Properties that the service reads, each once."""
    return sorted(run.answers.vault_properties)


def _missing(run: Run, entry: Entry) -> list[str]:
    return [name for name in wanted(run) if name not in entry.names]


def _left_open(run: Run, entry: Entry) -> list[str]:
    """Missing properties that a person fills in: asked for now, or noted by an earlier run and not seeded now."""
    asked = {name for name, value in run.seeds.items() if value == LEFT_OPEN}
    noted = {name for name in wanted(run) if LATER + name in entry.notes and name not in run.seeds}
    return [name for name in _missing(run, entry) if name in asked | noted]


def _unnoted(left: list[str], entry: Entry) -> list[str]:
    return [name for name in left if LATER + name not in entry.notes]


def _how_to_fill(run: Run, entry: Entry, name: str) -> str:
    """The command takes the value from standard input: it never appears on a command line."""
    return (
        f"fill in {name}: `{command(run, entry, 'patch')} {name}=-` reads it from standard input, line breaks included"
    )


def _value(run: Run, name: str) -> Secret:
    return run.seeds[name] if name in run.seeds else Secret(secrets.token_urlsafe(32))
