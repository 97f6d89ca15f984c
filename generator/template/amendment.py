"""Recorded answers and what is to be different: entries with a name are merged, everything else is replaced. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
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
        item replaces the recorded one. A map of maps in place of such a list has fields by the item's name, and changes
        only those. Raises ``AnswersError`` for an entry to be removed that is not recorded, or is
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

    def words(self, structured: Container[str]) -> Iterator[str]:
        """It as words of a command line; ``structured`` are the questions whose answers are read as YAML."""
        for path in self.unset:
            yield from ("--unset", path)
        for name in sorted(self.replaced):
            yield from ("--replace", name)
        for name, value in self.given.items():
            plain = isinstance(value, str) and name not in structured
            yield from ("--set", f"{name}={value if plain else json.dumps(value, ensure_ascii=False)}")

    def explained(self, problem: Problem, recorded: Mapping[str, Any]) -> Problem:
        """The same problem; where an item takes the place of a recorded one, with how to change a field of that."""
        name = problem.question
        given, known = self.given.get(name), _entries_of(recorded.get(name))
        item = next((item for item in _by_name(given) if item in known), None) if _named(given) else None
        if item is None or name in self.replaced:
            return problem
        hint = f"an entry is replaced whole; --set {name}.{item}.FIELD=VALUE changes one field of the recorded one"
        return replace(problem, hint=hint)


UNAMENDED = Amendment()
"""Nothing is to be different."""


def amendment_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> Amendment:
    """What makes ``after`` of ``before``, for the questions of ``after``; nothing that both say."""
    parts = [_between(name, before.get(name), new) for name, new in after.items()]
    return Amendment(
        {name: value for part in parts for name, value in part.given.items()},
        tuple(path for part in parts for path in part.unset),
        frozenset(name for part in parts for name in part.replaced),
    )


def _between(name: str, old: Any, new: Any) -> Amendment:
    """The first that leads from one answer to the other: entries that differ, the answer, the answer in its place."""
    if same_answer(old, new):
        return UNAMENDED
    before, after = _entries_of(old), _entries_of(new)
    entries = {key: item for key, item in after.items() if key not in before or not same_answer(before[key], item)}
    given = (entries if isinstance(new, Mapping) else list(entries.values())) if entries else None
    unset = tuple(f"{name}.{key}" for key in before if key not in after)
    tried = [Amendment({} if given is None else {name: given}, unset)] if before else []
    for amendment in (*tried, Amendment({name: new})):
        with suppress(AnswersError):
            if same_answer(amendment.applied({name: old})[name], new):
                return amendment
    return Amendment({name: new}, (), frozenset([name]))


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
    if _named(old) and isinstance(new, Mapping) and all(isinstance(fields, Mapping) for fields in new.values()):
        items = _by_name(old)
        changed = {name: merged(items.get(name, {"name": name}), fields) for name, fields in new.items()}
        return list({**items, **changed}.values())
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


def has_entry(answers: Mapping[str, Any], path: str) -> bool:
    """Whether answers have the entry at a path such as ``env.LOG_LEVEL``."""
    name, _, entry = path.partition(".")
    return bool(entry) and _found(answers.get(name), entry.split("."))


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
