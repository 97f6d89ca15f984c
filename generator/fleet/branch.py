"""The branch on which an update waits for review: who changed it, and whether it still proposes the right update."""

from __future__ import annotations

from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from generator.base.errors import NewserviceError
from generator.clients.forgejo import PullRequest
from generator.engine.ownership import of_branch, of_content
from generator.engine.recorded import Recorded, read_recorded
from generator.fleet.findings import Place
from generator.fleet.snapshot import Snapshot
from generator.fleet.source import Source, update_branch
from generator.template.files import ANSWERS_FILE


@dataclass(frozen=True)
class Branch:
    """The observed state of an update's branch. ``strangers`` are its commits and paths that newservice did not make.

    ``spent``: the default branch already contains all of it. ``stuck``: it can no longer be merged, or was made with
    answers that have changed since. ``version`` is its template version, if that can be read.
    """

    head: str
    spent: bool
    stuck: bool = False
    strangers: tuple[str, ...] = ()
    version: Version | None = None
    pull: PullRequest | None = None


def title(name: str, version: str) -> str:
    """The first line of an update's commit, and the title of its pull request."""
    return f"chore({name}): template {version}"


def observe_branch(source: Source, place: Place) -> Branch | None:
    """The branch of a tree's update; None if there is no such branch. Reads objects only."""
    name = update_branch(place.name)
    head = source.heads.get(name)
    if head is None:
        return None
    objects, pull = source.objects, source.pulls.get(name)
    own = objects.own_commits(head, source.base)
    common = objects.common(head, source.base)
    if not own or not common:
        return Branch(head, spent=not own, strangers=() if not own else (head[:8],), pull=pull)
    strangers = of_branch(own, [title(place.name, "")]).others
    if not strangers and of_content([own[0].message], objects.changes(common, head), dict).others:
        strangers = (f"{head[:8]}, which someone changed",)
    stuck = common != source.base and (_moved(source, place, common) or bool(objects.merge(head, source.base)[1]))
    return Branch(head, False, stuck, strangers, _version(source, place, head), pull)


def _moved(source: Source, place: Place, common: str) -> bool:
    """Whether the tree's answers were changed since: the update was made with the earlier ones."""
    return _recorded(source, place, common).document != _recorded(source, place, source.base).document


def _recorded(source: Source, place: Place, sha: str) -> Recorded:
    listed = source.objects.listing(sha, f"{place.prefix}{ANSWERS_FILE}")  # one file: a repository may have thousands
    return read_recorded(Snapshot(source.objects, sha, listed), place.prefix)


def _version(source: Source, place: Place, head: str) -> Version | None:
    try:
        return _recorded(source, place, head).version
    except NewserviceError:  # a later newservice may write that file differently: see the commit's title
        return _titled(place, source.objects.own_commits(head, source.base)[0].message)


def _titled(place: Place, message: str) -> Version | None:
    try:
        return Version(message.splitlines()[0].removeprefix(title(place.name, "")))
    except (InvalidVersion, IndexError):
        return None
