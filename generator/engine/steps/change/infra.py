"""The infra repository's part of a change: the stack and its entries in shared files, in one commit for review."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from generator.engine.change import Change, change_branch
from generator.engine.checklist import Checklist
from generator.engine.context import Run
from generator.engine.executor import Done
from generator.engine.ownership import of_branch, of_tree, signed
from generator.engine.plan import Decision
from generator.engine.steps.base import Step, drifted, foreign, present
from generator.engine.steps.change.base import conflicting, counted, moved, questions, writes
from generator.engine.steps.change.line import Line, Repository, change_title, infra_repository, remark
from generator.engine.steps.change.request import decide_request, request
from generator.engine.steps.change.text import section
from generator.engine.steps.infra import PUSHED_FIRST, not_ours, titles
from generator.engine.steps.infra_branch import blocked, no_default_branch, push_commit
from generator.engine.steps.removal.by_proposal import REMOVAL_PREFIX
from generator.engine.to_do import after_merge
from generator.engine.transition import NO_CHANGE, End, Transition, transition
from generator.infra_repo.fingerprints import blobs, seal


@dataclass(frozen=True)
class StackFacts:
    """Where the stack's change begins, and what brings it to the wanted answers; ``whole`` from the default branch.

    ``removing``: where the service's removal waits, if someone removes it. ``begun``: where the stack itself waits,
    newservice made at least one of its commits.
    """

    line: Line
    found: Transition = NO_CHANGE
    whole: Transition = NO_CHANGE
    removing: str = ""
    begun: bool = True


def observe_stack(run: Run, change: Change) -> StackFacts:
    """Look at the branches of the infra repository as the forge has them now."""
    return run.once(StackFacts, lambda: _observe(run, change))


def _observe(run: Run, change: Change) -> StackFacts:
    repository, project = infra_repository(run), run.project
    start = change.maker.end(change.maker.answers(change.start))
    paths = [f"{project.stack_prefix}{file.path}" for file in start.files]
    paths += [entry.path for entry in (*start.entries, *project.registrations)]
    line = repository.line(list(dict.fromkeys(paths)), run.infra_branch)
    if not line.tree or not of_tree(line.recorded, run.name).ours or not change.concerns(line.recorded):
        return StackFacts(line)
    if removing := being_removed(repository):
        return StackFacts(line, removing=removing)
    if line.branch == run.infra_branch and not of_branch(repository.pending(line.branch), titles(run)).ours:
        return StackFacts(line, begun=False)
    found = _between(run, change, line, line.tree)
    base = repository.heads[line.default]
    whole = found if line.tree == base else _between(run, change, line, base)
    return StackFacts(line, found, whole)


def _between(run: Run, change: Change, line: Line, sha: str) -> Transition:
    """What brings the stack of a commit to the wanted answers."""
    project, tree = run.project, run.infra_tree(sha)
    recorded = line.merged if sha != line.tree else line.origin
    start = End()
    if of_tree(recorded, run.name).ours:
        maker = change.versions.made_by(recorded)
        start = maker.end(maker.answers(recorded))
    facts = run.infra_state(sha).facts
    project.check_modules(tree, facts, start.files)
    goal = End(project.stack_files(facts), tuple(project.registrations))
    claimed = partial(change.versions.claimed, tree, run.name)
    return transition(start, goal, tree, "infra", project.stack_prefix, claimed)


def being_removed(repository: Repository) -> str:
    """Where the removal of a service waits: its pull request, or its branch as long as none is open; else empty."""
    branch = f"{REMOVAL_PREFIX}{repository.service}"
    if branch not in repository.heads:
        return ""
    pull = repository.pull(branch)
    if pull is None:
        return branch
    return pull.url if pull.state == "open" else ""


class InfraChange(Step[StackFacts]):
    """The stack and its entries are as the wanted answers make them: on a branch for review."""

    id = "infra.change_commit"
    system = "forgejo"

    def __init__(self, change: Change) -> None:
        self._change = change

    def observe(self, run: Run) -> StackFacts:
        """Where the change begins, and what is to be done there."""
        return observe_stack(run, self._change)

    def decide(self, run: Run, facts: StackFacts) -> Decision:
        """Change what the answers change; what people edited stays, and what both changed is left to a person."""
        line, where = facts.line, f"{run.owner}/{run.infra_repository}"
        if not line.tree:
            return no_default_branch(run)
        if not of_tree(line.recorded, run.name).ours:
            return foreign(f"{line.branch} of {where} has no stack of newservice's", "merge or delete that branch")
        if not self._change.concerns(line.recorded):
            return moved(f"the stack on {line.branch if line.waits else line.default}")
        if facts.removing:
            return _removed(run, facts)
        if not facts.begun:
            return not_ours(run)
        if line.stuck and line.others:
            return foreign(
                f"{line.branch} of {where} can no longer be merged ({', '.join(line.stuck)}) and has commits of others",
                f"merge {line.default} into {line.branch} by hand, then run the same command again",
            )
        if facts.found.conflicts:
            return conflicting(where, facts.found)
        if not writes(facts.found) and not line.stuck:
            return present(f"{line.branch} has it" if line.waits else f"{line.default} has it")
        if other := blocked(run, line.branch):
            return other
        first = PUSHED_FIRST if run.pushes_first(line.branch) else ""  # the rules are looked up once a run
        return drifted(f"{counted(facts.found)} on {line.branch}{first}")

    def act(self, run: Run, facts: StackFacts) -> str | Done:
        """Commit on objects, beside every checkout, and push without force."""
        line = facts.line
        run.check_allocations(run.infra_state(line.tree))
        for sha, branch in ((sha, _branch_of(line, sha)) for sha in line.parents):
            run.bring(sha, branch)
        change, first, *merged = self._change, *line.parents
        message = signed(
            change_title(run.name, questions(change)),
            f"{remark(run, run.infra_repository, facts.line)}{seal(blobs(facts.found.written))}\n",
        )
        sha = push_commit(
            run, line.branch, first, facts.found.written, message, merged, facts.found.removed, tree=line.tree
        )
        return Done(f"{line.branch} at {sha[:8]}", run.fresh().since)


class InfraChangeRequest(Step[StackFacts]):
    """A pull request proposes that commit, with the answers that change and what a person does afterwards."""

    id = "infra.change_request"
    system = "forgejo"
    after = (
        "infra.change_commit",
        "vault.secrets",
        "service.change_request",
        "forgejo.repository",
        "github.repository",
    )

    def __init__(self, change: Change) -> None:
        self._change = change

    def observe(self, run: Run) -> StackFacts:
        """The branch and its pull request."""
        return observe_stack(run, self._change)

    def decide(self, run: Run, facts: StackFacts) -> Decision:
        """Open one where something waits; one that is open says what its branch changes now."""
        if facts.removing:
            return _removed(run, facts)
        return decide_request(facts.line, self._text(run, facts), pending=writes(facts.found))

    def act(self, run: Run, facts: StackFacts) -> Done:
        """Open it, or update its text."""
        line, title = facts.line, change_title(run.name, questions(self._change))
        return request(run, run.infra_repository, line, title, self._text(run, facts))

    def _text(self, run: Run, facts: StackFacts) -> str:
        merging = to_do(run, self._change, facts.whole)
        return section(self._change.proposed, facts.whole, merging)


def to_do(run: Run, change: Change, found: Transition) -> Checklist:
    """What surrounds the merge of a change, because of what it changes."""
    opens = change.before.private_image and not change.wanted.private_image
    image = change.wanted.context["image_repository"]
    public = f"make {image} public in its registry: after the merge the cluster pulls it without a secret"
    if not writes(found):
        return Checklist().with_lines([public] if opens else [])
    project, branch = run.project, run.infra_branch if change.onboarding else change_branch(run.name)
    known = [*change.maker.registrations(change.before), *project.registrations]
    ends = (change.maker.template, change.before.context), (project.template, change.wanted.context)
    merging = after_merge(run.platform.infra, *ends, known, found.files, found.entries, branch)
    closes = change.wanted.private_image and not change.before.private_image
    private = f"make {image} private in its registry: it stays public there until a person changes it"
    return merging.with_lines([public] if opens else [], [private] if closes else [])


def _removed(run: Run, facts: StackFacts) -> Decision:
    """The refusal where someone removes the service."""
    return foreign(
        f"{run.name} is being removed: {facts.removing}", "close that pull request first if the service is to stay"
    )


def _branch_of(line: Line, sha: str) -> str:
    """The branch from which a parent is fetched."""
    return line.branch if line.waits == (sha == line.parents[0]) else line.default
