"""A git that fails or dies under any command: the command ends with git's own words, an exit code, and a result."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.base.errors import NewserviceError, PreflightError
from generator.clients.git import Repository, merge_file
from generator.clients.git.process import run_git
from generator.clients.objects import Objects
from tests.answers import SMALLEST, UPSTREAM
from tests.checkout import commit_all, git
from tests.full import few, full
from tests.processes import descendants, failing_git, until, words_of
from tests.world import Completed, World

NAME = str(UPSTREAM["name"])


class Workshop:
    """A world with one service, whose stack the clone of the infra repository has checked out."""

    def __init__(self, world: World) -> None:
        self.world, self.clone = world, world.sandbox.infra
        assert world.run("create", UPSTREAM).code == 0
        git(self.clone, "reset", "--quiet", "--hard", world.infra.bare.heads()[f"newservice/{NAME}"])
        world.merge(NAME)
        self.plan = world.folder / "saved.plan"
        assert world.run("plan", SMALLEST, "--out", str(self.plan)).code == 0
        self.answers = world.answers(SMALLEST)

    def lines(self, *, few: bool = False) -> list[list[str]]:
        """A line of every command that needs the clone, or of a ``few`` that open it differently."""
        stack = self.clone / self.world.platform.infra.stacks / NAME
        new = ["--answers", str(self.answers)]
        some = [
            ["plan", *new],
            ["create", "--no-provision", *new],
            ["update", "--check", str(stack)],
            ["fleet", "status", "--offline"],
            ["doctor"],
        ]
        if few:
            return some
        return [
            *some,
            ["create", *new],
            ["status", *new, str(SMALLEST["name"])],
            ["status", NAME],
            ["verify", NAME],
            ["remove", NAME, "--yes"],
            ["apply", str(self.plan)],
            ["fleet", "list"],
            ["fleet", "status"],
            ["fleet", "list", "--offline"],
            ["fleet", "update", "--dry-run"],
            ["templates", "preview"],
        ]

    def run(self, line: list[str]) -> Completed:
        """The command, on this platform and with this clone."""
        infra = () if line[0] == "update" else ("--infra", str(self.clone))
        self.world.capsys.readouterr()
        return self.world.tell([*line, "--platform", str(self.world.sandbox.profile), *infra, "--json"])


@pytest.fixture
def workshop(world: World) -> Workshop:
    return Workshop(world)


def another_owner(clone: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")


def unknown_extension(clone: Path, patch: pytest.MonkeyPatch) -> None:
    git(clone, "config", "core.repositoryFormatVersion", "1")
    git(clone, "config", "extensions.nope", "true")


def leads_nowhere(clone: Path, patch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(clone / ".git")
    (clone / ".git").write_text("gitdir: /nowhere/at/all\n")


def broken_settings(clone: Path, patch: pytest.MonkeyPatch) -> None:
    with (clone / ".git" / "config").open("a") as config:
        config.write("[broken\n")


@pytest.mark.parametrize(
    ("damage", "code", "words"),
    few(
        2,
        [
            (another_owner, "git.unsafe_repository", "dubious ownership"),
            (unknown_extension, "git.failed", "unknown repository extension found: nope"),
            (leads_nowhere, "git.failed", "not a git repository: /nowhere/at/all"),
            (broken_settings, "git.failed", "bad config line"),
        ],
        apart=True,
    ),
)
def test_a_clone_that_git_does_not_work_in_is_reported_by_every_command(
    workshop: Workshop,
    damage: Callable[[Path, pytest.MonkeyPatch], None],
    code: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    damage(workshop.clone, monkeypatch)
    for line in workshop.lines(few=damage is not another_owner):
        completed = workshop.run(line)
        assert completed.result["exit_code"] == 3, (line, completed)
        if line == ["doctor"]:
            (check,) = [item for item in completed.of("check") if item["id"] == "infra.clone"]
            assert words in check["summary"]
            continue
        (error,) = completed.of("error")
        assert (error["code"], words in error["message"], bool(error["hint"])) == (code, True, True), (line, completed)
        if damage is another_owner:
            assert f"git config --global --add safe.directory {workshop.clone}" in error["hint"]


@full
def test_a_git_that_dies_under_any_command_is_reported(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever reads objects of the clone finds its git dead; what does not, does not mind."""
    monkeypatch.setenv("PATH", failing_git(workshop.world.folder / "tools", "cat-file", "kill -9 $$"))
    met = {}
    for line in workshop.lines():
        completed = workshop.run(line)
        met[" ".join(line[:2])] = code, words = completed.result["exit_code"], "was ended by SIGKILL" in completed.out
        assert words == (code != 0), (line, completed)
    assert {code for code, _ in met.values()} == {0, 3}
    assert {"plan --answers", "create --answers", "fleet status"} <= {
        line for line, (code, _) in met.items() if code == 3
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a clone to another user")
def test_who_trusts_a_clone_of_another_user_s_works_with_it(world: World) -> None:
    """The remedy that the refusal names is enough, also where git talks to the forge."""
    for path in [world.sandbox.infra, *world.sandbox.infra.rglob("*")]:
        os.chown(path, 12345, 12345, follow_symlinks=False)
    completed = world.run("create", UPSTREAM)
    assert (completed.code, completed.of("error")[0]["code"]) == (3, "git.unsafe_repository")
    subprocess.run(completed.of("error")[0]["hint"].partition(": ")[2], shell=True, check=True)
    completed = world.run("create", UPSTREAM)
    assert completed.code == 0, completed


def test_a_git_that_dies_after_the_first_write_ends_with_a_system_s_exit_code(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("PATH", failing_git(world.folder / "tools", "push", "kill -9 $$"))
        completed = world.run("create", SMALLEST)
    assert (completed.result["status"], completed.code) == ("partial", 5), completed
    assert "done" in {step["status"] for step in completed.of("step")}
    assert "git push" in completed.of("error")[0]["message"]
    assert "was ended by SIGKILL" in completed.of("error")[0]["message"]
    assert world.run("create", SMALLEST).code == 0


# --- reading objects ---------------------------------------------------------------------------------------

FILE = "folder/file.txt"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    place = tmp_path / "clone" / FILE
    place.parent.mkdir(parents=True)
    place.write_text("content\n")
    commit_all(tmp_path / "clone", "first")
    return tmp_path / "clone"


READS: dict[str, Callable[[Repository, str, str], object]] = {
    "head": lambda repository, head, blob: repository.head(),
    "file": lambda repository, head, blob: repository.file(head, FILE),
    "blob": lambda repository, head, blob: repository.blob(blob),
    "contents": lambda repository, head, blob: Objects.of(repository).contents([blob]),
}

DEATHS = {
    "killed at once": ("kill -9 $$", "was ended by SIGKILL"),
    "failed at once": ("echo 'fatal: words of its own' >&2; exit 128", "fatal: words of its own"),
    "half an answer": ('read name; echo "$name blob 1000"; echo half; exit 1', "ended with status 1"),
    "no sentence": ("read name; printf no; kill -15 $$", "was ended by SIGTERM"),
}


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("death", DEATHS)
def test_a_process_that_dies_while_it_reads_is_an_error_with_its_words(
    clone: Path, tmp_path: Path, death: str, read: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    script, words = DEATHS[death]
    head, blob = git(clone, "rev-parse", "HEAD", f"HEAD:{FILE}").split()
    opened = Repository.open(clone)
    assert opened is not None
    with monkeypatch.context() as patch:
        patch.setenv("PATH", failing_git(tmp_path / "tools", "cat-file", script))
        with pytest.raises(NewserviceError, match=re.escape(words)) as caught:
            READS[read](opened, head, blob)
        assert caught.value.code == "git.failed"
        assert str(clone) in caught.value.message
    assert READS[read](opened, head, blob) in (head, b"content\n", {blob: b"content\n"})  # another one is begun
    opened.close()


def test_a_process_that_dies_between_two_reads_is_an_error_once(clone: Path) -> None:
    opened = Repository.open(clone)
    assert opened is not None
    head = opened.head()
    (reader,) = [pid for pid in descendants(os.getpid()) if "cat-file --batch" in words_of(pid)]
    os.kill(reader, signal.SIGKILL)
    with pytest.raises(NewserviceError, match="was ended by SIGKILL"):
        until(lambda: opened.head() is None)
    assert opened.head() == head
    opened.close()


def loose(clone: Path, sha: str) -> Path:
    return clone / ".git" / "objects" / sha[:2] / sha[2:]


@pytest.mark.parametrize("what", ["HEAD", "HEAD^{tree}", "HEAD:folder", f"HEAD:{FILE}"])
@pytest.mark.parametrize("damage", ["missing", "garbage", "cut"])
def test_a_damaged_object_store_is_never_taken_for_a_file_that_is_not_there(
    clone: Path, what: str, damage: str
) -> None:
    head, sha = git(clone, "rev-parse", "HEAD", what).split()
    place = loose(clone, sha)
    content = place.read_bytes()
    place.unlink()
    if damage != "missing":
        place.write_bytes(b"garbage" if damage == "garbage" else content[: len(content) // 2])
    opened = Repository.open(clone)
    assert opened is not None
    with pytest.raises(NewserviceError) as caught:
        opened.file(head, FILE)
    assert caught.value.code in ("git.incomplete", "git.failed")
    assert str(clone) in caught.value.message
    if what == "HEAD":
        with pytest.raises(NewserviceError):
            opened.head()
    opened.close()


def test_what_a_commit_does_not_have_is_still_none(clone: Path) -> None:
    opened = Repository.open(clone)
    assert opened is not None
    head = opened.head() or ""
    for path in ("nothing", "folder", "folder/nothing", f"{FILE}/deeper", "nothing/deeper", "a\nb", ""):
        assert opened.file(head, path) is None, path
    assert opened.blob("1" * 40) is None
    assert opened.blob("no id") is None
    assert opened.head("no\nname") is None
    opened.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_objects_that_may_not_be_read_are_reported(clone: Path) -> None:
    (clone / ".git" / "objects").chmod(0)
    try:
        with pytest.raises(NewserviceError, match="ermission"):
            (Repository.open(clone) or pytest.fail("none is there")).head()
    finally:
        (clone / ".git" / "objects").chmod(0o755)


# --- one process for one question --------------------------------------------------------------------------


ASKED: dict[str, Callable[[Repository, str], object]] = {
    "merge-file": lambda repository, head: merge_file(b"a", b"b", b"c"),
    "merge-tree": lambda repository, head: repository.merge(head, head),
    "merge-base": lambda repository, head: Objects.of(repository).common(head, head),
    "var": lambda repository, head: repository.commit_onto(head, (), "x"),
}


@pytest.mark.parametrize("verb", ASKED)
def test_a_git_that_is_killed_has_given_no_answer(
    clone: Path, tmp_path: Path, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a conflict, nor a history of its own, nor a person without a name."""
    opened = Repository.open(clone)
    assert opened is not None
    head = opened.head() or ""
    monkeypatch.setenv("PATH", failing_git(tmp_path / "tools", verb, "kill -9 $$"))
    with pytest.raises(NewserviceError, match="SIGKILL"):
        ASKED[verb](opened, head)
    opened.close()


def test_what_git_can_not_merge_is_a_conflict() -> None:
    assert merge_file(b"a\0", b"b\0", b"c\0") == (b"a\0", True)
    assert merge_file(b"a\n", b"b\n", b"c\n")[1]
    assert merge_file(b"a\n", b"b\n", b"b\n") == (b"a\n", False)


def test_a_git_that_takes_too_long_is_ended_with_all_that_it_started(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", failing_git(tmp_path / "tools", "gc", "sleep 61 & sleep 61"))
    with pytest.raises(NewserviceError, match=r"took longer than 0\.5 seconds"):
        run_git(clone, "gc", longest=0.5)
    assert not [pid for pid in descendants(os.getpid()) if "sleep 61" in words_of(pid)]


def test_a_folder_that_is_gone_is_no_missing_git(tmp_path: Path) -> None:
    with pytest.raises(NewserviceError, match=r"can't be started in .*gone: No such file") as caught:
        run_git(tmp_path / "gone", "status")
    assert not isinstance(caught.value, PreflightError)
