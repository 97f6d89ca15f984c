"""The infra repository: one commit on a branch of its own, and the pull request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from generator.base.errors import AnswersError, RefusedError, SystemFailure
from generator.base.memo import run_parallel
from generator.clients.forgejo import PullRequest
from generator.engine.change import change_branch
from generator.engine.context import Run
from generator.engine.executor import Done
from generator.engine.ownership import of_branch, signed
from generator.engine.plan import Action, Decision
from generator.engine.project import InfraState
from generator.engine.steps.base import Step, absent, answers_changed, drifted, foreign, present
from generator.engine.steps.change.line import TITLE
from generator.engine.steps.infra_branch import ask_for, blocked, is_merged, no_default_branch, push_commit, unmergeable
from generator.infra_repo.entries import compare_registrations, refusal, registered_files, unreadable
from generator.infra_repo.fingerprints import blobs, seal


@dataclass(frozen=True)
class InfraFacts:
    """Heads of the default branch and of ours, and what each has and lacks.

    ``spent``: our branch was merged as it is, and what it added is no longer on the default branch.
    ``stuck``: files in which our branch, waiting for review, can no longer be merged; ``by_hand`` are those of them
    that only a person can merge. ``changing``: the stack has other answers on the default branch, and these wait for
    review as its change. ``begun``: newservice made at least one of the commits that our branch adds. ``first``: see
    ``Run.pushes_first``.
    """

    base: str | None
    base_state: InfraState | None
    branch: str | None
    branch_state: InfraState | None
    spent: bool = False
    stuck: tuple[str, ...] = ()
    changing: bool = False
    by_hand: tuple[str, ...] = ()
    begun: bool = True
    first: bool = False


PUSHED_FIRST = "; only the push shows whether the rules on its branches accept it, so it comes first"
"""Follows what is pushed before everything else."""


def observe_infra(run: Run) -> InfraFacts:
    """Look at both branches as the forge has them now."""
    return run.once(InfraFacts, partial(_observe_infra, run))


def _observe_infra(run: Run) -> InfraFacts:
    heads = run.infra_heads()
    base, branch = heads.get(run.platform.infra.branch), heads.get(run.infra_branch)
    base_state = run.infra_state(base) if base else None
    branch_state = run.infra_state(branch) if branch else None
    found = run.pull_request() if branch and base_state and not base_state.complete else None
    changing, begun = _is_changing(run, base_state), _is_begun(run, base_state, branch_state)
    if base is None or branch is None or found is None:
        return InfraFacts(base, base_state, branch, branch_state, changing=changing, begun=begun)
    spent = is_merged(found, branch)
    paths = dict.fromkeys(registration.path for registration in run.project.registrations)
    stuck = () if found.merged else unmergeable(run.infra_tree, branch, found.merge_base, base, paths)
    ours = registered_files(base_state.registrations) if stuck and base_state else ()
    own = {file.path for file in ours}
    by_hand = tuple(path for path in stuck if path not in own or not _only_registered(run, branch, path))
    if stuck:
        by_hand += unmergeable(run.infra_tree, branch, found.merge_base, base, _edited(run, found, branch, base) - own)
    return InfraFacts(base, base_state, branch, branch_state, spent, stuck, changing, by_hand, begun)


def _edited(run: Run, pull: PullRequest, branch: str, base: str) -> set[str]:
    """The files that our branch and the default branch have both changed, and neither has removed."""
    ours, common, theirs = map(run.infra_blobs, (branch, pull.merge_base, base))
    differing = (path for path in ours.keys() & theirs.keys() if ours[path] != theirs[path])
    return {path for path in differing if common.get(path) not in (ours[path], theirs[path])}


def _is_begun(run: Run, base: InfraState | None, branch: InfraState | None) -> bool:
    """Whether newservice made a commit on our branch, as far as that matters: something on it waits to be merged."""
    if branch is None or not branch.made_by_us or base is None or base.complete:
        return True
    return of_branch(run.infra_branch_commits(), titles(run)).ours


def _is_changing(run: Run, base: InfraState | None) -> bool:
    """Whether the stack has other answers on the default branch, and a change to these waits on its branch."""
    head = run.infra_heads().get(change_branch(run.name))
    if base is None or not base.changed or head is None:
        return False
    waiting = run.infra_state(head)
    return waiting.made_by_us and not waiting.changed


class InfraCommit(Step[InfraFacts]):
    """Stack, registrations and docs are in one commit: on the default branch, or on the branch for review."""

    id = "infra.commit"
    system = "forgejo"

    def observe(self, run: Run) -> InfraFacts:
        """The heads of both branches, what each has and lacks, and the rules on branches."""
        run_parallel(partial(observe_infra, run), partial(run.branch_rules, run.infra_repository))
        return replace(observe_infra(run), first=run.pushes_first(run.infra_branch))

    def decide(self, run: Run, facts: InfraFacts) -> Decision:
        """What is missing is added; where a rule may reject that unseen, it is pushed before anything else."""
        decision = self._decide(run, facts)
        if facts.first and decision.action in (Action.CREATE, Action.UPDATE):
            return replace(decision, summary=f"{decision.summary}{PUSHED_FIRST}")
        return decision

    def _decide(self, run: Run, facts: InfraFacts) -> Decision:
        """Add what is missing; a stack that someone else made is not touched, one that was edited stays."""
        repository = f"{run.owner}/{run.infra_repository}"
        base = facts.base_state
        if base is None:
            return no_default_branch(run)
        if base.foreign:
            return foreign(
                f"{run.project.stack_prefix} exists in {repository} and was not made by newservice",
                "choose another name",
            )
        if base.blocked:
            return foreign(f"{repository}: {base.blocked.error.message}", base.blocked.error.hint)
        if facts.changing:
            return present(f"{run.project.stack_prefix} is on {run.platform.infra.branch}; {_change(run)}")
        if base.changed:
            return answers_changed(f"{run.project.stack_prefix} in {repository}", base.changed, base.change)
        if base.complete:
            return present(f"{run.project.stack_prefix} is on {run.platform.infra.branch}{_remarks(base)}")
        if error := refusal(base.registrations):
            return foreign(error.message, error.hint)
        return _decide_push(run, facts, base)

    def act(self, run: Run, facts: InfraFacts) -> str | Done:
        """Commit on objects, beside every checkout, and push without force."""
        if facts.stuck:
            return _bring_up(run, facts)
        fresh = facts.branch is None or facts.spent
        onto, state = (facts.base, facts.base_state) if fresh else (facts.branch, facts.branch_state)
        assert onto is not None  # noqa: S101 - decide refuses where there is no base
        assert state is not None  # noqa: S101
        run.bring(onto, run.platform.infra.branch if fresh else run.infra_branch)
        try:
            run.check_allocations(state)
        except AnswersError as error:
            problems = "; ".join(problem.message for problem in error.problems)
            raise RefusedError("infra.taken", f"meanwhile: {problems}", "choose other names") from None
        files = [*state.missing, *registered_files(state.registrations)]
        spent = [facts.branch] if facts.spent and facts.branch else []
        sha = push_commit(run, run.infra_branch, onto, files, _message(run, state), spent)
        pushed = run.fresh()
        if fresh:
            _give_way(pushed, state, sha)
        return Done(f"{run.infra_branch} at {sha[:8]}", pushed.since)


def _give_way(run: Run, state: InfraState, sha: str) -> None:
    """Withdraw our branch where another one, made or proposed earlier, has what ours needs for itself.

    Two runs that look before either has pushed see nothing of each other; after its push each sees the other, and the
    earlier one keeps. One that has a pull request already keeps as well: it did not see ours. Raises ``SystemFailure``:
    the next look finds something else free, or the names taken.
    """
    rivals = run.rivals(state)
    if not rivals:
        return

    times: dict[str, datetime] = {}
    for branch in (run.infra_branch, *rivals):
        made = run.forgejo.branch_time(run.owner, run.infra_repository, branch)
        if made is not None:  # one that has given way meanwhile is no longer a rival
            times[branch] = made
    ours = times.get(run.infra_branch)
    earlier = [
        branch
        for branch in rivals
        if branch in times and ours and ((times[branch], branch) < (ours, run.infra_branch) or _proposed(run, branch))
    ]
    if earlier:
        run.infra.delete_branch(run.remote, run.infra_url, sha, run.infra_branch)
        raise SystemFailure(
            "infra.given_way",
            f"{', '.join(earlier)} took the same at the same time: {run.infra_branch} was withdrawn",
            "run the same command again; it takes what is free now",
            passing=True,
        )


def _proposed(run: Run, branch: str) -> bool:
    """Whether an open pull request proposes a branch."""
    pull = run.pull_request(branch)
    return pull is not None and pull.state == "open"


def _bring_up(run: Run, facts: InfraFacts) -> str:
    """Merge the default branch into ours; where both registered something in one place, ours is entered again.

    Other people's commits on either side stay. Raises ``RefusedError`` where that can't be done without them.
    """
    assert facts.base is not None  # noqa: S101 - observed together with what is stuck
    assert facts.branch is not None  # noqa: S101
    assert facts.base_state is not None  # noqa: S101
    default = run.platform.infra.branch
    run.bring(facts.base, default)
    run.bring(facts.branch, run.infra_branch)
    tree, conflicting = run.infra.merge(facts.branch, facts.base)
    ours = {file.path: file for file in registered_files(facts.base_state.registrations)}
    by_hand = [path for path in conflicting if path not in ours or not _only_registered(run, facts.branch, path)]
    if by_hand:
        raise RefusedError("infra.conflict", *_by_hand(run, by_hand))
    message = signed(_bringing_up(run))
    files = [ours[path] for path in conflicting]
    sha = push_commit(run, run.infra_branch, facts.branch, files, message, [facts.base], tree=tree)
    return f"{run.infra_branch} at {sha[:8]}, mergeable again"


def _by_hand(run: Run, paths: Iterable[str]) -> tuple[str, str]:
    """What both branches changed so that only a person can merge it, and the remedy."""
    default = run.platform.infra.branch
    return (
        f"{run.infra_branch} and {default} have both changed {', '.join(paths)}, and not by registrations alone",
        f"merge {default} into {run.infra_branch} by hand, then run the same command again",
    )


def _only_registered(run: Run, branch: str, path: str) -> bool:
    """Whether our branch's version of a shared file is the old one with our registrations, and nothing else."""
    found = run.pull_request()
    if found is None:
        return False
    before = compare_registrations(run.project.registrations, run.infra_tree(found.merge_base))
    wanted = {file.path: file.content for file in registered_files(before)}
    return wanted.get(path) == run.infra_tree(branch).read(path)


def _decide_branch(run: Run, branch: InfraState, *, begun: bool) -> Decision:
    """Our branch holds our stack, and commits of ours; whoever else committed to it reviewed it."""
    if not begun:
        return not_ours(run)
    if not branch.made_by_us:
        return foreign(
            f"{run.owner}/{run.infra_repository} has a branch {run.infra_branch} without a stack of newservice's",
            "merge or delete that branch, then run the same command again",
        )
    if branch.changed:
        return answers_changed(f"the stack on {run.infra_branch}", branch.changed, branch.change)
    if error := refusal(branch.registrations):
        return foreign(error.message, error.hint)
    if branch.complete:
        return present(f"{run.project.stack_prefix} is on {run.infra_branch}{_remarks(branch)}")
    return drifted(f"{run.infra_branch} gets {len(branch.unregistered)} registrations that it lacks")


def _decide_push(run: Run, facts: InfraFacts, base: InfraState) -> Decision:
    """What is to be done about our branch, where the default branch lacks something."""
    if other := blocked(run, run.infra_branch):
        return other
    if facts.branch_state is None or facts.spent:
        return absent(_summary(run, base))
    decision = _decide_branch(run, facts.branch_state, begun=facts.begun)
    if decision.action is Action.REFUSE or not facts.stuck:
        return decision
    if facts.by_hand:
        return foreign(*_by_hand(run, facts.by_hand))
    return drifted(f"{run.infra_branch} can no longer be merged ({', '.join(facts.stuck)}): create updates it")


def not_ours(run: Run) -> Decision:
    """The refusal for a branch of our name that holds nobody's commits but others'."""
    return foreign(
        f"{run.infra_branch} of {run.owner}/{run.infra_repository} holds a stack of this name, but no commit of "
        "newservice's",
        "merge or delete that branch, then run the same command again",
    )


def _summary(run: Run, state: InfraState) -> str:
    count = len(state.unregistered)
    registered = f" and {count} registration{'s' if count != 1 else ''}" if count else ""
    picked = "".join(f", {name} {value}" for name, value in state.facts.items())
    return f"{run.project.stack_prefix}{registered} on {run.infra_branch}{picked}"


def _change(run: Run) -> str:
    return f"its change waits on {change_branch(run.name)}"


def _remarks(state: InfraState) -> str:
    """What a person may want to know of a stack that is complete: it stays as it is."""
    edited = [f"{state.edited} files edited since, left alone"] if state.edited else []
    differing = [item.id for item in state.registrations if item.action == "update"]
    unread = list(dict.fromkeys(item.reason for item in state.refusals if unreadable(item)))
    lost = [item.id for item in state.refusals if not unreadable(item)]
    if differing:
        edited.append(f"registrations edited since, left alone: {', '.join(differing)}")
    if lost:
        edited.append(f"registrations whose place is gone: {', '.join(lost)}")
    edited += unread
    return "".join(f"; {item}" for item in edited)


@dataclass(frozen=True)
class PullRequestFacts:
    """The pull request, and whether there is anything left to review; ``changing`` as of the commit."""

    pull_request: PullRequest | None
    merged: bool
    state: InfraState | None
    changing: bool = False


class InfraPullRequest(Step[PullRequestFacts]):
    """A pull request proposes the commit, unless it is on the default branch already."""

    id = "infra.pull_request"
    system = "forgejo"
    after = ("infra.commit", "vault.secrets", "service.push")

    def observe(self, run: Run) -> PullRequestFacts:
        """The newest pull request of our branch."""
        run_parallel(run.infra_heads, run.pull_request)
        branch = run.platform.infra.branch
        base = run.infra_heads().get(branch)
        state = run.infra_state(base) if base else None
        merged = state is not None and state.complete
        return PullRequestFacts(run.pull_request(), merged, state, _is_changing(run, state))

    def decide(self, run: Run, facts: PullRequestFacts) -> Decision:
        """Open one where none is open and something is to be merged."""
        if facts.changing:
            return present(f"nothing to propose: {_change(run)}")
        if facts.merged:
            return present(f"nothing to propose: it is on {run.platform.infra.branch}")
        if facts.pull_request and facts.pull_request.state == "open":
            return present(facts.pull_request.url)
        return absent(f"{run.infra_branch} into {run.platform.infra.branch}")

    def act(self, run: Run, facts: PullRequestFacts) -> Done:
        """Open it, with what surrounds its merge as a checklist."""
        if facts.pull_request is None:
            _stand(run)
        return ask_for(
            run,
            run.infra_branch,
            _title(run),
            "templates/pull_request.md.jinja",
            merging=run.project.checklist,
            registrations=facts.state.unregistered if facts.state else [],
        )


def _stand(run: Run) -> None:
    """Look at our branch once more: another run may have pushed since its commit.

    Where ours gives way, it is committed again, with what is free then. Raises as the commit's own step does.
    """
    now = run.fresh()
    head = now.infra_heads().get(run.infra_branch)
    if head is not None:
        try:
            _give_way(now, now.infra_state(head), head)
        except SystemFailure as error:
            if error.code != "infra.given_way":
                raise
        else:
            return
    commit, again = InfraCommit(), run.fresh()
    facts = commit.observe(again)
    decision = commit.decide(again, facts)
    if decision.action is Action.REFUSE:
        raise RefusedError(f"{commit.id}.refused", decision.summary, decision.hint)
    if decision.action is not Action.NONE:
        commit.act(again, facts)


def titles(run: Run) -> tuple[str, ...]:
    """The first lines of the commits that newservice makes for this stack."""
    return f"{_title(run)}\n", f"{_bringing_up(run)}\n", TITLE.format(name=run.name)


def _bringing_up(run: Run) -> str:
    return f"chore({run.name}): bring the branch up to {run.platform.infra.branch}"


def _title(run: Run) -> str:
    return f"feat({run.name}): add the stack"


def _message(run: Run, state: InfraState) -> str:
    """The commit's message. It holds no free text from people: some words in one are commands to a CI."""
    registered = "".join(f"- {item.id}: {item.path}\n" for item in state.unregistered)
    parts = [f"Registered in:\n{registered}"] if registered else []
    parts += [f"{seal(blobs(state.missing))}\n"] if state.missing else []
    return signed(_title(run), "\n".join(parts))
