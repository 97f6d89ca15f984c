"""``newservice update`` in a checkout: what it changes, keeps, refuses, and leaves behind when it is stopped."""

from __future__ import annotations

import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from generator.base.errors import RefusedError
from generator.infra_repo.tree_diff import content_of
from generator.infra_repo.trees import Folder
from generator.lifecycle.update import Upgrader
from generator.lifecycle.update.checkout import Place, alone
from generator.platform.profile import load_platform
from tests.answers import RICH, TEMPLATE
from tests.checkout import commit_all, git
from tests.filters import SEALED, lock, seal
from tests.full import few
from tests.invoke import Command, Desk
from tests.upgrade.releases import NEXT, Next, add_release, append, install, profile
from tests.world import Completed

STACK = "stacks/city-guide"
CI_DOC = "docs/architecture/ci-cd.md"
CATALOG = ".claude/reference/service-catalog.md"
OUR_WORDS = "# our own words\n"
MADE = ["infra/" + CI_DOC, f"infra/{STACK}/.copier-answers.yml", f"infra/{STACK}/pager.tf"]


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory) -> Next:
    return add_release(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first test keeps what all of them begin with."""
    return tmp_path_factory.mktemp("kept") / "desk"


@dataclass(frozen=True)
class Made:
    """A service made with the newest real release, both trees committed."""

    desk: Desk
    platform: Path

    @property
    def stack(self) -> Path:
        return self.desk.infra / STACK

    def update(self, place: Path, *more: str) -> Completed:
        return self.desk.command("update", str(place), "--platform", str(self.platform), "--json", *more)

    def changed(self, place: Path) -> dict[str, str]:
        completed = git(place, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--", ".")
        return {entry[3:]: entry[:2] for entry in completed.split("\0") if entry}


@pytest.fixture
def made(
    added: Next, kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Made:
    install(monkeypatch, added)
    desk = Desk(tmp_path / "desk", Command(capsys))
    platform = profile(tmp_path, added)
    if not kept.exists():
        desk.prepare()
        completed = desk.create(RICH, "--platform", platform)
        assert completed.code == 0, completed.out
        commit_all(desk.service, "feat: the service")
        commit_all(desk.infra, "feat: the stack")
        desk.folder.rename(kept)
    shutil.copytree(kept, desk.folder, symlinks=True)
    return Made(desk, platform)


def events(completed: Completed, kind: str) -> list[dict[str, object]]:
    found = [json.loads(line) for line in completed.out.splitlines()]
    return [event for event in found if event["event"] == kind]


def test_a_stack_is_brought_to_the_next_version_with_its_registrations(made: Made) -> None:
    completed = made.update(made.stack)
    assert completed.code == 0, completed.out
    assert made.changed(made.desk.infra) == {
        CI_DOC: " M",
        f"{STACK}/.copier-answers.yml": " M",
        f"{STACK}/pager.tf": "??",
        f"{STACK}/terragrunt.hcl": " M",
    }
    assert (made.stack / "terragrunt.hcl").read_text().endswith("\n# the-pager: nobody, none\n")
    assert "pager-city-guide" in (made.desk.infra / CI_DOC).read_text()
    recorded = yaml.safe_load((made.stack / ".copier-answers.yml").read_text())
    assert (recorded["_commit"], recorded["on_call"]) == (f"v{NEXT}", "nobody")
    (plan,) = events(completed, "plan")
    assert {"id": "pager", "path": CI_DOC, "action": "add"} in plan["registrations"]  # type: ignore[operator]
    (result,) = events(completed, "result")
    assert (result["status"], result["exit_code"], result["service"]) == ("success", 0, "city-guide")


def test_a_second_update_changes_nothing(made: Made) -> None:
    assert made.update(made.stack).code == 0
    commit_all(made.desk.infra, "chore: template")
    completed = made.update(made.stack)
    assert (completed.code, events(completed, "result")[0]["status"]) == (0, "unchanged")
    assert made.changed(made.desk.infra) == {}


def test_edits_are_kept_and_what_is_made_once_is_not_touched(made: Made) -> None:
    for name in ("main.tf", "terragrunt.hcl"):
        file = made.stack / name
        file.write_text(OUR_WORDS + file.read_text())
    (made.stack / "extra.tf").write_text("locals {}\n")
    (made.stack / "service.tf").unlink()
    catalog = made.desk.infra / CATALOG
    catalog.write_text(catalog.read_text().replace("Guides through cities", "Guides, in our words"))
    commit_all(made.desk.infra, "feat: our own words")
    completed = made.update(made.stack)
    assert completed.code == 0, completed.out
    assert (made.stack / "main.tf").read_text().startswith(OUR_WORDS)
    text = (made.stack / "terragrunt.hcl").read_text()
    assert text.startswith(OUR_WORDS)
    assert text.endswith("# the-pager: nobody, none\n")
    assert (made.stack / "extra.tf").read_text() == "locals {}\n"
    assert not (made.stack / "service.tf").exists()
    assert "Guides, in our words" in catalog.read_text()


def test_the_service_s_repository_is_brought_along(made: Made) -> None:
    readme = made.desk.service / "README.md"
    readme.write_text("<!-- ours -->\n" + readme.read_text())
    commit_all(made.desk.service, "docs: ours")
    assert made.update(made.desk.service).code == 0
    assert made.changed(made.desk.service) == {".copier-answers.yml": " M", "README.md": " M"}
    assert readme.read_text().startswith("<!-- ours -->\n")
    assert readme.read_text().endswith("\nOn call: nobody.\n")


def test_check_writes_nothing(made: Made) -> None:
    before = made.desk.snapshot()
    completed = made.update(made.stack, "--check", "--diff")
    assert completed.code == 0
    assert made.desk.snapshot() == before
    (plan,) = events(completed, "plan")
    assert {"repo": "infra", "path": f"{STACK}/pager.tf", "action": "create"} in plan["files"]  # type: ignore[operator]
    assert "+# the-pager: nobody, none" in completed.out


def test_check_leaves_the_index_as_it_is(made: Made) -> None:
    """Git would refresh what it remembers of a touched file, and write that down."""
    os.utime(made.stack / "main.tf", (1, 1))
    index = made.desk.infra / ".git" / "index"
    before = index.read_bytes()
    assert made.update(made.stack, "--check").code == 0
    assert index.read_bytes() == before


def test_check_says_the_answers_of_standard_input(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"title": "Another guide", "outage_page": true}'))
    completed = made.update(made.stack, "--check", "--answers", "-", "--no-anubis")
    assert completed.code == 0, completed.out
    (result,) = events(completed, "result")
    line = str(result["next"][0])  # type: ignore[index]
    words = shlex.split(line)
    given = {words[place + 1] for place, word in enumerate(words) if word == "--set"}
    assert given == {"title=Another guide", "outage_page=true", "anubis=false"}
    assert "--answers" not in words
    assert made.update(made.stack, *words[3:]).code == 0
    recorded = yaml.safe_load((made.stack / ".copier-answers.yml").read_text())
    assert (recorded["title"], recorded["outage_page"]) == ("Another guide", True)


def test_check_names_the_command_with_what_was_answered(made: Made) -> None:
    given = ("--access", "Family", "--access", "Friends of ours", "--set", "outage_page=true", "--no-anubis")
    completed = made.update(made.stack, "--check", *given)
    assert completed.code == 0, completed.out
    (result,) = events(completed, "result")
    line = str(result["next"][0])  # type: ignore[index]
    assert shlex.split(line)[:2] == ["newservice", "update"]
    for flag, value in zip(given[:-1:2], given[1:-1:2], strict=True):
        assert shlex.join([flag, value]) in line
    assert "--no-anubis" in line


def test_a_conflict_is_exit_6_and_git_will_not_commit_it(made: Made) -> None:
    """The marks are git's, in the file and in the index: a plain commit is refused until somebody decides."""
    append(made.stack / "terragrunt.hcl", "\n# our own ending\n")
    commit_all(made.desk.infra, "feat: our own ending")
    completed = made.update(made.stack)
    (result,) = events(completed, "result")
    assert (completed.code, result["status"], result["exit_code"]) == (6, "partial", 6)
    text = (made.stack / "terragrunt.hcl").read_text()
    assert "# our own ending" in text
    assert "# the-pager: nobody, none" in text
    assert "<<<<<<< before updating" in text
    assert made.changed(made.desk.infra)[f"{STACK}/terragrunt.hcl"] == "UU"
    (plan,) = events(completed, "plan")
    assert [item["path"] for item in plan["files"] if item["action"] == "conflict"] == [  # type: ignore[attr-defined]
        f"{STACK}/terragrunt.hcl"
    ]
    done = subprocess.run(["git", "commit", "-m", "x"], cwd=made.desk.infra, capture_output=True, text=True)
    assert done.returncode != 0
    assert "unmerged" in done.stdout + done.stderr


def test_the_way_back_that_is_named_works(made: Made) -> None:
    append(made.stack / "terragrunt.hcl", "\n# our own ending\n")
    commit_all(made.desk.infra, "feat: our own ending")
    completed = made.update(made.stack)
    way = str(events(completed, "result")[0]["next"][-1])  # type: ignore[index]
    command = way.removeprefix("or undo all of it: ")
    done = subprocess.run(["sh", "-c", command], cwd=made.desk.infra, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert made.changed(made.desk.infra) == {}


def test_what_a_version_asks_anew_is_answered_by_its_flag_or_not_at_all(made: Made) -> None:
    before = made.desk.snapshot()
    completed = made.update(made.stack, "--set", "on_call=owner")
    assert completed.code == 2
    assert [(event["code"], event["question"]) for event in events(completed, "error")] == [
        ("answer.missing", "pager_group")
    ]
    assert made.desk.snapshot() == before
    assert made.update(made.stack, "--set", "on_call=owner", "--set", "pager_group=night").code == 0
    assert (made.stack / "terragrunt.hcl").read_text().endswith("# the-pager: owner, night\n")


@pytest.mark.parametrize("path", [f"{STACK}/main.tf", f"{STACK}/new.tf", CI_DOC])
def test_uncommitted_work_is_refused(made: Made, path: str) -> None:
    target = made.desk.infra / path
    target.write_text((target.read_text() if target.exists() else "") + "\n")
    before = made.desk.snapshot()
    completed = made.update(made.stack)
    assert completed.code == 4
    assert events(completed, "error")[0]["code"] == "update.dirty"
    assert made.desk.snapshot() == before


def test_uncommitted_work_elsewhere_is_no_matter(made: Made) -> None:
    (made.desk.infra / "stacks" / "echo" / "main.tf").write_text("# under way\n")
    assert made.update(made.stack).code == 0


@pytest.mark.parametrize(
    ("content", "code", "status"),
    few(
        3,
        [
            (None, "update.no_answers", 4),
            ("name: [\n", "update.unreadable", 4),
            ("layer: stack\n", "update.unreadable", 4),
            ("name: city-guide\nlayer: stack\n_commit: v1.0.0-3-gabcdef0\n", "update.unreadable", 4),
            ("name: city-guide\nlayer: stack\n_commit: v99.0.0\n", "template.newer", 4),
            ("name: city-guide\nlayer: stack\n_commit: v0.1.0\n", "template.unknown_version", 4),
        ],
        apart=True,
    ),
)
def test_what_can_t_be_updated_says_why(made: Made, content: str | None, code: str, status: int) -> None:
    answers = made.stack / ".copier-answers.yml"
    answers.unlink() if content is None else answers.write_text(content)
    commit_all(made.desk.infra, "chore: broken")
    completed = made.update(made.stack)
    assert (completed.code, events(completed, "error")[0]["code"]) == (status, code)
    assert made.changed(made.desk.infra) == {}


def test_never_backwards(made: Made) -> None:
    assert made.update(made.stack).code == 0
    commit_all(made.desk.infra, "chore: template")
    completed = made.update(made.stack, "--to", "1.0.0")
    assert (completed.code, events(completed, "error")[0]["code"]) == (2, "update.downgrade")


def test_an_unwritable_file_leaves_everything_as_it_was(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    before, replace, left = made.desk.snapshot(), os.replace, [True]

    def full(draft: str | Path, target: str | Path, **folders: int) -> None:
        if target == "terragrunt.hcl" and left:
            left.clear()
            raise OSError(28, "No space left on device", target)
        replace(draft, target, **folders)

    monkeypatch.setattr(os, "replace", full)
    completed = made.update(made.stack)
    assert (completed.code, events(completed, "error")[0]["code"]) == (2, "files.unwritable")
    assert made.desk.snapshot() == before
    assert made.changed(made.desk.infra) == {}


STOP = """
import os, signal, sys
from pathlib import Path
from generator.template import releases
from generator.cli import main
releases.FOLDER = Path(sys.argv[1])
left, replace = int(sys.argv[2]), os.replace
def counting(draft, target, **folders):
    global left
    replace(draft, target, **folders)
    if "newservice-update" in str(draft) and "newservice-update" not in str(target):
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
os.replace = counting
main(sys.argv[3:])
"""


@pytest.mark.parametrize("writes", few(1, [2, 4, 1, 3]))
def test_a_killed_update_is_taken_back_and_done_again(made: Made, added: Next, writes: int) -> None:
    completed = made.update(made.stack)
    assert completed.code == 0
    wanted = made.desk.snapshot()
    git(made.desk.infra, "restore", "--staged", "--worktree", ".")
    git(made.desk.infra, "clean", "-fdq")
    before = made.desk.snapshot()
    words = [str(added.releases.folder), str(writes), "update", str(made.stack), "--platform", str(made.platform)]
    done = subprocess.run([sys.executable, "-c", STOP, *words], env=os.environ, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert made.desk.snapshot() != before
    halfway = made.desk.snapshot()
    completed = made.update(made.stack, "--check")  # what only looks says so, and changes nothing
    assert (completed.code, events(completed, "error")[0]["code"]) == (4, "update.interrupted"), completed.out
    assert made.desk.snapshot() == halfway
    completed = made.update(made.stack)  # the next update takes it back first
    assert completed.code == 0, completed.out
    assert "is undone" in completed.out
    assert made.desk.snapshot() == wanted


def test_people_are_reported_in_words(made: Made) -> None:
    completed = made.desk.command("update", str(made.stack), "--platform", str(made.platform))
    assert completed.code == 0
    assert "1.0.0" in completed.out or NEXT in completed.out
    assert "nothing was committed" in completed.out


# --- what is in the way ------------------------------------------------------------------------------------


def refused(made: Made, code: str, status: int = 4) -> None:
    before = made.desk.snapshot()
    completed = made.update(made.stack)
    assert (completed.code, events(completed, "error")[0]["code"]) == (status, code), completed.out
    assert made.desk.snapshot() == before


def test_an_ignored_file_in_the_way_is_never_touched(made: Made) -> None:
    """Git tells nothing of it: not that it is there, and not what was in it."""
    (made.desk.infra / ".gitignore").write_text("pager.tf\n")
    commit_all(made.desk.infra, "chore: ignore")
    (made.stack / "pager.tf").write_text("# mine alone\n")
    refused(made, "update.dirty")


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_what_git_does_not_look_at_is_refused(made: Made, flag: str) -> None:
    git(made.desk.infra, "update-index", flag, f"{STACK}/terragrunt.hcl")
    append(made.stack / "terragrunt.hcl", "# mine, and hidden\n")
    refused(made, "update.hidden")


def test_a_sparse_checkout_without_the_shared_files_is_refused(made: Made) -> None:
    git(made.desk.infra, "status")  # a copied checkout looks changed until git has looked
    git(made.desk.infra, "sparse-checkout", "set", "--no-cone", f"/{STACK}/")
    assert not (made.desk.infra / CI_DOC).exists()
    refused(made, "update.hidden")


def test_a_symbolic_link_is_not_written_through(made: Made) -> None:
    (made.desk.infra / "shared.hcl").write_text((made.stack / "terragrunt.hcl").read_text())
    (made.stack / "terragrunt.hcl").unlink()
    (made.stack / "terragrunt.hcl").symlink_to("../../shared.hcl")
    commit_all(made.desk.infra, "chore: link")
    refused(made, "update.link")


def test_a_copied_stack_is_no_stack(made: Made) -> None:
    """It would take the entries of the service that it was copied from."""
    shutil.copytree(made.stack, made.desk.infra / "stacks" / "copy")
    commit_all(made.desk.infra, "feat: copy")
    completed = made.update(made.desk.infra / "stacks" / "copy")
    assert (completed.code, events(completed, "error")[0]["code"]) == (4, "update.misplaced")


def test_one_update_at_a_time(made: Made) -> None:
    place = Place.of(made.stack)
    with alone(place):
        refused(made, "update.under_way")
    place.repository.close()
    assert made.update(made.stack).code == 0


def test_line_ends_of_another_system_are_kept_and_no_conflict(made: Made) -> None:
    file = made.stack / "terragrunt.hcl"
    file.write_bytes((OUR_WORDS + file.read_text()).replace("\n", "\r\n").encode())
    commit_all(made.desk.infra, "chore: line ends")
    completed = made.update(made.stack)
    assert completed.code == 0, completed.out
    content = file.read_bytes()
    assert content.startswith(b"# our own words\r\n")
    assert content.endswith(b"# the-pager: nobody, none\r\n")
    assert content.count(b"\n") == content.count(b"\r\n")


def test_a_link_to_the_stack_leads_to_it(made: Made, tmp_path: Path) -> None:
    (tmp_path / "here").symlink_to(made.stack)
    assert made.update(tmp_path / "here").code == 0
    assert (made.stack / "pager.tf").exists()


def test_an_entry_that_a_person_has_to_see_to_comes_up_again(made: Made) -> None:
    """Committed or not: the version is not recorded before the entry is there."""
    doc = made.desk.infra / CI_DOC
    doc.write_text(doc.read_text().replace("**Public**", "**Open**"))
    commit_all(made.desk.infra, "docs: other words")
    completed = made.update(made.stack)
    assert (completed.code, events(completed, "result")[0]["status"]) == (6, "partial")
    commit_all(made.desk.infra, "chore: template")
    again = made.update(made.stack)
    assert again.code == 6, again.out
    doc.write_text(doc.read_text().replace("**Open**", "**Public**"))
    commit_all(made.desk.infra, "docs: the words")
    assert made.update(made.stack).code == 0
    assert f"_commit: v{NEXT}" in (made.stack / ".copier-answers.yml").read_text()


def test_a_shared_file_that_is_no_text_is_left_to_a_person(made: Made) -> None:
    (made.desk.infra / CI_DOC).write_bytes(b"\0GITCRYPT\0\xff\xfe")
    commit_all(made.desk.infra, "chore: sealed")
    completed = made.update(made.stack)
    assert completed.code == 6, completed.out
    assert (made.desk.infra / CI_DOC).read_bytes() == b"\0GITCRYPT\0\xff\xfe"


def test_a_platform_that_lacks_what_the_template_needs_is_not_updated(made: Made) -> None:
    """Access would depend on an argument that the module does not declare."""
    module = made.desk.infra / "modules" / "kubernetes" / "ingress_factory" / "main.tf"
    text = module.read_text()
    start = text.index('variable "dns_type"')
    module.write_text(text[:start] + text[text.index("\n}\n", start) + 3 :])
    commit_all(made.desk.infra, "chore: an older module")
    refused(made, "update.platform")


def test_a_killed_update_that_was_committed_is_not_taken_back(made: Made, added: Next) -> None:
    words = [str(added.releases.folder), "4", "update", str(made.stack), "--platform", str(made.platform)]
    done = subprocess.run([sys.executable, "-c", STOP, *words], env=os.environ, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    commit_all(made.desk.infra, "chore: template")
    after = made.desk.snapshot()
    completed = made.update(made.stack)
    assert (completed.code, events(completed, "result")[0]["status"]) == (0, "unchanged"), completed.out
    assert made.desk.snapshot() == after


def test_a_profile_of_another_platform_has_no_say(made: Made, added: Next) -> None:
    """Neither its groups nor its names go into a service that was made for another one."""
    own = load_platform(TEMPLATE.platform, made.platform, environ={})
    theirs = own.changed({"domain": "elsewhere.test", "pager": "their-pager"})
    with pytest.raises(RefusedError) as refusal:
        Upgrader(added.releases, theirs).plan(Folder(made.desk.infra), f"{STACK}/")
    assert refusal.value.code == "update.other_platform"
    ours = own.changed({"pager": "our-pager"})
    upgrade = Upgrader(added.releases, ours).plan(Folder(made.desk.infra), f"{STACK}/")
    (changed,) = [item for item in upgrade.files if item.path.endswith("terragrunt.hcl")]
    assert content_of(changed.after).endswith(b"# our-pager: nobody, none\n")


@pytest.mark.parametrize("locked", [False, True], ids=["unlocked", "locked"])
def test_an_update_beside_what_is_sealed_runs_no_filter(made: Made, tmp_path: Path, locked: bool) -> None:
    (made.stack / "secrets.tfvars").write_text("of this stack\n")
    mark = seal(made.desk.infra, tmp_path / "tools")
    if locked:
        lock(made.desk.infra)
    mark.unlink(missing_ok=True)
    before = {path: (made.desk.infra / path).read_bytes() for path in (*SEALED, f"{STACK}/secrets.tfvars")}
    assert made.update(made.stack, "--check").code == 0
    assert made.update(made.stack).code == 0
    assert not mark.exists(), mark.read_text()
    assert {path: (made.desk.infra / path).read_bytes() for path in before} == before
    assert (made.stack / "pager.tf").exists()


@pytest.mark.parametrize("rule", [f"/{STACK}/pager.tf", f"/{STACK}/terragrunt.hcl"])
def test_an_update_does_not_write_what_is_sealed(made: Made, rule: str) -> None:
    """A new file, and one that exists: in the clone's own attributes."""
    (made.desk.infra / ".git" / "info").mkdir(exist_ok=True)
    (made.desk.infra / ".git" / "info" / "attributes").write_text(f"{rule} filter=git-crypt\n")
    refused(made, "git.filtered")
