"""The canonical repository and its push mirror."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from generator.base.errors import SystemFailure
from generator.base.memo import quietly, run_parallel
from generator.clients.forgejo import PushMirror, Repository
from generator.engine.context import Run
from generator.engine.executor import Done
from generator.engine.ownership import MARK, of_references, of_repository
from generator.engine.plan import Action, Decision
from generator.engine.recorded import Recorded
from generator.engine.steps.base import Step, absent, answers_changed, drifted, foreign, present
from generator.engine.steps.visibility import (
    Copies,
    Treatment,
    check_before_push,
    copies_of,
    decide_forgejo,
    glance,
    look_again,
    wants_private,
)
from generator.template.answers import Answers

SETTLING_SECONDS = 60.0
"""How long a mirror's new branch may stay unseen on GitHub after the push was reported as done."""


@dataclass(frozen=True)
class RepositoryFacts:
    """The repository, the answers file that its branch holds, and how visible the copies are.

    The mirror counts only where the answers want it public: else both are private, whatever it is. ``superseded``:
    the answers file says other answers than the wanted ones, and it is the stack's that counts. ``begun``: its history
    begins with newservice's commit.
    """

    repository: Repository | None
    recorded: Recorded
    copies: Copies
    superseded: bool = False
    begun: bool = True


class ForgejoRepository(Step[RepositoryFacts]):
    """The canonical repository exists, is ours, and was made with these answers, or with those ``before`` a change."""

    id = "forgejo.repository"
    system = "forgejo"
    after = ("infra.change_commit",)

    def __init__(self, before: Answers | None = None) -> None:
        self._before = before

    def differs(self, start: Answers | None, goal: Answers) -> bool:
        """Where visibility or description change."""
        return start is None or (start.private_image, start.description) != (goal.private_image, goal.description)

    def waits_for(self, run: Run) -> tuple[str, ...]:
        """What a change opens waits until that is recorded: a run that stops in between is continued from there."""
        return () if wants_private(run) else self.after

    def observe(self, run: Run) -> RepositoryFacts:
        """The repository, whose it is, and how visible the mirror is where that counts."""
        mirror = (lambda: None) if wants_private(run) else run.mirror_repository
        run_parallel(run.canonical, run.canonical_answers, run.canonical_begun, mirror)
        recorded = run.canonical_answers()
        superseded = bool(recorded.differing(run.answers.public)) and run.stack_recorded()
        copies = copies_of(run, run.canonical(), mirror())
        return RepositoryFacts(run.canonical(), recorded, copies, superseded, run.canonical_begun())

    def decide(self, run: Run, facts: RepositoryFacts) -> Decision:
        """Ours is what holds our answers file, or is still empty under a description that newservice wrote."""
        where = f"{run.owner}/{run.name}"
        repository, recorded = facts.repository, facts.recorded
        if repository is None:
            return decide_forgejo(facts.copies, where)
        ours = of_repository(repository, recorded, run.name).ours
        if repository.empty and not ours:
            return foreign(
                f"{where} exists, is empty and was not made by newservice",
                "delete it on Forgejo, or choose another name",
            )
        if not ours:
            return foreign(
                f"{where} exists and holds someone else's work (no answers file of newservice for this name)",
                "choose another name; newservice never writes into a repository that it did not make",
            )
        if not (repository.empty or facts.begun):
            return not_begun(where)
        changed = () if self._before else recorded.differing(run.answers.public)
        if changed and not facts.superseded:
            return answers_changed(where, changed, run.project.change_from(recorded))
        if repository.archived:
            return foreign(f"{where} is archived", "unarchive it on Forgejo, then run the same command again")
        decision = decide_forgejo(facts.copies, where)
        if decision.action is Action.NONE and self._described_before(repository, run):
            return drifted(f"{where} gets its new description")
        return decision

    def _described_before(self, repository: Repository, run: Run) -> bool:
        """Whether the description is the one that newservice wrote for other answers; anyone else's stays."""
        before = self._before.description if self._before else run.answers.description
        return before != run.answers.description and repository.description == f"{before}{MARK}"

    def act(self, run: Run, facts: RepositoryFacts) -> str:
        """Create the repository, empty, or correct it. A public one is created only after another look."""
        if facts.repository is not None:
            return self._correct(run, facts, facts.repository)
        return self._create(run, facts, f"{run.answers.description}{MARK}")

    def _create(self, run: Run, facts: RepositoryFacts, description: str) -> str:
        run.forgejo.create_repository(
            run.owner,
            run.name,
            description=description,
            private=facts.copies.closed or look_again(run).closed,
            branch=run.platform.forgejo.branch,
        )
        return run.platform.forgejo.web_url(run.name)

    def _correct(self, run: Run, facts: RepositoryFacts, repository: Repository) -> str:
        """Bring visibility and description to the wanted ones; it is closed before anything else."""
        where, treatment = f"{run.owner}/{run.name}", facts.copies.treatment_of_forgejo
        done = f"{where} gets its new description"
        if treatment is Treatment.OPEN:
            run.forgejo.make_public(run.owner, run.name)
            done = f"{where} is public now"
        if treatment is Treatment.CLOSE:
            run.forgejo.make_private(run.owner, run.name)
            done = f"{where} is private now"
        if self._described_before(repository, run):
            run.forgejo.describe(run.owner, run.name, f"{run.answers.description}{MARK}")
        return done


def not_begun(where: str) -> Decision:
    """The refusal for a repository with our answers file whose history newservice did not begin."""
    return foreign(
        f"{where} holds an answers file of newservice for this name, but its history does not begin with newservice's "
        "commit: the files were copied, or the history was rewritten",
        "choose another name; where it is this service's repository and its history was rewritten, let its description "
        f"end with '{MARK.strip()}', which counts once the stack is merged",
    )


@dataclass(frozen=True)
class MirrorFacts:
    """Push mirrors to the service's GitHub repository, where else on that GitHub others lead, and both heads.

    ``lost``: GitHub's branches and tags that a forced push would destroy. ``renamed``: GitHub's default branch, where
    it holds our work and the branch of the profile's name is gone.
    """

    mirrors: tuple[PushMirror, ...]
    astray: tuple[str, ...]
    canonical: str | None
    mirrored: str | None
    lost: tuple[str, ...]
    renamed: str = ""


class ForgejoMirror(Step[MirrorFacts]):
    """Exactly one push mirror that follows every commit, and has."""

    id = "forgejo.mirror"
    system = "forgejo"
    after = ("service.push", "service.adoption_commit", "github.repository", "github.secrets", "woodpecker.settings")

    def observe(self, run: Run) -> MirrorFacts:
        """The mirrors, both heads, and what of GitHub a forced push would lose."""
        run_parallel(
            *(run.canonical, run.canonical_head, run.push_mirrors),
            *(run.mirror_repository, run.mirror_heads, run.mirror_tags),
        )
        mirrors = run.push_mirrors()
        return MirrorFacts(
            mirrors=tuple(our_mirrors(run, mirrors)),
            astray=tuple(_astray(run, mirrors)),
            canonical=run.canonical_head(),
            mirrored=run.mirror_heads().get(run.platform.forgejo.branch),
            lost=(lost := tuple(lost_on_github(run))),
            renamed="" if lost else _renamed(run),
        )

    def decide(self, run: Run, facts: MirrorFacts) -> Decision:
        """One mirror, following commits, at the canonical commit; never one that would destroy work."""
        where = f"{run.owner}/{run.name} to {run.platform.github.clone_url(run.name)}"
        if facts.renamed:
            return foreign(
                f"{run.platform.forgejo.branch} of {run.mirror} was renamed to {facts.renamed} on GitHub; a mirror's "
                "push can't replace GitHub's default branch",
                f"rename {facts.renamed} back to {run.platform.forgejo.branch} in the repository's settings on GitHub, "
                "then run the same command again",
            )
        if facts.lost:
            return lossy(run, facts.lost)
        if facts.astray:
            return foreign(
                f"{run.owner}/{run.name} is mirrored to another repository on GitHub, too ({', '.join(facts.astray)})",
                "remove that push mirror in the repository's settings on Forgejo, or correct the name and "
                "github.owner in the platform profile; then run the same command again",
            )
        if not facts.mirrors:
            return absent(f"{where}, on every commit")
        if len(facts.mirrors) > 1:
            return drifted(f"{where}: {len(facts.mirrors)} mirrors become one")
        if not _fits(run, facts.mirrors[0]):
            return drifted(f"{where}: follows every commit again")
        if facts.mirrors[0].last_error:
            return drifted(f"{where}: its last push failed, is tried again")
        if facts.canonical != facts.mirrored:
            return drifted(f"{where}: behind, is synchronised")
        return present(f"{where} at {(facts.canonical or '')[:8]}")

    def act(self, run: Run, facts: MirrorFacts) -> Done:
        """Make it one mirror, push once, and wait until GitHub shows the commit.

        One whose push fails is linked again: its credentials may be old, and can't be changed. The old link goes
        only when the new one exists.
        """
        check_before_push(run, unlink)
        fitting = any(_fits(run, mirror) for mirror in facts.mirrors)
        if not fitting:
            _add(run)
        _show_ours(run)
        run.progress(f"pushing {run.owner}/{run.name} to GitHub; a first push may take minutes")
        pushed, error = self._push(run, tidy=not fitting or len(facts.mirrors) > 1)
        if error and fitting:
            _add(run)
            pushed, error = self._push(run, tidy=True)
        if error:
            raise _failed(run, error)
        branch, canonical, since = run.platform.forgejo.branch, facts.canonical, pushed.since
        if pushed.mirror_heads().get(branch) != canonical:
            if not run.patience.until(lambda: run.github.branch(run.mirror, branch) == canonical, SETTLING_SECONDS):
                raise SystemFailure(
                    "forgejo.mirror_behind",
                    f"Forgejo reports the mirror as pushed, but {run.mirror} is not at {canonical}",
                    "look at the mirror's settings on Forgejo: one to elsewhere that fails keeps those after it from "
                    "being pushed; then run the same command again",
                    passing=True,
                )
            since = time.monotonic()
        return Done(f"{run.mirror} is at {(canonical or '')[:8]}", since)

    def _push(self, run: Run, *, tidy: bool) -> tuple[Run, str]:
        """Push now; returns the pass that observed the result, and our mirror's error, empty where it has none.

        ``tidy``: remove surplus mirrors first. What became of mirrors to elsewhere is not ours. Raises
        ``SystemFailure`` where the push failed without an error, or GitHub may not have it.
        """
        _check_and_tidy(run, tidy=tidy)
        well = run.forgejo.sync_push_mirrors(run.owner, run.name)
        after = run.fresh()
        run_parallel(after.push_mirrors, quietly(partial(self.observe, after)))
        mirrors = after.push_mirrors()
        ours = our_mirrors(run, mirrors)
        if not ours:
            raise _failed(run, "it was removed meanwhile")
        if not well and not any(mirror.last_error for mirror in mirrors):
            raise _failed(run, "Forgejo gives no reason")
        return after, "; ".join(mirror.last_error for mirror in ours if mirror.last_error)


def our_mirrors(run: Run, mirrors: Iterable[PushMirror]) -> list[PushMirror]:
    """The mirrors to the service's repository on GitHub."""
    wanted = run.platform.github.clone_url(run.name)
    return [mirror for mirror in mirrors if same_address(mirror.address, wanted)]


def _astray(run: Run, mirrors: Iterable[PushMirror]) -> list[str]:
    """Where mirrors to other repositories on the same GitHub lead; those to other hosts are their owner's."""
    wanted = run.platform.github.clone_url(run.name)
    places = [_place(mirror.address) for mirror in mirrors if not same_address(mirror.address, wanted)]
    return ["/".join(place) for place in places if place[0] == _place(wanted)[0]]


def _place(address: str) -> tuple[str, str]:
    """Host and path of ``https://…`` or ``user@host:path``, without what could be a credential."""
    if "://" not in address:
        host, _, path = address.rpartition("@")[2].partition(":")
        return host.lower(), path
    parts = urlsplit(address)
    return parts.hostname or "", parts.path.lstrip("/")


def _show_ours(run: Run) -> None:
    """Make our branch the default where another is, and both exist: GitHub lets no push delete its default branch."""
    mirror, heads, branch = run.mirror_repository(), run.mirror_heads(), run.platform.forgejo.branch
    if mirror is not None and branch in heads and mirror.default_branch != branch and mirror.default_branch in heads:
        run.github.set_default_branch(run.mirror, branch)


def _renamed(run: Run) -> str:
    """GitHub's default branch, where the branch that the mirror pushes is gone; nothing is on it but our commits."""
    mirror, heads = run.mirror_repository(), run.mirror_heads()
    if mirror is None or run.platform.forgejo.branch in heads or mirror.default_branch not in heads:
        return ""
    return mirror.default_branch


def lossy(run: Run, lost: Iterable[str]) -> Decision:
    """The refusal where a forced push to GitHub would destroy what only GitHub has."""
    return foreign(
        f"{run.mirror} holds work that the canonical repository lacks ({', '.join(lost)}); "
        "the mirror's forced push would destroy it",
        "bring it into Forgejo, or delete those branches and tags on GitHub, then run the same command again",
    )


def lost_on_github(run: Run) -> list[str]:
    """GitHub's branches whose commits Forgejo lacks, and tags that it lacks or has at something else.

    Those of CI are never among them: it tags on Forgejo, from where the mirror brings them. So GitHub has to be
    looked at first.
    """
    canonical, tags = run.canonical_head(), run.mirror_tags()
    heads = {branch: sha for branch, sha in run.mirror_heads().items() if sha != canonical}
    if canonical is None or not (heads or tags):
        return [*_named("branch", heads), *_named("tag", tags)]
    here = run.canonical_references()
    strange = sorted(set(heads.values()) - set(here.values()))
    held = run_parallel(*(partial(run.forgejo.has_commit, run.owner, run.name, sha) for sha in strange))
    lacking = {sha for sha, there in zip(strange, held, strict=True) if not there}
    return [
        *_named("branch", (branch for branch, sha in heads.items() if sha in lacking)),
        *_named("tag", of_references(here, tags).others),
    ]


def _named(kind: str, names: Iterable[str]) -> list[str]:
    return [f"{kind} {name.removeprefix('refs/tags/')}" for name in names]


def _fits(run: Run, mirror: PushMirror) -> bool:
    """Whether a mirror is set up as it should be."""
    return mirror.sync_on_commit and _seconds(mirror.interval) == _seconds(run.platform.mirror_interval)


def _add(run: Run) -> None:
    run.forgejo.add_push_mirror(
        run.owner,
        run.name,
        run.platform.github.clone_url(run.name),
        user=run.platform.github.owner,
        password=run.credentials["github"].value,
        interval=run.platform.mirror_interval,
    )


def unlink(run: Run) -> None:
    """Remove all mirrors to the service's repository on GitHub: else Forgejo pushes with the next commit."""
    for mirror in our_mirrors(run, run.forgejo.push_mirrors(run.owner, run.name) or ()):
        run.forgejo.delete_push_mirror(run.owner, run.name, mirror.name)


def _check_and_tidy(run: Run, *, tidy: bool) -> None:
    """Look at the copies' visibility right before the push, and with ``tidy`` remove all our mirrors but one.

    Another run may be tidying at the same time: both look first, and choose alike.
    """
    view = run.fresh()
    surplus: list[PushMirror] = []
    if tidy:
        _, mirrors = run_parallel(partial(glance, view), view.push_mirrors)
        ours = our_mirrors(run, mirrors or ())
        surplus = sorted(ours, key=lambda item: (not _fits(run, item), bool(item.last_error), item.name))[1:]
    for mirror in surplus:
        run.forgejo.delete_push_mirror(run.owner, run.name, mirror.name)
    check_before_push(run.fresh() if surplus else view, unlink)


def _failed(run: Run, why: str) -> SystemFailure:
    return SystemFailure(
        "forgejo.mirror_failed",
        f"the push mirror of {run.owner}/{run.name} failed: {why}",
        "the GitHub token needs the scopes repo and workflow, and the mirror must not be archived; "
        "then run the same command again",
        passing=True,
    )


def _seconds(interval: str) -> int:
    """A Go duration such as ``8h`` in seconds; the server writes the same one as ``8h0m0s``."""
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([hms])", interval))


def same_address(address: str, wanted: str) -> bool:
    """Whether a mirror's address is the wanted one; forges write the same one in several ways."""
    return address.rstrip("/").removesuffix(".git").lower() == wanted.removesuffix(".git").lower()
