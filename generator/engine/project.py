"""What is wanted for one service, and what a tree of the infra repository has and lacks of it. Queries no system."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from generator.base.contained import Obstacle
from generator.base.errors import AnswersError, RefusedError
from generator.base.memo import Memo
from generator.engine.checklist import Checklist
from generator.engine.ownership import of_layer, of_tree
from generator.engine.recorded import Recorded, read_recorded
from generator.engine.to_do import all_tasks
from generator.engine.transition import NOTHING, End, transition
from generator.engine.versions import Versions
from generator.infra_repo.allocations import (
    Allocation,
    Facts,
    Holding,
    collisions,
    load_allocations,
    pick,
    reads,
    settled,
    survey,
)
from generator.infra_repo.entries import RegistrationChange, left_alone
from generator.infra_repo.modules import outdated
from generator.infra_repo.registrations import Registration, load
from generator.infra_repo.texts import Readable
from generator.infra_repo.tree_diff import FileChange
from generator.infra_repo.trees import Listing, Tree
from generator.platform.profile import Platform
from generator.template.amendment import Amendment, amendment_between, same_answer
from generator.template.answers import Answers
from generator.template.files import ANSWERS_FILE, File, Layer
from generator.template.questions import load_questions
from generator.template.releases import Releases
from generator.template.renderer import Renderer
from generator.template.template import Template

BRANCH_PREFIX = "newservice/"
"""What the branches of the infra repository that newservice makes begin with."""


@dataclass(frozen=True)
class InfraState:
    """What one commit of the infra repository has and lacks of this service.

    ``changed`` names the questions to which the existing stack was given other answers, and ``change`` is the command
    that changes these. ``facts`` are what was picked for the stack: those that it records, else what is free now.
    """

    files: tuple[FileChange, ...]
    registrations: tuple[RegistrationChange, ...]
    made_by_us: bool
    changed: tuple[str, ...] = ()
    facts: Facts = field(default_factory=dict)
    change: str = ""

    @property
    def missing(self) -> tuple[File, ...]:
        """Stack files that do not exist. A stack that we made and someone edited is complete as it is."""
        created = (item.after for item in self.files if item.action == "create")
        return () if self.made_by_us else tuple(file for file in created if file)

    @property
    def foreign(self) -> bool:
        """Whether a stack of this name exists that newservice did not make."""
        return not self.made_by_us and any(item.before is not None for item in self.files)

    @property
    def blocked(self) -> Obstacle | None:
        """What keeps the stack from being made, such as a link in its place; the first one."""
        return next((item.blocked for item in self.files if item.blocked and not self.made_by_us), None)

    @property
    def unregistered(self) -> tuple[RegistrationChange, ...]:
        """Registrations that do not exist yet."""
        return tuple(item for item in self.registrations if item.action == "add")

    @property
    def refusals(self) -> tuple[RegistrationChange, ...]:
        """Registrations whose place was not found, or is taken by someone else's entry."""
        return tuple(item for item in self.registrations if item.action == "refuse")

    @property
    def edited(self) -> int:
        """How many of our files differ from what the answers would render now, or were removed."""
        return sum(item.differs for item in self.files)

    @property
    def complete(self) -> bool:
        """Whether nothing is lacking that newservice could add."""
        return self.made_by_us and not self.unregistered


@dataclass
class Project:
    """What is wanted: answers, platform and template, and the files that follow from them.

    ``places`` are the flags by which another command finds the same platform and folders.
    """

    template: Template
    platform: Platform
    answers: Answers
    service_dir: Path
    places: tuple[str, ...] = ()
    _trees: Memo = field(default_factory=Memo)
    _listed: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        """The service's name."""
        return self.answers.name

    def command(self, name: str, *words: str) -> str:
        """A command about this service, as a shell takes it."""
        return shlex.join(["newservice", name, self.name, *self.places, *words])

    def change_from(self, recorded: Recorded) -> str:
        """The command that makes the wanted answers of the recorded ones; empty where none of these differs."""
        differing = {name: self.answers.public[name] for name in recorded.differing(self.answers.public)}
        if not differing:
            return ""
        for name in [name for name in differing if self._follows(recorded, differing, name)]:
            del differing[name]
        structured = {item.name for item in load_questions(self.template) if item.structured}
        return self.command("change", *amendment_between(recorded.values, differing).words(structured))

    def _follows(self, recorded: Recorded, differing: Mapping[str, Any], name: str) -> bool:
        """Whether an answer comes out as it is wanted when the others are changed."""
        rest = {other: value for other, value in differing.items() if other != name}
        if not rest or not self.versions.knows(recorded):
            return False
        try:
            found = self.versions.made_by(recorded).follow(recorded, Amendment(rest, replaced=frozenset(rest)))
        except AnswersError:
            return False
        return same_answer(found.get(name), differing[name])

    @property
    def infra_branch(self) -> str:
        """The branch of the infra repository that the stack's pull request comes from."""
        return f"{BRANCH_PREFIX}{self.name}"

    @cached_property
    def stack_prefix(self) -> str:
        """Folder of the stack in the infra repository, with a trailing slash."""
        return self.platform.infra.stack(self.name)

    @cached_property
    def allocations(self) -> list[Allocation]:
        """What this service must not share with another stack; nothing where its own is made by hand."""
        if not self.answers.stacked:
            return []
        return load_allocations(self.template, self.answers)

    @cached_property
    def registrations(self) -> list[Registration]:
        """The registrations that apply to these answers; none where the stack is made by hand."""
        if not self.answers.stacked:
            return []

        def expression(source: str, extra: Mapping[str, object]) -> str:
            return self.template.render(source, {**self.answers.context, **extra})

        return load(self.template.registrations, expression, self.answers.context, self.platform.registrations)

    @cached_property
    def versions(self) -> Versions:
        """The template's versions, for what other services were made by."""
        return Versions(Releases(), self.platform)

    @property
    def checklist(self) -> Checklist:
        """What surrounds the merge of the stack, in the order that works.

        Of the optional registrations only those count that a tree looked at has or needs.
        """
        context = self.answers.context
        needed = [item for item in self.registrations if not item.optional or item.id in self._listed]
        return all_tasks(self.platform.infra, self.template, context, needed, self.infra_branch)

    def service_files(self, woodpecker_id: int, kept: Sequence[str] = ()) -> tuple[File, ...]:
        """The rendered service repository; empty for an upstream image. ``kept``: paths that an adopted one keeps."""
        facts: Facts = {"woodpecker_repo_id": woodpecker_id, **({"kept": list(kept)} if kept else {})}
        return self._render("service", facts) if self.answers.owned else ()

    def service_changes(self, files: Sequence[File], tree: Tree) -> tuple[FileChange, ...]:
        """What ``tree``, the service's own, has and lacks of its rendered ``files``.

        An answers file of this service's is left as it is: what counts is what the stack records, and a change that
        does not concern the service's own tree is recorded there alone.
        """
        found = transition(NOTHING, End(tuple(files)), tree, "service").files
        if not of_tree(read_recorded(tree), self.name).ours:
            return found
        return tuple(replace(item, action="kept") if item.path == ANSWERS_FILE else item for item in found)

    def stack_files(self, facts: Facts) -> tuple[File, ...]:
        """The rendered stack, with what was picked for it; empty where the stack is made by hand."""
        if not self.answers.stacked:
            return ()
        return self._render("stack", facts)

    def survey(self, tree: Listing, folder: str = "") -> list[Holding]:
        """What other stacks of ``tree`` hold of what this service needs for itself; ``folder`` narrows it to one.

        Where the tree has the service's stack, its own entries in other stacks' files don't count.
        """
        own = {} if folder else self._without_entries(tree)
        paths = [
            path
            for path in tree.paths(folder or self.platform.infra.stacks)
            if reads(self.allocations, path) and not path.startswith(self.stack_prefix)
        ]
        return survey(self.allocations, ((path, own.get(path) or tree.read(path) or b"") for path in paths))

    def _without_entries(self, tree: Tree) -> dict[str, bytes]:
        """The shared files as they would be without the entries of a service that the tree records."""
        if not of_tree(read_recorded(tree, self.stack_prefix), self.name).ours:
            return {}
        ending = transition(End((), tuple(self.registrations)), NOTHING, Readable(tree), "infra")
        return {file.path: file.content for file in ending.shared}

    def check_allocations(self, others: Sequence[Holding], facts: Facts) -> None:
        """Raise ``AnswersError`` where another stack has what this service needs, choices made for it included."""
        problems = collisions(self.allocations, others, facts)
        if problems:
            raise AnswersError(problems)

    def check_modules(self, tree: Tree, facts: Facts, before: Sequence[File] = ()) -> None:
        """Raise ``RefusedError`` where modules of ``tree`` don't declare what the stack, unlike ``before``, passes."""
        if why := outdated(self.stack_files(facts), tree, self.stack_prefix, self.template.version, before):
            raise RefusedError(
                "infra.outdated",
                why,
                "nothing was written; update the infra repository and its clone first, or name the version of the "
                "template that goes with it, such as --template 1.0.0",
            )

    def infra_state(self, tree: Tree, others: Callable[[], Sequence[Holding]]) -> InfraState:
        """What a tree of the infra repository has and lacks.

        ``others`` tells what other stacks hold; it is asked only where something is to be picked. Raises
        ``AnswersError`` where nothing is free.
        """
        recorded = read_recorded(tree, self.stack_prefix)
        ours = of_layer(recorded, self.name, "stack").ours
        facts = self._facts(recorded.values if ours else {}, others)
        goal = End(self.stack_files(facts), tuple(self.registrations))
        found = transition(NOTHING, goal, tree, "infra", self.stack_prefix)
        self._listed.update(item.id for item in found.entries)
        return InfraState(
            files=found.files,
            registrations=tuple(map(left_alone, found.entries)) if ours else found.entries,
            made_by_us=ours,
            changed=recorded.differing(self.answers.public) if ours else (),
            facts=facts,
            change=self.change_from(recorded) if ours else "",
        )

    def _facts(self, recorded: Mapping[str, Any], others: Callable[[], Sequence[Holding]]) -> Facts:
        """What is recorded stays, whatever else is free now."""
        known = settled(self.allocations, recorded)
        complete = all(item.fact in known for item in self.allocations if item.fact)
        return known if complete else pick(self.allocations, others(), known)

    @cached_property
    def _renderer(self) -> Renderer:
        return Renderer.of(self.template)

    def _render(self, layer: Layer, facts: Facts) -> tuple[File, ...]:
        """The tree of a layer: rendered once with the same facts, and with others only where they are read."""
        key = json.dumps([layer, dict(facts)], sort_keys=True)
        return self._trees.look(key, lambda: self._renderer.render(self.answers.with_facts({"layer": layer, **facts})))
