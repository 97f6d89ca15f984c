"""What to do about one tree: decided from git objects alone, and prepared as a commit that is not pushed yet.

Runs in forked processes: the results can be passed between processes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from packaging.version import Version

from generator.base.errors import AnswersError
from generator.clients.objects import NO_FILE
from generator.engine.ownership import signed
from generator.fleet.branch import Branch, observe_branch, title
from generator.fleet.findings import REMEDIES, FileNote, Finding, Place, State
from generator.fleet.source import Source
from generator.fleet.tree_status import guarded, recorded_only
from generator.infra_repo.entries import by_hand
from generator.infra_repo.fingerprints import blobs, seal
from generator.lifecycle.update import Upgrade, Upgrader
from generator.template.files import File
from generator.template.template import Template


class Verb(StrEnum):
    """What is left to do on the forge."""

    NOTHING = "nothing"
    PUSH = "push"
    ASK = "ask"
    CLOSE = "close"


@dataclass(frozen=True)
class Task:
    """One tree whose update is carried out: its commit, and what the checks need to know of it.

    ``before`` has the previous contents of the files that change. ``notes`` are for the reviewer.
    """

    finding: Finding
    verb: Verb = Verb.NOTHING
    branch: Branch | None = None
    commit: str = ""
    files: tuple[File, ...] = ()
    removed: tuple[str, ...] = ()
    before: Mapping[str, bytes] = field(default_factory=dict)
    entries: tuple[FileNote, ...] = ()
    kept: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        """The tree."""
        return self.finding.place

    def now(self, finding: Finding) -> Task:
        """A copy of this task with this finding and nothing left to do."""
        return replace(self, finding=finding, verb=Verb.NOTHING)


def planned(upgrader: Upgrader, source: Source, place: Place) -> Task:
    """The task for a tree, with its commit; errors that concern only this tree become its finding."""
    tasks: list[Task] = []

    def look() -> Finding:
        tasks.append(_planned(upgrader, source, place))
        return tasks[0].finding

    finding = guarded(place, look)
    return tasks[0] if tasks else Task(finding)


def _planned(upgrader: Upgrader, source: Source, place: Place) -> Task:
    finding = recorded_only(upgrader, place, source.snapshot)
    if finding.state not in (State.BEHIND, State.CURRENT):
        return Task(finding)
    branch = observe_branch(source, place)
    url = branch.pull.url if branch and branch.pull else ""
    finding = replace(finding, url=url)
    if branch and not branch.spent and branch.version and branch.version > upgrader.releases.newest:
        message = f"its update to template {branch.version} already exists; this newservice has {finding.to}"
        return Task(finding.but(State.NEWER, message=message), branch=branch)
    if finding.state is not State.BEHIND:
        return Task(finding, Verb.CLOSE if _overtaken(finding, branch) else Verb.NOTHING, branch)
    if branch and branch.strangers:
        message = f"its branch has commits of others ({', '.join(branch.strangers[:3])}): left alone"
        return Task(finding.but(State.WAITING, message=message, hint="merge that branch, or delete it"), branch=branch)
    if branch and not branch.spent and not branch.stuck and str(branch.version) == finding.to:
        waiting = finding.but(State.WAITING, message="its update waits for review")
        if branch.pull:
            return Task(waiting, Verb.ASK, branch)
        asked = _upgraded(upgrader, source, finding, branch)  # for the text of the missing pull request
        return replace(asked, finding=waiting, verb=Verb.ASK)
    return _committed(source, _upgraded(upgrader, source, finding, branch))


def _overtaken(finding: Finding, branch: Branch | None) -> bool:
    """Whether a pull request proposes nothing that the tree, which is current, does not already have."""
    if branch is None or branch.pull is None or branch.strangers:
        return False
    return branch.spent or (branch.version is not None and branch.version <= Version(finding.version))


def _upgraded(upgrader: Upgrader, source: Source, finding: Finding, branch: Branch | None) -> Task:
    """The update of a tree that is behind, not committed yet."""
    upgraded = upgrade_of(upgrader, source, finding)
    if isinstance(upgraded, Finding):
        return Task(upgraded, branch=branch)
    files = upgraded.written
    removed = upgraded.removed
    before = {path: source.snapshot.read(path) for path in (*(file.path for file in files), *removed)}
    return Task(
        finding.but(State.WAITING, files=notes_of(upgraded), message=""),
        Verb.PUSH,
        branch,
        files=files,
        removed=removed,
        before={path: content for path, content in before.items() if content is not None},
        entries=_entries(upgraded),
        kept=tuple(item.path for item in upgraded.files if item.edited and item.path not in removed),
        notes=upgraded.notes,
    )


def _committed(source: Source, task: Task) -> Task:
    """The task with its commit, on the existing branch or on the default branch; not pushed yet."""
    if task.verb is not Verb.PUSH:
        return task
    onto = task.branch.head if task.branch and not task.branch.spent else source.base
    merged = [source.base] if onto != source.base else []
    message = _message(task.finding, task.files, task.removed)
    objects, must = source.objects, source.must_sign
    commit = objects.commit_onto(onto, task.files, message, merged, task.removed, tree=source.base, signed=must)
    return replace(task, commit=commit)


def upgrade_of(
    upgrader: Upgrader, source: Source, finding: Finding, template: Template | None = None
) -> Upgrade | Finding:
    """The update of a tree; a finding if a person has to answer a question or decide first."""
    place = finding.place
    try:
        upgraded = upgrader.plan(source.snapshot, place.prefix, template=template)
    except AnswersError as error:
        upgrader.standing(source.snapshot, place.prefix)  # raises if it is the recorded answers that don't fit
        asked = [problem.question for problem in error.problems]
        message = "; ".join(problem.message for problem in error.problems)
        return finding.but(State.ASKS, question=", ".join(asked), message=message, hint=_answer(place, asked))
    if upgraded.conflicts:
        notes = tuple(FileNote(path, "conflict") for path in upgraded.conflicts)
        message = f"{len(notes)} file{'s' if len(notes) != 1 else ''} changed on both sides"
        hint = "\n".join([REMEDIES[State.CONFLICT], *by_hand(upgraded.entries)])
        return finding.but(State.CONFLICT, files=notes, message="; ".join([message, *upgraded.reasons]), hint=hint)
    return upgraded


def _answer(place: Place, questions: Iterable[str]) -> str:
    sets = " ".join(f"--set {name}=..." for name in questions)
    where = place.prefix.rstrip("/") or "."
    return f"in a clone of {place.repository}: newservice update {where} {sets}; then merge the result"


def notes_of(upgraded: Upgrade) -> tuple[FileNote, ...]:
    """The files that change, including those with the entries of all services."""
    own = [FileNote(item.path, _ACTIONS[item.action]) for item in upgraded.files if item.action in _ACTIONS]
    return (*own, *(FileNote(file.path, "update") for file in upgraded.shared))


_ACTIONS = {"create": "add", "update": "update", "delete": "delete"}
"""The actions on files, as reports name them."""


def _entries(upgraded: Upgrade) -> tuple[FileNote, ...]:
    changed = [item for item in upgraded.entries if item.action not in ("present", "absent")]
    return tuple(FileNote(f"{item.path} ({item.id})", item.action) for item in changed)


def _message(finding: Finding, files: Iterable[File], removed: Iterable[str]) -> str:
    """The commit's message. It contains no free text: some words in a commit message are commands to a CI."""
    ids = blobs(files) | dict.fromkeys(removed, NO_FILE)
    text = f"From template {finding.version} to {finding.to}; edits are kept."
    return signed(title(finding.place.name, finding.to), f"{text}\n{seal(ids)}\n")
