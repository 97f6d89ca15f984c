"""What a repository says about itself: answers with the place that each is from, and what nobody can know from it.

Pure over the paths and contents of one commit. Nothing is guessed: where two answers are
possible, the question is open.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from generator.base.external import ExternalTextError, read_json
from generator.lifecycle.adoption.facts import Finding, OpenQuestion
from generator.lifecycle.adoption.images import Candidate, dockerfiles_of, image_answers
from generator.lifecycle.adoption.pipelines import Build, Rollout, read_composition, read_pipeline
from generator.lifecycle.adoption.proposal import Proposal, propose
from generator.lifecycle.adoption.rules import SYSTEMS, Language, Rules
from generator.lifecycle.adoption.tree import SUBMODULE, CommitTree, TreeFile


@dataclass(frozen=True)
class Pipeline:
    """A file of CI, or a composition, and the images that it builds. ``old``: the platform removes it."""

    path: str
    system: str
    builds: tuple[Build, ...]
    rollouts: tuple[Rollout, ...] = ()
    old: bool = False


@dataclass(frozen=True)
class Found:
    """All that was found.

    ``findings`` are answers; ``languages`` and ``pipelines`` are facts beside them. ``unread`` has the files that
    could not be looked into, with the reason. ``proposal`` is a Dockerfile for a repository that has none.
    """

    findings: tuple[Finding, ...] = ()
    questions: tuple[OpenQuestion, ...] = ()
    languages: tuple[Finding, ...] = ()
    dockerfiles: tuple[Candidate, ...] = ()
    pipelines: tuple[Pipeline, ...] = ()
    submodules: tuple[Finding, ...] = ()
    lfs: Finding | None = None
    proposal: Proposal | None = None
    unread: Mapping[str, str] = field(default_factory=dict)

    @property
    def answers(self) -> dict[str, Any]:
        """The answers by question."""
        return {item.question: item.value for item in self.findings}


def detect(files: Mapping[str, TreeFile | Callable[[], bytes]], rules: Rules) -> Found:
    """What the files of a commit say. Reads only those that can say something, each once."""
    tree = CommitTree(files)
    languages = list(_languages(tree, rules))
    pipelines = list(_pipelines(tree, rules))
    builds = [build for item in pipelines for build in item.builds]
    lfs, submodules = _lfs(tree), list(_submodules(tree))
    dockerfiles = list(dockerfiles_of(tree, rules, builds))
    answers, questions = image_answers(dockerfiles, builds, rules) if dockerfiles else ([], [])
    proposal = None if dockerfiles else propose(tree, rules, languages)
    if isinstance(proposal, OpenQuestion):
        questions, proposal = [proposal], None
    fetched = [item for item in (lfs, *submodules[:1]) if item]
    if fetched:
        answers.append(
            Finding("checkout", [str(item.value) for item in fetched], ", ".join(item.origin for item in fetched))
        )
    for found in (_tests(tree, rules, languages), *_rollouts(pipelines)):
        (answers if isinstance(found, Finding) else questions).append(found)  # type: ignore[arg-type]
    return Found(
        tuple(answers),
        tuple(questions),
        tuple(languages),
        tuple(dockerfiles),
        tuple(pipelines),
        tuple(submodules),
        lfs,
        proposal,
        tree.unread,
    )


def _languages(tree: CommitTree, rules: Rules) -> Iterator[Finding]:
    """The languages, those that are nearest to the top first."""
    found: dict[str, str] = {}
    alone: dict[str, str] = {}
    for path in tree.files:
        name = posixpath.basename(path)
        if not rules.skips(path):
            for language in rules.languages:
                if language.files.fullmatch(name):
                    (alone if language.alone else found).setdefault(language.name, path)
    if "svelte" in found and found.get("node", "").rpartition("/")[0] == found["svelte"].rpartition("/")[0]:
        del found["node"]
    for name, path in (found or alone).items():
        yield Finding("language", name, path)


def _pipelines(tree: CommitTree, rules: Rules) -> Iterator[Pipeline]:
    """Workflows, pipelines and compositions with what they build."""
    for path in tree.files:
        system = next((item for item in SYSTEMS if rules.matches(item, path)), None)
        if system is None or rules.skips(path):
            continue
        content = tree.content(path)
        builds: list[Build] = []
        rollouts: list[Rollout] = []
        try:
            if content is not None and system == "compositions":
                builds = read_composition(path, content)
            elif content is not None:
                builds, rollouts = read_pipeline(path, content, rules.builders)
        except (ExternalTextError, ValueError) as error:
            tree.unread[path] = f"is no YAML that can be read: {error}"
        yield Pipeline(path, system, tuple(builds), tuple(rollouts), path in rules.old_pipelines)


def _lfs(tree: CommitTree) -> Finding | None:
    for path in tree.files:
        if posixpath.basename(path) == ".gitattributes":
            for number, line in enumerate(tree.text(path).splitlines(), 1):
                if not line.lstrip().startswith("#") and "filter=lfs" in line.split()[1:]:
                    return Finding("checkout", "lfs", f"{path}:{number}")
    return None


def _submodules(tree: CommitTree) -> Iterator[Finding]:
    listed = False
    if ".gitmodules" in tree.files:
        for number, line in enumerate(tree.text(".gitmodules").splitlines(), 1):
            if line.strip().startswith("[submodule"):
                listed = True
                yield Finding("checkout", "submodules", f".gitmodules:{number}")
    if not listed:
        for path, item in tree.files.items():
            if item.mode == SUBMODULE:
                yield Finding("checkout", "submodules", path)


def _tests(tree: CommitTree, rules: Rules, languages: list[Finding]) -> Finding | OpenQuestion:
    """How CI runs the tests: a script of the repository's own, or steps that fit it as it is."""
    if "scripts/test" in tree.files:
        return Finding("ci_test", "custom", "scripts/test")
    names = {item.value for item in languages}
    for language in rules.languages:
        if language.name in names and language.tested and set(language.tested) <= tree.files.keys():
            line = _scripts(tree, language)
            if line is not None:
                return Finding("ci_test", language.test, line or language.tested[0])
    seen = next((path for path in tree.files if rules.matches("tests", path) and not rules.skips(path)), None)
    said = f"{seen} looks like a test" if seen else "no file looks like a test"
    choices = tuple(Finding("ci_test", item, seen or "") for item in ("none", "custom"))
    flags = tuple(f"--ci-test {item.value}" for item in choices)
    return OpenQuestion("ci_test", f"{said}, and nothing says how CI runs it" if seen else said, choices, flags)


def _scripts(tree: CommitTree, language: Language) -> str | None:
    """Where package.json has the scripts that a test needs; empty where it needs none, None where it lacks one."""
    if not language.scripts:
        return ""
    try:
        said = read_json(tree.content("package.json") or b"{}")
    except ExternalTextError as error:
        tree.unread["package.json"] = f"is no JSON that can be read: {error}"
        return None
    scripts = said.get("scripts") if isinstance(said, dict) else None
    if not isinstance(scripts, dict) or not set(language.scripts) <= scripts.keys():
        return None
    lines = tree.text("package.json").splitlines()
    at = next((number for number, line in enumerate(lines, 1) if '"scripts"' in line), 1)
    return f"package.json:{at}"


def _rollouts(pipelines: list[Pipeline]) -> Iterator[Finding | OpenQuestion]:
    """What pipelines of the repository deploy already: the Deployments, and the namespace where it is one."""
    rollouts = [rollout for item in pipelines for rollout in item.rollouts]
    if not rollouts:
        return
    deploy: dict[str, list[str]] = {}
    for rollout in rollouts:
        known = deploy.setdefault(rollout.deployment, [])
        known += [container for container in rollout.containers if container not in known]
    origins = ", ".join(dict.fromkeys(rollout.origin for rollout in rollouts))
    yield Finding("deploy", deploy, origins)
    spaces = {rollout.namespace: rollout.origin for rollout in reversed(rollouts) if rollout.namespace}
    if len(spaces) == 1:
        yield Finding("namespace", *next(iter(spaces.items())))
    elif spaces:
        found = tuple(Finding("namespace", name, origin) for name, origin in spaces.items())
        flags = tuple(f"--namespace {item.value}" for item in found)
        yield OpenQuestion("namespace", f"pipelines deploy to {', '.join(spaces)}", found, flags)
