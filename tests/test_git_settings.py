"""Git settings that count, and those that do not, whoever starts newservice."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from generator.clients.git import Repository, Signature, create_repository, scratch_repository
from generator.template.files import File
from tests.answers import RICH, SMALLEST
from tests.checkout import commit_all, git
from tests.full import few
from tests.hostile import touch
from tests.invoke import Desk
from tests.processes import descendants, words_of
from tests.world import World

FILES = (File("README.md", b"# reader\n"), File("run.sh", b"#!/bin/sh\n", executable=True))
ORIGIN = "https://git.example.test/team/reader.git"
HERE = "[user]\n\tname = Here\n\temail = here@work.test\n"


def settings(text: str) -> None:
    """Add to the person's configuration."""
    with (Path.home() / ".gitconfig").open("a") as stream:
        stream.write(f"\n{text}\n")


# --- what a working tree is compared with ------------------------------------------------------------------

CONVERTED = {
    "autocrlf": ("[core]\n\tautocrlf = true", ""),
    "eol": ("[core]\n\teol = crlf", "* text=auto\n"),
    "attributes": ("", "*.txt text eol=crlf\n"),
    "attributes over the setting": ("[core]\n\tautocrlf = input", "*.txt text eol=crlf\n"),
    "encoding": ("", "*.txt text working-tree-encoding=UTF-16\n"),
    "both": ("[core]\n\teol = crlf", "*.txt text working-tree-encoding=UTF-16LE\n"),
    "ident": ("", "*.txt ident\n"),
    "a person's own": ("[core]\n\tattributesFile = ~/attributes", ""),
}


@pytest.mark.parametrize("case", CONVERTED)
def test_a_clone_is_clean_where_git_says_so(tmp_path: Path, case: str) -> None:
    text, attributes = CONVERTED[case]
    settings(text)
    (Path.home() / "attributes").write_text("*.txt text eol=crlf\n")
    made, clone = tmp_path / "made", tmp_path / "clone"
    made.mkdir()
    (made / ".gitattributes").write_text(attributes)
    commit_all(made, "attributes")
    (made / "a.txt").write_text("# $Id$\nfirst\nsecond\n", newline="\r\n" if "crlf" in text + attributes else "\n")
    if "encoding" in attributes:
        (made / "a.txt").write_text("first\nsecond\n", encoding=attributes.strip().rpartition("=")[2])
    commit_all(made, "first")
    git(tmp_path, "clone", "--quiet", str(made), str(clone))
    stored = git(clone, "cat-file", "blob", "HEAD:a.txt").encode()
    assert (clone / "a.txt").read_bytes() != stored  # git has converted it
    touch(clone)
    opened = Repository.open(clone)
    assert opened is not None
    assert opened.dirty(["."]) == []
    with (clone / "a.txt").open("ab") as stream:
        stream.write("third\r\n".encode("utf-16-le" if "encoding" in attributes else "utf-8"))
    assert opened.dirty(["."]) == ["a.txt"]
    opened.close()


def test_files_only_in_a_clone_with_other_line_endings(desk: Desk) -> None:
    settings("[core]\n\tautocrlf = true")
    listed = [path for path in git(desk.infra, "ls-files", "-z").split("\0") if path]
    for path in listed:
        (desk.infra / path).unlink()
    git(desk.infra, "checkout", "--quiet", "--", ".")
    assert b"\r\n" in (desk.infra / ".claude" / "reference" / "service-catalog.md").read_bytes()
    touch(desk.infra)
    completed = desk.create(RICH)
    assert completed.result["status"] == "success", completed


# --- whose clones are safe ---------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["file", "environment", "everything"])
def test_who_trusts_the_clone_can_create(world: World, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the file system gives every file to another user: folders that newservice makes need no trust."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    clone = str(world.sandbox.infra)
    refused = world.run("create", SMALLEST)
    assert (refused.code, refused.of("error")[0]["code"]) == (3, "git.unsafe_repository")
    if way == "environment":
        pairs = {"COUNT": "1", "KEY_0": "safe.directory", "VALUE_0": clone}
        for name, value in pairs.items():
            monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    else:
        settings(f"[safe]\n\tdirectory = {clone if way == 'file' else '*'}")
    completed = world.run("create", SMALLEST)
    assert completed.code == 0, completed


# --- who commits -------------------------------------------------------------------------------------------

CONDITIONS = {
    "gitdir": "gitdir:{place}/",
    "gitdir of the git folder": "gitdir:{place}/.git",
    "gitdir above": "gitdir:{place.parent}/",
    "gitdir by name": "gitdir:reader/",
    "gitdir in any case": "gitdir/i:{upper}/",
    "onbranch": "onbranch:trunk",
    "onbranch by pattern": "onbranch:tr*",
    "hasconfig": "hasconfig:remote.*.url:https://git.example.test/**",
}


def conditional(condition: str, place: Path) -> None:
    (Path.home() / "here").write_text(HERE)
    named = condition.format(place=place, upper=str(place).upper())
    settings(f'[user]\n\temail = private@home.test\n[includeIf "{named}"]\n\tpath = ~/here')


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_new_repository_s_author_is_the_one_of_its_place(tmp_path: Path, condition: str) -> None:
    place = tmp_path / "services" / "reader"
    conditional(CONDITIONS[condition], place)
    create_repository(place, FILES, "trunk", "feat: reader", ORIGIN)
    assert git(place, "log", "--format=%an <%ae> %cn <%ce>") == "Here <here@work.test> Here <here@work.test>\n"
    assert git(place, "config", "user.email") == "here@work.test\n"  # as git itself says


@pytest.mark.parametrize(
    "condition",
    [name for name in CONDITIONS if name not in ("gitdir", "gitdir of the git folder", "gitdir in any case")],
)
@pytest.mark.parametrize("exists", [False, True], ids=["nothing there", "a clone there"])
def test_a_commit_in_a_temporary_repository_has_the_author_of_the_place(
    tmp_path: Path, condition: str, exists: bool
) -> None:
    place = tmp_path / "services" / "reader"
    place.parent.mkdir()
    if exists:
        create_repository(place, FILES, "trunk", "feat: reader", ORIGIN)
    conditional(CONDITIONS[condition], place)
    with scratch_repository(place, "trunk", ORIGIN) as scratch:
        base = scratch.commit_alone(FILES, (), "feat: x", Signature("a", "a@b.test", datetime.now(UTC)))
        later = scratch.commit_onto(base, [File("later.txt", b"later\n")], "feat: y")
        assert git(scratch.path, "log", "-1", "--format=%ae %ce", later) == "here@work.test here@work.test\n"
    assert [path.name for path in place.parent.iterdir()] == (["reader"] if exists else [])


def test_no_private_address_is_committed_anywhere(world: World) -> None:
    """Neither in the service's repository, which is mirrored in public, nor for review."""
    settings('[user]\n\temail = private@home.test\n[includeIf "gitdir:' + str(world.folder) + '/"]\n\tpath = ~/here')
    settings('[includeIf "gitdir:' + str(world.sandbox.infra) + '/"]\n\tpath = ~/here')
    git(world.sandbox.infra, "config", "--remove-section", "user")
    (Path.home() / "here").write_text(HERE)
    assert world.run("create", SMALLEST).code == 0
    name = str(SMALLEST["name"])
    for bare, branch in ((world.canonical(name).bare, world.branch), (world.infra.bare, f"newservice/{name}")):
        said = git(bare.path, "log", "--format=%ae %ce", bare.heads()[branch]).splitlines()
        assert "here@work.test here@work.test" in said
        assert not any("private" in addresses for addresses in said)


# --- what does not count -----------------------------------------------------------------------------------

VARIABLES = {
    "GIT_DEFAULT_HASH": "sha256",
    "GIT_DEFAULT_REF_FORMAT": "reftable",
    "GIT_TEMPLATE_DIR": "{elsewhere}",
    "GIT_DIR": "{elsewhere}/.git",
    "GIT_WORK_TREE": "{elsewhere}",
    "GIT_INDEX_FILE": "{elsewhere}/.git/index",
    "GIT_OBJECT_DIRECTORY": "{elsewhere}/.git/objects",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES": "{elsewhere}/.git/objects",
    "GIT_COMMON_DIR": "{elsewhere}/.git",
    "GIT_NAMESPACE": "mine",
    "GIT_PREFIX": "sub/",
    "GIT_CEILING_DIRECTORIES": "/",
    "GIT_CONFIG": "{elsewhere}/.git/config",
    "GIT_CONFIG_PARAMETERS": "'core.bare'='true' 'user.email'='other@elsewhere.test'",
    "GIT_SHALLOW_FILE": "{elsewhere}/shallow",
    "GIT_GRAFT_FILE": "{elsewhere}/grafts",
    "GIT_REPLACE_REF_BASE": "refs/mine/",
    "GIT_ATTR_SOURCE": "HEAD",
    "GIT_AUTHOR_DATE": "2001-01-01T00:00:00",
    "GIT_COMMITTER_DATE": "2001-01-01T00:00:00",
    "GIT_LITERAL_PATHSPECS": "0",
    "GIT_GLOB_PATHSPECS": "1",
    "GIT_ICASE_PATHSPECS": "1",
    "GIT_NOGLOB_PATHSPECS": "1",
    "GIT_TRACE": "1",
    "GIT_TRACE_SETUP": "1",
    "GIT_FLUSH": "0",
    "GIT_QUARANTINE_PATH": "{elsewhere}",
    "GIT_INTERNAL_SUPER_PREFIX": "x/",
    "GIT_REF_PARANOIA": "1",
    "GIT_PROTOCOL": "version=0",
    "GIT_REFLOG_ACTION": "rebase",
    "GIT_DIFF_OPTS": "-u9",
    "GIT_EXTERNAL_DIFF": "false",
    "GIT_EDITOR": "false",
    "GIT_CONFIG_COUNT": "broken",
}

CONFIGURED = {
    "init": "[init]\n defaultObjectFormat = sha256\n defaultRefFormat = reftable\n templateDir = {t}",
    "branch": "[init]\n defaultBranch = x\n[branch]\n autoSetupMerge = always",
    "core": "[core]\n bare = true\n worktree = /nowhere\n fileMode = false\n repositoryFormatVersion = 1",
    "index": "[index]\n version = 4\n sparse = true\n[core]\n splitIndex = true\n untrackedCache = true",
    "messages": "[commit]\n cleanup = strip\n[i18n]\n commitEncoding = latin1",
    "conversions": "[core]\n autocrlf = true\n safecrlf = true\n eol = crlf",
    "remote": '[remote "origin"]\n fetch = +refs/pull/*:refs/remotes/pull/*\n[clone]\n defaultRemoteName = mine',
    "extensions": "[extensions]\n objectFormat = sha256\n refStorage = reftable\n worktreeConfig = true",
    "transfer": "[transfer]\n fsckObjects = true\n[push]\n default = nothing\n[core]\n logAllRefUpdates = false",
}


def sound(place: Path) -> None:
    """The repository is as every other, with one commit of today by this person."""
    assert git(place, "rev-parse", "--show-object-format").strip() == "sha1"
    assert git(place, "log", "--format=%ae %s%d") == "tester@example.test feat: réader # x (HEAD -> master)\n"
    assert int(git(place, "log", "--format=%at%n%ct").split()[0]) > 1_500_000_000
    assert git(place, "ls-tree", "-r", "--name-only", "HEAD").split() == [file.path for file in FILES]
    assert git(place, "ls-tree", "HEAD", "run.sh").startswith("100755")
    assert git(place, "status", "--porcelain") == ""
    assert git(place, "remote", "get-url", "origin").strip() == ORIGIN
    assert not (place / ".git" / "mine").exists()


def elsewhere(folder: Path) -> Path:
    """Another repository, in whose hook newservice is started."""
    (folder / "mine").mkdir(parents=True)
    (folder / "file.txt").write_text("first\n")
    commit_all(folder, "elsewhere")
    return folder


def made(place: Path) -> None:
    create_repository(place, FILES, "master", "feat: réader # x\n\n# kept\n", ORIGIN)
    with scratch_repository() as scratch:
        assert scratch.unfit == ""


@pytest.mark.parametrize("name", VARIABLES)
def test_variables_of_a_hook_or_an_editor_do_not_count(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, place = elsewhere(tmp_path / "elsewhere"), tmp_path / "reader"
    before = {path: path.read_bytes() for path in other.rglob("*") if path.is_file()}
    with monkeypatch.context() as patch:
        patch.setenv(name, VARIABLES[name].format(elsewhere=other))
        made(place)
        opened = Repository.around(place)
        assert opened is not None
        assert (opened.path, opened.git_dir) == (place, place / ".git")
        assert opened.dirty(["."]) == []
        sha = opened.commit_onto(opened.head() or "", [File("later.txt", b"later\n")], "feat: later")
        opened.close()
    assert git(place, "log", "-1", "--format=%ae", sha).strip() == "tester@example.test"
    sound(place)
    assert {path: path.read_bytes() for path in other.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("case", CONFIGURED)
def test_a_person_s_preferences_do_not_shape_a_new_repository(tmp_path: Path, case: str) -> None:
    (tmp_path / "template" / "mine").mkdir(parents=True)
    before = (Path.home() / ".gitconfig").read_text()
    settings(CONFIGURED[case].format(t=tmp_path / "template"))
    made(tmp_path / "reader")
    opened = Repository.open(tmp_path / "reader")
    assert opened is not None
    assert opened.dirty(["."]) == []
    opened.close()
    (Path.home() / ".gitconfig").write_text(before)
    sound(tmp_path / "reader")
    assert git(tmp_path / "reader", "log", "-1", "--format=%B").splitlines()[2] == "# kept"


@pytest.mark.parametrize(
    "names", few(1, [["GIT_DEFAULT_HASH", "GIT_DIR", "GIT_INDEX_FILE", "GIT_CONFIG_PARAMETERS"], [*VARIABLES]])
)
def test_every_command_works_in_a_hook(world: World, names: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    other = elsewhere(world.folder / "elsewhere")
    for name in names:
        monkeypatch.setenv(name, VARIABLES[name].format(elsewhere=other))
    assert world.run("create", SMALLEST).code == 0
    for line in (["doctor"], ["status", str(SMALLEST["name"])], ["fleet", "status", "--offline"]):
        completed = world.command(*line)
        assert not completed.of("error"), (line, completed)
    assert world.run("create", SMALLEST).result["status"] == "unchanged"


@pytest.mark.parametrize("encoding", ["UTF-16", "latin1", "nonsense"])
def test_messages_are_read_as_they_were_written(tmp_path: Path, encoding: str) -> None:
    place = tmp_path / "reader"
    made(place)
    git(place, "config", "i18n.logOutputEncoding", encoding)
    opened = Repository.open(place)
    assert opened is not None
    (begun,) = opened.origins("HEAD", ".")
    opened.close()
    assert begun.message.startswith("feat: réader # x\n")


# --- reading after the end ---------------------------------------------------------------------------------


def test_what_is_read_late_leaves_no_process(tmp_path: Path) -> None:
    """A thread that was started before a command ended may still read."""

    def readers() -> list[int]:
        return [pid for pid in descendants(os.getpid()) if "cat-file" in words_of(pid)]

    create_repository(tmp_path / "reader", FILES, "master", "feat: reader", ORIGIN)
    opened = Repository.open(tmp_path / "reader")
    assert opened is not None
    head = opened.head()
    assert readers()
    opened.close()
    assert not readers()
    assert opened.head() == head
    assert opened.file(head or "", "README.md") == b"# reader\n"
    assert not readers()
