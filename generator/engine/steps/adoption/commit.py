"""What an adopted repository lacks: workflow, pipeline and answers file, proposed for review or committed directly.

A file that exists at one of these paths stays as it is, and is recorded as kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from generator.base.errors import SystemFailure
from generator.base.memo import run_parallel
from generator.clients.forgejo import PullRequest
from generator.engine.context import Run
from generator.engine.executor import Done
from generator.engine.ownership import MADE_BY, of_tree, signed
from generator.engine.plan import Action, Decision, State
from generator.engine.project import BRANCH_PREFIX
from generator.engine.recorded import UNRECORDED, Recorded
from generator.engine.steps.adoption.elsewhere import tree_of_origin
from generator.engine.steps.base import Step, absent, answers_changed, foreign, present
from generator.engine.steps.change.line import Line, Repository, begins_again, remark, service_repository
from generator.engine.steps.change.request import opened
from generator.engine.steps.change.service import push_line
from generator.engine.steps.service import CommitFacts, decide_number, unplaced
from generator.engine.steps.visibility import check_before_push, glance
from generator.engine.transition import NOTHING, End, transition
from generator.infra_repo.fingerprints import blobs, seal
from generator.infra_repo.registrations.markdown import code
from generator.infra_repo.tree_diff import FileChange
from generator.infra_repo.trees import Tree
from generator.template.files import ANSWERS_FILE, File

TITLE = "ci({name}): adopted by newservice"
"""The first line of the commit that brings the files."""


def adoption_branch(name: str) -> str:
    """The branch of an adopted repository that proposes the files."""
    return f"{BRANCH_PREFIX}{name}"


@dataclass(frozen=True)
class Facts:
    """The canonical branch, the branch that proposes, what both record, and what is to be done about each file.

    ``base`` is the canonical branch's commit, ``head`` the other one's. ``recorded``: by the canonical branch, or the
    proposal where that has nothing. ``number`` is Woodpecker's.
    """

    base: str = ""
    head: str = ""
    recorded: Recorded = UNRECORDED
    merged: bool = False
    pull: PullRequest | None = None
    number: int | None = None
    files: tuple[FileChange, ...] = ()
    kept: tuple[str, ...] = ()
    others: frozenset[str] = field(default_factory=frozenset)

    @property
    def written(self) -> tuple[File, ...]:
        """Files to be written."""
        return tuple(file for item in self.files if (file := item.written))

    @property
    def removed(self) -> tuple[str, ...]:
        """Paths of files to be removed."""
        return tuple(item.path for item in self.files if item.action == "delete")

    @property
    def open(self) -> bool:
        """Whether the proposal is being reviewed."""
        return self.pull is not None and self.pull.state == "open"

    @property
    def declined(self) -> bool:
        """Whether reviewers closed it."""
        return self.pull is not None and self.pull.state == "closed" and not self.pull.merged

    @property
    def waits(self) -> bool:
        """Whether the branch has what is to be merged."""
        return bool(self.head) and not self.merged and not (self.pull and self.pull.merged)


def observe_adoption(run: Run) -> Facts:
    """Look at the canonical repository's branches, and at what the answers add to it."""
    return run.once(Facts, lambda: _observe(run))


def _observe(run: Run) -> Facts:
    run_parallel(run.canonical, run.canonical_head, run.woodpecker_number)
    number = run.woodpecker_number()
    if run.canonical_head() is None:  # its history is yet to come
        tree = tree_of_origin(run)
        kept = _kept(run, number, tree)
        return Facts(number=number, files=_changes(run, number, tree, kept), kept=kept)
    repository = service_repository(run)
    branch, base = adoption_branch(run.name), repository.heads.get(repository.default, "")
    head = repository.heads.get(branch, "")
    pull = repository.pull(branch) if base else None
    if head and pull and pull.state != "open" and begins_again(pull, repository.pending(branch)):
        pull = None  # that of an earlier adoption
    merged = repository.recorded(base)
    if of_tree(merged, run.name).ours:
        return _standing(run, Facts(base, head, merged, True, pull, number), repository)
    facts = Facts(base, head, merged, False, pull, number)
    if facts.waits and of_tree(repository.recorded(head), run.name).ours:
        return _standing(run, replace(facts, recorded=repository.recorded(head)), repository)
    tree = repository.tree(base)
    kept = _kept(run, number, tree)
    changes = _changes(run, number, tree, kept)
    return replace(facts, files=changes, kept=kept)


def _standing(run: Run, facts: Facts, repository: Repository) -> Facts:
    """What a branch that records the service has of its files; what people changed there is theirs."""
    kept = tuple(facts.recorded.values.get("kept") or ())
    tree = repository.tree(facts.base if facts.merged else facts.head)
    found = (item for item in _changes(run, facts.number, tree, kept) if item.before is not None)
    files = tuple(replace(item, action="kept", after=item.before) if item.written else item for item in found)
    return replace(facts, files=files, kept=kept)


def _kept(run: Run, number: int | None, tree: Tree) -> tuple[str, ...]:
    """Paths at which the repository has files of its own, or something that is no file."""
    files = run.project.service_files(number or 0)
    own = (file for file in files if tree.read(file.path) not in (None, file.content))
    return tuple(sorted(file.path for file in own if file.path != ANSWERS_FILE))


def _changes(run: Run, number: int | None, tree: Tree, kept: tuple[str, ...]) -> tuple[FileChange, ...]:
    """What is written, what stays, and the pipelines that the new one takes the place of."""
    files = run.project.service_files(number or 0, kept)
    found = list(transition(NOTHING, End(files), tree, "service").files)
    standing = [(path, tree.read(path)) for path in kept]
    for path, content in standing:
        file = None if content is None else File(path, content, tree.executable(path))
        found.append(FileChange("service", path, "kept", file, file))
    ours = {file.path for file in files}
    builds = not any(path.startswith(".github/") for path in kept)
    for path in run.platform.woodpecker.old_pipelines if builds else ():
        content = tree.read(path)
        if content is not None and path not in ours:
            found.append(FileChange("service", path, "delete", File(path, content), None))
    return tuple(sorted(found, key=lambda item: item.path))


class AdoptionCommit(Step[Facts]):
    """The repository has workflow, pipeline and answers file: on a branch for review, or on its own branch."""

    id = "service.adoption_commit"
    system = "forgejo"
    after = ("service.push", "forgejo.repository", "github.repository", "woodpecker.registration")

    def __init__(self, *, direct: bool = False) -> None:
        self._direct = direct

    def observe(self, run: Run) -> Facts:
        """Both branches, and how visible the copies are."""
        run_parallel(partial(glance, run), run.woodpecker_number)
        return observe_adoption(run)

    def decide(self, run: Run, facts: Facts) -> Decision:
        """Add what is missing, once; what people made of it since is theirs."""
        where, branch = f"{run.owner}/{run.name}", self._branch(run)
        if facts.merged:
            return decide_number(run, CommitFacts(facts.base, facts.recorded, unplaced(run), facts.number))
        if facts.waits and of_tree(facts.recorded, run.name).ours:
            return self._decide_waiting(run, facts, where)
        if facts.recorded:
            return foreign(
                f"{where} holds an answers file of {facts.recorded.name or 'another template'}, not of {run.name}",
                f"rename {ANSWERS_FILE} in the repository if another template needs it, or remove it",
            )
        if facts.head and not self._direct:
            return foreign(
                f"{where} has a branch {adoption_branch(run.name)} that newservice did not make, or whose merge was "
                "reverted",
                "merge, rename or delete that branch, then run the same command again",
            )
        blocked = [item.blocked.error.message for item in facts.files if item.blocked]
        if blocked:
            way = "remove what is in the way, then run the same command again"
            return foreign(f"{where}: {'; '.join(blocked)}", way)
        return absent(f"{_counted(facts)} of {where} on {branch}{_staying(facts.kept)}")

    def _decide_waiting(self, run: Run, facts: Facts, where: str) -> Decision:
        branch = adoption_branch(run.name)
        if facts.declined and facts.pull is not None:
            return foreign(
                f"{facts.pull.url} was closed without a merge",
                f"open it again; or delete the branch {branch} of {where}, then run the same command again",
            )
        if changed := facts.recorded.differing(run.answers.public):
            refusal = answers_changed(f"{branch} of {where}", changed, "")
            hint = f"close its pull request and delete the branch {branch}, then run the same command again"
            return replace(refusal, hint=hint)
        number = facts.recorded.values.get("woodpecker_repo_id")
        if facts.number is not None and number != facts.number:
            return Decision(
                State.DRIFTED,
                Action.REFUSE,
                f"{branch} of {where} deploys with Woodpecker's number {number}, which is {facts.number} now",
                f"delete the branch {branch}, then run the same command again",
            )
        if self._direct:
            proposal = facts.pull.url if facts.pull else f"the branch {branch} of {where}"
            return foreign(f"{proposal} proposes it already", "merge that; or leave --commit out")
        return present(f"{where}: {branch} has it")

    def _branch(self, run: Run) -> str:
        return run.platform.forgejo.branch if self._direct else adoption_branch(run.name)

    def act(self, run: Run, facts: Facts) -> Done:
        """Commit in a scratch clone and push without force."""
        if facts.number is None:
            raise SystemFailure(
                "woodpecker.not_registered", f"Woodpecker does not know {run.mirror}", "run the same command again"
            )
        if not facts.base:
            raise SystemFailure(
                "forgejo.unseen",
                f"forgejo: the history of {run.owner}/{run.name} can't be seen yet",
                "wait a moment, then run the same command again",
                passing=True,
            )
        check_before_push(run)
        branch, default = self._branch(run), run.platform.forgejo.branch
        line = Line(branch, default, (facts.base,), facts.base, waits=self._direct)
        title, rest = TITLE.format(name=run.name), f"{remark(run, run.name, line)}{seal(blobs(facts.written))}\n"
        sha = push_line(run, line, facts.written, facts.removed, signed(title, rest))
        return Done(f"{branch} at {sha[:8]}", run.fresh().since)


class AdoptionRequest(Step[Facts]):
    """A pull request in the adopted repository proposes that commit."""

    id = "service.adoption_request"
    system = "forgejo"
    after = ("service.adoption_commit",)

    def observe(self, run: Run) -> Facts:
        """The branch and its pull request."""
        return observe_adoption(run)

    def decide(self, run: Run, facts: Facts) -> Decision:
        """Open one where the branch waits and nobody proposed it."""
        if facts.merged:
            return present(f"nothing to propose: {run.platform.forgejo.branch} has it")
        if facts.open and facts.pull is not None:
            return present(facts.pull.url)
        return absent(f"{adoption_branch(run.name)} into {run.platform.forgejo.branch}")

    def act(self, run: Run, facts: Facts) -> Done:
        """Open it."""
        base, head = run.platform.forgejo.branch, adoption_branch(run.name)
        text = _text(facts, run.answers.context.get("proposed") or {})
        return opened(run, run.name, base, head, TITLE.format(name=run.name), text)


def _text(facts: Facts, proposed: Mapping[str, Any]) -> str:
    """The text of the pull request: what it adds and removes, what stays, and what a person has to read."""
    names = {
        "Added": [item.path for item in facts.files if item.action in ("create", "unchanged")],
        "Removed, since the new pipeline takes their place": list(facts.removed),
        "Kept as they are, in place of newservice's": list(facts.kept),
    }
    lists = {title: "\n".join(f"- {code(path)}" for path in paths) for title, paths in names.items() if paths}
    parts = [f"{title}:\n\n{paths}" for title, paths in lists.items()]
    begins = "The merge starts the first build; nothing else of this repository changes."
    if proposed:
        origins = ", ".join(map(code, proposed["origins"]))
        read = f"The Dockerfile is proposed from {origins}. It was neither built nor run: read it before you merge."
        parts.append("\n".join([read, "", *(f"- {remark}" for remark in proposed["remarks"])]).rstrip())
    return "\n\n".join([begins, *parts, MADE_BY]) + "\n"


def _counted(facts: Facts) -> str:
    added, removed = len(facts.written), len(facts.removed)
    return f"{added} files" + (f", without {', '.join(facts.removed)}," if removed else "")


def _staying(kept: Iterable[str]) -> str:
    listed = ", ".join(kept)
    return f"; {listed} stays as it is" if listed else ""
