"""The steps of an onboarding, in the order that works."""

from __future__ import annotations

from typing import Any

from generator.engine.steps.base import Step
from generator.engine.steps.forgejo import ForgejoMirror, ForgejoRepository
from generator.engine.steps.github import GitHubDefaultBranch, GitHubRepository, GitHubSecrets
from generator.engine.steps.infra import InfraCommit, InfraPullRequest
from generator.engine.steps.service import ServiceCommit, ServicePush
from generator.engine.steps.vault import VaultSecrets
from generator.engine.steps.woodpecker import WoodpeckerRegistration, WoodpeckerSettings
from generator.template.answers import Answers

__all__ = ["Step", "steps_for"]


def steps_for(answers: Answers) -> list[Step[Any]]:
    """The steps that a service with these answers takes.

    Secrets come before the first push, or its run fails; Woodpecker's number comes before the commit that holds
    it; the mirror comes after the first push, because the first sync of an empty repository fails.
    """
    systems = answers.systems
    steps: list[Step[Any]] = [VaultSecrets()] if "vault" in systems else []
    if answers.owned:
        steps += [ForgejoRepository(), GitHubRepository()]
        steps += [GitHubSecrets()] if answers.actions_secrets else []
        steps += [WoodpeckerRegistration(), WoodpeckerSettings()] if "woodpecker" in systems else []
        steps += [ServiceCommit(), ServicePush(), ForgejoMirror(), GitHubDefaultBranch()]
    return [*steps, InfraCommit(), InfraPullRequest()]
