"""What an update left is input when it is read back: looking touches nothing, and a forged journal has no say."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generator.base.errors import RefusedError
from generator.clients.git import Repository
from generator.infra_repo.fingerprints import blob_id
from generator.lifecycle.update.journal import refuse_interrupted, take_back
from tests.checkout import commit_all, git
from tests.invoke import Command
from tests.test_contained import snapshot

WORK = b"a person's work\n"
OLD = b"what an update had found\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A checkout with a file that is not committed, a folder beside it, and an empty folder of an update."""
    checkout = tmp_path / "checkout"
    (checkout / "stacks").mkdir(parents=True)
    (checkout / "stacks" / "main.tf").write_bytes(b"committed\n")
    commit_all(checkout, "first")
    (checkout / "stacks" / "main.tf").write_bytes(WORK)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_bytes(WORK)
    folder = checkout / ".git" / "newservice-update"
    folder.mkdir(mode=0o700)
    (folder / "0.before").write_bytes(OLD)
    (folder / "0.before").chmod(0o600)
    return checkout


def forge(place: Path, journal: Any) -> Path:
    file = place / ".git" / "newservice-update" / "journal.json"
    file.write_bytes(journal if isinstance(journal, bytes) else json.dumps(journal).encode())
    file.chmod(0o600)
    return file


def entry(**other: Any) -> dict[str, Any]:
    return {"after": blob_id(WORK), "before": "0.before", **other}


def refused(place: Path, code: str = "update.journal") -> RefusedError:
    repository = Repository.open(place)
    assert repository is not None
    before = snapshot(place.parent)
    try:
        with pytest.raises(RefusedError) as caught:
            take_back(repository)
    finally:
        repository.close()
    assert caught.value.code == code
    assert caught.value.hint
    assert snapshot(place.parent) == before
    return caught.value


GOOD = "stacks/main.tf"

FORGED: dict[str, Any] = {
    "above": {"../outside/file": entry()},
    "far above": {"stacks/../../outside/file": entry()},
    "absolute": {"/tmp/file": entry()},
    "git's hooks": {".git/hooks/post-checkout": entry(after=None)},
    "git's configuration by another name": {"stacks/../.GIT/config": entry()},
    "the short name of git's folder": {"git~1/config": entry()},
    "a zero byte": {"stacks/\0main.tf": entry()},
    "no path": {"": entry()},
    "content from elsewhere": {GOOD: entry(before="../../../outside/file")},
    "content of git's own": {GOOD: entry(before="../config")},
    "an absolute content": {GOOD: entry(before="/etc/passwd")},
    "content by another name": {GOOD: entry(before="journal.json")},
    "content that is missing": {GOOD: entry(before="7.before")},
    "content that is a number": {GOOD: entry(before=0)},
    "an id that is none": {GOOD: entry(after="HEAD")},
    "an id that is a list": {GOOD: entry(after=[blob_id(WORK)])},
    "an id of another length": {GOOD: entry(after=blob_id(WORK) * 2)},
    "permissions of another's": {GOOD: entry(mode=0o4755)},
    "permissions that are true": {GOOD: entry(mode=True)},
    "more than there is": {GOOD: entry(command="rm")},
    "less than there is": {GOOD: {"before": "0.before"}},
    "an entry that is text": {GOOD: "0.before"},
    "a list": [GOOD],
    "nothing": None,
    "one good and one bad": {GOOD: entry(), "../outside/file": entry()},
    "no JSON": b"{",
    "no text": b"\xff\xfe\x00",
    "deep": b"[" * 100_000,
    "endless": b'{"a": ' * 100_000,
    "too many": {str(number): entry() for number in range(10_001)},
    "too large": b" " * 4_000_001,
}


@pytest.mark.parametrize("journal", FORGED.values(), ids=FORGED)
def test_a_forged_journal_has_no_say(place: Path, journal: Any) -> None:
    forge(place, journal)
    refused(place)


def _link_to_outside(place: Path) -> None:
    (place / "linked").symlink_to("../outside")
    forge(place, {"linked/file": entry()})


def _link_itself(place: Path) -> None:
    (place / "linked").symlink_to("../outside/file")
    forge(place, {"linked": entry()})


def _content_is_a_link(place: Path) -> None:
    forge(place, {GOOD: entry(before="1.before")})
    (place / ".git" / "newservice-update" / "1.before").symlink_to("/etc/passwd")


def _content_is_a_pipe(place: Path) -> None:
    forge(place, {GOOD: entry(before="1.before")})
    os.mkfifo(place / ".git" / "newservice-update" / "1.before", 0o600)


def _content_of_all(place: Path) -> None:
    forge(place, {GOOD: entry()})
    (place / ".git" / "newservice-update" / "0.before").chmod(0o666)


def _journal_of_all(place: Path) -> None:
    forge(place, {GOOD: entry()}).chmod(0o666)


def _journal_is_a_link(place: Path) -> None:
    (place.parent / "outside" / "journal").write_text(json.dumps({GOOD: entry()}))
    (place / ".git" / "newservice-update" / "journal.json").symlink_to("../../../outside/journal")


def _journal_is_a_pipe(place: Path) -> None:
    os.mkfifo(place / ".git" / "newservice-update" / "journal.json", 0o600)


def _folder_of_all(place: Path) -> None:
    forge(place, {GOOD: entry()}).parent.chmod(0o777)


def _folder_is_a_link(place: Path) -> None:
    forge(place, {GOOD: entry()})
    folder = place / ".git" / "newservice-update"
    folder.rename(place.parent / "outside" / "update")
    folder.symlink_to("../../outside/update")


@pytest.mark.parametrize(
    "make",
    [
        _link_to_outside, _link_itself, _content_is_a_link, _content_is_a_pipe, _content_of_all, _journal_of_all,
        _journal_is_a_link, _journal_is_a_pipe, _folder_of_all, _folder_is_a_link,
    ],
)  # fmt: skip
def test_nothing_that_others_can_have_left_has_one(place: Path, make: Callable[[Path], None]) -> None:
    make(place)
    refused(place)


@pytest.mark.parametrize("mode", [{}, {"mode": 0o664}])
def test_what_an_update_left_is_restored(place: Path, mode: dict[str, int]) -> None:
    """Earlier versions kept the permissions with the file."""
    (place / "new").write_bytes(WORK)
    forge(place, {GOOD: entry(**mode), "new": entry(before=None)})
    repository = Repository.open(place)
    assert repository is not None
    assert take_back(repository) == (GOOD, "new")
    assert take_back(repository) == ()
    repository.close()
    assert (place / GOOD).read_bytes() == OLD
    assert (place / GOOD).stat().st_mode & 0o777 == mode.get("mode", 0o600)
    assert not (place / "new").exists()
    assert not (place / ".git" / "newservice-update").exists()


def test_work_since_then_stays(place: Path) -> None:
    forge(place, {GOOD: entry(after=blob_id(b"something else"))})
    repository = Repository.open(place)
    assert repository is not None
    assert take_back(repository) == ()
    repository.close()
    assert (place / GOOD).read_bytes() == WORK


@pytest.mark.parametrize("settings", [{}, {"core.autocrlf": "true"}, {"core.fileMode": "false"}])
def test_what_was_committed_since_then_stays(place: Path, settings: dict[str, str]) -> None:
    """Also where git stores other line endings than the file has."""
    for name, value in settings.items():
        git(place, "config", name, value)
    written = WORK.replace(b"\n", b"\r\n") if "core.autocrlf" in settings else WORK
    (place / GOOD).write_bytes(written)
    (place / "new").write_bytes(written)
    forge(place, {path: entry(after=blob_id(written)) for path in (GOOD, "new")})
    commit_all(place, "by hand")
    repository = Repository.open(place)
    assert repository is not None
    assert take_back(repository) == ()
    repository.close()
    assert (place / GOOD).read_bytes() == written
    assert git(place, "status", "--porcelain") == ""


def test_an_ignored_file_of_an_update_is_removed(place: Path) -> None:
    (place / "new").write_bytes(WORK)
    (place / ".git" / "info").mkdir(exist_ok=True)
    (place / ".git" / "info" / "exclude").write_text("new\n")
    forge(place, {"new": entry(before=None)})
    repository = Repository.open(place)
    assert repository is not None
    assert take_back(repository) == ("new",)
    repository.close()
    assert not (place / "new").exists()


@pytest.mark.parametrize("journal", [{GOOD: entry()}, b"{", {"../outside/file": entry()}], ids=["good", "bad", "out"])
def test_what_only_looks_says_so_and_touches_nothing(
    place: Path, journal: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    forge(place, journal)
    before = snapshot(place.parent)
    completed = Command(capsys)("update", place, "--check", "--json")
    (error,) = completed.of("error")
    assert (completed.code, error["code"]) == (4, "update.interrupted")
    assert f"newservice update {place} restores them" in error["hint"]
    assert snapshot(place.parent) == before
    repository = Repository.open(place)
    assert repository is not None
    repository.close()
    with pytest.raises(RefusedError):
        refuse_interrupted(repository, place)


@pytest.mark.parametrize("journal", [b"{", {"../outside/file": entry()}], ids=["bad", "out"])
def test_the_command_refuses_it_as_well(place: Path, journal: Any, capsys: pytest.CaptureFixture[str]) -> None:
    forge(place, journal)
    before = snapshot(place.parent)
    completed = Command(capsys)("update", place, "--json")
    (error,) = completed.of("error")
    assert (completed.code, error["code"]) == (4, "update.journal")
    assert snapshot(place.parent) == before
