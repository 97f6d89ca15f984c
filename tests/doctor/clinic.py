"""The doctor on a sandbox: what it finds, and the tokens that must never be seen."""

from __future__ import annotations

import dataclasses
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.base.checks import Check, CheckState
from generator.cli.runner import run_command
from generator.lifecycle.doctor import examine
from generator.platform.profile import Platform, load_platform
from generator.sandbox import Sandbox
from generator.template.template import Template

OK, WAITING, FAILED, UNKNOWN, SKIPPED = CheckState

IDS = [
    *("tools.git", "profile", "infra.clone", "loadbalancer"),
    *(f"forgejo.{name}" for name in ("certificate", "reachable", "token", "scopes", "owner", "infra")),
    *("forgejo_git.token", "forgejo_git.scopes"),
    *(f"github.{name}" for name in ("certificate", "reachable", "token", "scopes", "owner", "limit")),
    *(f"woodpecker.{name}" for name in ("certificate", "reachable", "token", "scopes")),
    *(f"vault.{name}" for name in ("certificate", "reachable", "token", "mount", "scopes")),
    *(f"registry.{name}" for name in ("certificate", "reachable", "token")),
    "slack.token",
]
SYSTEMS = ("forgejo", "github", "woodpecker", "vault", "registry")
CANARIES = {
    "forgejo": "canaryforgejo0000000000000000000000f0r6",
    "forgejo_git": "canaryforgejogit00000000000000000091750",
    "github": "ghp_canarygithub00000000000000000000",
    "woodpecker": "canary-woodpecker-000000000000000000",
    "slack": "https://hooks.slack.invalid/services/canary-slack",
    "vault": "hvs.canaryvault000000000000000000",
    "registry": "ghp_canaryregistry0000000000000000",
}


@dataclass
class Clinic:
    """A sandbox, and the doctor for it; ``environ`` and ``profile`` are each test's own."""

    sandbox: Sandbox
    folder: Path
    environ: dict[str, str]
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def profile(self) -> Path:
        if not self.changes:
            return self.sandbox.profile
        data = yaml.safe_load(self.sandbox.profile.read_text())
        path = self.folder / "changed.yml"
        path.write_text(yaml.safe_dump(_merged(data, self.changes)))
        return path

    @property
    def platform(self) -> Platform:
        return load_platform(Template.installed().platform, self.profile)

    def __call__(self, clone: Path | None = None) -> dict[str, Check]:
        checks = examine(self.platform, clone or self.sandbox.infra, self.environ)
        assert [check.id for check in checks] == IDS
        assert not self.sandbox.journal.writes()
        completed = json.dumps([dataclasses.asdict(check) for check in checks])
        assert [name for name, value in CANARIES.items() if value in completed] == []
        return {check.id: check for check in checks}

    def wrong(self, clone: Path | None = None) -> dict[str, CheckState]:
        """What is not well; each that failed says what to do."""
        checks = self(clone)
        assert all(check.hint for check in checks.values() if check.state in (FAILED, WAITING)), checks
        return {name: check.state for name, check in checks.items() if not check.well}


def _merged(base: Any, over: Any) -> Any:
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    return {**base, **{key: _merged(base.get(key), value) for key, value in over.items()}}


def git_folder() -> str:
    program = shutil.which("git")
    assert program
    return str(Path(program).parent)


def completed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    capsys.readouterr()
    code = run_command(arguments)
    return int(code), *capsys.readouterr()
