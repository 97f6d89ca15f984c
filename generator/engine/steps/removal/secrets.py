"""The service's secrets in Vault: the version that newservice made whole, while it is the newest."""

from __future__ import annotations

from dataclasses import dataclass

from generator.clients.vault import Entry
from generator.engine.context import Run
from generator.engine.ownership import of_secret
from generator.engine.plan import Decision
from generator.engine.steps.removal.base import Removal, gone, kept, removable
from generator.engine.steps.vault import command, path, place


@dataclass(frozen=True)
class SecretsFacts:
    """The secret, and whether the token may delete it."""

    entry: Entry
    allowed: bool


class SecretsRemoval(Removal[SecretsFacts]):
    """``secret/<name>``, deleted so that ``vault kv undelete`` brings it back."""

    id = "vault.secrets"
    system = "vault"
    group = "secrets"

    def observe(self, run: Run) -> SecretsFacts:
        """The secret as Vault has it now, and whether the token may delete it."""
        entry = run.vault.read(path(run))
        return SecretsFacts(entry, of_secret(entry).ours and run.vault.may_delete(path(run)))

    def decide(self, run: Run, facts: SecretsFacts) -> Decision:
        """Only a version that newservice noted as its own; anything else in there belongs to someone."""
        entry, where = facts.entry, place(run, facts.entry)
        if not entry.names:
            return gone(f"{where} holds nothing")
        by_hand = f"if nobody needs it: {command(run, entry, 'delete')}"
        if not of_secret(entry).ours:
            return kept(where, ["nothing proves that newservice wrote it and nobody changed it since"], by_hand)
        if not facts.allowed:
            return kept(where, ["Vault's token can't delete it (needs update on the mount's delete/ path)"], by_hand)
        return removable(f"{where} version {entry.version} ({', '.join(sorted(entry.names))})", [_undo(run, entry)])

    def act(self, run: Run, facts: SecretsFacts) -> str:
        """Delete that version."""
        run.vault.delete(path(run), facts.entry.version)
        return f"{place(run, facts.entry)} version {facts.entry.version} is deleted"


def _undo(run: Run, entry: Entry) -> str:
    return (
        f"the deleted secret can be restored: {command(run, entry, f'undelete -versions={entry.version}')}; "
        f"to delete it for good: {command(run, entry, 'metadata delete')}"
    )
