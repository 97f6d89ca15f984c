"""From what a person asks for to the change that follows. Reads the forge; nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest

from generator.base.errors import AnswersError, RefusedError, UsageError
from generator.clients.git import Repository as Clone
from generator.engine.change import Change, answers_of, masked
from generator.engine.commits import Commit, RemoteCommit
from generator.engine.connections import Forge
from generator.engine.context import Run
from generator.engine.ownership import of_tree
from generator.engine.project import BRANCH_PREFIX
from generator.engine.recorded import Recorded, read_recorded
from generator.engine.renamed import refuse_missing_infra_branch
from generator.engine.steps.change.infra import being_removed, observe_stack
from generator.engine.steps.change.line import Line, Repository, continues
from generator.engine.steps.change.service import observe_service
from generator.engine.transition import NO_CHANGE
from generator.engine.versions import Maker, Versions
from generator.infra_repo.entries import RegistrationChange
from generator.infra_repo.tree_diff import FileChange
from generator.infra_repo.trees import Listing
from generator.platform.profile import Platform
from generator.template.amendment import UNAMENDED, Amendment, differences, has_entry
from generator.template.answers import Answers
from generator.template.files import ANSWERS_FILE


@dataclass(frozen=True)
class Wish:
    """What a person asks for: an ``amendment`` of the recorded answers, or to ``undo`` the last merged change."""

    amendment: Amendment = UNAMENDED
    undo: bool = False


@dataclass(frozen=True)
class Begun:
    """The line on which a stack's change goes on, read before anything is resolved."""

    repository: Repository
    line: Line
    maker: Maker

    @property
    def recorded(self) -> Recorded:
        """The record that the change begins with."""
        return self.line.recorded


def look(
    platform: Platform, versions: Versions, forge: Forge, clone: Clone | None, name: str, *, brief: bool = False
) -> Begun | None:
    """Find what the stack of a service records: on the default branch, or on the branch that waits for review.

    None where there is no such stack. ``brief``: for who only looks. Raises ``UnreadableError`` or ``RefusedError`` for
    a record that can't be used.
    """
    owner, infra = platform.forgejo.owner, platform.infra

    def tree(sha: str) -> Listing:
        if clone is not None and clone.has(sha):
            return Commit(clone, sha)
        return RemoteCommit(forge.api, owner, infra.repository, sha, clone)

    heads = forge.api.branches(owner, infra.repository)
    refuse_missing_infra_branch(forge.api, platform, heads)
    repository = Repository(forge.api, owner, infra.repository, name, infra.branch, infra.stack(name), heads, tree)
    line = repository.line((), f"{BRANCH_PREFIX}{name}", brief=brief)
    if not of_tree(line.recorded, name).ours:
        return _without_stack(platform, versions, forge, name)
    return Begun(repository, line, versions.made_by(line.recorded.sound()))


def _without_stack(platform: Platform, versions: Versions, forge: Forge, name: str) -> Begun | None:
    """The same of an adopted repository whose stack is made by hand: it keeps the one record of its answers."""
    owner, branch = platform.forgejo.owner, platform.forgejo.branch
    tree = partial(RemoteCommit, forge.api, owner, name)
    recorded = read_recorded(tree(branch))
    if not of_tree(recorded, name).ours or recorded.values.get("stack") != "existing":
        return None
    repository = Repository(forge.api, owner, name, name, branch, "", forge.api.branches(owner, name), tree)
    return Begun(repository, repository.line(()), versions.made_by(recorded.sound()))


def begin(platform: Platform, versions: Versions, forge: Forge, clone: Clone, name: str) -> Begun:
    """The same for a service that is to be changed.

    Raises ``UsageError`` for a service of which no stack exists, and ``RefusedError`` for one that is being removed.
    """
    begun = look(platform, versions, forge, clone, name)
    if begun is None:
        raise UsageError(
            "status.unknown",
            f"no answers found for {name}: {platform.forgejo.owner}/{platform.infra.repository} has no stack of "
            "this name that newservice created",
            "check the name with newservice fleet list; newservice create creates a new service",
        )
    if removing := being_removed(begun.repository):
        raise RefusedError(
            "change.removing",
            f"{name} is being removed: {removing}",
            "close that pull request first if the service is to stay",
        )
    return begun


def change_of(versions: Versions, begun: Begun, wish: Wish) -> Change:
    """The change that follows from a wish.

    Raises ``AnswersError`` for what is wrong in it, and ``RefusedError`` for what no change can do.
    """
    line, maker, start = begun.line, begun.maker, begun.recorded
    now = maker.answers(start)
    if wish.undo:
        earlier = _previous(begun).values
        internal = [question.name for question in maker.questions if question.internal]
        facts = {name: earlier[name] for name in internal if name in earlier and name not in start.values}
        wanted = answers_of(maker, start, earlier, facts)
    else:
        amendment = _left_to_do(wish.amendment, line)
        wanted = _resolved(maker, start, amendment) if amendment.touched else now
    before = now
    if line.waits and of_tree(line.merged, now.name).ours:
        before = versions.made_by(line.merged.sound()).answers(line.merged)
    _refuse(maker, before, wanted)
    differing = masked(maker, differences(now.public, wanted.public))
    onboarding = line.waits and not of_tree(line.merged, now.name).ours
    served = _served(versions, begun, before, wanted)
    return Change(versions, maker, start, before, wanted, differing, line.waits, onboarding, served)


def _served(versions: Versions, begun: Begun, before: Answers, wanted: Answers) -> Answers:
    """The answers whose secrets and registration the systems may still have.

    No older ones than those before the last merged change count: what is there by then may be anyone's.
    """
    ends = before.actions_secrets.keys() > wanted.actions_secrets.keys() or {*before.systems} > {*wanted.systems}
    complete = versions.platform.actions_secrets.keys() <= wanted.actions_secrets.keys()
    earlier = None if ends or complete or not wanted.owned else _earlier(begun)
    return versions.made_by(earlier).answers(earlier) if earlier and versions.knows(earlier) else before


def _resolved(maker: Maker, start: Recorded, amendment: Amendment) -> Answers:
    """The amended answers. What is picked for a stack when it is committed has a stand-in until then."""
    internal = {question.name for question in maker.questions if question.internal}
    try:
        return _amended(maker, start, amendment)
    except AnswersError as error:
        picked = {problem.question for problem in error.problems} & internal
        if not picked:
            raise
    return _amended(maker, replace(start, document={**start.document, **dict.fromkeys(picked, 0)}), amendment)


def _amended(maker: Maker, start: Recorded, amendment: Amendment) -> Answers:
    return maker.answers(start, amendment, derived=maker.follow(start, amendment))


def _left_to_do(amendment: Amendment, line: Line) -> Amendment:
    """The amendment without what the branch that waits has removed already: the same command continues."""
    if not line.waits:
        return amendment

    def removed(path: str) -> bool:
        return has_entry(line.merged.values, path) and not has_entry(line.recorded.values, path)

    return replace(amendment, unset=tuple(path for path in amendment.unset if not removed(path)))


def _refuse(maker: Maker, before: Answers, wanted: Answers) -> None:
    """Raise ``RefusedError`` for answers that belong to a service for as long as it exists."""
    if before.name != wanted.name:
        raise RefusedError(
            "change.rename",
            f"{before.name} can't be renamed to {wanted.name}: claims, databases and repositories carry its name",
            "how to do it by hand: docs/how-to/rename.md",
        )
    if before.owned != wanted.owned:
        raise RefusedError(
            "change.image_source",
            f"{before.name} can't change where its image comes from: a service keeps its repository, or has none",
            "create a service of that kind under another name, move its data, and remove this one",
        )
    if before.stacked != wanted.stacked:
        raise RefusedError(
            "change.stack",
            f"{before.name} can't change who makes its stack: one of newservice's would take the place of one made by "
            "hand, or the other way round",
            "leave --stack out",
        )
    if wanted.owned:
        _refuse_other_code(maker, before, wanted)


def _refuse_other_code(maker: Maker, before: Answers, wanted: Answers) -> None:
    """Raise ``RefusedError`` where the answers make the repository from another folder of the template."""
    old, new = (maker.source_of(answers, "service") for answers in (before, wanted))
    if old != new:
        raise RefusedError(
            "change.source",
            f"the repository of {before.name} was made from {old}; with these answers it would be made from {new}, "
            "and its code would be deleted",
            "create a service of that kind under another name, move its data, and remove this one",
        )


def _previous(begun: Begun) -> Recorded:
    """What the default branch recorded before the last merged change. Raises ``RefusedError`` where there is none."""
    name, line = begun.repository.service, begun.line
    if line.waits:
        where = line.pull.url if line.pull else line.branch
        raise RefusedError(
            "change.waiting",
            f"a change of {name} waits for review ({where}), and --undo is about the last merged one",
            "merge that pull request or close it, then run the same command again",
        )
    earlier = _earlier(begun)
    if earlier is not None:
        return earlier
    raise RefusedError(
        "change.no_earlier", f"{name} has no merged change that could be undone", "say what is to be different instead"
    )


def _earlier(begun: Begun) -> Recorded | None:
    """What the default branch recorded before its last merged change; None where there was none."""
    repository, line = begun.repository, begun.line
    name, path = repository.service, f"{repository.prefix}{ANSWERS_FILE}"
    commits = repository.forgejo.commits(repository.owner, repository.name, line.default, path=path)
    after = line.merged
    for commit, earlier in zip_longest(commits, commits[1:]):
        if not commit.parents:
            break
        if earlier is not None and continues(commit, earlier, name):
            continue
        tree = RemoteCommit(repository.forgejo, repository.owner, repository.name, commit.parents[0])
        before = read_recorded(tree, repository.prefix)
        if not of_tree(before, name).ours:
            break
        shared = before.values.keys() & after.values.keys()
        if any(before.values[key] != after.values[key] for key in shared):
            return before
        after = before
    return None


def contents(run: Run, change: Change) -> tuple[Sequence[FileChange], Sequence[RegistrationChange]]:
    """The files and the entries that a change is about: those that it writes, and those that are in its way."""
    infra = observe_stack(run, change).found if run.answers.stacked else NO_CHANGE
    service = observe_service(run, change).found if run.answers.owned else None
    files = [*(service.files if service else ()), *infra.files]
    shown = [item for item in files if item.written or item.action in ("delete", "conflict")]
    entries = [item for item in infra.entries if item.action not in ("kept", "absent", "present")]
    return shown, entries
