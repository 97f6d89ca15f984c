"""Repositories on this machine for tests: a checkout of an infra repository, and the template as it is published."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from generator.sandbox.infra_repository import FILES
from generator.template.template import Template


def git(folder: Path, *arguments: str) -> str:
    """What git says in a folder; raises where it fails."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"git {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
    return done.stdout


def commit_all(folder: Path, message: str) -> str:
    """Commit everything in a folder, which becomes a repository where it is none; the commit's id."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch=master")
    git(folder, "add", "--all")
    nobody = ("-c", "user.name=test", "-c", "user.email=test@example.com")  # a machine may have no identity
    git(folder, *nobody, "commit", "--quiet", "--message", message)
    return git(folder, "rev-parse", "HEAD").strip()


def infra_checkout(folder: Path) -> Path:
    """A clean checkout of an infra repository, with the files that a sandbox starts with."""
    shutil.copytree(FILES, folder, ignore=shutil.ignore_patterns("__pycache__"))
    commit_all(folder, "infra")
    return folder


def add_questions(root: Path, text: str) -> None:
    """Add questions to a template as its maintainer would: at the end of copier.yml, above its last line."""
    config = root / "copier.yml"
    questions, mark, end = config.read_text(encoding="utf-8").partition("\n# [% endraw %]")
    config.write_text(f"{questions}\n{text}{mark}{end}", encoding="utf-8")


def published_template(folder: Path, version: str) -> Path:
    """The installed template in a git repository of its own, tagged as a version."""
    root = Template.installed().root
    folder.mkdir(parents=True)
    shutil.copy(root / "copier.yml", folder)
    shutil.copytree(root / "templates", folder / "templates")
    commit_all(folder, "template")
    git(folder, "tag", f"v{version}")
    return folder
