"""The demonstration: one service, created on the embedded platform by the same command that people use."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click
import yaml

from generator.base.errors import ExitCode, SystemFailure
from generator.cli.commands import invoke
from generator.cli.create import create_command
from generator.cli.text import TextReporter
from generator.engine.project import BRANCH_PREFIX
from generator.platform.profile import Platform, load_platform
from generator.sandbox import Sandbox
from generator.template.template import Template

ANSWERS = {
    "name": "city-guide",
    "title": "City Guide",
    "description": "Guides through cities, with notes that stay",
    "tier": "edge",
    "env": {"LOG_LEVEL": "info"},
    "secrets": {"API_TOKEN": "api_token"},
    "database": "postgres",
    "volumes": [{"name": "data", "mount": "/data"}],
    "carveouts": [
        {
            "name": "hooks",
            "paths": ["/hooks"],
            "auth": "none",
            "reason": "webhooks, signed by their sender",
            "probe_path": "/hooks/ping",
        }
    ],
}


def run_demo(folder: Path) -> ExitCode:
    """Create a service below ``folder`` on an embedded platform, then check what really exists.

    Raises ``SystemFailure`` when something that should exist does not.
    """
    answers = folder / "answers.yml"
    answers.write_text(yaml.safe_dump(ANSWERS, sort_keys=False), encoding="utf-8")
    name = str(ANSWERS["name"])
    with Sandbox.start(folder / "platform") as sandbox, _environment(sandbox.surroundings(os.environ)):
        code = invoke(
            create_command,
            [
                *("--answers", str(answers), "--platform", str(sandbox.profile), "--infra", str(sandbox.infra)),
                *("--service-dir", str(folder / name), "--non-interactive"),
            ],
            TextReporter(),
        )
        if code:
            return code
        platform = load_platform(Template.installed().platform, sandbox.profile)
        _say("\nWhat exists now, as the embedded platform shows it")
        for what, seen in _look(sandbox, platform, name):
            _say(f"  = {what:<22} {seen}")
    _say(f"\nEverything that was created is in {folder}: answers.yml, {name}/ and platform/.")
    return ExitCode.OK


def _look(sandbox: Sandbox, platform: Platform, name: str) -> Iterator[tuple[str, str]]:
    """Each thing that must exist, from the platform's own state and not from what was reported."""
    branch = platform.forgejo.branch
    mirror_name = f"{platform.github.owner}/{name}"
    canonical = sandbox.forgejo.repository(f"{platform.forgejo.owner}/{name}")
    head = canonical.bare.heads()[branch]
    yield "canonical repository", f"{canonical.full_name} {branch} at {head[:8]}"

    mirror = sandbox.github.repository(mirror_name)
    mirrored = mirror.bare.heads().get(branch)
    _expect(mirrored == head, f"the mirror is at {mirrored}, not at {head}")
    _expect(mirror.default_branch == branch, f"the mirror shows {mirror.default_branch}")
    yield "mirror", f"{mirror_name} {branch} at {mirrored[:8] if mirrored else ''}, the same commit"

    meant = {
        "woodpecker": sandbox.tokens.woodpecker,
        "forgejo_git": sandbox.tokens.forgejo_git,
        "slack": sandbox.tokens.slack,
    }
    for secret, credential in platform.actions_secrets.items():
        _expect(sandbox.github.secret(mirror_name, secret) == meant[credential], f"{secret} is not the intended value")
    yield "Actions secrets", f"{', '.join(platform.actions_secrets)}: decrypted, as intended"

    registration = sandbox.woodpecker.repository(mirror_name)
    _expect(registration.active, "the registration is not active")
    address = f"/api/repos/{registration.id}/pipelines".encode()
    files = [item for item in canonical.bare.entries(head, recursive=True) if item.kind == "blob"]
    holding = [item.path for item in files if address in canonical.bare.blob(item.sha)]
    _expect(bool(holding), "no file of the repository holds Woodpecker's number")
    yield "Woodpecker", f"number {registration.id}, active, and in {', '.join(holding)}"

    _expect(len(canonical.mirrors) == 1, f"there are {len(canonical.mirrors)} push mirrors")
    _expect(canonical.mirrors[0].sync_on_commit, "the push mirror does not follow commits")
    yield "push mirror", f"exactly one, to {canonical.mirrors[0].remote_address}, on every commit"

    infra = sandbox.forgejo.repository(f"{platform.forgejo.owner}/{platform.infra.repository}")
    (pull_request,) = [pull for pull in infra.pulls.values() if pull.head == f"{BRANCH_PREFIX}{name}"]
    changed = infra.bare.changed_files(pull_request.base, pull_request.head)
    yield "pull request", f"number {pull_request.number} in {infra.full_name}: {len(changed)} files"
    stored = sandbox.vault.read(name)
    yield "Vault", f"{platform.vault.mount}/{name} holds {', '.join(stored)}"


def _expect(truth: bool, message: str) -> None:
    if not truth:
        raise SystemFailure(
            "demo.not_there", f"the demonstration did not create what it should: {message}", "report this"
        )


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """The embedded platform's credentials in the environment, where the command looks for them."""
    before = {name: os.environ.get(name) for name in {*values, *os.environ}}
    _update({name: values.get(name) for name in before})
    try:
        yield
    finally:
        _update(before)


def _update(values: Mapping[str, str | None]) -> None:
    """Set variables of this process; None takes one out."""
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        elif os.environ.get(name) != value:
            os.environ[name] = value


def _say(text: str) -> None:
    click.echo(text)
