"""Actions secrets that are written although they exist: nobody can compare their values."""

from __future__ import annotations

from collections.abc import Mapping

from generator.engine.context import Run
from generator.engine.ownership import of_mirror
from generator.engine.plan import Action, Decision, State
from generator.engine.steps.base import foreign, present
from generator.engine.steps.github import GitHubSecrets, SecretsFacts, mirror_description


class PushedSecrets(GitHubSecrets):
    """Each secret of the mirror is written once, whatever it holds. For one service and one run.

    ``only`` narrows it to one secret. ``known``: when secrets were written last that certainly hold the value; they
    are left alone as long as GitHub names that time. That GitHub accepted a value is the proof that it has it: the
    time that it shows is to the second, and the same for two writes in one.
    """

    def __init__(self, only: str = "", known: Mapping[str, str] | None = None) -> None:
        self._only = only
        self._known = dict(known or {})
        self._accepted: set[str] = set()
        self.written: Mapping[str, str] = {}
        """When each secret of the mirror was written last, as seen last."""

    def wanted(self, run: Run) -> Mapping[str, str]:
        """The secrets that CI needs, or the one of them."""
        return {name: by for name, by in super().wanted(run).items() if self._only in ("", name)}

    def observe(self, run: Run) -> SecretsFacts:
        """The mirror and its secrets."""
        facts = super().observe(run)
        self.written = {name: secret.updated for name, secret in facts.secrets.items()}
        return facts

    def due(self, run: Run, facts: SecretsFacts) -> list[str]:
        """Those that are missing, or not known to hold the value."""
        return [name for name in self.wanted(run) if not self._has(name, facts)]

    def _has(self, name: str, facts: SecretsFacts) -> bool:
        secret = facts.secrets.get(name)
        return secret is not None and (name in self._accepted or self._known.get(name) == secret.updated)

    def decide(self, run: Run, facts: SecretsFacts) -> Decision:
        """Write what is due to a mirror that is ours."""
        if refusal := self._refusal(run, facts):
            return refusal
        due = self.due(run, facts)
        if not due:
            written = (f"{name} (written {facts.secrets[name].updated})" for name in self.wanted(run))
            return present(f"{run.mirror}: {', '.join(written)}")
        sources = (f"{name} (from {run.credentials[self.wanted(run)[name]].source})" for name in due)
        missing = any(name not in facts.secrets for name in due)
        return Decision(
            State.DRIFTED if missing else State.PRESENT, Action.UPDATE, f"{run.mirror}: {', '.join(sources)}"
        )

    def _refusal(self, run: Run, facts: SecretsFacts) -> Decision | None:
        mirror = facts.mirror
        if mirror is None:
            return Decision(
                State.ABSENT,
                Action.REFUSE,
                f"{run.mirror} does not exist on GitHub, or the token may not see it",
                f"newservice create {run.name} creates it with its secrets",
            )
        if not of_mirror(mirror, mirror_description(run)).ours or mirror.full_name.lower() != run.mirror.lower():
            return foreign(
                f"{run.mirror} on GitHub was not made by newservice, or was renamed: it gets no secret",
                "see newservice status for what it is",
            )
        if mirror.archived:
            return Decision(
                State.PRESENT,
                Action.REFUSE,
                f"{run.mirror} is archived on GitHub: it takes no secret and runs no CI",
                "unarchive it on GitHub, then run the same command again",
            )
        return None

    def act(self, run: Run, facts: SecretsFacts) -> str:
        """Seal and write what is due."""
        due = self.due(run, facts)
        summary = super().act(run, facts)
        self._accepted.update(due)
        return summary
