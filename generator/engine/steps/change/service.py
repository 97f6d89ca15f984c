"""The service repository's part of a change: a commit for review, where the answers change its files at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial

from generator.base.errors import SystemFailure
from generator.base.memo import run_parallel
from generator.clients.git import scratch_repository
from generator.clients.objects import Objects
from generator.engine.change import Change, answers_of
from generator.engine.context import Run
from generator.engine.executor import Done
from generator.engine.ownership import of_tree, signed
from generator.engine.plan import Decision
from generator.engine.steps.base import Step, drifted, foreign, present
from generator.engine.steps.change.base import conflicting, counted, moved, questions, writes
from generator.engine.steps.change.infra import observe_stack
from generator.engine.steps.change.line import Line, change_title, remark, service_repository
from generator.engine.steps.change.request import decide_request, request
from generator.engine.steps.change.text import section
from generator.engine.steps.forgejo import not_begun
from generator.engine.steps.visibility import check_before_push, glance
from generator.engine.transition import NO_CHANGE, End, Transition, transition
from generator.infra_repo.fingerprints import blobs, seal
from generator.template.files import ANSWERS_FILE, File


@dataclass(frozen=True)
class ServiceFacts:
    """Where the repository's change begins, and what brings it to the wanted answers; ``whole`` from the default
    branch. ``begun``: newservice began the repository's history."""

    line: Line
    found: Transition = NO_CHANGE
    whole: Transition = NO_CHANGE
    begun: bool = True


def observe_service(run: Run, change: Change) -> ServiceFacts:
    """Look at the branches of the service's repository as the forge has them now."""
    return run.once(ServiceFacts, lambda: _observe(run, change))


def _observe(run: Run, change: Change) -> ServiceFacts:
    repository = service_repository(run)
    line = repository.line([file.path for file in run.project.service_files(run.woodpecker_number() or 0)])
    if not line.tree or not of_tree(line.origin, run.name).ours:
        return ServiceFacts(line)
    if not run.canonical_begun():
        return ServiceFacts(line, begun=False)
    start, goal = _ends(run, change, line)
    tree = run.canonical_commit(line.tree, (*start.files, *goal.files))
    base = repository.heads[line.default]
    found = transition(start, goal, tree, "service")
    if run.answers.stacked:  # else this is the one record of the answers
        found = _without_answers(found)
    if line.tree == base:
        return ServiceFacts(line, found, found)
    merged = replace(line, origin=line.merged)
    start, _ = _ends(run, change, merged)
    return ServiceFacts(line, found, transition(start, goal, repository.tree(base), "service"))


def _ends(run: Run, change: Change, line: Line) -> tuple[End, End]:
    """What the recorded answers make of the repository, and what the wanted ones do: by the version that made it."""
    maker = change.versions.made_by(line.origin)
    number = run.woodpecker_number() or line.origin.values.get("woodpecker_repo_id") or 0
    before = maker.answers(line.origin)
    after = answers_of(maker, line.origin, change.wanted.public, {"layer": "service", "woodpecker_repo_id": number})
    return End(maker.files(before)), End(maker.files(after))


def _without_answers(found: Transition) -> Transition:
    """No change where only the record of the answers would change: every commit there is built and deployed."""
    paths = {*(file.path for file in found.written), *found.removed}
    return NO_CHANGE if paths <= {ANSWERS_FILE} and not found.conflicts else found


class ServiceChange(Step[ServiceFacts]):
    """The service's repository is as the wanted answers make it: on a branch for review."""

    id = "service.change_commit"
    system = "forgejo"
    # The stack's record decides between two people at once: who has pushed that goes on here.
    after = ("infra.change_commit", "github.secrets", "forgejo.repository", "github.repository")

    def waits_for(self, run: Run) -> tuple[str, ...]:
        """Where Woodpecker deploys the service, its number stands in the files."""
        return (*self.after, "woodpecker.registration") if "woodpecker" in run.answers.systems else self.after

    def __init__(self, change: Change) -> None:
        self._change = change

    def observe(self, run: Run) -> ServiceFacts:
        """Where the change begins, and what is to be done there."""
        run_parallel(partial(glance, run), run.woodpecker_number)
        facts = observe_service(run, self._change)
        if writes(facts.found) and run.answers.stacked:
            observe_stack(run, self._change)
        return facts

    def decide(self, run: Run, facts: ServiceFacts) -> Decision:
        """Change what the answers change; nothing where they change no file."""
        line, where = facts.line, f"{run.owner}/{run.name}"
        if not line.tree or not of_tree(line.origin, run.name).ours:
            return foreign(
                f"{where} has no answers of this service on {line.default}",
                f"run newservice create {run.name} first: it continues what was begun",
            )
        if not facts.begun:
            return not_begun(where)
        if writes(facts.found):
            # The stack's record as it was seen in this pass; where none is newservice's, the repository's own.
            record = observe_stack(run, self._change).line if run.answers.stacked else line
            if not self._change.concerns(record.recorded):
                what = "the stack on" if run.answers.stacked else f"{where}:"
                return moved(f"{what} {record.branch if record.waits else record.default}")
        if line.stuck and line.others:
            return foreign(
                f"{line.branch} of {where} can no longer be merged and has commits of others",
                f"merge {line.default} into {line.branch} by hand, then run the same command again",
            )
        if facts.found.conflicts:
            return conflicting(where, facts.found)
        if not writes(facts.found):
            return present(f"{where}: {line.branch} has it" if line.waits else f"{where} stays as it is")
        return drifted(f"{counted(facts.found)} of {where} on {line.branch}")

    def act(self, run: Run, facts: ServiceFacts) -> Done:
        """Commit in a scratch clone and push without force."""
        check_before_push(run, again=f"run {run.project.command('create')}")  # other changes don't look at the copies
        sha = push_line(run, facts.line, facts.found.written, facts.found.removed, self._message(run, facts))
        return Done(f"{facts.line.branch} at {sha[:8]}", run.fresh().since)

    def _message(self, run: Run, facts: ServiceFacts) -> str:
        title = change_title(run.name, questions(self._change))
        return signed(title, f"{remark(run, run.name, facts.line)}{seal(blobs(facts.found.written))}\n")


def push_line(run: Run, line: Line, files: Iterable[File], removed: Iterable[str], message: str) -> str:
    """Commit on top of the line's commits and push its branch. Raises ``SystemFailure`` where they moved meanwhile."""
    url = run.platform.forgejo.clone_url(run.name)
    key = run.platform.connection.signing_key
    with scratch_repository(run.project.service_dir, line.branch, url, key) as scratch:
        objects = Objects.of(scratch)
        alone = len(line.parents) == 1
        branches = [line.branch if line.waits else line.default] if alone else [line.branch, line.default]
        objects.fetch_branches(run.remote, url, branches, depth=1 if alone else 0)
        if not all(objects.has(sha) for sha in (*line.parents, line.tree)):
            raise SystemFailure(
                "service.moved", f"{run.owner}/{run.name} moved meanwhile", "run the same command again", passing=True
            )
        first, *merged = line.parents
        must = run.must_sign(run.name, line.branch)
        sha = objects.commit_onto(first, files, message, merged, removed, tree=line.tree, signed=must)
        objects.push_branches(run.remote, url, {line.branch: sha})
        return sha


class ServiceChangeRequest(Step[ServiceFacts]):
    """A pull request in the service's repository proposes that commit."""

    id = "service.change_request"
    system = "forgejo"
    after = ("service.change_commit",)

    def __init__(self, change: Change) -> None:
        self._change = change

    def observe(self, run: Run) -> ServiceFacts:
        """The branch and its pull request."""
        return observe_service(run, self._change)

    def decide(self, run: Run, facts: ServiceFacts) -> Decision:  # noqa: ARG002
        """Open one where something waits; one that is open says what its branch changes now."""
        return decide_request(facts.line, self._text(facts), pending=writes(facts.found))

    def act(self, run: Run, facts: ServiceFacts) -> Done:
        """Open it, or update its text."""
        title = change_title(run.name, questions(self._change))
        return request(run, run.name, facts.line, title, self._text(facts))

    def _text(self, facts: ServiceFacts) -> str:
        return section(self._change.proposed, facts.whole)
