"""A second release of the template for tests: everything that a release may change, in one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.template import releases
from generator.template.releases import Member, Releases, template_members
from generator.template.template import Template
from tests.checkout import add_questions, commit_all, git

NEXT = "9.1.0"
"""A version after every real one."""

OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)

QUESTIONS = """
on_call:
  type: str
  group: Service
  help: Who is called at night.
  choices: [nobody, owner]
  default: nobody

pager_group:
  type: str
  group: Service
  help: Which group is called.
  default: "[% if on_call == 'owner' %][[ UNSET ]][% else %]none[% endif %]"
"""
ROW = """
id: pager
path: docs/architecture/ci-cd.md
order: 12
edits:
  - kind: markdown.cell_item
    section: ghcr package visibility
    key: Visibility
    row: Public
    column: Packages
    value: "pager-[[ name ]]"
"""


def append(path: Path, text: str) -> None:
    """Write below what is there."""
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def change_everything(root: Path) -> None:
    """Two questions, a fact of the platform, lines that show them, a new file, one less, and a registration."""
    add_questions(root, QUESTIONS)
    append(root / "templates" / "platform.yml", "pager: the-pager\n")
    for language in ("python", "go", "svelte", "static"):
        append(root / "templates" / "service" / language / "README.md.jinja", "\nOn call: [[ on_call ]].\n")
    stack = root / "templates" / "stack"
    append(stack / "terragrunt.hcl.jinja", "\n# [[ platform.pager ]]: [[ on_call ]], [[ pager_group ]]\n")
    append(stack / "extra.tf", "# [[ platform.pager ]]\n")
    (stack / "pager.tf.jinja").write_text("# [[ name ]]\n", encoding="utf-8")
    (root / "templates" / "registrations" / "pager.yml").write_text(ROW, encoding="utf-8")


@dataclass(frozen=True)
class Next:
    """The real releases and one more: for newservice, and as a git repository for copier."""

    releases: Releases
    repository: Path

    @property
    def url(self) -> str:
        """What copier fetches."""
        return f"file://{self.repository}"


def add_release(folder: Path, change: Callable[[Path], None] = change_everything, version: str = NEXT) -> Next:
    """The real releases and, after them, the installed template with a change."""
    known, installed = Releases(), Template.installed()
    own = folder / "released"
    shutil.copytree(known.folder, own, ignore=shutil.ignore_patterns("__pycache__"))
    repository = folder / "newservice.git"
    published(repository, installed)
    _lay_out(repository, template_members(installed))
    change(repository)
    config = repository / "copier.yml"
    text, was = config.read_text(encoding="utf-8"), f'default: "{installed.version}"'
    assert text.count(was) == 1
    config.write_text(text.replace(was, f'default: "{version}"'), encoding="utf-8")
    found = Releases(own)
    found.add(Template(repository), OCTOBER)
    commit_all(repository, version)
    git(repository, "tag", f"v{version}")
    return Next(found, repository)


def published(repository: Path, unreleased: Template | None = None) -> str:
    """The real releases as a git repository with tags, what copier fetches; and a template that is not released yet."""
    known = Releases()
    for release in known.all:
        _lay_out(repository, known.members(release.version))
        commit_all(repository, release.tag)
        git(repository, "tag", release.tag)
    if unreleased is not None and known.standing(unreleased).state != "released":
        _lay_out(repository, template_members(unreleased))
        commit_all(repository, "unreleased")
        git(repository, "tag", f"v{unreleased.version}")
    return f"file://{repository}"


def _lay_out(repository: Path, members: Iterable[Member]) -> None:
    for name in ("copier.yml", "templates"):
        place = repository / name
        shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
    for member in members:
        target = repository / member.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(member.content)
        target.chmod(0o755 if member.executable else 0o644)


def install(monkeypatch: pytest.MonkeyPatch, added: Next) -> None:
    """Let the command have these releases."""
    monkeypatch.setattr(releases, "FOLDER", added.releases.folder)


def profile(folder: Path, added: Next, **words: Any) -> Path:
    """A platform profile whose template is there."""
    place = folder / "platform.yml"
    place.write_text(yaml.safe_dump({"template_url": added.url, **words}), encoding="utf-8")
    return place
