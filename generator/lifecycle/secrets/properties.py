"""Properties in Vault that a person names to have them replaced; all others, and the old version, are kept."""

from __future__ import annotations

from dataclasses import replace

from generator.clients.vault import Entry
from generator.engine.context import Run
from generator.engine.ownership import of_secret
from generator.engine.plan import Action, Decision, State
from generator.engine.steps.base import Step, present
from generator.engine.steps.vault import VaultSecrets, command, note_as_made, path, place, strange


class ReplacedProperties(Step[Entry]):
    """``secret/<name>`` has the new values in a new version, beside everything else that it had."""

    id = VaultSecrets.id
    system = VaultSecrets.system

    def observe(self, run: Run) -> Entry:
        """The secret as Vault has it now."""
        return run.vault.read(path(run))

    def decide(self, run: Run, facts: Entry) -> Decision:
        """Replace those that have another value; what a person has yet to type counts as another.

        Where no secret exists, nothing is replaced: the service's may be in another namespace or mount.
        """
        if refusal := strange(run, facts):
            return refusal
        if not facts.names:
            return Decision(
                State.ABSENT,
                Action.REFUSE,
                f"{place(run, facts)} holds no values, so none can be replaced",
                "set VAULT_NAMESPACE if they are in another namespace; else newservice create "
                f"{run.name} writes them, from --seed",
            )
        due, where = _due(run, facts), f"{place(run, facts)} version {facts.version}"
        if not due:
            return present(f"{where} has these values: {', '.join(run.seeds)}")
        shown = ", ".join(f"{name} ({run.sources[name].shown})" for name in due)
        others = sorted(facts.names.difference(due))
        summary = f"{where}: {shown}; unchanged: {', '.join(others) or 'nothing else is in it'}"
        return replace(
            _with_sources(run, due, Decision(State.PRESENT, Action.UPDATE, summary)),
            to_do=tuple(_way_back(run, facts, name) for name in due if name in facts.names),
        )

    def act(self, run: Run, facts: Entry) -> str:
        """Write the new version, if nobody wrote one meanwhile, and look whether Vault kept the old one."""
        due, made = _due(run, facts), of_secret(facts).ours
        run.vault.replace(path(run), facts, {name: run.seeds[name] for name in due})
        if made:  # else remove would take it for another's
            note_as_made(run, facts.version + 1)
        summary = f"{place(run, facts)} version {facts.version + 1}: {', '.join(due)}"
        if not run.vault.keeps(path(run), facts.version):
            return f"{summary}; Vault did not keep version {facts.version}"
        return f"{summary}; version {facts.version} is kept"


def _due(run: Run, entry: Entry) -> list[str]:
    return [name for name, value in run.seeds.items() if entry.value(name) != value]


def _with_sources(run: Run, due: list[str], decision: Decision) -> Decision:
    return replace(decision, seeds=tuple(run.sources[name] for name in due))


def _way_back(run: Run, entry: Entry, name: str) -> str:
    """The commands hand the old value from one to the other: it is neither shown nor on a command line."""
    old = command(run, entry, f"get -version={entry.version} -field={name}")
    back = f"{old} | {command(run, entry, 'patch')} {name}=-"
    return f"the old value of {name} is in version {entry.version}; to go back: `{back}`"
