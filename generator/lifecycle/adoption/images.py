"""Which images a repository has: their Dockerfiles, the folders that they are built in, and where they listen. Pure."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from generator.lifecycle.adoption.dockerfile import Copied, Dockerfile, Port, read_dockerfile
from generator.lifecycle.adoption.facts import Finding, OpenQuestion
from generator.lifecycle.adoption.pipelines import Build
from generator.lifecycle.adoption.rules import Rules
from generator.lifecycle.adoption.tree import LINK, SUBMODULE, CommitTree


@dataclass(frozen=True)
class Context:
    """The folder that an image is built in, and what says so; ``settled`` is false where nothing does."""

    value: str
    origin: str
    settled: bool = True


@dataclass(frozen=True)
class Candidate:
    """A Dockerfile of a repository. ``development``: its name says that it is for development or tests."""

    path: str
    context: Context
    ports: tuple[Port, ...]
    development: bool


def _context_of(path: str, said: Dockerfile, builds: Iterable[Build], files: Collection[str]) -> Context:
    """The folder: what CI or a composition builds it in, the only one possible, or the one that has what it copies."""
    folder = posixpath.dirname(path)
    known = dict.fromkeys(build.context for build in builds if build.dockerfile == path and build.context is not None)
    if len(known) == 1:
        origin = next(build.origin for build in builds if build.dockerfile == path and build.context is not None)
        return Context(str(next(iter(known))), origin)
    if known:
        return Context(folder or ".", path, settled=False)
    if not folder:
        return Context(".", path)
    for copied in said.copied:
        inside, above = (_has(place, copied, files) for place in (folder, ""))
        if inside != above:
            return Context(folder if inside else ".", f"{path}:{copied.line}")
    return Context(folder, path, settled=False)


def _ports_of(said: Dockerfile) -> tuple[Port, ...]:
    """The TCP ports of the image, each once."""
    found: dict[object, Port] = {}
    for port in said.ports:
        found.setdefault(port.number or port.text, port)
    return tuple(found.values())


def _has(folder: str, copied: Copied, files: Collection[str]) -> bool:
    """Whether a folder has what a COPY names."""
    wanted = posixpath.normpath(posixpath.join(folder, copied.source.lstrip("/")))
    if wanted in (".", folder):
        return True
    if any(sign in wanted for sign in "*?["):
        return any(fnmatchcase(file, wanted) or fnmatchcase(file, f"{wanted}/*") for file in files)
    return wanted in files or any(file.startswith(f"{wanted}/") for file in files)


def dockerfiles_of(tree: CommitTree, rules: Rules, builds: list[Build]) -> Iterator[Candidate]:
    """Every file that an image can be built from. A link to another one counts in its place."""
    paths = [
        path
        for path, item in tree.files.items()
        if item.mode != SUBMODULE
        and rules.matches("dockerfile", name := posixpath.basename(path))
        and not rules.matches("beside", name)
        and not rules.skips(path)
    ]
    led_to = {tree.target(path) for path in paths if tree.files[path].mode == LINK}
    for path in paths:
        if path in led_to:
            continue
        said = read_dockerfile(tree.text(path))
        if not said.stages:
            tree.unread.setdefault(path, "is no Dockerfile: it names no image to start from")
            continue
        context = _context_of(path, said, builds, tree.files)
        development = rules.matches("development", posixpath.basename(path))
        yield Candidate(path, context, _ports_of(said), development)


def image_answers(
    dockerfiles: list[Candidate], builds: list[Build], rules: Rules
) -> tuple[list[Finding], list[OpenQuestion]]:
    """Which of the Dockerfiles the image is built from, in which folder, what it is called and where it listens."""
    meant = [item for item in dockerfiles if not item.development] or dockerfiles
    known = {item.path for item in meant}
    of_ci = [build for build in builds if build.dockerfile in known and not _composed(build, rules)]
    named = dict.fromkeys(build.dockerfile for build in of_ci)
    if len(meant) > 1 and len(named) != 1:
        return [], [_which(meant, of_ci)]
    build = of_ci[0] if of_ci else None
    chosen = next(item for item in meant if build is None or item.path == build.dockerfile)
    answers = [Finding("dockerfile", chosen.path, build.origin if build and len(meant) > 1 else chosen.path)]
    questions = []
    if chosen.context.settled:
        answers.append(Finding("context", chosen.context.value, chosen.context.origin))
    else:
        folder = posixpath.dirname(chosen.path)
        both = tuple(Finding("context", item, chosen.path) for item in (folder, "."))
        flags = tuple(shlex.join(["--context", str(item.value)]) for item in both)
        reason = f"nothing says in which folder {chosen.path} is built"
        questions.append(OpenQuestion("context", reason, both, flags))
    prefix = f"{rules.registry}/"
    for build in of_ci:
        image = build.image or ""
        if rules.registry and image.startswith(prefix) and "/" not in image[len(prefix) :]:
            answers.append(Finding("image_name", image[len(prefix) :], build.origin))
            break
    ports = chosen.ports
    if len(ports) == 1 and ports[0].number is not None:
        answers.append(Finding("port", ports[0].number, f"{chosen.path}:{ports[0].line}"))
    else:
        numbers = tuple(Finding("port", item.number, f"{chosen.path}:{item.line}") for item in ports if item.number)
        unknown = next((f"{chosen.path}:{item.line} exposes {item.text}" for item in ports if not item.number), "")
        several = f"{chosen.path} exposes {', '.join(str(item.value) for item in numbers)}"
        reason = unknown or (several if numbers else f"{chosen.path} exposes no port; its base image may")
        questions.append(OpenQuestion("port", reason, numbers, tuple(f"--port {item.value}" for item in numbers)))
    return answers, questions


def _composed(build: Build, rules: Rules) -> bool:
    return rules.matches("compositions", build.origin.rpartition(":")[0])


def _which(meant: list[Candidate], of_ci: list[Build]) -> OpenQuestion:
    """Several Dockerfiles: one is the service's, and others may be further images."""
    candidates, flags = [], []
    for item in meant:
        candidates.append(Finding("dockerfile", item.path, item.path))
        context = ["--context", item.context.value] if item.context.settled else []
        further = [
            f"name={posixpath.basename(build.image)},context={build.context},dockerfile={build.dockerfile}"
            for build in of_ci
            if build.dockerfile != item.path and build.image and build.context
        ]
        more = [word for text in dict.fromkeys(further) for word in ("--images", text)]
        flags.append(shlex.join(["--dockerfile", item.path, *context, *more]))
    reason = (
        f"the repository has {len(meant)} Dockerfiles: name the service's own, and answer images with the others "
        "that are to be built"
    )
    return OpenQuestion("dockerfile", reason, tuple(candidates), tuple(flags))
