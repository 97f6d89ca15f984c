"""One platform for all tests of the doctor, put back as it was after each."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.sandbox import Sandbox
from tests.doctor.clinic import CANARIES, Clinic, git_folder


@pytest.fixture(scope="package")
def platform_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        with Sandbox.start(tmp_path_factory.mktemp("doctor") / "platform", tokens=CANARIES) as sandbox:
            sandbox.github.create_repository(sandbox.platform.github.owner, "seen", files={"a": "b"})
            yield sandbox


@pytest.fixture
def clinic(platform_folder: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clinic]:
    """The same platform for all, put back as it was after each."""
    sandbox = platform_folder
    sandbox.journal.clear()
    kept = [
        (sandbox.forgejo, "tokens"), (sandbox.forgejo, "organisations"), (sandbox.github, "tokens"),
        (sandbox.woodpecker, "users"), (sandbox.woodpecker, "admins"), (sandbox.vault, "tokens"),
        (sandbox.vault, "health"), (sandbox.vault, "secrets"),
    ]  # fmt: skip
    before = [copy.deepcopy(getattr(owner, name)) for owner, name in kept]
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)
    yield Clinic(sandbox, tmp_path, {"PATH": git_folder(), "HOME": str(tmp_path), **sandbox.environment})
    sandbox.faults.clear()
    for (owner, name), value in zip(kept, before, strict=True):
        setattr(owner, name, value)
