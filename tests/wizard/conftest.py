"""A folder with a checkout of an infra repository, and a terminal in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.checkout import git, infra_checkout
from tests.wizard.terminal import Terminal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The current folder of the person."""
    infra_checkout(tmp_path / "infra")
    return tmp_path


@pytest.fixture
def terminal(folder: Path) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def start(*arguments: str, **environ: str) -> Terminal:
        opened.append(Terminal(folder, *arguments, **environ))
        return opened[-1]

    yield start
    for item in opened:
        item.close()


@pytest.fixture
def untouched(folder: Path) -> Callable[..., bool]:
    """Nothing was left behind but these files, not even for a moment's use."""

    def look(*but: str) -> bool:
        assert sorted(path.name for path in folder.iterdir()) == sorted(["infra", *but])
        assert git(folder / "infra", "status", "--porcelain", "--untracked-files=all") == ""
        return True

    return look
