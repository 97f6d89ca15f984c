"""From one version of the template to another, for a service's repository or a stack. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from packaging.version import Version

from generator.answers import Answers
from generator.changes import ANSWERS_FILE
from generator.errors import RefusedError, UsageError
from generator.platform import Platform
from generator.releases import Releases
from generator.render import File
from generator.template import Template
from generator.trees import Tree
from generator.upgrade.entries import Entries, Entry, merge_entries
from generator.upgrade.maker import Maker
from generator.upgrade.merge import Merged, edited_files, merge_files
from generator.upgrade.recorded import Recorded, read_recorded


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


@dataclass
class Upgrader:
    """Plans updates, of one service or of many. Not for several threads at once."""

    releases: Releases
    platform: Platform
    _makers: dict[Version, Maker] = field(default_factory=dict)
    _unreleased: list[Maker] = field(default_factory=list)

    def standing(self, tree: Tree, prefix: str = "") -> Standing:
        """Where the tree below ``prefix`` stands. Raises ``UnreadableError``, or ``RefusedError`` as ``plan`` does."""
        recorded = read_recorded(tree, prefix)
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
        asks something that is not answered; ``RefusedError`` where the tree is of a newer or unknown version;
        ``UsageError`` for an older one.
        """
        recorded = read_recorded(tree, prefix)
        old = self._made_by(recorded)
        new = self.maker(to) if template is None else self._of(template)
        if template is None and (to or self.releases.newest) < recorded.version:
            raise UsageError(
                "update.downgrade",
                f"{prefix or recorded.name} is of template {recorded.version}, which is newer than {to}",
                "updates go forward only; take the commit back that brought the newer one",
            )
        before, after = old.answers(recorded), new.answers(recorded, given, self.news(old, new))
        entries = Entries((), {})
        if recorded.layer == "stack":
            entries = merge_entries(old.registrations(before), new.registrations(after), tree)
        files = merge_files(old.files(before), new.files(after), tree, prefix)
        return Upgrade(recorded, new.template.version, after, files, entries.entries, entries.files)

    def news(self, old: Maker, new: Maker) -> dict[str, Any]:
        """What the profile in force says otherwise than ``new`` of things that ``old`` did not know at all."""
        return {
            key: self.platform.data[key]
            for key, value in new.template.platform.items()
            if key not in old.template.platform and self.platform.data.get(key, value) != value
        }

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
