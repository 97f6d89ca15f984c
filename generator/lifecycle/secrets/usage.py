"""Where a service's secrets are used, by what its stack and its repository say. Pure but for reading the trees."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import yaml

from generator.base.external import ExternalTextError, read_yaml
from generator.infra_repo.hcl import HclSyntaxError, parse
from generator.infra_repo.trees import Listing

WORKFLOWS = ".github/workflows"
PIPELINES = ".woodpecker"


def _texts(tree: Listing, folder: str, endings: tuple[str, ...]) -> dict[str, str]:
    """The files directly or indirectly below a folder, by path, as text."""
    paths = [path for path in tree.paths(folder) if path.endswith(endings)]
    return {path: (tree.read(path) or b"").decode("utf-8", "replace") for path in paths}


@dataclass(frozen=True)
class StackUsage:
    """The stack's Terraform by path; ``variables`` are the container's, with the property of each."""

    files: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, tree: Listing | None, prefix: str, variables: Mapping[str, str]) -> StackUsage:
        """What a commit has below ``prefix``."""
        return cls(_texts(tree, prefix, (".tf",)) if tree else {}, variables)

    def of_property(self, name: str) -> list[str]:
        """The resources that name a property of Vault, or a variable that holds it, as ``type.name (VARIABLE)``."""
        variables = [variable for variable, held in self.variables.items() if held == name]
        words = {f'"{word}"' for word in (name, *variables)}
        shown = f" ({', '.join(variables)})" if variables else ""
        return [f"{block}{shown}" for block, text in self._blocks if any(word in text for word in words)]

    @cached_property
    def _blocks(self) -> list[tuple[str, str]]:
        return [found for path, text in self.files.items() for found in _blocks(path, text)]


def _blocks(path: str, text: str) -> Iterator[tuple[str, str]]:
    """Resources and data of a file with their text; the whole file where it is not Terraform."""
    try:
        document = parse(text)
    except HclSyntaxError:
        yield path.rpartition("/")[2], text
        return
    for kind in ("resource", "data"):
        for block in document.blocks((kind, "*", "*")):
            name = ".".join(block.path[1:] if kind == "resource" else block.path)
            yield name, document.data[block.start : block.end].decode("utf-8", "replace")


@dataclass(frozen=True)
class RepositoryUsage:
    """The workflows and pipelines of a service's repository, by path."""

    workflows: Mapping[str, str] = field(default_factory=dict)
    pipelines: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, tree: Listing) -> RepositoryUsage:
        """What a commit has."""
        endings = (".yml", ".yaml")
        return cls(_texts(tree, WORKFLOWS, endings), _texts(tree, PIPELINES, endings))

    def of_actions(self, name: str) -> list[str]:
        """Where a workflow reads an Actions secret: ``path (job)``."""
        return list(
            _jobs(self.workflows, re.compile(rf"\bsecrets(\.{name}(?![A-Za-z0-9_-])|\[['\"]{name}['\"]\])", re.I))
        )

    def of_pipelines(self, name: str) -> list[str]:
        """Where a pipeline reads a secret of Woodpecker: ``path``."""
        asked = re.compile(rf"from_secret:\s*['\"]?{re.escape(name)}(?![\w-])", re.I)
        return [path for path, text in self.pipelines.items() if asked.search(text)]


def _jobs(files: Mapping[str, str], asked: re.Pattern[str]) -> Iterator[str]:
    for path, text in files.items():
        if asked.search(text):
            found = [name for name, job in _named_jobs(text) if asked.search(job)]
            yield f"{path} ({', '.join(found)})" if found else path


def _named_jobs(text: str) -> Iterable[tuple[str, str]]:
    """The jobs of a workflow, each as text; none where it can't be read."""
    try:
        document: Any = read_yaml(text)
    except ExternalTextError:
        return []
    jobs = document.get("jobs") if isinstance(document, dict) else None
    return (
        [(str(name), yaml.safe_dump(job, width=10_000)) for name, job in jobs.items()] if isinstance(jobs, dict) else []
    )
