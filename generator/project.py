"""What is wanted for one service, and what a tree of the infra repository has and lacks of it. No system is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import yaml

from generator.allocations import load_allocations, taken
from generator.answers import Answers
from generator.changes import (
    FileChange,
    RegistrationChange,
    compare,
    compare_registrations,
    differing_answers,
    not_ours,
    recorded_answers,
)
from generator.errors import AnswersError
from generator.platform import Platform
from generator.registrations import Registration, load
from generator.render import File, render
from generator.template import Template
from generator.trees import Listing, Tree


@dataclass(frozen=True)
class InfraState:
    """What one commit of the infra repository has and lacks of this service.

    ``changed`` names the questions that the stack there was answered differently to.
    """

    files: tuple[FileChange, ...]
    registrations: tuple[RegistrationChange, ...]
    made_by_us: bool
    changed: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[File, ...]:
        """Stack files that are not there. A stack that we made and somebody edited is complete as it is."""
        return () if self.made_by_us else tuple(item.file for item in self.files if item.action == "create")

    @property
    def foreign(self) -> bool:
        """Whether a stack of this name is there that newservice did not make."""
        return not self.made_by_us and any(item.before is not None for item in self.files)

    @property
    def unregistered(self) -> tuple[RegistrationChange, ...]:
        """Registrations that are not there."""
        return tuple(item for item in self.registrations if item.action == "add")

    @property
    def refusals(self) -> tuple[RegistrationChange, ...]:
        """Registrations whose place was not found, or is somebody else's."""
        return tuple(item for item in self.registrations if item.action == "refuse")

    @property
    def edited(self) -> int:
        """How many of our files differ from what the answers would render now, or were taken away."""
        return sum(item.action != "unchanged" for item in self.files)

    @property
    def complete(self) -> bool:
        """Whether nothing is lacking that newservice could add."""
        return self.made_by_us and not self.unregistered


@dataclass
class Project:
    """What is wanted: answers, platform and template, and the files that follow from them."""

    template: Template
    platform: Platform
    answers: Answers
    service_dir: Path
    _rendered: dict[int, tuple[File, ...]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The service's name."""
        return self.answers.name

    @cached_property
    def stack_prefix(self) -> str:
        """Folder of the stack in the infra repository, with a trailing slash."""
        return f"{self.platform.data['infra']['stacks']}/{self.name}/"

    @cached_property
    def stack_files(self) -> tuple[File, ...]:
        """The rendered stack."""
        return render(self.template, self.answers, "stack", {"platform": self.platform.facts})

    @cached_property
    def registrations(self) -> list[Registration]:
        """The registrations that apply to these answers."""

        def expression(source: str, extra: Mapping[str, object]) -> str:
            return self.template.render(source, {**self.answers.context, **extra})

        return load(self.template.registrations, expression, self.answers.context)

    @cached_property
    def to_do(self) -> tuple[str, ...]:
        """What a person does after the merge, in the order that works."""
        steps = [(item.order, f"apply {item.apply_note}") for item in self.registrations if item.apply_note]
        text = (self.template.root / "templates" / "apply.yml").read_text(encoding="utf-8")
        steps += [
            (item["order"], self.template.render(item["do"], self.answers.context))
            for item in yaml.safe_load(text)
            if yaml.safe_load(self.template.render(item.get("when", "true"), self.answers.context))
        ]
        return tuple(dict.fromkeys(line for _, line in sorted(steps)))

    def service_files(self, woodpecker_id: int) -> tuple[File, ...]:
        """The rendered service repository; empty for an upstream image."""
        if not self.answers.owned:
            return ()
        if woodpecker_id not in self._rendered:
            facts = {"platform": self.platform.facts, "woodpecker_repo_id": woodpecker_id}
            self._rendered[woodpecker_id] = render(self.template, self.answers, "service", facts)
        return self._rendered[woodpecker_id]

    def check_allocations(self, tree: Listing, folder: str = "") -> None:
        """Raise ``AnswersError`` where another stack of ``tree`` has a name that this service needs for itself.

        ``folder`` narrows it to one stack.
        """
        paths = [
            path
            for path in tree.paths(folder or self.platform.data["infra"]["stacks"])
            if path.endswith(".tf") and not path.startswith(self.stack_prefix)
        ]
        files = ((path, tree.read(path) or b"") for path in paths)
        problems = taken(load_allocations(self.template, self.answers), files)
        if problems:
            raise AnswersError(problems)

    def infra_state(self, tree: Tree) -> InfraState:
        """What a tree of the infra repository has and lacks."""
        recorded = recorded_answers(tree, self.stack_prefix) or {}
        ours = recorded.get("name") == self.name
        registrations = compare_registrations(self.registrations, tree)
        return InfraState(
            files=tuple(compare("infra", self.stack_files, tree, self.stack_prefix)),
            registrations=tuple(registrations if ours else not_ours(registrations)),
            made_by_us=ours,
            changed=tuple(differing_answers(recorded, self.answers.public)) if ours else (),
        )
