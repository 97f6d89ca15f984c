"""The steps that bring the systems from one state of a service to another, in the order that works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from generator.engine.change import Change
from generator.engine.steps.adoption.commit import AdoptionCommit, AdoptionRequest
from generator.engine.steps.adoption.origin import HistoryMigration, HistoryPush
from generator.engine.steps.adoption.takeover import AdoptedLink, AdoptedMirror, AdoptedRepository, AdoptedSecrets
from generator.engine.steps.base import Step
from generator.engine.steps.change.infra import InfraChange, InfraChangeRequest
from generator.engine.steps.change.service import ServiceChange, ServiceChangeRequest
from generator.engine.steps.change.spare import spare
from generator.engine.steps.forgejo import ForgejoMirror, ForgejoRepository
from generator.engine.steps.github import GitHubDefaultBranch, GitHubRepository, GitHubSecrets
from generator.engine.steps.infra import InfraCommit, InfraPullRequest
from generator.engine.steps.removal.adopted import (
    AdoptedLinkRemoval,
    AdoptedMirrorRemoval,
    AdoptedRegistrationRemoval,
    MarkRemoval,
)
from generator.engine.steps.removal.adopted_files import FilesRemoval, FilesRemovalRequest
from generator.engine.steps.removal.base import Removal
from generator.engine.steps.removal.branch import (
    AdoptionBranchRemoval,
    AdoptionRequestRemoval,
    BranchRemoval,
    ChangeBranchRemoval,
    ChangePullRequestRemoval,
    PullRequestRemoval,
    ServiceChangeBranchRemoval,
    ServiceChangeRequestRemoval,
)
from generator.engine.steps.removal.mirror import (
    MirrorLinkRemoval,
    MirrorRemoval,
    RegistrationRemoval,
)
from generator.engine.steps.removal.repository import RepositoryRemoval
from generator.engine.steps.removal.secrets import SecretsRemoval
from generator.engine.steps.removal.stack import StackRemoval, StackRemovalRequest
from generator.engine.steps.service import ServiceCommit, ServicePush
from generator.engine.steps.vault import VaultSecrets
from generator.engine.steps.woodpecker import WoodpeckerDeploy, WoodpeckerRegistration, WoodpeckerSettings
from generator.template.answers import Answers

__all__ = ["Removal", "Step", "Steps", "finishing", "steps_between", "steps_of", "steps_on_the_way"]


@dataclass(frozen=True)
class Steps:
    """What is to exist on the systems, and what is to be removed from them."""

    wanted: tuple[Step[Any], ...] = ()
    gone: tuple[Removal[Any], ...] = ()


def steps_between(
    start: Answers | None, goal: Answers | None, change: Change | None = None, *, direct: bool = False
) -> Steps:
    """The steps that create a service with the ``goal``'s answers, or remove one that ``start``'s created.

    None: there is no such service. ``change``: one that waits for review, which ends with the service. ``direct``: what
    an adopted repository lacks is committed to its branch, without a pull request. ``steps_of`` is for one that exists
    and stays.
    """
    gone = _gone(start, change) if start and goal is None else ()
    return Steps(tuple(_wanted(goal, direct=direct) if goal else ()), tuple(gone))


def steps_of(change: Change) -> Steps:
    """The steps that carry out a change: those that its answers concern, and a pull request for what changes.

    What must be reachable first comes before the stack's pull request; what is no longer needed goes last. Where no
    answer differs from those in force, an earlier change may have stopped or been declined, so each system is looked
    at; so it is while another change waits, and in an open onboarding, which records only the newest answers.
    """
    before, after = change.before, change.wanted
    known = before if change.proposed and not (change.onboarding or change.waits) else None
    wanted = [step for step in _wanted(after, before) if step.differs(known, after)]
    wanted += _proposing(change)
    return Steps(tuple(wanted), tuple(spare(change)))


def steps_on_the_way(change: Change) -> Steps:
    """All steps of a service that exists, and those that finish its change; for looking at it."""
    wanted = [*_wanted(change.wanted, change.before), *finishing(change)]
    return Steps(tuple(wanted))


def finishing(change: Change) -> list[Step[Any]]:
    """The steps in which a change may be unfinished: an onboarding has its own for the infra repository."""
    return [step for step in _proposing(change) if not (change.onboarding and step.id.startswith("infra."))]


def _proposing(change: Change) -> list[Step[Any]]:
    """The steps that propose a change to reviewers, in each repository that may need it."""
    service: list[Step[Any]] = [ServiceChange(change), ServiceChangeRequest(change)] if change.wanted.owned else []
    infra: list[Step[Any]] = [InfraChange(change), InfraChangeRequest(change)] if change.wanted.stacked else []
    return [*service, *infra]


def _wanted(answers: Answers, before: Answers | None = None, *, direct: bool = False) -> list[Step[Any]]:
    """The steps that a service with these answers takes.

    Secrets come before the first push, or its run fails; Woodpecker's number comes before the commit that holds
    it; the mirror comes after the first push, because the first sync of an empty repository fails. The deploy comes
    last: it needs the merge of everything else.
    """
    systems = answers.systems
    steps: list[Step[Any]] = [VaultSecrets()] if "vault" in systems else []
    if answers.owned:
        steps += _begun(answers, before)
        secrets = AdoptedSecrets() if answers.adopted else GitHubSecrets()
        steps += [secrets] if answers.actions_secrets else []
        steps += [WoodpeckerRegistration(), WoodpeckerSettings()] if "woodpecker" in systems else []
        steps += _filled(answers, direct=direct)
        steps += [AdoptedLink() if answers.adopted else ForgejoMirror(), GitHubDefaultBranch()]
    if not answers.stacked:
        return steps
    steps += [InfraCommit(), InfraPullRequest()]
    return [*steps, WoodpeckerDeploy()] if "woodpecker" in systems else steps


def _begun(answers: Answers, before: Answers | None) -> list[Step[Any]]:
    """What makes the two repositories, or takes over those that people began."""
    if answers.adopted:
        return [HistoryMigration(), AdoptedRepository(before), AdoptedMirror()]
    return [ForgejoRepository(before), GitHubRepository()]


def _filled(answers: Answers, *, direct: bool) -> list[Step[Any]]:
    """What brings the files into the canonical repository."""
    if not answers.adopted:
        return [ServiceCommit(), ServicePush()]
    proposed: list[Step[Any]] = [] if direct else [AdoptionRequest()]
    return [HistoryPush(), AdoptionCommit(direct=direct), *proposed]


def _gone(answers: Answers, change: Change | None) -> list[Removal[Any]]:
    """What is removed of a service with these answers, in this order.

    The mirror's link goes first of the repositories, so that nothing is pushed by force meanwhile; Woodpecker's
    registration before the repository that it belongs to, or its webhook would stay; the canonical repository after
    everything that was made from it. Secrets go last: they are read by the stack. An adopted repository stays, and
    loses its mark after all that the mark explains.
    """
    systems = {*answers.systems, *(change.wanted.systems if change else ())}
    changing = change is not None and answers.stacked
    removals: list[Removal[Any]] = [ChangePullRequestRemoval(), ChangeBranchRemoval()] if changing else []
    if answers.stacked:
        removals += [PullRequestRemoval(), BranchRemoval(), StackRemoval(), StackRemovalRequest()]
    if answers.adopted:
        removals += [ServiceChangeRequestRemoval(), ServiceChangeBranchRemoval()]
        removals += [AdoptionRequestRemoval(), AdoptionBranchRemoval(), FilesRemoval(), FilesRemovalRequest()]
        removals += [AdoptedLinkRemoval()]
        removals += [AdoptedRegistrationRemoval()] if "woodpecker" in systems else []
        removals += [AdoptedMirrorRemoval(), MarkRemoval()]
    elif answers.owned:
        removals += [MirrorLinkRemoval()]
        removals += [RegistrationRemoval()] if "woodpecker" in systems else []
        removals += [MirrorRemoval(), RepositoryRemoval()]
    removals += [SecretsRemoval()] if "vault" in systems else []
    for removal in removals:
        removal.in_use = removal.system in answers.systems
    return removals
