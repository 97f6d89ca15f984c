"""The infra repository: one commit on a branch of its own, and the pull request."""

from __future__ import annotations

from dataclasses import dataclass

from generator.changes import refusal, registered_files
from generator.clients.forgejo import PullRequest
from generator.errors import AnswersError, RefusedError, SystemFailure
from generator.plan import Decision
from generator.project import InfraState
from generator.run import Run
from generator.steps.base import Step, absent, answers_changed, drifted, foreign, present


@dataclass(frozen=True)
class InfraFacts:
    """Heads of the default branch and of ours, and what each has and lacks.

    ``spent``: our branch was merged as it stands, and what it brought is not on the default branch any more.
    """

    base: str | None
    base_state: InfraState | None
    branch: str | None
    branch_state: InfraState | None
    spent: bool = False


def observe_infra(run: Run) -> InfraFacts:
    """Look at both branches as the forge has them now."""
    heads = run.infra_heads()
    base, branch = heads.get(run.platform.data["infra"]["branch"]), heads.get(run.infra_branch)
    base_state = run.infra_state(base) if base else None
    spent = False
    if branch and base_state and not base_state.complete:
        found = run.pull_request()
        spent = found is not None and found.merged and found.head == branch
    return InfraFacts(base, base_state, branch, run.infra_state(branch) if branch else None, spent)


class InfraCommit(Step[InfraFacts]):
    """Stack, registrations and docs stand in one commit: on the default branch, or on the branch for review."""

    id = "infra.commit"
    system = "forgejo"

    def observe(self, run: Run) -> InfraFacts:
        """Both branches."""
        return observe_infra(run)

    def decide(self, run: Run, facts: InfraFacts) -> Decision:
        """Add what is missing; a stack that somebody else made is not touched, one that was edited stays."""
        repository = f"{run.owner}/{run.infra_repository}"
        base = facts.base_state
        if base is None:
            return foreign(
                f"{repository} has no branch {run.platform.data['infra']['branch']}",
                "correct infra.repository and infra.branch in the platform profile",
            )
        if base.foreign:
            return foreign(
                f"{run.project.stack_prefix} exists in {repository} and was not made by newservice",
                "choose another name",
            )
        if base.changed:
            return answers_changed(f"{run.project.stack_prefix} in {repository}", base.changed)
        if base.complete:
            return present(f"{run.project.stack_prefix} is on {run.platform.data['infra']['branch']}{_remarks(base)}")
        if error := refusal(base.registrations):
            return foreign(error.message, error.hint)
        if facts.branch_state is None or facts.spent:
            return absent(_told(run, base))
        return _decide_branch(run, facts.branch_state)

    def act(self, run: Run, facts: InfraFacts) -> str:
        """Commit on objects, beside every checkout, and push without force."""
        fresh = facts.branch is None or facts.spent
        onto, state = (facts.base, facts.base_state) if fresh else (facts.branch, facts.branch_state)
        assert onto is not None  # noqa: S101 - decide refuses where there is no base
        assert state is not None  # noqa: S101
        if not run.infra.has(onto):
            run.progress(f"fetching {run.infra_repository}")
            branch = run.platform.data["infra"]["branch"] if fresh else run.infra_branch
            run.infra.fetch(run.remote, run.infra_url, branch)
        if not run.infra.has(onto):
            raise SystemFailure("infra.moved", "the infra repository moved meanwhile", "run the same command again")
        try:
            run.check_allocations(state)
        except AnswersError as error:
            told = "; ".join(problem.message for problem in error.problems)
            raise RefusedError("infra.taken", f"meanwhile: {told}", "choose other names") from None
        files = [*state.missing, *registered_files(state.registrations)]
        # A spent branch is a second parent: the push stays a fast-forward, whichever way it was merged.
        spent = [facts.branch] if facts.spent and facts.branch else []
        sha = run.infra.commit_onto(onto, files, _message(run, state), spent)
        run.infra.push(run.remote, run.infra_url, sha, run.infra_branch)
        return f"{run.infra_branch} at {sha[:8]}"


def _decide_branch(run: Run, branch: InfraState) -> Decision:
    """Our branch holds our stack; whoever else committed to it reviewed it."""
    if not branch.made_by_us:
        return foreign(
            f"{run.owner}/{run.infra_repository} has a branch {run.infra_branch} without a stack of newservice's",
            "merge or delete that branch, then run the same command again",
        )
    if branch.changed:
        return answers_changed(f"the stack on {run.infra_branch}", branch.changed)
    if error := refusal(branch.registrations):
        return foreign(error.message, error.hint)
    if branch.complete:
        return present(f"{run.project.stack_prefix} is on {run.infra_branch}{_remarks(branch)}")
    return drifted(f"{run.infra_branch} gets {len(branch.unregistered)} registrations that it lacks")


def _told(run: Run, state: InfraState) -> str:
    count = len(state.unregistered)
    registered = f" and {count} registration{'s' if count != 1 else ''}" if count else ""
    picked = "".join(f", {name} {value}" for name, value in state.facts.items())
    return f"{run.project.stack_prefix}{registered} on {run.infra_branch}{picked}"


def _remarks(state: InfraState) -> str:
    """What a person may want to know of a stack that is complete: it stays as it is."""
    edited = [f"{state.edited} files edited since, left alone"] if state.edited else []
    differing = [item.id for item in state.registrations if item.action == "update"]
    lost = [item.id for item in state.refusals]
    if differing:
        edited.append(f"registrations edited since, left alone: {', '.join(differing)}")
    if lost:
        edited.append(f"registrations whose place is gone: {', '.join(lost)}")
    return "".join(f"; {item}" for item in edited)


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
        branch = run.platform.data["infra"]["branch"]
        base = run.infra_heads().get(branch)
        state = run.infra_state(base) if base else None
        return PullRequestFacts(run.pull_request(), state is not None and state.complete, state)

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
        run.forgejo.create_pull_request(
            run.owner, infra["repository"], base=infra["branch"], head=run.infra_branch, title=_title(run), body=body
        )
        found = run.forgejo.pull_request(run.owner, infra["repository"], infra["branch"], run.infra_branch)
        return found.url if found else run.infra_branch


def _title(run: Run) -> str:
    return f"feat({run.name}): add the stack"


def _message(run: Run, state: InfraState) -> str:
    """No free text of anybody's: some words in a commit's message are commands to a CI."""
    registered = "".join(f"- {item.id}: {item.path}\n" for item in state.unregistered)
    return f"{_title(run)}\n\nMade by newservice.\n" + (f"\nRegistered in:\n{registered}" if registered else "")
