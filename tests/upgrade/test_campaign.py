"""From the first release to the checkout's template, for every golden service and for pairwise combinations of answers.

``NEWSERVICE_UPGRADE_SEEDS`` names the seeds, with commas between them; ``NEWSERVICE_UPGRADE_EVERY`` says how many
combinations each that is taken stands for. ``NEWSERVICE_UPGRADE_COPIER`` says how many
services copier updates too, for comparison: three seconds each.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from random import Random

import pytest
import yaml
from copier import run_update
from packaging.version import Version

from generator.base.errors import AnswersError
from generator.engine.versions import Maker
from generator.infra_repo.entries import compare_registrations, registered_files
from generator.infra_repo.trees import Folder
from generator.lifecycle.update import Upgrade, Upgrader
from generator.template.files import ANSWERS_FILE, File, Layer
from generator.template.releases import Releases
from generator.template.template import Template
from tests.checkout import commit_all, git
from tests.full import full
from tests.upgrade.releases import published
from tests.upgrade.services import Files, Origin, golden, infra, of_releases, pairwise, updated

SEEDS = [int(seed) for seed in os.environ.get("NEWSERVICE_UPGRADE_SEEDS", "1").split(",")]
EVERY = int(os.environ.get("NEWSERVICE_UPGRADE_EVERY", "25"))
"""Of a seed's combinations, one in so many."""
COMPARED = int(os.environ.get("NEWSERVICE_UPGRADE_COPIER", "2"))
RELEASES = Releases()
TEMPLATE = Template.installed()


@cache
def upgrader(source: str) -> Upgrader:
    platform = next(origin.platform for origin in origins() if origin.platform.source == source)
    return Upgrader(RELEASES, platform)


@cache
def origins() -> list[Origin]:
    """Every service, as the first release made it."""
    found = [*golden(), *(origin for seed in SEEDS for origin in islice(pairwise(seed), 0, None, EVERY))]
    return [origin for origin in of_releases(iter(found), RELEASES) if _made(origin)]


def _made(origin: Origin) -> bool:
    """Whether the first release would have made it at all."""
    try:
        return bool(origin.answers)
    except AnswersError:
        return False


@dataclass(frozen=True, eq=False)
class Case:
    """One tree of one service, and what becomes of it where nobody has edited anything."""

    origin: Origin
    layer: Layer

    def __str__(self) -> str:
        return f"{self.origin}, {self.layer}"

    @property
    def prefix(self) -> str:
        return self.origin.prefix(self.layer)

    @cached_property
    def tree(self) -> Files:
        return self.origin.tree(self.layer)

    @cached_property
    def files(self) -> tuple[File, ...]:
        return self.origin.files(self.layer)

    @cached_property
    def plain(self) -> Upgrade:
        return self.upgrade(self.tree)

    def upgrade(self, tree: Files) -> Upgrade:
        return updated(upgrader(self.origin.platform.source), self.origin, self.layer, tree, TEMPLATE)


@cache
def cases() -> list[Case]:
    return [Case(origin, layer) for origin in origins() for layer in origin.layers]


def test_there_are_enough_services() -> None:
    assert len([origin for origin in origins() if origin.title.startswith("seed")]) >= 100 * len(SEEDS) // EVERY
    assert len(list(golden())) == len([origin for origin in origins() if not origin.title.startswith("seed")])


def test_a_service_without_edits_becomes_what_is_made_now() -> None:
    """The same answers, the same files, the same entries as those of a service that is created with the newest."""
    for case in cases():
        assert case.plain.conflicts == (), str(case)
        maker = upgrader(case.origin.platform.source).unreleased(TEMPLATE)
        after = after_upgrade(case.tree, case.plain)
        fresh = {f"{case.prefix}{file.path}": file.content for file in maker.files(case.plain.answers)}
        once = {item.path for item in case.plain.files if item.action == "kept"}
        assert all(path.endswith(("extra.tf", "scripts/test")) for path in once), str(case)
        own = {path: content for path, content in after.items() if path.startswith(case.prefix)}
        assert {**own, **{path: fresh[path] for path in once}} == fresh, str(case)
        if case.layer == "stack":
            assert entries_of(after, case.prefix) == entries_of(created(case, maker), case.prefix), str(case)
        if RELEASES.newest == Version(TEMPLATE.version):  # what no release made is not updated
            assert not case.upgrade(Files(after)).changes, str(case)


def created(case: Case, maker: Maker) -> dict[str, bytes]:
    """The platform's repository with the entries of a service that is created now."""
    known = infra(case.origin.platform)
    changes = compare_registrations(maker.registrations(case.plain.answers), Files(known))
    return {**known, **{file.path: file.content for file in registered_files(changes)}}


def entries_of(content: Mapping[str, bytes], prefix: str) -> dict[str, list[bytes]]:
    """The lines of all other files; an entry that was changed has kept its place."""
    return {path: sorted(body.splitlines()) for path, body in content.items() if not path.startswith(prefix)}


def after_upgrade(tree: Files, upgrade: Upgrade) -> dict[str, bytes]:
    content = {path: body for path, body in tree.content.items() if path not in upgrade.removed}
    return {**content, **{file.path: file.content for file in upgrade.written}}


@dataclass(frozen=True)
class Edit:
    """Somebody's line before line ``place`` of a file, or a line of theirs in the place of that one."""

    path: str
    place: int
    replaces: bool
    line: bytes

    def apply(self, lines: list[bytes]) -> None:
        lines[self.place : self.place + self.replaces] = [self.line]


def wanted_of(upgrade: Upgrade) -> dict[str, bytes | None]:
    """What the template makes now; None for a file that it gave up."""
    return {item.path: item.wanted.content if item.wanted else None for item in upgrade.files}


def edits(case: Case, random: Random, *, apart: bool) -> list[Edit]:
    """Edits here and there; ``apart``: only where the template changes nothing, nor in the lines next to that."""
    found = []
    now = wanted_of(case.plain)
    for file in case.files:
        path = f"{case.prefix}{file.path}"
        lines = file.content.splitlines(keepends=True)
        if file.once or file.path == ANSWERS_FILE or not lines or not file.content.endswith(b"\n"):
            continue
        free = [place for place in range(len(lines)) if not apart or not _near(lines, now[path], place)]
        places = sorted(random.sample(free, min(len(free), random.randint(0, 3))), reverse=True)
        for place in places:
            line = b"# somebody's %d %d\n" % (random.randrange(10**9), place)
            found.append(Edit(path, place, bool(random.getrandbits(1)), line))
    return found


@cache
def _changed(before: bytes, after: bytes) -> tuple[tuple[int, int], ...]:
    one, other = before.splitlines(keepends=True), after.splitlines(keepends=True)
    codes = difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    return tuple(
        _slid(one, start, end, one[start:end] or other[first:last])
        for tag, start, end, first, last in codes
        if tag != "equal"
    )


def _slid(lines: list[bytes], start: int, end: int, moved: list[bytes]) -> tuple[int, int]:
    """From where to where lines that were added or removed may be: a block may as well begin with the line after it."""
    up, down = start, end
    while up > 0 and lines[up - 1] == moved[(up - start - 1) % len(moved)]:
        up -= 1
    while down < len(lines) and lines[down] == moved[(down - end) % len(moved)]:
        down += 1
    return up, down


def _near(lines: list[bytes], wanted: bytes | None, place: int) -> bool:
    if wanted is None:
        return True
    return any(start - 2 <= place <= end + 1 for start, end in _changed(b"".join(lines), wanted))


def edited(tree: Files, made: list[Edit]) -> Files:
    content = dict(tree.content)
    for edit in made:  # of each file from the bottom to the top
        lines = content[edit.path].splitlines(keepends=True)
        edit.apply(lines)
        content[edit.path] = b"".join(lines)
    return Files(content)


def test_edits_apart_from_the_template_s_changes_are_kept_without_conflicts() -> None:
    random, count = Random(7), 0
    for case in cases():
        made = edits(case, random, apart=True)
        mixed = edited(case.tree, made)
        upgrade = case.upgrade(mixed)
        assert upgrade.conflicts == (), (str(case), made)
        after, plain = after_upgrade(mixed, upgrade), after_upgrade(case.tree, case.plain)
        assert set(after) == set(plain), str(case)
        for path in {edit.path for edit in made}:
            of_file = [edit for edit in made if edit.path == path]
            before = lines_of(case.tree.content[path])
            lost = Counter(before[edit.place] for edit in of_file if edit.replaces)
            wanted = Counter(lines_of(plain[path])) - lost + Counter(edit.line for edit in of_file)
            assert Counter(lines_of(after[path])) == wanted, (str(case), path, made)
        count += len(made)
    assert count > 400


def lines_of(content: bytes) -> list[bytes]:
    return content.splitlines(keepends=True)


def test_no_edit_is_ever_lost() -> None:
    """Wherever they are: merged, or between the marks of a conflict that is told."""
    random, conflicts = Random(8), 0
    for case in cases():
        made = edits(case, random, apart=False)
        mixed = edited(case.tree, made)
        upgrade = case.upgrade(mixed)
        after = after_upgrade(mixed, upgrade)
        for edit in made:
            assert edit.line in after[edit.path], (str(case), edit)
        for path in {edit.path for edit in made}:
            marked = b"<<<<<<< before updating\n" in after[path]
            assert marked == (path in upgrade.conflicts), (str(case), path)
        conflicts += len(upgrade.conflicts)
    assert conflicts > 10 // EVERY


def test_files_taken_away_stay_away_and_those_made_once_are_their_owner_s() -> None:
    random = Random(9)
    for case in cases():
        own = [file for file in case.files if file.path != ANSWERS_FILE]
        gone = random.sample([f"{case.prefix}{file.path}" for file in own if not file.once], 1) if own else []
        once = [f"{case.prefix}{file.path}" for file in own if file.once]
        content = {path: body for path, body in case.tree.content.items() if path not in gone}
        content |= dict.fromkeys(once, b"# all mine\n")
        after = after_upgrade(Files(content), case.upgrade(Files(content)))
        assert after.keys().isdisjoint(gone), (str(case), gone)
        assert all(after[path] == b"# all mine\n" for path in once), str(case)


# --- copier ------------------------------------------------------------------------------------------------


@full
@pytest.mark.parametrize("version", [release.version for release in RELEASES.all], ids=str)
def test_copier_update_makes_the_same_tree(
    tmp_path: Path, isolated_copier: Callable[[], None], version: Version
) -> None:
    """In a repository with somebody's edits, apart from the template's changes: file by file, byte by byte.

    From each release to the checkout's template, released or not.
    """
    isolated_copier()
    url = published(tmp_path / "newservice.git", TEMPLATE)
    profile = tmp_path / "platform.yml"
    profile.write_text(yaml.safe_dump({"template_url": url}))
    every = [*golden(profile, version), *(origin for seed in SEEDS for origin in pairwise(seed, profile, version))]
    usable = [origin for origin in every if origin.platform.source == str(profile) and _made(origin)]
    random = Random(11)
    ours, differing, compared = Upgrader(RELEASES, usable[0].platform), [], 0
    asked_nothing = (origin for origin in random.sample(usable, len(usable)) if not _asked(ours, origin))
    chosen = list(islice(asked_nothing, COMPARED))
    for number, origin in enumerate(chosen):
        for layer in origin.layers:
            place = tmp_path / f"{number}-{layer}"
            lay_out(place, origin, layer, ours, random)
            upgrade = ours.plan(Folder(place), origin.prefix(layer), template=TEMPLATE)
            run_update(place / origin.prefix(layer), defaults=True, overwrite=True, quiet=True, conflict="inline")
            wanted = {item.path: item.after.content for item in upgrade.files if item.after is not None}
            found = {
                path.relative_to(place).as_posix(): path.read_bytes()
                for path in place.rglob("*")
                if path.is_file() and ".git" not in path.relative_to(place).parts
            }
            differing += [
                (str(origin), layer, path) for path in {*wanted, *found} if wanted.get(path) != found.get(path)
            ]
            compared += 1
    sys.stdout.write(f"{compared} trees of {len(chosen)} services compared\n")
    assert differing == []


def _asked(ours: Upgrader, origin: Origin) -> bool:
    """Whether the update asks a question, which copier can't be answered without a terminal."""
    try:
        ours.plan(origin.tree("stack"), origin.prefix("stack"), template=TEMPLATE)
    except AnswersError:
        return True
    return False


def lay_out(place: Path, origin: Origin, layer: Layer, ours: Upgrader, random: Random) -> None:
    """A repository with the tree and edits in it; without the platform's other files, which copier does not touch."""
    own = {f"{origin.prefix(layer)}{file.path}": file for file in origin.files(layer)}
    for path, file in own.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(file.content)
        (place / path).chmod(0o755 if file.executable else 0o644)
    commit_all(place, "feat: made")
    now = wanted_of(ours.plan(origin.tree(layer), origin.prefix(layer), template=TEMPLATE))
    for path, file in own.items():
        lines = file.content.splitlines(keepends=True)
        if file.once or file.path == ANSWERS_FILE or not lines:
            continue
        free = [number for number in range(len(lines)) if not _near(lines, now[path], number)]
        for number in sorted(random.sample(free, min(len(free), random.randint(0, 2))), reverse=True):
            lines.insert(number, b"# somebody's %d\n" % random.randrange(10**9))
        (place / path).write_bytes(b"".join(lines))
    git(place, "add", "--all")
    if git(place, "status", "--porcelain"):
        commit_all(place, "feat: edited")


@pytest.fixture
def isolated_copier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """A cache of its own for copier's clones."""
    return lambda: monkeypatch.setenv("COPIER_CACHE_DIR", str(tmp_path / "cache"))
