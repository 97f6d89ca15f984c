"""The state of the profile's template address, and what to do about it. Pure.

Every release is a commit whose id follows from the release itself. So a release's tag names either
that commit or foreign work, and it does not matter who published it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from packaging.version import InvalidVersion, Version

from generator.base.errors import RefusedError, UsageError
from generator.clients.forgejo import Repository
from generator.engine.plan import Action, Decision, State
from generator.platform.profile import Platform
from generator.template.releases import Release, Releases

BRANCH = "templates"
"""The only branch that newservice ever writes there."""

HEAD = f"refs/heads/{BRANCH}"
_TAGS = "refs/tags/"


@dataclass(frozen=True)
class Address:
    """Where templates are published: a repository on the profile's Forgejo."""

    owner: str
    name: str
    url: str

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"

    @classmethod
    def of(cls, platform: Platform) -> Address:
        """The profile's template address.

        Raises ``UsageError`` if it is not on the profile's Forgejo, ``RefusedError`` for the infra repository.
        """
        base, url = platform.forgejo.url, platform.template_url.removeprefix("git+")
        found = re.fullmatch(r"/([\w.-]+)/([\w.-]+?)(?:\.git)?/?", url.removeprefix(base))
        if not url.startswith(f"{base}/") or found is None:
            raise UsageError(  # without the address itself: it may hold a password
                "template.elsewhere",
                f"the profile's template_url names no repository on its Forgejo, {base}",
                f"templates are published there only: write {base}/OWNER/NAME.git, without a user, in the profile",
            )
        if found[2].lower() == platform.infra.repository.lower():
            raise RefusedError(
                "template.protected",
                f"the profile's template_url names the infra repository, {found[1]}/{found[2]}",
                "templates need a repository of their own: correct template_url in the profile",
            )
        return cls(found[1], found[2], url)


@dataclass(frozen=True)
class Seen:
    """The observed state of the address. ``references``: ids by full name.

    ``later``: commits of our branch after our newest release; None if the branch does not contain that release.
    """

    repository: Repository | None = None
    references: Mapping[str, str] = field(default_factory=dict)
    later: tuple[str, ...] | None = ()

    @property
    def head(self) -> str | None:
        """The commit that our branch is at; None if it does not exist."""
        return self.references.get(HEAD)


@dataclass(frozen=True)
class Publication:
    """The releases, and the address that they are published at."""

    releases: Releases
    address: Address

    @property
    def tags(self) -> dict[str, str]:
        """Full names of the releases' tags, with the commits that they name, the oldest first."""
        return {tag_of(release): self.releases.commits[release.version] for release in self.releases.all}

    def decide_repository(self, seen: Seen) -> Decision:
        """Create it private if it is missing. The visibility of an existing one is its owner's decision."""
        if seen.repository is None:
            return Decision(State.ABSENT, Action.CREATE, f"{self.address}, private")
        if seen.repository.archived:
            hint = "unarchive it on Forgejo, or correct template_url in the profile; then run the same command again"
            return Decision(State.FOREIGN, Action.REFUSE, f"{self.address} is archived", hint)
        return Decision(State.PRESENT, Action.NONE, f"{self.address} exists")

    def decide_push(self, seen: Seen) -> Decision:
        """Decide what to push, so that our tags name our commits and the branch contains the newest one."""
        foreign = [*self._foreign_tags(seen), *self._foreign_branch(seen)]
        if foreign:
            hint = (
                "name a repository of its own as template_url in the profile, or rename those if nobody needs them; "
                "nothing there is ever overwritten"
            )
            summary = f"{self.address} has something else as {', '.join(foreign)}"
            return Decision(State.FOREIGN, Action.REFUSE, summary, hint)
        where, missing = f"{BRANCH} of {self.address}", self.missing(seen)
        to_do = tuple(self._misleading(seen))
        if not missing:
            beyond = f", and {len(seen.later)} later, of a newer newservice" if seen.later else ""
            summary = f"{where} is at {self.releases.newest}{beyond}"
            return Decision(State.PRESENT, Action.NONE, summary, to_do=to_do)
        tags = ", ".join(name.removeprefix(_TAGS) for name in missing if name != HEAD)
        summary = f"{where}: {tags or f'up to {self.releases.newest}'}"
        if seen.references.keys().isdisjoint([HEAD, *self.tags]):
            return Decision(State.ABSENT, Action.CREATE, summary, to_do=to_do)
        return Decision(State.DRIFTED, Action.UPDATE, summary, to_do=to_do)

    def missing(self, seen: Seen) -> dict[str, str]:
        """The references to push: commits by full name."""
        *older, newest = self.releases.commits.values()
        branch = {HEAD: newest} if seen.head is None or seen.head in older else {}
        return {**branch, **{name: sha for name, sha in self.tags.items() if name not in seen.references}}

    def _foreign_tags(self, seen: Seen) -> list[str]:
        tags = self.tags.items()
        return [f"tag {name.removeprefix(_TAGS)}" for name, sha in tags if seen.references.get(name, sha) != sha]

    def _foreign_branch(self, seen: Seen) -> list[str]:
        """Our branch, if it has commits other than releases. Later releases are known by their tags."""
        tagged = {sha for name, sha in seen.references.items() if _version_of(name)}
        releases_only = seen.later is not None and tagged.issuperset(seen.later)
        return [] if releases_only else [f"branch {BRANCH}"]

    def _misleading(self, seen: Seen) -> Iterator[str]:
        """Messages about tags that copier takes for newer templates."""
        for name, sha in seen.references.items():
            version = _version_of(name)
            if version and version > self.releases.newest and sha not in (seen.later or ()):
                yield (
                    f"{self.address} has a tag {name.removeprefix(_TAGS)}, which is not a template: a plain copier "
                    "update takes it for the newest one; give the templates a repository of their own"
                )


def tag_of(release: Release) -> str:
    """The full name of a release's tag."""
    return f"{_TAGS}{release.tag}"


def _version_of(name: str) -> Version | None:
    """The version that copier sees in a reference; None if it sees none."""
    if not name.startswith(_TAGS):
        return None
    try:
        version = Version(name.removeprefix(_TAGS))
    except InvalidVersion:
        return None
    return None if version.is_prerelease else version
