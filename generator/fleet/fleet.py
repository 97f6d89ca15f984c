"""The fleet: every tree that newservice made, found from the infra repository and the forge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import islice
from typing import TypeVar

from generator.base.errors import NewserviceError
from generator.base.memo import run_parallel
from generator.clients.forgejo import Repository as Known
from generator.clients.objects import Objects
from generator.engine.change import change_branch
from generator.engine.commits import RemoteCommit
from generator.engine.connections import Forge
from generator.engine.ownership import MARK, of_adopted, of_history, of_repository
from generator.engine.project import BRANCH_PREFIX
from generator.engine.recorded import Recorded, read_recorded
from generator.fleet.changes import SETTLED, in_review, parted, unfinished
from generator.fleet.findings import FileNote, Finding, Place, State, in_order
from generator.fleet.memory import Memory
from generator.fleet.pool import mapped, usable_cores
from generator.fleet.selection import Selection
from generator.fleet.snapshot import made_stacks
from generator.fleet.source import Source, infra_offline, infra_online, service_online, update_branch
from generator.fleet.tree_status import guarded, of_recorded, recorded_only, stand
from generator.infra_repo.trees import Tree
from generator.lifecycle.update import Upgrader
from generator.platform.profile import Platform
from generator.template.files import ANSWERS_FILE
from generator.template.releases import Releases

Item = TypeVar("Item")

FEW_LOOKS = 12
"""The number of trees to look at from which a second process pays off."""

AT_ONCE = 8
"""The number of repositories that are requested in parallel."""


@dataclass
class Fleet:
    """What a command on the fleet works with; without ``forge`` (offline), no system is contacted.

    ``first``: at most this many services, by name. ``updating``: the objects of the updates' branches are needed too.
    """

    platform: Platform
    releases: Releases
    clone: Objects
    forge: Forge | None
    selection: Selection = field(default_factory=Selection)
    first: int | None = None
    updating: bool = False
    jobs: int = field(default_factory=usable_cores)
    progress: Callable[[str], None] = lambda _: None
    _defaults: dict[Place, str] = field(default_factory=dict)
    _records: dict[str, Recorded] = field(default_factory=dict)

    @cached_property
    def upgrader(self) -> Upgrader:
        """The planner of updates."""
        return Upgrader(self.releases, self.platform)

    @cached_property
    def infra(self) -> Source:
        """The infra repository. Raises ``SystemFailure`` if it can't be seen."""
        if self.forge is None:
            return infra_offline(self.platform, self.clone)
        return infra_online(self.platform, self.clone, self.forge, bring_branches=self.updating)

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of all services, selected or not."""
        return frozenset(made_stacks(self.infra.snapshot.ids, self.platform.infra.stacks))

    @cached_property
    def stacks(self) -> tuple[Place, ...]:
        """The stacks of the selection, by name."""
        folder, source = self.platform.infra.stacks, self.infra
        names = sorted(filter(self.selection.names, made_stacks(source.snapshot.ids, folder)))[: self.first]
        return tuple(Place(name, "stack", source.full_name, f"{folder}/{name}/") for name in names)

    def recorded(self) -> list[Finding]:
        """The finding for each selected stack, from its answers file alone."""
        tree = self.infra.snapshot
        tree.load(f"{place.prefix}{ANSWERS_FILE}" for place in self.stacks)
        return [recorded_only(self.upgrader, place, tree) for place in self.stacks]

    def waiting(self) -> list[Finding]:
        """The finding for each selected new stack that waits for review, from its answers file alone; none offline."""
        names = sorted(filter(self.selection.names, self.infra.proposed.keys() - self.names))
        if self.first is not None:
            names = names[: max(self.first - len(self.stacks), 0)]
        return self._at_once([partial(self._waiting, name) for name in names])

    def _waiting(self, name: str) -> Finding:
        assert self.forge is not None  # noqa: S101 - nothing is proposed offline
        source = self.infra
        place = Place(name, "stack", source.full_name, self.platform.infra.stack(name))
        tree = RemoteCommit(self.forge.api, source.owner, source.name, source.proposed[name])
        found = recorded_only(self.upgrader, place, tree)
        return found.but(State.WAITING, url=source.pulls[f"{BRANCH_PREFIX}{name}"].url)

    def standing(self) -> list[Finding]:
        """The finding for each selected stack, from all of its files; uncommitted changes in the clone come first."""
        tree, memory = self.infra.snapshot, Memory.load(self.releases)
        files = tree.below(place.prefix for place in self.stacks)
        keys = {place: memory.key(place, files[place.prefix]) for place in self.stacks}
        found = {place: memory.recall(key, place) for place, key in keys.items()}
        new = [place for place, finding in found.items() if finding is None]
        if new:
            tree.load_stacks(place.prefix for place in new)  # all of them in one process
            for finding in mapped(partial(_stand, self.upgrader, tree), new, self.jobs, FEW_LOOKS):
                found[finding.place] = finding
                memory.remember(keys[finding.place], finding)
            memory.keep()
        return [self.as_in_clone(self._asked(finding, self.infra)) for finding in found.values() if finding]

    def as_in_clone(self, finding: Finding) -> Finding:
        """The finding, or a ``dirty`` one if the clone has uncommitted changes in this stack."""
        prefix = finding.place.prefix
        dirty = [path for path in self._dirty if prefix and path.startswith(prefix)]
        if not dirty:
            return finding
        message = f"the clone {self.clone.path} has changes that are not committed"
        return finding.but(State.DIRTY, files=tuple(FileNote(path, "uncommitted") for path in dirty), message=message)

    @cached_property
    def _dirty(self) -> tuple[str, ...]:
        return tuple(self.clone.changed_in(self.platform.infra.stacks))

    def owned(self, stacks: Iterable[Finding]) -> list[Place]:
        """The repositories of the services that own one according to their stacks; empty when offline."""
        owner = self.platform.forgejo.owner
        names = [finding.place.name for finding in stacks if finding.owned]
        return [Place(name, "service", f"{owner}/{name}") for name in names] if self.forge else []

    def services_recorded(self, places: Sequence[Place]) -> list[Finding]:
        """The findings for services' repositories, from their answers files alone."""
        return self._at_once([partial(guarded, place, partial(self._service_recorded, place)) for place in places])

    def _service_recorded(self, place: Place) -> Finding:
        forge, known = self._known(place)
        if known is None or known.empty:
            return unseen(place, known)
        default = self._defaults[place] = known.default_branch or self.platform.forgejo.branch
        recorded = read_recorded(RemoteCommit(forge.api, known.owner, known.name, default))
        self._records[place.name] = recorded
        return archived(guarded(place, partial(of_recorded, self.upgrader, place, recorded)), known)

    def listed(self) -> list[Finding]:
        """The finding for each selected tree, from its answers file alone, and for changes that are under way."""
        stacks = self.recorded()
        services = self.services_recorded(self.owned(stacks))
        found = [self._asked(finding, self.infra) for finding in stacks]
        changes = self._at_once([partial(self._with_change, finding) for finding in services])
        return in_order([*found, *self.waiting(), *changes])

    def _with_change(self, finding: Finding) -> Finding:
        """The finding for a repository with its change: looked for only where the stack says that there may be one."""
        place, recorded = finding.place, self._records.get(finding.place.name)
        if finding.state not in SETTLED or recorded is None:
            return finding
        found = self._parted(finding, recorded)
        if found is finding and change_branch(place.name) not in self.infra.changes:
            return finding
        forge, known = self._known(place)
        if known is None:
            return found
        branch = change_branch(place.name)
        pull = forge.api.newest_pull_request(known.owner, known.name, self.default_branch(place), branch)
        return in_review(finding, pull.url) if pull and pull.state == "open" else found

    def _parted(self, finding: Finding, recorded: Recorded) -> Finding:
        """The finding, or an ``unfinished`` one where a repository has other answers than its stack, by hand."""
        place = finding.place
        if finding.state not in SETTLED:
            return finding
        stack = read_recorded(self.infra.snapshot, self.platform.infra.stack(place.name))
        if questions := parted(self.upgrader, stack, recorded):
            return unfinished(
                finding, f"its files are made with other answers to {', '.join(questions)} than the stack"
            )
        return finding

    def _asked(self, finding: Finding, source: Source) -> Finding:
        """The finding, or a ``waiting`` one if its update or its change waits for review."""
        branch = change_branch(finding.place.name)
        if branch in source.changes and finding.state in SETTLED and self.forge is not None:
            pull = source.pulls.get(branch)
            if pull is not None:
                return in_review(finding, pull.url)
            newest = partial(self.forge.api.newest_pull_request, source.owner, source.name, source.default, branch)
            if newest() is None:
                return unfinished(finding, f"a change is on {branch}, and no pull request proposes it")
        return asked(finding, source)

    def default_branch(self, place: Place) -> str:
        """The branch at which a service's repository was read; the platform's default if it was not read."""
        return self._defaults.get(place, self.platform.forgejo.branch)

    def services_standing(self, places: Sequence[Place]) -> Iterator[Finding]:
        """The findings for services' repositories, from all of their files; opened in chunks."""
        for chunk in chunks(places, AT_ONCE):
            with self.opened(chunk) as found:
                yield from (self._stands(place, source) for place, source in found)

    def _stands(self, place: Place, source: Source | Finding) -> Finding:
        if isinstance(source, Finding):
            return source
        finding = self._asked(stand(self.upgrader, place, source.snapshot), source)
        return self._parted(finding, read_recorded(source.snapshot))

    @contextmanager
    def opened(
        self, places: Sequence[Place], *, to_write: bool = False
    ) -> Iterator[list[tuple[Place, Source | Finding]]]:
        """Services' repositories, each in a scratch clone of its own; a finding if one can't be opened.

        ``to_write``: only those that are proven to be newservice's.
        """
        with ExitStack() as stack:
            looks = [partial(self._open, place, stack, to_write=to_write) for place in places]
            yield list(zip(places, self._at_once(looks), strict=True))

    def _open(self, place: Place, stack: ExitStack, *, to_write: bool) -> Source | Finding:
        try:
            forge, known = self._known(place)
            if known is None or known.empty or known.archived:
                return self._service_recorded(place)
            source = stack.enter_context(service_online(self.platform, forge, known))
            if to_write and not _is_ours(place, forge, known, source):
                message = f"{place.repository} was not made by newservice for {place.name}: left alone"
                return Finding(place, State.UNREADABLE, message=message, hint=f"see newservice status {place.name}")
            return source
        except NewserviceError as error:
            return Finding(place, State.FAILED, message=error.message, hint=error.hint)

    def _known(self, place: Place) -> tuple[Forge, Known | None]:
        assert self.forge is not None  # noqa: S101 - services are looked at only with a forge
        owner, name = place.repository.split("/", 1)
        return self.forge, self.forge.api.repository(owner, name)

    def _at_once(self, looks: Sequence[Callable[[], Item]]) -> list[Item]:
        return [found for chunk in chunks(looks, AT_ONCE) for found in run_parallel(*chunk)]


def _is_ours(place: Place, forge: Forge, known: Known, source: Source) -> bool:
    """Whether newservice made a service's repository, whose stack was merged: by its files and its history."""
    recorded = read_recorded(source.snapshot)
    if not of_repository(known, recorded, place.name, empty=False).ours:
        return False
    if of_adopted(known, recorded, place.name).ours:
        return True
    origins = forge.api.origins(source.owner, source.name, source.base, ANSWERS_FILE)
    return of_history(origins, place.name).ours or known.description.endswith(MARK)


def unseen(place: Place, known: Known | None) -> Finding:
    """The finding for a service whose repository is missing or empty."""
    if known is None:
        return Finding(
            place, State.MISSING, message=f"there is no repository {place.repository} that the token may see"
        )
    return Finding(place, State.UNREADABLE, message=f"{place.repository} is empty")


def asked(finding: Finding, source: Source) -> Finding:
    """The finding, or a ``waiting`` one if its update waits for review."""
    pull = source.pulls.get(update_branch(finding.place.name))
    if pull is None or finding.state is not State.BEHIND:
        return finding
    return finding.but(State.WAITING, url=pull.url)


def archived(finding: Finding, known: Known) -> Finding:
    """The finding, or an ``archived`` one if the repository is archived."""
    return finding.but(State.ARCHIVED, message="the repository is archived") if known.archived else finding


def chunks(things: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of ``size`` items each; the last may be shorter."""
    rest = iter(things)
    while chunk := list(islice(rest, size)):
        yield chunk


def _stand(upgrader: Upgrader, tree: Tree, place: Place) -> Finding:
    return stand(upgrader, place, tree)
