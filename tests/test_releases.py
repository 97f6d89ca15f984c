"""Released templates never change, and nothing is released that copier and newservice would render differently."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from packaging.version import Version

from generator.base.errors import ExitCode, NewserviceError, UsageError
from generator.clients.git import scratch_repository
from generator.lifecycle.publication.publisher import build
from generator.template.release_check import check_template
from generator.template.releases import FOLDER, Release, Releases, commit_id, template_members, tree_id
from generator.template.template import Template
from tests.checkout import git
from tests.full import few, full
from tests.invoke import Command

RELEASES = Releases()
WHEN = datetime(2099, 11, 24, 8, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
PUBLISHED = {
    "1.0.0": "e60c6a6d3da2e72d6d06d570c7af41a800936d46",
    "2.0.0": "7549cec20f7c5f39efe9b13f3b184818a695f7e9",
    "2.1.0": "83ccdbf3cfd13e5236478b8105078e88aec32ae0",
    "2.2.0": "1b13d5829e42b02e71d99744f7c8597abfa123f2",
    "2.3.0": "c8f0696ab8f426ceb51a998fa15b5162247ec95d",
    "2.4.0": "011127bba49ea765ad315c9ce38423b8292b31db",
}
"""Commits that are out: their ids never change."""


@pytest.fixture
def template(tmp_path: Path) -> Template:
    """A copy of the newest release's template, under the next version."""
    root = tmp_path / "template"
    for member in RELEASES.members(RELEASES.newest):
        target = root / member.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(member.content)
        target.chmod(0o755 if member.executable else 0o644)
    return versioned(root, "99.0.0")


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    """A copy of the releases."""
    return Releases(Path(shutil.copytree(FOLDER, tmp_path / "released")))


def versioned(root: Path, version: str) -> Template:
    """The template under another version."""
    config = root / "copier.yml"
    now = Template(root).version
    text = config.read_text(encoding="utf-8")
    assert text.count(f'default: "{now}"') == 1
    config.write_text(text.replace(f'default: "{now}"', f'default: "{version}"'), encoding="utf-8")
    return Template(root)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# --- what is released ------------------------------------------------------------------------------------------


def test_the_installed_template_is_no_changed_release() -> None:
    """A change that is rendered needs a new version: raise template_version in copier.yml."""
    assert RELEASES.standing(Template.installed()).state != "differs"


def test_index_and_archives_belong_together() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {
        "index.json",
        *(f"{release.version}.zip" for release in RELEASES.all),
    }
    versions = [release.version for release in RELEASES.all]
    assert versions == sorted(set(versions))
    dates = [release.released for release in RELEASES.all]
    assert dates == sorted(dates)


@pytest.mark.parametrize("release", RELEASES.all, ids=lambda release: str(release.version))
def test_an_archive_holds_what_was_released(release: Release) -> None:
    members = RELEASES.members(release.version)
    assert tree_id(members) == release.tree
    template = RELEASES.template(release.version)
    assert template.version == str(release.version)
    assert tree_id(tuple(template_members(template))) == release.tree


def test_commits_that_are_out_keep_their_ids() -> None:
    found = {str(version): sha for version, sha in RELEASES.commits.items()}
    assert {version: found[version] for version in PUBLISHED} == PUBLISHED


@pytest.mark.parametrize(
    "settings", ["", "[init]\n\tdefaultObjectFormat = sha256\n[i18n]\n\tcommitEncoding = latin1\n"]
)
def test_git_makes_the_same_ids(settings: str) -> None:
    """Also where the person has settings of their own."""
    config = Path.home() / ".gitconfig"
    config.write_text(config.read_text() + settings)
    with scratch_repository() as scratch:
        build(RELEASES, scratch)
        for release in RELEASES.all:
            sha = RELEASES.commits[release.version]
            assert scratch.has(sha)
            completed = git(scratch.path, "log", "-1", "--format=%T|%an|%ae|%at|%cn|%ce|%ct|%B", sha).strip()
            when = int(release.released.timestamp())
            signed = f"newservice|newservice@localhost|{when}"
            assert completed == f"{release.tree}|{signed}|{signed}|template {release.version}"
            listed = git(scratch.path, "ls-tree", "-r", "-z", "--name-only", sha).split("\0")
            assert sorted(filter(None, listed)) == sorted(item.path for item in RELEASES.members(release.version))
        path = scratch.path
    assert not path.exists()


def test_a_damaged_archive_is_noticed(releases: Releases) -> None:
    oldest, newest = releases.all[0].version, releases.newest
    members = list(releases.members(newest))
    other = Releases(releases.folder.parent / "other")
    other.folder.mkdir()
    (other.folder / "index.json").write_text("[]")
    root = other.folder.parent / "unpacked"
    for member in members:
        (root / member.path).parent.mkdir(parents=True, exist_ok=True)
        (root / member.path).write_bytes(member.content + b"\n")
    other.add(Template(root), WHEN)
    shutil.copy(other.folder / f"{newest}.zip", releases.folder / f"{newest}.zip")
    with scratch_repository() as scratch, pytest.raises(NewserviceError) as caught:
        build(releases, scratch)
    assert caught.value.code == "template.damaged"
    assert str(newest) in caught.value.message
    assert oldest in releases.commits


# --- the next release ------------------------------------------------------------------------------------------


def test_a_release_is_added(releases: Releases, template: Template) -> None:
    before = snapshot(releases.folder)
    kept, commits = releases.all, dict(releases.commits)
    (template.root / "templates" / "new.txt").write_text("new\n")
    (template.root / "templates" / "shapes.yml").unlink()
    (template.root / "templates" / "__pycache__").mkdir()
    (template.root / "templates" / "__pycache__" / "x.pyc").write_bytes(b"")
    assert releases.changes(template) == (1, 1, 1)
    release = releases.add(template, WHEN)
    assert release.version == releases.newest == Version("99.0.0")
    assert release.released == datetime(2099, 11, 24, 7, 0, 0, tzinfo=UTC)
    assert releases.all == (*kept, release)
    assert releases.commits == {**commits, release.version: commit_id(release, list(commits.values())[-1])}
    after = snapshot(releases.folder)
    assert {name: after[name] for name in before if name != "index.json"} == {
        name: content for name, content in before.items() if name != "index.json"
    }
    assert set(after) - set(before) == {"99.0.0.zip"}
    again = Releases(releases.folder)
    assert again.all == releases.all
    assert [member.path for member in again.members(release.version)].count("templates/new.txt") == 1
    assert again.standing(template).state == "released"
    (template.root / "templates" / "new.txt").write_text("newer\n")
    assert again.standing(template).state == "differs"


def test_a_slow_clock_does_not_turn_the_order_around(releases: Releases, template: Template) -> None:
    assert releases.add(template, datetime(2020, 1, 1, tzinfo=UTC)).released == releases.all[-2].released


def test_the_same_files_make_the_same_archive_and_another_mode_another_tree(
    releases: Releases, template: Template, tmp_path: Path
) -> None:
    other = Releases(Path(shutil.copytree(releases.folder, tmp_path / "copy")))
    assert releases.add(template, WHEN) == other.add(template, WHEN)
    assert snapshot(releases.folder) == snapshot(other.folder)
    versioned(template.root, "99.0.1")
    (template.root / "copier.yml").chmod(0o755)
    executable = tree_id(tuple(template_members(template)))
    (template.root / "copier.yml").chmod(0o644)
    assert tree_id(tuple(template_members(template))) != executable


@pytest.mark.parametrize("version", ["new", "1.0.0.final", "v99.0.0", "99.0.0-1", "99.0.0rc1", "99.0.0.dev1", "99+own"])
def test_what_is_no_final_version_is_refused(releases: Releases, template: Template, version: str) -> None:
    before = snapshot(releases.folder)
    with pytest.raises(UsageError) as caught:
        releases.add(versioned(template.root, version), WHEN)
    assert caught.value.code == "template.version"
    assert snapshot(releases.folder) == before


@pytest.mark.parametrize("version", ["0.9.0", str(RELEASES.newest)])
def test_a_version_that_is_not_newer_is_refused(releases: Releases, template: Template, version: str) -> None:
    before = snapshot(releases.folder)
    with pytest.raises(UsageError, match="released already") as caught:
        releases.add(versioned(template.root, version), WHEN)
    assert caught.value.code == "template.version"
    assert snapshot(releases.folder) == before


# --- what may be released --------------------------------------------------------------------------------------

README = "templates/service/python/README.md.jinja"


def append(template: Template, path: str, text: str) -> None:
    place = template.root / path
    place.write_text(place.read_text(encoding="utf-8") + text, encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    few(
        2,
        [
            (README, "[% if %]\n", "could not be rendered|can't be read or rendered"),
            (README, "[[ no_such_thing ]]\n", "no_such_thing"),
            (README, "[% if _copier_conf.dst_path is defined %]more[% endif %]\n", "different files of .*: README.md"),
            ("copier.yml", "wanted:\n  type: str\n  help: New.\n", "allows no small service"),
            ("copier.yml", "}\n", "can't be read"),
            ("templates/shapes.yml", "]\n", "can't be read"),
        ],
        apart=True,
    ),
)
def test_a_template_that_is_not_fit_is_refused(template: Template, path: str, text: str, expected: str) -> None:
    append(template, path, text)
    with pytest.raises(UsageError, match=expected) as caught:
        check_template(Template(template.root))
    assert caught.value.code == "template.unfit"


# --- the command -----------------------------------------------------------------------------------------------


@pytest.fixture
def checkout(
    template: Template, releases: Releases, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    """The command in a checkout whose template is the next version."""
    monkeypatch.setattr("generator.template.releases.FOLDER", releases.folder)
    monkeypatch.setattr(Template, "installed", classmethod(lambda cls: Template(template.root)))
    return Command(capsys)


def test_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    command = Command(capsys)
    completed = command("templates", "--json")
    assert completed.code == ExitCode.OK
    assert completed.events == command("templates", "list", "--json").events
    listed = [item for item in completed.of("template") if item["state"] == "released"]
    assert [(item["version"], item["commit"], item["published"]) for item in listed] == [
        (str(version), sha, None) for version, sha in RELEASES.commits.items()
    ]
    assert completed.result["status"] == "success"
    (installed,) = [item for item in completed.of("template") if item["installed"]]
    assert installed["version"] == Template.installed().version
    text = command("templates").out
    assert all(str(release.version) in text for release in RELEASES.all)
    assert command("templates", "publish", "x").code == command("templates", "nothing").code == ExitCode.USAGE


def test_flags_before_a_subcommand_are_never_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    """A profile that was named is used, or the command is refused."""
    completed = Command(capsys)("templates", "--platform", "sandbox.yml", "publish", "--json")
    assert completed.code == ExitCode.USAGE


@full
def test_the_command_releases(checkout: Command, releases: Releases, template: Template) -> None:
    before = snapshot(releases.folder)
    unreleased = checkout("templates", "--json").of("template")[-1]
    assert (unreleased["version"], unreleased["state"], unreleased["tag"]) == ("99.0.0", "unreleased", None)
    assert checkout("templates", "release", "--dry-run", "--json").result["status"] == "success"
    assert snapshot(releases.folder) == before

    completed = checkout("templates", "release", "--json")
    assert completed.result["status"] == "success"
    assert completed.of("template")[-1]["installed"]
    assert completed.of("template")[-1]["state"] == "released"
    assert [line["version"] for line in json.loads((releases.folder / "index.json").read_text())][-1] == "99.0.0"

    again = checkout("templates", "release", "--json")
    assert again.of("error")[0]["code"] == "template.version"
    append(template, README, "more\n")
    changed = checkout("templates", "--json")
    assert [(item["version"], item["state"], item["installed"]) for item in changed.of("template")[-2:]] == [
        ("99.0.0", "released", False),
        ("99.0.0", "differs", True),
    ]
    assert "template_version" in changed.result["next"][0]


def test_the_command_refuses_what_is_not_fit(checkout: Command, releases: Releases, template: Template) -> None:
    before = snapshot(releases.folder)
    append(template, README, "[[ no_such_thing ]]\n")
    completed = checkout("templates", "release", "--json")
    assert completed.code == ExitCode.USAGE
    assert completed.of("error")[0]["code"] == "template.unfit"
    assert snapshot(releases.folder) == before


def test_an_installed_package_releases_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged = Template(FOLDER.parent / "_template")
    monkeypatch.setattr(Template, "installed", classmethod(lambda cls: packaged))
    completed = Command(capsys)("templates", "release", "--json")
    assert completed.of("error")[0]["code"] == "template.no_checkout"
