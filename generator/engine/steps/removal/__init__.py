"""Taking away what newservice made and nobody has changed since: the counterparts of the steps, in reverse order."""

from __future__ import annotations

from typing import Any

from generator.engine.steps.removal.base import Removal
from generator.engine.steps.removal.branch import BranchRemoval, PullRequestRemoval
from generator.engine.steps.removal.mirror import MirrorLinkRemoval, MirrorRemoval, RegistrationRemoval
from generator.engine.steps.removal.repository import RepositoryRemoval
from generator.engine.steps.removal.secrets import SecretsRemoval
from generator.engine.steps.removal.stack import StackRemoval, StackRemovalRequest
from generator.template.answers import Answers

__all__ = ["Removal", "removals_for"]


def removals_for(answers: Answers) -> list[Removal[Any]]:
    """What is taken away of a service with these answers, in this order.

    The mirror's link goes first of the repositories, so that nothing is pushed by force meanwhile; Woodpecker's
    registration before the repository that it belongs to, or its webhook would stay; the canonical repository after
    everything that was made from it. Secrets go last: they are read by the stack.
    """
    systems = answers.systems
    removals: list[Removal[Any]] = [PullRequestRemoval(), BranchRemoval(), StackRemoval(), StackRemovalRequest()]
    if answers.owned:
        removals += [MirrorLinkRemoval()]
        removals += [RegistrationRemoval()] if "woodpecker" in systems else []
        removals += [MirrorRemoval(), RepositoryRemoval()]
    return [*removals, SecretsRemoval()] if "vault" in systems else removals
