"""A stack that was merged goes by a proposal: a person has to destroy what was applied first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from generator.engine.checklist import Checklist, after_removal
from generator.engine.context import Run
from generator.engine.executor import Done
from generator.engine.ownership import of_content, signed
from generator.engine.plan import Decision
from generator.engine.steps.change.line import Repository, infra_repository
from generator.engine.steps.infra_branch import ask_for, no_default_branch, push_commit
from generator.engine.steps.removal.branch import not_as_written
from generator.engine.steps.removal.by_proposal import Home, Leaving, TreeRemoval, TreeRemovalRequest, removal_branch
from generator.engine.to_do import to_apply
from generator.engine.transition import NOTHING, End, transition
from generator.infra_repo.entries import RegistrationChange, unreadable
from generator.infra_repo.fingerprints import Blob, blobs
from generator.infra_repo.trees import Tree
from generator.template.files import File


class _Stack(Home):
    """The stack in the infra repository. An edited stack stays whole; an edited entry stays alone."""

    title = "chore({name}): remove the stack"
    later = "destroy the stack and merge the pull request as its text says"
    by_hand = "take it out by hand, or put these files back first"

    def name(self, run: Run) -> str:
        """The stack's folder."""
        return run.project.stack_prefix

    def place(self, run: Run) -> tuple[str, str]:
        """The infra repository."""
        return run.infra_repository, run.platform.infra.branch

    def repository(self, run: Run) -> Repository:
        """The infra repository."""
        return infra_repository(run)

    def missing(self, run: Run) -> Decision:
        """The profile names another one."""
        return no_default_branch(run)

    def leaving(self, run: Run, repository: Repository, facts: Leaving) -> Leaving:
        """The stack's files and its entries in shared files."""
        assert facts.base is not None  # noqa: S101 - there is no stack without it
        prefix, tree = repository.prefix, repository.tree(facts.base)
        paths = tree.paths(prefix.rstrip("/"))
        found = [File(path, tree.read(path) or b"", tree.executable(path)) for path in paths]
        own = tuple(replace(file, path=file.path.removeprefix(prefix)) for file in found)
        start = End(own, tuple(run.project.registrations))
        claimed = partial(run.project.versions.claimed, tree, run.name)
        ending = transition(start, NOTHING, tree, "infra", prefix, claimed)
        edited = _edited(run, facts.base, tree, found)
        left = tuple(
            f"{item.path}: the entry of {item.id} stays, for {_why(item)}" for item in ending.entries if item.refusal
        )
        return replace(facts, ending=ending, left=left, kept=not_as_written(run, edited) if edited else "")

    def push(self, run: Run, facts: Leaving, merged: Sequence[str]) -> str:
        """Commit on the clone's objects."""
        assert facts.base is not None  # noqa: S101 - as above
        branch, ending = removal_branch(run), facts.ending
        run.bring(facts.base, run.platform.infra.branch)
        for sha in merged:
            run.bring(sha, branch)
        return push_commit(run, branch, facts.base, ending.shared, self._message(run, facts), merged, ending.removed)

    def ask(self, run: Run, facts: Leaving, title: str) -> Done:
        """The text says what a person does first."""
        return ask_for(
            run,
            removal_branch(run),
            title,
            "templates/removal.md.jinja",
            files=facts.ending.removed,
            taken=[item for item in facts.ending.entries if item.action == "remove"],
            left=[item for item in facts.ending.entries if item.action == "refuse"],
            merging=_applied(run, facts),
        )

    def _message(self, run: Run, facts: Leaving) -> str:
        """The commit's message. It holds no free text from people: some words in one are commands to a CI."""
        taken = "".join(f"- {item.id}: {item.path}\n" for item in facts.ending.entries if item.action == "remove")
        rest = f"Taken out of:\n{taken}" if taken else ""
        return signed(self.title.format(name=run.name), f"{facts.remark}{rest}")


class StackRemoval(TreeRemoval):
    """A commit without the stack and without its entries waits for review."""

    id = "infra.removal_commit"
    home = _Stack()


class StackRemovalRequest(TreeRemovalRequest):
    """A pull request proposes that commit, and says what a person does first."""

    id = "infra.removal_request"
    home = _Stack()


def _edited(run: Run, base: str, tree: Tree, found: Sequence[File]) -> tuple[str, ...]:
    """Paths of the stack that are neither as rendered, nor as one of the stack's commits says that it wrote them."""

    def rendered() -> Mapping[str, Blob]:
        return blobs(run.project.stack_files(run.project.infra_state(tree, list).facts), run.project.stack_prefix)

    if of_content((), blobs(found), rendered).untouched:
        return ()
    folder = run.project.stack_prefix.rstrip("/")
    touched = run.forgejo.commits(run.owner, run.infra_repository, base, path=folder)
    return of_content((commit.message for commit in touched), blobs(found), rendered).others


def _applied(run: Run, facts: Leaving) -> Checklist:
    """What is applied because it lost an entry, in the order of the onboarding backwards."""
    taken = {item.id for item in facts.ending.entries if item.action == "remove"}
    infra = run.platform.infra
    return after_removal(infra, to_apply(infra, (item for item in run.project.registrations if item.id in taken)))


def _why(item: RegistrationChange) -> str:
    if unreadable(item):
        return "that file can't be edited as text"
    return "someone edited it" if item.refusal and item.refusal.code == "registration.edited" else "its place is gone"
