"""Reads workflows, pipelines and compositions: which images they build, and what they deploy. Pure; nothing is run."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from generator.base.external import read_yaml


@dataclass(frozen=True)
class Builder:
    """An action or a plugin that builds an image, and its settings that say which."""

    name: re.Pattern[str]
    context: str
    dockerfile: str
    image: str


@dataclass(frozen=True)
class Build:
    """An image that a file of CI or a composition builds; ``None`` where the file does not say it in plain words.

    Paths are those of the repository. ``image`` has neither tag nor digest.
    """

    origin: str
    context: str | None
    dockerfile: str | None
    image: str | None


@dataclass(frozen=True)
class Rollout:
    """Containers of a Deployment that a pipeline sets the image of; ``namespace`` is None where it is not said."""

    origin: str
    namespace: str | None
    deployment: str
    containers: tuple[str, ...]


def read_pipeline(path: str, content: bytes, builders: Sequence[Builder]) -> tuple[list[Build], list[Rollout]]:
    """What a workflow or a pipeline builds and deploys. Raises ``ExternalTextError`` where it is no YAML to be read."""
    builds: list[Build] = []
    rollouts: list[Rollout] = []
    for node in _nodes(content):
        if isinstance(node, yaml.MappingNode):
            builds += _by_builder(path, node, builders)
        elif isinstance(node, yaml.ScalarNode):
            for line, words in _commands(node):
                origin = f"{path}:{line}"
                builds += _by_command(origin, words, moved="cd" in node.value.split())
                rollouts += _set_images(origin, words)
    return builds, rollouts


def read_composition(path: str, content: bytes) -> list[Build]:
    """What a Compose file builds. Raises ``ExternalTextError`` where it is no YAML to be read."""
    folder = posixpath.dirname(path)
    found = []
    for root in _documents(content):
        services = _get(root, "services")
        for _, service in services.value if isinstance(services, yaml.MappingNode) else []:
            build, image = _get(service, "build"), _text(_get(service, "image"))
            if build is None:
                continue
            context = _path(
                _text(build if isinstance(build, yaml.ScalarNode) else _get(build, "context")) or ".", folder
            )
            dockerfile = (
                _path(_text(_get(build, "dockerfile")) or "Dockerfile", context) if context is not None else None
            )
            found.append(Build(f"{path}:{build.start_mark.line + 1}", context, dockerfile, _bare(image)))
    return found


def _documents(content: bytes) -> Iterator[yaml.Node]:
    read_yaml(content)  # within bounds, or not at all
    root = yaml.compose(content.decode("utf-8-sig"), Loader=yaml.SafeLoader)
    if root is not None:
        yield root


def _nodes(content: bytes) -> Iterator[yaml.Node]:
    """Every node of a document, from its start to its end."""
    pending = list(_documents(content))
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, yaml.MappingNode):
            pending += [value for _, value in reversed(node.value)]
        elif isinstance(node, yaml.SequenceNode):
            pending += reversed(node.value)


def _get(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if isinstance(name, yaml.ScalarNode) and name.value == key:
                return value  # type: ignore[no-any-return]
    return None


def _text(node: yaml.Node | None) -> str:
    """The text of a node, or of the first item of a list."""
    if isinstance(node, yaml.SequenceNode):
        node = node.value[0] if node.value else None
    return str(node.value).strip() if isinstance(node, yaml.ScalarNode) else ""


# --- images that are built -------------------------------------------------------------------------------------


def _by_builder(path: str, node: yaml.MappingNode, builders: Sequence[Builder]) -> Iterator[Build]:
    used = _text(_get(node, "uses")).partition("@")[0] or _bare(_text(_get(node, "image")))
    builder = next((item for item in builders if used and item.name.fullmatch(used)), None)
    if builder is None:
        return
    settings = _get(node, "with") or _get(node, "settings") or node
    said = _text(_get(settings, builder.context)).replace("{{defaultContext}}:", "").replace("{{defaultContext}}", ".")
    context, dockerfile = _path(said or "."), _text(_get(settings, builder.dockerfile))
    image = _text(_get(settings, builder.image)).splitlines()
    line = node.start_mark.line + 1
    named = _path(dockerfile) if dockerfile else None if context is None else _path("Dockerfile", context)
    yield Build(f"{path}:{line}", context, named, _bare(image[0]) if image else None)


_BUILD = (["docker", "build"], ["docker", "buildx", "build"], ["docker", "image", "build"], ["podman", "build"])
_BUILDAH = (["buildah", "bud"], ["buildah", "build"])
_VALUED = {
    *(
        "-t",
        "--tag",
        "-f",
        "--file",
        "--build-arg",
        "--build-context",
        "--target",
        "--platform",
        "--cache-from",
        "--label",
    ),
    *(
        "--cache-to",
        "--network",
        "--secret",
        "--ssh",
        "-o",
        "--output",
        "--progress",
        "--builder",
        "--iidfile",
        "--add-host",
    ),
    *("--metadata-file", "--shm-size", "--ulimit", "-m", "--memory", "--attest", "--annotation", "--allow"),
}


def _by_command(origin: str, words: list[str], *, moved: bool) -> Iterator[Build]:
    """The build of one command; ``moved``: nobody knows in which folder it runs."""
    start = next((words[len(item) :] for item in (*_BUILD, *_BUILDAH) if words[: len(item)] == item), None)
    if start is None:
        return
    flags: dict[str, str] = {}
    places: list[str] = []
    rest = iter(start)
    for word in rest:
        name, equals, value = word.partition("=")
        if not word.startswith("-") or word == "-":
            places.append(word)
        elif name in _VALUED:
            flags.setdefault({"-f": "--file", "-t": "--tag"}.get(name, name), value if equals else next(rest, ""))
    context = _path(places[-1]) if places and not moved else None
    said = flags.get("--file", "")
    dockerfile = (
        None if moved else _path(said) if said else _path("Dockerfile", context) if context is not None else None
    )
    yield Build(origin, context, dockerfile, _bare(flags.get("--tag", "")))


def _path(text: str, folder: str = ".") -> str | None:
    """A path of the repository; None where it holds a variable, is an address, or leads outside."""
    if not text or re.search(r"[$`*?{}<>|\\]|://|^git@|^-", text) or text.startswith("/"):
        return None
    found = posixpath.normpath(posixpath.join(folder or ".", text))
    return None if found == ".." or found.startswith("../") else found


def _bare(image: str) -> str | None:
    """An image without tag and digest; None where it holds a variable."""
    plain = re.sub(r"\$\{\{[^}]*\}\}|\$\{[^}]*\}|\$\w+", "$", image).partition("@")[0]
    name, colon, tag = plain.rpartition(":")
    bare = name if colon and "/" not in tag else plain
    return bare if bare and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/:-]*", bare) else None


# --- commands --------------------------------------------------------------------------------------------------

_STOPS = ("&&", "||", ";", "|", "&")


def _commands(node: yaml.ScalarNode) -> Iterator[tuple[int, list[str]]]:
    """The commands of a text with the line of each, as far as they begin with a program's name."""
    if not any(word in node.value for word in ("docker", "podman", "buildah", "kubectl")):
        return
    first = node.start_mark.line + (2 if node.style in ("|", ">") else 1)
    lines = node.value.split("\n")
    at = 0
    while at < len(lines):
        begun, line = at, lines[at]
        while line.endswith("\\") and at + 1 < len(lines):
            at += 1
            line = f"{line[:-1]} {lines[at]}"
        at += 1
        try:
            lexer = shlex.shlex(line, posix=True, punctuation_chars="&|;")
            lexer.whitespace_split = True
            words = list(lexer)
        except ValueError:  # a quote that ends in another line
            words = line.split()
        command: list[str] = []
        for word in [*words, ";"]:
            if word in _STOPS:
                if command:
                    yield first + (begun if node.style in ("|", ">") else 0), command
                command = []
            elif command or not re.fullmatch(r"sudo|exec|time|-|\w+=.*", word):
                command.append(word)


_DNS = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def _set_images(origin: str, words: list[str]) -> Iterator[Rollout]:
    """What ``kubectl set image`` sets."""
    if words[:1] != ["kubectl"] or "set" not in words or "image" not in words:
        return
    namespace, plain = None, []
    rest = iter(words[1:])
    for word in rest:
        name, equals, value = word.partition("=")
        if name in ("-n", "--namespace"):
            namespace = value if equals else next(rest, "")
        elif not word.startswith("-"):
            plain.append(word)
    if plain[:2] != ["set", "image"] or len(plain) < 4:
        return
    kind, slash, name = plain[2].partition("/")
    pairs = plain[3:] if slash else plain[4:]
    name = name if slash else plain[3]
    containers = tuple(pair.partition("=")[0] for pair in pairs if "=" in pair)
    if kind not in ("deployment", "deployments", "deploy", "deployment.apps") or not containers:
        return
    if all(_DNS.fullmatch(text) for text in (name, *containers)):
        known = namespace if namespace and _DNS.fullmatch(namespace) else None
        yield Rollout(origin, known, name, containers)


def builders_of(data: Sequence[Mapping[str, Any]]) -> tuple[Builder, ...]:
    """The builders that data lists."""
    return tuple(
        Builder(re.compile(str(item["name"])), item["context"], item["dockerfile"], item["image"]) for item in data
    )
