"""The service's first commit and its way to the canonical repository."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from generator.base.contained import Obstacle, linked
from generator.base.errors import SystemFailure
from generator.base.memo import run_parallel
from generator.clients.git import Repository, adopt_folder, create_repository
from generator.engine.commits import Commit
from generator.engine.context import Run
from generator.engine.ownership import FIRST_TITLE, of_history, of_tree
from generator.engine.plan import Action, Decision, State
from generator.engine.recorded import UNRECORDED, Recorded, parse_recorded, read_recorded
from generator.engine.steps.base import Step, absent, drifted, foreign, present
from generator.engine.steps.visibility import check_before_push, glance
from generator.infra_repo.fingerprints import blobs, seal
from generator.infra_repo.trees import Folder, Tree
from generator.template.files import ANSWERS_FILE, File


@dataclass(frozen=True)
class Place:
    """The folder on this machine, and what it holds. Nothing is looked at behind a ``link`` that leads there.

    ``begun``: newservice made its first commit.
    """

    path: Path
    occupied: bool
    writable: bool
    head: str | None
    recorded: Recorded
    rendered_only: bool
    begun: bool = False
    link: Obstacle | None = None


@dataclass(frozen=True)
class CommitFacts:
    """The canonical branch, the folder on this machine, and Woodpecker's number."""

    canonical: str | None
    recorded: Recorded
    place: Place
    woodpecker_id: int | None


def observe_both(run: Run) -> CommitFacts:
    """Look at the canonical repository and at the folder of this machine."""
    run_parallel(run.woodpecker_number, run.canonical_head, run.canonical_answers)
    number = run.woodpecker_number()
    return CommitFacts(run.canonical_head(), run.canonical_answers(), _look_at(run, number), number)


class ServiceCommit(Step[CommitFacts]):
    """The rendered files are committed: on the forge, or in the folder from which they will be pushed."""

    id = "service.commit"
    system = "git"
    after = ("woodpecker.registration",)

    def observe(self, run: Run) -> CommitFacts:
        """The state of both copies: the canonical repository and the folder."""
        return observe_both(run)

    def decide(self, run: Run, facts: CommitFacts) -> Decision:
        """Existing work is never overwritten: it is ours and complete, or it is refused."""
        if facts.canonical:
            if not of_tree(facts.recorded, run.name).ours:
                return foreign(f"{run.owner}/{run.name} has a history of its own", "choose another name")
            return decide_number(run, facts)
        place = facts.place
        if place.link:
            return foreign(place.link.error.message, place.link.error.hint)
        if place.occupied:
            return _decide_occupied(run, place, facts.woodpecker_id)
        if not place.writable:
            return foreign(
                f"{place.path} can't be made: its folder can't be written", "name another with --service-dir"
            )
        return absent(f"{len(run.project.service_files(facts.woodpecker_id or 0))} files in {place.path}")

    def act(self, run: Run, facts: CommitFacts) -> str:
        """Render with Woodpecker's number and commit."""
        if facts.woodpecker_id is None:
            raise SystemFailure(
                "woodpecker.not_registered", f"Woodpecker does not know {run.mirror}", "run the same command again"
            )
        make = adopt_folder if facts.place.occupied else create_repository
        tree = Folder.at(facts.place.path)
        files = run.project.service_files(facts.woodpecker_id)
        make(
            facts.place.path,
            [_as_owned(tree, file) for file in files],
            run.platform.forgejo.branch,
            first_message(run, files),
            run.platform.forgejo.clone_url(run.name),
            run.platform.connection.signing_key,
        )
        return f"{facts.place.path}"


def _as_owned(tree: Tree, file: File) -> File:
    """A file that is its owner's from the moment it exists, with the content that it has."""
    content = tree.read(file.path) if file.once else None
    return file if content is None else replace(file, content=content)


class ServicePush(Step[CommitFacts]):
    """The canonical repository has the commit."""

    id = "service.push"
    system = "forgejo"
    after = ("service.commit", "forgejo.repository", "github.repository")  # a push may go on to a mirror at once

    def observe(self, run: Run) -> CommitFacts:
        """The canonical repository and the folder; where there is something to push, how visible the copies are."""
        run_parallel(partial(glance, run), run.woodpecker_number, run.canonical_head, run.canonical_answers)
        return observe_both(run)

    def decide(self, run: Run, facts: CommitFacts) -> Decision:
        """Push what was never pushed; later work on either side is its owner's to push."""
        where = f"{run.owner}/{run.name} {run.platform.forgejo.branch}"
        if facts.canonical is None:
            return absent(where)
        return present(f"{where} at {facts.canonical[:8]}")

    def act(self, run: Run, facts: CommitFacts) -> str:
        """Push, never by force."""
        place, head = facts.place.path, facts.place.head
        repository = Repository.open(place)
        if repository is None or head is None:
            raise SystemFailure(
                "service.not_committed", f"{place} holds no commit to push", "run the same command again"
            )
        run.progress(f"pushing {place} to {run.platform.forgejo.host}")
        try:
            check_before_push(run)
            repository.push(run.remote, run.platform.forgejo.clone_url(run.name), head, run.platform.forgejo.branch)
        finally:
            repository.close()
        return f"{run.owner}/{run.name} {run.platform.forgejo.branch} at {head[:8]}"


def first_message(run: Run, files: Iterable[File]) -> str:
    """The message of a service's first commit, sealed with what is rendered for it."""
    version = run.project.template.version
    return f"{first_title(run)}\n\nTemplate version {version}.\n\n{seal(blobs(files))}\n"


def first_title(run: Run) -> str:
    """The first line of that message."""
    return FIRST_TITLE.format(name=run.name)


def decide_number(run: Run, facts: CommitFacts) -> Decision:
    """The workflow on the forge deploys by Woodpecker's number; a repository in use is not changed by us."""
    recorded = facts.recorded.values.get("woodpecker_repo_id")
    if facts.woodpecker_id is None and recorded:
        return Decision(
            State.DRIFTED,
            Action.REFUSE,
            f"{run.owner}/{run.name} deploys with Woodpecker's number {recorded}, but {run.mirror} is not registered "
            "there: it would get another number",
            f"register {run.mirror} on Woodpecker (Add repository), then run the same command again: it says which "
            f"number belongs in {' and '.join(_holding_number(run, recorded, 0))}",
        )
    if facts.woodpecker_id is not None and recorded != facts.woodpecker_id:
        return Decision(
            State.DRIFTED,
            Action.REFUSE,
            f"{run.owner}/{run.name} deploys with Woodpecker's number {recorded}, which is {facts.woodpecker_id} now",
            f"change {recorded} to {facts.woodpecker_id} in "
            f"{' and '.join(_holding_number(run, recorded, facts.woodpecker_id))}, and push that to Forgejo",
        )
    return present(f"{run.owner}/{run.name} has it")


def unplaced(run: Run) -> Place:
    """The folder on this machine, where it does not count."""
    return Place(run.project.service_dir, False, False, None, UNRECORDED, False)


def _holding_number(run: Run, recorded: Any, wanted: int) -> list[str]:
    """Files that say Woodpecker's number: those that come out otherwise with another one."""
    other = recorded if isinstance(recorded, int) else 0
    before = {file.path: file.content for file in run.project.service_files(other)}
    return [file.path for file in run.project.service_files(wanted) if before.get(file.path) != file.content]


def _decide_occupied(run: Run, place: Place, woodpecker_id: int | None) -> Decision:
    """A folder that was never pushed: exactly what we would make now, or hands off."""
    if not of_tree(place.recorded, run.name).ours:
        return foreign(
            f"{place.path} is not empty and was not made by newservice for {run.name}",
            "name another folder with --service-dir",
        )
    changed = place.recorded.differing(run.answers.public)
    if changed:
        return foreign(
            f"{place.path} was made with other answers to {', '.join(changed)}, and never pushed",
            f"move {place.path} away, then run the same command again",
        )
    if place.head is None:
        if place.rendered_only:
            return drifted(f"the files in {place.path} become a repository")
        return foreign(
            f"{place.path} holds files that are not as rendered, and no commit",
            "commit them yourself on Forgejo, or move them away, then run the same command again",
        )
    if not place.begun:
        return foreign(
            f"{place.path} holds an answers file of newservice for {run.name}, but its history does not begin with "
            "newservice's commit",
            "name another folder with --service-dir",
        )
    if not _same_origin(run, place, woodpecker_id):
        return foreign(
            f"{place.path} was rendered for another platform, template or Woodpecker number, and never pushed",
            f"move {place.path} away, then run the same command again",
        )
    return present(f"{place.path} has it")


def _same_origin(run: Run, place: Place, woodpecker_id: int | None) -> bool:
    """Whether platform, template and number are those of this run.

    A mirror that is yet to be registered gets a new number, which no commit can have.
    """
    if woodpecker_id is None:
        return False
    files = {file.path: file.content for file in run.project.service_files(woodpecker_id)}
    return bool(parse_recorded(files[ANSWERS_FILE]).document == place.recorded.document)


def _look_at(run: Run, woodpecker_id: int | None) -> Place:
    path = run.project.service_dir
    if link := linked(path):
        return Place(path, True, False, None, UNRECORDED, False, link=link)
    occupied = path.exists() and (not path.is_dir() or any(path.iterdir()))
    repository = Repository.open(path) if occupied else None
    head = repository.head() if repository else None
    tree: Tree = Commit(repository, head) if repository and head else Folder.at(path)
    recorded = read_recorded(tree)
    begun = bool(repository and head and of_history(repository.origins(head, ANSWERS_FILE), run.name).ours)
    if repository:
        repository.close()
    rendered_only = head is None and of_tree(recorded, run.name).ours and _only_rendered(run, path, woodpecker_id)
    return Place(path, occupied, _writable(path), head, recorded, rendered_only, begun)


def _only_rendered(run: Run, path: Path, woodpecker_id: int | None) -> bool:
    """Whether every file is as we render it, with Woodpecker's number or before it is known; some may be edited."""
    known: dict[str, list[File]] = {}
    for number in {0, woodpecker_id or 0}:
        for file in run.project.service_files(number):
            known.setdefault(file.path, []).append(file)
    tree = Folder.at(path)
    return all(
        tree.obstacle(name) is None
        and any(file.once or file.content == tree.read(name) for file in known.get(name, []))
        for name in tree.paths()
    )


def _writable(path: Path) -> bool:
    nearest = next(parent for parent in (path, *path.parents) if parent.exists())
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
