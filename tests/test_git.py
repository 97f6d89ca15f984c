"""Git for people who work in their clones: nothing of theirs is moved, and none of their programs is run."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from generator.base.errors import PreflightError, RefusedError, SystemFailure
from generator.base.secrets import Secret
from generator.clients.git import FALLBACK_AUTHOR, Remote, Repository, create_repository
from generator.platform.profile import load_platform
from generator.sandbox import FaultKind, Sandbox
from generator.template.files import File
from tests.answers import TEMPLATE
from tests.checkout import commit_all, git
from tests.full import few
from tests.processes import failing_git

FILES = (
    File("new/deep/file.txt", b"new\r\nlines\n"),
    File("there.txt", b"replaced\n"),
    File("run.sh", b"#!/bin/sh\n", executable=True),
    File("binary", bytes(range(256))),
)
MESSAGE = 'feat: all of it\n\n# no comment\n\n"quoted" $(touch hacked) `x` \U0001f600\n\nTrailer: x\n'
ORIGIN = "https://git.example.test/team/x.git"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    folder.mkdir()
    (folder / "there.txt").write_text("first\n")
    (folder / "kept.txt").write_text("kept\n")
    commit_all(folder, "first")
    return folder


@pytest.fixture
def repository(clone: Path) -> Iterator[Repository]:
    opened = Repository.open(clone)
    assert opened is not None
    yield opened
    opened.close()


@pytest.fixture
def person(tmp_path: Path) -> Path:
    """A person with settings that would get in the way; returns where their programs would leave a trace."""
    trace, folder = tmp_path / "ran", tmp_path / "person"
    hooks = folder / "template" / "hooks"
    hooks.mkdir(parents=True)
    program = f'#!/bin/sh\necho "$0" >> "{trace}"\nexit 1\n'
    names = ["pre-commit", "commit-msg", "post-commit", "post-checkout", "pre-push", "post-index-change"]
    names += ["reference-transaction", "prepare-commit-msg", "../../gpg", "../../filter", "../../monitor"]
    for name in names:
        (hooks / name).write_text(program)
        (hooks / name).chmod(0o755)
    (folder / "ignore").write_text("*.py\n.github\nfile.txt\n")
    (folder / "attributes").write_text("* filter=mine text eol=crlf\n")
    (folder / "message").write_text("a template of mine\n")
    (Path.home() / ".gitconfig").write_text(
        f"""[user]
    name = Tester
    email = tester@example.test
[init]
    templateDir = {folder}/template
    defaultBranch = trunk
[core]
    hooksPath = {hooks}
    excludesFile = {folder}/ignore
    attributesFile = {folder}/attributes
    fsmonitor = {folder}/monitor
    autocrlf = true
    editor = false
    quotePath = true
[commit]
    template = {folder}/message
    verbose = true
[gpg]
    program = {folder}/gpg
[filter "mine"]
    clean = {folder}/filter
    smudge = {folder}/filter
    required = true
[color]
    ui = always
[push]
    followTags = true
[status]
    short = true
    branch = true
"""
    )
    return trace


def everything(clone: Path) -> dict[str, object]:
    """All that a person could notice of their clone."""
    folder = clone / ".git"
    return {
        "refs": git(clone, "for-each-ref"),
        "head": (folder / "HEAD").read_bytes(),
        "index": (folder / "index").read_bytes(),
        "config": (folder / "config").read_bytes(),
        "reflog": {path.name: path.read_bytes() for path in (folder / "logs").rglob("*") if path.is_file()},
        "git": sorted(path.name for path in folder.iterdir()),
        "files": {
            str(path): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in clone.rglob("*")
            if path.is_file() and ".git" not in path.parts
        },
    }


def content(clone: Path, commit: str) -> dict[str, str]:
    """Mode and blob of every file of a commit."""
    completed = git(clone, "ls-tree", "-r", "-z", commit)
    entries = (entry.split("\t") for entry in completed.split("\0") if entry)
    return {path: f"{head.split()[0]} {head.split()[2]}" for head, path in entries}


# --- commits beside every checkout -------------------------------------------------------------------------


def commit(clone: Path, repository: Repository) -> str:
    """Commit onto the head and check what came of it."""
    base = git(clone, "rev-parse", "HEAD").strip()
    before = everything(clone)
    sha = repository.commit_onto(base, FILES, MESSAGE)
    assert everything(clone) == before
    assert git(clone, "log", "-1", "--format=%P%n%B", sha) == f"{base}\n{MESSAGE}\n"
    expected = content(clone, base)
    for file in FILES:
        assert repository.file(sha, file.path) == file.content
        expected[file.path] = content(clone, sha)[file.path]
        assert expected[file.path].startswith("100755" if file.executable else "100644")
    assert content(clone, sha) == expected
    return sha


def test_a_commit_leaves_checkout_index_and_branches_alone(clone: Path, repository: Repository) -> None:
    sha = commit(clone, repository)
    assert git(clone, "log", "-1", "--format=%an <%ae> %cn <%ce>", sha).strip() == (
        "Tester <tester@example.test> Tester <tester@example.test>"
    )
    assert repository.file(sha, "kept.txt") == b"kept\n"


def test_in_a_clone_where_somebody_is_in_the_middle_of_work(clone: Path, repository: Repository) -> None:
    (clone / "there.txt").write_text("unstaged\n")
    (clone / "staged.txt").write_text("staged\n")
    (clone / "untracked.txt").write_text("untracked\n")
    git(clone, "add", "staged.txt")
    git(clone, "rm", "--quiet", "--cached", "kept.txt")
    (clone / ".git" / "MERGE_HEAD").write_text(git(clone, "rev-parse", "HEAD"))
    sha = commit(clone, repository)
    assert repository.file(sha, "staged.txt") is None
    assert repository.file(sha, "kept.txt") == b"kept\n"


def test_while_another_git_holds_the_index(clone: Path, repository: Repository) -> None:
    (clone / ".git" / "index.lock").write_text("")
    commit(clone, repository)


def test_with_a_detached_head_and_in_a_linked_worktree(clone: Path, repository: Repository, tmp_path: Path) -> None:
    git(clone, "checkout", "--quiet", "--detach")
    commit(clone, repository)
    linked = tmp_path / "linked"
    git(clone, "worktree", "add", "--quiet", str(linked))
    opened = Repository.open(linked)
    assert opened is not None
    before = everything(clone)
    sha = opened.commit_onto(git(linked, "rev-parse", "HEAD").strip(), FILES, MESSAGE)
    assert opened.file(sha, "there.txt") == b"replaced\n"
    assert git(linked, "status", "--porcelain") == ""
    assert everything(clone) == before
    opened.close()


def test_onto_another_commit_than_the_checked_out_one(clone: Path, repository: Repository) -> None:
    base = git(clone, "rev-parse", "HEAD").strip()
    (clone / "later.txt").write_text("later\n")
    commit_all(clone, "later")
    sha = repository.commit_onto(base, FILES, MESSAGE)
    assert repository.file(sha, "later.txt") is None
    assert git(clone, "rev-parse", f"{sha}^").strip() == base


def test_none_of_a_persons_programs_is_run(clone: Path, repository: Repository, person: Path) -> None:
    commit(clone, repository)
    assert repository.dirty(["there.txt"]) == []
    assert not person.exists()


def test_a_persons_programs_would_run_otherwise(clone: Path, person: Path) -> None:
    (clone / "there.txt").write_text("changed\n")
    subprocess.run(["git", "commit", "--all", "--message", "x"], cwd=clone, capture_output=True)
    assert person.exists()


def test_a_person_without_a_name_is_given_one(clone: Path, repository: Repository) -> None:
    (Path.home() / ".gitconfig").write_text("[user]\n\tuseConfigOnly = true\n")
    sha = repository.commit_onto(repository.head() or "", FILES, MESSAGE)
    author = "{name} <{email}>".format(**FALLBACK_AUTHOR)
    assert git(clone, "log", "-1", "--format=%an <%ae>|%cn <%ce>", sha).strip() == f"{author}|{author}"


# --- reading -----------------------------------------------------------------------------------------------


def test_what_is_not_there_is_none(clone: Path, repository: Repository, tmp_path: Path) -> None:
    head = repository.head() or ""
    assert repository.head("refs/heads/nothing") is None
    assert repository.head("1" * 40) is None
    assert not repository.has("1" * 40)
    assert repository.has(head)
    assert repository.file(head, "nothing.txt") is None
    assert repository.file(head, "there.txt/deeper") is None
    assert repository.paths(head, "nothing") == []
    assert repository.paths(head, ".") == ["kept.txt", "there.txt"]
    assert Repository.open(tmp_path / "nothing") is None
    assert Repository.open(tmp_path) is None
    (clone / "folder").mkdir()
    assert Repository.open(clone / "folder") is None


def test_a_repository_without_a_commit_has_no_head(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    opened = Repository.open(tmp_path)
    assert opened is not None
    assert opened.head() is None
    opened.close()


def test_changes_that_are_not_committed_are_seen(clone: Path, repository: Repository) -> None:
    names = ["there.txt", "kept.txt", "new file é.txt"]
    assert repository.dirty(names) == []
    assert repository.dirty([]) == []
    (clone / "there.txt").write_text("changed\n")
    (clone / "new file é.txt").write_text("new\n")
    (clone / "other.txt").write_text("of no interest\n")
    git(clone, "rm", "--quiet", "--cached", "kept.txt")
    assert sorted(set(repository.dirty(names))) == sorted(names)


def test_a_missing_git_is_reported(clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(PreflightError) as caught:
        create_repository(tmp_path / "service", FILES, "master", MESSAGE, ORIGIN)
    assert caught.value.code == "git.missing"
    assert not (tmp_path / "service").exists()


# --- a new repository --------------------------------------------------------------------------------------


def test_a_new_repository_is_complete(tmp_path: Path) -> None:
    place = tmp_path / "services" / "reader"
    create_repository(place, FILES, "master", MESSAGE, ORIGIN)
    assert git(place, "log", "--format=%D|%P|%an") == "HEAD -> master||Tester\n"
    assert git(place, "log", "-1", "--format=%B") == MESSAGE + "\n"
    assert git(place, "status", "--porcelain", "--ignored") == ""
    assert git(place, "remote", "get-url", "origin").strip() == ORIGIN
    for file in FILES:
        assert (place / file.path).read_bytes() == file.content
    assert [path.name for path in place.parent.iterdir()] == ["reader"]
    assert place.stat().st_mode & 0o777 == 0o777 & ~umask()


def umask() -> int:
    now = os.umask(0)
    os.umask(now)
    return now


def test_an_empty_folder_becomes_the_repository(tmp_path: Path) -> None:
    place = tmp_path / "reader"
    place.mkdir()
    create_repository(place, FILES, "master", MESSAGE, ORIGIN)
    assert git(place, "status", "--porcelain") == ""


def test_a_persons_settings_have_no_part_in_a_new_repository(tmp_path: Path, person: Path) -> None:
    place = tmp_path / "reader"
    files = (*FILES, File("app/main.py", b"x = 1\n"), File(".github/workflows/build.yml", b"on: push\n"))
    create_repository(place, files, "master", MESSAGE, ORIGIN)
    assert not person.exists()
    (Path.home() / ".gitconfig").write_text("")
    assert git(place, "symbolic-ref", "HEAD").strip() == "refs/heads/master"
    assert sorted(content(place, "HEAD")) == sorted(file.path for file in files)
    repository = Repository.open(place)
    assert repository is not None
    for file in files:
        assert repository.file("HEAD", file.path) == file.content
    repository.close()
    assert not (place / ".git" / "hooks").exists() or list((place / ".git" / "hooks").iterdir()) == []
    assert git(place, "log", "-1", "--format=%G?").strip() == "N"


def test_a_repository_that_can_not_be_made_leaves_nothing_behind(tmp_path: Path) -> None:
    place = tmp_path / "services" / "reader"
    impossible = (File("a", b""), File("a/b", b""))  # a file in a folder's place
    with pytest.raises(RefusedError) as caught:
        create_repository(place, impossible, "master", MESSAGE, ORIGIN)
    assert caught.value.code == "files.kind"
    assert not place.exists()
    assert list(place.parent.iterdir()) == []


def test_a_commit_that_can_not_be_made_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "services" / "reader"
    monkeypatch.setenv("PATH", failing_git(tmp_path / "tools", "commit-tree", "echo no >&2; exit 1"))
    with pytest.raises(SystemFailure, match="commit-tree"):
        create_repository(place, FILES, "master", MESSAGE, ORIGIN)
    assert list(place.parent.iterdir()) == []


def test_an_interruption_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Repository, files: Iterable[File], message: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Repository, "commit_all", interrupted)
    with pytest.raises(KeyboardInterrupt):
        create_repository(tmp_path / "reader", FILES, "master", MESSAGE, ORIGIN)
    assert list(tmp_path.iterdir()) == []


def test_somebodys_folder_is_never_replaced(tmp_path: Path) -> None:
    place = tmp_path / "reader"
    place.mkdir()
    (place / "thesis.txt").write_text("years of work")
    with pytest.raises(SystemFailure):
        create_repository(place, FILES, "master", MESSAGE, ORIGIN)
    assert [path.name for path in place.iterdir()] == ["thesis.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["reader"]


def test_what_a_killed_run_left_is_taken_away_and_what_a_running_one_uses_is_not(tmp_path: Path) -> None:
    killed, running = tmp_path / ".reader.newservice-killed", tmp_path / ".reader.newservice-running"
    other = tmp_path / ".reader.notes"
    for folder in (killed, running, other):
        (folder / "reader").mkdir(parents=True)
    handle = os.open(running, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        create_repository(tmp_path / "reader", FILES, "master", MESSAGE, ORIGIN)
    finally:
        os.close(handle)
    assert {path.name for path in tmp_path.iterdir()} == {running.name, other.name, "reader"}


# --- to and from the forge ---------------------------------------------------------------------------------


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox.start(tmp_path / "platform") as started:
        started.forgejo.create_repository("viktor", "reader")
        yield started


def remote_of(sandbox: Sandbox, token: str = "") -> Remote:
    platform = load_platform(TEMPLATE.platform, sandbox.profile, {})
    return Remote(platform, "viktor", Secret(token or sandbox.tokens.forgejo))


def heads(sandbox: Sandbox) -> dict[str, str]:
    return dict(sandbox.forgejo.repository("viktor/reader").bare.heads())


def url(sandbox: Sandbox) -> str:
    return f"{sandbox.urls['forgejo']}/viktor/reader.git"


def test_a_push_takes_the_pinned_way_and_leaves_no_token(
    clone: Path, repository: Repository, sandbox: Sandbox, person: Path
) -> None:
    head = repository.head() or ""
    before = everything(clone)
    repository.push(remote_of(sandbox), url(sandbox), head, "master")
    assert heads(sandbox) == {"master": head}
    assert {item.server_name for item in sandbox.journal} == {"forgejo.sandbox.test"}
    assert everything(clone) == before
    assert not person.exists()
    for path in [*clone.rglob("*"), *Path.home().rglob("*")]:
        assert not path.is_file() or sandbox.tokens.forgejo.encode() not in path.read_bytes(), path


def test_a_push_is_never_forced(clone: Path, repository: Repository, sandbox: Sandbox) -> None:
    first = repository.head() or ""
    repository.push(remote_of(sandbox), url(sandbox), repository.commit_onto(first, FILES, "theirs"), "master")
    theirs = heads(sandbox)
    with pytest.raises(SystemFailure) as caught:
        repository.push(remote_of(sandbox), url(sandbox), repository.commit_onto(first, FILES, "ours"), "master")
    assert caught.value.code == "git.failed"
    assert "rejected" in caught.value.message
    assert caught.value.hint
    assert heads(sandbox) == theirs


def test_a_fetch_brings_objects_and_moves_nothing(clone: Path, repository: Repository, sandbox: Sandbox) -> None:
    bare = sandbox.forgejo.repository("viktor/reader").bare
    sha = bare.commit_files("master", {"theirs.txt": "theirs\n"}, "theirs", 1_790_000_000)
    bare.update("refs/tags/v1", sha)
    before = everything(clone)
    assert not repository.has(sha)
    repository.fetch(remote_of(sandbox), url(sandbox), "master")
    assert repository.has(sha)
    assert repository.file(sha, "theirs.txt") == b"theirs\n"
    assert everything(clone) == before


def test_a_token_that_is_not_accepted_is_reported_and_not_shown(repository: Repository, sandbox: Sandbox) -> None:
    with pytest.raises(SystemFailure) as caught:
        repository.push(remote_of(sandbox, "canary-4f1c9e-token"), url(sandbox), repository.head() or "", "master")
    assert caught.value.code == "git.failed"
    assert "canary" not in str(caught.value)
    assert heads(sandbox) == {}


def test_a_branch_that_is_not_there_is_reported(repository: Repository, sandbox: Sandbox) -> None:
    with pytest.raises(SystemFailure, match=r"forgejo\.sandbox\.test") as caught:
        repository.fetch(remote_of(sandbox), url(sandbox), "nothing")
    assert caught.value.code == "git.failed"


def test_another_certificate_is_refused(repository: Repository, sandbox: Sandbox, tmp_path: Path) -> None:
    profile = tmp_path / "profile.yml"
    profile.write_text(sandbox.profile.read_text().replace(f"ca_file: {sandbox.ca_file}", "ca_file: null"))
    platform = load_platform(TEMPLATE.platform, profile, {})
    assert platform.connection.ca_file is None
    with pytest.raises(SystemFailure, match="certificate"):
        repository.push(
            Remote(platform, "viktor", Secret(sandbox.tokens.forgejo)), url(sandbox), repository.head() or "", "master"
        )
    assert heads(sandbox) == {}


def test_a_persons_own_rule_has_no_part_in_it(repository: Repository, sandbox: Sandbox) -> None:
    rule = f'[url "https://127.0.0.1:1/"]\n\tinsteadOf = {sandbox.urls["forgejo"]}/\n\tpushInsteadOf = https://\n'
    (Path.home() / ".gitconfig").write_text(rule)
    repository.push(remote_of(sandbox), url(sandbox), repository.head() or "", "master")
    assert heads(sandbox) == {"master": repository.head()}


@pytest.mark.parametrize(
    "key", ["sslVerify=false", "proxy=http://127.0.0.1:1", "curloptResolve=forgejo.sandbox.test:1:127.0.0.2"]
)
@pytest.mark.parametrize("exact", few(1, [False, True]))
def test_what_the_clone_says_of_the_forge_has_no_part_in_it(
    clone: Path, repository: Repository, sandbox: Sandbox, key: str, exact: bool
) -> None:
    """Git lets the most exact address win: a clone that switched checks off for its forge, usual at home, must not."""
    name, _, value = key.partition("=")
    place = url(sandbox) if exact else sandbox.urls["forgejo"] + "/"
    git(clone, "config", f"http.{place}.{name}", value)
    sandbox.faults.break_handshakes("forgejo", FaultKind.WRONG_AUTHORITY, 1)
    with pytest.raises(SystemFailure, match="certificate"):
        repository.push(remote_of(sandbox), url(sandbox), repository.head() or "", "master")
    repository.push(remote_of(sandbox), url(sandbox), repository.head() or "", "master")
    assert heads(sandbox) == {"master": repository.head()}


def test_an_answer_that_is_cut_off_does_not_keep_git_for_ever(repository: Repository, sandbox: Sandbox) -> None:
    remote = remote_of(sandbox)
    hasty = replace(remote, platform=remote.platform.changed({"connection": {"timeout_seconds": 0.1}}))
    sandbox.faults.add("forgejo", "POST", "git-receive-pack$", 1, FaultKind.MALFORMED)
    with pytest.raises(SystemFailure) as caught:
        repository.push(hasty, url(sandbox), repository.head() or "", "master")
    assert caught.value.passing


def test_the_token_is_in_the_environment_of_the_child_alone(sandbox: Sandbox) -> None:
    remote = remote_of(sandbox, "canary-4f1c9e-token")
    assert "canary" not in repr(remote)
    assert not [value for value in (*remote.environment().values(), *remote.settings.values()) if "canary" in value]
    assert {key for key, value in remote.credential.items() if "canary" in value} == {"NEWSERVICE_GIT_TOKEN"}
    assert all("canary" not in value for value in os.environ.values())
