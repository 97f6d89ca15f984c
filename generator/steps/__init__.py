"""The steps of an onboarding, in the order that works."""

from __future__ import annotations

from typing import Any

from generator.answers import Answers
from generator.steps.base import Step
from generator.steps.forgejo import ForgejoMirror, ForgejoRepository
from generator.steps.github import GitHubDefaultBranch, GitHubRepository, GitHubSecrets
from generator.steps.infra import InfraCommit, InfraPullRequest
from generator.steps.service import ServiceCommit, ServicePush
from generator.steps.vault import VaultSecrets
from generator.steps.woodpecker import WoodpeckerRegistration, WoodpeckerSettings

__all__ = ["Step", "steps_for"]


def steps_for(answers: Answers) -> list[Step[Any]]:
    """The steps that a service with these answers takes.

    Secrets come before the first push, or its run fails; Woodpecker's number comes before the commit that holds
    it; the mirror comes after the first push, because the first sync of an empty repository fails.
    """
    vault: list[Step[Any]] = [VaultSecrets()] if answers["secrets"] else []
    repository: list[Step[Any]] = [
        ForgejoRepository(),
        GitHubRepository(),
        GitHubSecrets(),
        WoodpeckerRegistration(),
        WoodpeckerSettings(),
        ServiceCommit(),
        ServicePush(),
        ForgejoMirror(),
        GitHubDefaultBranch(),
    ]
    return [*vault, *(repository if answers.owned else []), InfraCommit(), InfraPullRequest()]
