"""Executable bits in an update of a checkout: merged, shown, restored, and staged where only git has them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from generator.clients.git import Repository
from generator.lifecycle.update.journal import take_back
from tests.answers import RICH
from tests.checkout import commit_all, git
from tests.full import few
from tests.invoke import Command, Desk
from tests.upgrade.releases import Next, add_release, append, install, profile
from tests.upgrade.test_update import STOP
from tests.world import Completed

PYTHON = Path("templates", "service", "python")
MODE_ALONE, BOTH, CONTENT, NEW = "pyproject.toml", ".dockerignore", "Dockerfile", "hello"
"""What the next version changes of a file."""

no_bits = pytest.mark.parametrize("bits", few(1, [0o755, 0o644]))
"""What a file system without executable bits says of every file."""


def change_modes(root: Path) -> None:
    """One file becomes executable, one as well as its content, one has other content; and a script is new."""
    folder = root / PYTHON
    (folder / "hello").write_text("#!/bin/sh\necho hello\n", encoding="utf-8")
    append(folder / ".dockerignore", "of-the-template\n")
    append(folder / "Dockerfile.jinja", "# of the template\n")
    for name in ("hello", f"{MODE_ALONE}.jinja", BOTH):
        (folder / name).chmod(0o755)


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory) -> Next:
    return add_release(tmp_path_factory.mktemp("template"), change_modes)


@dataclass(frozen=True)
class Made:
    """A service's repository, committed."""

    desk: Desk
    platform: Path
    releases: Path

    @property
    def root(self) -> Path:
        return self.desk.service

    def words(self, *more: str) -> list[str]:
        return ["update", str(self.root), "--platform", str(self.platform), *more]

    def update(self, *more: str) -> Completed:
        return self.desk.command(*self.words("--json", *more))

    def taken_back(self) -> tuple[str, ...]:
        """What the next update does first."""
        repository = Repository.open(self.root)
        assert repository is not None
        found = take_back(repository)
        repository.close()
        return found

    def killed(self, writes: int) -> None:
        """An update that is killed after so many files."""
        program = STOP.replace('"infra" in', '"service" in')
        words = [sys.executable, "-c", program, str(self.releases), str(writes), *self.words()]
        done = subprocess.run(words, env=os.environ, capture_output=True, text=True)
        assert done.returncode == -signal.SIGKILL, done.stderr

    def without_bits(self, bits: int) -> None:
        """As on a file system that shows every file with these bits, whatever is asked of it."""
        git(self.root, "config", "core.fileMode", "false")
        for path in git(self.root, "ls-files").split():
            (self.root / path).chmod(bits)

    def commit(self, *runnable: str) -> dict[str, bool]:
        """Somebody commits everything, with these files made executable; the executable bits of the commit."""
        for path in runnable:
            (self.root / path).chmod(0o755)
            git(self.root, "update-index", "--chmod=+x", path)
        commit_all(self.root, "by hand")
        return self.modes("HEAD")

    def modes(self, commit: str) -> dict[str, bool]:
        """The executable bits of a commit, by path."""
        lines = git(self.root, "ls-tree", "-r", commit).splitlines()
        return {line.partition("\t")[2]: line.startswith("100755") for line in lines}

    def on_disk(self) -> dict[str, bool]:
        """The executable bits of the working tree, by path."""
        files = [path for path in self.root.rglob("*") if path.is_file() and ".git" not in path.parts]
        return {path.relative_to(self.root).as_posix(): bool(path.stat().st_mode & 0o100) for path in files}

    def status(self) -> str:
        return git(self.root, "status", "--porcelain", "--untracked-files=all")


@pytest.fixture
def made(added: Next, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Made:
    install(monkeypatch, added)
    desk = Desk(tmp_path / "desk", Command(capsys))
    desk.prepare()
    platform = profile(tmp_path, added)
    assert desk.create(RICH, "--platform", platform).code == 0
    commit_all(desk.service, "feat: the service")
    return Made(desk, platform, added.releases.folder)


def files(completed: Completed) -> dict[str, dict[str, object]]:
    (plan,) = completed.of("plan")
    return {item["path"]: item for item in plan["files"] if item["action"] != "unchanged"}


def test_a_mode_alone_is_a_change_and_shown_as_such(made: Made) -> None:
    completed = made.update("--check", "--diff")
    found = files(completed)
    assert found[MODE_ALONE] == {"repo": "service", "path": MODE_ALONE, "action": "update", "executable": True}
    assert found[BOTH]["executable"] is True
    assert "executable" not in found[CONTENT]
    diffs = completed.of("plan")[0]["diffs"]
    assert diffs[MODE_ALONE] == (f"diff --git a/{MODE_ALONE} b/{MODE_ALONE}\nold mode 100644\nnew mode 100755\n")
    assert diffs[BOTH].splitlines()[1:3] == ["old mode 100644", "new mode 100755"]
    assert "+of-the-template" in diffs[BOTH]
    assert diffs[NEW].splitlines()[1] == "new file mode 100755"
    assert "mode" not in diffs[CONTENT]
    text = made.desk.command(*made.words("--check")).out
    assert f"{MODE_ALONE} (now executable)" in text
    assert f"{CONTENT}\n" in text


def test_git_takes_the_diffs_as_they_are_shown(made: Made, tmp_path: Path) -> None:
    """Modes among them."""
    diffs = made.update("--check", "--diff").of("plan")[0]["diffs"]
    assert made.update().code == 0
    wanted = made.commit()
    git(made.root, "checkout", "--quiet", "HEAD~1")
    patch = tmp_path / "patch"
    patch.write_text("".join(diffs.values()), encoding="utf-8")
    git(made.root, "apply", str(patch))
    assert made.commit() == wanted


def test_the_bit_is_merged_like_the_content_and_apart_from_it(made: Made) -> None:
    """A person's chmod stays where the template changes nothing about it, and the template's where they don't."""
    before = made.commit("README.md", CONTENT)
    assert made.update().code == 0
    after = made.commit()
    assert {path: bit for path, bit in after.items() if bit != before.get(path)} == {
        MODE_ALONE: True,
        BOTH: True,
        NEW: True,
    }
    assert after["README.md"]
    assert after[CONTENT]
    assert (made.root / CONTENT).read_text().endswith("# of the template\n")
    assert made.update().result["status"] == "unchanged"


def test_the_same_bit_on_both_sides_is_no_change(made: Made) -> None:
    made.commit(MODE_ALONE)
    assert MODE_ALONE not in files(made.update("--check"))


@pytest.mark.parametrize("bits", few(1, [None, 0o755, 0o644]))
def test_a_conflict_of_contents_keeps_the_merged_bit(made: Made, bits: int | None) -> None:
    """Git takes it from the file or, where files have none, from our side of the conflict."""
    if bits is not None:
        made.without_bits(bits)
    append(made.root / BOTH, "of-a-person\n")
    made.commit()
    assert made.update().code == 6
    (made.root / BOTH).write_text("both\n", encoding="utf-8")
    assert made.commit()[BOTH]


@no_bits
def test_where_the_file_system_has_no_bits_those_of_git_count(made: Made, bits: int) -> None:
    """Neither what it shows instead, nor what it can't show: what the update makes executable is staged as such."""
    made.without_bits(bits)
    before = made.commit("README.md")
    checked = made.update("--check")
    assert {path for path, item in files(checked).items() if "executable" in item} == {MODE_ALONE, BOTH}
    note = next(note for note in checked.of("plan")[0]["notes"] if "core.fileMode" in note)
    assert all(path in note for path in (MODE_ALONE, BOTH, NEW))
    assert made.status() == ""

    assert made.update().code == 0
    for path in made.on_disk():
        (made.root / path).chmod(bits)
    after = made.commit()
    assert {path for path, bit in after.items() if bit != before.get(path)} == {MODE_ALONE, BOTH, NEW}
    assert after["README.md"]
    assert made.update().result["status"] == "unchanged"


@pytest.mark.parametrize("writes", few(1, [3, 1, 2, 4, 5]))
@pytest.mark.parametrize("bits", [None, 0o755])
def test_a_killed_update_gives_the_bits_back(made: Made, writes: int, bits: int | None) -> None:
    if bits is not None:
        made.without_bits(bits)
    before, modes = made.desk.snapshot(), made.on_disk()
    made.killed(writes)
    assert made.update("--check").of("error")[0]["code"] == "update.interrupted"
    assert made.taken_back()
    assert made.desk.snapshot() == before
    assert bits is not None or made.on_disk() == modes
    assert made.status() == ""
    assert git(made.root, "diff", "--cached", "--summary") == ""
    assert made.update().code == 0
    assert made.commit()[MODE_ALONE]


def test_a_mode_that_someone_changed_after_a_killed_update_stays(made: Made) -> None:
    made.killed(5)
    assert made.on_disk()[MODE_ALONE]
    (made.root / MODE_ALONE).chmod(0o644)
    assert MODE_ALONE not in made.taken_back()
    assert not made.on_disk()[MODE_ALONE]
    assert made.status() == ""


def test_where_a_file_system_keeps_no_permissions_nothing_is_refused_for_them(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a disk of Windows in WSL: everybody may write every file, by the look of it."""
    made.without_bits(0o777)
    for name in ("stat", "fstat"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *place, real=real, **options: _open_to_all(real(*place, **options)))
    assert made.update().code == 0
    assert not (made.root / ".git" / "newservice-update").exists()
    assert made.commit()[NEW]


def _open_to_all(status: os.stat_result) -> os.stat_result:
    return os.stat_result((status.st_mode | 0o777, *status[1:10]))
