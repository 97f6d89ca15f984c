"""Publishes the released templates at the profile's template address: one branch and a tag for each, never by force."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from generator.base.errors import NewserviceError, RefusedError, SystemFailure
from generator.base.parallel import StepResult
from generator.clients.git import Repository, Signature, scratch_repository
from generator.engine.connections import Forge
from generator.engine.executor import Observed, Outcome, Work, execute
from generator.engine.plan import Action, Decision, Plan, StepPlan, build_plan
from generator.lifecycle.publication.state import BRANCH, Publication, Seen
from generator.template.files import File
from generator.template.releases import ADDRESS, SIGNER, Releases


@dataclass(frozen=True)
class _Step:
    """One step. ``decide`` is pure; only ``act`` writes, and returns what it did."""

    id: str
    after: tuple[str, ...]
    decide: Callable[[Seen], Decision]
    act: Callable[[Seen], str]


class Publisher:
    """Plans and pushes the releases to the forge."""

    def __init__(self, publication: Publication, forge: Forge) -> None:
        self._publication = publication
        self._forge = forge
        self._steps = (
            _Step("templates.repository", (), publication.decide_repository, self._create),
            _Step("templates.push", ("templates.repository",), publication.decide_push, self._push),
        )

    def look(self) -> Seen:
        """Observe the repository. Raises ``SystemFailure`` or ``PreflightError`` where it can't be seen."""
        api, address = self._forge.api, self._publication.address
        repository = api.repository(address.owner, address.name)
        if repository is None:
            return Seen()
        references = api.references(address.owner, address.name)
        if not references and not repository.empty:
            raise SystemFailure(
                "forgejo.unseen",
                f"forgejo: {address} exists, but its branches and tags can't be seen",
                "give the token that right, or wait a moment; then run the same command again",
                passing=True,
            )
        seen = Seen(repository, references)
        return Seen(repository, references, self._later(seen.head))

    def _later(self, head: str | None) -> tuple[str, ...] | None:
        """Commits of our branch after the newest release that we know; None if the branch does not contain it."""
        address, ours = self._publication.address, list(self._publication.releases.commits.values())
        if head is None or head in ours:
            return ()
        history = [commit.id for commit in self._forge.api.commits(address.owner, address.name, head)]
        return tuple(history[: history.index(ours[-1])]) if ours[-1] in history else None

    def plan(self, seen: Seen) -> Plan:
        """The plan for the state ``seen``. Pure."""
        steps = [StepPlan(step.id, "forgejo", step.decide(seen)) for step in self._steps]
        return build_plan(self._publication.address.name, files=(), registrations=(), steps=steps)

    def carry_out(self, report: Callable[[StepResult], None]) -> Outcome:
        """Carry out the steps; see ``execute``."""
        works = [Work(step.id, "forgejo", step.after, partial(self._observed, step)) for step in self._steps]
        return execute(works, self._forge.patience, report)

    def _observed(self, step: _Step) -> Observed:
        """What a step observes now. Raises ``RefusedError`` if any step is refused: then none of them writes."""
        seen = self.look()
        for each in self._steps:
            decision = each.decide(seen)
            if decision.action is Action.REFUSE:
                raise RefusedError(f"{each.id}.refused", decision.summary, decision.hint)
        return Observed(step.decide(seen), partial(step.act, seen))

    def _create(self, _: Seen) -> str:
        """Create it private: opening it is a person's decision."""
        address, text = self._publication.address, "Templates of newservice: the released versions"
        self._forge.api.create_repository(address.owner, address.name, description=text, private=True, branch=BRANCH)
        return f"{address}, private"

    def _push(self, seen: Seen) -> str:
        address, missing = self._publication.address, self._publication.missing(seen)
        with scratch_repository() as scratch:
            build(self._publication.releases, scratch)
            scratch.push_references(self._forge.remote, address.url, missing)
        return f"{BRANCH} of {address} is at {self._publication.releases.newest}"


def build(releases: Releases, repository: Repository) -> None:
    """Make the commits of all releases in a repository.

    Raises ``NewserviceError`` if an archive does not match the index.
    """
    parents: tuple[str, ...] = ()
    for release in releases.all:
        files = [File(item.path, item.content, item.executable) for item in releases.members(release.version)]
        made = repository.commit_alone(files, parents, release.message, Signature(SIGNER, ADDRESS, release.released))
        if made != releases.commits[release.version]:
            raise NewserviceError(
                "template.damaged",
                f"the archive of template {release.version} differs from what was released",
                "install newservice again; nothing was published",
            )
        parents = (made,)
