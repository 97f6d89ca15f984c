"""From one version of the template to another, for a service's repository or a stack. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from packaging.version import Version

from generator.base.errors import NewserviceError, RefusedError, UsageError
from generator.engine.recorded import Recorded, parse_recorded, read_recorded
from generator.infra_repo.registrations import Registration
from generator.infra_repo.trees import Listing, Tree
from generator.lifecycle.update.entries import Entries, Entry, merge_entries
from generator.lifecycle.update.maker import Maker
from generator.lifecycle.update.merge import Merged, edited_files, merge_files
from generator.lifecycle.update.modules import unknown_arguments
from generator.platform.profile import Platform
from generator.template.answers import Answers
from generator.template.files import ANSWERS_FILE, File
from generator.template.releases import Releases
from generator.template.template import Template


@dataclass(frozen=True)
class Standing:
    """Where a tree stands: what is recorded of it, and which files are not as newservice made them."""

    recorded: Recorded
    newest: Version
    edited: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()

    @property
    def behind(self) -> bool:
        """Whether a newer version was released."""
        return self.recorded.version < self.newest


@dataclass(frozen=True)
class Upgrade:
    """What an update changes."""

    recorded: Recorded
    to: str
    answers: Answers
    files: tuple[Merged, ...]
    entries: tuple[Entry, ...]
    shared: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def conflicts(self) -> tuple[str, ...]:
        """Paths in which a person has to decide."""
        files = [item.path for item in self.files if item.action == "conflict"]
        entries = [item.path for item in self.entries if item.action == "conflict"]
        return tuple(dict.fromkeys([*files, *entries]))

    @property
    def written(self) -> tuple[File, ...]:
        """Files to be written, those with entries of all services among them."""
        own = [
            File(item.path, item.after, item.executable)
            for item in self.files
            if item.after is not None and item.after != item.before
        ]
        return (*own, *(File(path, content) for path, content in self.shared.items()))

    @property
    def removed(self) -> tuple[str, ...]:
        """Paths of files to be taken away."""
        return tuple(item.path for item in self.files if item.action == "delete")

    @property
    def changes(self) -> bool:
        """Whether anything is to be written."""
        return bool(self.written or self.removed or self.conflicts)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know about the answers, and about entries that stay as somebody made them."""
        kept = [f"{item.path}: {item.reason}" for item in self.entries if item.action == "kept" and item.reason]
        return (*self.answers.notes, *kept)


def _held_back(item: Merged, prefix: str) -> Merged:
    """The answers file goes on saying the earlier version while an entry is left to a person: it comes up again."""
    if item.path != f"{prefix}{ANSWERS_FILE}":
        return item
    return replace(item, action="unchanged", after=item.before)


def _refuse_opening(before: Answers, after: Answers) -> None:
    """Raise ``RefusedError`` where a private service would no longer be private, in one step or on the way to it."""
    if before.private_image and not after.private_image:
        raise RefusedError(
            "update.opens",
            f"{before.name} is recorded as private, and an update never makes a service public: everybody could see "
            "its repositories and its image",
            "leave that answer out; there is no flag yet that opens a service",
        )


@dataclass
class Upgrader:
    """Plans updates, of one service or of many. Not for several threads at once."""

    releases: Releases
    platform: Platform
    _makers: dict[Version, Maker] = field(default_factory=dict)
    _unreleased: list[Maker] = field(default_factory=list)
    _known_entries: dict[bytes, list[Registration]] = field(default_factory=dict)

    def standing(self, tree: Tree, prefix: str = "") -> Standing:
        """Where the tree below ``prefix`` stands. Raises ``UnreadableError``, or ``RefusedError`` as ``plan`` does."""
        recorded = self._read(tree, prefix)
        maker = self._made_by(recorded)
        made = maker.files(maker.answers(recorded), without=(ANSWERS_FILE,))  # long to make, and never held against one
        edited, deleted = edited_files(made, tree, prefix)
        return Standing(recorded, self.releases.newest, edited, deleted)

    def plan(
        self,
        tree: Tree,
        prefix: str = "",
        *,
        to: Version | None = None,
        template: Template | None = None,
        given: Mapping[str, Any] | None = None,
    ) -> Upgrade:
        """What brings the tree below ``prefix`` to a release (default: the newest), or to an unreleased ``template``.

        ``given`` are answers for what that version asks anew. Raises ``UnreadableError``; ``AnswersError`` where it
        asks something that is not answered; ``RefusedError`` where the tree is of a newer or unknown version, or a
        private service would become public; ``UsageError`` for an older one.
        """
        recorded = self._read(tree, prefix)
        old = self._made_by(recorded)
        new = self.maker(to) if template is None else self._of(template)
        if template is None and (to or self.releases.newest) < recorded.version:
            raise UsageError(
                "update.downgrade",
                f"{prefix or recorded.name} is of template {recorded.version}, which is newer than {to}",
                "updates go forward only; take the commit back that brought the newer one",
            )
        before = old.answers(recorded)
        after = new.answers(recorded, given, self._news(before, old, new))
        _refuse_opening(before, after)
        wanted = new.files(after)
        entries = Entries((), {})
        if recorded.layer == "stack":
            self._check_modules(wanted, tree, prefix, new)
            claimed = partial(self._claimed, tree, recorded.name)
            entries = merge_entries(old.registrations(before), new.registrations(after), tree, claimed)
        files = merge_files(old.files(before), wanted, tree, prefix)
        if any(entry.action == "conflict" for entry in entries.entries):
            files = tuple(_held_back(item, prefix) for item in files)
        return Upgrade(recorded, new.template.version, after, files, entries.entries, entries.files)

    def _read(self, tree: Tree, prefix: str) -> Recorded:
        """What is recorded below ``prefix``, where that is the stack's own folder."""
        recorded = read_recorded(tree, prefix).sound()
        own = f"{self.platform.data['infra']['stacks']}/{recorded.name}/"
        if recorded.layer == "stack" and prefix != own:
            raise RefusedError(
                "update.misplaced",
                f"{prefix or 'this folder'} has the answers of {recorded.name}, whose stack is {own}",
                "a copied stack is no stack of newservice's: make one with newservice create",
            )
        return recorded

    def _news(self, made: Answers, old: Maker, new: Maker) -> dict[str, Any]:
        """What the profile in force says otherwise than ``new`` of things that ``old`` did not know at all.

        Raises ``RefusedError`` where that is the profile of another platform than the recorded one.
        """
        then, data = made.platform, self.platform.data
        found = {
            key: data[key]
            for key, value in new.template.platform.items()
            if key not in old.template.platform and data.get(key, value) != value
        }
        here = [(data["domain"], data["forgejo"]["owner"]), (then["domain"], then["forgejo"]["owner"])]
        if found and here[0] != here[1]:
            raise RefusedError(
                "update.other_platform",
                f"{made.name} is of {here[1][1]}, {here[1][0]}; the profile in force is of {here[0][1]}, {here[0][0]}",
                "name its own profile with --platform",
            )
        return found

    def _claimed(self, tree: Tree, name: str, entry: Registration) -> bool:
        """Whether another stack of the tree, of whichever version, has this entry too."""
        stacks = self.platform.data["infra"]["stacks"]
        paths = tree.paths(stacks) if isinstance(tree, Listing) else []
        others = [
            path for path in paths if path.endswith(f"/{ANSWERS_FILE}") and path != f"{stacks}/{name}/{ANSWERS_FILE}"
        ]
        return any(entry in self._entries(tree.read(path) or b"", path) for path in others)

    def _entries(self, content: bytes, path: str) -> list[Registration]:
        """The entries of a stack by its answers file; remembered, for others of the fleet ask for the same."""
        if content not in self._known_entries:
            try:
                recorded = parse_recorded(content, path).sound()
                maker = self._made_by(recorded)
                found = maker.registrations(maker.answers(recorded))
            except NewserviceError:  # it can't be updated, and says so where it is looked at
                found = []
            self._known_entries[content] = found
        return self._known_entries[content]

    def _check_modules(self, wanted: tuple[File, ...], tree: Tree, prefix: str, new: Maker) -> None:
        """Raise ``RefusedError`` where the platform is older than the template: access would hang on nothing."""
        if not isinstance(tree, Listing):
            return
        unknown = list(unknown_arguments(wanted, tree, prefix))
        if unknown:
            raise RefusedError(
                "update.platform",
                f"template {new.template.version} is for a newer infra repository: {'; '.join(unknown)}",
                "bring its modules up first, or update to an earlier version with --to",
            )

    def _made_by(self, recorded: Recorded) -> Maker:
        known = {release.version for release in self.releases.all}
        if recorded.version in known:
            return self.maker(recorded.version)
        if recorded.version > self.releases.newest:
            raise RefusedError(
                "template.newer",
                f"{recorded.name} was made by template {recorded.version}; this newservice has {self.releases.newest}",
                "install a newer newservice",
            )
        raise RefusedError(
            "template.unknown_version",
            f"{recorded.name} was made by template {recorded.version}, which this newservice doesn't have",
            "install the newservice that has it",
        )

    def maker(self, version: Version | None = None) -> Maker:
        """A released version, the newest by default, with its questions."""
        version = version or self.releases.newest
        if version not in self._makers:
            self._makers[version] = Maker(self.releases.template(version), self.platform.registrations)
        return self._makers[version]

    def _of(self, template: Template) -> Maker:
        found = next((maker for maker in self._unreleased if maker.template.root == template.root), None)
        if found is None:
            found = Maker(template, self.platform.registrations)
            self._unreleased.append(found)
        return found
