"""Recorded answers and what is to be different: entries with a name are merged, everything else is replaced. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from generator.base.errors import AnswersError, Problem


@dataclass(frozen=True)
class Amendment:
    """What is to be different in the answers of a service.

    ``given``: answers by question. ``unset``: questions, or entries of them such as ``env.LOG_LEVEL``, to be removed.
    ``replaced``: questions whose given map or list replaces the recorded one whole.
    """

    given: Mapping[str, Any] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    replaced: frozenset[str] = frozenset()

    @property
    def touched(self) -> tuple[str, ...]:
        """The questions that it is about."""
        return tuple(dict.fromkeys([*self.given, *(path.partition(".")[0] for path in self.unset)]))

    def applied(self, recorded: Mapping[str, Any]) -> dict[str, Any]:
        """The answers that follow from the ``recorded`` ones.

        A map is merged by key, and a list whose items are maps with a ``name`` by that name: a given entry replaces the
        recorded one. Raises ``AnswersError`` for something to be removed that is not recorded, and for a question to be
        replaced that is not given.
        """
        problems = [
            Problem("answer.replace", name, f"--replace {name}: no value is given for it", f"give --set {name}=...")
            for name in sorted(self.replaced - self.given.keys())
        ]
        amended: dict[str, Any] = dict(recorded)
        for path in self.unset:
            problems += _remove(amended, path)
        if problems:
            raise AnswersError(problems)
        for name, value in self.given.items():
            amended[name] = value if name in self.replaced else merged(amended.get(name), value)
        return amended


UNAMENDED = Amendment()
"""Nothing is to be different."""


@dataclass(frozen=True)
class AnswerChange:
    """One answer, or one entry of it: None for what did not exist before, or no longer does."""

    place: str
    old: Any
    new: Any


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[AnswerChange, ...]:
    """What differs between two sets of answers, entry by entry where entries have names."""
    names = dict.fromkeys([*before, *after])
    return tuple(change for name in names for change in _differing(name, before.get(name), after.get(name)))


def merged(old: Any, new: Any) -> Any:
    """A given answer with the entries of the recorded one that it does not name."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return {**old, **new}
    if _named(old) and _named(new):
        return list({**_by_name(old), **_by_name(new)}.values())
    return new


def _differing(place: str, old: Any, new: Any) -> Iterable[AnswerChange]:
    if old == new and type(old) is type(new):
        return ()
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return _entries(place, old, new)
    if _named(old) and _named(new):
        return _entries(place, _by_name(old), _by_name(new))
    return (AnswerChange(place, old, new),)


def _entries(place: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterable[AnswerChange]:
    keys = dict.fromkeys([*old, *new])
    return [AnswerChange(f"{place}.{key}", old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)]


def _remove(answers: dict[str, Any], path: str) -> Sequence[Problem]:
    """Remove an answer or one of its entries; returns what is wrong with that."""
    name, _, entry = path.partition(".")
    value = answers.get(name)
    if not entry:
        if name in answers:
            del answers[name]
            return ()
        return (_unknown(path, name, f"'{name}' is not recorded", answers),)
    if isinstance(value, Mapping) and entry in value:
        answers[name] = {key: item for key, item in value.items() if key != entry}
        return ()
    if _named(value) and entry in _by_name(value):
        answers[name] = [item for item in value if item["name"] != entry]
        return ()
    known = value if isinstance(value, Mapping) else _by_name(value) if _named(value) else {}
    return (_unknown(path, name, f"'{name}' has no entry {entry}", known),)


def _unknown(path: str, question: str, message: str, known: Iterable[str]) -> Problem:
    names = [str(name) for name in known]
    near = difflib.get_close_matches(path.rpartition(".")[2], names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(names)}" if names else "it has no entries"
    return Problem("answer.unset", question, f"--unset {path}: {message}", hint, tuple(names) or None)


def _named(value: Any) -> TypeGuard[list[Mapping[str, Any]]]:
    """Whether a value is a list of maps, each with a name of its own; an empty list is one."""
    if not isinstance(value, list) or not all(isinstance(item, Mapping) and "name" in item for item in value):
        return False
    return len({str(item["name"]) for item in value}) == len(value)


def _by_name(items: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {str(item["name"]): item for item in items}
