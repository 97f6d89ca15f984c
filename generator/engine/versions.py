"""What versions of the template make of recorded answers. Remembers what is the same for many services."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from packaging.version import Version

from generator.base.errors import AnswersError, NewserviceError, Problem, RefusedError
from generator.engine.recorded import Recorded, parse_recorded
from generator.engine.transition import End
from generator.infra_repo.registrations import Adjustments, Registration, load, shares
from generator.infra_repo.trees import Listing, Tree
from generator.platform.profile import Platform
from generator.template.amendment import UNAMENDED, Amendment, same_answer
from generator.template.answers import Answers, resolve
from generator.template.files import ANSWERS_FILE, File, Layer
from generator.template.questions import Question, load_questions
from generator.template.releases import Releases
from generator.template.renderer import Renderer
from generator.template.resolution import Resolution
from generator.template.template import Template

_OWN_FACTS = "[% from 'templates/macros/profile.jinja' import difference %][[ difference(platform, published) ]]"
"""What a platform says otherwise than a template's own profile."""


@dataclass
class Maker:
    """One version of the template, for many services. ``adjustments`` are those of the profile in force."""

    template: Template
    adjustments: Adjustments
    _platforms: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """All questions of this version."""
        return load_questions(self.template)

    @cached_property
    def _renderer(self) -> Renderer:
        return Renderer.of(self.template)

    def answers(
        self,
        recorded: Recorded,
        amendment: Amendment = UNAMENDED,
        profile: Mapping[str, Any] | None = None,
        derived: Mapping[str, Any] | None = None,
    ) -> Answers:
        """The answers that this version has for a service: the recorded ones with an ``amendment``.

        ``profile`` is what the platform's profile says of things that no recorded profile can speak of; ``derived``
        takes the place of recorded answers. Raises ``AnswersError`` where an answer is missing or wrong.
        """
        facts, public = self.split(recorded, profile)
        amended = amendment.applied({**public, **(derived or {})})
        given = {name: amended.pop(name) for name in amendment.touched if name in amended}
        try:
            return resolve(self.template, self.questions, given, facts, amended)
        except AnswersError as error:
            raise AnswersError([amendment.explained(problem, public) for problem in error.problems]) from None

    def source_of(self, answers: Answers, layer: Layer) -> str:
        """The folder of the template from which these answers make the tree of a layer."""
        return self.template.render(str(self.template.config["_subdirectory"]), {**answers.context, "layer": layer})

    def follow(self, recorded: Recorded, amendment: Amendment) -> dict[str, Any]:
        """The recorded answers that follow from others, as they come out with an ``amendment``; only those that change.

        An answer follows where it is what this version, which recorded it, computes from the others. Raises
        ``AnswersError`` where the amendment makes another recorded answer invalid, which would be lost.
        """
        questions = {question.name: question for question in self.questions}
        given = {name: value for name, value in amendment.given.items() if name in questions}
        amendment = replace(amendment, given=given, replaced=amendment.replaced & given.keys())
        derived = self.derived(recorded).difference(amendment.touched)
        facts, public = self.split(recorded)
        amended = amendment.applied({name: value for name, value in public.items() if name not in derived})
        before = resolve(self.template, self.questions, {}, facts, public).public
        try:
            found = resolve(self.template, self.questions, {}, facts, amended).public
        except AnswersError:
            return {}  # what is given is wrong, or an answer to another version: that is found out there
        if not all(_taken(questions[name], amended[name], found) for name in given):
            return {}
        lost = [
            name
            for name, value in before.items()
            if name in found and name not in {*derived, *amendment.touched} and not same_answer(found[name], value)
        ]
        if lost:
            raise AnswersError(self._lost({name: before[name] for name in lost}, facts, amended))
        return {name: found[name] for name in derived if name in found and not same_answer(found[name], before[name])}

    def _lost(self, kept: Mapping[str, Any], facts: Mapping[str, Any], others: Mapping[str, Any]) -> list[Problem]:
        """What is wrong with the recorded answers that would be lost, as if they were given with the others."""
        try:
            rest = {name: value for name, value in others.items() if name not in kept}
            resolve(self.template, self.questions, kept, facts, rest)
            reasons: dict[str, str] = {}
        except AnswersError as error:
            reasons = {problem.question: problem.message for problem in error.problems}
        lost = "the recorded answer is not valid with the others any more, and would be lost"
        return [
            Problem(
                "answer.invalid",
                name,
                reasons.get(name, f"{name}: {lost}"),
                f"{name} is recorded; change it as well, with --set {name}=...",
            )
            for name in kept
        ]

    def derived(self, recorded: Recorded) -> frozenset[str]:
        """The questions whose recorded answer is what this version computes from the other recorded answers."""
        facts, public = self.split(recorded)
        resolution, found = Resolution(self.template, dict(public)), set()
        for question in self.questions:
            asked = question.public and question.name in public and resolution.applies(question)
            if asked and same_answer(resolution.default(question), public[question.name]):
                found.add(question.name)
            resolution.settle(question, {}, facts, public)
        return frozenset(found)

    def split(
        self, recorded: Recorded, profile: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """What is recorded, as this version sees it: newservice's own facts, and people's answers."""
        internal = [question.name for question in self.questions if question.internal]
        facts = {name: recorded.values[name] for name in internal if name in recorded.values}
        facts["platform"] = self._platform({**(profile or {}), **recorded.profile})
        return facts, {name: value for name, value in recorded.values.items() if name not in internal}

    def facts(self, platform: Platform) -> Mapping[str, Any]:
        """What this version's templates know of a platform: its own facts, and what a profile says otherwise.

        Keys that this version lacks are left out, as it would not record them.
        """
        published = Template.installed()
        context = {"platform": platform.facts, "published": published.platform}
        own = json.loads(published.render(_OWN_FACTS, context))
        return self._platform({key: value for key, value in own.items() if key in self.template.platform})

    def files(self, answers: Answers, without: Collection[str] = ()) -> tuple[File, ...]:
        """The tree of the answers' layer, but for the paths ``without``."""
        return self._renderer.render(answers, without)

    def registrations(self, answers: Answers) -> list[Registration]:
        """The entries in shared files; the stack brings them."""
        if answers.layer != "stack":
            return []

        def expression(source: str, extra: Mapping[str, object]) -> str:
            return self.template.render(source, {**answers.context, **extra})

        return load(self.template.registrations, expression, answers.context, self._adjusted)

    def end(self, answers: Answers) -> End:
        """The end of a transition that these answers are."""
        return End(self.files(answers), tuple(self.registrations(answers)))

    def adjusted(self, platform: Platform) -> Platform:
        """The profile in force, as far as this version has what it leaves out."""
        registrations = {"skip": self._adjusted.skip, "own": self._adjusted.own}
        return platform.changed({"registrations": registrations})

    @cached_property
    def _adjusted(self) -> Adjustments:
        """The profile's adjustments, as far as this version has what they leave out."""
        declared = {path.stem for path in self.template.registrations.glob("*.yml")}
        skip = [name for name in self.adjustments.skip if name in declared]
        return Adjustments(skip, self.adjustments.own, self.adjustments.source)

    def _platform(self, profile: Mapping[str, Any]) -> Mapping[str, Any]:
        """The platform's facts, as this version makes them of a recorded profile: the same for most of a fleet."""
        key = json.dumps(profile, sort_keys=True, default=str)
        if key not in self._platforms:
            question = next(item for item in self.questions if item.name == "platform")
            self._platforms[key] = json.loads(self.template.render(str(question.default), {"profile": profile}))
        return self._platforms[key]


def _taken(question: Question, given: Any, found: Mapping[str, Any]) -> bool:
    """Whether a given answer is among those found, and not its default because it is wrong."""
    try:
        return same_answer(found.get(question.name), question.cast(given))
    except ValueError:
        return False


@dataclass
class Versions:
    """The template's versions on one platform. Not for several threads at once."""

    releases: Releases
    platform: Platform
    _makers: dict[Version, Maker] = field(default_factory=dict)
    _unreleased: list[Maker] = field(default_factory=list)
    _known_entries: dict[bytes, list[Registration]] = field(default_factory=dict)

    def maker(self, version: Version | None = None) -> Maker:
        """A released version, the newest by default, with its questions."""
        version = version or self.releases.newest
        if version not in self._makers:
            self._makers[version] = Maker(self.releases.template(version), self.platform.registrations)
        return self._makers[version]

    def unreleased(self, template: Template) -> Maker:
        """A version that is not released."""
        found = next((maker for maker in self._unreleased if maker.template.root == template.root), None)
        if found is None:
            found = Maker(template, self.platform.registrations)
            self._unreleased.append(found)
        return found

    def knows(self, recorded: Recorded) -> bool:
        """Whether what is recorded can be rendered again by a released version."""
        return not recorded.problem and self.releases.knows(recorded.version)

    def made_by(self, recorded: Recorded) -> Maker:
        """The version that made a tree. Raises ``UnreadableError``, or ``RefusedError`` for one that is not known."""
        if self.knows(recorded.sound()):
            return self.maker(recorded.version)
        if recorded.version > self.releases.newest:
            raise RefusedError(
                "template.newer",
                f"{recorded.name} was made by template {recorded.version}; this newservice has {self.releases.newest}",
                "install a newer newservice",
            )
        raise RefusedError(
            "template.unknown_version",
            f"{recorded.name} was made by template {recorded.version}, which this newservice doesn't have",
            "install the newservice that has it",
        )

    def claimed(self, tree: Tree, name: str, entry: Registration) -> Registration | None:
        """What another stack than that of ``name``, of whichever version, has some of this entry in the tree for."""
        stacks = self.platform.infra.stacks
        paths = tree.paths(stacks) if isinstance(tree, Listing) else []
        others = [
            path for path in paths if path.endswith(f"/{ANSWERS_FILE}") and path != f"{stacks}/{name}/{ANSWERS_FILE}"
        ]
        found = (other for path in others for other in self._entries(tree.read(path) or b"", path))
        return next((other for other in found if shares(entry, other)), None)

    def _entries(self, content: bytes, path: str) -> list[Registration]:
        """The entries of a stack by its answers file; remembered, for others of the fleet ask for the same."""
        if content not in self._known_entries:
            try:
                recorded = parse_recorded(content, path)
                maker = self.made_by(recorded)
                found = maker.registrations(maker.answers(recorded))
            except NewserviceError:  # it can't be updated, and says so where it is looked at
                found = []
            self._known_entries[content] = found
        return self._known_entries[content]
