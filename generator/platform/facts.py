"""The few facts that a profile is made from: what is asked, what is proposed, and what follows. Pure.

The facts, their rules and what follows from them are data: ``templates/init.yml``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from generator.base.errors import Problem, UsageError
from generator.platform.profile import PROFILE_HINT
from generator.platform.rules import NO_USER, has_user, profile_problems
from generator.template.notation import read_yaml
from generator.template.template import Template, parse_yaml


@dataclass(frozen=True)
class Fact:
    """One fact; ``key`` is the profile's key that it fills, where it is one, and no ``default`` makes it required."""

    name: str
    help: str
    key: str = ""
    default: str = ""
    shown: str = ""
    ask: bool = True
    pattern: str = ""
    message: str = ""

    @property
    def option(self) -> str:
        """The command line's flag."""
        return "--" + self.name.replace("_", "-")

    @property
    def required(self) -> bool:
        """Whether nothing can be proposed."""
        return not self.default

    def fault(self, value: str) -> str:
        """What is wrong with ``value``; empty where nothing is."""
        if has_user(value):
            return f"{self.name}: {NO_USER}"
        if not value.isprintable() or value != value.strip():
            return f"{self.name}: must be one line without spaces around it"
        if self.pattern and not re.fullmatch(self.pattern, value):
            return f"{self.name}: {self.message} (given: {value})"
        return ""


@dataclass(frozen=True)
class Interview:
    """All facts in their order, and what is made of them."""

    template: Template
    facts: tuple[Fact, ...]
    derived: Mapping[str, str]
    meanings: Mapping[str, str]

    @classmethod
    def of(cls, template: Template) -> Interview:
        """The facts that a template's profile wants."""
        data = parse_yaml((template.root / "templates" / "init.yml").read_text(encoding="utf-8"))
        facts = tuple(Fact(name, **details) for name, details in data["facts"].items())
        return cls(template, facts, data["derived"], data["keys"])

    def proposal(self, fact: Fact, known: Mapping[str, str]) -> str | None:
        """What is proposed for a fact; None where nothing can be, or not yet."""
        needed = set(re.findall(r"\w+", fact.default)) & self._names
        if fact.required or not needed <= set(known):
            return None
        return str(self._value(fact.default, known))

    def proposed(self, given: Mapping[str, str]) -> dict[str, str]:
        """What was given, and what can be proposed for all other facts."""
        known = dict(given)
        for fact in self.facts:
            value = None if fact.name in known else self.proposal(fact, known)
            if value is not None:
                known[fact.name] = value
        return known

    def shown_default(self, fact: Fact) -> str:
        """What is proposed for a fact before any is known: other facts appear as their names in capitals."""
        return fact.shown or self.proposal(fact, {name: name.upper() for name in self._names}) or ""

    def settle(self, given: Mapping[str, str]) -> tuple[dict[str, str], list[Problem]]:
        """All facts, those that were not given as they are proposed; and everything that is missing or wrong."""
        known: dict[str, str] = {}
        problems: list[Problem] = []
        for fact in self.facts:
            value = given[fact.name] if fact.name in given else self.proposal(fact, known)
            if value is None:
                if fact.required:
                    hint = f"{fact.option}: {fact.help}"
                    problems.append(Problem("answer.missing", fact.name, f"{fact.name} is missing", hint))
            elif fault := fact.fault(value):
                problems.append(Problem("answer.invalid", fact.name, fault, f"{fact.option}: {fact.help}"))
            else:
                known[fact.name] = value
        return known, problems

    def overrides(self, facts: Mapping[str, str] | None, sets: Mapping[str, Any]) -> dict[str, Any]:
        """The keys of the profile that these facts fill; ``sets`` (by dotted key) wins over what follows from them.

        ``facts`` are all of them, or None for ``sets`` alone.
        Raises ``UsageError`` for a key of ``sets`` that lies below something which is no map.
        """
        profile: dict[str, Any] = {"schema": self.template.platform["schema"]}
        if facts is not None:
            own = {fact.key: facts[fact.name] for fact in self.facts if fact.key}
            sets = {**own, **{key: self._value(source, facts) for key, source in self.derived.items()}, **sets}
        for key, value in sets.items():
            _put(profile, key, value)
        return profile

    def meanings_once(self) -> Callable[[str], str]:
        """A function that returns the line for a key of the profile; a line shared by several keys only once."""
        left = dict(self.meanings)

        def meaning(key: str) -> str:
            pattern = next((pattern for pattern in left if fnmatchcase(key, pattern)), "")
            return left.pop(pattern, "")

        return meaning

    @cached_property
    def _names(self) -> set[str]:
        return {fact.name for fact in self.facts}

    def _value(self, source: str, known: Mapping[str, str]) -> Any:
        return json.loads(self.template.render(f"[[ ({source}) | to_json ]]", known))


def read_sets(interview: Interview, pairs: Iterable[str]) -> tuple[dict[str, str], dict[str, Any], list[Problem]]:
    """``--set`` pairs as facts, by name, and as other keys of the profile, by dotted key; and what is wrong with them.

    ``settle`` checks a fact's own rule, with all others.
    """
    by_key = {fact.key: fact for fact in interview.facts if fact.key}
    facts: dict[str, str] = {}
    others: dict[str, Any] = {}
    problems: list[Problem] = []
    for pair in pairs:
        key, _, text = pair.partition("=")
        try:
            if key in by_key and "=" in pair:
                facts[by_key[key].name] = text
            else:
                _check_pair(pair)
                found = {**others, key: read_yaml(text)}
                interview.overrides(None, found)  # it may lie below something that is not a map
                others = found
        except UsageError as error:
            problems.append(Problem(error.code, "" if has_user(key) else key, error.message, error.hint))
    wrong = profile_problems(interview.template.platform, interview.overrides(None, others))
    problems += [Problem("platform.invalid", key, f"--set: {message}", PROFILE_HINT) for key, message in wrong]
    return facts, others, problems


def _check_pair(pair: str) -> None:
    """Raise ``UsageError`` for a pair that is none, or that no profile may hold."""
    key, equals, _ = pair.partition("=")
    if has_user(pair):  # it may hold a password: it is not repeated
        raise UsageError("platform.invalid", f"--set {key.partition(':')[0]}: {NO_USER}", PROFILE_HINT)
    if not equals or not all(key.split(".")):
        raise UsageError("answer.pair", f"--set {pair} is not key=value", "for example --set default_tier=edge")


def _put(profile: dict[str, Any], key: str, value: Any) -> None:
    *folders, name = key.split(".")
    place = profile
    for folder in folders:
        place = place.setdefault(folder, {})
        if not isinstance(place, dict):
            raise UsageError("answer.pair", f"--set {key}: no map {folder} exists to put it in", "set the map whole")
    before = place.get(name)
    if isinstance(before, dict) and isinstance(value, dict):
        for below, item in value.items():
            _put(before, str(below), item)
    else:
        place[name] = deepcopy(value)
