"""Writing a service's secrets again: its plan, and the proof that the values are no mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from generator.base.errors import PreflightError
from generator.base.memo import run_parallel
from generator.base.secrets import Secret
from generator.clients.forgejo import Forgejo
from generator.clients.github import GitHub
from generator.clients.patience import Patience
from generator.clients.woodpecker import Woodpecker
from generator.engine.context import Run
from generator.engine.credentials import Credential
from generator.engine.onboarding import observe_steps
from generator.engine.plan import Plan, build_plan
from generator.engine.steps import Step
from generator.lifecycle.secrets.actions import PushedSecrets
from generator.lifecycle.secrets.properties import ReplacedProperties
from generator.platform.profile import Platform
from generator.template.answers import Answers

_CLIENTS: Mapping[str, Callable[[Platform, Secret, str, Patience], Forgejo | GitHub | Woodpecker]] = {
    "forgejo": Forgejo,
    "forgejo_git": Forgejo,
    "github": GitHub,
    "woodpecker": Woodpecker,
}
"""What can say whether it accepts a credential, without an effect."""


def push_steps(answers: Answers, *, replacing: bool) -> tuple[Step[Any], ...]:
    """The steps: the Actions secrets that CI needs, or the named properties of Vault and nothing else."""
    if replacing:
        return (ReplacedProperties(),)
    return (PushedSecrets(),) if answers.actions_secrets else ()


def push_plan(steps: Sequence[Step[Any]], run: Run, notes: Iterable[str] = ()) -> Plan:
    """What the steps would do, as observed now. A system that can't be seen makes its steps unknown."""
    return build_plan(run.name, files=(), registrations=(), steps=observe_steps(steps, run.fresh()), notes=notes)


def prove(platform: Platform, credentials: Mapping[str, Credential], patience: Patience) -> tuple[str, ...]:
    """Let each system say that it accepts the credentials about to be written; the names of those that none can prove.

    Raises ``PreflightError`` for one that is not accepted, what the systems raise where they can't be reached.
    """
    run_parallel(
        *(partial(_prove, name, found, platform, patience) for name, found in credentials.items() if name in _CLIENTS)
    )
    return tuple(name for name in credentials if name not in _CLIENTS)


def _prove(name: str, credential: Credential, platform: Platform, patience: Patience) -> None:
    client = _CLIENTS[name](platform, credential.value, credential.source, patience)
    try:
        client.login()
    except PreflightError as error:
        if not error.code.endswith(".forbidden"):  # accepted, but without the right to say whose it is
            raise
    finally:
        client.close()
