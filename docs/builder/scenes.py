"""Where pictures are taken: an embedded platform, with a fleet of a few services where one is wanted."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from packaging.version import Version

from docs.builder.terminal import Terminal
from generator.engine.recorded import Recorded
from generator.lifecycle.update import Upgrader
from generator.sandbox import Sandbox
from generator.template.answers import resolve
from generator.template.releases import Releases

_COMMIT_TIME = 1_790_000_000
_UPSTREAM = {"image_source": "upstream", "image": "ghcr.io/example/app:1.0.0"}
_NEWEST = -1
FLEET: tuple[tuple[str, int, str], ...] = (
    ("feed-reader", _NEWEST, ""),
    ("photo-album", _NEWEST, "# more memory on Sundays\n"),
    ("price-watch", 0, ""),
    ("recipes", 0, "# its own words\n"),
)
"""Name, number of the release that made it, and what somebody wrote into it."""


@dataclass(frozen=True)
class Scene:
    """A platform, and a folder beside it to work in."""

    root: Path
    sandbox: Sandbox

    @property
    def work(self) -> Path:
        """Where commands are run."""
        return self.root / "work"

    def terminal(self, *arguments: str, columns: int, rows: int) -> Terminal:
        """newservice in a terminal, on this platform and with a home of its own."""
        home = self.root / "home"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(Path(__file__).parent.parent.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "NEWSERVICE_PLATFORM": str(self.sandbox.profile),
            **self.sandbox.environment,
        }
        command = [sys.executable, "-m", "generator", *arguments]
        return Terminal(command, columns=columns, rows=rows, folder=self.work, environment=environment)

    def settle_fleet(self) -> None:
        """Put stacks of several releases onto the infra repository's default branch."""
        platform = self.sandbox.platform
        names = platform.infra
        infra = self.sandbox.forgejo.repository(f"{platform.forgejo.owner}/{names.repository}")
        releases = Releases()
        upgrader = Upgrader(releases, platform)
        files: dict[str, bytes] = {}
        for name, number, words in FLEET:
            maker = upgrader.maker(_version(releases, number))
            said = yaml.safe_load(self.sandbox.profile.read_text(encoding="utf-8"))
            profile = {key: said[key] for key in said if key in maker.template.platform and key not in _NOT_FACTS}
            facts = maker.split(Recorded(document={"profile": profile}))[0]
            given = {"name": name, "title": name.capitalize(), "description": "Does its work", **_UPSTREAM}
            answers = resolve(maker.template, maker.questions, given, {**facts, "layer": "stack"})
            for file in maker.files(answers):
                content = file.content + words.encode() if file.path == "deployment.tf" else file.content
                files[f"{names.stacks}/{name}/{file.path}"] = content
        infra.bare.commit_files(names.branch, files, "the fleet\n", _COMMIT_TIME)


_NOT_FACTS = {"connection", "registrations", "checks", "name"}


def _version(releases: Releases, number: int) -> Version:
    versions = sorted(Version(str(release.version)) for release in releases.all)
    return versions[number]


@contextmanager
def scene() -> Iterator[Scene]:
    """A platform that ends with the pictures that are taken on it."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name).resolve()
        person: Mapping[str, Any] = {"user": {"name": "Ann", "email": "ann@example.test"}}
        for folder in ("home", "work"):
            (root / folder).mkdir()
        text = "".join(f"\t{key} = {value}\n" for key, value in person["user"].items())
        (root / "home" / ".gitconfig").write_text(f"[user]\n{text}", encoding="utf-8")
        with Sandbox.start(root / "platform") as sandbox:
            yield Scene(root, sandbox)
