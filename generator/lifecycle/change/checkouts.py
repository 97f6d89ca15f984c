"""Clones on this machine that a person wants on the change's branch once it is pushed; never over local work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from generator.base.errors import RefusedError
from generator.clients.git import Repository, locked
from generator.engine.change import Change
from generator.engine.context import Run
from generator.engine.steps.change.infra import observe_stack
from generator.engine.steps.change.line import Line
from generator.engine.steps.change.service import observe_service


@dataclass(frozen=True)
class Checkout:
    """A clone of ``repository``, which is the infra repository's name or the service's."""

    path: Path
    repository: str


def find_checkouts(run: Run, change: Change, paths: Iterable[str]) -> tuple[Checkout, ...]:
    """The clones at ``paths``. Raises ``RefusedError`` for one that could lose something by changing its branch."""
    found = [_found(run, Path(path).absolute()) for path in paths]
    for item in found:
        clone = _opened(item)
        try:
            _check(run, change, item, clone)
        finally:
            clone.close()
    return tuple(found)


def follow_branch(run: Run, change: Change, checkout: Checkout) -> str:
    """Switch a clone to the change's branch as it is on the forge, where one waits; returns what was done, for people.

    Raises ``RefusedError`` where the clone is no longer clean, and ``SystemFailure`` where git fails.
    """
    line = _line(run, change, checkout)
    if not line.waits:
        return f"{checkout.path} stays as it is: no change of {change.name} waits in {checkout.repository}"
    clone, head = _opened(checkout), line.parents[0]
    try:
        with locked(clone.git_dir) as free:
            if not free:
                raise _refused(checkout.path, "another command of newservice works there")
            _check(run, change, checkout, clone)
            if not clone.has(head):
                clone.fetch(run.remote, run.platform.forgejo.clone_url(checkout.repository), line.branch)
            covered = clone.filtered(clone.differing(clone.head() or head, head))
            if covered:
                listed = ", ".join(f"{path} ({name})" for path, name in sorted(covered.items())[:5])
                raise _refused(checkout.path, f"a filter would have to write what differs on {line.branch}: {listed}")
            clone.switch(line.branch, head)
    finally:
        clone.close()
    return f"{checkout.path} is on {line.branch}"


def _found(run: Run, path: Path) -> Checkout:
    clone = Repository.around(path)
    if clone is None:
        raise _refused(path, "it is in no git repository")
    try:
        names = [_name_of(address) for address in clone.remotes()]
        wanted = [run.infra_repository, *([run.name] if run.answers.owned else [])]
        name = next((name for name in wanted if name in names), None)
        if name is None:
            raise _refused(path, f"it is a clone of neither {' nor '.join(wanted)}")
        return Checkout(clone.path, name)
    finally:
        clone.close()


def _opened(checkout: Checkout) -> Repository:
    clone = Repository.around(checkout.path)
    if clone is None:
        raise _refused(checkout.path, "it no longer exists")
    return clone


def _check(run: Run, change: Change, checkout: Checkout, clone: Repository) -> None:
    """Raise ``RefusedError`` for a clone with uncommitted work, or with commits that only it has on that branch."""
    dirty = clone.dirty(["."])
    if dirty:
        raise _refused(checkout.path, f"it has changes that are not committed: {', '.join(dirty[:5])}")
    if not clone.branch():
        raise _refused(checkout.path, "it has no branch checked out")
    line = _line(run, change, checkout)
    tip = clone.head(f"refs/heads/{line.branch}")
    if tip is not None and not _pushed(run, checkout, clone, line, tip):
        raise _refused(checkout.path, f"its branch {line.branch} has commits that were not pushed")


def _pushed(run: Run, checkout: Checkout, clone: Repository, line: Line, tip: str) -> bool:
    """Whether the forge has a commit, on the change's branch or on the default one."""
    heads = run.forgejo.branches(run.owner, checkout.repository)
    head, base = heads.get(line.branch), heads[line.default]
    if head is not None:
        added = run.forgejo.commits(run.owner, checkout.repository, head, without=base)
        if tip in {commit.id for commit in added}:
            return True
    return clone.has(base) and clone.is_ancestor(tip, base)


def _line(run: Run, change: Change, checkout: Checkout) -> Line:
    infra = checkout.repository == run.infra_repository
    return observe_stack(run, change).line if infra else observe_service(run, change).line


def _name_of(address: str) -> str:
    """The repository's name in a remote's address."""
    return address.rstrip("/").rpartition("/")[2].rpartition(":")[2].removesuffix(".git")


def _refused(path: Path, reason: str) -> RefusedError:
    hint = "commit or stash what is there, name a clone with a branch of its own, or leave --checkout out"
    return RefusedError("change.checkout", f"--checkout {path}: {reason}", hint)
