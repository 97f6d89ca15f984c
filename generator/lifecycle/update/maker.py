"""What versions of the template make of recorded answers. Remembers what is the same for many services."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from generator.engine.recorded import Recorded
from generator.infra_repo.registrations import Adjustments, Registration, load
from generator.platform.profile import Platform
from generator.template.answers import Answers, resolve
from generator.template.files import File
from generator.template.questions import Question, load_questions
from generator.template.renderer import Renderer
from generator.template.template import Template


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
        return Renderer(self.template)

    def answers(
        self,
        recorded: Recorded,
        given: Mapping[str, Any] | None = None,
        profile: Mapping[str, Any] | None = None,
    ) -> Answers:
        """The answers that this version has for a service, those ``given`` before the recorded ones.

        ``profile`` is what the platform's profile says of things that no recorded profile can speak of. Raises
        ``AnswersError`` where an answer is missing or wrong.
        """
        facts, public = self.split(recorded, profile)
        return resolve(self.template, self.questions, dict(given or {}), facts, public)

    def split(
        self, recorded: Recorded, profile: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """What is recorded, as this version sees it: newservice's own facts, and people's answers."""
        internal = [question.name for question in self.questions if question.internal]
        facts = {name: recorded.values[name] for name in internal if name in recorded.values}
        facts["platform"] = self._platform({**(profile or {}), **recorded.profile})
        return facts, {name: value for name, value in recorded.values.items() if name not in internal}

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

    def adjusted(self, platform: Platform) -> Platform:
        """The profile in force, as far as this version has what it leaves out."""
        told = {"skip": self._adjusted.skip, "own": self._adjusted.own}
        return platform.changed({"registrations": told})

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
