"""What a change of answers loses, and what it opens. Pure: questions declare both, no resource is known here."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from jinja2 import TemplateError

from generator.base.errors import NewserviceError, RefusedError, UsageError
from generator.template.answers import Answers
from generator.template.questions import Question
from generator.template.resolution import Resolution
from generator.template.template import Template, parse_yaml


@dataclass(frozen=True)
class Loss:
    """Data that a change deletes, or that the service no longer sees.

    ``place``: what ``--accept-loss`` names. ``what``: what is lost. ``backup``: how a person saves it first.
    """

    place: str
    what: str
    backup: str


@dataclass(frozen=True)
class Opening:
    """What becomes reachable, and for whom, by the answer to ``question``."""

    question: str
    what: str


@dataclass(frozen=True)
class Consent:
    """What a person agrees to: losses by their places, and everything that opens."""

    accepted: frozenset[str] = frozenset()
    opened: bool = False


NO_CONSENT = Consent()
"""Nothing may be lost or opened."""


@dataclass(frozen=True)
class _Resource:
    """A stateful resource that answers name. Without ``what`` nothing is lost with it."""

    place: str
    what: str
    backup: str
    size: float | None


def losses(template: Template, questions: Sequence[Question], before: Answers, after: Answers) -> tuple[Loss, ...]:
    """What exists with ``before`` and not with ``after``, or only smaller, in the order of the questions.

    ``questions`` are those of ``template``, which may be newer than the version that made ``before``. Raises
    ``NewserviceError`` (``template.broken``) for a declaration that can't be evaluated.
    """
    kept = _resources(template, questions, after)
    return tuple(_lost(template, questions, before, kept))


def openings(template: Template, questions: Sequence[Question], before: Answers, after: Answers) -> tuple[Opening, ...]:
    """What is reachable with ``after`` and not with ``before``, in the order of the questions. Raises as ``losses``."""
    contexts = {
        "before": _completed(template, questions, before),
        "after": _completed(template, questions, after),
    }
    return tuple(
        Opening(question.name, " ".join(line.split()))
        for question in questions
        for line in _rendered(template, question, "opens", question.opens, contexts).splitlines()
        if line.strip()
    )


def check_gates(losses: Sequence[Loss], openings: Sequence[Opening], accepted: Collection[str], opened: bool) -> None:
    """Raise unless every loss is ``accepted`` by its place, and openings are ``opened``.

    Raises ``RefusedError`` (``change.loss``, which names what opens as well, or ``change.opens``), and ``UsageError``
    (``change.accept_loss``) for an accepted place where nothing is lost.
    """
    places = list(dict.fromkeys(loss.place for loss in losses))
    for place in accepted:
        if place not in places:
            raise _lost_nowhere(place, places)
    lost = [loss for loss in losses if loss.place not in accepted]
    opens = [] if opened else [opening.what for opening in openings]
    flags = [f"--accept-loss {shlex.quote(place)}" for place in dict.fromkeys(loss.place for loss in lost)]
    flags += ["--open"] if opens else []
    opening = f"this change opens something: {'; '.join(opens)}"
    if lost:
        named = "; ".join(f"{loss.what} ({loss.place})" for loss in lost)
        first = [f"  {loss.place}: {loss.backup}" for loss in lost]  # a line each, to be copied
        message = f"this change loses {named}" + (f". And {opening}" if opens else "")
        hint = "\n".join(["save it first:", *first, f"then add {' '.join(flags)}"])
        raise RefusedError("change.loss", message, hint)
    if opens:
        raise RefusedError("change.opens", opening, "add --open if that is intended")


def _lost_nowhere(place: str, places: list[str]) -> UsageError:
    near = get_close_matches(place, places, n=1)
    known = f"it loses something at {', '.join(places)}" if places else "it loses nothing at all"
    hint = f"did you mean {near[0]}?" if near else "leave it out"
    return UsageError("change.accept_loss", f"--accept-loss {place}: this change loses nothing there; {known}", hint)


def _lost(
    template: Template, questions: Sequence[Question], before: Answers, kept: Mapping[str, _Resource]
) -> Iterator[Loss]:
    for identity, resource in _resources(template, questions, before).items():
        if not resource.what:
            continue
        after = kept.get(identity)
        if after is None:
            yield Loss(resource.place, resource.what, resource.backup)
        elif resource.size is not None and after.size is not None and after.size < resource.size:
            yield Loss(resource.place, f"{resource.what}: it can't shrink, only be replaced", resource.backup)


def _resources(template: Template, questions: Sequence[Question], answers: Answers) -> dict[str, _Resource]:
    """The stateful resources that these answers name, by identity."""
    context = _completed(template, questions, answers)
    found: dict[str, _Resource] = {}
    for question in questions:
        for item in parse_yaml(_rendered(template, question, "stateful", question.stateful, context)) or []:
            identity = json.dumps(item["id"], sort_keys=True)
            resource = _Resource(item["place"], item.get("what") or "", item.get("backup") or "", item.get("size"))
            if identity not in found or not found[identity].what:
                found[identity] = resource
    return found


def _completed(template: Template, questions: Sequence[Question], answers: Answers) -> dict[str, Any]:
    """The answers' context; what their version of the template did not have yet has its default here."""
    resolution = Resolution(template, context=dict(answers.context))
    for question in questions:
        if question.name not in answers.context:
            with suppress(NewserviceError):  # a default that reads something else which that version lacks
                resolution.take(question, {})
    return resolution.context


def _rendered(template: Template, question: Question, key: str, source: str, context: Mapping[str, Any]) -> str:
    """A declaration with the answers. Raises ``NewserviceError``."""
    try:
        return template.render(source, context)
    except (TemplateError, TypeError, ValueError, AttributeError, LookupError) as error:
        raise NewserviceError(
            "template.broken",
            f"copier.yml: the key {key} of question '{question.name}' can't be evaluated: {error}",
            "this is a fault of the template, not of your answers",
        ) from error
