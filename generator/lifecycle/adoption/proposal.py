"""A Dockerfile for a repository that has none: what the template of its language's Dockerfile needs to know. Pure.

Nothing is guessed and nothing was tried: what the manifests do not say is a question, or the reason why nothing is
proposed.
"""

from __future__ import annotations

import posixpath
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from generator.base.external import ExternalTextError, read_json
from generator.lifecycle.adoption.facts import Finding, OpenQuestion
from generator.lifecycle.adoption.rules import Rules
from generator.lifecycle.adoption.tree import CommitTree

DOCKERFILE = "Dockerfile"
"""Where a proposed one goes: the top of the repository, which is its context."""

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]*")
"""A path that a Dockerfile takes as it is."""


@dataclass(frozen=True)
class Proposal:
    """A Dockerfile that can be proposed: ``facts`` for its template, and what the repository leaves open."""

    facts: Mapping[str, Any]
    questions: tuple[OpenQuestion, ...] = ()


class _NotProposed(Exception):  # noqa: N818 - an answer, no error
    """Why there is no proposal, and what a person would change."""


@dataclass
class _Begun:
    """A proposal in the making."""

    facts: dict[str, Any] = field(default_factory=dict)
    origins: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    questions: list[OpenQuestion] = field(default_factory=list)


def propose(tree: CommitTree, rules: Rules, languages: Sequence[Finding]) -> Proposal | OpenQuestion:
    """A Dockerfile for the repository; else the question for one, with the reason."""
    hints = [path for path in tree.files if rules.matches("starts", path)]
    begun = _Begun()
    try:
        if DOCKERFILE in tree.files:
            raise _NotProposed(f"{DOCKERFILE} {tree.unread.get(DOCKERFILE, 'can not be used')}")
        language = _language(rules, languages)
        _READERS[language.value](tree, rules.proposals[language.value], begun, language.origin)
    except _NotProposed as why:
        may = f"; {' and '.join(hints)} may say how it starts" if hints else ""
        return OpenQuestion(
            "dockerfile",
            f"the repository has no Dockerfile, and none is proposed: {why}{may}. Write one and run this again, or add "
            "it to the pull request: the build fails until it exists",
            (Finding("dockerfile", DOCKERFILE, "you add it; the build fails until it exists"),),
            (f"--dockerfile {DOCKERFILE}",),
        )
    others = [f"{item.origin} ({item.value}) is not built by it" for item in languages if item is not language]
    facts = {
        "language": language.value,
        **begun.facts,
        "origins": [item for item in dict.fromkeys(begun.origins) if not _with_line(item, begun.origins)],
        "remarks": [*begun.remarks, *others, *(f"{path} may say how it starts" for path in hints)],
    }
    return Proposal(facts, tuple(begun.questions))


def _language(rules: Rules, languages: Sequence[Finding]) -> Finding:
    """The one language that newservice writes a Dockerfile for."""
    if not languages:
        raise _NotProposed("no file at the top shows which language it is written in")
    top = [item for item in languages if "/" not in item.origin]
    served = top or [item for item in languages if item.value == "static"][:1]
    if not served:
        raise _NotProposed(f"{languages[0].origin} is not at the top of the repository")
    if len(served) > 1:
        listed = ", ".join(f"{item.origin} ({item.value})" for item in served)
        raise _NotProposed(f"nothing says which of {listed} the service is built from")
    if served[0].value not in rules.proposals or served[0].value not in _READERS:
        raise _NotProposed(f"{served[0].origin} shows {served[0].value}, which newservice writes no Dockerfile for")
    return served[0]


def _port(manifest: str) -> OpenQuestion:
    return OpenQuestion("port", f"{manifest} does not say on which port the service listens")


def _go(tree: CommitTree, data: Mapping[str, Any], begun: _Begun, manifest: str) -> None:  # noqa: ARG001
    """The one main package: that at the top, or the only one below ``cmd``, or the one that is called as the module."""
    module = re.search(r"^module\s+\S*?([A-Za-z0-9_.-]+?)(?:/v\d+)?\s*$", tree.text(manifest), re.MULTILINE)
    found = dict(_programs(tree))
    own = [folder for folder in found if module and folder == f"cmd/{module[1]}"]
    meant = [""] if "" in found else own or list(found)
    if len(meant) != 1 or (meant[0] and not _PLAIN.fullmatch(meant[0])):
        several = f"{', '.join(found.values())} are programs, and nothing says which is the service"
        raise _NotProposed(several if found else "no package main is at the top or below cmd")
    needs = bool(re.search(r"^\s*require\b", tree.text(manifest), re.MULTILINE))
    if needs and "go.sum" not in tree.files:
        raise _NotProposed(f"{manifest} requires modules, and there is no go.sum: run go mod tidy and commit it")
    begun.facts = {
        "package": f"./{meant[0]}" if meant[0] else ".",
        "modules": needs and "vendor/modules.txt" not in tree.files,
    }
    begun.origins = [manifest, found[meant[0]]]
    begun.remarks.append("only the program is in the image, built without cgo: files that it reads as it runs are not")
    begun.questions.append(_port(manifest))


def _programs(tree: CommitTree) -> Iterator[tuple[str, str]]:
    """The folders of main packages, at the top or below ``cmd``, with what says so: a folder's files say the same."""
    folders: dict[str, list[str]] = {}
    for path in tree.files:
        folder, name = posixpath.split(path)
        if re.fullmatch(r"|cmd|cmd/[^/]+", folder) and name.endswith(".go") and not name.endswith("_test.go"):
            folders.setdefault(folder, []).append(path)
    for folder, paths in folders.items():
        for path in sorted(paths, key=lambda path: (not path.endswith("main.go"), path)):
            if re.search(r"^//\s*(go:build|\+build)\s+ignore\b", tree.text(path), re.MULTILINE):
                continue
            if line := _line(tree.text(path), r"package\s+main\b"):
                yield folder, f"{path}:{line}"
            break


def _python(tree: CommitTree, data: Mapping[str, Any], begun: _Begun, manifest: str) -> None:
    """What pip installs, and the command that starts it."""
    project = _pyproject(tree)
    requirements = next((name for name in data["requirements"] if name in tree.files), "")
    declared = "project" in project or "poetry" in _table(project, "tool")
    package = declared or "setup.py" in tree.files
    if not requirements and not package:
        raise _NotProposed(f"{manifest} names nothing that pip installs; a {data['requirements'][0]} would")
    begun.facts = {"requirements": requirements, "package": package, "version": _version(project, data)}
    if requirements:
        begun.origins.append(requirements)
    if package:
        begun.origins.append("pyproject.toml" if declared else "setup.py")
    if declared and "build-system" not in project:
        begun.remarks.append("pyproject.toml has no build-system: pip takes setuptools, which may not find the package")
    candidates = list(_starts(tree, data, project, package=package))
    begun.facts["entry"] = list(candidates[0].value) if len(candidates) == 1 else []
    if len(candidates) == 1:
        begun.origins.append(candidates[0].origin)
        begun.remarks.append(f"it starts with {shlex.join(candidates[0].value)}")
    else:
        reason = f"{len(candidates)} commands may start it" if candidates else "nothing says which command starts it"
        flags = tuple(shlex.join(word for part in item.value for word in ("--command", part)) for item in candidates)
        reason = f"{reason}; the proposed Dockerfile needs it"
        ways = flags or ("--command WORD, once for each word",)
        begun.questions.append(OpenQuestion("command", reason, tuple(candidates), ways))
    begun.remarks.append("packages of the system that dependencies need are not installed")
    begun.questions.append(_port(manifest))


def _pyproject(tree: CommitTree) -> Mapping[str, Any]:
    if "pyproject.toml" not in tree.files:
        return {}
    try:
        return tomllib.loads(tree.text("pyproject.toml"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        tree.unread["pyproject.toml"] = f"is no TOML that can be read: {type(error).__name__}"
        return {}


def _version(project: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """The Python that the package allows, of those that the template knows."""
    said = _table(project, "project").get("requires-python", "")
    try:
        allowed = SpecifierSet(said if isinstance(said, str) else "")
    except InvalidSpecifier:
        allowed = SpecifierSet()
    found = next((version for version in data["versions"] if allowed.contains(f"{version}.99")), "")
    if not found:
        raise _NotProposed("pyproject.toml requires a Python that newservice knows no image of")
    return str(found)


def _starts(
    tree: CommitTree, data: Mapping[str, Any], project: Mapping[str, Any], *, package: bool
) -> Iterator[Finding]:
    """Commands that start it: a script of the package, a package that is run, or a file that runs as a program."""
    scripts = _table(_table(project, "project"), "scripts") or _table(
        _table(_table(project, "tool"), "poetry"), "scripts"
    )
    names = [name for name in scripts if _PLAIN.fullmatch(name)] if package else []
    own = [name for name in names if name == _table(project, "project").get("name")]
    for name in own or names:
        line = _line(tree.text("pyproject.toml"), rf"[\"']?{re.escape(name)}[\"']?\s*=\s*[\"'].*:") or 1
        yield Finding("command", [name], f"pyproject.toml:{line}")
    if names:
        return
    modules = [path for path in tree.files if re.fullmatch(r"[A-Za-z_]\w*/__main__\.py", path)]
    modules += [path for path in tree.files if package and re.fullmatch(r"src/[A-Za-z_]\w*/__main__\.py", path)]
    for path in modules:
        if path.split("/")[-2] not in ("tests", "test"):
            yield Finding("command", ["python", "-m", path.split("/")[-2]], path)
    if modules:
        return
    for name in data["starts"]:
        if name in tree.files and (line := _line(tree.text(name), r"if\s+__name__\s*==\s*[\"']__main__[\"']")):
            yield Finding("command", ["python", name], f"{name}:{line}")


def _svelte(tree: CommitTree, data: Mapping[str, Any], begun: _Begun, manifest: str) -> None:
    """A site that SvelteKit's adapter for Node builds, with npm's lock."""
    try:
        said = read_json(tree.content("package.json") or b"{}")
    except ExternalTextError:
        said = {}
    said = said if isinstance(said, dict) else {}
    known = {**_table(said, "dependencies"), **_table(said, "devDependencies")}
    if data["adapter"] not in known or data["adapter"] not in tree.text(manifest):
        raise _NotProposed(f"{manifest} does not use {data['adapter']}, whose build runs on Node")
    if "package-lock.json" not in tree.files:
        raise _NotProposed("there is no package-lock.json, and npm ci needs one")
    if "build" not in _table(said, "scripts"):
        raise _NotProposed("package.json has no script build")
    begun.origins = [manifest, "package.json", "package-lock.json"]
    begun.remarks.append("the build is expected in the folder build")


def _static(tree: CommitTree, data: Mapping[str, Any], begun: _Begun, manifest: str) -> None:  # noqa: ARG001
    """The folder of the first page."""
    folder = posixpath.dirname(manifest) or "."
    if folder != "." and not _PLAIN.fullmatch(folder):
        raise _NotProposed(f"{folder} is a folder that a Dockerfile would not take as it is")
    begun.facts = {"folder": folder}
    begun.origins = [manifest]
    begun.remarks.append(
        f"every file of {'the repository' if folder == '.' else folder} can be read by whoever reaches it"
    )


def _with_line(path: str, origins: Sequence[str]) -> bool:
    """Whether the same file is named with a line."""
    return any(item.startswith(f"{path}:") for item in origins)


def _line(text: str, pattern: str) -> int:
    """The first line that begins with a pattern, from 1; 0 where none does."""
    lines = enumerate(text.splitlines(), 1)
    return next((number for number, line in lines if re.match(pattern, line.lstrip())), 0)


def _table(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = said.get(name)
    return found if isinstance(found, Mapping) else {}


_READERS = {"go": _go, "python": _python, "svelte": _svelte, "static": _static}
