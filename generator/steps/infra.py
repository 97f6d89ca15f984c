"""The infra repository: one commit on a branch of its own, and the pull request."""

from __future__ import annotations

from dataclasses import dataclass

from generator.changes import registered_files
from generator.clients.forgejo import PullRequest
from generator.errors import SystemFailure
from generator.plan import Decision
from generator.run import InfraState, Run
from generator.steps.base import Step, absent, drifted, foreign, present

TRAILER = "Newservice-Service"
"""The last line of every commit that newservice makes in the infra repository: the proof that a branch is its own."""


@dataclass(frozen=True)
class InfraFacts:
    """Heads of the default branch and of ours, what each has and lacks, and whether our branch is ours."""

    base: str | None
    base_state: InfraState | None
    branch: str | None
    branch_state: InfraState | None
    branch_is_ours: bool


def observe_infra(run: Run) -> InfraFacts:
    """Look at both branches as the forge has them now."""
    repository = run.platform.data["infra"]["repository"]
    base = run.infra_head(run.platform.data["infra"]["branch"])
    branch = run.infra_head(run.infra_branch)
    ours = False
    if branch:
        ours = f"{TRAILER}: {run.name}" in run.forgejo.commit_message(run.owner, repository, branch).splitlines()
    return InfraFacts(
        base,
        run.infra_state(base) if base else None,
        branch,
        run.infra_state(branch) if branch and ours else None,
        ours,
    )


class InfraCommit(Step[InfraFacts]):
    """Stack, registrations and docs stand in one commit: on the default branch, or on the branch for review."""

    id = "infra.commit"
    system = "forgejo"

    def observe(self, run: Run) -> InfraFacts:
        """Both branches."""
        return observe_infra(run)

    def decide(self, run: Run, facts: InfraFacts) -> Decision:
        """Add what is missing; a stack that somebody else made is not touched, one that was edited stays."""
        repository = f"{run.owner}/{run.platform.data['infra']['repository']}"
        if facts.base is None or facts.base_state is None:
            return foreign(
                f"{repository} has no branch {run.platform.data['infra']['branch']}",
                "correct infra.repository and infra.branch in the platform profile",
            )
        if facts.base_state.foreign:
            return foreign(
                f"{run.project.stack_prefix} exists in {repository} and was not made by newservice",
                "choose another name",
            )
        if facts.base_state.complete:
            edited = f"; {facts.base_state.edited} files edited since, left alone" if facts.base_state.edited else ""
            return present(f"{run.project.stack_prefix} is on {run.platform.data['infra']['branch']}{edited}")
        if facts.branch and not facts.branch_is_ours:
            return foreign(
                f"{repository} has a branch {run.infra_branch} whose last commit is not newservice's",
                "merge or delete that branch, then run the same command again",
            )
        told = f"{run.project.stack_prefix} and {len(facts.base_state.unregistered)} registrations"
        if facts.branch_state is None:
            return absent(f"{told} on {run.infra_branch}")
        if facts.branch_state.foreign:
            return foreign(f"{run.infra_branch} holds a stack that newservice did not make", "delete that branch")
        if facts.branch_state.complete:
            return present(f"{told} are on {run.infra_branch}")
        return drifted(f"{run.infra_branch} gets what it lacks")

    def act(self, run: Run, facts: InfraFacts) -> str:
        """Commit on objects, beside every checkout, and push without force."""
        onto = facts.branch or facts.base
        state = facts.branch_state or facts.base_state
        assert onto is not None  # noqa: S101 - decide refuses where there is no base
        assert state is not None  # noqa: S101
        url = f"{run.platform.url('forgejo')}/{run.owner}/{run.platform.data['infra']['repository']}.git"
        if not run.infra.has(onto):
            run.progress(f"fetching {run.platform.data['infra']['repository']}")
            branch = run.infra_branch if facts.branch else run.platform.data["infra"]["branch"]
            run.infra.fetch(run.remote, url, branch)
        if not run.infra.has(onto):
            raise SystemFailure("infra.moved", "the infra repository moved meanwhile", "run the same command again")
        files = [*state.missing, *registered_files(state.registrations)]
        sha = run.infra.commit_onto(onto, files, _message(run, state))
        run.infra.push(run.remote, url, sha, run.infra_branch)
        return f"{run.infra_branch} at {sha[:8]}"


@dataclass(frozen=True)
class PullRequestFacts:
    """The pull request, and whether there is anything left to review."""

    pull_request: PullRequest | None
    merged: bool
    state: InfraState | None


class InfraPullRequest(Step[PullRequestFacts]):
    """A pull request asks for the commit, unless it is on the default branch already."""

    id = "infra.pull_request"
    system = "forgejo"

    def observe(self, run: Run) -> PullRequestFacts:
        """The newest pull request of our branch."""
        infra = run.platform.data["infra"]
        base = run.infra_head(infra["branch"])
        state = run.infra_state(base) if base else None
        found = run.forgejo.pull_request(run.owner, infra["repository"], infra["branch"], run.infra_branch)
        return PullRequestFacts(found, state is not None and state.complete, state)

    def decide(self, run: Run, facts: PullRequestFacts) -> Decision:
        """Open one where none is open and something is to be merged."""
        if facts.merged:
            return present(f"nothing to ask for: it is on {run.platform.data['infra']['branch']}")
        if facts.pull_request and facts.pull_request.state == "open":
            return present(facts.pull_request.url)
        return absent(f"{run.infra_branch} into {run.platform.data['infra']['branch']}")

    def act(self, run: Run, facts: PullRequestFacts) -> str:
        """Open it, with the order of applying as a checklist."""
        infra = run.platform.data["infra"]
        body = run.project.template.render(
            "[% include 'templates/pull_request.md.jinja' %]",
            {
                **run.answers.context,
                "to_do": run.project.to_do,
                "registrations": facts.state.unregistered if facts.state else [],
            },
        )
        created = run.forgejo.create_pull_request(
            run.owner, infra["repository"], base=infra["branch"], head=run.infra_branch, title=_title(run), body=body
        )
        return created.url


def _title(run: Run) -> str:
    return f"feat({run.name}): add the stack"


def _message(run: Run, state: InfraState) -> str:
    registered = "".join(f"- {item.id}: {item.path}\n" for item in state.unregistered)
    return (
        f"{_title(run)}\n\n{run.answers['description']}\n\n"
        + (f"Registered in:\n{registered}\n" if registered else "")
        + f"{TRAILER}: {run.name}\n"
    )
