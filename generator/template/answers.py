"""From what was given to complete, checked answers. Pure; every problem is found in one go."""

from __future__ import annotations

import marshal
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from generator.base.errors import AnswersError
from generator.template.files import Layer
from generator.template.questions import Question
from generator.template.resolution import Outcome, Resolution, unknown_keys
from generator.template.template import Template


@dataclass(frozen=True)
class DeclaredDelivery:
    """What CI makes of a commit; texts hold ``{sha}`` where the commit's id goes.

    ``workflow`` builds the image, where any does, and the ``further`` ones of the same repository; each has the
    ``tags``. ``variables`` are those of the pipeline that deploys them.
    """

    workflow: str | None
    image: str
    tags: tuple[str, ...]
    variables: Mapping[str, str]
    further: tuple[str, ...] = ()


@dataclass(frozen=True)
class Watcher:
    """Who watches the service because of a line in its stack, and the text of that line."""

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Door:
    """An address of the service, and what strangers are to meet there: ``auth``, as the answer ``what`` calls it.

    ``meets`` says it in general: the login of the single sign-on, its anonymous session, the program's own login, or a
    page. ``reach`` is public, internal (a public name that only home networks get into) or lan. ``parked``: nothing
    runs.
    """

    url: str
    auth: str
    meets: str
    what: str
    reach: str
    parked: bool = False


@dataclass(frozen=True)
class Answers:
    """Complete answers; what Python reads of them has a typed attribute.

    ``values``: what was asked, by question; what the answers file records. ``context``: the same and every
    computed value, for templates and registrations. ``notes``: things a person should know about what was given.
    ``public``: those of ``values`` that people answer, without newservice's own. ``outcomes``: how each question came
    out.
    """

    values: dict[str, Any]
    context: dict[str, Any]
    notes: tuple[str, ...]
    public: dict[str, Any]
    _basis: _Basis = field(repr=False, compare=False)
    outcomes: Mapping[str, Outcome] = field(repr=False, compare=False)

    def with_facts(self, facts: Mapping[str, Any]) -> Answers:
        """The same answers with other values of internal questions: another layer, or what was found since.

        Only the questions that depend on these are evaluated again. Raises ``AnswersError`` as ``resolve`` does.
        """
        return replace(self._basis, facts={**self._basis.facts, **facts}).resolve()

    @property
    def name(self) -> str:
        """The service's name."""
        return str(self.context["name"])

    @property
    def layer(self) -> Layer:
        """The tree that these answers are for."""
        return "stack" if self.context["layer"] == "stack" else "service"

    @property
    def platform(self) -> Mapping[str, Any]:
        """What templates know of the platform."""
        return dict(self.context["platform"])

    @property
    def owned(self) -> bool:
        """Whether the service has a repository of its own."""
        return bool(self.context["image_source"] == "owned")

    @property
    def stacked(self) -> bool:
        """Whether newservice makes the stack; not where one that was made by hand stays."""
        return bool(self.context.get("stack", "generated") == "generated")

    @property
    def adopted(self) -> bool:
        """Whether people began the history of the service's repository."""
        return bool(self.context.get("adopted", False))

    @property
    def description(self) -> str:
        """What the service does, in one line."""
        return str(self.context["description"])

    @property
    def site(self) -> str:
        """The service's address for people; empty where it serves nobody."""
        return str(self.context["site"] or "")

    @property
    def gates(self) -> tuple[Mapping[str, Any], ...]:
        """Every way into the service and what gates it; empty for earlier versions of the template."""
        return tuple(self.context.get("gates", ()))

    @property
    def ci(self) -> bool:
        """Whether CI builds the image; only meaningful where the service is owned."""
        return bool(self.context["ci"])

    @property
    def delivery(self) -> DeclaredDelivery:
        """What CI makes of a commit."""
        said = self.context["delivery"]
        further = tuple(said.get("further", ()))  # templates before 3.1.0 know one image
        return DeclaredDelivery(said["workflow"], said["image"], tuple(said["tags"]), dict(said["variables"]), further)

    @property
    def image_reference(self) -> str:
        """The image, with where it is pulled from and its tag."""
        return str(self.context["image_reference"])

    @property
    def private_image(self) -> bool:
        """Whether only those who are let in see image and mirror."""
        return bool(self.context["private_image"])

    @property
    def systems(self) -> tuple[str, ...]:
        """The outside systems that the service needs, by their names in the profile."""
        return tuple(self.context["systems"])

    @property
    def actions_secrets(self) -> Mapping[str, str]:
        """The Actions secrets that CI needs, and the credential that fills each."""
        return dict(self.context["actions_secrets"])

    @property
    def secrets(self) -> Mapping[str, str]:
        """The container's variables that hold a secret, and the property in Vault of each."""
        return dict(self.context["secrets"])

    @property
    def vault_properties(self) -> tuple[str, ...]:
        """The properties that are read from the service's path in Vault."""
        return tuple(self.context["vault_properties"])

    @property
    def known_elsewhere(self) -> tuple[str, ...]:
        """Those of ``vault_properties`` whose values are never generated."""
        return tuple(self.context["known_elsewhere"])

    @property
    def watchers(self) -> tuple[Watcher, ...]:
        """Who watches the service because of a line in its stack."""
        return tuple(Watcher(item["name"], tuple(item["words"])) for item in self.context["watchers"])

    @property
    def doors(self) -> tuple[Door, ...] | None:
        """Every address at which strangers may try the service; None where its template does not list them yet."""
        listed = self.context.get("doors")
        return None if listed is None else tuple(Door(**item) for item in listed)


def resolve(
    template: Template,
    questions: tuple[Question, ...],
    given: Mapping[str, Any],
    facts: Mapping[str, Any] | None = None,
    recorded: Mapping[str, Any] | None = None,
) -> Answers:
    """Complete and check ``given``.

    ``facts`` fills the internal questions (``platform``, ``layer``, ``woodpecker_repo_id``); what is found later goes
    to ``Answers.with_facts``. ``recorded`` is what an answers file says, maybe of another version of the template: an
    answer there that is no longer valid counts as not given (copier's rule for updates). Raises ``AnswersError`` with
    one problem for each wrong, unknown or missing answer.

    A command resolves nearly the same again and again: what does not depend on what differs from one of the last times
    is as it was then.
    """
    return _Basis(template, questions, _copied(given), facts or {}, _copied(recorded or {})).resolve()


_REMEMBERED = 8
"""Resolved answers that a template remembers: a command compares several, each in both layers."""


@dataclass(frozen=True)
class _Resolved:
    """Answers that were resolved before: from what was given, recorded and known, and how each question came out."""

    questions: tuple[Question, ...]
    given: Mapping[Any, bytes | None]
    recorded: Mapping[Any, bytes | None]
    facts: Mapping[Any, bytes | None]
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)

    def foreseen(self, other: _Resolved) -> set[Any]:
        """The names of which something else was given or recorded, which questions before theirs see as well."""
        return _differing(self.given, other.given) | _differing(self.recorded, other.recorded)

    def changed(self, other: _Resolved) -> set[Any]:
        """The names of which anything else was said."""
        return self.foreseen(other) | _differing(self.facts, other.facts)


@dataclass(frozen=True)
class _Basis:
    """What answers are resolved from."""

    template: Template
    questions: tuple[Question, ...]
    given: Mapping[str, Any]
    facts: Mapping[str, Any]
    recorded: Mapping[str, Any]

    def resolve(self) -> Answers:
        """The answers; what does not depend on what differs from one of the last times is as it was then."""
        now = _Resolved(self.questions, _packed(self.given), _packed(self.recorded), _packed(self.facts))
        earlier: tuple[_Resolved, ...] = self.template.memory.get(_Resolved, ())
        alike = [found for found in earlier if found.questions is self.questions]
        near = min(alike, key=lambda found: len(found.changed(now)), default=replace(now, outcomes={}))
        changed = near.changed(now)
        answers = self._resolved(near.outcomes, changed, near.foreseen(now))
        if changed or not near.outcomes:
            kept = replace(now, outcomes=answers.outcomes)
            self.template.memory[_Resolved] = (kept, *earlier[: _REMEMBERED - 1])
        return answers

    def _resolved(self, before: Mapping[str, Outcome], changed: Collection[str], foreseen: Collection[str]) -> Answers:
        """The answers; questions that came out ``before`` stay, but for ``changed`` and what depends on them."""
        named = {name: value for name, value in {**self.recorded, **self.given}.items() if isinstance(name, str)}
        resolution = Resolution(self.template, named)  # YAML has other keys, too
        resolution.problems.extend(unknown_keys(self.questions, self.given, self.template))
        moved = set(foreseen)
        for question in self.questions:
            known = before.get(question.name)
            if known is not None and question.name not in changed and moved.isdisjoint(known.reads):
                resolution.keep(question, known)
                continue
            resolution.settle(question, self.given, self.facts, self.recorded)
            if known is not None:
                stayed = known.same(resolution.outcomes[question.name])
                (moved.discard if stayed else moved.add)(question.name)
        if resolution.problems:
            raise AnswersError(resolution.problems)
        notes = (*resolution.notes, *resolution.context.get("warnings", ()))
        return Answers(resolution.values, resolution.context, notes, resolution.public, self, resolution.outcomes)


def _copied(source: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same, where its owner does not change it any more."""
    packed = {name: _bytes(value) for name, value in source.items() if type(value) in (list, dict)}
    copies = {name: marshal.loads(found) for name, found in packed.items() if found}  # noqa: S302 - our own
    return {**source, **copies}


def _packed(source: Mapping[str, Any]) -> dict[Any, bytes | None]:
    return {name: _bytes(value) for name, value in source.items()}


def _differing(one: Mapping[Any, bytes | None], other: Mapping[Any, bytes | None]) -> set[Any]:
    """The names that differ, or of which nobody can say whether they do."""
    names = one.keys() | other.keys()
    return {name for name in names if name not in one or one[name] is None or one[name] != other.get(name)}


def _bytes(value: Any) -> bytes | None:
    """A plain value as bytes, which differ wherever the value does, or its type; None for any other."""
    try:
        return marshal.dumps(value, 0)
    except (ValueError, RecursionError):
        return None
