"""newservice's files in an adopted repository go by a proposal. What people edited stays, and so does all else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from generator.engine.context import Run
from generator.engine.executor import Done
from generator.engine.ownership import MADE_BY, signed
from generator.engine.plan import Decision
from generator.engine.steps.change.line import Line, Repository
from generator.engine.steps.change.request import opened
from generator.engine.steps.change.service import push_line
from generator.engine.steps.removal.base import gone
from generator.engine.steps.removal.branch import own_repository
from generator.engine.steps.removal.by_proposal import Home, Leaving, TreeRemoval, TreeRemovalRequest, removal_branch
from generator.engine.steps.removal.proposal import made_files
from generator.engine.transition import NOTHING, End, transition
from generator.template.files import ANSWERS_FILE


class _Files(Home):
    """newservice's files in a repository that people began."""

    title = "ci({name}): no longer built by newservice"
    later = "merge it"

    def name(self, run: Run) -> str:
        """The files, in one word."""
        return f"newservice's part of {run.owner}/{run.name}"

    def place(self, run: Run) -> tuple[str, str]:
        """The service's own repository."""
        return run.name, run.platform.forgejo.branch

    def repository(self, run: Run) -> Repository | None:
        """The service's own repository."""
        return own_repository(run)

    def missing(self, run: Run) -> Decision:
        """Nothing to take out."""
        return gone(f"no file of newservice is in {run.owner}/{run.name}")

    def leaving(self, run: Run, repository: Repository, facts: Leaving) -> Leaving:
        """The files that are as newservice wrote them."""
        assert facts.base is not None  # noqa: S101 - there are no files without it
        made = made_files(run, repository.recorded(facts.base))
        tree = run.canonical_commit(facts.base, made)
        found = {file.path: tree.read(file.path) for file in made if tree.obstacle(file.path) is None}
        own = tuple(
            replace(file, content=content, executable=tree.executable(file.path))
            for file in made
            if (content := found.get(file.path)) is not None and (content == file.content or file.path == ANSWERS_FILE)
        )
        ending = transition(End(own), NOTHING, tree, "service")
        edited = sorted({file.path for file in made if found.get(file.path, b"") is not None} - {*ending.removed})
        left = tuple(f"{path} of {run.owner}/{run.name} stays, for someone edited it" for path in edited)
        return replace(facts, ending=ending, left=left)

    def push(self, run: Run, facts: Leaving, merged: Sequence[str]) -> str:
        """Commit in a scratch clone."""
        assert facts.base is not None  # noqa: S101 - as above
        line = Line(removal_branch(run), run.platform.forgejo.branch, (facts.base, *merged), facts.base)
        return push_line(run, line, (), facts.ending.removed, signed(self.title.format(name=run.name), facts.remark))

    def ask(self, run: Run, facts: Leaving, title: str) -> Done:  # noqa: ARG002 - it says the same of all files
        """The text says what stays."""
        text = f"The files that newservice added go; everything else of this repository stays.\n\n{MADE_BY}\n"
        return opened(run, run.name, run.platform.forgejo.branch, removal_branch(run), title, text)


class FilesRemoval(TreeRemoval):
    """A commit without newservice's files waits for review."""

    id = "service.removal_commit"
    home = _Files()


class FilesRemovalRequest(TreeRemovalRequest):
    """A pull request proposes that commit."""

    id = "service.removal_request"
    home = _Files()
