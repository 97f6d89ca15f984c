"""What another stack has already: hosts, namespaces, indexes, shares. What to look for is data of the template.

``survey`` reads what others hold, ``collisions`` says what of it this service wants as well, ``pick`` takes what is
free where a choice is left to newservice. All are pure; files are read by the caller.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from generator.base.errors import AnswersError, Problem
from generator.infra_repo.hcl import Document, HclSyntaxError, Setting, parse
from generator.infra_repo.texts import read_text
from generator.template.answers import Answers
from generator.template.template import Template, parse_yaml

TERRAFORM = "*.tf"

_COMMENTS = ("#", "//")

Facts = Mapping[str, Any]
"""What was picked for a service, by the internal question that records it."""


@dataclass(frozen=True)
class Overlap:
    """A further setting: a value is taken only where this one meets ours too. One not written out meets everything."""

    setting: str
    ours: frozenset[str]
    default: str
    what: str

    def shared(self, theirs: Mapping[str, Setting]) -> set[str]:
        """What both have."""
        written = theirs.get(self.setting, (self.default,))
        return set(self.ours if written is None else self.ours.intersection(written))


@dataclass(frozen=True)
class Place:
    """Where it is said who has a value.

    In blocks that match ``block`` and ``having``: the first of ``settings`` that is written out. Or in texts that
    ``text`` matches, below names that ``key`` matches: then ``settings`` are groups of the two. ``default`` is the
    value where none of them is written out.
    """

    value: str
    files: tuple[str, ...]
    block: tuple[str, ...]
    having: Mapping[str, str]
    key: re.Pattern[str]
    text: re.Pattern[str] | None
    settings: tuple[str, ...]
    default: str | None
    overlaps: tuple[Overlap, ...]

    def reads(self, path: str) -> bool:
        """Whether a file may say it."""
        return any(fnmatchcase(path, pattern) for pattern in self.files)

    def theirs(self, settings: Mapping[str, Setting]) -> str | None:
        """The value that is said here, if any."""
        for name, pattern in self.having.items():
            written = settings.get(name, ("",))
            if written is not None and not any(fnmatchcase(value, pattern) for value in written):
                return None
        written_out = (settings[name] for name in self.settings if settings.get(name))
        return next((value[0] for value in written_out if value), self.default)


@dataclass(frozen=True)
class Allocation:
    """A value that only one stack may have. ``among`` are all there are, where they are few: ``fact`` picks one.

    Allocations with one ``what`` share their values. With a ``capacity`` the value is a share of it, a whole number of
    ``unit``: others may have the same, and all together must not have more. Where a name in the same block matches
    ``times``, the share counts as often as the number there says, and once at least.
    """

    what: str
    question: str
    value: str
    near: tuple[str, ...]
    places: tuple[Place, ...]
    fact: str
    among: tuple[Any, ...]
    capacity: int = 0
    unit: str = ""
    times: re.Pattern[str] | None = None


@dataclass(frozen=True)
class Holding:
    """What another stack has, and where it says so. Of a capacity: the sum of its shares there."""

    what: str
    value: str
    where: str
    detail: str = ""


def load_allocations(template: Template, answers: Answers) -> list[Allocation]:
    """The allocations that these answers need."""
    text = (template.root / "templates" / "allocations.yml").read_text(encoding="utf-8")
    return [_allocation(rendered) for item in parse_yaml(text) for rendered in _rendered(template, answers, item)]


def survey(allocations: Iterable[Allocation], files: Iterable[tuple[str, bytes]]) -> list[Holding]:
    """What ``files`` (path and content of other stacks') say that others hold of these allocations.

    A file that is not HCL is skipped: it is not ours to judge.
    """
    found: dict[tuple[str, str], Holding] = {}
    shares: dict[tuple[str, str], int] = {}
    wanted = list(allocations)
    for path, content in files:
        lower = content.lower()
        near = [item for item in wanted if any(text.encode() in lower for text in item.near)]
        source = _Source(path, content) if near else None
        for item in near:
            for holding in _holdings(item, source) if source else ():
                if item.capacity:
                    place = (holding.what, holding.where)
                    times = source.number(holding.where, item.times) if source and item.times else 1
                    shares[place] = shares.get(place, 0) + int(holding.value) * times
                else:
                    found.setdefault((holding.what, holding.value), holding)
    return [*found.values(), *(Holding(what, str(share), where) for (what, where), share in shares.items())]


def reads(allocations: Iterable[Allocation], path: str) -> bool:
    """Whether any of these allocations looks into a file."""
    return any(place.reads(path) for item in allocations for place in item.places)


def collisions(allocations: Sequence[Allocation], holdings: Iterable[Holding], facts: Facts) -> list[Problem]:
    """What of these allocations, and of the ``facts`` picked for them, another stack has; each is reported once."""
    others = list(holdings)
    held: dict[tuple[str, str], Holding] = {}
    for holding in others:
        held.setdefault((holding.what, holding.value), holding)
    problems = {}
    for item in allocations:
        if item.capacity:
            shares = _shares(item, others)
            if sum(shares.values()) + int(item.value) > item.capacity:
                problems[item.what, item.question] = _exhausted(item, shares)
            continue
        value = item.value or str(facts.get(item.fact, ""))
        if taken := held.get((item.what, value)):
            free = _free(item, {value for what, value in held if what == item.what})
            problems[item.what, item.question] = _collision(item, taken, free)
    return list(problems.values())


def pick(allocations: Sequence[Allocation], holdings: Sequence[Holding], recorded: Facts) -> dict[str, Any]:
    """A value for each allocation that leaves the choice: the recorded one, else the first that is free.

    Raises ``AnswersError`` where none is free.
    """
    chosen = settled(allocations, recorded)
    problems = []
    for item in allocations:
        if not item.fact or item.fact in chosen:
            continue
        used = {holding.value for holding in holdings if holding.what == item.what}
        used |= {other.value or str(chosen.get(other.fact, "")) for other in allocations if other.what == item.what}
        free = _free(item, used)
        if free is None:
            problems.append(_none_free(item))
        else:
            chosen[item.fact] = free
    if problems:
        raise AnswersError(problems)
    return chosen


def settled(allocations: Iterable[Allocation], recorded: Facts) -> dict[str, Any]:
    """What an answers file records of the choices that these allocations leave."""
    left = (item for item in allocations if item.fact)
    return {item.fact: recorded[item.fact] for item in left if recorded.get(item.fact) in item.among}


class _Source:
    """One file of another stack, read when it is first asked for."""

    def __init__(self, path: str, content: bytes) -> None:
        self.path, self.text = path, read_text(content).content

    @cached_property
    def document(self) -> Document | None:
        """The file as Terraform; None where it is not HCL."""
        if not fnmatchcase(self.path, TERRAFORM):
            return None
        try:
            return parse(self.text)
        except HclSyntaxError:
            return None

    @cached_property
    def texts(self) -> list[tuple[str, str, str]]:
        """The location of a text, the names that lead to it, and the text: a value of Terraform, or a line."""
        if self.document is not None:
            return [(f"{'.'.join(item.block)} in {self.path}", item.key, item.text) for item in self.document.texts()]
        if fnmatchcase(self.path, TERRAFORM):
            return []
        lines = enumerate(self.text.splitlines(), 1)
        return [(f"line {n} of {self.path}", "", line) for n, line in lines if not line.lstrip().startswith(_COMMENTS)]

    def number(self, where: str, names: re.Pattern[str]) -> int:
        """The number below one of these names at a location; 1 where none is written out, or none above."""
        found = [text for place, name, text in self.texts if place == where and names.fullmatch(name)]
        return max((int(text) for text in found if text.isdecimal() and text.isascii()), default=1) or 1

    def occurrences(self, place: Place) -> Iterator[tuple[str, Mapping[str, Setting]]]:
        """Where the file may say who has a value, and the settings there."""
        if place.text is None:
            for block, settings in self.document.settings(place.block) if self.document else ():
                yield f"{'.'.join(block)} in {self.path}", settings
            return
        for where, name, text in self.texts:
            if key := place.key.fullmatch(name):
                for match in place.text.finditer(text):
                    yield where, _groups({**key.groupdict(), **match.groupdict()})


def _groups(found: Mapping[str, str | None]) -> dict[str, Setting]:
    return {name: (value,) for name, value in found.items() if value is not None}


def _holdings(item: Allocation, source: _Source) -> Iterator[Holding]:
    for place in item.places:
        for where, settings in source.occurrences(place) if place.reads(source.path) else ():
            theirs = place.theirs(settings)
            shared = [(overlap.what, overlap.shared(settings)) for overlap in place.overlaps]
            if theirs is None or not all(common for _, common in shared):
                continue
            if item.among or item.capacity:
                yield Holding(item.what, theirs, where)
            elif theirs == (place.value or item.value):
                details = [f"{what} {', '.join(map(repr, sorted(common)))}" for what, common in shared if what]
                yield Holding(item.what, item.value, where, f" with {' and '.join(details)}" if details else "")


def _free(item: Allocation, used: set[str]) -> Any:
    return next((value for value in item.among if str(value) not in used), None)


def _collision(item: Allocation, taken: Holding, free: Any) -> Problem:
    proposal = "" if free is None else f", such as {free}, which is free"
    message = f"{item.question}: the {item.what} '{taken.value}'{taken.detail} is taken by {taken.where}"
    return Problem("answer.taken", item.question, message, f"choose another {item.what}{proposal}")


def _shares(item: Allocation, holdings: Iterable[Holding]) -> dict[str, int]:
    """What each place has of a capacity. One that is on two branches counts once, with the larger share."""
    shares: dict[str, int] = {}
    for holding in holdings:
        if holding.what == item.what:
            shares[holding.where] = max(shares.get(holding.where, 0), int(holding.value))
    return shares


def _exhausted(item: Allocation, shares: Mapping[str, int]) -> Problem:
    free = max(item.capacity - sum(shares.values()), 0)
    largest = sorted(shares.items(), key=lambda each: (-each[1], each[0]))
    theirs = ", ".join(f"{share} in {where}" for where, share in largest)
    message = (
        f"{item.question}: it wants {item.value} {item.unit} of {item.what}, and {free} of {item.capacity} are free"
    )
    remedy = f"ask for {free} at most" if free else "do without"
    return Problem(
        "answer.taken",
        item.question,
        f"{message}; others have {theirs}" if theirs else message,
        f"{remedy}, or lower the share of one of the others first",
    )


def _none_free(item: Allocation) -> Problem:
    return Problem(
        "answer.taken",
        item.question,
        f"{item.question}: each {item.what} of the platform's {len(item.among)} is taken by another stack",
        f"free a {item.what} that nobody uses any more, or do without",
    )


def _rendered(template: Template, answers: Answers, item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The entry for each of its items, rendered, where it holds."""
    items = json.loads(_render(template, answers.context, item.get("for_each", "[null]")))
    for each in items:
        context = {**answers.context, "item": each}
        if parse_yaml(_render(template, context, item.get("when", "true"))):
            yield _render(template, context, {key: value for key, value in item.items() if key != "for_each"})


def _render(template: Template, context: Mapping[str, Any], value: Any) -> Any:
    if isinstance(value, str):
        return template.render(value, context)
    if isinstance(value, list):
        return [_render(template, context, item) for item in value]
    if isinstance(value, dict):
        return {key: _render(template, context, item) for key, item in value.items()}
    return value


def _allocation(item: Mapping[str, Any]) -> Allocation:
    return Allocation(
        what=item["what"],
        question=item["question"],
        value=item["value"],
        near=tuple(item.get("near", [item["value"].lower()])),
        places=tuple(map(_place, item["places"])),
        fact=item.get("fact", ""),
        among=tuple(json.loads(item.get("among", "[]"))),
        capacity=int(item.get("capacity", 0)),
        unit=item.get("unit", ""),
        times=re.compile(item["times"]) if "times" in item else None,
    )


def _place(item: Mapping[str, Any]) -> Place:
    return Place(
        value=item.get("value", ""),
        files=tuple(item.get("files", [TERRAFORM])),
        block=tuple(item.get("block", "").split(".")),
        having=item.get("having", {}),
        key=re.compile(item.get("key", ".*"), re.DOTALL),
        text=re.compile(item["text"]) if "text" in item else None,
        settings=tuple(item["settings"]),
        default=item.get("default"),
        overlaps=tuple(
            Overlap(each["setting"], frozenset(json.loads(each["ours"])), each["default"], each.get("what", ""))
            for each in item.get("overlaps", [])
        ),
    )
