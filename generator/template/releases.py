"""Released versions of the template: every one comes with the installation, as an archive and a line in an index.

An archive never changes once it is released; the index says which git tree it holds, and tests hold both together. A
release's commit follows from the index alone, so it has the same id wherever it is made: that is what lets
`newservice templates publish` be repeated, by anyone.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Literal

from packaging.version import InvalidVersion, Version

from generator.base.errors import UsageError
from generator.base.files import write_file
from generator.template.template import PACKAGE, Template

FOLDER = PACKAGE / "released"

SIGNER, ADDRESS = "newservice", "newservice@localhost"
"""Who signs the commits of releases. Never to be changed: the commits' ids depend on it."""

_LEFT_BY_TOOLS = ("__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache", ".DS_Store")
_EXECUTABLE = 0o111


@dataclass(frozen=True)
class Member:
    """A file of a release: POSIX path, content, and whether it is executable."""

    path: str
    content: bytes
    executable: bool = False


@dataclass(frozen=True)
class Release:
    """A released version. ``released`` is when, in UTC; ``tree`` the id of the git tree of its files."""

    version: Version
    released: datetime
    tree: str

    @property
    def tag(self) -> str:
        """The tag that copier finds it by."""
        return f"v{self.version}"

    @property
    def message(self) -> str:
        """What its commit says. Never to be changed: the commits' ids depend on it."""
        return f"template {self.version}\n"


@dataclass(frozen=True)
class Installed:
    """The installed template, and how it compares with the releases.

    ``unreleased``: its version has no release. ``differs``: it has one, with other files.
    """

    version: str
    tree: str
    state: Literal["released", "differs", "unreleased"]


@dataclass
class Releases:
    """All released versions, the oldest first."""

    folder: Path = field(default_factory=lambda: FOLDER)
    _unpacked: dict[Version, Template] = field(default_factory=dict)

    @cached_property
    def all(self) -> tuple[Release, ...]:
        """The releases by version."""
        lines = json.loads((self.folder / "index.json").read_text(encoding="utf-8"))
        found = [
            Release(Version(line["version"]), datetime.fromisoformat(line["released"]), line["tree"]) for line in lines
        ]
        return tuple(sorted(found, key=lambda release: release.version))

    @property
    def newest(self) -> Version:
        """The newest version that was released."""
        return self.all[-1].version

    @cached_property
    def unreleased(self) -> Version | None:
        """The version of the installed template where that is not released yet: a normal state in a checkout."""
        try:
            version = Version(Template.installed().version)
        except InvalidVersion:
            return None
        return None if version in (release.version for release in self.all) else version

    def knows(self, version: Version) -> bool:
        """Whether trees of this version can be made: it was released, or it is the installed template's."""
        return version == self.unreleased or version in (release.version for release in self.all)

    def target(self, version: Version) -> Version:
        """Where an update from a version goes by default: to the newest release, and never back."""
        return max(self.newest, version) if self.knows(version) else self.newest

    @cached_property
    def commits(self) -> dict[Version, str]:
        """Ids of the releases' commits, each on top of the one before, the oldest first."""
        found: dict[Version, str] = {}
        parent = ""
        for release in self.all:
            parent = found[release.version] = commit_id(release, parent)
        return found

    def standing(self, template: Template) -> Installed:
        """How a template compares with the releases."""
        tree = tree_id(tuple(template_members(template)))
        known = {str(release.version): release.tree for release in self.all}
        if template.version not in known:
            return Installed(template.version, tree, "unreleased")
        return Installed(template.version, tree, "released" if known[template.version] == tree else "differs")

    def changes(self, template: Template) -> tuple[int, int, int]:
        """How many files of a template were added, changed and removed since the newest release."""
        before = {member.path: member for member in (self.members(self.newest) if self.all else ())}
        now = {member.path: member for member in template_members(template)}
        changed = [path for path in before.keys() & now.keys() if before[path] != now[path]]
        return len(now.keys() - before.keys()), len(changed), len(before.keys() - now.keys())

    def find(self, version: str) -> Version:
        """A released version by its name, with or without ``v``. Raises ``UsageError`` where it does not exist."""
        known = {release.version for release in self.all}
        try:
            wanted = Version(version)
        except InvalidVersion:
            wanted = None
        if wanted not in known or wanted is None:
            listed = ", ".join(str(release.version) for release in self.all)
            raise UsageError(
                "template.unknown_version",
                f"this newservice has no template {version}",
                f"it has {listed}; a newer newservice may have more",
            )
        return wanted

    def members(self, version: Version) -> tuple[Member, ...]:
        """The files of a release, sorted by path."""
        return tuple(_unzipped((self.folder / f"{version}.zip").read_bytes()))

    def template(self, version: Version) -> Template:
        """A version that is known as a template: the installed one, or a release, unpacked while that object lives."""
        if version not in self._unpacked:
            installed = Template.installed()
            if installed.version == str(version):
                self._unpacked[version] = installed
            else:
                self._unpacked[version] = self._unpack(version)
        return self._unpacked[version]

    def _unpack(self, version: Version) -> Template:
        from multiprocessing.util import Finalize  # imported here: most commands unpack nothing

        root = Path(tempfile.mkdtemp(prefix="newservice-"))
        template = Template(root)
        # Not weakref.finalize: a forked process ends without it, and would leave its folders behind.
        Finalize(template, shutil.rmtree, (root,), {"ignore_errors": True}, exitpriority=0)
        for member in self.members(version):
            target = root / member.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(member.content)
            if member.executable:
                target.chmod(0o755)
        return template

    def add(self, template: Template, released: datetime) -> Release:
        """Release a template under its own version; a clock that is slow makes it as old as the release before.

        Raises ``UsageError`` when that version is none that can be released, or is not newer than every release.
        """
        version = self.next_version(template)
        members = tuple(template_members(template))
        moment = max([released.astimezone(UTC).replace(microsecond=0), *(item.released for item in self.all)])
        release = Release(version, moment, tree_id(members))
        # What is in the index is released: until then an archive may be written again.
        write_file(self.folder / f"{version}.zip", _zipped(members), 0o644)
        index = [
            {"version": str(item.version), "released": item.released.isoformat(), "tree": item.tree}
            for item in (*self.all, release)
        ]
        write_file(self.folder / "index.json", json.dumps(index, indent=2) + "\n", 0o644)
        for name in ("all", "unreleased", "commits"):
            self.__dict__.pop(name, None)
        return release

    def next_version(self, template: Template) -> Version:
        """The version that a template would be released under. Raises ``UsageError`` where it can't be."""
        version = _version_of(template)
        if self.all and version <= self.newest:
            raise UsageError(
                "template.version",
                f"the template says {version}, and {self.newest} is released already",
                "raise the default of template_version in copier.yml",
            )
        return version


def template_members(template: Template) -> Iterator[Member]:
    """The files that make up a template, without what tools leave beside them."""
    places = [template.root / "copier.yml", *sorted((template.root / "templates").rglob("*"))]
    for place in places:
        path = place.relative_to(template.root).as_posix()
        left = place.suffix in (".pyc", ".pyo") or any(part in _LEFT_BY_TOOLS for part in path.split("/"))
        if place.is_file() and not left:
            yield Member(path, place.read_bytes(), bool(place.stat().st_mode & _EXECUTABLE))


def tree_id(members: tuple[Member, ...]) -> str:
    """The id that git gives to the tree of these files."""
    nested: dict[str, object] = {}
    for member in members:
        *folders, name = PurePosixPath(member.path).parts
        place: dict[str, object] = nested
        for folder in folders:
            below = place.setdefault(folder, {})
            assert isinstance(below, dict)  # noqa: S101 - a path is a file's or a folder's
            place = below
        place[name] = member
    return _tree(nested).hex()


def commit_id(release: Release, parent: str) -> str:
    """The id that git gives to a release's commit on top of ``parent``, which is empty for the first one."""
    signed = f"{SIGNER} <{ADDRESS}> {int(release.released.timestamp())} +0000"
    lines = [f"tree {release.tree}", *([f"parent {parent}"] if parent else ())]
    lines += [f"author {signed}", f"committer {signed}", "", release.message]
    return _object("commit", "\n".join(lines).encode()).hex()


def _tree(entries: Mapping[str, object]) -> bytes:
    lines = []
    for name, entry in entries.items():
        if isinstance(entry, dict):
            lines.append((f"{name}/".encode(), b"40000 " + name.encode() + b"\0" + _tree(entry)))
        elif isinstance(entry, Member):
            mode = b"100755 " if entry.executable else b"100644 "
            lines.append((name.encode(), mode + name.encode() + b"\0" + _object("blob", entry.content)))
    return _object("tree", b"".join(line for _, line in sorted(lines)))  # git sorts a folder as if it ended in a slash


def _object(kind: str, content: bytes) -> bytes:
    return hashlib.sha1(b"%s %d\0%b" % (kind.encode(), len(content), content), usedforsecurity=False).digest()


def _version_of(template: Template) -> Version:
    """A template's version as its tag has it. Copier passes over tags of versions that are not final."""
    try:
        version = Version(template.version)
    except InvalidVersion:
        version = None
    if version is None or str(version) != template.version or version.is_prerelease or version.local:
        raise UsageError(
            "template.version",
            f"template_version {template.version!r} is no version that can be released",
            "write a final version in PEP 440's own form, such as 2.1.0, in copier.yml",
        )
    return version


def _zipped(members: tuple[Member, ...]) -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for member in members:
            entry = zipfile.ZipInfo(member.path, (1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, for the mode to count
            entry.external_attr = (0o100755 if member.executable else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, member.content)
    return stream.getvalue()


def _unzipped(content: bytes) -> Iterator[Member]:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        for entry in sorted(archive.infolist(), key=lambda item: item.filename):
            yield Member(entry.filename, archive.read(entry), bool((entry.external_attr >> 16) & _EXECUTABLE))
