"""Recorded answers and what is to be different: entries with a name are merged, everything else is replaced. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from generator.base.errors import AnswersError, Problem


@dataclass(frozen=True)
class Amendment:
    """What is to be different in the answers of a service.

    ``given``: answers by question. ``unset``: entries to be removed, such as ``env.LOG_LEVEL``. ``replaced``: questions
    whose given map or list replaces the recorded one whole.
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

        Maps are merged by key, on every level, and a list whose items are maps with a ``name`` by that name: a given
        item replaces the recorded one. Raises ``AnswersError`` for an entry to be removed that is not recorded, or is
        given as well, for a question to be replaced that is not given, and for an empty value that removes nothing.
        """
        problems = [
            Problem("answer.replace", name, f"--replace {name}: no value is given for it", f"give --set {name}=...")
            for name in sorted(self.replaced - self.given.keys())
        ]
        amended: dict[str, Any] = dict(recorded)
        for path in dict.fromkeys(self.unset):
            name, _, entry = path.partition(".")
            if name in self.replaced or (entry and _found(self.given.get(name), entry.split("."))):
                message = f"--unset {path}: it is given as well"
                problems.append(Problem("answer.unset", name, message, "leave one of them out"))
                continue
            try:
                amended[name] = _without(amended.get(name), path, entry.split("."))
            except AnswersError as error:
                problems += error.problems
        for name, value in self.given.items():
            if name not in self.replaced and _empty(value) and amended.get(name) and not _empty(amended[name]):
                message = f"{name} is given empty, which removes none of its entries"
                hint = f"--replace {name} removes all of them, --unset {name}.ENTRY one"
                problems.append(Problem("answer.replace", name, message, hint))
            amended[name] = value if name in self.replaced else merged(amended.get(name), value)
        if problems:
            raise AnswersError(problems)
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
        return {**old, **{key: merged(old.get(key), value) for key, value in new.items()}}
    if _named(old) and _named(new):
        return list({**_by_name(old), **_by_name(new)}.values())
    return new


def combined(old: Any, theirs: Any, ours: Any) -> Any:
    """What two people made of an ``old`` answer: entry by entry where entries have names; else ours, if it is new."""
    if same_answer(ours, old):
        return theirs
    if all(isinstance(value, Mapping) for value in (old, theirs, ours)):
        names = dict.fromkeys([*theirs, *ours])
        found = {name: combined(old.get(name), theirs.get(name), ours.get(name)) for name in names}
        return {name: value for name, value in found.items() if value is not None}
    if all(_named(value) for value in (old, theirs, ours)):
        return list(combined(_by_name(old), _by_name(theirs), _by_name(ours)).values())
    return ours


def same_answer(one: Any, other: Any) -> bool:
    """Whether two answers are one; 1 and true are two."""
    return json.dumps(one, sort_keys=True, default=str) == json.dumps(other, sort_keys=True, default=str)


def _differing(place: str, old: Any, new: Any) -> Iterable[AnswerChange]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return _entries(place, old, new)
    if _named(old) and _named(new):
        return _entries(place, _by_name(old), _by_name(new))
    return () if same_answer(old, new) else (AnswerChange(place, old, new),)


def _entries(place: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterable[AnswerChange]:
    changes = [AnswerChange(f"{place}.{key}", old.get(key), new.get(key)) for key in dict.fromkeys([*old, *new])]
    return [change for change in changes if not same_answer(change.old, change.new)]


def _without(value: Any, path: str, entry: list[str]) -> Any:
    """A value without an entry of it. Raises ``AnswersError``."""
    key, *below = entry
    known = _entries_of(value)
    if key not in known or not key:
        raise AnswersError([_unknown(path, key, known)])
    kept = {name: item for name, item in known.items() if name != key}
    if below:
        kept = {**known, key: _without(known[key], path, below)}
    return kept if isinstance(value, Mapping) else list(kept.values())


def _found(value: Any, entry: list[str]) -> bool:
    """Whether a value has an entry."""
    known = _entries_of(value)
    return entry[0] in known and (len(entry) == 1 or _found(known[entry[0]], entry[1:]))


def _unknown(path: str, key: str, known: Mapping[str, Any]) -> Problem:
    question, names = path.partition(".")[0], [*known]
    if path == question:
        message, hint = "it names no entry", f"--unset {question}.ENTRY removes one; or give {question} another value"
        return Problem("answer.unset", question, f"--unset {path}: {message}", hint, tuple(names) or None)
    near = difflib.get_close_matches(key, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(names)}" if names else "it has no entries"
    message = f"--unset {path}: no entry '{key}' is recorded"
    return Problem("answer.unset", question, message, hint, tuple(names) or None)


def _empty(value: Any) -> bool:
    return isinstance(value, Mapping | list) and not value


def _named(value: Any) -> TypeGuard[list[Mapping[str, Any]]]:
    """Whether a value is a list of maps, each with a name of its own; an empty list is one."""
    if not isinstance(value, list) or not all(isinstance(item, Mapping) and "name" in item for item in value):
        return False
    return len({str(item["name"]) for item in value}) == len(value)


def _by_name(items: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {str(item["name"]): item for item in items}


def _entries_of(value: Any) -> dict[str, Any]:
    """The entries of a value by name; none where it has no named ones."""
    if isinstance(value, Mapping):
        return {str(key): item for key, item in value.items()}
    return dict(_by_name(value)) if _named(value) else {}
