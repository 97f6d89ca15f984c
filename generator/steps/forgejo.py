"""The canonical repository and its push mirror."""

from __future__ import annotations

from dataclasses import dataclass

from generator.changes import recorded_answers
from generator.clients.forgejo import PushMirror, Repository
from generator.errors import SystemFailure
from generator.plan import Decision
from generator.run import Run
from generator.steps.base import Step, absent, drifted, foreign, present, wait_until
from generator.trees import RemoteCommit

SETTLING_SECONDS = 60.0
"""How long a mirror's new branch may stay unseen on GitHub after the push was reported as done."""


@dataclass(frozen=True)
class RepositoryFacts:
    """The repository, and the name that its answers file was made for."""

    repository: Repository | None
    made_for: str | None


class ForgejoRepository(Step[RepositoryFacts]):
    """The canonical repository exists and is ours."""

    id = "forgejo.repository"
    system = "forgejo"

    def observe(self, run: Run) -> RepositoryFacts:
        """The repository, and whose it is."""
        repository = run.forgejo.repository(run.owner, run.name)
        if repository is None or repository.empty:
            return RepositoryFacts(repository, None)
        recorded = recorded_answers(RemoteCommit(run.forgejo, run.owner, run.name, repository.default_branch))
        return RepositoryFacts(repository, str(recorded.get("name")) if recorded else None)

    def decide(self, run: Run, facts: RepositoryFacts) -> Decision:
        """Ours is what holds our answers file, or is still empty under the description that we gave it."""
        where = f"{run.owner}/{run.name}"
        repository = facts.repository
        if repository is None:
            return absent(f"{where}, {_visibility(wants_private(run))}")
        if repository.empty and repository.description != run.answers["description"]:
            return foreign(
                f"{where} exists, is empty and was not made by newservice",
                "delete it on Forgejo, or choose another name",
            )
        if not repository.empty and facts.made_for != run.name:
            return foreign(
                f"{where} exists and holds somebody else's work (no answers file of newservice for this name)",
                "choose another name; newservice never writes into a repository that it did not make",
            )
        if repository.archived:
            return foreign(f"{where} is archived", "unarchive it on Forgejo, then run the same command again")
        if repository.private != wants_private(run):
            return drifted(f"{where} becomes {_visibility(wants_private(run))}")
        return present(f"{where} is there")

    def act(self, run: Run, facts: RepositoryFacts) -> str:
        """Create the repository, empty, or correct its visibility."""
        private = wants_private(run)
        if facts.repository is not None:
            run.forgejo.set_private(run.owner, run.name, private=private)
            return f"{run.owner}/{run.name} is {_visibility(private)} now"
        created = run.forgejo.create_repository(
            run.owner, run.name, description=run.answers["description"], private=private, branch=run.platform.branch
        )
        if created.private != private:  # the server may force private repositories
            return f"{created.url} (the server made it {_visibility(created.private)})"
        return created.url


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
        canonical = None
        mirrors: list[PushMirror] = []
        if run.forgejo.repository(run.owner, run.name) is not None:
            canonical = run.forgejo.branch(run.owner, run.name, run.platform.branch)
            wanted = run.platform.mirror_url(run.name)
            mirrors = [item for item in run.forgejo.push_mirrors(run.owner, run.name) if _same(item.address, wanted)]
        heads = run.github.branches(run.mirror) if run.github.repository(run.mirror) is not None else {}
        unknown = [
            branch
            for branch, sha in heads.items()
            if sha != canonical and not (canonical and run.forgejo.has_commit(run.owner, run.name, sha))
        ]
        return MirrorFacts(tuple(mirrors), canonical, heads.get(run.platform.branch), tuple(unknown))

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
        branch = run.platform.branch
        canonical = run.forgejo.branch(run.owner, run.name, branch)
        if not wait_until(lambda: run.github.branch(run.mirror, branch) == canonical, seconds=SETTLING_SECONDS):
            raise SystemFailure(
                "forgejo.mirror_behind",
                f"Forgejo reports the mirror as pushed, but {run.mirror} is not at {canonical}",
                "look at the mirror's settings on Forgejo, then run the same command again",
            )
        return f"{run.mirror} is at {(canonical or '')[:8]}"


def wants_private(run: Run) -> bool:
    """Repository and mirror are as visible as the image."""
    return bool(run.answers["image_visibility"] == "private")


def _visibility(private: bool) -> str:
    return "private" if private else "public"


def _right(run: Run, mirror: PushMirror) -> bool:
    return mirror.sync_on_commit and mirror.interval == run.platform.data["mirror"]["interval"]


def _same(address: str, wanted: str) -> bool:
    return address.removesuffix(".git").lower() == wanted.removesuffix(".git").lower()
