"""Services as earlier releases made them, in memory: from golden answers and from pairwise combinations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml
from packaging.version import Version

from generator.base.errors import AnswersError
from generator.engine.recorded import Recorded
from generator.engine.versions import Maker
from generator.infra_repo.entries import compare_registrations, registered_files
from generator.infra_repo.trees import Tree
from generator.lifecycle.update import Upgrade, Upgrader
from generator.platform.profile import Platform, load_platform
from generator.sandbox.infra_repository import infra_files
from generator.template.amendment import Amendment
from generator.template.answers import Answers, resolve
from generator.template.files import File, Layer
from generator.template.releases import Releases
from generator.template.template import Template
from tests.test_pairwise import answers_of, services

GOLDEN = Path(__file__).parent.parent / "golden"
FIRST = Version("1.0.0")
FACTS: dict[str, Any] = {"redis_index": 2, "anubis_redis_index": 3, "woodpecker_repo_id": 7}


@dataclass(frozen=True)
class Files:
    """A tree in memory."""

    content: Mapping[str, bytes]

    def read(self, path: str) -> bytes | None:
        return self.content.get(path)

    def executable(self, path: str) -> bool:
        return self.content.get(path, b"").startswith(b"#!")

    def obstacle(self, path: str) -> None:
        """Nothing is in the way of a file."""

    def paths(self, folder: str) -> list[str]:
        return [path for path in self.content if path.startswith(f"{folder}/")]


@dataclass(frozen=True)
class Origin:
    """What a service was made from: answers of a release's questions, on one platform."""

    title: str
    given: Mapping[str, Any]
    platform: Platform
    releases: Releases = field(default_factory=Releases, compare=False)
    version: Version = FIRST

    def __str__(self) -> str:
        return self.title

    @cached_property
    def maker(self) -> Maker:
        return maker(self.releases, self.platform, self.version)

    @cached_property
    def answers(self) -> dict[Layer, Answers]:
        facts = {**FACTS, "platform": self._facts}
        return {
            layer: resolve(self.maker.template, self.maker.questions, self.given, {**facts, "layer": layer})
            for layer in ("service", "stack")
        }

    @property
    def _facts(self) -> Any:
        """The facts as the release had them: this platform's profile, as far as there were such keys."""
        place = Path(self.platform.source)
        said = yaml.safe_load(place.read_text(encoding="utf-8")) if place.is_file() else {}
        own = {"connection", "registrations", "checks"}
        known = {key: value for key, value in said.items() if key in self.maker.template.platform and key not in own}
        recorded = Recorded(document={"profile": known})
        return self.maker.split(recorded)[0]["platform"]

    @property
    def name(self) -> str:
        return self.answers["stack"].name

    @property
    def layers(self) -> tuple[Layer, ...]:
        return ("service", "stack") if self.answers["stack"].owned else ("stack",)

    def prefix(self, layer: Layer) -> str:
        return self.platform.infra.stack(self.name) if layer == "stack" else ""

    def files(self, layer: Layer) -> tuple[File, ...]:
        """What the release made."""
        return self.maker.files(self.answers[layer])

    def tree(self, layer: Layer) -> Files:
        """A repository with it: the service's, or the platform's with the entries in shared files."""
        own = {f"{self.prefix(layer)}{file.path}": file.content for file in self.files(layer)}
        if layer == "service":
            return Files(own)
        shared = dict(infra(self.platform))
        changes = compare_registrations(self.maker.registrations(self.answers["stack"]), Files(shared))
        entered = {file.path: file.content for file in registered_files(changes)}
        return Files({**shared, **entered, **own})


def _accepted(volumes: Any) -> Any:
    """The same volumes, of a critical service that may be down with the file server."""
    return [{**item, "critical": False} if item.get("kind") in ("nfs", "nfs-ssd") else item for item in volumes]


ASKED: Mapping[str, Callable[[Any], Any]] = {"volumes": _accepted}
"""Questions that an update asks, with what these services answer in place of what is recorded."""


def updated(upgrader: Upgrader, origin: Origin, layer: Layer, tree: Tree, template: Template) -> Upgrade:
    """The update of a service's tree to a template; what it asks is answered, if ``ASKED`` has it."""
    prefix = origin.prefix(layer)
    try:
        return upgrader.plan(tree, prefix, template=template)
    except AnswersError as error:
        asked = {
            item.question: ASKED[item.question](origin.given[item.question])
            for item in error.problems
            if item.code == "answer.missing" and item.question
        }
        return upgrader.plan(tree, prefix, template=template, amendment=Amendment(asked))


_makers: dict[tuple[int, str, Version], Maker] = {}


def maker(releases: Releases, platform: Platform, version: Version = FIRST) -> Maker:
    """A release, the first one by default."""
    key = (id(releases), platform.source, version)
    if key not in _makers:
        _makers[key] = Upgrader(releases, platform).maker(version)
    return _makers[key]


_infra: dict[str, dict[str, bytes]] = {}


def infra(platform: Platform) -> Mapping[str, bytes]:
    """The platform's repository, as it is now."""
    if platform.source not in _infra:
        _infra[platform.source] = infra_files(platform)
    return _infra[platform.source]


@cache
def _known(version: Version) -> frozenset[str]:
    """A release's questions."""
    config = Releases().template(version).config
    return frozenset(name for name in config if not name.startswith("_"))


def as_then(given: Mapping[str, Any], version: Version = FIRST) -> dict[str, Any]:
    """Answers in a release's words: what it had no question for is left out."""
    template = Releases().template(version)
    answers = {
        name: _fitting(value, template.shapes.get(template.config[name].get("shape", ""), {}))
        for name, value in given.items()
        if name in _known(version)
    }
    if version.major < 3 and isinstance(answers.get("volumes"), list):
        answers["volumes"] = [{**item, "mount": item["mount"].rstrip("/")} for item in answers["volumes"]]
    if version.major > 1:
        return answers
    if isinstance(answers.get("access"), list):
        answers["access"] = "admins"
    if answers.get("dns") == "internal":
        answers["dns"] = "none"
    return answers


def _fitting(value: Any, shape: Mapping[str, Any]) -> Any:
    """A value without the keys that its shape does not know."""
    if isinstance(value, list):
        return [_fitting(item, shape.get("items", {})) for item in value]
    if not isinstance(value, dict):
        return value
    shapes = [item for item in (shape, *shape.get("anyOf", ())) if "properties" in item]
    known = shapes[0]["properties"] if shapes else {key: {} for key in value}
    return {key: _fitting(item, known[key]) for key, item in value.items() if key in known}


def golden(profile: Path | None = None, version: Version = FIRST) -> Iterator[Origin]:
    """The golden services, on their own platforms, or on ``profile``'s where they are on the built-in one."""
    for case in sorted(GOLDEN.iterdir()):
        if (case / "answers.yml").is_file():
            given = yaml.safe_load((case / "answers.yml").read_text(encoding="utf-8"))
            own = platform_of(case / "platform.yml" if (case / "platform.yml").is_file() else profile)
            yield Origin(f"{case.name} {version}", as_then(given, version), own, version=version)


def pairwise(seed: int, profile: Path | None = None, version: Version = FIRST) -> Iterator[Origin]:
    """The combinations of a seed on the built-in platform, or ``profile``'s."""
    for service in services(seed):
        given = as_then(answers_of(service.row), version)
        if service.row["quota"] == "own" and "quota" not in given:  # it fits without one
            given = {name: value for name, value in given.items() if name not in ("cpu", "memory", "memory_limit")}
        yield Origin(f"seed {seed}, {service.number} {version}", given, platform_of(profile), version=version)


@cache
def platform_of(profile: Path | None) -> Platform:
    """The platform of a profile, without one the built-in platform."""
    return load_platform(Template.installed().platform, profile, environ={"HOME": "/nonexistent"})


def of_releases(origins: Iterator[Origin], releases: Releases) -> list[Origin]:
    """The same with other releases."""
    return [replace(origin, releases=releases) for origin in origins]
