"""Proposes updates to reviewers: pushes branches without force, and opens one pull request for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from generator.base.errors import NewserviceError, SystemFailure
from generator.base.memo import run_parallel
from generator.clients.forgejo import PullRequest
from generator.engine import executor
from generator.engine.connections import Forge
from generator.fleet.branch import Branch, title
from generator.fleet.findings import Finding, State
from generator.fleet.planning import Task, Verb
from generator.fleet.pull_request_text import body, closed_body
from generator.fleet.source import Source, update_branch
from generator.fleet.tree_status import guarded


@dataclass(frozen=True)
class Requests:
    """Writes to the forge; a task that fails gets a finding, and the others continue."""

    forge: Forge

    def push(self, source: Source, tasks: Sequence[Task]) -> list[Task]:
        """Push one repository's branches in one push, not atomically; tasks that failed have nothing left to do."""
        heads = {update_branch(task.place.name): task.commit for task in tasks}
        error = self._pushed(source, heads)
        if error is None:
            return list(tasks)
        try:
            there: Mapping[str, str] = self.forge.api.branches(source.owner, source.name)
        except NewserviceError as unseen:
            there, error = {}, unseen
        return [
            task
            if there.get(update_branch(task.place.name)) == task.commit
            else task.now(task.finding.but(State.FAILED, message=error.message, hint=error.hint))
            for task in tasks
        ]

    def _pushed(self, source: Source, heads: Mapping[str, str]) -> NewserviceError | None:
        try:
            self.forge.patience(partial(self._push, source, heads), repeatable=True)
        except NewserviceError as error:
            return error
        return None

    def _push(self, source: Source, heads: Mapping[str, str]) -> None:
        try:
            source.objects.push_branches(self.forge.remote, source.url, heads)
        except SystemFailure as error:
            moved = "rejected" in error.message  # it would be rejected again: someone else pushed to the branch
            raise SystemFailure(error.code, error.message, error.hint, passing=error.passing and not moved) from None

    def ask(self, source: Source, task: Task) -> Finding:
        """Make sure that a task's pull request is open and up to date, or closed."""
        verbs: Mapping[Verb, Callable[[Source, Task], Finding]] = {
            Verb.PUSH: self._asked,
            Verb.ASK: self._asked,
            Verb.CLOSE: self._closed,
        }
        if task.verb is Verb.NOTHING:
            return task.finding
        found = guarded(task.place, partial(verbs[task.verb], source, task))
        return found if found.state is not State.FAILED else task.finding.but(State.FAILED, message=found.message)

    def ask_all(self, pairs: Iterable[tuple[Source, Task]]) -> list[Finding]:
        """Do this for several tasks in parallel; returns their findings in order."""
        return run_parallel(*(partial(self.ask, source, task) for source, task in pairs))

    def _asked(self, source: Source, task: Task) -> Finding:
        branch = update_branch(task.place.name)
        known = task.branch.pull if task.branch else None
        if known is None:
            known = self.forge.api.newest_pull_request(source.owner, source.name, source.default, branch)
            if _declined(task, known):
                assert known is not None  # noqa: S101 - only an existing pull request can be declined
                return task.finding.but(State.DECLINED, url=known.url, message="its pull request was closed unmerged")
        if known is not None and known.state == "open":
            return self._updated(source, task, known)
        wanted = title(task.place.name, task.finding.to)
        self.forge.api.create_pull_request(
            source.owner, source.name, base=source.default, head=branch, title=wanted, body=self._body(task)
        )
        return task.finding.but(State.WAITING, url=self._opened(source, branch).url, action="opened")

    def _body(self, task: Task) -> str:
        return body(task, self.forge.remote.platform.infra)

    def _opened(self, source: Source, branch: str) -> PullRequest:
        """The open pull request of a branch, which may be visible only after a moment.

        Raises ``SystemFailure`` if it does not appear: a proxy may have answered instead of the forge.
        """
        found: list[PullRequest] = []

        def visible() -> bool:
            pull = self.forge.api.newest_pull_request(source.owner, source.name, source.default, branch)
            found.extend([pull] if pull and pull.state == "open" else [])
            return bool(found)

        if not self.forge.patience.until(visible, executor.SETTLING_SECONDS):
            raise SystemFailure(
                "infra.pull_request.not_converged",
                f"the forge accepted a pull request of {branch} in {source.owner}/{source.name}, but shows none",
                "look at it there, then run the same command again",
            )
        return found[-1]

    def _updated(self, source: Source, task: Task, pull: PullRequest) -> Finding:
        """Update an open pull request to describe what its branch contains now."""
        wanted = title(task.place.name, task.finding.to)
        action = "updated" if task.verb is Verb.PUSH else "found"
        if task.verb is Verb.PUSH or pull.title != wanted:
            text = self._body(task) if task.files else pull.body
            self.forge.api.edit_pull_request(source.owner, source.name, pull.number, title=wanted, body=text)
        return task.finding.but(State.WAITING, url=pull.url, action=action)

    def _closed(self, source: Source, task: Task) -> Finding:
        """Close a pull request that is no longer needed: delete its branch if unchanged, then close it with the reason.

        In this order: Forgejo itself closes a pull request whose branch is deleted, so an interruption in between
        leaves nothing open; and one whose branch has moved on stays open.
        """
        branch, pull = _open(task.branch)
        source.objects.delete_branch(self.forge.remote, source.url, branch.head, update_branch(task.place.name))
        self.forge.api.edit_pull_request(
            source.owner, source.name, pull.number, title=pull.title, body=closed_body(task), close=True
        )
        return task.finding.but(task.finding.state, url=pull.url, action="closed")


def _open(branch: Branch | None) -> tuple[Branch, PullRequest]:
    assert branch is not None  # noqa: S101 - only an observed branch is closed
    assert branch.pull is not None  # noqa: S101
    return branch, branch.pull


def _declined(task: Task, pull: PullRequest | None) -> bool:
    """Whether someone closed the pull request for exactly this update without merging it."""
    if pull is None or pull.state == "open" or pull.merged or task.verb is not Verb.ASK:
        return False
    return task.branch is not None and pull.head == task.branch.head
