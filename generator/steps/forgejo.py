"""The canonical repository and its push mirror."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from generator.changes import differing_answers
from generator.clients.forgejo import PushMirror, Repository
from generator.errors import SystemFailure
from generator.plan import Decision
from generator.run import Run
from generator.steps.base import Step, absent, answers_changed, drifted, foreign, present, wait_until

SETTLING_SECONDS = 60.0
"""How long a mirror's new branch may stay unseen on GitHub after the push was reported as done."""


MARK = " (made by newservice)"
"""Ends the description of a repository that newservice made: the proof while it is still empty."""


@dataclass(frozen=True)
class RepositoryFacts:
    """The repository, and the answers file that its branch holds."""

    repository: Repository | None
    recorded: dict[str, Any] | None


class ForgejoRepository(Step[RepositoryFacts]):
    """The canonical repository exists, is ours, and was made with these answers."""

    id = "forgejo.repository"
    system = "forgejo"

    def observe(self, run: Run) -> RepositoryFacts:
        """The repository, and whose it is."""
        return RepositoryFacts(run.canonical(), run.canonical_answers())

    def decide(self, run: Run, facts: RepositoryFacts) -> Decision:
        """Ours is what holds our answers file, or is still empty under a description that newservice wrote."""
        where = f"{run.owner}/{run.name}"
        repository, recorded = facts.repository, facts.recorded or {}
        if repository is None:
            return absent(f"{where}, {visibility(wants_private(run))}")
        if repository.empty and not repository.description.endswith(MARK):
            return foreign(
                f"{where} exists, is empty and was not made by newservice",
                "delete it on Forgejo, or choose another name",
            )
        if not repository.empty and recorded.get("name") != run.name:
            return foreign(
                f"{where} exists and holds somebody else's work (no answers file of newservice for this name)",
                "choose another name; newservice never writes into a repository that it did not make",
            )
        changed = differing_answers(recorded, run.answers.public)
        if changed:
            return answers_changed(where, changed)
        if repository.archived:
            return foreign(f"{where} is archived", "unarchive it on Forgejo, then run the same command again")
        return decide_visibility(run, where, private=repository.private)

    def act(self, run: Run, facts: RepositoryFacts) -> str:
        """Create the repository, empty, or make it private again."""
        if facts.repository is not None:
            run.forgejo.set_private(run.owner, run.name, private=True)
            return f"{run.owner}/{run.name} is private now"
        run.forgejo.create_repository(
            run.owner,
            run.name,
            description=f"{run.answers['description']}{MARK}",
            private=wants_private(run),
            branch=run.platform.branch,
        )
        return run.platform.service_url(run.name).removesuffix(".git")


@dataclass(frozen=True)
class MirrorFacts:
    """Push mirrors to the service's GitHub repository, and what both sides hold."""

    mirrors: tuple[PushMirror, ...]
    canonical: str | None
    mirrored: str | None
    lost: tuple[str, ...]


class ForgejoMirror(Step[MirrorFacts]):
    """Exactly one push mirror that follows every commit, and has."""

    id = "forgejo.mirror"
    system = "forgejo"

    def observe(self, run: Run) -> MirrorFacts:
        """The mirrors, both heads, and branches of GitHub whose commits a forced push would lose."""
        canonical = run.canonical_head()
        mirrors: list[PushMirror] = []
        if run.canonical() is not None:
            wanted = run.platform.mirror_url(run.name)
            mirrors = [item for item in run.forgejo.push_mirrors(run.owner, run.name) if _same(item.address, wanted)]
        heads = run.mirror_heads()
        lost = [
            branch
            for branch, sha in heads.items()
            if sha != canonical and not (canonical and run.forgejo.has_commit(run.owner, run.name, sha))
        ]
        return MirrorFacts(tuple(mirrors), canonical, heads.get(run.platform.branch), tuple(lost))

    def decide(self, run: Run, facts: MirrorFacts) -> Decision:
        """One mirror, following commits, at the canonical commit; never one that would destroy work."""
        where = f"{run.owner}/{run.name} to {run.platform.mirror_url(run.name)}"
        if facts.lost:
            return foreign(
                f"{run.mirror} holds commits that the canonical repository lacks (branches {', '.join(facts.lost)}); "
                "the mirror's forced push would destroy them",
                "bring those commits into Forgejo, or delete the branches on GitHub, then run the same command again",
            )
        if not facts.mirrors:
            return absent(f"{where}, on every commit")
        if len(facts.mirrors) > 1:
            return drifted(f"{where}: {len(facts.mirrors)} mirrors become one")
        if not _right(run, facts.mirrors[0]):
            return drifted(f"{where}: follows every commit again")
        if facts.canonical != facts.mirrored:
            return drifted(f"{where}: behind, is synchronised")
        return present(f"{where} at {(facts.canonical or '')[:8]}")

    def act(self, run: Run, facts: MirrorFacts) -> str:
        """Make it one mirror, push once, and wait until GitHub shows the commit."""
        right = [mirror for mirror in facts.mirrors if _right(run, mirror)][:1]
        for mirror in facts.mirrors:
            if mirror not in right:
                run.forgejo.delete_push_mirror(run.owner, run.name, mirror.name)
        if not right:
            run.forgejo.add_push_mirror(
                run.owner,
                run.name,
                run.platform.mirror_url(run.name),
                user=run.platform.owner("github"),
                password=run.credentials["github"].value,
                interval=run.platform.data["mirror"]["interval"],
            )
        run.progress(f"pushing {run.owner}/{run.name} to GitHub; a first push may take minutes")
        run.forgejo.sync_push_mirrors(run.owner, run.name)
        branch, canonical = run.platform.branch, facts.canonical
        if not wait_until(lambda: run.github.branch(run.mirror, branch) == canonical, seconds=SETTLING_SECONDS):
            raise SystemFailure(
                "forgejo.mirror_behind",
                f"Forgejo reports the mirror as pushed, but {run.mirror} is not at {canonical}",
                "look at the mirror's settings on Forgejo, then run the same command again",
            )
        return f"{run.mirror} is at {(canonical or '')[:8]}"


def wants_private(run: Run) -> bool:
    """Repository and mirror are as visible as the image."""
    return bool(run.answers["private_image"])


def visibility(private: bool) -> str:
    """The word for people."""
    return "private" if private else "public"


def decide_visibility(run: Run, where: str, *, private: bool) -> Decision:
    """What is public and should be private is closed; what somebody closed is never opened by a repair."""
    if wants_private(run) and not private:
        return drifted(f"{where} becomes private")
    closed = "" if private == wants_private(run) else "; it is private there, and stays so"
    return present(f"{where} is there{closed}")


def _right(run: Run, mirror: PushMirror) -> bool:
    return mirror.sync_on_commit and _seconds(mirror.interval) == _seconds(run.platform.data["mirror"]["interval"])


def _seconds(interval: str) -> int:
    """A Go duration such as ``8h`` in seconds; the server writes the same one as ``8h0m0s``."""
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([hms])", interval))


def _same(address: str, wanted: str) -> bool:
    return address.removesuffix(".git").lower() == wanted.removesuffix(".git").lower()
