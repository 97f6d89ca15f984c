"""The service's own secrets in Vault: missing properties are added, existing ones are never touched."""

from __future__ import annotations

import secrets

from generator.clients.vault import Entry
from generator.plan import Action, Decision, State
from generator.run import Run
from generator.secret import Secret
from generator.steps.base import Step, absent, drifted, present


class VaultSecrets(Step[Entry]):
    """``secret/<name>`` holds every property that the service reads."""

    id = "vault.secrets"
    system = "vault"

    def observe(self, run: Run) -> Entry:
        """The secret as it stands."""
        return run.vault.read(path(run))

    def decide(self, run: Run, facts: Entry) -> Decision:
        """Create it, add what is missing, or leave it."""
        missing = _missing(run, facts)
        if not missing:
            return present(f"{path(run)} has {', '.join(wanted(run))}")
        unknown = [name for name in missing if name in run.answers["known_elsewhere"] and name not in run.seeds]
        if unknown:
            return Decision(
                State.DRIFTED if facts.names else State.ABSENT,
                Action.REFUSE,
                f"{path(run)} lacks {', '.join(unknown)}, which can't be made up: another system knows the value",
                "write it into Vault, or say where it is: "
                + " ".join(f"--seed {name}=env:VARIABLE" for name in unknown),
            )
        told = f"{path(run)}: " + ", ".join(f"{name} ({_origin(run, name)})" for name in missing)
        return drifted(told) if facts.names else absent(told)

    def act(self, run: Run, facts: Entry) -> str:
        """Add the missing properties, given or generated."""
        missing = _missing(run, facts)
        run.vault.add(path(run), facts, {name: _value(run, name) for name in missing})
        return f"{path(run)}: added {', '.join(missing)}"


def path(run: Run) -> str:
    """Where a service's secrets stand."""
    return f"{run.platform.data['vault']['mount']}/{run.name}"


def wanted(run: Run) -> list[str]:
    """Properties that the service reads, each once."""
    return sorted(run.answers["vault_properties"])


def _missing(run: Run, entry: Entry) -> list[str]:
    return [name for name in wanted(run) if name not in entry.names]


def _origin(run: Run, name: str) -> str:
    return "given" if name in run.seeds else "generated"


def _value(run: Run, name: str) -> Secret:
    return run.seeds[name] if name in run.seeds else Secret(secrets.token_urlsafe(32))
