"""Few combinations in which every two answers that go together meet: a covering array, made greedily and from a seed.

The method is that of AETG: a row starts with a pair that is still missing, and each further factor takes the level
that adds most missing pairs. Rules say which levels don't go together. A pair without any row that keeps all rules is
infeasible, which a complete search decides; it is never just given up.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product
from random import Random
from typing import Any

USUAL_SEEDS = [1, 2, 3, 4]
SEEDS = [int(seed) for seed in os.environ.get("NEWSERVICE_PAIRWISE_SEEDS", "").split(",") if seed] or USUAL_SEEDS
TRIES = 1
"""Rows of which the best is taken: six make the array a twelfth smaller, and take four times as long."""
NODES = {False: 300, True: 100_000}
"""Steps of one search, quick or careful; a quick one takes fewer than a hundred, or gets lost."""

Row = dict[str, Any]
"""A level for each factor."""
Level = tuple[int, int]
"""Numbers of a factor and of one of its levels."""
Pair = tuple[Level, Level]


class Absent:
    """The level of a question that is not answered."""

    def __repr__(self) -> str:
        return "-"


ABSENT = Absent()


@dataclass(frozen=True)
class Rule:
    """Levels that don't go together: those for which ``broken`` holds, called with a level of each of ``factors``."""

    reason: str
    factors: tuple[str, ...]
    broken: Callable[..., bool]


@dataclass(frozen=True)
class Covering:
    """A covering array: ``rows``, the number of ``pairs`` that they cover, and those that nothing can cover."""

    seed: int
    rows: tuple[Row, ...]
    pairs: int
    infeasible: tuple[Pair, ...]


class Space:
    """All rows that keep the rules. Sets of levels are kept as bits, since all of it is a matter of their overlap."""

    def __init__(
        self,
        factors: Mapping[str, Sequence[Any]],
        rules: Iterable[Rule],
        broken: dict[Rule, list[tuple[Level, ...]]] | None = None,
    ) -> None:
        self.factors = {name: tuple(levels) for name, levels in factors.items()}
        self.rules = tuple(rules)
        self._names = list(self.factors)
        self._levels = list(self.factors.values())
        starts = [sum(map(len, self._levels[:number])) for number in range(len(self._levels))]
        self._bits = [
            [1 << (start + level) for level in range(len(levels))]
            for start, levels in zip(starts, self._levels, strict=True)
        ]
        self._conflicts = {bit: 0 for bits in self._bits for bit in bits}
        self._wide: list[list[tuple[tuple[int, ...], set[tuple[int, ...]]]]] = [[] for _ in self._names]
        self._whole = [sum(bits) for bits in self._bits]
        self._broken = {} if broken is None else broken
        for rule in self.rules:
            self._add(rule)

    def _add(self, rule: Rule) -> None:
        broken = self.breaking(rule)
        if len(rule.factors) == 2:
            for first, second in broken:
                self._conflicts[self.bit(first)] |= self.bit(second)
                self._conflicts[self.bit(second)] |= self.bit(first)
        elif broken:
            numbers = tuple(number for number, _ in broken[0])
            for number in numbers:
                self._wide[number].append((numbers, {tuple(level for _, level in chosen) for chosen in broken}))

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """Every two levels of different factors."""
        return tuple(
            ((one, first), (other, second))
            for one, other in combinations(range(len(self._names)), 2)
            for first, second in product(range(len(self._levels[one])), range(len(self._levels[other])))
        )

    def name(self, level: Level) -> tuple[str, Any]:
        """The factor's name, and the level itself."""
        return self._names[level[0]], self._levels[level[0]][level[1]]

    def keeping(self, rules: Iterable[Rule]) -> Space:
        """The same with some of the rules only."""
        return Space(self.factors, rules, self._broken)

    def breaking(self, rule: Rule) -> list[tuple[Level, ...]]:
        """The levels that a rule keeps apart."""
        if rule not in self._broken:
            numbers = [self._names.index(name) for name in rule.factors]
            self._broken[rule] = [
                tuple(zip(numbers, chosen, strict=True))
                for chosen in product(*(range(len(self._levels[number])) for number in numbers))
                if rule.broken(*(self._levels[number][level] for number, level in zip(numbers, chosen, strict=True)))
            ]
        return self._broken[rule]

    def reasons(self, pair: Pair, random: Random) -> tuple[list[Rule], Row]:
        """A smallest set of rules that make a pair infeasible, and a row with it that breaks as few as need be."""
        rules, found = list(self.rules), []
        while (row := self.keeping(rules).any_row(pair, random)) is None:
            core = [rule for rule in rules if self._names_pair(rule, pair)][:1] or self._core(pair, rules, random)
            found.append(core)
            rules.remove(core[0])
        return found[0], row

    def _names_pair(self, rule: Rule, pair: Pair) -> bool:
        return pair in self.breaking(rule) or pair[::-1] in self.breaking(rule)

    def _core(self, pair: Pair, rules: list[Rule], random: Random) -> list[Rule]:
        core = list(rules)
        for rule in rules:
            fewer = [other for other in core if other is not rule]
            core = core if self.keeping(fewer).any_row(pair, random) else fewer
        return core

    def any_row(self, fixed: Iterable[Level], random: Random) -> Row | None:
        """Some row with these levels; None where there is none."""
        found = self._complete(list(fixed), random, dict.fromkeys(self._conflicts, 0))
        return None if found is None else self._row(found)

    def cover(self, seed: int) -> Covering:
        """Rows that cover every pair that any row covers."""
        random = Random(seed)
        missing = dict.fromkeys(self._conflicts, 0)
        infeasible = []
        for pair in self.pairs:
            one, other = (self._bits[factor][level] for factor, level in pair)
            if self._conflicts[one] & other:
                infeasible.append(pair)
            else:
                missing[one] |= other
                missing[other] |= one
        rows = []
        for pair in self._missing(random, missing):
            candidates = [self._complete(list(pair), random, missing) for _ in range(TRIES)]
            best = max((row for row in candidates if row), key=lambda row: self._gain(row, missing), default=None)
            if best is None:
                infeasible.append(pair)
                self._take(pair, missing)
            else:
                rows.append(self._row(best))
                for met in combinations(enumerate(best), 2):
                    self._take(met, missing)
        return Covering(seed, tuple(rows), len(self.pairs) - len(infeasible), tuple(sorted(infeasible)))

    def _missing(self, random: Random, missing: dict[int, int]) -> Iterator[Pair]:
        """Pairs that are missing still, of the levels that lack most first."""
        levels = [(factor, level) for factor, bits in enumerate(self._bits) for level in range(len(bits))]
        while any(missing.values()):
            random.shuffle(levels)
            one = max(levels, key=lambda level: missing[self.bit(level)].bit_count())
            other = next(other for other in levels if missing[self.bit(one)] & self.bit(other))
            yield min(one, other), max(one, other)

    def bit(self, level: Level) -> int:
        """The bit that stands for a level."""
        return self._bits[level[0]][level[1]]

    def conflicts(self, bit: int) -> int:
        """The levels that don't go with one."""
        return self._conflicts[bit]

    def all_of(self, factor: int) -> int:
        """All levels of a factor."""
        return self._whole[factor]

    def _take(self, pair: Pair, missing: dict[int, int]) -> None:
        one, other = map(self.bit, pair)
        missing[one] &= ~other
        missing[other] &= ~one

    def _gain(self, row: list[int], missing: dict[int, int]) -> int:
        bits = [self._bits[factor][level] for factor, level in enumerate(row)]
        return sum((missing[bit] & sum(bits)).bit_count() for bit in bits)

    def _row(self, chosen: Sequence[int]) -> Row:
        return {name: self._levels[factor][chosen[factor]] for factor, name in enumerate(self._names)}

    def _complete(self, fixed: list[Level], random: Random, missing: dict[int, int]) -> list[int] | None:
        """The levels of a row with those ``fixed``, the others such that many missing pairs are in it."""
        order = [factor for factor in range(len(self._names)) if factor not in dict(fixed)]
        random.shuffle(order)
        order.sort(key=lambda factor: not self._wide[factor])  # these exclude most
        try:
            return _Search(self, random, missing, order).run(fixed)
        except StuckError:
            return _Search(self, random, missing, order, careful=True).run(fixed)

    def unfit(self, factor: int, chosen: Sequence[int]) -> int:
        """Levels that rules of more than two factors exclude, of factors that are the only ones left to choose."""
        excluded = 0
        for numbers, broken in self._wide[factor]:
            left = [number for number in numbers if chosen[number] < 0]
            if len(left) == 1:
                for level, bit in enumerate(self._bits[left[0]]):
                    if tuple(level if number == left[0] else chosen[number] for number in numbers) in broken:
                        excluded |= bit
        return excluded


class StuckError(Exception):
    """A search took more steps than it should."""


class _Search:
    """Depth first, the most useful level first, and back where another factor is left without any.

    A ``careful`` one goes by what is hardest to choose, and not by the order: what has few levels left, and has been
    left without any before.
    """

    def __init__(
        self, space: Space, random: Random, missing: dict[int, int], order: list[int], *, careful: bool = False
    ) -> None:
        self._space = space
        self._random = random
        self._missing = missing
        self._order = order
        self._chosen = [-1] * len(space.factors)
        self._nodes = 0
        self._careful = careful
        self._failed = [1] * len(space.factors)

    def run(self, fixed: Sequence[Level]) -> list[int] | None:
        taken = excluded = 0
        for level in fixed:
            if excluded & self._space.bit(level):
                return None
            taken, excluded = self._choose(level, taken, excluded)
        return self._chosen if self._go_on(tuple(self._order), taken, excluded) else None

    def _choose(self, level: Level, taken: int, excluded: int) -> tuple[int, int]:
        """What is taken and what is excluded with one more level."""
        self._chosen[level[0]] = level[1]
        bit = self._space.bit(level)
        return taken | bit, excluded | self._space.conflicts(bit) | self._space.unfit(level[0], self._chosen)

    def _go_on(self, left: tuple[int, ...], taken: int, excluded: int) -> bool:
        if not left:
            return True
        self._nodes += 1
        if self._nodes > NODES[self._careful]:
            raise StuckError
        choices = [(self._space.all_of(factor) & ~excluded).bit_count() for factor in left]
        if 0 in choices:
            self._failed[left[choices.index(0)]] += 1
            return False
        at = choices.index(1) if 1 in choices else 0  # what has no choice may leave others none
        if self._careful:
            at = min(range(len(left)), key=lambda number: choices[number] / self._failed[left[number]])
        rest = left[:at] + left[at + 1 :]
        for level in self._levels(left[at], taken, excluded):
            if self._go_on(rest, *self._choose(level, taken, excluded)):
                return True
        self._chosen[left[at]] = -1
        return False

    def _levels(self, factor: int, taken: int, excluded: int) -> list[Level]:
        """The levels that are left, the one that adds most missing pairs first, those that add as many by chance."""
        levels = [(factor, level) for level in range(len(list(self._space.factors.values())[factor]))]
        levels = [level for level in levels if not excluded & self._space.bit(level)]
        self._random.shuffle(levels)
        return sorted(levels, key=lambda level: -(self._missing[self._space.bit(level)] & taken).bit_count())
