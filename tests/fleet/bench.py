"""What a fleet costs: against loops of copier's own commands, by its size, and in memory.

Everything is measured in one run, in turns, each command in a process of its own. The forge is the embedded platform
in this process: what it takes counts against newservice. Copier works in a clone of the same infra repository, with
the template in a git repository on the same disk: no forge, no pull requests, and making commits is not counted.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count, pairwise
from pathlib import Path

from generator.fleet.source import UPDATE_PREFIX
from generator.platform.profile import load_platform
from generator.sandbox import Sandbox
from generator.sandbox.forgejo.state import Repository
from generator.template.template import Template
from tests.checkout import commit_all
from tests.fleet.fleet import WHEN, Made, command, make
from tests.fleet.measure import Run, can_watch, run
from tests.upgrade.releases import NEXT, Next, add_release, profile

BEHIND = 2
"""How ``copier check-update --quiet`` ends where there is something newer."""

UPDATE, STATUS, MEMORY, FLAT = 10, 50, 300, 1.1
"""The targets: so many times faster than copier, so many MiB at most, and what a larger fleet may cost more, each."""


OTHERS = ("XDG_", "COPIER", "GIT_", "NEWSERVICE", "FORGEJO", "GITHUB", "VAULT", "WOODPECKER", "SLACK", "REGISTRY")
"""How the person's own variables begin that none of the commands may see."""


@dataclass(frozen=True)
class Extent:
    """How much is measured: fleets of these sizes, of which ``compared`` is held against copier.

    ``sample`` of its stacks are seen to by copier; the median stands for each of the fleet.
    """

    sizes: tuple[int, ...] = (15, 150, 600)
    compared: int = 150
    rounds: int = 3
    sample: int = 12


class Yard:
    """Folders, an environment without anything of the person's, and a newer release for the fleets of the first."""

    def __init__(self, folder: Path, added: Next | None = None) -> None:
        self.folder = folder
        self.added = added or add_release(folder / "releases")
        self.profile = profile(folder, self.added)
        home = folder / "home"
        home.mkdir()
        (home / ".gitconfig").write_text("[user]\n\tname = Bench\n\temail = bench@example.test\n")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OTHERS)}
        own = {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "COPIER_CACHE_DIR": str(folder / "copier")}
        self.environ = {**kept, **own}
        self._numbers = count(1)

    def make(self, size: int) -> Made:
        """A fleet; its answers name the template in the git repository."""
        return make(load_platform(Template.installed().platform, self.profile, environ=self.environ), size)

    def place(self, name: str) -> Path:
        """A path that nothing has used."""
        return self.folder / f"{name}-{next(self._numbers)}"

    def clone(self, bare: Path) -> Path:
        """A clone that nothing has worked in."""
        place = self.place("infra")
        subprocess.run(["git", "clone", "--quiet", str(bare), str(place)], check=True, env=self.environ)
        return place


@dataclass
class Fleet:
    """A fleet on a forge of its own."""

    yard: Yard
    sandbox: Sandbox
    made: Made

    @property
    def infra(self) -> Repository:
        """The infra repository on the forge."""
        platform = self.sandbox.platform
        return self.sandbox.forgejo.repository(f"{platform.forgejo.owner}/{platform.infra.repository}")

    def update(self, *arguments: str, watched: bool = False) -> Run:
        """``fleet update`` of a fleet that has no update yet, in a fresh clone, with nothing in any cache."""
        self.infra.pulls.clear()
        for branch in self.infra.bare.heads():
            if branch.startswith(UPDATE_PREFIX):
                self.infra.bare.delete(f"refs/heads/{branch}")
        found = self._run(self.yard.place("cache"), "update", *arguments, watched=watched)
        self._all(found, "behind" if arguments else "waiting")
        assert len(self.infra.pulls) == (0 if arguments else len(self.made.names))
        return found

    def status(self, cache: Path, *, watched: bool = False) -> Run:
        """``fleet status`` of what is in the clone."""
        found = self._run(cache, "status", "--offline", watched=watched)
        self._all(found, "behind")
        return found

    def _run(self, cache: Path, *arguments: str, watched: bool) -> Run:
        clone = self.yard.clone(self.infra.bare.path)
        places = ("--platform", str(self.sandbox.profile), "--infra", str(clone), "--json")
        line = command(self.yard.added.releases.folder, "fleet", *arguments, *places)
        environ = {**self.yard.environ, **self.sandbox.environment, "XDG_CACHE_HOME": str(cache)}
        return run(line, clone, environ, watched=watched)

    def _all(self, found: Run, state: str) -> None:
        """Quick and wrong is not quick."""
        assert found.code == 0, found.out
        completed = [json.loads(line) for line in found.out.splitlines()]
        states = {item["name"]: item["state"] for item in completed if item["event"] == "service"}
        assert states == dict.fromkeys(self.made.names, state), found.out


@contextmanager
def fleet(yard: Yard, size: int) -> Iterator[Fleet]:
    """A fleet of so many stacks."""
    with Sandbox.start(yard.place("platform")) as sandbox:
        found = Fleet(yard, sandbox, yard.make(size))
        found.infra.bare.commit_files(sandbox.platform.infra.branch, found.made.files, "fleet\n", WHEN)
        yield found


@dataclass
class Copier:
    """Copier in a clone of a fleet's infra repository, one stack after the other, committed between."""

    yard: Yard
    made: Made
    clone: Path

    def update(self, name: str) -> float:
        """Seconds for one stack."""
        found = self._run("update", "--defaults", "--quiet", self.made.prefix(name))
        assert found.code == 0, found.out
        answers = (self.clone / self.made.prefix(name) / ".copier-answers.yml").read_text()
        assert f"_commit: v{NEXT}" in answers
        commit_all(self.clone, name)
        return found.seconds

    def check(self, name: str) -> float:
        """Seconds for one stack."""
        found = self._run("check-update", "--quiet", self.made.prefix(name))
        assert found.code == BEHIND, found.out
        return found.seconds

    def _run(self, *arguments: str) -> Run:
        return run([str(Path(sys.executable).parent / "copier"), *arguments], self.clone, self.yard.environ)


def tell(title: str, ours: str, limit: float, value: float) -> None:
    """One line: what was measured, what came out, and the target."""
    verdict = "met" if value <= limit else "MISSED"
    sys.stdout.write(f"{title:<48} {ours} = {value:.3f} (target {limit:.3f}: {verdict})\n")
    sys.stdout.flush()


def against_copier(yard: Yard, extent: Extent) -> None:
    """Update and status against loops of copier's own, in turns."""
    taken: dict[str, list[float]] = {key: [] for key in ("plan", "update", "cold", "warm", "check", "copier")}
    with fleet(yard, extent.compared) as found:
        copier = Copier(yard, found.made, yard.clone(found.infra.bare.path))
        names = found.made.names[: extent.sample]
        copier.check(names[0])  # it has a mirror of the template from now on
        for number in range(extent.rounds):
            share = names[number :: extent.rounds]
            cache = yard.place("cache")
            taken["cold"].append(found.status(cache).seconds)
            taken["check"] += map(copier.check, share)
            taken["warm"].append(found.status(cache).seconds)
            taken["update"].append(found.update().seconds)
            taken["copier"] += map(copier.update, share)
            taken["plan"].append(found.update("--dry-run").seconds)
    median = {key: statistics.median(values) for key, values in taken.items()}
    size = extent.compared
    for title, ours, theirs, target in (
        (f"fleet update of {size} / copier update", "update", "copier", UPDATE),
        (f"fleet update --dry-run of {size} / copier update", "plan", "copier", UPDATE),
        (f"fleet status of {size}, cold / copier check-update", "cold", "check", STATUS),
        (f"fleet status of {size}, warm / copier check-update", "warm", "check", STATUS),
    ):
        loop = size * median[theirs]
        figures = f"{median[ours]:6.3f} s / ({size} x {median[theirs]:.3f} s, median of {len(names)})"
        tell(title, figures, 1 / target, median[ours] / loop)


def by_size(yard: Yard, extent: Extent) -> None:
    """What one service costs in fleets of several sizes, in turns, and the most memory."""
    with ExitStack() as stack:
        fleets = {size: stack.enter_context(fleet(yard, size)) for size in extent.sizes}
        taken = [{size: found.update().seconds / size for size, found in fleets.items()} for _ in range(extent.rounds)]
        each = {size: statistics.median(turn[size] for turn in taken) for size in fleets}
        for size, found in fleets.items():
            sys.stdout.write(f"{f'fleet update of {size}, each':<48} {each[size]:6.3f} s\n")
            if can_watch():
                watched = (found.update(watched=True), found.status(yard.place("cache"), watched=True))
                for title, seen in zip(("update", "status"), watched, strict=True):
                    most = seen.memory / (1 << 20)
                    title = f"fleet {title} of {size}, MiB of all its processes"
                    tell(title, f"{most:6.0f} / {MEMORY} ({most / size:.2f} each)", 1, most / MEMORY)
    flatness(each)


def flatness(each: Mapping[int, float]) -> None:
    """What a service costs in a larger fleet, against the next smaller one; ``each``: seconds by size."""
    for smaller, larger in pairwise(sorted(each)):
        title = f"fleet update, each of {larger} / each of {smaller}"
        tell(title, f"{each[larger]:6.3f} s / {each[smaller]:6.3f} s", FLAT, each[larger] / each[smaller])


def main(extent: Extent | None = None, added: Next | None = None) -> None:
    """Print one line for each comparison; ``added`` is the newer release (default: one is made)."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    sys.stdout.write(f"load of the last 1, 5 and 15 minutes: {load}\n")
    with tempfile.TemporaryDirectory() as folder, two_cores():
        yard = Yard(Path(folder), added)
        against_copier(yard, extent or Extent())
        by_size(yard, extent or Extent())


@contextmanager
def two_cores() -> Iterator[None]:
    """Two cores for everything, forge and git too; as many as there are where that can't be said."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(usable)[:2])
    try:
        yield
    finally:
        os.sched_setaffinity(0, usable)


if __name__ == "__main__":
    main()
